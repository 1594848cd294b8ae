/* Whichever read from disk fails: a status that names the file. Reads that are interrupted or short are no failures. */
/* For syscall(). */
#define _GNU_SOURCE
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Which call that reads a file fails from now on, as on a broken disk; 0 for none. */
static long failing = 0;
/* Whether every second read is interrupted and the others give less than what is asked for. */
static int roughly = 0;
static long calls = 0;

static int fails(void)
{
    if (++calls == failing) {
        errno = EIO;
        return 1;
    }
    return 0;
}

/* These stand in for the C library's, which coopseg calls. */
ssize_t read(int file, void *bytes, size_t count)
{
    struct stat status;
    if (fstat(file, &status) == 0 && S_ISREG(status.st_mode)) {
        if (fails()) {
            return -1;
        }
        if (roughly && calls % 2 == 1) {
            errno = EINTR;
            return -1;
        }
        if (roughly && count > 1) {
            count = calls < 5 ? 1 : 1 + count / 3;
        }
    }
    return (ssize_t)syscall(SYS_read, file, bytes, count);
}

off64_t lseek64(int file, off64_t offset, int from)
{
    return fails() ? -1 : (off64_t)syscall(SYS_lseek, file, offset, from);
}

int open64(const char *path, int flags, ...)
{
    mode_t mode = 0;
    if ((flags & O_CREAT) != 0) {
        va_list arguments;
        va_start(arguments, flags);
        mode = (mode_t)va_arg(arguments, unsigned);
        va_end(arguments);
    } else if (fails()) {
        return -1;
    }
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

static float image[NX * NY * NZ];
static unsigned char labels[NX * NY * NZ];
static coopseg_dataset *dataset = NULL;

static coopseg_status load_model(const char *path)
{
    coopseg_model *model = NULL;
    const coopseg_status status = coopseg_model_load(path, &model);
    CHECK((model != NULL) == (status == COOPSEG_OK));
    coopseg_model_free(model);
    return status;
}

static coopseg_status import_model(const char *path)
{
    coopseg_model *model = NULL;
    const coopseg_status status = coopseg_model_import(path, NULL, &model);
    CHECK((model != NULL) == (status == COOPSEG_OK));
    coopseg_model_free(model);
    return status;
}

static coopseg_status resume(const char *path)
{
    coopseg_trainer *trainer = NULL;
    const coopseg_status status = coopseg_trainer_resume(path, NULL, dataset, dataset, &trainer);
    CHECK((trainer != NULL) == (status == COOPSEG_OK));
    coopseg_trainer_free(trainer);
    return status;
}

static coopseg_status load_evaluation(const char *path)
{
    coopseg_evaluation *evaluation = NULL;
    const coopseg_status status = coopseg_evaluation_load(path, &evaluation);
    CHECK((evaluation != NULL) == (status == COOPSEG_OK));
    coopseg_evaluation_free(evaluation);
    return status;
}

static coopseg_status read_volume(const char *path)
{
    coopseg_volume *volume = NULL;
    const coopseg_status status = coopseg_volume_read(path, &volume);
    CHECK((volume != NULL) == (status == COOPSEG_OK));
    if (status == COOPSEG_OK) {
        coopseg_image seen;
        memset(&seen, 0, sizeof seen);
        seen.struct_size = sizeof seen;
        CHECK_OK(coopseg_volume_image(volume, &seen));
        CHECK(memcmp(seen.data, image, sizeof image) == 0);
    }
    coopseg_volume_free(volume);
    return status;
}

/* `named`: what the message names. Lets one call after the other fail, or where there are hundreds about a hundred. */
static void fail_each(const char *path, const char *named, coopseg_status (*load)(const char *))
{
    long count, number;
    calls = 0;
    roughly = 1;
    CHECK_OK(load(path));
    roughly = 0;
    calls = 0;
    CHECK_OK(load(path));
    count = calls;
    /* Opened and read. */
    CHECK(count >= 2);
    for (number = 1; number <= count; number += 1 + count / 100) {
        const int failed_before = failures;
        calls = 0;
        failing = number;
        CHECK_FAILS(COOPSEG_FILE_IO, named, load(path));
        failing = 0;
        if (failures > failed_before) {
            fprintf(stderr, "%s, call %ld of %ld\n", path, number, count);
        }
    }
    CHECK_OK(load(path));
}

int main(int argc, char **argv)
{
    const char *folder = scratch(argc, argv);
    coopseg_image view, label_view;
    coopseg_model *model = NULL;
    coopseg_trainer *trainer = NULL;
    coopseg_evaluation *evaluation = NULL;
    char path[1024];
    /* Otherwise the number of processors is read from files too. */
    CHECK_OK(coopseg_set_threads(1));
    fill(image, labels);
    view = describe(COOPSEG_F32, image);
    label_view = describe(COOPSEG_U8, labels);
    CHECK_OK(coopseg_dataset_new(&dataset));
    CHECK_OK(coopseg_dataset_add(dataset, "one", &view, &label_view));
    CHECK_OK(coopseg_model_new(SMALL_CONFIG, &model));

    path_in(path, sizeof path, folder, "saved.coopseg");
    CHECK_OK(coopseg_model_save(model, path));
    fail_each(path, "saved.coopseg", load_model);
    fail_each(COOPSEG_GOLDEN_CHECKPOINTS, ".pth", import_model);
    path_in(path, sizeof path, folder, "saved.snapshot");
    CHECK_OK(coopseg_trainer_new(SMALL_CONFIG, dataset, dataset, NULL, &trainer));
    CHECK_OK(coopseg_trainer_save_snapshot(trainer, path));
    fail_each(path, "saved.snapshot", resume);
    path_in(path, sizeof path, folder, "evaluation.json");
    CHECK_OK(coopseg_evaluation_run(model, dataset, NULL, NULL, NULL, &evaluation));
    CHECK_OK(coopseg_evaluation_save_json(evaluation, path));
    fail_each(path, "evaluation.json", load_evaluation);
    path_in(path, sizeof path, folder, "image.nii");
    CHECK_OK(coopseg_image_write(&view, path));
    fail_each(path, "image.nii", read_volume);
    path_in(path, sizeof path, folder, "image.nii.gz");
    CHECK_OK(coopseg_image_write(&view, path));
    fail_each(path, "image.nii.gz", read_volume);

    CHECK_OK(coopseg_trainer_free(trainer));
    CHECK_OK(coopseg_evaluation_free(evaluation));
    CHECK_OK(coopseg_model_free(model));
    CHECK_OK(coopseg_dataset_free(dataset));
    CHECK(coopseg_live_handles() == 0);
    return report();
}
