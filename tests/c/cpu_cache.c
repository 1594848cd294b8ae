/* The cache of libtorch's memory: off before everything else, on, limited, and given back with the last user. */
#include "check.h"

static double info(const char *key)
{
    char *json = NULL;
    char pattern[64];
    const char *found;
    double value = -1;
    CHECK_OK(coopseg_cpu_cache_info(&json));
    snprintf(pattern, sizeof pattern, "\"%s\":", key);
    found = json == NULL ? NULL : strstr(json, pattern);
    if (found != NULL) {
        found += strlen(pattern);
        while (*found == ' ') {
            found++;
        }
        value = strncmp(found, "true", 4) == 0 ? 1 : strtod(found, NULL);
    }
    CHECK(found != NULL);
    CHECK_OK(coopseg_string_free(json));
    return value;
}

/* Segments one volume; what is kept while the segmenter lives. */
static double segment_once(void)
{
    static float voxels[96 * 96 * 3];
    static uint8_t classes[96 * 96 * 3];
    const int64_t shape[3] = {96, 96, 3};
    const double spacing[3] = {1.4, 1.4, 8};
    coopseg_model *model = NULL;
    coopseg_segmenter *segmenter = NULL;
    coopseg_image image;
    coopseg_buffer labels;
    coopseg_segmentation outputs;
    double kept;
    size_t i;
    for (i = 0; i < sizeof voxels / sizeof *voxels; i++) {
        voxels[i] = (float)((i * 37) % 101);
    }
    CHECK_OK(coopseg_image_init(COOPSEG_F32, shape, spacing, voxels, &image));
    memset(&labels, 0, sizeof labels);
    labels.struct_size = sizeof labels;
    labels.dtype = COOPSEG_U8;
    labels.ndim = 3;
    labels.shape[0] = 96;
    labels.shape[1] = 96;
    labels.shape[2] = 3;
    labels.shape[3] = 1;
    labels.data = classes;
    labels.data_size = sizeof classes;
    memset(&outputs, 0, sizeof outputs);
    outputs.struct_size = sizeof outputs;
    outputs.labels = &labels;
    CHECK_OK(coopseg_model_new("{\"network\": {\"width\": 4}}", &model));
    CHECK_OK(coopseg_segmenter_new(model, "{\"device\": \"cpu\"}", &segmenter));
    CHECK_OK(coopseg_segmenter_run(segmenter, &image, &outputs, NULL, NULL, NULL));
    kept = info("kept_bytes");
    CHECK_OK(coopseg_segmenter_free(segmenter));
    CHECK_OK(coopseg_model_free(model));
    return kept;
}

int main(void)
{
    const uint64_t small = 1024 * 1024;
    /* Off: libtorch's own allocator stays, in whatever is done. */
    CHECK_OK(coopseg_cpu_cache_set_limit(0));
    CHECK(segment_once() == 0);
    CHECK(info("installed") == 0);
    CHECK(info("hits") + info("misses") == 0);

    /* On: blocks are used again, and given back with the last segmenter. */
    CHECK_OK(coopseg_cpu_cache_set_limit(UINT64_MAX));
    CHECK(info("installed") == 1);
    CHECK(segment_once() > 0);
    CHECK(info("hits") > 0);
    CHECK(info("kept_bytes") == 0);
    CHECK(info("used_bytes") == 0);

    /* Limited. */
    CHECK_OK(coopseg_cpu_cache_set_limit(small));
    CHECK(segment_once() <= (double)small);
    CHECK(info("limit_bytes") == (double)small);

    CHECK_OK(coopseg_cpu_cache_release());
    CHECK(info("kept_bytes") == 0);
    CHECK_STATUS(COOPSEG_NULL_ARGUMENT, coopseg_cpu_cache_info(NULL));
    CHECK(coopseg_live_handles() == 0);
    return report();
}
