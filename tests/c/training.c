/* Training: data from memory and folders, events, cancelling, metrics, the best model. */
#include "check.h"

static float image[NX * NY * NZ];
static unsigned char labels[NX * NY * NZ];

typedef struct listener {
    int steps, validations, finished;
    int cancel_at;
    coopseg_trainer *trainer;
    double last_loss;
} listener;

static int32_t on_event(const coopseg_event *event, void *user_data)
{
    listener *self = (listener *)user_data;
    CHECK(event->struct_size == sizeof *event);
    CHECK(event->epoch >= 1 && event->epoch <= event->epochs && event->steps_per_epoch == 3);
    CHECK(event->seconds_elapsed >= 0.0 && event->seconds_left >= 0.0);
    self->last_loss = event->loss;
    switch (event->kind) {
    case COOPSEG_EVENT_STEP:
        self->steps++;
        CHECK(isfinite(event->loss) && isfinite(event->loss_hard_segmentation));
        break;
    case COOPSEG_EVENT_VALIDATION:
        self->validations++;
        CHECK(event->classes == 4 && isfinite(event->mean_iou) && isfinite(event->refined_dice));
        CHECK(event->refined_dice_per_class[0] >= 0.0);
        break;
    default:
        self->finished++;
        break;
    }
    if (self->trainer != NULL) {
        char *json = NULL;
        CHECK_STATUS(COOPSEG_BUSY, coopseg_trainer_metrics(self->trainer, &json));
        CHECK_STATUS(COOPSEG_BUSY, coopseg_trainer_run(self->trainer, NULL, NULL));
    }
    return self->cancel_at == self->steps ? 1 : 0;
}

static coopseg_dataset *dataset_in_memory(void)
{
    coopseg_dataset *dataset = NULL;
    coopseg_image view = describe(COOPSEG_F32, image), label_view = describe(COOPSEG_U8, labels);
    CHECK_OK(coopseg_dataset_new(&dataset));
    CHECK_OK(coopseg_dataset_add(dataset, "one", &view, &label_view));
    CHECK_OK(coopseg_dataset_add(dataset, "two/ED", &view, &label_view));
    return dataset;
}

static void datasets(const char *folder)
{
    coopseg_dataset *dataset = dataset_in_memory(), *selected = NULL, *opened = NULL, *synthetic = NULL;
    coopseg_image view = describe(COOPSEG_F32, image), label_view = describe(COOPSEG_U8, labels);
    coopseg_volume *volume = NULL, *label_volume = NULL;
    coopseg_image seen;
    char path[1024];
    char *json = NULL, *name = NULL, *file = NULL;
    size_t count = 0;
    size_t indices[2] = {1, 1};

    CHECK_FAILS(COOPSEG_INVALID_DATASET, "one", coopseg_dataset_add(dataset, "one", &view, &label_view));
    CHECK_STATUS(COOPSEG_NULL_ARGUMENT, coopseg_dataset_add(dataset, NULL, &view, NULL));
    label_view.shape[0]--;
    CHECK_STATUS(COOPSEG_INVALID_SHAPE, coopseg_dataset_add(dataset, "three", &view, &label_view));
    CHECK_OK(coopseg_dataset_count(dataset, &count));
    CHECK(count == 2);
    CHECK_OK(coopseg_dataset_info(dataset, &json));
    CHECK(strstr(json, "two/ED") != NULL);
    CHECK_OK(coopseg_string_free(json));
    CHECK_OK(coopseg_dataset_case(dataset, 1, &name, &file, NULL));
    CHECK(strcmp(name, "two/ED") == 0 && file == NULL);
    CHECK_OK(coopseg_string_free(name));
    CHECK_FAILS(COOPSEG_INVALID_ARGUMENT, "2", coopseg_dataset_case(dataset, 2, &name, NULL, NULL));

    CHECK_OK(coopseg_dataset_select(dataset, indices, 1, &selected));
    CHECK_OK(coopseg_dataset_count(selected, &count));
    CHECK(count == 1);
    CHECK_OK(coopseg_dataset_free(selected));
    selected = NULL;
    CHECK_STATUS(COOPSEG_INVALID_ARGUMENT, coopseg_dataset_select(dataset, indices, 2, &selected));
    CHECK_STATUS(COOPSEG_INVALID_ARGUMENT, coopseg_dataset_select(dataset, indices, 0, &selected));
    indices[0] = 9;
    CHECK_STATUS(COOPSEG_INVALID_ARGUMENT, coopseg_dataset_select(dataset, indices, 1, &selected));
    CHECK(selected == NULL);

    CHECK_OK(coopseg_dataset_load(dataset, 0, 4, &volume, &label_volume));
    CHECK_OK(coopseg_volume_image(volume, &seen));
    CHECK(seen.dtype == COOPSEG_F32 && seen.shape[0] == NX && seen.shape[1] == NY && seen.shape[2] == NZ);
    CHECK(memcmp(seen.data, image, sizeof image) == 0);
    CHECK_OK(coopseg_volume_image(label_volume, &seen));
    CHECK(seen.dtype == COOPSEG_U8 && memcmp(seen.data, labels, sizeof labels) == 0);
    CHECK_OK(coopseg_volume_free(volume));
    CHECK_OK(coopseg_volume_free(label_volume));
    CHECK_FAILS(COOPSEG_INVALID_LABEL, "one", coopseg_dataset_load(dataset, 0, 2, &volume, NULL));

    path_in(path, sizeof path, folder, "subjects");
    CHECK_OK(coopseg_dataset_synthetic("{\"subjects\": 2, \"slices\": 2, \"size\": [64, 48]}", &synthetic));
    CHECK_OK(coopseg_dataset_write(synthetic, path));
    CHECK_OK(coopseg_dataset_open(path, NULL, &opened));
    CHECK_OK(coopseg_dataset_count(opened, &count));
    CHECK(count == 2);
    CHECK_OK(coopseg_dataset_case(opened, 0, NULL, &file, NULL));
    CHECK(file != NULL && strstr(file, "image.nii.gz") != NULL);
    CHECK_OK(coopseg_string_free(file));
    CHECK_OK(coopseg_dataset_free(opened));
    opened = NULL;
    CHECK_STATUS(COOPSEG_INVALID_DATASET, coopseg_dataset_open(path, "{\"image\": \"*/none.nii\"}", &opened));
    CHECK_FAILS(COOPSEG_INVALID_CONFIG, "images", coopseg_dataset_open(path, "{\"images\": \"*\"}", &opened));
    CHECK_STATUS(COOPSEG_FILE_NOT_FOUND, coopseg_dataset_open("/nowhere/at/all", NULL, &opened));
    CHECK_STATUS(COOPSEG_NULL_ARGUMENT, coopseg_dataset_open(NULL, NULL, &opened));
    CHECK_FAILS(COOPSEG_INVALID_CONFIG, "scanner", coopseg_dataset_synthetic("{\"scanner\": \"Z\"}", &opened));
    CHECK_FAILS(COOPSEG_INVALID_CONFIG, "subjects", coopseg_dataset_synthetic("{\"subjects\": 0}", &opened));
    CHECK(opened == NULL);
    CHECK_OK(coopseg_dataset_free(synthetic));
    CHECK_OK(coopseg_dataset_free(dataset));
}

static void runs(const char *folder)
{
    coopseg_dataset *dataset = dataset_in_memory();
    coopseg_trainer *trainer = NULL;
    coopseg_model *best = NULL, *loaded = NULL, *continued = NULL;
    listener self;
    char path[1024];
    char *json = NULL;
    memset(&self, 0, sizeof self);
    self.cancel_at = -1;

    CHECK_OK(coopseg_trainer_new(SMALL_CONFIG, dataset, dataset, NULL, &trainer));
    /* Cancelled after one step, then to the end. */
    self.cancel_at = 1;
    self.trainer = trainer;
    CHECK_STATUS(COOPSEG_CANCELLED, coopseg_trainer_run(trainer, on_event, &self));
    CHECK(self.steps == 1);
    CHECK_OK(coopseg_trainer_metrics(trainer, &json));
    CHECK(strstr(json, "\"steps\": 1") != NULL && strstr(json, "\"finished\": false") != NULL);
    CHECK_OK(coopseg_string_free(json));
    self.cancel_at = -1;
    CHECK_OK(coopseg_trainer_run(trainer, on_event, &self));
    CHECK(self.steps == 6 && self.validations == 2 && self.finished == 1);
    CHECK_STATUS(COOPSEG_INVALID_STATE, coopseg_trainer_run(trainer, NULL, NULL));
    CHECK_OK(coopseg_trainer_metrics(trainer, &json));
    CHECK(strstr(json, "\"finished\": true") != NULL && strstr(json, "\"refined_dice\"") != NULL);
    CHECK_OK(coopseg_string_free(json));

    path_in(path, sizeof path, folder, "best.coopseg");
    CHECK_OK(coopseg_trainer_save_best(trainer, path));
    CHECK_STATUS(COOPSEG_FILE_NOT_FOUND, coopseg_trainer_save_best(trainer, "/nowhere/at/all/model.coopseg"));
    CHECK_STATUS(COOPSEG_NULL_ARGUMENT, coopseg_trainer_save_best(trainer, NULL));
    CHECK_OK(coopseg_trainer_best_model(trainer, &best));
    CHECK_OK(coopseg_trainer_free(trainer));
    CHECK_OK(coopseg_model_load(path, &loaded));
    CHECK_OK(coopseg_model_info(loaded, &json));
    CHECK(strstr(json, "\"best_epoch\"") != NULL);
    CHECK_OK(coopseg_string_free(json));

    /* Further training from a model. */
    CHECK_OK(coopseg_trainer_new(SMALL_CONFIG, dataset, NULL, loaded, &trainer));
    CHECK_OK(coopseg_trainer_cancel(trainer));
    CHECK_OK(coopseg_trainer_run(trainer, NULL, NULL));
    CHECK_OK(coopseg_trainer_best_model(trainer, &continued));
    CHECK_OK(coopseg_trainer_free(trainer));
    trainer = NULL;
    CHECK_FAILS(COOPSEG_INVALID_CONFIG, "but for the classes",
                coopseg_trainer_new("{\"network\": {\"width\": 3}, \"slices_per_step\": 2}", dataset, NULL, loaded,
                                    &trainer));
    CHECK(trainer == NULL);
    CHECK_OK(coopseg_model_free(best));
    CHECK_OK(coopseg_model_free(loaded));
    CHECK_OK(coopseg_model_free(continued));
    CHECK_OK(coopseg_dataset_free(dataset));
}

/* Snapshots, and a loop of the host's own. */
static void by_hand(const char *folder)
{
    enum { SAMPLES = 2, SIZE = 32 };
    static float images[SAMPLES * SIZE * SIZE];
    static unsigned char classes[SAMPLES * SIZE * SIZE];
    int64_t shape[4] = {SAMPLES, 1, SIZE, SIZE};
    coopseg_dataset *dataset = dataset_in_memory();
    coopseg_trainer *trainer = NULL, *resumed = NULL, *other = NULL;
    coopseg_model *current = NULL;
    coopseg_event event, again;
    char path[1024];
    char *json = NULL;
    size_t index;
    for (index = 0; index < sizeof classes; index++) {
        classes[index] = (unsigned char)(index / SIZE % SIZE > 15);
        images[index] = classes[index] ? 0.75f : 0.25f;
    }

    CHECK_OK(coopseg_trainer_new(SMALL_CONFIG, dataset, dataset, NULL, &trainer));
    event.struct_size = sizeof event - 8;
    CHECK_FAILS(COOPSEG_INVALID_STRUCT_SIZE, "out_event", coopseg_trainer_step(trainer, &event));
    CHECK_FAILS(COOPSEG_INVALID_STRUCT_SIZE, "out_event",
                coopseg_trainer_step_batch(trainer, images, classes, shape, &event));
    event.struct_size = again.struct_size = sizeof event;
    CHECK_OK(coopseg_trainer_step(trainer, &event));
    CHECK(event.struct_size == sizeof event && event.kind == COOPSEG_EVENT_STEP && event.step == 1);
    CHECK(isfinite(event.loss) && event.learning_rate == 1e-4 && event.examples_per_second > 0.0);
    CHECK(event.waiting_share >= 0.0 && event.waiting_share <= 1.0 && event.memory_bytes > 0);
    CHECK(isnan(event.gradient_norm) && isnan(event.loss_segmentation_dice));
    CHECK(event.fast_dice_per_class == NULL && event.classes == 0);

    path_in(path, sizeof path, folder, "by-hand.snapshot");
    CHECK_OK(coopseg_trainer_save_snapshot(trainer, path));
    CHECK_OK(coopseg_trainer_resume(path, NULL, dataset, dataset, &resumed));
    CHECK_OK(coopseg_trainer_step(trainer, &event));
    CHECK_OK(coopseg_trainer_step(resumed, &again));
    CHECK(event.step == 2 && again.step == 2 && event.loss == again.loss);
    CHECK_FAILS(COOPSEG_INVALID_DATASET, "training data", coopseg_trainer_resume(path, NULL, NULL, NULL, &other));
    CHECK_FAILS(COOPSEG_INVALID_CONFIG, "`seed`",
                coopseg_trainer_resume(path, "{\"seed\": 8}", dataset, NULL, &other));
    CHECK_FAILS(COOPSEG_FILE_FORMAT, "snapshot", coopseg_model_load(path, &current));
    path_in(path, sizeof path, folder, "nothing.snapshot");
    CHECK_STATUS(COOPSEG_FILE_NOT_FOUND, coopseg_trainer_resume(path, NULL, dataset, NULL, &other));
    CHECK_STATUS(COOPSEG_NULL_ARGUMENT, coopseg_trainer_resume(NULL, NULL, dataset, NULL, &other));
    CHECK_OK(coopseg_trainer_free(resumed));

    CHECK_OK(coopseg_trainer_set_learning_rate(trainer, 0.01));
    CHECK_FAILS(COOPSEG_INVALID_ARGUMENT, "learning rate", coopseg_trainer_set_learning_rate(trainer, 0.0));
    CHECK_OK(coopseg_trainer_step_batch(trainer, images, classes, shape, &event));
    CHECK(event.step == 3 && event.learning_rate == 0.01);
    for (index = 0; index < 30; index++) {
        CHECK_OK(coopseg_trainer_step_batch(trainer, images, classes, shape, &again));
    }
    CHECK(again.loss_segmentation < event.loss_segmentation);
    shape[1] = 2;
    CHECK_FAILS(COOPSEG_INVALID_SHAPE, "1 channel",
                coopseg_trainer_step_batch(trainer, images, classes, shape, &event));
    shape[1] = 1;
    classes[7] = 4;
    CHECK_FAILS(COOPSEG_INVALID_LABEL, "0 to 3",
                coopseg_trainer_step_batch(trainer, images, classes, shape, &event));
    images[3] = 1.5f;
    CHECK_FAILS(COOPSEG_INVALID_ARGUMENT, "1.5",
                coopseg_trainer_step_batch(trainer, images, classes, shape, &event));
    CHECK_STATUS(COOPSEG_NULL_ARGUMENT, coopseg_trainer_step_batch(trainer, NULL, classes, shape, &event));
    CHECK_STATUS(COOPSEG_NULL_ARGUMENT, coopseg_trainer_step(trainer, NULL));

    CHECK_OK(coopseg_trainer_validate(trainer, &json));
    CHECK(strstr(json, "\"two/ED\"") != NULL && strstr(json, "\"best\": true") != NULL);
    CHECK_OK(coopseg_string_free(json));
    path_in(path, sizeof path, folder, "by-hand.html");
    CHECK_OK(coopseg_trainer_save_report(trainer, path));
    CHECK_STATUS(COOPSEG_NULL_ARGUMENT, coopseg_trainer_save_report(trainer, NULL));
    CHECK_OK(coopseg_trainer_current_model(trainer, &current));
    CHECK_OK(coopseg_model_free(current));
    CHECK_OK(coopseg_trainer_free(trainer));

    /* Without data only batches of the host can be trained with. */
    CHECK_OK(coopseg_trainer_new(SMALL_CONFIG, NULL, NULL, NULL, &trainer));
    CHECK_STATUS(COOPSEG_INVALID_STATE, coopseg_trainer_step(trainer, &event));
    CHECK_STATUS(COOPSEG_INVALID_STATE, coopseg_trainer_run(trainer, NULL, NULL));
    CHECK_STATUS(COOPSEG_INVALID_STATE, coopseg_trainer_validate(trainer, &json));
    CHECK_OK(coopseg_trainer_free(trainer));
    CHECK_OK(coopseg_dataset_free(dataset));
}

static void refusals(void)
{
    coopseg_dataset *dataset = dataset_in_memory(), *unlabelled = NULL, *empty = NULL;
    coopseg_image view = describe(COOPSEG_F32, image);
    coopseg_trainer *trainer = NULL;
    CHECK_STATUS(COOPSEG_NULL_ARGUMENT, coopseg_trainer_new(SMALL_CONFIG, dataset, NULL, NULL, NULL));
    CHECK_FAILS(COOPSEG_INVALID_LABEL, "one",
                coopseg_trainer_new("{\"network\": {\"classes\": [\"a\", \"b\"]}, \"slices_per_step\": 2}", dataset,
                                    NULL, NULL, &trainer));
    CHECK_FAILS(COOPSEG_DEVICE_UNAVAILABLE, "cuda:77",
                coopseg_trainer_new("{\"device\": \"cuda:77\", \"slices_per_step\": 2}", dataset, NULL, NULL,
                                    &trainer));
    CHECK_OK(coopseg_dataset_new(&unlabelled));
    CHECK_OK(coopseg_dataset_add(unlabelled, "bare", &view, NULL));
    CHECK_FAILS(COOPSEG_INVALID_DATASET, "bare",
                coopseg_trainer_new(SMALL_CONFIG, unlabelled, NULL, NULL, &trainer));
    CHECK_FAILS(COOPSEG_INVALID_DATASET, "bare",
                coopseg_trainer_new(SMALL_CONFIG, dataset, unlabelled, NULL, &trainer));
    CHECK_OK(coopseg_dataset_new(&empty));
    CHECK_STATUS(COOPSEG_INVALID_DATASET, coopseg_trainer_new(SMALL_CONFIG, empty, NULL, NULL, &trainer));
    CHECK_STATUS(COOPSEG_INVALID_DATASET, coopseg_trainer_new(SMALL_CONFIG, dataset, empty, NULL, &trainer));
    CHECK(trainer == NULL);
    CHECK_OK(coopseg_dataset_free(dataset));
    CHECK_OK(coopseg_dataset_free(unlabelled));
    CHECK_OK(coopseg_dataset_free(empty));
}

static void hard_examples(void)
{
    static float x_hat[32 * 32 * NZ], mask[2 * 2 * NZ * 16], p_hat[32 * 32 * NZ * 4];
    coopseg_model *model = NULL;
    coopseg_image view = describe(COOPSEG_F32, image), label_view = describe(COOPSEG_U8, labels);
    coopseg_buffer buffers[3];
    coopseg_hard_example out;
    const char *const schemes[3] = {"dropout", "channel", "spatial"};
    CHECK_OK(coopseg_model_new(SMALL_CONFIG, &model));
    memset(buffers, 0, sizeof buffers);
    for (int i = 0; i < 3; i++) {
        buffers[i].struct_size = sizeof buffers[i];
        buffers[i].dtype = COOPSEG_F32;
        buffers[i].ndim = i == 0 ? 3 : 4;
        buffers[i].shape[0] = buffers[i].shape[1] = i == 1 ? 2 : 32;
        buffers[i].shape[2] = NZ;
        buffers[i].shape[3] = i == 1 ? 16 : 4;
    }
    buffers[0].data = x_hat;
    buffers[0].data_size = sizeof x_hat;
    buffers[1].data = mask;
    buffers[1].data_size = sizeof mask;
    buffers[2].data = p_hat;
    buffers[2].data_size = sizeof p_hat;
    memset(&out, 0, sizeof out);
    out.struct_size = sizeof out;
    out.image = &buffers[0];
    out.image_mask = &buffers[1];
    out.segmentation = &buffers[2];
    for (int s = 0; s < 3; s++) {
        char options[64];
        int masked = 0;
        snprintf(options, sizeof options, "{\"scheme\": \"%s\", \"fraction\": 0.5}", schemes[s]);
        CHECK_OK(coopseg_model_hard_example(model, &view, &label_view, options, &out));
        for (int i = 0; i < 2 * 2 * NZ * 16; i++) {
            CHECK(mask[i] == 0.0F || mask[i] == 1.0F);
            masked += mask[i] == 0.0F;
        }
        CHECK(masked > 0 && masked < 2 * 2 * NZ * 16);
        CHECK(s == 0 || masked == 2 * NZ * 16);
        for (int i = 0; i < 32 * 32 * NZ; i++) {
            double sum = 0.0;
            for (int c = 0; c < 4; c++) {
                sum += p_hat[c * 32 * 32 * NZ + i];
            }
            if (!(x_hat[i] > 0.0F && x_hat[i] < 1.0F && fabs(sum - 1.0) < 1e-5)) {
                FAIL("images lie in (0, 1) and probabilities sum to 1");
                break;
            }
        }
    }
    CHECK_OK(coopseg_model_hard_example(model, &view, &label_view,
                                        "{\"hard_images\": {\"method\": \"adversarial_noise\"}}", &out));
    CHECK(mask[0] == 1.0F && mask[2 * 2 * NZ * 16 - 1] == 1.0F);
    CHECK_FAILS(COOPSEG_INVALID_CONFIG, "kernel_sides",
                coopseg_model_hard_example(model, &view, &label_view,
                                           "{\"hard_images\": {\"random_convolution\": {\"kernel_sides\": [2]}}}",
                                           &out));
    CHECK_FAILS(COOPSEG_INVALID_CONFIG, "scheme",
                coopseg_model_hard_example(model, &view, &label_view, "{\"scheme\": \"row\"}", &out));
    CHECK_FAILS(COOPSEG_INVALID_CONFIG, "fraction",
                coopseg_model_hard_example(model, &view, &label_view, "{\"fraction\": 2}", &out));
    buffers[1].shape[3] = 15;
    CHECK_FAILS(COOPSEG_INVALID_SHAPE, "image_mask",
                coopseg_model_hard_example(model, &view, &label_view, NULL, &out));
    label_view.shape[2]--;
    buffers[1].shape[3] = 16;
    CHECK_STATUS(COOPSEG_INVALID_SHAPE, coopseg_model_hard_example(model, &view, &label_view, NULL, &out));
    CHECK_STATUS(COOPSEG_NULL_ARGUMENT, coopseg_model_hard_example(model, &view, NULL, NULL, &out));
    CHECK_OK(coopseg_model_free(model));
}

int main(int argc, char **argv)
{
    const char *folder = scratch(argc, argv);
    fill(image, labels);
    datasets(folder);
    runs(folder);
    by_hand(folder);
    refusals();
    hard_examples();
    CHECK(coopseg_live_handles() == 0);
    return report();
}
