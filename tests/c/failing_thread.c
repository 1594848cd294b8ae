/* Whichever thread cannot be started: a status that says so, and the next call works. */
/* For dl_iterate_phdr() and RTLD_NEXT. */
#define _GNU_SOURCE
#include "check.h"
#include "code_of.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>

/* Which thread of coopseg's from now on cannot be started, as where a process may have no more; 0 for none. */
static long failing = 0;
static long started = 0;

/* Of coopseg itself. The threads of libtorch's OpenMP are not ours: it ends the process without them. */
static code coopseg_code;

typedef int (*create_function)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

/* Stands in for the C library's, which coopseg calls. */
int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument)
{
    static create_function create = NULL;
    if (create == NULL) {
        *(void **)&create = dlsym(RTLD_NEXT, "pthread_create");
    }
    if (is_in(&coopseg_code, __builtin_return_address(0)) && ++started == failing) {
        return EAGAIN;
    }
    return create(thread, attributes, run, argument);
}

static float image[NX * NY * NZ];
static unsigned char labels[NX * NY * NZ];
static coopseg_model *model = NULL;
static coopseg_dataset *dataset = NULL;

static coopseg_status simulate(void)
{
    static float spoiled[NX * NY * NZ];
    coopseg_image view = describe(COOPSEG_F32, image);
    coopseg_buffer output = buffer_for(COOPSEG_F32, 3, 1, spoiled, sizeof spoiled);
    return coopseg_artefact_simulate(&view, "{\"motion\": {}}", 1, &output, NULL);
}

static coopseg_status synthesise(void)
{
    coopseg_dataset *synthetic = NULL;
    coopseg_volume *volume = NULL, *map = NULL;
    coopseg_status status;
    CHECK_OK(coopseg_dataset_synthetic("{\"subjects\": 1, \"slices\": 2, \"size\": [64, 48]}", &synthetic));
    status = coopseg_dataset_load(synthetic, 0, 4, &volume, &map);
    coopseg_volume_free(volume);
    coopseg_volume_free(map);
    CHECK_OK(coopseg_dataset_free(synthetic));
    return status;
}

static coopseg_status evaluate(void)
{
    coopseg_evaluation *evaluation = NULL;
    const coopseg_status status = coopseg_evaluation_run(model, dataset, NULL, NULL, NULL, &evaluation);
    coopseg_evaluation_free(evaluation);
    return status;
}

static coopseg_status segment(void)
{
    coopseg_segmenter *segmenter = NULL;
    coopseg_image view = describe(COOPSEG_F32, image);
    coopseg_buffer map = buffer_for(COOPSEG_U8, 3, 1, labels, sizeof labels);
    coopseg_segmentation outputs;
    coopseg_status status;
    memset(&outputs, 0, sizeof outputs);
    outputs.struct_size = sizeof outputs;
    outputs.labels = &map;
    CHECK_OK(coopseg_segmenter_new(model, "{\"device\": \"cpu\", \"chunk\": 1}", &segmenter));
    status = coopseg_segmenter_run(segmenter, &view, &outputs, NULL, NULL, NULL);
    CHECK_OK(coopseg_segmenter_free(segmenter));
    return status;
}

static coopseg_status train(void)
{
    coopseg_trainer *trainer = NULL;
    coopseg_status status = coopseg_trainer_new(SMALL_CONFIG, dataset, dataset, NULL, &trainer);
    if (status == COOPSEG_OK) {
        status = coopseg_trainer_run(trainer, NULL, NULL);
        failing = 0;
        if (status != COOPSEG_OK) {
            /* The same trainer goes on. */
            CHECK_OK(coopseg_trainer_run(trainer, NULL, NULL));
        }
    }
    coopseg_trainer_free(trainer);
    return status;
}

/* Another number of threads has the pools of threads started anew. */
static void fail_each(const char *what, coopseg_status (*work)(void))
{
    static int32_t threads = 2;
    long number;
    for (number = 1;; number++) {
        const int failed_before = failures;
        coopseg_status status;
        CHECK_OK(coopseg_set_threads(threads));
        threads = 5 - threads;
        started = 0;
        failing = number;
        status = work();
        failing = 0;
        if (started < number) {
            CHECK_OK(status);
            break;
        }
        CHECK_FAILS(COOPSEG_OUT_OF_MEMORY, "threads", status);
        CHECK_OK(work());
        if (failures > failed_before) {
            fprintf(stderr, "%s, thread %ld\n", what, number);
            break;
        }
    }
    /* There were some. */
    CHECK(number > 1);
}

int main(void)
{
    coopseg_image view = describe(COOPSEG_F32, image), label_view = describe(COOPSEG_U8, labels);
    fill(image, labels);
    CHECK_OK(coopseg_model_new(SMALL_CONFIG, &model));
    CHECK_OK(coopseg_dataset_new(&dataset));
    CHECK_OK(coopseg_dataset_add(dataset, "one", &view, &label_view));
    coopseg_code = code_of("libcoopseg-core");
    CHECK(coopseg_code.end > coopseg_code.begin);

    fail_each("an artefact", simulate);
    fail_each("a synthetic image", synthesise);
    fail_each("evaluating", evaluate);
    fail_each("segmenting", segment);
    fill(image, labels);
    fail_each("training", train);

    CHECK_OK(coopseg_dataset_free(dataset));
    CHECK_OK(coopseg_model_free(model));
    CHECK(coopseg_live_handles() == 0);
    return report();
}
