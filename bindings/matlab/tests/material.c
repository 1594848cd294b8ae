/*
 * Makes what the tests need, with the C library alone: models, images with whole numbers as voxels, what the library's
 * file-to-file functions make of them, and spoiled images, which the tests compare with.
 *
 *     material FOLDER
 */
#include <coopseg/coopseg.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const char *folder;

static void need(coopseg_status status)
{
    char message[1024] = "";

    if (status == COOPSEG_OK)
        return;
    coopseg_last_error(message, sizeof message, NULL);
    fprintf(stderr, "material: %s\n", message);
    exit(1);
}

static const char *in_folder(const char *name)
{
    static char paths[8][4096];
    static int next;
    char *path = paths[next++ % 8];

    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

/* Trains for a moment, so that every class occurs. */
static void train(const char *config, const coopseg_dataset *hearts, const char *file)
{
    coopseg_trainer *trainer = NULL;

    need(coopseg_trainer_new(config, hearts, NULL, NULL, &trainer));
    need(coopseg_trainer_run(trainer, NULL, NULL));
    need(coopseg_trainer_save_best(trainer, in_folder(file)));
    need(coopseg_trainer_free(trainer));
}

/* Writes an image with its intensities as whole numbers from 0 on, slice by slice times `scale`. */
static void write_whole_numbers(const coopseg_image *image, double scale, const char *file)
{
    size_t count = (size_t)(image->shape[0] * image->shape[1] * image->shape[2]);
    coopseg_image whole = *image;
    float *voxels = malloc(count * sizeof *voxels);

    for (size_t i = 0; voxels && i < count; i++)
        voxels[i] = rintf(fabsf(((const float *)image->data)[i]) * (float)scale);
    whole.data = voxels;
    whole.origin[0] = -12.5;
    whole.origin[1] = 30.25;
    whole.origin[2] = 7.0;
    need(coopseg_image_write(&whole, in_folder(file)));
    free(voxels);
}

static void segment(const char *model_file, const char *options, const char *const *images, int32_t count,
                    const char *labels, const char *fast, const char *probabilities, const char *entropy,
                    const char *disagreement)
{
    coopseg_segmentation_files files = {.struct_size = sizeof files};
    coopseg_model *model = NULL;
    coopseg_segmenter *segmenter = NULL;

    files.labels = in_folder(labels);
    files.fast_labels = fast ? in_folder(fast) : NULL;
    files.probabilities = probabilities ? in_folder(probabilities) : NULL;
    files.entropy = entropy ? in_folder(entropy) : NULL;
    files.disagreement = disagreement ? in_folder(disagreement) : NULL;
    need(coopseg_model_load(in_folder(model_file), &model));
    need(coopseg_segmenter_new(model, options, &segmenter));
    if (count == 1)
        need(coopseg_segmenter_run_file(segmenter, images[0], &files, NULL, NULL, NULL));
    else
        need(coopseg_segmenter_run_files(segmenter, images, count, &files, NULL, NULL, NULL));
    need(coopseg_segmenter_free(segmenter));
    need(coopseg_model_free(model));
}

/* Dice, HD95 and mean surface distance of two label files, one row each. */
static void write_scores(const char *reference_file, const char *predicted_file, const char *file)
{
    coopseg_volume *volumes[2] = {NULL, NULL};
    coopseg_image reference, predicted;
    double values[3][4];
    FILE *out = fopen(in_folder(file), "w");

    need(coopseg_volume_read_labels(in_folder(reference_file), &volumes[0]));
    need(coopseg_volume_read_labels(in_folder(predicted_file), &volumes[1]));
    need(coopseg_volume_image(volumes[0], &reference));
    need(coopseg_volume_image(volumes[1], &predicted));
    need(coopseg_dice(&reference, &predicted, 4, values[0]));
    need(coopseg_surface_distances(&reference, &predicted, 4, values[1], values[2]));
    for (int row = 0; out && row < 3; row++)
        fprintf(out, "%.17g %.17g %.17g %.17g\n", values[row][0], values[row][1], values[row][2], values[row][3]);
    if (!out || fclose(out) != 0)
        exit(1);
    need(coopseg_volume_free(volumes[0]));
    need(coopseg_volume_free(volumes[1]));
}

/* Spoils an image file with the artefact of a name: to artefact_<name>.nii, what was applied to artefact_<name>.json. */
static void spoil(const char *image_file, const char *name, uint64_t seed)
{
    coopseg_volume *volume = NULL;
    coopseg_buffer output = {.struct_size = sizeof output, .dtype = COOPSEG_F32, .ndim = 3};
    coopseg_image image;
    char artefact[64], file[64], *applied = NULL;
    FILE *out;

    need(coopseg_volume_read(in_folder(image_file), &volume));
    need(coopseg_volume_image(volume, &image));
    output.data_size = sizeof(float);
    for (int axis = 0; axis < 3; axis++) {
        output.shape[axis] = image.shape[axis];
        output.data_size *= (size_t)image.shape[axis];
    }
    output.data = malloc(output.data_size);
    snprintf(artefact, sizeof artefact, "{\"%s\": {\"severity\": 4}}", name);
    need(coopseg_artefact_simulate(&image, artefact, seed, &output, &applied));
    image.data = output.data;
    snprintf(file, sizeof file, "artefact_%s.nii", name);
    need(coopseg_image_write(&image, in_folder(file)));
    snprintf(file, sizeof file, "artefact_%s.json", name);
    out = fopen(in_folder(file), "w");
    if (!out || fputs(applied, out) < 0 || fclose(out) != 0)
        exit(1);
    free(output.data);
    need(coopseg_string_free(applied));
    need(coopseg_volume_free(volume));
}

int main(int argc, char **argv)
{
    static const char *const artefacts[] = {"bias_field", "ghosting", "motion", "spike",
                                            "noise",      "blur",     "gamma",  "downsampling"};
    static const char *const cpu = "{\"device\": \"cpu\"}";
    static const char *const fast_alone = "{\"device\": \"cpu\", \"iterations\": 0}";
    coopseg_dataset *hearts = NULL, *pairs = NULL;
    coopseg_volume *image = NULL, *labels = NULL;
    coopseg_image view, label_view, slice;
    const char *channels[2], *one;

    if (argc != 2)
        return 1;
    folder = argv[1];
    need(coopseg_set_threads(1));
    need(coopseg_dataset_synthetic("{\"subjects\": 2, \"slices\": 5, \"size\": [40, 36], \"spacing\": [4, 4.5, 8]}",
                                   &hearts));
    need(coopseg_dataset_load(hearts, 0, 4, &image, &labels));
    need(coopseg_volume_image(image, &view));
    need(coopseg_volume_image(labels, &label_view));
    write_whole_numbers(&view, 1.0, "image.nii");
    write_whole_numbers(&view, 0.5, "second.nii");
    need(coopseg_image_write(&label_view, in_folder("reference.nii")));
    slice = view;
    slice.ndim = 2;
    slice.shape[2] = 1;
    slice.data_size /= (size_t)view.shape[2];
    slice.data = (const char *)view.data + 2 * slice.data_size;
    write_whole_numbers(&slice, 1.0, "slice.nii");

    train("{\"network\": {\"width\": 2}, \"slices_per_step\": 5, \"epochs\": 20, \"seed\": 1, \"device\": \"cpu\","
          " \"preprocess\": {\"spacing\": null, \"pad\": [48, 48], \"crop\": [32, 32]}}",
          hearts, "model.coopseg");
    need(coopseg_dataset_new(&pairs));
    {
        const coopseg_image *both[2] = {&view, &view};

        need(coopseg_dataset_add_channels(pairs, "pair", both, 2, &label_view));
    }
    train("{\"network\": {\"width\": 2, \"channels\": 2, \"classes\": [\"background\", \"\xc3\x84u\xc3\x9f"
          "eres\", \"MYO\", \"RV\"]}, \"slices_per_step\": 5, \"epochs\": 8, \"seed\": 2, \"device\": \"cpu\","
          " \"preprocess\": {\"spacing\": null, \"pad\": [48, 48], \"crop\": [32, 32]}}",
          pairs, "pairs.coopseg");

    one = in_folder("image.nii");
    segment("model.coopseg", cpu, &one, 1, "labels.nii", "fast_labels.nii", "probabilities.nii", "entropy.nii",
            "disagreement.nii");
    one = in_folder("image.nii");
    segment("model.coopseg", fast_alone, &one, 1, "labels_fast_alone.nii", NULL, NULL, NULL, NULL);
    one = in_folder("slice.nii");
    segment("model.coopseg", cpu, &one, 1, "labels_slice.nii", NULL, NULL, NULL, NULL);
    channels[0] = in_folder("image.nii");
    channels[1] = in_folder("second.nii");
    segment("pairs.coopseg", cpu, channels, 2, "labels_pairs.nii", NULL, NULL, NULL, NULL);
    write_scores("reference.nii", "labels.nii", "scores.txt");
    for (size_t i = 0; i < sizeof artefacts / sizeof *artefacts; i++)
        spoil("image.nii", artefacts[i], 9);

    need(coopseg_volume_free(image));
    need(coopseg_volume_free(labels));
    need(coopseg_dataset_free(hearts));
    need(coopseg_dataset_free(pairs));
    return coopseg_live_handles() == 0 ? 0 : 1;
}
