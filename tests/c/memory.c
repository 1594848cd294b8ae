/* Memory stays flat over many steps of training, with data in memory and with data that is read again. */
#include "check.h"

enum { WARM_STEPS = 60, STEPS = 260 };

typedef struct watch {
    uint64_t warm, highest;
} watch;

static int32_t on_event(const coopseg_event *event, void *user_data)
{
    watch *self = (watch *)user_data;
    if (event->step == WARM_STEPS) {
        self->warm = event->memory_bytes;
    }
    if (event->memory_bytes > self->highest) {
        self->highest = event->memory_bytes;
    }
    return event->step == STEPS;
}

static void train(const char *config, coopseg_dataset *dataset)
{
    coopseg_trainer *trainer = NULL;
    watch self;
    memset(&self, 0, sizeof self);
    CHECK_OK(coopseg_trainer_new(config, dataset, NULL, NULL, &trainer));
    CHECK_STATUS(COOPSEG_CANCELLED, coopseg_trainer_run(trainer, on_event, &self));
    CHECK_OK(coopseg_trainer_free(trainer));
    /* 200 steps later: what the allocator keeps may still grow a little. */
    CHECK(self.warm > 0 && self.highest < self.warm + self.warm / 20);
}

int main(int argc, char **argv)
{
    const char *folder = scratch(argc, argv);
    coopseg_dataset *made = NULL, *dataset = NULL;
    char path[1024];
    path_in(path, sizeof path, folder, "subjects");
    CHECK_OK(coopseg_dataset_synthetic(
        "{\"subjects\": 4, \"slices\": 4, \"size\": [40, 40], \"spacing\": [8, 8, 8]}", &made));
    CHECK_OK(coopseg_dataset_write(made, path));
    CHECK_OK(coopseg_dataset_free(made));
    CHECK_OK(coopseg_dataset_open(path, NULL, &dataset));
    CHECK_OK(coopseg_set_threads(1));
    train("{\"network\": {\"width\": 2}, \"seed\": 7, \"device\": \"cpu\", \"slices_per_step\": 2,"
          " \"preprocess\": {\"spacing\": null, \"pad\": [40, 40], \"crop\": [32, 32]}, \"epochs\": 1000}",
          dataset);
    train("{\"network\": {\"width\": 2}, \"seed\": 7, \"device\": \"cpu\", \"slices_per_step\": 2,"
          " \"preprocess\": {\"spacing\": null, \"pad\": [40, 40], \"crop\": [32, 32]}, \"epochs\": 1000,"
          " \"data\": {\"cache_mebibytes\": 0}}",
          dataset);
    CHECK_OK(coopseg_dataset_free(dataset));
    CHECK(coopseg_live_handles() == 0);
    return report();
}
