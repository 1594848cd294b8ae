/* Whichever write to disk fails: a status that names the file; what was there stays, and nothing is left over. */
/* For syscall(). */
#define _GNU_SOURCE
#include "check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* Which call that changes a file fails from now on, as on a full disk; 0 for none. */
static long failing = 0;
/* Whether writes take a part of what they are given, which is no failure. */
static int partly = 0;
static long calls = 0;

static int fails(int file)
{
    struct stat status;
    if (fstat(file, &status) == 0 && S_ISREG(status.st_mode) && ++calls == failing) {
        errno = ENOSPC;
        return 1;
    }
    return 0;
}

/* These stand in for the C library's, which coopseg calls. */
ssize_t write(int file, const void *bytes, size_t count)
{
    if (fails(file)) {
        return -1;
    }
    return (ssize_t)syscall(SYS_write, file, bytes, partly && count > 1 ? count / 2 : count);
}

ssize_t writev(int file, const struct iovec *parts, int count)
{
    return fails(file) ? -1 : (ssize_t)syscall(SYS_writev, file, parts, partly && count > 1 ? 1 : count);
}

int fsync(int file)
{
    return fails(file) ? -1 : (int)syscall(SYS_fsync, file);
}

int open64(const char *path, int flags, ...)
{
    mode_t mode = 0;
    if ((flags & O_CREAT) != 0) {
        va_list arguments;
        va_start(arguments, flags);
        mode = (mode_t)va_arg(arguments, unsigned);
        va_end(arguments);
        if (++calls == failing) {
            errno = ENOSPC;
            return -1;
        }
    }
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

static float image[NX * NY * NZ];
static unsigned char labels[NX * NY * NZ];

typedef struct subject {
    const char *folder;
    coopseg_model *model;
    coopseg_dataset *dataset;
    coopseg_trainer *trainer;
    coopseg_segmenter *segmenter;
    coopseg_evaluation *evaluation;
} subject;

static coopseg_status save_model(subject *self, const char *file)
{
    return coopseg_model_save(self->model, file);
}

static coopseg_status save_snapshot(subject *self, const char *file)
{
    return coopseg_trainer_save_snapshot(self->trainer, file);
}

static coopseg_status save_report(subject *self, const char *file)
{
    return coopseg_trainer_save_report(self->trainer, file);
}

static coopseg_status save_json(subject *self, const char *file)
{
    return coopseg_evaluation_save_json(self->evaluation, file);
}

static coopseg_status save_csv(subject *self, const char *file)
{
    return coopseg_evaluation_save_csv(self->evaluation, file);
}

static coopseg_status write_image(subject *self, const char *file)
{
    coopseg_image view = describe(COOPSEG_F32, image);
    (void)self;
    return coopseg_image_write(&view, file);
}

static coopseg_status write_overview(subject *self, const char *file)
{
    const char *const names[4] = {"background", "LV", "MYO", "RV"};
    coopseg_image view = describe(COOPSEG_F32, image), label_view = describe(COOPSEG_U8, labels);
    coopseg_overview_row row;
    (void)self;
    memset(&row, 0, sizeof row);
    row.struct_size = sizeof row;
    row.title = "a disc";
    row.image = &view;
    row.labels = &label_view;
    row.slice = -1;
    return coopseg_overview_write(&row, 1, names, 4, file);
}

static coopseg_status segment_file(subject *self, const char *file)
{
    coopseg_segmentation_files outputs;
    char input[1024];
    path_in(input, sizeof input, self->folder, "input.nii");
    memset(&outputs, 0, sizeof outputs);
    outputs.struct_size = sizeof outputs;
    outputs.labels = file;
    return coopseg_segmenter_run_file(self->segmenter, input, &outputs, NULL, NULL, NULL);
}

static size_t read_file(const char *path, unsigned char **out)
{
    FILE *file = fopen(path, "rb");
    size_t size = 0;
    *out = NULL;
    if (file != NULL && fseek(file, 0, SEEK_END) == 0) {
        size = (size_t)ftell(file);
        rewind(file);
        *out = (unsigned char *)malloc(size + 1);
        CHECK(*out != NULL && fread(*out, 1, size, file) == size);
    }
    CHECK(file != NULL && fclose(file) == 0);
    return size;
}

static int files_in(const char *folder)
{
    DIR *entries = opendir(folder);
    int count = 0;
    CHECK(entries != NULL);
    while (entries != NULL && readdir(entries) != NULL) {
        count++;
    }
    if (entries != NULL) {
        closedir(entries);
    }
    return count;
}

/* Lets one call after the other fail, or where there are hundreds about fifty of them and the last, which syncs. */
static void fail_each(subject *self, const char *name, coopseg_status (*save)(subject *, const char *))
{
    unsigned char *before = NULL, *after = NULL;
    size_t size;
    long count, stride, number;
    int files;
    char path[1024];
    path_in(path, sizeof path, self->folder, name);

    /* Where there is no file yet, there is none afterwards. */
    files = files_in(self->folder);
    calls = 0;
    failing = 2;
    CHECK_FAILS(COOPSEG_FILE_IO, name, save(self, path));
    failing = 0;
    CHECK(files_in(self->folder) == files);

    partly = 1;
    CHECK_OK(save(self, path));
    partly = 0;
    size = read_file(path, &before);
    calls = 0;
    CHECK_OK(save(self, path));
    count = calls;
    /* Made, written and synced. */
    CHECK(count >= 3);
    stride = 1 + count / 50;
    CHECK(read_file(path, &after) == size && memcmp(before, after, size) == 0);
    free(after);
    files = files_in(self->folder);
    for (number = 1; number <= count; number = number < count && number + stride > count ? count : number + stride) {
        const int failed_before = failures;
        calls = 0;
        failing = number;
        CHECK_FAILS(COOPSEG_FILE_IO, name, save(self, path));
        failing = 0;
        CHECK(files_in(self->folder) == files);
        CHECK(read_file(path, &after) == size && memcmp(before, after, size) == 0);
        free(after);
        if (failures > failed_before) {
            fprintf(stderr, "%s, call %ld of %ld\n", name, number, count);
        }
    }
    CHECK_OK(save(self, path));
    free(before);
}

/* Checks that every line of a table is whole; returns how many there are. */
static int lines_of(const char *path)
{
    unsigned char *bytes;
    const size_t size = read_file(path, &bytes);
    int lines = 0, commas = 0, commas_of_header = -1;
    size_t i;
    CHECK(size > 0 && bytes[size - 1] == '\n');
    for (i = 0; i < size; i++) {
        commas += bytes[i] == ',';
        if (bytes[i] == '\n') {
            CHECK(commas_of_header < 0 || commas == commas_of_header);
            commas_of_header = commas;
            commas = 0;
            lines++;
        }
    }
    free(bytes);
    return lines;
}

/* A training that cannot write what it records ends, and goes on once it can; no more than the one line is missing. */
static void record(subject *self)
{
    /* A header; two steps and a validation in each of two epochs. */
    enum { LINES = 1 + 2 * 3, STRIDE = 7 };
    char table[1024], config[4096];
    long number;
    path_in(table, sizeof table, self->folder, "training.csv");
    snprintf(config, sizeof config,
             "{\"network\": {\"width\": 2}, \"seed\": 7, \"device\": \"cpu\", \"mode\": \"standard\","
             " \"preprocess\": {\"spacing\": null, \"pad\": [48, 48], \"crop\": [32, 32]},"
             " \"slices_per_step\": 2, \"epochs\": 2,"
             " \"recording\": {\"csv\": \"%s\", \"json_lines\": \"%s/lines.jsonl\", \"tensorboard\": \"%s/events\"}}",
             table, self->folder, self->folder);
    for (number = 1;; number += STRIDE) {
        coopseg_trainer *trainer = NULL;
        coopseg_status status;
        CHECK_OK(coopseg_trainer_new(config, self->dataset, self->dataset, NULL, &trainer));
        calls = 0;
        failing = number;
        status = coopseg_trainer_run(trainer, NULL, NULL);
        failing = 0;
        if (calls >= number) {
            CHECK_FAILS(COOPSEG_FILE_IO, self->folder, status);
            CHECK_OK(coopseg_trainer_run(trainer, NULL, NULL));
            CHECK(lines_of(table) >= LINES - 1);
        } else {
            CHECK_OK(status);
            CHECK(lines_of(table) == LINES);
        }
        CHECK_OK(coopseg_trainer_free(trainer));
        if (calls < number || failures > 0) {
            break;
        }
    }
    CHECK(number > 10 * STRIDE);
}

int main(int argc, char **argv)
{
    subject self;
    coopseg_image view, label_view;
    char path[1024];
    memset(&self, 0, sizeof self);
    self.folder = scratch(argc, argv);
    CHECK_OK(coopseg_set_threads(1));
    fill(image, labels);
    view = describe(COOPSEG_F32, image);
    label_view = describe(COOPSEG_U8, labels);
    path_in(path, sizeof path, self.folder, "input.nii");
    CHECK_OK(coopseg_image_write(&view, path));
    CHECK_OK(coopseg_dataset_new(&self.dataset));
    CHECK_OK(coopseg_dataset_add(self.dataset, "one", &view, &label_view));
    CHECK_OK(coopseg_model_new(SMALL_CONFIG, &self.model));
    CHECK_OK(coopseg_segmenter_new(self.model, "{\"device\": \"cpu\"}", &self.segmenter));
    CHECK_OK(coopseg_evaluation_run(self.model, self.dataset, NULL, NULL, NULL, &self.evaluation));
    CHECK_OK(coopseg_trainer_new(SMALL_CONFIG, self.dataset, self.dataset, NULL, &self.trainer));
    CHECK_OK(coopseg_trainer_run(self.trainer, NULL, NULL));

    record(&self);

    fail_each(&self, "saved.coopseg", save_model);
    fail_each(&self, "saved.snapshot", save_snapshot);
    fail_each(&self, "report.html", save_report);
    fail_each(&self, "evaluation.json", save_json);
    fail_each(&self, "evaluation.csv", save_csv);
    fail_each(&self, "image.nii", write_image);
    fail_each(&self, "image.nii.gz", write_image);
    fail_each(&self, "labels.nii.gz", segment_file);
    fail_each(&self, "overview.png", write_overview);

    CHECK_OK(coopseg_trainer_free(self.trainer));
    CHECK_OK(coopseg_evaluation_free(self.evaluation));
    CHECK_OK(coopseg_segmenter_free(self.segmenter));
    CHECK_OK(coopseg_model_free(self.model));
    CHECK_OK(coopseg_dataset_free(self.dataset));
    CHECK(coopseg_live_handles() == 0);
    return report();
}
