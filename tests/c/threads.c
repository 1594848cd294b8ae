/* What the comments promise about threads: one segmenter in several threads, cancelling and freeing from
   another thread, messages per thread. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"

#include <pthread.h>
#include <time.h>

#define THREADS 4

static float image[NX * NY * NZ];
static unsigned char labels[NX * NY * NZ];
static unsigned char results[THREADS][NX * NY * NZ];
static coopseg_segmenter *segmenter = NULL;
static coopseg_trainer *trainer = NULL;
static coopseg_status training_status = -1;

static void *segment(void *argument)
{
    unsigned char *out = (unsigned char *)argument;
    coopseg_image view = describe(COOPSEG_F32, image);
    coopseg_buffer buffer = buffer_for(COOPSEG_U8, 3, 0, out, sizeof results[0]);
    coopseg_segmentation maps;
    memset(&maps, 0, sizeof maps);
    maps.struct_size = sizeof maps;
    maps.labels = &buffer;
    for (int i = 0; i < 5; i++) {
        if (coopseg_segmenter_run(segmenter, &view, &maps, NULL, NULL, NULL) != COOPSEG_OK) {
            return argument;
        }
    }
    return NULL;
}

static void *train(void *argument)
{
    (void)argument;
    training_status = coopseg_trainer_run(trainer, NULL, NULL);
    return NULL;
}

static void *fail(void *argument)
{
    char message[256] = "";
    (void)argument;
    coopseg_set_threads(-77);
    coopseg_last_error(message, sizeof message, NULL);
    return strstr(message, "-77") != NULL ? NULL : argument;
}

int main(void)
{
    pthread_t threads[THREADS];
    coopseg_model *model = NULL;
    coopseg_dataset *dataset = NULL;
    coopseg_image view, label_view;
    void *failed = NULL;
    char message[256] = "";
    fill(image, labels);
    view = describe(COOPSEG_F32, image);
    label_view = describe(COOPSEG_U8, labels);

    CHECK_OK(coopseg_model_new(SMALL_CONFIG, &model));
    CHECK_OK(coopseg_segmenter_new(model, NULL, &segmenter));
    for (int i = 0; i < THREADS; i++) {
        CHECK(pthread_create(&threads[i], NULL, segment, results[i]) == 0);
    }
    for (int i = 0; i < THREADS; i++) {
        CHECK(pthread_join(threads[i], &failed) == 0 && failed == NULL);
        CHECK(memcmp(results[0], results[i], sizeof results[0]) == 0);
    }
    CHECK_OK(coopseg_segmenter_free(segmenter));
    CHECK_OK(coopseg_model_free(model));

    /* A long run, cancelled and freed from this thread while it goes on in another. */
    CHECK_OK(coopseg_dataset_new(&dataset));
    CHECK_OK(coopseg_dataset_add(dataset, "one", &view, &label_view));
    CHECK_OK(coopseg_trainer_new("{\"network\": {\"width\": 2}, \"preprocess\": {\"spacing\": null, \"pad\": [48, 48],"
                                 " \"crop\": [32, 32]}, \"slices_per_step\": 2, \"epochs\": 1000000}",
                                 dataset, NULL, NULL, &trainer));
    CHECK(pthread_create(&threads[0], NULL, train, NULL) == 0);
    char *json = NULL;
    const struct timespec moment = {0, 50000000};
    coopseg_status status;
    int tries = 0;
    do {
        nanosleep(&moment, NULL);
        status = coopseg_trainer_metrics(trainer, &json);
        if (status == COOPSEG_OK) {
            coopseg_string_free(json);
        }
    } while (status != COOPSEG_BUSY && ++tries < 200);
    CHECK(status == COOPSEG_BUSY);
    CHECK_OK(coopseg_trainer_cancel(trainer));
    CHECK_OK(coopseg_trainer_free(trainer));
    CHECK(pthread_join(threads[0], NULL) == 0);
    CHECK(training_status == COOPSEG_CANCELLED);
    CHECK_OK(coopseg_dataset_free(dataset));

    /* Every thread has its own message. */
    CHECK_STATUS(COOPSEG_INVALID_ARGUMENT, coopseg_set_threads(-5));
    CHECK(pthread_create(&threads[0], NULL, fail, message) == 0);
    CHECK(pthread_join(threads[0], &failed) == 0 && failed == NULL);
    coopseg_last_error(message, sizeof message, NULL);
    CHECK(strstr(message, "-5") != NULL);
    CHECK(coopseg_live_handles() == 0);
    return report();
}
