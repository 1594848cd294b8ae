/* What works before libtorch is loaded, and loading it. What happens without it is tests/consumer/without_libtorch.sh. */
#include "check.h"

/* Whether a library of this name is in this process. */
static int is_loaded(const char *name)
{
    char line[4096];
    int found = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    while (maps != NULL && fgets(line, sizeof line, maps) != NULL) {
        found = found || strstr(line, name) != NULL;
    }
    CHECK(maps != NULL && fclose(maps) == 0);
    return found;
}

static void before(void)
{
    char message[8] = "before";
    size_t length = 7;
    CHECK(coopseg_abi_version() == COOPSEG_ABI_VERSION && strchr(coopseg_version(), '.') != NULL);
    CHECK(strcmp(coopseg_status_name(COOPSEG_LIBTORCH_UNAVAILABLE), "COOPSEG_LIBTORCH_UNAVAILABLE") == 0);
    CHECK(coopseg_live_handles() == 0);
    CHECK_OK(coopseg_model_free(NULL));
    CHECK_OK(coopseg_string_free(NULL));
    CHECK_OK(coopseg_last_error(message, sizeof message, &length));
    CHECK(message[0] == '\0' && length == 0);
    CHECK(coopseg_last_error(NULL, 5, NULL) == COOPSEG_NULL_ARGUMENT);
    CHECK(!is_loaded("/libtorch_cpu.so") && !is_loaded("/libcoopseg-core.so"));
}

/* A folder without libtorch is refused before anything is loaded, and its name is told to this thread. */
static void wrong_folder(void)
{
    char message[12];
    char folder[3000];
    size_t length = 0;
    size_t i;
    CHECK_FAILS(COOPSEG_FILE_NOT_FOUND, "`folder` is /nowhere", coopseg_load_libtorch("/nowhere"));
    CHECK_OK(coopseg_last_error(message, sizeof message, &length));
    CHECK(strcmp(message, "`folder` is") == 0 && length > sizeof message);
    /* Two bytes a letter: a message that is cut ends with a whole one. */
    for (i = 0; i + 2 < sizeof folder; i += 2) {
        memcpy(folder + i, "\xc3\xa4", 3);
    }
    CHECK_FAILS(COOPSEG_FILE_NOT_FOUND, "\xc3\xa4", coopseg_load_libtorch(folder));
    CHECK_OK(coopseg_last_error(NULL, 0, &length));
    CHECK(length > 2000 && length < 2048 && (length - strlen("`folder` is ")) % 2 == 0);
    CHECK_FAILS(COOPSEG_INVALID_ARGUMENT, "empty path", coopseg_load_libtorch(""));
    CHECK(!is_loaded("/libtorch_cpu.so"));
}

static void loading(const char *folder)
{
    char path[4096];
    char *json = NULL;
    CHECK_OK(coopseg_load_libtorch(NULL));
    CHECK(is_loaded("/libtorch_cpu.so") && is_loaded("/libcoopseg-core.so"));
    CHECK_FAILS(COOPSEG_FILE_NOT_FOUND, "/nowhere", coopseg_load_libtorch("/nowhere"));
    CHECK_OK(coopseg_load_libtorch(NULL));

    path_in(path, sizeof path, folder, "libtorch_cpu.so");
    write_bytes(path, "another", 7);
    CHECK_FAILS(COOPSEG_INVALID_STATE, folder, coopseg_load_libtorch(folder));

    CHECK_OK(coopseg_build_info(&json));
    if (json != NULL) {
        char *start = strstr(json, "\"folder\": \"");
        char *end = start != NULL ? strchr(start + 11, '"') : NULL;
        if (end == NULL) {
            FAIL("coopseg_build_info tells libtorch's folder");
        } else {
            *end = '\0';
            CHECK_OK(coopseg_load_libtorch(start + 11));
        }
    }
    CHECK_OK(coopseg_string_free(json));
}

int main(int argc, char **argv)
{
    const char *folder = scratch(argc, argv);
    before();
    wrong_folder();
    loading(folder);
    return report();
}
