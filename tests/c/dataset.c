/* Datasets: borrowed voxels, splits, layouts. */
#include "check.h"

static int released = 0;

static void on_release(void *user_data)
{
    CHECK(user_data == &released);
    released++;
}

static size_t count_of(coopseg_dataset *dataset)
{
    size_t count = 0;
    CHECK_OK(coopseg_dataset_count(dataset, &count));
    return count;
}

static void borrowed(void)
{
    static float image[NX * NY * NZ];
    static unsigned char labels[NX * NY * NZ];
    coopseg_image view = describe(COOPSEG_F32, image), label_view = describe(COOPSEG_U8, labels), seen;
    const coopseg_image *channels[2];
    coopseg_dataset *dataset = NULL, *selected = NULL;
    coopseg_trainer *trainer = NULL;
    coopseg_volume *volume = NULL, *label_volume = NULL;
    size_t first = 0;
    fill(image, labels);
    channels[0] = channels[1] = &view;

    CHECK_OK(coopseg_dataset_new(&dataset));
    CHECK_OK(coopseg_dataset_borrow(dataset, "one", channels, 1, &label_view, on_release, &released));
    CHECK_OK(coopseg_dataset_borrow(dataset, "two", channels, 1, NULL, on_release, &released));
    CHECK_OK(coopseg_dataset_borrow(dataset, "three", channels, 2, NULL, NULL, NULL));
    /* Nothing is released for a call that failed. */
    CHECK_FAILS(COOPSEG_INVALID_DATASET, "one",
                coopseg_dataset_borrow(dataset, "one", channels, 1, NULL, on_release, &released));
    label_view.shape[0]--;
    CHECK_FAILS(COOPSEG_INVALID_SHAPE, "labels",
                coopseg_dataset_borrow(dataset, "four", channels, 1, &label_view, on_release, &released));
    label_view.shape[0]++;
    label_view.origin[0] += 1.0;
    CHECK_FAILS(COOPSEG_INVALID_GEOMETRY, "labels",
                coopseg_dataset_borrow(dataset, "four", channels, 1, &label_view, on_release, &released));
    label_view.origin[0] -= 1.0;
    CHECK_STATUS(COOPSEG_NULL_ARGUMENT,
                 coopseg_dataset_borrow(dataset, "four", NULL, 1, NULL, on_release, &released));
    CHECK(released == 0 && count_of(dataset) == 3);

    CHECK_OK(coopseg_dataset_load(dataset, 0, 4, &volume, &label_volume));
    CHECK_OK(coopseg_volume_image(volume, &seen));
    CHECK(seen.data != (void *)image && memcmp(seen.data, image, sizeof image) == 0);
    CHECK_OK(coopseg_volume_image(label_volume, &seen));
    CHECK(memcmp(seen.data, labels, sizeof labels) == 0);
    CHECK_OK(coopseg_volume_free(volume));
    CHECK_OK(coopseg_volume_free(label_volume));
    CHECK_FAILS(COOPSEG_INVALID_LABEL, "one", coopseg_dataset_load(dataset, 0, 2, &volume, NULL));

    /* A trainer and a part of the dataset keep the voxels in use. */
    CHECK_OK(coopseg_dataset_select(dataset, &first, 1, &selected));
    CHECK_OK(coopseg_trainer_new(SMALL_CONFIG, selected, NULL, NULL, &trainer));
    CHECK_OK(coopseg_dataset_free(dataset));
    CHECK(released == 1);
    CHECK_OK(coopseg_dataset_free(selected));
    CHECK(released == 1);
    CHECK_OK(coopseg_trainer_free(trainer));
    CHECK(released == 2);
}

static void splits(void)
{
    coopseg_dataset *all = NULL, *first = NULL, *second = NULL;
    char *json = NULL;
    CHECK_OK(coopseg_dataset_synthetic("{\"subjects\": 10, \"slices\": 1, \"size\": [32, 32]}", &all));
    CHECK_OK(coopseg_dataset_split(all, "{\"fraction\": 0.3, \"seed\": 4}", &first, &second));
    CHECK(count_of(first) == 7 && count_of(second) == 3);
    CHECK_OK(coopseg_dataset_free(first));
    CHECK_OK(coopseg_dataset_free(second));
    CHECK_OK(coopseg_dataset_split(all, "{\"folds\": 4, \"fold\": 3}", &first, &second));
    CHECK(count_of(first) == 8 && count_of(second) == 2);
    CHECK_OK(coopseg_dataset_free(first));
    CHECK_OK(coopseg_dataset_free(second));
    CHECK_OK(coopseg_dataset_split(all, "{\"held_out\": [\"A003\"]}", &first, &second));
    CHECK(count_of(first) == 9 && count_of(second) == 1);
    CHECK_OK(coopseg_dataset_info(second, &json));
    CHECK(strstr(json, "A003") != NULL);
    CHECK_OK(coopseg_string_free(json));
    CHECK_OK(coopseg_dataset_free(first));
    CHECK_OK(coopseg_dataset_free(second));
    first = second = NULL;
    CHECK_FAILS(COOPSEG_INVALID_CONFIG, "exactly one", coopseg_dataset_split(all, NULL, &first, &second));
    CHECK_FAILS(COOPSEG_INVALID_DATASET, "nobody",
                coopseg_dataset_split(all, "{\"held_out\": [\"nobody\"]}", &first, &second));
    CHECK_STATUS(COOPSEG_NULL_ARGUMENT, coopseg_dataset_split(all, "{\"folds\": 2}", NULL, &second));
    CHECK(first == NULL && second == NULL);
    CHECK_OK(coopseg_dataset_free(all));
}

static void layouts(const char *folder)
{
    coopseg_dataset *made = NULL, *opened = NULL;
    char path[1024], list[1024];
    const char text[] = "name,subject,image,label\n"
                        "a,,written/A000/image.nii.gz,written/A000/label.nii.gz\n";
    char *json = NULL;
    path_in(path, sizeof path, folder, "written");
    CHECK_OK(coopseg_dataset_synthetic("{\"subjects\": 1, \"slices\": 1, \"size\": [32, 32]}", &made));
    CHECK_OK(coopseg_dataset_write(made, path));
    CHECK_OK(coopseg_dataset_free(made));
    path_in(list, sizeof list, folder, "cases.csv");
    write_bytes(list, text, sizeof text - 1);
    CHECK_OK(coopseg_dataset_open(list, "{\"layout\": \"auto\"}", &opened));
    CHECK(count_of(opened) == 1);
    CHECK_OK(coopseg_dataset_info(opened, &json));
    CHECK(strstr(json, "\"attributes\"") != NULL);
    CHECK_OK(coopseg_string_free(json));
    CHECK_OK(coopseg_dataset_free(opened));
    opened = NULL;
    CHECK_FAILS(COOPSEG_INVALID_CONFIG, "layout", coopseg_dataset_open(path, "{\"layout\": \"odd\"}", &opened));
    CHECK_FAILS(COOPSEG_FILE_NOT_FOUND, "dataset.json",
                coopseg_dataset_open(path, "{\"layout\": \"nnunet\"}", &opened));
    CHECK_FAILS(COOPSEG_INVALID_DATASET, "\"images\"",
                coopseg_dataset_open(path, "{\"layout\": \"images_labels\"}", &opened));
    CHECK(opened == NULL);
}

int main(int argc, char **argv)
{
    const char *folder = scratch(argc, argv);
    borrowed();
    splits();
    layouts(folder);
    CHECK(coopseg_live_handles() == 0);
    return report();
}
