/* A process that has closed its standard streams, as daemons do, while something in it prints: that never gets into the
   library's files. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "check.h"

#include <dirent.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#define PRINTED "printed by somebody"

static float image[NX * NY * NZ];
static unsigned char labels[NX * NY * NZ];

static void *print(void *stop)
{
    int stream;
    while (!__atomic_load_n((int *)stop, __ATOMIC_SEQ_CST)) {
        for (stream = 0; stream < 3; stream++) {
            if (write(stream, PRINTED, strlen(PRINTED)) >= 0) {
                return stop;
            }
        }
        usleep(100);
    }
    return NULL;
}

static void use_files(const char *folder)
{
    char config[4096], model_file[1024], image_file[1024], results[2][1024];
    coopseg_image view = describe(COOPSEG_F32, image), label_view = describe(COOPSEG_U8, labels);
    coopseg_segmentation_files outputs;
    coopseg_dataset *dataset = NULL;
    coopseg_trainer *trainer = NULL;
    coopseg_model *model = NULL;
    coopseg_segmenter *segmenter = NULL;
    int i;
    snprintf(config, sizeof config,
             "{\"network\": {\"width\": 2}, \"seed\": 7, \"device\": \"cpu\", \"slices_per_step\": 2, \"epochs\": 5,"
             " \"preprocess\": {\"spacing\": null, \"pad\": [48, 48], \"crop\": [32, 32]},"
             " \"snapshots\": {\"folder\": \"%s\", \"every_steps\": 1},"
             " \"recording\": {\"csv\": \"%s/steps.csv\", \"json_lines\": \"%s/events.jsonl\","
             " \"tensorboard\": \"%s\", \"report\": \"%s/report.html\"}}",
             folder, folder, folder, folder, folder);
    path_in(model_file, sizeof model_file, folder, "model.coopseg");
    path_in(image_file, sizeof image_file, folder, "image.nii");
    path_in(results[0], sizeof results[0], folder, "labels.nii");
    path_in(results[1], sizeof results[1], folder, "probabilities.nii.gz");
    fill(image, labels);
    CHECK_OK(coopseg_dataset_new(&dataset));
    CHECK_OK(coopseg_dataset_add(dataset, "one", &view, &label_view));
    CHECK_OK(coopseg_trainer_new(config, dataset, dataset, NULL, &trainer));
    CHECK_OK(coopseg_trainer_run(trainer, NULL, NULL));
    CHECK_OK(coopseg_trainer_free(trainer));
    trainer = NULL;
    CHECK_OK(coopseg_trainer_resume(folder, NULL, dataset, dataset, &trainer));
    for (i = 0; i < 5; i++) {
        CHECK_OK(coopseg_trainer_save_best(trainer, model_file));
        CHECK_OK(coopseg_model_load(model_file, &model));
        CHECK_OK(coopseg_segmenter_new(model, NULL, &segmenter));
        CHECK_OK(coopseg_image_write(&view, image_file));
        memset(&outputs, 0, sizeof outputs);
        outputs.struct_size = sizeof outputs;
        outputs.labels = results[0];
        outputs.probabilities = results[1];
        CHECK_OK(coopseg_segmenter_run_file(segmenter, image_file, &outputs, NULL, NULL, NULL));
        CHECK_OK(coopseg_segmenter_free(segmenter));
        CHECK_OK(coopseg_model_free(model));
    }
    CHECK_OK(coopseg_trainer_free(trainer));
    CHECK_OK(coopseg_dataset_free(dataset));
}

/* How many files the folder has; none holds what was printed. */
static int clean_files(const char *folder)
{
    DIR *entries = opendir(folder);
    struct dirent *entry;
    int count = 0;
    while (entries != NULL && (entry = readdir(entries)) != NULL) {
        static char bytes[4 << 20];
        char path[1024];
        FILE *file;
        size_t size;
        path_in(path, sizeof path, folder, entry->d_name);
        if (entry->d_name[0] == '.' || (file = fopen(path, "rb")) == NULL) {
            continue;
        }
        size = fread(bytes, 1, sizeof bytes, file);
        fclose(file);
        CHECK(size > 0 && size < sizeof bytes);
        if (memmem(bytes, size, PRINTED, strlen(PRINTED)) != NULL) {
            fprintf(stderr, "%s holds what was printed\n", path);
            failures++;
        }
        count++;
    }
    if (entries != NULL) {
        closedir(entries);
    }
    return count;
}

int main(int argc, char **argv)
{
    const char *folder = scratch(argc, argv);
    pid_t child = fork();
    int status = 0;
    CHECK(child >= 0);
    if (child == 0) {
        int stop = 0;
        pthread_t thread;
        void *touched = NULL;
        close(STDIN_FILENO);
        close(STDOUT_FILENO);
        close(STDERR_FILENO);
        CHECK(pthread_create(&thread, NULL, print, &stop) == 0);
        use_files(folder);
        __atomic_store_n(&stop, 1, __ATOMIC_SEQ_CST);
        CHECK(pthread_join(thread, &touched) == 0 && touched == NULL);
        _exit(failures > 0 ? 1 : 0);
    }
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    /* Two snapshots, four records, the model, the image and two results. */
    CHECK(clean_files(folder) == 10);
    return report();
}
