/* Images of several channels: training, segmenting, evaluating, files. */
#include "check.h"

enum { VOXELS = NX * NY * NZ };

#define MULTI_CONFIG                                                                                         \
    "{\"network\": {\"width\": 2, \"channels\": %d}, \"seed\": 7, \"device\": \"cpu\","                      \
    " \"preprocess\": {\"spacing\": null, \"pad\": [48, 48], \"crop\": [32, 32]},"                           \
    " \"slices_per_step\": 2, \"epochs\": 2}"

static float first[VOXELS];
static unsigned char labels[VOXELS];
static float interleaved[4 * VOXELS];
static float planes[4][VOXELS];

/* The same four channels, one after the other and interleaved. */
static void describe_channels(coopseg_image planar[4], coopseg_image woven[4])
{
    size_t voxel, channel;
    for (channel = 0; channel < 4; channel++) {
        for (voxel = 0; voxel < VOXELS; voxel++) {
            planes[channel][voxel] = first[voxel] * (float)(channel + 1) + (float)(voxel % (7 + channel));
            interleaved[4 * voxel + channel] = planes[channel][voxel];
        }
        planar[channel] = describe(COOPSEG_F32, planes[channel]);
        woven[channel] = describe(COOPSEG_F32, interleaved + channel);
        woven[channel].strides[0] = 4 * sizeof(float);
        woven[channel].strides[1] = NX * 4 * sizeof(float);
        woven[channel].strides[2] = NX * NY * 4 * sizeof(float);
        woven[channel].data_size = sizeof interleaved - channel * sizeof(float);
    }
}

static coopseg_buffer probabilities_in(float *data)
{
    coopseg_buffer buffer;
    memset(&buffer, 0, sizeof buffer);
    buffer.struct_size = sizeof buffer;
    buffer.dtype = COOPSEG_F32;
    buffer.ndim = 4;
    buffer.shape[0] = NX;
    buffer.shape[1] = NY;
    buffer.shape[2] = NZ;
    buffer.shape[3] = 4;
    buffer.data = data;
    buffer.data_size = 4 * VOXELS * sizeof(float);
    return buffer;
}

static void with_channels(int32_t count, const char *folder)
{
    static float a[4 * VOXELS], b[4 * VOXELS];
    coopseg_image planar[4], woven[4];
    const coopseg_image *separate[4], *together[4];
    coopseg_image label_view = describe(COOPSEG_U8, labels);
    coopseg_dataset *dataset = NULL, *opened = NULL;
    coopseg_trainer *trainer = NULL;
    coopseg_model *model = NULL, *loaded = NULL;
    coopseg_segmenter *segmenter = NULL;
    coopseg_evaluation *evaluation = NULL;
    coopseg_segmentation outputs;
    coopseg_segmentation_files files;
    coopseg_buffer into_a = probabilities_in(a), into_b = probabilities_in(b);
    coopseg_volume *volume = NULL, *other = NULL;
    coopseg_image seen, seen_too;
    char plane_files[4][1300], name[32], second[1200];
    const char *plane_paths[4];
    char config[1024], path[1024], file[1200], result[1200];
    char *json = NULL;
    int index;

    describe_channels(planar, woven);
    for (index = 0; index < 4; index++) {
        separate[index] = &planar[index];
        together[index] = &woven[index];
    }
    snprintf(config, sizeof config, MULTI_CONFIG, (int)count);
    memset(&outputs, 0, sizeof outputs);
    outputs.struct_size = sizeof outputs;

    CHECK_OK(coopseg_dataset_new(&dataset));
    CHECK_OK(coopseg_dataset_add_channels(dataset, "one", separate, count, &label_view));
    CHECK_OK(coopseg_dataset_borrow(dataset, "two", together, count, &label_view, NULL, NULL));
    CHECK_FAILS(COOPSEG_INVALID_SHAPE, "one", coopseg_dataset_load(dataset, 0, 4, &volume, NULL));
    for (index = 0; index < 2; index++) {
        coopseg_volume *read[5], *read_labels = NULL;
        size_t read_count = 0;
        int channel;

        CHECK_FAILS(COOPSEG_INVALID_ARGUMENT, "`capacity` is 1",
                    coopseg_dataset_load_channels(dataset, (size_t)index, 4, read, 1, NULL, NULL));
        CHECK_OK(coopseg_dataset_load_channels(dataset, (size_t)index, 4, read, 5, &read_count, &read_labels));
        CHECK(read_count == (size_t)count && read_labels != NULL);
        for (channel = 0; channel < 5; channel++) {
            CHECK((read[channel] != NULL) == (channel < count));
            if (channel < count) {
                CHECK_OK(coopseg_volume_image(read[channel], &seen));
                CHECK(seen.dtype == COOPSEG_F32 && seen.data_size == planar[channel].data_size);
                CHECK(memcmp(seen.data, planar[channel].data, seen.data_size) == 0);
            }
            CHECK_OK(coopseg_volume_free(read[channel]));
        }
        CHECK_OK(coopseg_volume_free(read_labels));
        CHECK_OK(coopseg_dataset_load_channels(dataset, (size_t)index, 4, NULL, 0, NULL, &read_labels));
        CHECK_OK(coopseg_volume_free(read_labels));
    }
    CHECK_OK(coopseg_dataset_load_channels(dataset, 0, 4, NULL, 0, NULL, NULL));
    CHECK_FAILS(COOPSEG_INVALID_ARGUMENT, "`classes` is 1",
                coopseg_dataset_load_channels(dataset, 0, 1, NULL, 0, NULL, NULL));
    CHECK_FAILS(COOPSEG_INVALID_ARGUMENT, "case 2",
                coopseg_dataset_load_channels(dataset, 2, 4, NULL, 0, NULL, NULL));
    CHECK_STATUS(COOPSEG_NULL_ARGUMENT, coopseg_dataset_load_channels(NULL, 0, 4, NULL, 0, NULL, NULL));
    CHECK_FAILS(COOPSEG_INVALID_SHAPE, "network.channels", coopseg_trainer_new(SMALL_CONFIG, dataset, NULL, NULL, &trainer));
    CHECK_OK(coopseg_trainer_new(config, dataset, dataset, NULL, &trainer));
    CHECK_OK(coopseg_trainer_run(trainer, NULL, NULL));
    path_in(path, sizeof path, folder, "channels.coopseg");
    CHECK_OK(coopseg_trainer_save_best(trainer, path));
    CHECK_OK(coopseg_trainer_best_model(trainer, &model));
    CHECK_OK(coopseg_trainer_free(trainer));
    CHECK_OK(coopseg_model_load(path, &loaded));
    CHECK_OK(coopseg_model_info(loaded, &json));
    snprintf(file, sizeof file, "\"channels\": %d", (int)count);
    CHECK(strstr(json, file) != NULL);
    CHECK_OK(coopseg_string_free(json));

    /* Memory layout changes nothing, nor does the way through the file. */
    CHECK_OK(coopseg_segmenter_new(model, "{\"device\": \"cpu\"}", &segmenter));
    outputs.probabilities = &into_a;
    CHECK_OK(coopseg_segmenter_run_channels(segmenter, separate, count, &outputs, NULL, NULL, NULL));
    outputs.probabilities = &into_b;
    CHECK_OK(coopseg_segmenter_run_channels(segmenter, together, count, &outputs, NULL, NULL, NULL));
    CHECK(memcmp(a, b, sizeof a) == 0);
    CHECK_FAILS(COOPSEG_INVALID_SHAPE, "channel(s)",
                coopseg_segmenter_run(segmenter, &planar[0], &outputs, NULL, NULL, NULL));
    CHECK_FAILS(COOPSEG_INVALID_ARGUMENT, "channel_count",
                coopseg_segmenter_run_channels(segmenter, separate, 5, &outputs, NULL, NULL, NULL));
    CHECK_STATUS(COOPSEG_NULL_ARGUMENT,
                 coopseg_segmenter_run_channels(segmenter, NULL, count, &outputs, NULL, NULL, NULL));
    planar[1].spacing[0] += 0.5;
    CHECK_FAILS(COOPSEG_INVALID_GEOMETRY, "channel 1",
                coopseg_segmenter_run_channels(segmenter, separate, count, &outputs, NULL, NULL, NULL));
    planar[1].spacing[0] -= 0.5;
    planar[1].origin[2] += 0.5;
    CHECK_FAILS(COOPSEG_INVALID_GEOMETRY, "channel 1",
                coopseg_segmenter_run_channels(segmenter, separate, count, &outputs, NULL, NULL, NULL));
    planar[1].origin[2] -= 0.5;
    separate[1] = NULL;
    CHECK_FAILS(COOPSEG_NULL_ARGUMENT, "`channels[1]`",
                coopseg_segmenter_run_channels(segmenter, separate, count, &outputs, NULL, NULL, NULL));
    separate[1] = &planar[1];

    /* Written as a 4-D file, opened, evaluated and segmented from there. */
    snprintf(path, sizeof path, "%s/channels-%d", folder, (int)count);
    CHECK_OK(coopseg_dataset_write(dataset, path));
    CHECK_OK(coopseg_dataset_open(path, NULL, &opened));
    CHECK_OK(coopseg_evaluation_run(loaded, opened, NULL, NULL, NULL, &evaluation));
    CHECK_OK(coopseg_evaluation_free(evaluation));
    memset(&files, 0, sizeof files);
    files.struct_size = sizeof files;
    snprintf(file, sizeof file, "%s/one/image.nii.gz", path);
    snprintf(result, sizeof result, "%s/one/result.nii.gz", path);
    files.labels = result;
    CHECK_OK(coopseg_segmenter_run_file(segmenter, file, &files, NULL, NULL, NULL));

    /* And from a file for each channel. */
    for (index = 0; index < count; index++) {
        coopseg_dataset *single = NULL;
        CHECK_OK(coopseg_dataset_new(&single));
        snprintf(name, sizeof name, "plane%d", index);
        CHECK_OK(coopseg_dataset_add(single, name, &planar[index], NULL));
        CHECK_OK(coopseg_dataset_write(single, path));
        CHECK_OK(coopseg_dataset_free(single));
        snprintf(plane_files[index], sizeof plane_files[index], "%s/%s/image.nii.gz", path, name);
        plane_paths[index] = plane_files[index];
    }
    snprintf(second, sizeof second, "%s/one/second.nii.gz", path);
    files.labels = second;
    CHECK_OK(coopseg_segmenter_run_files(segmenter, plane_paths, count, &files, NULL, NULL, NULL));
    CHECK_OK(coopseg_volume_read(result, &volume));
    CHECK_OK(coopseg_volume_read(second, &other));
    CHECK_OK(coopseg_volume_image(volume, &seen));
    CHECK_OK(coopseg_volume_image(other, &seen_too));
    CHECK(seen.data_size == seen_too.data_size && memcmp(seen.data, seen_too.data, seen.data_size) == 0);
    CHECK_OK(coopseg_volume_free(volume));
    CHECK_OK(coopseg_volume_free(other));
    CHECK_FAILS(COOPSEG_INVALID_SHAPE, "channel(s)",
                coopseg_segmenter_run_files(segmenter, plane_paths, 1, &files, NULL, NULL, NULL));
    CHECK_FAILS(COOPSEG_INVALID_ARGUMENT, "file_count",
                coopseg_segmenter_run_files(segmenter, plane_paths, 0, &files, NULL, NULL, NULL));
    CHECK_STATUS(COOPSEG_NULL_ARGUMENT, coopseg_segmenter_run_files(segmenter, NULL, count, &files, NULL, NULL, NULL));
    CHECK_OK(coopseg_segmenter_free(segmenter));
    CHECK_OK(coopseg_model_free(model));
    CHECK_OK(coopseg_model_free(loaded));
    CHECK_OK(coopseg_dataset_free(opened));
    CHECK_OK(coopseg_dataset_free(dataset));
}

int main(int argc, char **argv)
{
    const char *folder = scratch(argc, argv);
    coopseg_model *model = NULL;
    fill(first, labels);
    with_channels(2, folder);
    with_channels(4, folder);
    CHECK_FAILS(COOPSEG_INVALID_CONFIG, "channels",
                coopseg_model_new("{\"network\": {\"channels\": 5}}", &model));
    CHECK(coopseg_live_handles() == 0);
    return report();
}
