/* The library as a whole: version, devices, threads, seed, log, configuration, texts. */
#include "check.h"

#include <unistd.h>

static int messages = 0;
static const char *last_user_data = NULL;

static void on_message(int32_t level, const char *message, void *user_data)
{
    CHECK(level >= COOPSEG_LOG_ERROR && level <= COOPSEG_LOG_INFO);
    CHECK(message != NULL && message[0] != '\0');
    last_user_data = (const char *)user_data;
    messages++;
}

static void versions(void)
{
    char *json = NULL;
    CHECK(coopseg_abi_version() == COOPSEG_ABI_VERSION);
    CHECK(strchr(coopseg_version(), '.') != NULL);
    CHECK_OK(coopseg_build_info(&json));
    CHECK(json != NULL && strstr(json, coopseg_version()) != NULL && strstr(json, "2.11.0") != NULL);
    CHECK_OK(coopseg_string_free(json));
    CHECK_FAILS(COOPSEG_INVALID_HANDLE, "freed already", coopseg_string_free(json));
    CHECK_OK(coopseg_string_free(NULL));
    CHECK_FAILS(COOPSEG_NULL_ARGUMENT, "out_json", coopseg_build_info(NULL));
}

static void statuses(void)
{
    char text[8];
    size_t length = 0;
    CHECK(strcmp(coopseg_status_name(COOPSEG_OK), "COOPSEG_OK") == 0);
    CHECK(strcmp(coopseg_status_name(COOPSEG_POISONED), "COOPSEG_POISONED") == 0);
    CHECK(strcmp(coopseg_status_name(-5), "unknown coopseg status") == 0);
    CHECK_STATUS(COOPSEG_INVALID_ARGUMENT, coopseg_set_threads(0));
    CHECK(coopseg_last_error(text, sizeof text, &length) == COOPSEG_OK);
    CHECK(strlen(text) == sizeof text - 1 && length > sizeof text);
    CHECK(coopseg_last_error(NULL, 0, &length) == COOPSEG_OK && length > 0);
    CHECK(coopseg_last_error(NULL, 5, NULL) == COOPSEG_NULL_ARGUMENT);
    CHECK(coopseg_last_error(text, sizeof text, NULL) == COOPSEG_OK);
}

static void devices_and_threads(void)
{
    char *json = NULL;
    int32_t count = 0;
    CHECK_OK(coopseg_devices(&json));
    CHECK(strstr(json, "\"cpu\"") != NULL && strstr(json, "\"reason\"") != NULL);
    CHECK_OK(coopseg_string_free(json));
    CHECK_OK(coopseg_set_threads(1));
    CHECK_OK(coopseg_threads(&count));
    CHECK(count == 1);
    CHECK_OK(coopseg_set_threads(2));
    CHECK_FAILS(COOPSEG_INVALID_ARGUMENT, "-3", coopseg_set_threads(-3));
    CHECK_STATUS(COOPSEG_NULL_ARGUMENT, coopseg_threads(NULL));
}

static void configurations(void)
{
    char *json = NULL;
    char *paper = NULL;
    CHECK_OK(coopseg_config_default(NULL, &json));
    CHECK_OK(coopseg_config_default("paper", &paper));
    CHECK(strstr(json, "half_mse") != NULL && strstr(paper, "half_mse") == NULL);
    CHECK_OK(coopseg_string_free(paper));
    paper = NULL;
    CHECK_OK(coopseg_config_check(json, &paper));
    CHECK(strcmp(json, paper) == 0);
    CHECK_OK(coopseg_string_free(json));
    CHECK_OK(coopseg_string_free(paper));
    CHECK_FAILS(COOPSEG_INVALID_ARGUMENT, "texte", coopseg_config_default("texte", &json));

    CHECK_FAILS(COOPSEG_INVALID_CONFIG, "epoch_count", coopseg_config_check("{\"epoch_count\": 3}", &json));
    CHECK_FAILS(COOPSEG_INVALID_CONFIG, "network", coopseg_config_check("{\"network\": {\"witdh\": 3}}", &json));
    CHECK_FAILS(COOPSEG_INVALID_CONFIG, "network.width",
                coopseg_config_check("{\"network\": {\"width\": \"wide\"}}", &json));
    CHECK_FAILS(COOPSEG_INVALID_CONFIG, "network.width", coopseg_config_check("{\"network\": {\"width\": 0}}", &json));
    CHECK_FAILS(COOPSEG_INVALID_CONFIG, "optimizer.learning_rate",
                coopseg_config_check("{\"optimizer\": {\"learning_rate\": -1}}", &json));
    CHECK_FAILS(COOPSEG_INVALID_CONFIG, "hard_examples.annealing",
                coopseg_config_check("{\"hard_examples\": {\"annealing\": [0.5, 0.1]}}", &json));
    CHECK_FAILS(COOPSEG_INVALID_CONFIG, "preprocess.crop",
                coopseg_config_check("{\"preprocess\": {\"crop\": [190, 192]}}", &json));
    CHECK_FAILS(COOPSEG_INVALID_CONFIG, "preset", coopseg_config_check("{\"preset\": \"nice\"}", &json));
    CHECK_FAILS(COOPSEG_INVALID_CONFIG, "device", coopseg_config_check("{\"device\": \"tpu\"}", &json));
    CHECK_FAILS(COOPSEG_INVALID_CONFIG, "JSON", coopseg_config_check("{", &json));
    CHECK_FAILS(COOPSEG_INVALID_CONFIG, "object", coopseg_config_check("[1]", &json));
    CHECK_STATUS(COOPSEG_INVALID_ARGUMENT, coopseg_config_check("\xff\xfe", &json));
    CHECK_STATUS(COOPSEG_NULL_ARGUMENT, coopseg_config_check("{}", NULL));

    const char *const kinds[] = {"training", "segmenter", "folder", "synthetic", "split", "evaluation",
                                 "hard_example", "artefact"};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        CHECK_OK(coopseg_config_schema(kinds[i], &json));
        CHECK(strstr(json, "\"properties\"") != NULL && strstr(json, "Default") != NULL);
        CHECK_OK(coopseg_string_free(json));
    }
    CHECK_FAILS(COOPSEG_INVALID_ARGUMENT, "schemas", coopseg_config_schema("schemas", &json));
}

static void log_and_seed(void)
{
    char word[] = "mine";
    coopseg_model *first = NULL;
    coopseg_dataset *dataset = NULL;
    coopseg_trainer *trainer = NULL;
    CHECK_OK(coopseg_set_log_callback(on_message, COOPSEG_LOG_INFO, word));
    CHECK_FAILS(COOPSEG_INVALID_ARGUMENT, "level", coopseg_set_log_callback(on_message, 9, NULL));
    CHECK_OK(coopseg_set_seed(5));
    CHECK_OK(coopseg_model_new("{\"network\": {\"width\": 1}}", &first));
    CHECK_OK(coopseg_dataset_synthetic("{\"subjects\": 1, \"slices\": 2, \"size\": [64, 64]}", &dataset));
    CHECK_OK(coopseg_trainer_new(SMALL_CONFIG, dataset, NULL, NULL, &trainer));
    CHECK(messages > 0 && last_user_data == word);
    CHECK_OK(coopseg_set_log_callback(NULL, 0, NULL));
    CHECK_OK(coopseg_trainer_free(trainer));
    CHECK_OK(coopseg_dataset_free(dataset));
    CHECK_OK(coopseg_model_free(first));
}

/* When main has returned, what threads keep may be gone already. */
static void at_exit(void)
{
    char message[64] = "not written";
    size_t length = 7;
    if (coopseg_model_free((coopseg_model *)1) != COOPSEG_INVALID_HANDLE ||
        coopseg_last_error(message, sizeof message, &length) != COOPSEG_OK || strlen(message) > length) {
        fputs("calls at exit went wrong\n", stderr);
        _exit(1);
    }
}

int main(void)
{
    CHECK(atexit(at_exit) == 0);
    versions();
    statuses();
    devices_and_threads();
    configurations();
    log_and_seed();
    CHECK(coopseg_live_handles() == 0);
    return report();
}
