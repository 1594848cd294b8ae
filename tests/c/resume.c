/* A training that is killed again and again ends with the same weights as one that never was. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"

#include <dirent.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define KILLS 20
#define MOST_RUNS 200

static const char CONFIG[] =
    "{\"network\": {\"width\": 2}, \"seed\": 7, \"device\": \"cpu\","
    " \"preprocess\": {\"spacing\": null, \"pad\": [48, 48], \"crop\": [32, 32]},"
    " \"slices_per_step\": 2, \"epochs\": 40, \"validation\": {\"every_epochs\": 5},"
    " \"optimizer\": {\"accumulate_steps\": 3, \"average_decay\": 0.9},"
    " \"snapshots\": {\"folder\": \"%s\", \"every_steps\": 1, \"keep\": 2}}";

static int reports = -1;

static void tell(long long step)
{
    CHECK(write(reports, &step, sizeof step) == (ssize_t)sizeof step);
}

static int32_t on_event(const coopseg_event *event, void *user_data)
{
    (void)user_data;
    if (event->kind == COOPSEG_EVENT_SNAPSHOT) {
        tell((long long)event->step);
    }
    return 0;
}

/* Trains in this process: from the newest snapshot of the folder, or from the start; then saves the model. */
static int train(const char *folder, const char *model, int resume)
{
    coopseg_dataset *training = NULL, *validation = NULL;
    coopseg_trainer *trainer = NULL;
    char config[2048];
    char *json = NULL;
    const char *steps;

    snprintf(config, sizeof config, CONFIG, folder);
    CHECK_OK(coopseg_set_threads(2));
    CHECK_OK(coopseg_dataset_synthetic(
        "{\"subjects\": 2, \"slices\": 3, \"size\": [48, 40], \"spacing\": [7, 8, 8]}", &training));
    CHECK_OK(coopseg_dataset_synthetic(
        "{\"subjects\": 1, \"slices\": 3, \"size\": [48, 40], \"spacing\": [7, 8, 8], \"seed\": 1}",
        &validation));
    if (resume) {
        CHECK_OK(coopseg_trainer_resume(folder, NULL, training, validation, &trainer));
    } else {
        CHECK_OK(coopseg_trainer_new(config, training, validation, NULL, &trainer));
    }
    CHECK_OK(coopseg_dataset_free(training));
    CHECK_OK(coopseg_dataset_free(validation));
    if (failures > 0) {
        return 1;
    }
    CHECK_OK(coopseg_trainer_metrics(trainer, &json));
    steps = strstr(json, "\"steps\": ");
    tell(steps == NULL ? -1 : atoll(steps + strlen("\"steps\": ")));
    CHECK_OK(coopseg_string_free(json));
    CHECK_OK(coopseg_trainer_run(trainer, on_event, NULL));
    CHECK_OK(coopseg_trainer_save_best(trainer, model));
    CHECK_OK(coopseg_trainer_free(trainer));
    return failures > 0;
}

static pid_t start(const char *program, const char *folder, const char *model, int resume, int *out_reports)
{
    char descriptor[16];
    char *arguments[7];
    int ends[2];
    pid_t child;
    if (pipe(ends) != 0 || (child = fork()) < 0) {
        perror("fork");
        exit(1);
    }
    if (child == 0) {
        close(ends[0]);
        snprintf(descriptor, sizeof descriptor, "%d", ends[1]);
        arguments[0] = (char *)program;
        arguments[1] = (char *)"child";
        arguments[2] = (char *)folder;
        arguments[3] = (char *)model;
        arguments[4] = (char *)(resume ? "resume" : "new");
        arguments[5] = descriptor;
        arguments[6] = NULL;
        execv(program, arguments);
        _exit(127);
    }
    close(ends[1]);
    *out_reports = ends[0];
    return child;
}

static int count(const char *folder, const char *prefix)
{
    DIR *entries = opendir(folder);
    struct dirent *entry;
    int found = 0;
    while (entries != NULL && (entry = readdir(entries)) != NULL) {
        found += strncmp(entry->d_name, prefix, strlen(prefix)) == 0;
    }
    if (entries != NULL) {
        closedir(entries);
    }
    return found;
}

static void sleep_for(long microseconds)
{
    struct timespec time;
    time.tv_sec = microseconds / 1000000;
    time.tv_nsec = microseconds % 1000000 * 1000;
    nanosleep(&time, NULL);
}

/* The weights: what follows the header, whose length the file begins with. */
static char *weights(const char *path, size_t *out_size)
{
    unsigned char prefix[8] = {0};
    unsigned long long header = 0;
    FILE *file = fopen(path, "rb");
    long size = 0;
    char *bytes = NULL;
    int index;
    CHECK(file != NULL);
    if (file == NULL) {
        exit(1);
    }
    CHECK(fread(prefix, 1, 8, file) == 8);
    for (index = 7; index >= 0; index--) {
        header = header << 8 | prefix[index];
    }
    CHECK(fseek(file, 0, SEEK_END) == 0);
    size = ftell(file) - 8 - (long)header;
    CHECK(size > 0 && fseek(file, 8 + (long)header, SEEK_SET) == 0);
    bytes = (char *)malloc((size_t)size);
    CHECK(bytes != NULL && fread(bytes, 1, (size_t)size, file) == (size_t)size);
    fclose(file);
    *out_size = (size_t)size;
    return bytes;
}

int main(int argc, char **argv)
{
    const char *scratch_folder;
    char name[64];
    char whole[1024], folder[1024], whole_model[1024], model[1024];
    char *expected, *found;
    size_t expected_size, found_size;
    int kills = 0, within_a_write = 0, runs, finished = 0, status = 0, pipe_end = -1;
    long long written = 0;
    pid_t child;

    if (argc == 6 && strcmp(argv[1], "child") == 0) {
        reports = atoi(argv[5]);
        return train(argv[2], argv[3], strcmp(argv[4], "resume") == 0);
    }
    scratch_folder = scratch(argc, argv);
    snprintf(name, sizeof name, "resume-%ld-whole", (long)getpid());
    path_in(whole, sizeof whole, scratch_folder, name);
    path_in(whole_model, sizeof whole_model, scratch_folder, "resume-whole.coopseg");
    path_in(model, sizeof model, scratch_folder, "resume.coopseg");
    child = start("/proc/self/exe", whole, whole_model, 0, &pipe_end);
    while (read(pipe_end, &status, sizeof status) > 0) {
    }
    close(pipe_end);
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);

    srand(20);
    for (runs = 0; runs < MOST_RUNS && (kills < KILLS || within_a_write == 0 || !finished); runs++) {
        const int kill_it = kills < KILLS || within_a_write == 0;
        long long last = 0, step = -1;
        time_t until;
        int left;
        snprintf(name, sizeof name, "resume-%ld-%d", (long)getpid(), finished);
        path_in(folder, sizeof folder, scratch_folder, name);
        child = start("/proc/self/exe", folder, model, count(folder, "snapshot-") > 0, &pipe_end);
        /* The first report is where it starts from. */
        CHECK(read(pipe_end, &step, sizeof step) == (ssize_t)sizeof step);
        CHECK(step >= written);
        last = step;
        if (kill_it) {
            /* Counted in snapshots, so that a slow machine gets on as well as a quick one. */
            for (left = rand() % 7; left > 0 && read(pipe_end, &step, sizeof step) == (ssize_t)sizeof step; left--) {
                CHECK(step > last);
                last = step;
            }
            sleep_for(rand() % 60000);
            /* Every other time in the middle of a write, which shows as a temporary file. */
            until = time(NULL) + 20;
            while (runs % 2 == 1 && time(NULL) < until && count(folder, ".coopseg-") == 0) {
            }
            kill(child, SIGKILL);
            kills++;
        }
        while (read(pipe_end, &step, sizeof step) == (ssize_t)sizeof step) {
            CHECK(step > last);
            last = step;
        }
        close(pipe_end);
        CHECK(waitpid(child, &status, 0) == child);
        if (WIFEXITED(status)) {
            CHECK(WEXITSTATUS(status) == 0);
            expected = weights(whole_model, &expected_size);
            found = weights(model, &found_size);
            CHECK(expected_size == found_size && memcmp(expected, found, found_size) == 0);
            free(expected);
            free(found);
            finished++;
            written = 0;
        } else {
            within_a_write += count(folder, ".coopseg-") > 0;
            written = last;
        }
        if (failures > 0) {
            break;
        }
    }
    CHECK(kills >= KILLS && finished >= 1 && within_a_write >= 1);
    return report();
}
