/* Every device of this machine gives the numbers of the CPU. Where there is CUDA, images and results in its memory do
 * too, and memory that ends. */
#include "check.h"

#include <dlfcn.h>

enum { SIZE = 96, SLICES = 5, VOXELS = SIZE * SIZE * SLICES, CLASSES = 4, STEPS = 3 };

#define NETWORK                                                                                              \
    "\"network\": {\"width\": 8}, \"seed\": 7,"                                                              \
    " \"preprocess\": {\"spacing\": null, \"pad\": [96, 96], \"crop\": [96, 96]}"

typedef struct {
    float fast[STEPS], hard[STEPS];
    float probabilities[VOXELS * CLASSES];
    unsigned char labels[VOXELS];
} numbers;

static float image[VOXELS];

/* A dense map over the image; `fourth` classes or none. */
static coopseg_buffer map_of(int32_t dtype, int64_t fourth, void *data, size_t size)
{
    coopseg_buffer buffer;
    memset(&buffer, 0, sizeof buffer);
    buffer.struct_size = sizeof buffer;
    buffer.dtype = dtype;
    buffer.ndim = fourth > 0 ? 4 : 3;
    buffer.shape[0] = buffer.shape[1] = SIZE;
    buffer.shape[2] = SLICES;
    buffer.shape[3] = fourth;
    buffer.data = data;
    buffer.data_size = size;
    return buffer;
}

/* A few steps of cooperative training; returns the model. */
static coopseg_model *train(const char *device, numbers *out)
{
    coopseg_dataset *hearts = NULL;
    coopseg_trainer *trainer = NULL;
    coopseg_model *model = NULL;
    coopseg_event event;
    char config[512];
    event.struct_size = sizeof event;
    snprintf(config, sizeof config,
             "{" NETWORK ", \"device\": \"%s\", \"slices_per_step\": 4, \"epochs\": 9,"
             " \"hard_examples\": {\"masks\": [\"channel\"], \"targeted_fraction\": [0.3, 0.3], \"soft\": false}}",
             device);
    CHECK_OK(coopseg_dataset_synthetic("{\"subjects\": 2, \"slices\": 6, \"size\": [96, 96]}", &hearts));
    CHECK_OK(coopseg_trainer_new(config, hearts, NULL, NULL, &trainer));
    for (int i = 0; i < STEPS; i++) {
        CHECK_OK(coopseg_trainer_step(trainer, &event));
        out->fast[i] = (float)event.loss_segmentation;
        out->hard[i] = (float)event.loss_hard_shape_from_prediction;
    }
    CHECK_OK(coopseg_trainer_current_model(trainer, &model));
    CHECK_OK(coopseg_trainer_free(trainer));
    CHECK_OK(coopseg_dataset_free(hearts));
    return model;
}

static void segment(const coopseg_model *model, const char *device, numbers *out)
{
    const int64_t shape[3] = {SIZE, SIZE, SLICES};
    const double spacing[3] = {1.5, 1.5, 8.0};
    coopseg_buffer labels = map_of(COOPSEG_U8, 0, out->labels, sizeof out->labels);
    coopseg_buffer probabilities = map_of(COOPSEG_F32, CLASSES, out->probabilities, sizeof out->probabilities);
    coopseg_segmenter *segmenter = NULL;
    coopseg_segmentation outputs;
    coopseg_image view;
    char options[64];
    snprintf(options, sizeof options, "{\"device\": \"%s\", \"chunk\": 3}", device);
    memset(&outputs, 0, sizeof outputs);
    outputs.struct_size = sizeof outputs;
    outputs.labels = &labels;
    outputs.probabilities = &probabilities;
    CHECK_OK(coopseg_image_init(COOPSEG_F32, shape, spacing, image, &view));
    CHECK_OK(coopseg_segmenter_new(model, options, &segmenter));
    CHECK_OK(coopseg_segmenter_run(segmenter, &view, &outputs, NULL, NULL, NULL));
    CHECK_OK(coopseg_segmenter_free(segmenter));
}

/* The CUDA runtime that libtorch has loaded. */
typedef struct {
    int (*malloc)(void **pointer, size_t size);
    int (*free)(void *pointer);
    int (*memcpy)(void *to, const void *from, size_t size, int kind);
    int (*get_device)(int *device);
} cuda_runtime;

static int find_cuda(cuda_runtime *cuda)
{
    void *program = dlopen(NULL, RTLD_LAZY);
    void *found[4];
    found[0] = dlsym(program, "cudaMalloc");
    found[1] = dlsym(program, "cudaFree");
    found[2] = dlsym(program, "cudaMemcpy");
    found[3] = dlsym(program, "cudaGetDevice");
    /* ISO C knows no other way from an object's pointer to a function's. */
    memcpy(&cuda->malloc, &found[0], sizeof found[0]);
    memcpy(&cuda->free, &found[1], sizeof found[1]);
    memcpy(&cuda->memcpy, &found[2], sizeof found[2]);
    memcpy(&cuda->get_device, &found[3], sizeof found[3]);
    return found[0] != NULL && found[1] != NULL && found[2] != NULL && found[3] != NULL;
}

/* The image in the memory of cuda:0, the labels there too, the probabilities on the host. */
static void segment_in_place(const coopseg_model *model, numbers *out)
{
    enum { TO_DEVICE = 1, TO_HOST = 2 };
    const int64_t shape[3] = {SIZE, SIZE, SLICES};
    const double spacing[3] = {1.5, 1.5, 8.0};
    cuda_runtime cuda;
    void *voxels = NULL, *classes = NULL;
    int before = -1, after = -2;
    coopseg_segmenter *segmenter = NULL, *on_host = NULL;
    coopseg_segmentation outputs;
    coopseg_image view;
    if (!find_cuda(&cuda)) {
        FAIL("libtorch has loaded the CUDA runtime");
        return;
    }
    CHECK(cuda.get_device(&before) == 0);
    CHECK(cuda.malloc(&voxels, sizeof image) == 0 && cuda.malloc(&classes, sizeof out->labels) == 0);
    CHECK(cuda.memcpy(voxels, image, sizeof image, TO_DEVICE) == 0);
    coopseg_buffer labels = map_of(COOPSEG_U8, 0, classes, sizeof out->labels);
    coopseg_buffer probabilities = map_of(COOPSEG_F32, CLASSES, out->probabilities, sizeof out->probabilities);
    labels.memory = COOPSEG_MEMORY_CUDA;
    memset(&outputs, 0, sizeof outputs);
    outputs.struct_size = sizeof outputs;
    outputs.labels = &labels;
    outputs.probabilities = &probabilities;
    CHECK_OK(coopseg_image_init(COOPSEG_F32, shape, spacing, voxels, &view));
    view.memory = COOPSEG_MEMORY_CUDA;
    CHECK_OK(coopseg_segmenter_new(model, "{\"device\": \"cuda:0\", \"chunk\": 3}", &segmenter));
    CHECK_OK(coopseg_segmenter_run(segmenter, &view, &outputs, NULL, NULL, NULL));
    CHECK(cuda.memcpy(out->labels, classes, sizeof out->labels, TO_HOST) == 0);

    CHECK_OK(coopseg_segmenter_new(model, "{\"device\": \"cpu\"}", &on_host));
    CHECK_FAILS(COOPSEG_INVALID_ARGUMENT, "runs on cpu",
                coopseg_segmenter_run(on_host, &view, &outputs, NULL, NULL, NULL));
    view.data = image;
    /* The host's memory, said to be CUDA's. */
    CHECK(coopseg_segmenter_run(segmenter, &view, &outputs, NULL, NULL, NULL) != COOPSEG_OK);
    view.memory = COOPSEG_MEMORY_HOST;
    CHECK_FAILS(COOPSEG_INVALID_ARGUMENT, "outputs->labels",
                coopseg_segmenter_run(segmenter, &view, &outputs, NULL, NULL, NULL));
    CHECK_OK(coopseg_segmenter_free(on_host));
    CHECK_OK(coopseg_segmenter_free(segmenter));
    CHECK(cuda.free(voxels) == 0 && cuda.free(classes) == 0);
    CHECK(cuda.get_device(&after) == 0 && after == before);
}

static void compare(const numbers *expected, const numbers *found, double training)
{
    for (int i = 0; i < STEPS; i++) {
        CHECK(isfinite(found->fast[i]) && isfinite(found->hard[i]));
        CHECK(fabs(found->fast[i] / expected->fast[i] - 1.0) <= training);
        CHECK(fabs(found->hard[i] / expected->hard[i] - 1.0) <= training);
    }
    int labels = 0;
    double largest = 0.0;
    for (int i = 0; i < VOXELS; i++) {
        labels += found->labels[i] != expected->labels[i];
    }
    for (int i = 0; i < VOXELS * CLASSES; i++) {
        largest = fmax(largest, fabs((double)found->probabilities[i] - expected->probabilities[i]));
    }
    CHECK(largest <= 1e-4);
    /* Ties. */
    CHECK(labels <= VOXELS / 10000);
}

static void count_warnings(int32_t level, const char *message, void *user_data)
{
    if (level == COOPSEG_LOG_WARNING && strstr(message, "fewer slices at once") != NULL) {
        ++*(int *)user_data;
    }
}

/* More slices at once than fit any device: smaller chunks, and the segmenter goes on. */
static void exhaust(const char *device)
{
    enum { LARGE = 2048, MANY = 200 };
    const size_t count = (size_t)LARGE * LARGE * MANY;
    const int64_t shape[3] = {LARGE, LARGE, MANY};
    const double spacing[3] = {1, 1, 8};
    unsigned char *voxels = (unsigned char *)malloc(count), *labels = (unsigned char *)malloc(count);
    coopseg_buffer map = map_of(COOPSEG_U8, 0, labels, count);
    coopseg_model *model = NULL;
    coopseg_segmenter *segmenter = NULL;
    coopseg_segmentation outputs;
    coopseg_image view;
    char options[64];
    int warnings = 0;
    if (voxels == NULL || labels == NULL) {
        FAIL("there is memory for a large image");
        free(voxels);
        free(labels);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        voxels[i] = (unsigned char)(i % 251);
    }
    map.shape[0] = map.shape[1] = LARGE;
    map.shape[2] = MANY;
    memset(&outputs, 0, sizeof outputs);
    outputs.struct_size = sizeof outputs;
    outputs.labels = &map;
    snprintf(options, sizeof options, "{\"device\": \"%s\", \"chunk\": %d}", device, MANY);
    CHECK_OK(coopseg_model_new("{\"network\": {\"width\": 16}, \"preprocess\": {\"spacing\": null,"
                               " \"pad\": [2048, 2048], \"crop\": [2048, 2048]}}",
                               &model));
    CHECK_OK(coopseg_image_init(COOPSEG_U8, shape, spacing, voxels, &view));
    CHECK_OK(coopseg_segmenter_new(model, options, &segmenter));
    CHECK_OK(coopseg_set_log_callback(count_warnings, COOPSEG_LOG_WARNING, &warnings));
    CHECK_OK(coopseg_segmenter_run(segmenter, &view, &outputs, NULL, NULL, NULL));
    CHECK_OK(coopseg_set_log_callback(NULL, COOPSEG_LOG_WARNING, NULL));
    CHECK(warnings > 0);
    CHECK_OK(coopseg_segmenter_free(segmenter));
    CHECK_OK(coopseg_model_free(model));
    free(voxels);
    free(labels);
}

int main(void)
{
    static numbers expected, found;
    coopseg_model *model, *other;
    char *devices = NULL, *name = NULL;
    for (int i = 0; i < VOXELS; i++) {
        int x = i % SIZE - 50, y = i / SIZE % SIZE - 44, r2 = x * x + y * y;
        image[i] = (float)((r2 < 100 ? 90 : r2 < 300 ? 40 : r2 < 900 ? 70 : 10) + i % 7);
    }
    model = train("cpu", &expected);
    segment(model, "cpu", &expected);

    /* The devices' names, one after the other. */
    CHECK_OK(coopseg_devices(&devices));
    int compared = 0, cuda = 0;
    name = strstr(devices, "\"devices\"");
    for (name = name == NULL ? NULL : strchr(name, '['); name != NULL && *name != ']'; name++) {
        if (*name != '"') {
            continue;
        }
        char *end = strchr(++name, '"');
        *end = '\0';
        memset(&found, 0, sizeof found);
        other = train(name, &found);
        /* The weights of the CPU, so that inference alone is compared. */
        segment(model, name, &found);
        /* Training on a GPU may round the factors of convolutions to TF32. */
        compare(&expected, &found, strcmp(name, "cpu") == 0 ? 0.0 : 2e-2);
        /* What was trained there works here. */
        segment(other, "cpu", &found);
        CHECK_OK(coopseg_model_free(other));
        compared++;
        if (strncmp(name, "cuda", 4) == 0 && !cuda) {
            cuda = 1;
            memcpy(found.fast, expected.fast, sizeof found.fast);
            memcpy(found.hard, expected.hard, sizeof found.hard);
            segment_in_place(model, &found);
            compare(&expected, &found, 0.0);
            exhaust(name);
        }
        *end = '"';
        name = end;
    }
    CHECK(compared >= 1);
    CHECK_OK(coopseg_string_free(devices));
    CHECK_OK(coopseg_model_free(model));
    CHECK(coopseg_live_handles() == 0);
    return report();
}
