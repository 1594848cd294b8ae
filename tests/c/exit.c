/* The process ends while threads are in calls: by main's return or exit, from any thread, also out of a callback. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "check.h"

#include <pthread.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { VOXELS = NX * NY * NZ, CLASSES = 4, ANSWER = 7 };

#define ENDLESS_CONFIG                                                                                       \
    "{\"network\": {\"width\": 2}, \"seed\": 7, \"device\": \"cpu\","                                        \
    " \"preprocess\": {\"spacing\": null, \"pad\": [48, 48], \"crop\": [32, 32]},"                           \
    " \"slices_per_step\": 2, \"epochs\": 1000000}"

static float image[VOXELS];
static unsigned char labels[VOXELS];
static coopseg_model *model;
static coopseg_segmenter *segmenter;
static coopseg_trainer *trainer;
static coopseg_dataset *dataset;

/* What callbacks do from their third call on. */
static int callbacks_exit, callbacks_wait, callbacks_rest;
static int calls;

static pthread_t training, segmenting;
static coopseg_status trained = COOPSEG_OK, segmented = COOPSEG_OK;

static void pause_for(long milliseconds)
{
    struct timespec time;
    time.tv_sec = milliseconds / 1000;
    time.tv_nsec = milliseconds % 1000 * 1000000;
    nanosleep(&time, NULL);
}

static int32_t hear(void)
{
    if (__atomic_add_fetch(&calls, 1, __ATOMIC_SEQ_CST) >= 3) {
        if (callbacks_exit) {
            exit(ANSWER);
        }
        while (callbacks_wait) {
            pause();
        }
        if (callbacks_rest) {
            pause_for(2500);
        }
    }
    return 0;
}

static int32_t on_event(const coopseg_event *event, void *user_data)
{
    (void)event;
    (void)user_data;
    return hear();
}

static int32_t on_slice(size_t done, size_t slices, void *user_data)
{
    (void)done;
    (void)slices;
    (void)user_data;
    return hear();
}

static void *train(void *unused)
{
    (void)unused;
    trained = coopseg_trainer_run(trainer, on_event, NULL);
    return NULL;
}

static coopseg_status segment_once(void)
{
    static float map[VOXELS * CLASSES];
    coopseg_image view = describe(COOPSEG_F32, image);
    coopseg_buffer buffer = buffer_for(COOPSEG_F32, 4, CLASSES, map, sizeof map);
    coopseg_segmentation outputs;
    memset(&outputs, 0, sizeof outputs);
    outputs.struct_size = sizeof outputs;
    outputs.probabilities = &buffer;
    return coopseg_segmenter_run(segmenter, &view, &outputs, on_slice, NULL, NULL);
}

static void *segment(void *unused)
{
    (void)unused;
    do {
        segmented = segment_once();
    } while (segmented == COOPSEG_OK);
    return NULL;
}

static void make(void)
{
    coopseg_image view = describe(COOPSEG_F32, image), label_view = describe(COOPSEG_U8, labels);
    fill(image, labels);
    CHECK_OK(coopseg_set_threads(2));
    CHECK_OK(coopseg_dataset_new(&dataset));
    CHECK_OK(coopseg_dataset_add(dataset, "one", &view, &label_view));
    CHECK_OK(coopseg_model_new(SMALL_CONFIG, &model));
    CHECK_OK(coopseg_segmenter_new(model, "{\"device\": \"cpu\", \"chunk\": 1}", &segmenter));
    CHECK_OK(coopseg_trainer_new(ENDLESS_CONFIG, dataset, dataset, NULL, &trainer));
}

static void begin(pthread_t *thread, void *(*work)(void *))
{
    CHECK(pthread_create(thread, NULL, work, NULL) == 0);
}

static void until_callbacks(int count)
{
    while (__atomic_load_n(&calls, __ATOMIC_SEQ_CST) < count) {
        pause_for(1);
    }
}

/* The programs, each in a process of its own. `delay` is how long main waits before it ends, in ms. */

static void main_ends_while_threads_work(long delay)
{
    make();
    begin(&training, train);
    begin(&segmenting, segment);
    pause_for(delay);
}

static int made;

static void *make_and_train(void *unused)
{
    make();
    __atomic_store_n(&made, 1, __ATOMIC_SEQ_CST);
    return train(unused);
}

/* This library is used by another thread alone, which has done work of every kind. */
static void main_ends_without_a_call(long delay)
{
    (void)delay;
    begin(&training, make_and_train);
    until_callbacks(30);
}

/* The first thread has no use for libtorch; the other is in the midst of its first work. */
static void main_ends_after_a_call_without_libtorch(long delay)
{
    begin(&training, make_and_train);
    while (!__atomic_load_n(&made, __ATOMIC_SEQ_CST)) {
        pause_for(1);
    }
    CHECK_STATUS(COOPSEG_NULL_ARGUMENT, coopseg_trainer_cancel(NULL));
    pause_for(delay);
}

static void a_training_exits_in_its_callback(long delay)
{
    (void)delay;
    make();
    callbacks_exit = 1;
    train(NULL);
}

/* Other slices are being computed. */
static void a_segmentation_exits_in_its_callback(long delay)
{
    (void)delay;
    make();
    callbacks_exit = 1;
    segment(NULL);
}

static void callbacks_never_return(long delay)
{
    (void)delay;
    make();
    callbacks_wait = 1;
    begin(&training, train);
    until_callbacks(3);
}

/* Runs last: it was registered before libtorch was loaded. */
static void late(void)
{
    coopseg_model *other = NULL;
    CHECK(pthread_join(training, NULL) == 0 && trained == COOPSEG_CANCELLED);
    CHECK(pthread_join(segmenting, NULL) == 0 && segmented == COOPSEG_CANCELLED);
    CHECK_STATUS(COOPSEG_INVALID_STATE, segment_once());
    CHECK_STATUS(COOPSEG_INVALID_STATE, coopseg_model_new(SMALL_CONFIG, &other));
    CHECK(other == NULL);
    CHECK_OK(coopseg_segmenter_free(segmenter));
    CHECK_OK(coopseg_trainer_free(trainer));
    CHECK_OK(coopseg_model_free(model));
    CHECK_OK(coopseg_dataset_free(dataset));
    if (failures > 0 || coopseg_live_handles() != 0) {
        _exit(1);
    }
}

static void join_training(void)
{
    if (pthread_join(training, NULL) != 0 || trained != COOPSEG_CANCELLED) {
        _exit(1);
    }
}

/* The end does not wait so long for callbacks, but somebody else may wait for their thread. */
static void callbacks_return_late(long delay)
{
    (void)delay;
    CHECK(atexit(join_training) == 0);
    make();
    callbacks_rest = 1;
    begin(&training, train);
    until_callbacks(3);
}

static coopseg_trainer *of_thread;
static pthread_key_t key;
static coopseg_status at_the_end = COOPSEG_OK;

static void step_once_more(void *unused)
{
    coopseg_event event;
    (void)unused;
    memset(&event, 0, sizeof event);
    event.struct_size = sizeof event;
    at_the_end = coopseg_trainer_step(of_thread, &event);
}

static void *step_and_end(void *unused)
{
    coopseg_event event;
    int step;
    (void)unused;
    memset(&event, 0, sizeof event);
    event.struct_size = sizeof event;
    CHECK_OK(coopseg_trainer_new(ENDLESS_CONFIG, dataset, NULL, NULL, &of_thread));
    CHECK(pthread_setspecific(key, of_thread) == 0);
    for (step = 0; step < 5; step++) {
        CHECK_OK(coopseg_trainer_step(of_thread, &event));
    }
    return NULL;
}

/* What is kept for a thread is destroyed after what libtorch keeps for it. */
static void a_thread_that_ends_is_refused(long delay)
{
    pthread_t thread;
    (void)delay;
    CHECK(pthread_key_create(&key, step_once_more) == 0);
    make();
    begin(&thread, step_and_end);
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(at_the_end == COOPSEG_INVALID_STATE);
    CHECK_OK(coopseg_trainer_free(of_thread));
}

static void *spoil(void *unused)
{
    coopseg_status status;
    (void)unused;
    do {
        static float spoiled[VOXELS];
        coopseg_image view = describe(COOPSEG_F32, image);
        coopseg_buffer buffer = buffer_for(COOPSEG_F32, 3, 1, spoiled, sizeof spoiled);
        status = coopseg_artefact_simulate(&view, "{\"noise\": {}}", 1, &buffer, NULL);
        __atomic_add_fetch(&calls, 1, __ATOMIC_SEQ_CST);
    } while (status == COOPSEG_OK);
    trained = status;
    return NULL;
}

/* Calls without libtorch end too. */
static void calls_follow_each_other(long delay)
{
    (void)delay;
    CHECK(atexit(join_training) == 0);
    make();
    begin(&training, spoil);
    until_callbacks(3);
}

/* Runs while libtorch is there, but what it keeps for this thread is not. */
static void early(void)
{
    double dice[CLASSES];
    coopseg_image view = describe(COOPSEG_U8, labels);
    CHECK_STATUS(COOPSEG_INVALID_STATE, segment_once());
    CHECK_OK(coopseg_dice(&view, &view, CLASSES, dice));
    CHECK_OK(coopseg_trainer_cancel(trainer));
}

static void threads_end_with_a_status(long delay)
{
    CHECK(atexit(late) == 0);
    main_ends_while_threads_work(delay);
    until_callbacks(10);
    CHECK(atexit(early) == 0);
}

static void ends_well(void (*program)(long), long delay, const char *name)
{
    int status = 0;
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        failures = 0;
        alarm(50);
        program(delay);
        exit(failures > 0 ? 1 : ANSWER);
    }
    CHECK(waitpid(child, &status, 0) == child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != ANSWER) {
        fprintf(stderr, "%s, %ld ms: status %#x\n", name, delay, (unsigned)status);
        failures++;
    }
}

#define ENDS_WELL(program, delay) ends_well(program, delay, #program)

int main(void)
{
    static const long delays[] = {0, 50, 200};
    size_t i;
    for (i = 0; i < sizeof delays / sizeof *delays; i++) {
        ENDS_WELL(main_ends_while_threads_work, delays[i]);
    }
    ENDS_WELL(main_ends_without_a_call, 0);
    ENDS_WELL(main_ends_after_a_call_without_libtorch, 50);
    ENDS_WELL(a_training_exits_in_its_callback, 0);
    ENDS_WELL(a_segmentation_exits_in_its_callback, 0);
    ENDS_WELL(callbacks_never_return, 0);
    ENDS_WELL(callbacks_return_late, 0);
    ENDS_WELL(a_thread_that_ends_is_refused, 0);
    ENDS_WELL(calls_follow_each_other, 0);
    ENDS_WELL(threads_end_with_a_status, 0);
    return report();
}
