/* Little memory: smaller chunks, then a status; the segmenter stays usable. */
#include "check.h"

#include <sys/resource.h>

enum { SIZE = 512, SLICES = 24, LARGE = 2048 };

static rlim_t address_space(void)
{
    char line[256];
    rlim_t kibibytes = 0;
    FILE *status = fopen("/proc/self/status", "r");
    CHECK(status != NULL);
    while (status != NULL && fgets(line, sizeof line, status) != NULL) {
        unsigned long long value = 0;
        if (sscanf(line, "VmSize: %llu kB", &value) == 1) {
            kibibytes = (rlim_t)value;
        }
    }
    if (status != NULL) {
        fclose(status);
    }
    CHECK(kibibytes > 0);
    return kibibytes * 1024;
}

/* How much the process may ask for beyond what it has; 0 for all. */
static void allow(size_t mebibytes)
{
    struct rlimit limit;
    CHECK(getrlimit(RLIMIT_AS, &limit) == 0);
    limit.rlim_cur = mebibytes == 0 ? limit.rlim_max : address_space() + (rlim_t)mebibytes * 1024 * 1024;
    CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
}

static void count_warnings(int32_t level, const char *message, void *user_data)
{
    if (level == COOPSEG_LOG_WARNING && strstr(message, "fewer slices at once") != NULL) {
        ++*(int *)user_data;
    }
}

static coopseg_status segment(coopseg_segmenter *segmenter, const uint8_t *voxels, int64_t size, int64_t slices,
                              uint8_t *labels)
{
    const int64_t shape[3] = {size, size, slices};
    const double spacing[3] = {1, 1, 8};
    coopseg_image image;
    coopseg_buffer map;
    coopseg_segmentation outputs;
    CHECK_OK(coopseg_image_init(COOPSEG_U8, shape, spacing, voxels, &image));
    memset(&map, 0, sizeof map);
    map.struct_size = sizeof map;
    map.dtype = COOPSEG_U8;
    map.ndim = 3;
    memcpy(map.shape, shape, sizeof shape);
    map.shape[3] = 1;
    map.data = labels;
    map.data_size = (size_t)(size * size * slices);
    memset(&outputs, 0, sizeof outputs);
    outputs.struct_size = sizeof outputs;
    outputs.labels = &map;
    return coopseg_segmenter_run(segmenter, &image, &outputs, NULL, NULL, NULL);
}

static coopseg_segmenter *make(int64_t size, const char *options)
{
    char config[256];
    coopseg_model *model = NULL;
    coopseg_segmenter *segmenter = NULL;
    snprintf(config, sizeof config,
             "{\"network\": {\"width\": 4}, \"seed\": 3,"
             " \"preprocess\": {\"spacing\": null, \"pad\": [%d, %d], \"crop\": [%d, %d]}}",
             (int)size, (int)size, (int)size, (int)size);
    CHECK_OK(coopseg_model_new(config, &model));
    CHECK_OK(coopseg_segmenter_new(model, options, &segmenter));
    CHECK_OK(coopseg_model_free(model));
    return segmenter;
}

static coopseg_status simulate(const uint8_t *voxels, float *spoiled)
{
    const int64_t shape[3] = {SIZE, SIZE, SLICES};
    const double spacing[3] = {1, 1, 8};
    coopseg_image image;
    coopseg_buffer output;
    CHECK_OK(coopseg_image_init(COOPSEG_U8, shape, spacing, voxels, &image));
    memset(&output, 0, sizeof output);
    output.struct_size = sizeof output;
    output.dtype = COOPSEG_F32;
    output.ndim = 3;
    memcpy(output.shape, shape, sizeof shape);
    output.data = spoiled;
    output.data_size = (size_t)SIZE * SIZE * SLICES * sizeof *spoiled;
    return coopseg_artefact_simulate(&image, "{\"ghosting\": {}}", 1, &output, NULL);
}

static coopseg_status distances(const uint8_t *reference, const uint8_t *predicted)
{
    const int64_t shape[3] = {SIZE, SIZE, SLICES};
    const double spacing[3] = {1, 1, 8};
    double hd95[2];
    coopseg_image first, second;
    CHECK_OK(coopseg_image_init(COOPSEG_U8, shape, spacing, reference, &first));
    CHECK_OK(coopseg_image_init(COOPSEG_U8, shape, spacing, predicted, &second));
    return coopseg_surface_distances(&first, &second, 2, hd95, NULL);
}

int main(void)
{
    const size_t count = (size_t)SIZE * SIZE * SLICES, large_count = (size_t)LARGE * LARGE;
    uint8_t *voxels = (uint8_t *)malloc(count), *expected = (uint8_t *)malloc(count);
    uint8_t *labels = (uint8_t *)malloc(count);
    float *spoiled = (float *)malloc(count * sizeof *spoiled);
    coopseg_segmenter *segmenter;
    int warnings = 0;
    size_t i;
    if (voxels == NULL || expected == NULL || labels == NULL || spoiled == NULL) {
        return 1;
    }
    for (i = 0; i < count; i++) {
        voxels[i] = (uint8_t)((i % SIZE / 16 * 7 + i / SIZE % SIZE / 16 * 5 + i % 23) % 251);
    }
    CHECK_OK(coopseg_set_threads(2));
    CHECK_OK(coopseg_set_log_callback(count_warnings, COOPSEG_LOG_WARNING, &warnings));

    /* All slices at once need several hundred MiB. */
    segmenter = make(SIZE, "{\"device\": \"cpu\", \"chunk\": 24}");
    CHECK_OK(segment(segmenter, voxels, SIZE, 2, labels));
    CHECK_OK(coopseg_cpu_cache_release());
    allow(250);
    CHECK_OK(segment(segmenter, voxels, SIZE, SLICES, labels));
    CHECK(warnings > 0);
    allow(0);
    warnings = 0;
    CHECK_OK(segment(segmenter, voxels, SIZE, SLICES, expected));
    CHECK(warnings == 0);
    CHECK(memcmp(labels, expected, count) == 0);
    CHECK_OK(coopseg_segmenter_free(segmenter));

    /* The image fits, its spectrum does not. */
    allow(40);
    CHECK_FAILS(COOPSEG_OUT_OF_MEMORY, "spectrum", simulate(voxels, spoiled));
    allow(0);
    CHECK_OK(simulate(voxels, spoiled));

    /* Two label maps fit, the distances of their voxels do not. */
    memset(labels, 1, count);
    memset(expected, 1, count);
    allow(40);
    CHECK_FAILS(COOPSEG_OUT_OF_MEMORY, "distances", distances(labels, expected));
    allow(0);
    CHECK_OK(distances(labels, expected));

    /* Not even one slice fits. */
    segmenter = make(LARGE, "{\"device\": \"cpu\", \"chunk\": 1}");
    CHECK(large_count <= count);
    allow(150);
    CHECK_FAILS(COOPSEG_OUT_OF_MEMORY, "memory", segment(segmenter, voxels, LARGE, 1, labels));
    allow(0);
    CHECK_OK(segment(segmenter, voxels, LARGE, 1, labels));
    CHECK_OK(coopseg_segmenter_free(segmenter));

    CHECK(coopseg_live_handles() == 0);
    free(voxels);
    free(expected);
    free(labels);
    free(spoiled);
    return report();
}
