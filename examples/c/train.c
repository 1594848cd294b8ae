/*
 * Trains on a folder of subjects, survives being killed, and evaluates what was learned.
 *
 *     train DATA OUTPUT [CONFIGURATION.json]
 *
 * DATA is a dataset in any layout that coopseg_dataset_open knows. A fifth of the subjects is kept for the
 * evaluation and a fifth of the others for validation. Everything is written to OUTPUT: snapshots, a CSV file, a
 * report, the best model and its evaluation. Started again with the same arguments after it was killed, or
 * interrupted with Ctrl-C, it goes on from the newest snapshot; another configuration that a training cannot change
 * to is refused.
 *
 * Exit code: 0 when everything worked; 1 when something failed; 130 when interrupted.
 */
#include <coopseg/coopseg.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MOST_TEXT 65536

static volatile sig_atomic_t interrupted = 0;

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

static void check(coopseg_status status, const char *what)
{
    char message[2048];
    if (status == COOPSEG_OK) {
        return;
    }
    coopseg_last_error(message, sizeof message, NULL);
    fprintf(stderr, "\n%s: %s\n  %s\n", what, coopseg_status_name(status), message);
    exit(1);
}

static const char *join(char *path, size_t size, const char *folder, const char *name)
{
    if (snprintf(path, size, "%s/%s", folder, name) >= (int)size) {
        fprintf(stderr, "%s: the path is too long\n", folder);
        exit(1);
    }
    return path;
}

static int32_t on_event(const coopseg_event *event, void *user_data)
{
    (void)user_data;
    if (event->kind == COOPSEG_EVENT_STEP) {
        printf("\repoch %llu, step %llu: loss %.4f, %.1f slices/s, %.0f s left   ",
               (unsigned long long)event->epoch, (unsigned long long)event->step, event->loss,
               event->examples_per_second, event->seconds_left);
    } else if (event->kind == COOPSEG_EVENT_VALIDATION) {
        printf("\repoch %llu: Dice FTN %.3f, FTN+STN %.3f%s%40s\n", (unsigned long long)event->epoch,
               event->fast_dice, event->refined_dice, event->best ? " (best)" : "", "");
    }
    fflush(stdout);
    return interrupted;
}

/* The caller's configuration, or a small one, with the files of this run added. */
static void configure(char *config, size_t size, const char *output, const char *file)
{
    static const char SMALL[] =
        "\"network\": {\"width\": 8}, \"slices_per_step\": 8, \"epochs\": 6,"
        " \"preprocess\": {\"spacing\": [2.0, 2.0], \"pad\": [96, 96], \"crop\": [80, 80]},"
        " \"optimizer\": {\"learning_rate\": 0.002, \"average_decay\": 0.98},"
        " \"schedule\": {\"decay\": \"cosine\", \"warmup_steps\": 20}, \"seed\": 1";
    static char own[MOST_TEXT];
    const char *keys = SMALL;
    int length;
    if (file != NULL) {
        FILE *stream = fopen(file, "rb");
        size_t read;
        char *last;
        if (stream == NULL) {
            perror(file);
            exit(1);
        }
        read = fread(own, 1, sizeof own - 1, stream);
        fclose(stream);
        own[read] = '\0';
        keys = strchr(own, '{');
        last = strrchr(own, '}');
        if (keys == NULL || last == NULL) {
            fprintf(stderr, "%s: expected a JSON object\n", file);
            exit(1);
        }
        keys++;
        *last = '\0';
    }
    length = snprintf(config, size,
                      "{%s%s \"snapshots\": {\"folder\": \"%s/snapshots\", \"every_minutes\": 0.25},"
                      " \"recording\": {\"csv\": \"%s/training.csv\", \"json_lines\": \"%s/training.jsonl\","
                      " \"tensorboard\": \"%s/tensorboard\", \"report\": \"%s/report.html\"}}",
                      keys, strspn(keys, " \t\r\n") == strlen(keys) ? "" : ",", output, output, output, output,
                      output);
    if (length >= (int)size) {
        fprintf(stderr, "the configuration is too long\n");
        exit(1);
    }
}

/* In any layout that the library detects, or with the ED and ES frames and raw labels of the ACDC challenge as
   some preprocessed copies have them. */
static coopseg_dataset *open_data(const char *path)
{
    coopseg_dataset *dataset = NULL;
    if (coopseg_dataset_open(path, "{\"layout\": \"auto\"}", &dataset) == COOPSEG_OK) {
        return dataset;
    }
    if (coopseg_dataset_open(path,
                             "{\"image\": \"*/*_img.nii.gz\", \"label\": \"*/*_seg.nii.gz\","
                             " \"label_map\": {\"1\": 3, \"2\": 2, \"3\": 1}}",
                             &dataset) == COOPSEG_OK) {
        printf("%s: *_img with *_seg, whose labels 1, 2, 3 are taken for RV, MYO, LV as in ACDC\n", path);
        return dataset;
    }
    /* Once more for its message. */
    check(coopseg_dataset_open(path, "{\"layout\": \"auto\"}", &dataset), path);
    return dataset;
}

static int32_t on_case(const char *case_name, size_t done, size_t cases, double refined_dice, void *user_data)
{
    (void)user_data;
    printf("%3zu of %zu  %-24s Dice %.3f\n", done, cases, case_name, refined_dice);
    return interrupted;
}

int main(int argc, char **argv)
{
    static char config[2 * MOST_TEXT];
    char path[4096];
    coopseg_dataset *all = NULL, *rest = NULL, *test = NULL, *training = NULL, *validation = NULL;
    coopseg_trainer *trainer = NULL;
    coopseg_model *best = NULL;
    coopseg_evaluation *evaluation = NULL;
    coopseg_status status;
    struct stat unused;

    if (argc != 3 && argc != 4) {
        fprintf(stderr, "usage: %s DATA OUTPUT [CONFIGURATION.json]\n", argv[0]);
        return 1;
    }
    if (mkdir(argv[2], 0777) != 0 && errno != EEXIST) {
        perror(argv[2]);
        return 1;
    }
    signal(SIGINT, on_interrupt);
    signal(SIGTERM, on_interrupt);

    all = open_data(argv[1]);
    check(coopseg_dataset_split(all, "{\"fraction\": 0.2, \"seed\": 1}", &rest, &test), "split");
    check(coopseg_dataset_split(rest, "{\"fraction\": 0.2, \"seed\": 2}", &training, &validation), "split");

    configure(config, sizeof config, argv[2], argc == 4 ? argv[3] : NULL);
    if (stat(join(path, sizeof path, argv[2], "snapshots"), &unused) == 0) {
        status = coopseg_trainer_resume(path, argc == 4 ? config : NULL, training, validation, &trainer);
        if (status == COOPSEG_OK) {
            printf("going on from %s\n", path);
        } else if (status != COOPSEG_FILE_NOT_FOUND) {
            check(status, path);
        }
    }
    if (trainer == NULL) {
        check(coopseg_trainer_new(config, training, validation, NULL, &trainer), "trainer");
    }
    status = coopseg_trainer_run(trainer, on_event, NULL);
    if (status == COOPSEG_CANCELLED) {
        printf("\ninterrupted; start it again to go on\n");
        coopseg_trainer_free(trainer);
        return 130;
    }
    check(status, "training");
    check(coopseg_trainer_save_best(trainer, join(path, sizeof path, argv[2], "model.coopseg")), path);
    check(coopseg_trainer_best_model(trainer, &best), "best model");
    coopseg_trainer_free(trainer);

    status = coopseg_evaluation_run(best, test, NULL, on_case, NULL, &evaluation);
    if (status == COOPSEG_CANCELLED) {
        return 130;
    }
    check(status, "evaluation");
    check(coopseg_evaluation_save_json(evaluation, join(path, sizeof path, argv[2], "evaluation.json")), path);
    check(coopseg_evaluation_save_csv(evaluation, join(path, sizeof path, argv[2], "evaluation.csv")), path);
    printf("report, model and evaluation are in %s\n", argv[2]);

    coopseg_evaluation_free(evaluation);
    coopseg_model_free(best);
    coopseg_dataset_free(all);
    coopseg_dataset_free(rest);
    coopseg_dataset_free(test);
    coopseg_dataset_free(training);
    coopseg_dataset_free(validation);
    return 0;
}
