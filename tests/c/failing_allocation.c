/* Whichever allocation of a tensor fails: a status that says so, and the handle stays usable. */
/* For dl_iterate_phdr() and memalign(). */
#define _GNU_SOURCE
#include "check.h"
#include "code_of.h"

#include <errno.h>
#include <malloc.h>

/* Which allocation of libtorch's from now on fails; 0 for none. Only one thread runs. */
static long failing = 0;
static long allocations = 0;

/* Of libc10, from which libtorch allocates its tensors. */
static code libtorch_code;

/* Stands in for the C library's, which libtorch calls. */
int posix_memalign(void **out, size_t alignment, size_t size)
{
    if (is_in(&libtorch_code, __builtin_return_address(0)) && ++allocations == failing) {
        return ENOMEM;
    }
    *out = memalign(alignment, size);
    return *out == NULL ? ENOMEM : 0;
}

static float image[NX * NY * NZ];
static unsigned char labels[NX * NY * NZ], expected[NX * NY * NZ];

typedef struct subject {
    coopseg_model *model;
    coopseg_segmenter *segmenter;
    coopseg_trainer *trainer;
} subject;

static coopseg_status segment(subject *self)
{
    coopseg_image view = describe(COOPSEG_F32, image);
    coopseg_buffer map = buffer_for(COOPSEG_U8, 3, 1, labels, sizeof labels);
    coopseg_segmentation outputs;
    memset(&outputs, 0, sizeof outputs);
    outputs.struct_size = sizeof outputs;
    outputs.labels = &map;
    return coopseg_segmenter_run(self->segmenter, &view, &outputs, NULL, NULL, NULL);
}

static coopseg_status train(subject *self)
{
    static float images[2 * 32 * 32];
    static unsigned char classes[2 * 32 * 32];
    const int64_t shape[4] = {2, 1, 32, 32};
    coopseg_event event;
    int i;
    for (i = 0; i < 2 * 32 * 32; i++) {
        classes[i] = (unsigned char)(i / 32 % 32 / 8);
        images[i] = (float)(i % 23 + 10 * classes[i]) / 60.0f;
    }
    memset(&event, 0, sizeof event);
    event.struct_size = sizeof event;
    return coopseg_trainer_step_batch(self->trainer, images, classes, shape, &event);
}

static coopseg_status validate(subject *self)
{
    char *json = NULL;
    const coopseg_status status = coopseg_trainer_validate(self->trainer, &json);
    coopseg_string_free(json);
    return status;
}

static coopseg_status make_segmenter(subject *self)
{
    coopseg_segmenter *segmenter = NULL;
    const coopseg_status status = coopseg_segmenter_new(self->model, "{\"device\": \"cpu\"}", &segmenter);
    CHECK((segmenter == NULL) == (status != COOPSEG_OK));
    coopseg_segmenter_free(segmenter);
    return status;
}

static coopseg_status make_model(subject *self)
{
    coopseg_model *model = NULL;
    const coopseg_status status = coopseg_model_new(SMALL_CONFIG, &model);
    (void)self;
    CHECK((model == NULL) == (status != COOPSEG_OK));
    coopseg_model_free(model);
    return status;
}

/* Lets every `stride`-th allocation of the work fail, each in a run of its own. */
static void fail_each(const char *what, coopseg_status (*work)(subject *), subject *self, long stride)
{
    long count, number;
    CHECK_OK(work(self));
    allocations = 0;
    CHECK_OK(work(self));
    count = allocations;
    CHECK(count > 10);
    for (number = 1; number <= count; number += stride) {
        coopseg_status status, due;
        allocations = 0;
        failing = number;
        status = work(self);
        failing = 0;
        /* A step of training draws, so that some need a few allocations less. */
        due = allocations < number ? COOPSEG_OK : COOPSEG_OUT_OF_MEMORY;
        if (status != due) {
            fprintf(stderr, "%s, allocation %ld of %ld:\n", what, number, count);
        }
        CHECK_STATUS(due, status);
    }
    CHECK_OK(work(self));
}

int main(void)
{
    subject self;
    coopseg_image view = describe(COOPSEG_F32, image), label_view = describe(COOPSEG_U8, labels);
    coopseg_dataset *dataset = NULL;
    memset(&self, 0, sizeof self);
    CHECK_OK(coopseg_set_threads(1));
    libtorch_code = code_of("libc10.so");
    CHECK(libtorch_code.end > libtorch_code.begin);
    /* Otherwise what is kept serves most requests. */
    CHECK_OK(coopseg_cpu_cache_set_limit(0));
    fill(image, labels);
    CHECK_OK(coopseg_dataset_new(&dataset));
    CHECK_OK(coopseg_dataset_add(dataset, "one", &view, &label_view));
    CHECK_OK(coopseg_model_new(SMALL_CONFIG, &self.model));
    CHECK_OK(coopseg_segmenter_new(self.model, "{\"device\": \"cpu\", \"chunk\": 1}", &self.segmenter));
    CHECK_OK(coopseg_trainer_new(SMALL_CONFIG, dataset, dataset, NULL, &self.trainer));

    CHECK_OK(segment(&self));
    memcpy(expected, labels, sizeof labels);
    fail_each("segmenting", segment, &self, 1);
    CHECK(memcmp(labels, expected, sizeof labels) == 0);
    fail_each("training", train, &self, 37);
    fail_each("validating", validate, &self, 7);
    fail_each("a model", make_model, &self, 1);
    fail_each("a segmenter", make_segmenter, &self, 7);

    CHECK_OK(coopseg_trainer_free(self.trainer));
    CHECK_OK(coopseg_segmenter_free(self.segmenter));
    CHECK_OK(coopseg_model_free(self.model));
    CHECK_OK(coopseg_dataset_free(dataset));
    CHECK(coopseg_live_handles() == 0);
    return report();
}
