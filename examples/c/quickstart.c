/*
 * Trains the two networks of coopseg, saves them to one file, loads that file and segments unseen images.
 *
 * Without arguments it makes its own data: synthetic hearts from scanner A to learn from, and hearts from
 * scanner B, with ghosting, to be tested on. With --data it takes subjects of your own in any layout that
 * coopseg_dataset_open detects, with the classes LV, MYO and RV, and keeps the last fifth for testing.
 *
 * Exit code: 0 when everything worked and, on the synthetic hearts, the mean foreground Dice of FTN+STN is at
 * least 0.80; 1 when something failed; 2 when the Dice is lower; 130 when interrupted.
 */
#include <coopseg/coopseg.h>

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define CLASSES 4
#define MOST_TEST_CASES 8
#define TARGET_DICE 0.80

static const char *const CLASS_NAMES[CLASSES] = {"background", "LV", "MYO", "RV"};

/* Small networks on a coarse grid about the heart, and hearts that all lie the same way, so that two processor
   cores learn the task in two minutes. Everything that is not named here has its default. */
static const char CONFIGURATION[] =
    "{"
    "  \"network\": {\"width\": 8, \"classes\": [\"background\", \"LV\", \"MYO\", \"RV\"]},"
    "  \"preprocess\": {\"spacing\": [2.0, 2.0], \"pad\": [80, 80], \"crop\": [64, 64]},"
    "  \"augmentation\": {"
    "    \"horizontal_flip\": {\"probability\": 0}, \"vertical_flip\": {\"probability\": 0},"
    "    \"discrete_rotation\": {\"probability\": 0}, \"elastic\": {\"probability\": 0}"
    "  },"
    "  \"optimizer\": {\"learning_rate\": 0.002, \"beta2\": 0.99},"
    "  \"slices_per_step\": 8, \"with_unaugmented\": false,"
    "  \"validation\": {\"every_epochs\": 3},"
    "  \"epochs\": 1000,"
    "  \"max_minutes\": %.3f,"
    "  \"seed\": 1"
    "}";

static volatile sig_atomic_t interrupted = 0;

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

/* Ends the program with the library's own words when a call fails. */
static void check(coopseg_status status, const char *what)
{
    char message[1024];
    if (status == COOPSEG_OK) {
        return;
    }
    coopseg_last_error(message, sizeof message, NULL);
    fprintf(stderr, "\n%s: %s\n  %s\n", what, coopseg_status_name(status), message);
    exit(1);
}

static void make_folder(const char *path)
{
    if (mkdir(path, 0777) != 0 && errno != EEXIST) {
        perror(path);
        exit(1);
    }
}

static char *join(const char *folder, const char *name)
{
    size_t size = strlen(folder) + strlen(name) + 2;
    char *path = malloc(size);
    if (path == NULL) {
        fprintf(stderr, "out of memory\n");
        exit(1);
    }
    snprintf(path, size, "%s/%s", folder, name);
    return path;
}

/* Writes synthetic subjects as NIfTI files and opens them again, as one would one's own. */
static coopseg_dataset *synthetic_subjects(const char *folder, const char *options)
{
    coopseg_dataset *made = NULL;
    coopseg_dataset *opened = NULL;
    check(coopseg_dataset_synthetic(options, &made), "making synthetic hearts");
    check(coopseg_dataset_write(made, folder), "writing synthetic hearts");
    check(coopseg_dataset_free(made), "freeing a dataset");
    check(coopseg_dataset_open(folder, NULL, &opened), "opening the subjects");
    return opened;
}

/* Opens a folder in any layout that the library detects, or one with ED and ES frames and the raw labels of the
   ACDC challenge. */
static coopseg_dataset *own_subjects(const char *folder)
{
    coopseg_dataset *dataset = NULL;
    if (coopseg_dataset_open(folder, "{\"layout\": \"auto\"}", &dataset) == COOPSEG_OK) {
        return dataset;
    }
    if (coopseg_dataset_open(folder,
                             "{\"image\": \"*/*_img.nii.gz\", \"label\": \"*/*_seg.nii.gz\","
                             " \"label_map\": {\"0\": 0, \"1\": 3, \"2\": 2, \"3\": 1}}",
                             &dataset) == COOPSEG_OK) {
        printf("%s: *_img with *_seg, whose labels 1, 2, 3 are taken for RV, MYO, LV as in ACDC\n", folder);
        return dataset;
    }
    /* Once more for its message. */
    check(coopseg_dataset_open(folder, "{\"layout\": \"auto\"}", &dataset), "opening the data folder");
    return dataset;
}

/* A share of the subjects is kept apart, as `held_out`. */
static coopseg_dataset *split(const coopseg_dataset *dataset, const char *options, coopseg_dataset **held_out)
{
    coopseg_dataset *rest = NULL;
    check(coopseg_dataset_split(dataset, options, &rest, held_out), "splitting the data");
    return rest;
}

static int32_t on_event(const coopseg_event *event, void *user_data)
{
    double *best = user_data;
    if (event->kind == COOPSEG_EVENT_STEP) {
        printf("\r  epoch %3llu  step %5llu  loss %.3f (seg %.3f, shape %.3f, hard seg %.3f)  "
               "validation Dice %.3f  %3.0f s left ",
               (unsigned long long)event->epoch, (unsigned long long)event->step, event->loss,
               event->loss_segmentation, event->loss_shape_from_prediction, event->loss_hard_segmentation,
               isnan(event->refined_dice) ? 0.0 : event->refined_dice, event->seconds_left);
    } else if (event->kind == COOPSEG_EVENT_VALIDATION && event->best) {
        *best = event->refined_dice;
    } else if (event->kind == COOPSEG_EVENT_FINISHED) {
        printf("\n  finished after %llu steps in %.0f s; best validation Dice %.3f\n",
               (unsigned long long)event->step, event->seconds_elapsed, *best);
    }
    fflush(stdout);
    return interrupted ? 1 : 0;
}

/* Trains and writes the best networks to model_file. Returns whether the run was interrupted. */
static int train(const coopseg_dataset *training, const coopseg_dataset *validation, double minutes,
                 const char *model_file)
{
    char configuration[2048];
    coopseg_trainer *trainer = NULL;
    coopseg_status status;
    double best = NAN;
    snprintf(configuration, sizeof configuration, CONFIGURATION, minutes);
    check(coopseg_trainer_new(configuration, training, validation, NULL, &trainer), "preparing the training");
    status = coopseg_trainer_run(trainer, on_event, &best);
    if (status != COOPSEG_CANCELLED) {
        check(status, "training");
    } else {
        printf("\n  interrupted; the best model so far is kept\n");
    }
    check(coopseg_trainer_save_best(trainer, model_file), "saving the model");
    check(coopseg_trainer_free(trainer), "freeing the trainer");
    return status == COOPSEG_CANCELLED;
}

/* What one test case leaves for the table and the picture. */
typedef struct test_case {
    char *name;
    coopseg_volume *image, *reference, *fast, *refined, *entropy;
    coopseg_image images[5];
    double fast_dice[CLASSES], refined_dice[CLASSES];
} test_case;

/* Segments one case file to file and compares the results with its labels. The image is written first: in the dataset it
   may be one phase of a file that holds a whole heartbeat. */
static void segment_case(const coopseg_segmenter *segmenter, const coopseg_dataset *dataset, size_t index,
                         const char *folder, test_case *out)
{
    char *case_folder;
    char *paths[5];
    const char *const names[5] = {"labels.nii.gz", "fast_labels.nii.gz", "probabilities.nii.gz", "entropy.nii.gz",
                                  "input.nii.gz"};
    coopseg_segmentation_files files;

    check(coopseg_dataset_case(dataset, index, &out->name, NULL, NULL), "looking up a case");
    for (char *c = out->name; *c != '\0'; c++) {
        *c = *c == '/' ? '_' : *c;
    }
    case_folder = join(folder, out->name);
    make_folder(case_folder);
    for (int i = 0; i < 5; i++) {
        paths[i] = join(case_folder, names[i]);
    }
    check(coopseg_dataset_load(dataset, index, CLASSES, &out->image, &out->reference), "reading a case");
    check(coopseg_volume_image(out->image, &out->images[0]), "looking at the image");
    check(coopseg_image_write(&out->images[0], paths[4]), "writing the image");
    memset(&files, 0, sizeof files);
    files.struct_size = sizeof files;
    files.labels = paths[0];
    files.fast_labels = paths[1];
    files.probabilities = paths[2];
    files.entropy = paths[3];
    check(coopseg_segmenter_run_file(segmenter, paths[4], &files, NULL, NULL, NULL), "segmenting");

    check(coopseg_volume_read_labels(paths[0], &out->refined), "reading labels");
    check(coopseg_volume_read_labels(paths[1], &out->fast), "reading fast labels");
    check(coopseg_volume_read(paths[3], &out->entropy), "reading the entropy");
    check(coopseg_volume_image(out->reference, &out->images[1]), "looking at the reference");
    check(coopseg_volume_image(out->fast, &out->images[2]), "looking at the fast labels");
    check(coopseg_volume_image(out->refined, &out->images[3]), "looking at the labels");
    check(coopseg_volume_image(out->entropy, &out->images[4]), "looking at the entropy");
    check(coopseg_dice(&out->images[1], &out->images[2], CLASSES, out->fast_dice), "Dice of the fast labels");
    check(coopseg_dice(&out->images[1], &out->images[3], CLASSES, out->refined_dice), "Dice of the labels");

    for (int i = 0; i < 5; i++) {
        free(paths[i]);
    }
    free(case_folder);
}

static void write_overview(const test_case *cases, size_t count, const char *file)
{
    coopseg_overview_row rows[MOST_TEST_CASES];
    char titles[MOST_TEST_CASES][128];
    if (count > 4) {
        count = 4;
    }
    for (size_t i = 0; i < count; i++) {
        memset(&rows[i], 0, sizeof rows[i]);
        snprintf(titles[i], sizeof titles[i], "%s", cases[i].name);
        rows[i].struct_size = sizeof rows[i];
        rows[i].title = titles[i];
        rows[i].image = &cases[i].images[0];
        rows[i].reference = &cases[i].images[1];
        rows[i].fast_labels = &cases[i].images[2];
        rows[i].labels = &cases[i].images[3];
        rows[i].entropy = &cases[i].images[4];
        rows[i].slice = -1;
    }
    check(coopseg_overview_write(rows, count, CLASS_NAMES, CLASSES, file), "writing the overview");
}

/* Mean over cases and foreground classes, leaving out classes that a case does not have. */
static double mean_foreground(const test_case *cases, size_t count, int refined, int only_class)
{
    double sum = 0.0;
    int terms = 0;
    for (size_t i = 0; i < count; i++) {
        for (int c = 1; c < CLASSES; c++) {
            double dice = refined ? cases[i].refined_dice[c] : cases[i].fast_dice[c];
            if (!isnan(dice) && (only_class == 0 || only_class == c)) {
                sum += dice;
                terms++;
            }
        }
    }
    return terms > 0 ? sum / terms : NAN;
}

static double segment_and_report(const coopseg_segmenter *segmenter, const coopseg_dataset *test,
                                 const char *output)
{
    static test_case cases[MOST_TEST_CASES];
    size_t count = 0;
    char *results = join(output, "results");
    char *overview = join(output, "overview.png");
    make_folder(results);
    check(coopseg_dataset_count(test, &count), "counting the test cases");
    if (count > MOST_TEST_CASES) {
        count = MOST_TEST_CASES;
    }
    for (size_t i = 0; i < count; i++) {
        segment_case(segmenter, test, i, results, &cases[i]);
    }
    printf("\n  Dice on %u unseen images      FTN   FTN+STN\n", (unsigned)count);
    for (int c = 1; c < CLASSES; c++) {
        printf("    %-25s %.3f     %.3f\n", CLASS_NAMES[c], mean_foreground(cases, count, 0, c),
               mean_foreground(cases, count, 1, c));
    }
    printf("    %-25s %.3f     %.3f\n", "mean of the foreground", mean_foreground(cases, count, 0, 0),
           mean_foreground(cases, count, 1, 0));
    write_overview(cases, count, overview);
    printf("\n  label maps and probabilities: %s/\n  picture:                      %s\n", results, overview);
    double mean = mean_foreground(cases, count, 1, 0);
    for (size_t i = 0; i < count; i++) {
        coopseg_string_free(cases[i].name);
        coopseg_volume_free(cases[i].image);
        coopseg_volume_free(cases[i].reference);
        coopseg_volume_free(cases[i].fast);
        coopseg_volume_free(cases[i].refined);
        coopseg_volume_free(cases[i].entropy);
    }
    free(results);
    free(overview);
    return mean;
}

int main(int argc, char **argv)
{
    const char *data = NULL;
    const char *output = "quickstart-output";
    double minutes = 2.2;
    coopseg_dataset *all = NULL, *training = NULL, *validation = NULL, *test = NULL;
    coopseg_model *model = NULL;
    coopseg_segmenter *segmenter = NULL;
    char *model_file;
    int was_interrupted;

    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--data") == 0) {
            data = argv[i + 1][0] != '\0' ? argv[i + 1] : NULL;
        } else if (strcmp(argv[i], "--output") == 0) {
            output = argv[i + 1];
        } else if (strcmp(argv[i], "--minutes") == 0) {
            minutes = atof(argv[i + 1]);
        } else {
            argc = 0;
        }
    }
    if (argc % 2 == 0) {
        fprintf(stderr, "usage: %s [--data FOLDER] [--output FOLDER] [--minutes M]\n", argv[0]);
        return 1;
    }
    signal(SIGINT, on_interrupt);
    make_folder(output);
    model_file = join(output, "model.coopseg");

    printf("coopseg %s\n\n1. Data\n", coopseg_version());
    if (data == NULL) {
        char *learn = join(output, "scanner_A");
        char *unseen = join(output, "scanner_B");
        make_folder(learn);
        make_folder(unseen);
        all = synthetic_subjects(learn, "{\"scanner\": \"A\", \"subjects\": 14, \"seed\": 1}");
        test = synthetic_subjects(
            unseen, "{\"scanner\": \"B\", \"subjects\": 4, \"seed\": 2, \"artefact\": \"ghosting\"}");
        training = split(all, "{\"held_out\": [\"A010\", \"A011\", \"A012\", \"A013\"]}", &validation);
        printf("  10 synthetic hearts from scanner A to learn from, 4 for validation;\n"
               "  4 from scanner B, with ghosting, to be tested on\n");
        free(learn);
        free(unseen);
    } else {
        size_t count = 0;
        all = own_subjects(data);
        check(coopseg_dataset_count(all, &count), "counting the cases");
        coopseg_dataset *rest = split(all, "{\"fraction\": 0.2, \"seed\": 1}", &test);
        training = split(rest, "{\"fraction\": 0.25, \"seed\": 1}", &validation);
        check(coopseg_dataset_free(rest), "freeing a dataset");
        printf("  %u cases in %s: three fifths of the subjects to learn from, one for validation, one to be tested on\n",
               (unsigned)count, data);
    }

    printf("\n2. Training (Ctrl-C stops and keeps the best model)\n");
    was_interrupted = train(training, validation, minutes, model_file);
    signal(SIGINT, SIG_DFL);
    check(coopseg_dataset_free(all), "freeing a dataset");
    check(coopseg_dataset_free(training), "freeing a dataset");
    check(coopseg_dataset_free(validation), "freeing a dataset");

    printf("\n3. Segmenting with the model loaded from %s\n", model_file);
    check(coopseg_model_load(model_file, &model), "loading the model");
    check(coopseg_segmenter_new(model, NULL, &segmenter), "making a segmenter");
    check(coopseg_model_free(model), "freeing the model");
    double dice = segment_and_report(segmenter, test, output);
    check(coopseg_segmenter_free(segmenter), "freeing the segmenter");
    check(coopseg_dataset_free(test), "freeing a dataset");
    free(model_file);
    if (was_interrupted) {
        return 130;
    }
    if (data == NULL && !(dice >= TARGET_DICE)) {
        printf("\nThe mean foreground Dice of FTN+STN is %.3f; at least %.2f was expected. A slow or busy machine "
               "needs longer: --minutes 10\n", dice, TARGET_DICE);
        return 2;
    }
    return 0;
}
