/* A process that was forked goes on with what it inherits, though the threads of its parent were not copied. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "check.h"

#include <sys/wait.h>
#include <unistd.h>

enum { VOXELS = NX * NY * NZ, CLASSES = 4, PATIENCE = 120 };

static float image[VOXELS], expected[VOXELS * CLASSES];
static unsigned char labels[VOXELS];

typedef struct subject {
    coopseg_model *model;
    coopseg_segmenter *segmenter;
    coopseg_trainer *trainer;
    coopseg_dataset *dataset;
} subject;

static void segment(const subject *self, float *probabilities)
{
    coopseg_image view = describe(COOPSEG_F32, image);
    coopseg_buffer map = buffer_for(COOPSEG_F32, 4, CLASSES, probabilities, sizeof expected);
    coopseg_segmentation outputs;
    memset(&outputs, 0, sizeof outputs);
    outputs.struct_size = sizeof outputs;
    outputs.probabilities = &map;
    CHECK_OK(coopseg_segmenter_run(self->segmenter, &view, &outputs, NULL, NULL, NULL));
}

static void step(const subject *self)
{
    coopseg_event event;
    memset(&event, 0, sizeof event);
    event.struct_size = sizeof event;
    CHECK_OK(coopseg_trainer_step(self->trainer, &event));
    CHECK(event.loss > 0.0);
}

/* All that has threads of its own. */
static void work(const subject *self)
{
    static float found[VOXELS * CLASSES];
    coopseg_evaluation *evaluation = NULL;
    coopseg_model *model = NULL;
    coopseg_volume *volume = NULL;
    char *json = NULL;
    int i;
    segment(self, found);
    for (i = 0; i < VOXELS * CLASSES; i++) {
        if (!(fabs(found[i] - expected[i]) < 1e-4)) {
            FAIL("another process finds the same");
            break;
        }
    }
    step(self);
    step(self);
    CHECK_OK(coopseg_trainer_validate(self->trainer, &json));
    CHECK_OK(coopseg_string_free(json));
    CHECK_OK(coopseg_evaluation_run(self->model, self->dataset, NULL, NULL, NULL, &evaluation));
    CHECK_OK(coopseg_evaluation_free(evaluation));
    CHECK_OK(coopseg_dataset_load(self->dataset, 0, CLASSES, &volume, NULL));
    CHECK_OK(coopseg_volume_free(volume));
    CHECK_OK(coopseg_model_new(SMALL_CONFIG, &model));
    CHECK_OK(coopseg_model_free(model));
}

static void free_all(const subject *self)
{
    CHECK_OK(coopseg_trainer_free(self->trainer));
    CHECK_OK(coopseg_segmenter_free(self->segmenter));
    CHECK_OK(coopseg_model_free(self->model));
    CHECK_OK(coopseg_dataset_free(self->dataset));
    CHECK(coopseg_live_handles() == 0);
}

/* Works in a copy of this process, and in a copy of that one where `further` says so. */
static void work_in_a_copy(const subject *self, int further)
{
    int status = -1;
    const pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        int32_t threads = 0;
        failures = 0;
        /* What waits for a thread that is not there would wait for ever. */
        alarm(PATIENCE);
        if (further) {
            work_in_a_copy(self, 0);
        }
        CHECK_OK(coopseg_threads(&threads));
        CHECK(threads == 1);
        CHECK_FAILS(COOPSEG_INVALID_STATE, "forked", coopseg_set_threads(2));
        work(self);
        CHECK_OK(coopseg_set_threads(1));
        work(self);
        free_all(self);
        exit(report());
    }
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(void)
{
    subject self;
    coopseg_image view = describe(COOPSEG_F32, image), label_view = describe(COOPSEG_U8, labels);
    int32_t threads = 0;
    memset(&self, 0, sizeof self);
    CHECK_OK(coopseg_set_threads(3));
    fill(image, labels);
    CHECK_OK(coopseg_dataset_new(&self.dataset));
    CHECK_OK(coopseg_dataset_add(self.dataset, "one", &view, &label_view));
    CHECK_OK(coopseg_model_new(SMALL_CONFIG, &self.model));
    CHECK_OK(coopseg_segmenter_new(self.model, "{\"device\": \"cpu\", \"chunk\": 1}", &self.segmenter));
    CHECK_OK(coopseg_trainer_new(SMALL_CONFIG, self.dataset, self.dataset, NULL, &self.trainer));
    segment(&self, expected);
    work(&self);

    work_in_a_copy(&self, 1);
    work(&self);
    work_in_a_copy(&self, 0);
    CHECK_OK(coopseg_threads(&threads));
    CHECK(threads == 3);
    free_all(&self);
    return report();
}
