/* A log callback that calls the library, from its very first message on. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "check.h"

#include <unistd.h>

static int messages, devices;

static void on_message(int32_t level, const char *message, void *user_data)
{
    int32_t threads = 0;
    char *json = NULL;
    (void)level;
    (void)message;
    (void)user_data;
    messages++;
    CHECK_OK(coopseg_threads(&threads));
    CHECK(threads > 0);
    if (devices++ == 0) {
        CHECK_OK(coopseg_devices(&json));
        CHECK_OK(coopseg_string_free(json));
    }
}

int main(void)
{
    coopseg_model *model = NULL;
    /* Where it waits for itself, it waits for ever. */
    alarm(60);
    CHECK_OK(coopseg_set_log_callback(on_message, COOPSEG_LOG_INFO, NULL));
    CHECK_OK(coopseg_model_new(SMALL_CONFIG, &model));
    CHECK(messages > 0);
    CHECK_OK(coopseg_model_free(model));
    return report();
}
