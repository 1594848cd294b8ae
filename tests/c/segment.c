/* Segmenting images in memory: outputs, layouts, refusals. */
#include "check.h"

static float image[NX * NY * NZ];
static unsigned char labels[NX * NY * NZ];

typedef struct outputs {
    unsigned char refined[NX * NY * NZ];
    short fast[NX * NY * NZ];
    float probabilities[NX * NY * NZ * 4];
    double entropy[NX * NY * NZ];
    float disagreement[NX * NY * NZ];
    coopseg_buffer buffers[5];
    coopseg_segmentation maps;
} outputs;

static void prepare(outputs *out)
{
    memset(out, 0, sizeof *out);
    out->buffers[0] = buffer_for(COOPSEG_U8, 3, 0, out->refined, sizeof out->refined);
    out->buffers[1] = buffer_for(COOPSEG_I16, 3, 0, out->fast, sizeof out->fast);
    out->buffers[2] = buffer_for(COOPSEG_F32, 4, 4, out->probabilities, sizeof out->probabilities);
    out->buffers[3] = buffer_for(COOPSEG_F64, 3, 0, out->entropy, sizeof out->entropy);
    out->buffers[4] = buffer_for(COOPSEG_F32, 3, 0, out->disagreement, sizeof out->disagreement);
    out->maps.struct_size = sizeof out->maps;
    out->maps.labels = &out->buffers[0];
    out->maps.fast_labels = &out->buffers[1];
    out->maps.probabilities = &out->buffers[2];
    out->maps.entropy = &out->buffers[3];
    out->maps.disagreement = &out->buffers[4];
}

static void all_outputs(const coopseg_segmenter *segmenter)
{
    static outputs out;
    coopseg_image view = describe(COOPSEG_F32, image);
    const int voxels = NX * NY * NZ;
    char *report_json = NULL;
    prepare(&out);
    CHECK_OK(coopseg_segmenter_run(segmenter, &view, &out.maps, NULL, NULL, &report_json));
    CHECK(strstr(report_json, "\"change_per_pass\"") != NULL && strstr(report_json, "\"slices\": 3") != NULL);
    CHECK_OK(coopseg_string_free(report_json));
    for (int i = 0; i < voxels; i++) {
        double sum = 0.0, entropy = 0.0;
        int best = 0;
        for (int c = 0; c < 4; c++) {
            double p = out.probabilities[c * voxels + i];
            sum += p;
            entropy -= p > 0.0 ? p * log(p) : 0.0;
            best = p > out.probabilities[best * voxels + i] ? c : best;
        }
        if (fabs(sum - 1.0) > 1e-5 || fabs(entropy - out.entropy[i]) > 1e-5 || best != out.refined[i] ||
            out.fast[i] < 0 || out.fast[i] > 3 || out.disagreement[i] < 0.0F || out.disagreement[i] > 1.00001F) {
            FAIL("probabilities, entropy and labels agree");
            return;
        }
    }
}

/* What a callback heard, and after how many slices it stops. */
typedef struct {
    size_t done[NZ + 1];
    size_t calls;
    size_t stop_after;
} listener;

static int32_t hear(size_t done, size_t slices, void *user_data)
{
    listener *heard = (listener *)user_data;
    CHECK(slices == NZ && heard->calls < NZ);
    heard->done[heard->calls++] = done;
    return heard->calls == heard->stop_after ? -1 : 0;
}

static void progress(const coopseg_segmenter *segmenter)
{
    static outputs out;
    coopseg_image view = describe(COOPSEG_F32, image);
    listener heard = {{0}, 0, 0};
    char *report = NULL;
    prepare(&out);
    CHECK_OK(coopseg_segmenter_run(segmenter, &view, &out.maps, hear, &heard, NULL));
    CHECK(heard.calls == NZ);
    for (size_t z = 0; z < NZ; z++) {
        CHECK(heard.done[z] == z + 1);
    }
    /* In the middle, and after the last slice. */
    for (size_t stop = 2; stop <= NZ; stop++) {
        listener stopping = {{0}, 0, 0};
        stopping.stop_after = stop;
        CHECK_FAILS(COOPSEG_CANCELLED, "",
                    coopseg_segmenter_run(segmenter, &view, &out.maps, hear, &stopping, &report));
        CHECK(stopping.calls == stop && report == NULL);
    }
    CHECK_OK(coopseg_segmenter_run(segmenter, &view, &out.maps, NULL, NULL, NULL));
}

/* The same image in other types and layouts gives the same labels. */
static void layouts(const coopseg_segmenter *segmenter)
{
    static outputs first, other;
    static short shorts[NX * NY * NZ];
    static float strided[2 * NX * NY * NZ];
    static double swapped[NX * NY * NZ];
    coopseg_image view = describe(COOPSEG_F32, image);
    prepare(&first);
    CHECK_OK(coopseg_segmenter_run(segmenter, &view, &first.maps, NULL, NULL, NULL));

    for (int i = 0; i < NX * NY * NZ; i++) {
        shorts[i] = (short)image[i];
        strided[2 * i] = image[i];
        strided[2 * i + 1] = NAN;
    }
    view = describe(COOPSEG_I16, shorts);
    prepare(&other);
    CHECK_OK(coopseg_segmenter_run(segmenter, &view, &other.maps, NULL, NULL, NULL));
    CHECK(memcmp(first.refined, other.refined, sizeof first.refined) == 0);

    view = describe(COOPSEG_F32, strided);
    view.strides[0] = 8;
    view.strides[1] = 8 * NX;
    view.strides[2] = 8 * NX * NY;
    view.data_size = sizeof strided;
    prepare(&other);
    CHECK_OK(coopseg_segmenter_run(segmenter, &view, &other.maps, NULL, NULL, NULL));
    CHECK(memcmp(first.refined, other.refined, sizeof first.refined) == 0);

    /* z fastest. */
    for (int z = 0; z < NZ; z++) {
        for (int y = 0; y < NY; y++) {
            for (int x = 0; x < NX; x++) {
                swapped[(x * NY + y) * NZ + z] = image[(z * NY + y) * NX + x];
            }
        }
    }
    view = describe(COOPSEG_F64, swapped);
    view.strides[0] = 8 * NY * NZ;
    view.strides[1] = 8 * NZ;
    view.strides[2] = 8;
    prepare(&other);
    CHECK_OK(coopseg_segmenter_run(segmenter, &view, &other.maps, NULL, NULL, NULL));
    CHECK(memcmp(first.refined, other.refined, sizeof first.refined) == 0);

    /* One slice as a 2-D image. */
    view = describe(COOPSEG_F32, image);
    view.ndim = 2;
    view.shape[2] = 0;
    view.spacing[2] = 0.0;
    prepare(&other);
    other.maps.fast_labels = other.maps.probabilities = other.maps.entropy = other.maps.disagreement = NULL;
    other.buffers[0].ndim = 2;
    CHECK_OK(coopseg_segmenter_run(segmenter, &view, &other.maps, NULL, NULL, NULL));
}

static void refusals(const coopseg_segmenter *segmenter)
{
    static outputs out;
    static float constant[NX * NY * NZ];
    static float infinite[NX * NY * NZ];
    coopseg_image view = describe(COOPSEG_F32, image);
    coopseg_image bad;
    prepare(&out);

    CHECK_FAILS(COOPSEG_NULL_ARGUMENT, "image", coopseg_segmenter_run(segmenter, NULL, &out.maps, NULL, NULL, NULL));
    CHECK_FAILS(COOPSEG_NULL_ARGUMENT, "outputs", coopseg_segmenter_run(segmenter, &view, NULL, NULL, NULL, NULL));
    CHECK_FAILS(COOPSEG_NULL_ARGUMENT, "segmenter", coopseg_segmenter_run(NULL, &view, &out.maps, NULL, NULL, NULL));

#define REFUSE(status, words, change)                                                                        \
    do {                                                                                                     \
        bad = view;                                                                                          \
        change;                                                                                              \
        CHECK_FAILS(status, words,                                                                           \
                    coopseg_segmenter_run(segmenter, &bad, &out.maps, NULL, NULL, NULL));                    \
    } while (0)
    REFUSE(COOPSEG_INVALID_STRUCT_SIZE, "struct_size", bad.struct_size = 8);
    REFUSE(COOPSEG_INVALID_STRUCT_SIZE, "struct_size", bad.struct_size = 0);
    REFUSE(COOPSEG_INVALID_ARGUMENT, "dtype", bad.dtype = 0);
    REFUSE(COOPSEG_INVALID_ARGUMENT, "99", bad.dtype = 99);
    REFUSE(COOPSEG_INVALID_ARGUMENT, "data", bad.data = NULL);
    REFUSE(COOPSEG_INVALID_SHAPE, "image", bad.shape[1] = 0);
    REFUSE(COOPSEG_INVALID_SHAPE, "-4", bad.shape[0] = -4);
    REFUSE(COOPSEG_INVALID_SHAPE, "image", bad.shape[2] = INT64_MAX);
    REFUSE(COOPSEG_INVALID_SHAPE, "image", (bad.shape[0] = INT64_MAX / 2, bad.shape[1] = INT64_MAX / 2));
    REFUSE(COOPSEG_INVALID_SHAPE, "image", bad.data_size = 10);
    REFUSE(COOPSEG_INVALID_SHAPE, "image",
           (bad.strides[0] = 4, bad.strides[1] = 4 * NX, bad.strides[2] = 4 * NX * NY + 4));
    REFUSE(COOPSEG_INVALID_SHAPE, "-4", (bad.strides[0] = -4, bad.strides[1] = 4 * NX, bad.strides[2] = 4 * NX * NY));
    REFUSE(COOPSEG_INVALID_GEOMETRY, "spacing", bad.spacing[0] = 0.0);
    REFUSE(COOPSEG_INVALID_GEOMETRY, "spacing", bad.spacing[1] = -1.0);
    REFUSE(COOPSEG_INVALID_GEOMETRY, "spacing", bad.spacing[0] = NAN);
    REFUSE(COOPSEG_INVALID_GEOMETRY, "origin", bad.origin[0] = INFINITY);
    REFUSE(COOPSEG_INVALID_GEOMETRY, "direction", bad.direction[0] = 0.0);
    REFUSE(COOPSEG_INVALID_GEOMETRY, "along y has length 1.5", bad.direction[4] = 1.5);
    REFUSE(COOPSEG_INVALID_ARGUMENT, "image->memory` is 7", bad.memory = 7);
    REFUSE(COOPSEG_INVALID_ARGUMENT, "device_index` is -1", (bad.memory = COOPSEG_MEMORY_CUDA, bad.device_index = -1));
    REFUSE(COOPSEG_DEVICE_UNAVAILABLE, "cuda:77", (bad.memory = COOPSEG_MEMORY_CUDA, bad.device_index = 77));
    for (int ndim = -1; ndim <= 5; ndim++) {
        if (ndim != 2 && ndim != 3) {
            REFUSE(COOPSEG_INVALID_SHAPE, "ndim", bad.ndim = ndim);
        }
    }
    for (int i = 0; i < NX * NY * NZ; i++) {
        constant[i] = 3.0F;
        infinite[i] = image[i];
    }
    infinite[NX] = NAN;
    REFUSE(COOPSEG_INVALID_ARGUMENT, "constant", bad.data = constant);
    REFUSE(COOPSEG_INVALID_ARGUMENT, "x 0, y 1, z 0", bad.data = infinite);

    coopseg_segmentation nothing;
    memset(&nothing, 0, sizeof nothing);
    nothing.struct_size = sizeof nothing;
    CHECK_FAILS(COOPSEG_INVALID_ARGUMENT, "at least one",
                coopseg_segmenter_run(segmenter, &view, &nothing, NULL, NULL, NULL));
    nothing.struct_size--;
    CHECK_STATUS(COOPSEG_INVALID_STRUCT_SIZE, coopseg_segmenter_run(segmenter, &view, &nothing, NULL, NULL, NULL));

#define REFUSE_OUTPUT(status, words, change)                                                                 \
    do {                                                                                                     \
        prepare(&out);                                                                                       \
        change;                                                                                              \
        CHECK_FAILS(status, words,                                                                           \
                    coopseg_segmenter_run(segmenter, &view, &out.maps, NULL, NULL, NULL));                   \
    } while (0)
    REFUSE_OUTPUT(COOPSEG_INVALID_SHAPE, "outputs->labels", out.buffers[0].shape[0] = NX - 1);
    REFUSE_OUTPUT(COOPSEG_INVALID_SHAPE, "outputs->labels", out.buffers[0].data_size--);
    REFUSE_OUTPUT(COOPSEG_INVALID_SHAPE, "outputs->probabilities", out.buffers[2].shape[3] = 3);
    REFUSE_OUTPUT(COOPSEG_INVALID_ARGUMENT, "outputs->entropy", out.buffers[3].dtype = COOPSEG_I64);
    REFUSE_OUTPUT(COOPSEG_INVALID_ARGUMENT, "outputs->entropy", out.buffers[3].dtype = 77);
    REFUSE_OUTPUT(COOPSEG_INVALID_STRUCT_SIZE, "outputs->disagreement", out.buffers[4].struct_size = 1);
    REFUSE_OUTPUT(COOPSEG_INVALID_ARGUMENT, "outputs->labels", out.buffers[0].data = NULL);
    REFUSE_OUTPUT(COOPSEG_INVALID_ARGUMENT, "outputs->labels->memory` is -1", out.buffers[0].memory = -1);
    REFUSE_OUTPUT(COOPSEG_DEVICE_UNAVAILABLE, "cuda:77",
                  (out.buffers[3].memory = COOPSEG_MEMORY_CUDA, out.buffers[3].device_index = 77));
    REFUSE_OUTPUT(COOPSEG_INVALID_SHAPE, "overlap", out.buffers[0].data = out.fast);
    REFUSE_OUTPUT(COOPSEG_INVALID_SHAPE, "overlap", out.buffers[4].data = image);
    REFUSE_OUTPUT(COOPSEG_INVALID_SHAPE, "outputs->labels",
                  (out.buffers[0].strides[0] = 1, out.buffers[0].strides[1] = 1, out.buffers[0].strides[2] = 1));

    /* Functions that take memory of the host alone say so. */
    bad = view;
    bad.memory = COOPSEG_MEMORY_CUDA;
    CHECK_FAILS(COOPSEG_INVALID_ARGUMENT, "cuda:0; this function takes memory of the host alone",
                coopseg_image_write(&bad, "never.nii"));

    /* The segmenter is still usable. */
    prepare(&out);
    CHECK_OK(coopseg_segmenter_run(segmenter, &view, &out.maps, NULL, NULL, NULL));
}

static void options(const coopseg_model *model)
{
    static outputs out;
    coopseg_image view = describe(COOPSEG_F32, image);
    coopseg_segmenter *segmenter = NULL;
    CHECK_FAILS(COOPSEG_INVALID_CONFIG, "iterations",
                coopseg_segmenter_new(model, "{\"iterations\": -1}", &segmenter));
    CHECK_FAILS(COOPSEG_INVALID_CONFIG, "chunk", coopseg_segmenter_new(model, "{\"chunk\": 0}", &segmenter));
    CHECK_FAILS(COOPSEG_INVALID_CONFIG, "passes", coopseg_segmenter_new(model, "{\"passes\": 1}", &segmenter));
    CHECK_FAILS(COOPSEG_DEVICE_UNAVAILABLE, "cuda:77",
                coopseg_segmenter_new(model, "{\"device\": \"cuda:77\"}", &segmenter));
    CHECK(segmenter == NULL);
    CHECK_STATUS(COOPSEG_NULL_ARGUMENT, coopseg_segmenter_new(model, NULL, NULL));

    /* Without the slow-thinking network both stages are the same. */
    CHECK_OK(coopseg_segmenter_new(model, "{\"iterations\": 0, \"device\": \"cpu\"}", &segmenter));
    prepare(&out);
    CHECK_OK(coopseg_segmenter_run(segmenter, &view, &out.maps, NULL, NULL, NULL));
    for (int i = 0; i < NX * NY * NZ; i++) {
        if (out.fast[i] != out.refined[i] || out.disagreement[i] != 0.0F) {
            FAIL("fast and final labels are the same");
            break;
        }
    }
    CHECK_OK(coopseg_segmenter_free(segmenter));

    /* Chunks change nothing but memory. */
    static outputs whole;
    CHECK_OK(coopseg_segmenter_new(model, "{\"device\": \"cpu\"}", &segmenter));
    prepare(&whole);
    CHECK_OK(coopseg_segmenter_run(segmenter, &view, &whole.maps, NULL, NULL, NULL));
    CHECK_OK(coopseg_segmenter_free(segmenter));
    CHECK_OK(coopseg_segmenter_new(model, "{\"chunk\": 1, \"device\": \"cpu\"}", &segmenter));
    prepare(&out);
    CHECK_OK(coopseg_segmenter_run(segmenter, &view, &out.maps, NULL, NULL, NULL));
    /* Other batch sizes may run other kernels, whose rounding can turn a tie. */
    int different = 0;
    for (int i = 0; i < NX * NY * NZ; i++) {
        different += whole.refined[i] != out.refined[i];
    }
    CHECK(different <= 4);
    CHECK_OK(coopseg_segmenter_free(segmenter));
}

static void dice(void)
{
    coopseg_image a = describe(COOPSEG_U8, labels), b = describe(COOPSEG_F32, image);
    double values[5];
    CHECK_OK(coopseg_dice(&a, &a, 5, values));
    CHECK(values[0] == 1.0 && values[3] == 1.0 && isnan(values[4]));
    CHECK_FAILS(COOPSEG_INVALID_LABEL, "reference", coopseg_dice(&a, &a, 2, values));
    CHECK_FAILS(COOPSEG_INVALID_LABEL, "predicted", coopseg_dice(&a, &b, 4, values));
    CHECK_STATUS(COOPSEG_INVALID_ARGUMENT, coopseg_dice(&a, &a, 1, values));
    CHECK_STATUS(COOPSEG_NULL_ARGUMENT, coopseg_dice(&a, &a, 4, NULL));
    CHECK_STATUS(COOPSEG_NULL_ARGUMENT, coopseg_dice(NULL, &a, 4, values));
    b = a;
    b.shape[0] = NX - 1;
    CHECK_FAILS(COOPSEG_INVALID_SHAPE, "same", coopseg_dice(&a, &b, 4, values));
}

int main(void)
{
    coopseg_model *model = NULL;
    coopseg_segmenter *segmenter = NULL;
    fill(image, labels);
    CHECK_OK(coopseg_model_new(SMALL_CONFIG, &model));
    CHECK_OK(coopseg_segmenter_new(model, "{\"iterations\": 2, \"device\": \"cpu\"}", &segmenter));
    all_outputs(segmenter);
    progress(segmenter);
    layouts(segmenter);
    refusals(segmenter);
    options(model);
    dice();
    CHECK_OK(coopseg_segmenter_free(segmenter));
    CHECK_OK(coopseg_model_free(model));
    CHECK(coopseg_live_handles() == 0);
    return report();
}
