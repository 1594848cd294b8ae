/* Files: models, published checkpoints, NIfTI images; missing, foreign, damaged and unwritable ones. */
#include "check.h"

#include <sys/stat.h>

static char *slurp(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    char *bytes;
    if (file == NULL) {
        perror(path);
        exit(1);
    }
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    bytes = (char *)malloc(*size);
    if (bytes == NULL || fread(bytes, 1, *size, file) != *size) {
        exit(1);
    }
    fclose(file);
    return bytes;
}

static int exists(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0;
}

static void model_files(const char *folder)
{
    char path[1024], damaged[1024], pipe[1024];
    coopseg_model *model = NULL, *loaded = NULL;
    coopseg_evaluation *evaluation = NULL;
    coopseg_dataset *dataset = NULL;
    char *bytes, *first = NULL, *second = NULL;
    size_t size;

    path_in(path, sizeof path, folder, "model.coopseg");
    path_in(damaged, sizeof damaged, folder, "damaged.coopseg");
    CHECK_OK(coopseg_model_new(SMALL_CONFIG, &model));
    CHECK_OK(coopseg_model_save(model, path));
    CHECK_OK(coopseg_model_load(path, &loaded));
    CHECK_OK(coopseg_model_info(model, &first));
    CHECK_OK(coopseg_model_info(loaded, &second));
    CHECK(strcmp(first, second) == 0);
    CHECK_OK(coopseg_string_free(first));
    CHECK_OK(coopseg_string_free(second));
    CHECK_OK(coopseg_model_free(loaded));
    loaded = NULL;

    CHECK_FAILS(COOPSEG_FILE_NOT_FOUND, "absent.coopseg", coopseg_model_load("absent.coopseg", &loaded));
    CHECK_STATUS(COOPSEG_NULL_ARGUMENT, coopseg_model_load(NULL, &loaded));
    CHECK_STATUS(COOPSEG_NULL_ARGUMENT, coopseg_model_load(path, NULL));
    CHECK_STATUS(COOPSEG_INVALID_ARGUMENT, coopseg_model_load("", &loaded));
    CHECK_STATUS(COOPSEG_FILE_NOT_FOUND, coopseg_model_save(model, "/nowhere/at/all/model.coopseg"));
    CHECK(coopseg_model_load(folder, &loaded) != COOPSEG_OK);
    /* A pipe that nobody writes to would be waited for. */
    path_in(pipe, sizeof pipe, folder, "pipe.nii.gz");
    CHECK(exists(pipe) || mkfifo(pipe, 0600) == 0);
    CHECK_FAILS(COOPSEG_FILE_FORMAT, "special file", coopseg_model_load(pipe, &loaded));
    CHECK_FAILS(COOPSEG_FILE_FORMAT, "special file", coopseg_evaluation_load(pipe, &evaluation));
    CHECK_FAILS(COOPSEG_INVALID_DATASET, "special file",
                coopseg_dataset_open(folder, "{\"image\": \"pipe.nii.*\", \"label\": \"\"}", &dataset));
    CHECK(coopseg_model_save(model, folder) != COOPSEG_OK);

    bytes = slurp(path, &size);
    for (size_t cut = 0; cut < size; cut += size / 23 + 1) {
        write_bytes(damaged, bytes, cut);
        CHECK_FAILS(COOPSEG_FILE_FORMAT, "damaged.coopseg", coopseg_model_load(damaged, &loaded));
    }
    for (size_t i = 0; i < 40; i++) {
        size_t at = (size_t)((double)i / 40.0 * (double)size);
        bytes[at] = (char)(bytes[at] ^ 0x10);
        write_bytes(damaged, bytes, size);
        bytes[at] = (char)(bytes[at] ^ 0x10);
        CHECK_FAILS(COOPSEG_FILE_FORMAT, "damaged.coopseg", coopseg_model_load(damaged, &loaded));
    }
    write_bytes(damaged, "not a model at all, just words in a file", 40);
    CHECK_STATUS(COOPSEG_FILE_FORMAT, coopseg_model_load(damaged, &loaded));
    CHECK(loaded == NULL);
    free(bytes);
    CHECK_OK(coopseg_model_free(model));
}

static void published_checkpoints(const char *folder)
{
    char broken[1024], path[1100];
    coopseg_model *model = NULL;
    coopseg_segmenter *segmenter = NULL;
    char *json = NULL, *bytes;
    size_t size, count = 0;

    CHECK_OK(coopseg_model_import(COOPSEG_GOLDEN_CHECKPOINTS, NULL, &model));
    CHECK_OK(coopseg_model_class_count(model, &count));
    CHECK(count == 4);
    CHECK_OK(coopseg_model_channel_count(model, &count));
    CHECK(count == 1);
    CHECK_OK(coopseg_model_class_name(model, 2, &json));
    CHECK(strcmp(json, "MYO") == 0);
    CHECK_OK(coopseg_string_free(json));
    CHECK_FAILS(COOPSEG_INVALID_ARGUMENT, "expected 0 to 3", coopseg_model_class_name(model, 4, &json));
    CHECK_OK(coopseg_model_info(model, &json));
    CHECK(strstr(json, "\"width\": 4") != NULL && strstr(json, "\"classes\": 4") != NULL);
    CHECK_OK(coopseg_string_free(json));
    CHECK_OK(coopseg_segmenter_new(model, NULL, &segmenter));
    CHECK_OK(coopseg_segmenter_free(segmenter));
    CHECK_OK(coopseg_model_free(model));
    model = NULL;
    CHECK_FAILS(COOPSEG_INVALID_CONFIG, "2 classes",
                coopseg_model_import(COOPSEG_GOLDEN_CHECKPOINTS, "{\"network\": {\"classes\": [\"a\", \"b\"]}}",
                                     &model));
    CHECK_FAILS(COOPSEG_FILE_NOT_FOUND, "/nowhere", coopseg_model_import("/nowhere", NULL, &model));

    path_in(broken, sizeof broken, folder, "checkpoints");
    mkdir(broken, 0777);
    CHECK_FAILS(COOPSEG_FILE_NOT_FOUND, "image_encoder.pth", coopseg_model_import(broken, NULL, &model));
    const char *const parts[5] = {"image_encoder.pth", "segmentation_decoder.pth", "image_decoder.pth",
                                  "shape_encoder.pth", "shape_decoder.pth"};
    for (int i = 0; i < 5; i++) {
        snprintf(path, sizeof path, "%s/%s", COOPSEG_GOLDEN_CHECKPOINTS, parts[i]);
        bytes = slurp(path, &size);
        snprintf(path, sizeof path, "%s/%s", broken, parts[i]);
        /* The last one is another part under this name. */
        if (i == 4) {
            free(bytes);
            snprintf(path, sizeof path, "%s/%s", COOPSEG_GOLDEN_CHECKPOINTS, parts[2]);
            bytes = slurp(path, &size);
            snprintf(path, sizeof path, "%s/%s", broken, parts[4]);
        }
        write_bytes(path, bytes, size);
        free(bytes);
    }
    CHECK_FAILS(COOPSEG_FILE_WEIGHTS, "shape_decoder.pth", coopseg_model_import(broken, NULL, &model));
    bytes = slurp(path, &size);
    write_bytes(path, bytes, size / 2);
    CHECK_FAILS(COOPSEG_FILE_FORMAT, "shape_decoder.pth", coopseg_model_import(broken, NULL, &model));
    free(bytes);
    CHECK(model == NULL);
}

static void nifti_files(const char *folder)
{
    static float image[NX * NY * NZ];
    static unsigned char labels[NX * NY * NZ];
    char path[1024], result[1024], second[1024], bad[1024];
    coopseg_model *model = NULL;
    coopseg_segmenter *segmenter = NULL;
    coopseg_volume *volume = NULL;
    coopseg_image view, seen;
    coopseg_segmentation_files files;
    char *bytes;
    size_t size;

    fill(image, labels);
    path_in(path, sizeof path, folder, "image.nii");
    path_in(result, sizeof result, folder, "labels.nii.gz");
    path_in(second, sizeof second, folder, "probabilities.nii.gz");
    path_in(bad, sizeof bad, folder, "bad.nii");
    view = describe(COOPSEG_F32, image);
    view.origin[0] = -12.5;
    view.direction[0] = view.direction[4] = -1.0;
    CHECK_OK(coopseg_image_write(&view, path));
    CHECK_STATUS(COOPSEG_FILE_NOT_FOUND, coopseg_image_write(&view, "/nowhere/at/all/image.nii"));
    CHECK(coopseg_image_write(&view, "image.mha") != COOPSEG_OK);

    CHECK_OK(coopseg_volume_read(path, &volume));
    CHECK_OK(coopseg_volume_image(volume, &seen));
    CHECK(memcmp(seen.data, image, sizeof image) == 0);
    CHECK(fabs(seen.origin[0] + 12.5) < 1e-4 && fabs(seen.direction[0] + 1.0) < 1e-6);
    CHECK_OK(coopseg_volume_free(volume));

    CHECK_OK(coopseg_model_new(SMALL_CONFIG, &model));
    CHECK_OK(coopseg_segmenter_new(model, NULL, &segmenter));
    memset(&files, 0, sizeof files);
    files.struct_size = sizeof files;
    CHECK_FAILS(COOPSEG_INVALID_ARGUMENT, "at least one",
                coopseg_segmenter_run_file(segmenter, path, &files, NULL, NULL, NULL));
    files.labels = result;
    files.probabilities = second;
    CHECK_OK(coopseg_segmenter_run_file(segmenter, path, &files, NULL, NULL, NULL));
    CHECK_OK(coopseg_volume_read_labels(result, &volume));
    CHECK_OK(coopseg_volume_image(volume, &seen));
    CHECK(seen.dtype == COOPSEG_I32 && seen.shape[1] == NY && fabs(seen.spacing[2] - 8.0) < 1e-6);
    CHECK(fabs(seen.origin[0] + 12.5) < 1e-4 && fabs(seen.direction[0] + 1.0) < 1e-6);

    /* File to file and memory to memory give the same. */
    static unsigned char direct[NX * NY * NZ];
    coopseg_buffer buffer = buffer_for(COOPSEG_U8, 3, 0, direct, sizeof direct);
    coopseg_segmentation maps;
    memset(&maps, 0, sizeof maps);
    maps.struct_size = sizeof maps;
    maps.labels = &buffer;
    CHECK_OK(coopseg_segmenter_run(segmenter, &view, &maps, NULL, NULL, NULL));
    for (int i = 0; i < NX * NY * NZ; i++) {
        if (((const int32_t *)seen.data)[i] != direct[i]) {
            FAIL("labels from the file and from memory are the same");
            break;
        }
    }
    CHECK_OK(coopseg_volume_free(volume));
    volume = NULL;

    /* The probabilities are 4-D, which is no image of one channel. */
    files.probabilities = NULL;
    CHECK_FAILS(COOPSEG_FILE_UNSUPPORTED, "4", coopseg_volume_read(second, &volume));
    CHECK_FAILS(COOPSEG_INVALID_SHAPE, "probabilities",
                coopseg_segmenter_run_file(segmenter, second, &files, NULL, NULL, NULL));

    files.probabilities = result;
    CHECK_FAILS(COOPSEG_INVALID_ARGUMENT, "labels.nii.gz",
                coopseg_segmenter_run_file(segmenter, path, &files, NULL, NULL, NULL));
    files.probabilities = NULL;
    files.labels = "/nowhere/at/all/labels.nii.gz";
    CHECK_STATUS(COOPSEG_FILE_NOT_FOUND, coopseg_segmenter_run_file(segmenter, path, &files, NULL, NULL, NULL));
    files.labels = path;
    CHECK_FAILS(COOPSEG_INVALID_ARGUMENT, "image.nii",
                coopseg_segmenter_run_file(segmenter, path, &files, NULL, NULL, NULL));
    path_in(result, sizeof result, folder, "untouched.nii.gz");
    files.labels = result;
    CHECK_FAILS(COOPSEG_FILE_NOT_FOUND, "absent.nii",
                coopseg_segmenter_run_file(segmenter, "absent.nii", &files, NULL, NULL, NULL));
    CHECK_STATUS(COOPSEG_NULL_ARGUMENT, coopseg_segmenter_run_file(segmenter, NULL, &files, NULL, NULL, NULL));
    CHECK_STATUS(COOPSEG_NULL_ARGUMENT, coopseg_segmenter_run_file(segmenter, path, NULL, NULL, NULL, NULL));

    bytes = slurp(path, &size);
    for (size_t cut = 0; cut < size; cut += size / 17 + 1) {
        write_bytes(bad, bytes, cut);
        CHECK_FAILS(COOPSEG_FILE_FORMAT, "bad.nii",
                    coopseg_segmenter_run_file(segmenter, bad, &files, NULL, NULL, NULL));
    }
    memset(bytes + 352, 0, size - 352);
    write_bytes(bad, bytes, size);
    CHECK_FAILS(COOPSEG_INVALID_ARGUMENT, "bad.nii: ",
                coopseg_segmenter_run_file(segmenter, bad, &files, NULL, NULL, NULL));
    write_bytes(bad, "these are words, not an image", 29);
    CHECK_STATUS(COOPSEG_FILE_FORMAT, coopseg_volume_read(bad, &volume));
    CHECK(!exists(result));
    free(bytes);
    CHECK_OK(coopseg_segmenter_free(segmenter));
    CHECK_OK(coopseg_model_free(model));
}

static void overview(const char *folder)
{
    static float image[NX * NY * NZ];
    static unsigned char labels[NX * NY * NZ];
    const char *const names[4] = {"background", "LV", "MYO", "RV"};
    coopseg_overview_row row;
    coopseg_image view, label_view;
    char path[1024];
    char *bytes;
    size_t size;
    fill(image, labels);
    view = describe(COOPSEG_F32, image);
    label_view = describe(COOPSEG_U8, labels);
    path_in(path, sizeof path, folder, "overview.png");
    memset(&row, 0, sizeof row);
    row.struct_size = sizeof row;
    row.title = "a disc";
    row.image = &view;
    row.reference = &label_view;
    row.labels = &label_view;
    row.slice = -1;
    CHECK_OK(coopseg_overview_write(&row, 1, names, 4, path));
    bytes = slurp(path, &size);
    CHECK(size > 1000 && memcmp(bytes, "\x89PNG", 4) == 0);
    free(bytes);
    CHECK_STATUS(COOPSEG_INVALID_ARGUMENT, coopseg_overview_write(&row, 0, names, 4, path));
    CHECK_STATUS(COOPSEG_NULL_ARGUMENT, coopseg_overview_write(NULL, 1, names, 4, path));
    CHECK_STATUS(COOPSEG_NULL_ARGUMENT, coopseg_overview_write(&row, 1, NULL, 4, path));
    CHECK_STATUS(COOPSEG_INVALID_ARGUMENT, coopseg_overview_write(&row, 1, names, 1, path));
    CHECK_STATUS(COOPSEG_INVALID_LABEL, coopseg_overview_write(&row, 1, names, 2, path));
    CHECK_STATUS(COOPSEG_FILE_NOT_FOUND, coopseg_overview_write(&row, 1, names, 4, "/nowhere/at/all/o.png"));
    row.slice = NZ;
    CHECK_FAILS(COOPSEG_INVALID_ARGUMENT, "slice", coopseg_overview_write(&row, 1, names, 4, path));
    row.slice = 0;
    row.image = NULL;
    CHECK_STATUS(COOPSEG_NULL_ARGUMENT, coopseg_overview_write(&row, 1, names, 4, path));
}

int main(int argc, char **argv)
{
    const char *folder = scratch(argc, argv);
    model_files(folder);
    published_checkpoints(folder);
    nifti_files(folder);
    overview(folder);
    CHECK(coopseg_live_handles() == 0);
    return report();
}
