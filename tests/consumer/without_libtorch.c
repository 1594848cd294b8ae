/*
 * A program that starts without libtorch. With a folder as its argument it loads the libtorch of that folder; otherwise
 * it has none, and many threads learn that.
 */
#define _POSIX_C_SOURCE 200809L
#include <coopseg/coopseg.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THREADS 8

static int has(const char *words)
{
    char message[2048] = "";
    coopseg_last_error(message, sizeof message, NULL);
    if (strstr(message, words) == NULL) {
        fprintf(stderr, "the message is \"%s\", without \"%s\"\n", message, words);
        return 0;
    }
    return 1;
}

/* Returns its argument when all went as it should. */
static void *without(void *argument)
{
    coopseg_model *model = (coopseg_model *)argument;
    char *json = NULL;
    int32_t count = 7;
    int i;
    for (i = 0; i < 3; i++) {
        if (coopseg_model_load("model.coopseg", &model) != COOPSEG_LIBTORCH_UNAVAILABLE || !has("COOPSEG_LIBTORCH") ||
            coopseg_devices(&json) != COOPSEG_LIBTORCH_UNAVAILABLE || json != NULL ||
            coopseg_threads(&count) != COOPSEG_LIBTORCH_UNAVAILABLE || count != 7) {
            return NULL;
        }
    }
    /* What failed is freed as always. */
    return model == argument && coopseg_model_free(NULL) == COOPSEG_OK && coopseg_live_handles() == 0 ? argument : NULL;
}

static void *with(void *argument)
{
    char *json = NULL;
    if (coopseg_build_info(&json) != COOPSEG_OK || strstr(json, (const char *)argument) == NULL ||
        coopseg_string_free(json) != COOPSEG_OK) {
        return NULL;
    }
    return argument;
}

static int in_threads(void *(*work)(void *), void *argument)
{
    pthread_t threads[THREADS];
    void *result;
    int good = 1;
    int i;
    for (i = 0; i < THREADS; i++) {
        if (pthread_create(&threads[i], NULL, work, argument) != 0) {
            abort();
        }
    }
    for (i = 0; i < THREADS; i++) {
        good = pthread_join(threads[i], &result) == 0 && result != NULL && good;
    }
    return good;
}

int main(int argc, char **argv)
{
    char mark;
    if (without(&mark) == NULL || !in_threads(without, &mark)) {
        fprintf(stderr, "not refused as it should be without libtorch\n");
        return 1;
    }
    if (argc < 2) {
        return 0;
    }
    if (coopseg_load_libtorch(argv[1]) != COOPSEG_OK || !in_threads(with, argv[1])) {
        has("no failure");
        return 1;
    }
    /* The message of a thread is that of its last failure, whoever told it. */
    if (!has("COOPSEG_LIBTORCH") || coopseg_set_threads(-3) != COOPSEG_INVALID_ARGUMENT || !has("-3")) {
        return 1;
    }
    return 0;
}
