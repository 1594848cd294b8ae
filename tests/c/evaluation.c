/* Evaluation: running, saving, loading, comparing; surface distances. */
#include "check.h"

#include <limits.h>

typedef struct listener {
    size_t calls;
    size_t stop_at;
} listener;

static int32_t on_case(const char *case_name, size_t done, size_t cases, double refined_dice, void *user_data)
{
    listener *self = (listener *)user_data;
    self->calls++;
    CHECK(case_name[0] != '\0' && done == self->calls && cases >= done);
    CHECK(isnan(refined_dice) || (refined_dice >= 0.0 && refined_dice <= 1.0));
    return done == self->stop_at;
}

static int lines_of(const char *path)
{
    FILE *file = fopen(path, "r");
    int lines = 0, byte;
    while (file != NULL && (byte = fgetc(file)) != EOF) {
        lines += byte == '\n';
    }
    if (file != NULL) {
        fclose(file);
    }
    return lines;
}

static void distances(void)
{
    /* Two points, three voxels of 2 mm apart along x and one of 8 mm along z. */
    static unsigned char a[NX * NY * NZ], b[NX * NY * NZ];
    coopseg_image first = describe(COOPSEG_U8, a), second = describe(COOPSEG_U8, b);
    double hd95[3], assd[3], expected;
    first.spacing[0] = second.spacing[0] = 2.0;
    first.spacing[1] = second.spacing[1] = 1.0;
    first.spacing[2] = second.spacing[2] = 8.0;
    a[5 + NX * 4] = 1;
    b[8 + NX * (4 + NY)] = 1;
    expected = sqrt(36.0 + 64.0);
    CHECK_OK(coopseg_surface_distances(&first, &second, 3, hd95, assd));
    CHECK(fabs(hd95[1] - expected) < 1e-12 && fabs(assd[1] - expected) < 1e-12);
    CHECK(isnan(hd95[2]) && isnan(assd[2]));
    CHECK_OK(coopseg_surface_distances(&first, &first, 3, NULL, assd));
    CHECK(assd[1] == 0.0);
    CHECK_STATUS(COOPSEG_NULL_ARGUMENT, coopseg_surface_distances(&first, &second, 3, NULL, NULL));
    a[0] = 3;
    CHECK_STATUS(COOPSEG_INVALID_LABEL, coopseg_surface_distances(&first, &second, 3, hd95, NULL));
    a[0] = 0;
    CHECK_STATUS(COOPSEG_INVALID_ARGUMENT, coopseg_surface_distances(&first, &second, INT_MAX, hd95, NULL));
    second.shape[0]--;
    CHECK_STATUS(COOPSEG_INVALID_SHAPE, coopseg_surface_distances(&first, &second, 3, hd95, NULL));
}

int main(int argc, char **argv)
{
    const char *folder = scratch(argc, argv);
    static float image[NX * NY * NZ];
    static unsigned char labels[NX * NY * NZ];
    coopseg_image view = describe(COOPSEG_F32, image), label_view = describe(COOPSEG_U8, labels);
    coopseg_dataset *dataset = NULL, *other = NULL;
    coopseg_model *model = NULL, *second = NULL;
    coopseg_evaluation *evaluation = NULL, *loaded = NULL, *of_other = NULL;
    listener self = {0, 0};
    char path[1024];
    char *json = NULL, *again = NULL;

    fill(image, labels);
    CHECK_OK(coopseg_model_new(SMALL_CONFIG, &model));
    CHECK_OK(coopseg_dataset_new(&dataset));
    CHECK_OK(coopseg_dataset_add(dataset, "one", &view, &label_view));
    CHECK_OK(coopseg_dataset_add(dataset, "two/ED", &view, &label_view));
    CHECK_OK(coopseg_evaluation_run(model, dataset, NULL, on_case, &self, &evaluation));
    CHECK(self.calls == 2);
    CHECK_OK(coopseg_evaluation_json(evaluation, &json));
    CHECK(strstr(json, "\"two/ED\"") != NULL && strstr(json, "\"hd95_mm\"") != NULL);
    CHECK(strstr(json, "\"summary\"") != NULL && strstr(json, "\"q3\"") != NULL);

    path_in(path, sizeof path, folder, "evaluation.csv");
    CHECK_OK(coopseg_evaluation_save_csv(evaluation, path));
    /* A header, then two cases, two stages, three classes. */
    CHECK(lines_of(path) == 1 + 2 * 2 * 3);
    CHECK_STATUS(COOPSEG_FILE_FORMAT, coopseg_evaluation_load(path, &loaded));
    path_in(path, sizeof path, folder, "evaluation.json");
    CHECK_OK(coopseg_evaluation_save_json(evaluation, path));
    CHECK_OK(coopseg_evaluation_load(path, &loaded));
    CHECK_OK(coopseg_evaluation_json(loaded, &again));
    CHECK(json != NULL && again != NULL && strcmp(json, again) == 0);
    CHECK_OK(coopseg_string_free(json));
    CHECK_OK(coopseg_string_free(again));

    CHECK_OK(coopseg_evaluation_compare(evaluation, loaded, &json));
    CHECK(strstr(json, "\"refined - fast\"") != NULL && strstr(json, "\"wilcoxon\"") != NULL);
    CHECK_OK(coopseg_string_free(json));
    CHECK_OK(coopseg_model_new("{\"network\": {\"width\": 2}, \"seed\": 8,"
                               " \"preprocess\": {\"spacing\": null, \"pad\": [48, 48], \"crop\": [32, 32]}}",
                               &second));
    CHECK_OK(coopseg_evaluation_run(second, dataset, "{\"surface_distances\": false}", NULL, NULL, &of_other));
    CHECK_OK(coopseg_evaluation_compare(evaluation, of_other, &json));
    CHECK(strstr(json, "\"fast\"") != NULL && strstr(json, "\"refined - fast\"") == NULL);
    CHECK_OK(coopseg_string_free(json));
    /* One evaluation is itself, also where distances are undefined. */
    CHECK_OK(coopseg_evaluation_compare(of_other, of_other, &json));
    CHECK(strstr(json, "\"refined - fast\"") != NULL);
    CHECK_OK(coopseg_string_free(json));
    CHECK_OK(coopseg_evaluation_free(of_other));
    of_other = NULL;

    /* A case without labels ends it, or is left out by name. */
    CHECK_OK(coopseg_dataset_new(&other));
    CHECK_STATUS(COOPSEG_INVALID_DATASET, coopseg_evaluation_run(model, other, NULL, NULL, NULL, &of_other));
    CHECK_OK(coopseg_dataset_add(other, "one", &view, &label_view));
    CHECK_OK(coopseg_dataset_add(other, "bare", &view, NULL));
    CHECK_FAILS(COOPSEG_INVALID_DATASET, "bare",
                coopseg_evaluation_run(model, other, NULL, NULL, NULL, &of_other));
    CHECK_OK(coopseg_evaluation_run(model, other, "{\"skip_failures\": true}", NULL, NULL, &of_other));
    CHECK_OK(coopseg_evaluation_json(of_other, &json));
    CHECK(strstr(json, "\"failures\"") != NULL && strstr(json, "no label map") != NULL);
    CHECK_OK(coopseg_string_free(json));
    CHECK_FAILS(COOPSEG_INVALID_ARGUMENT, "two/ED", coopseg_evaluation_compare(evaluation, of_other, &json));
    CHECK_OK(coopseg_evaluation_free(of_other));
    of_other = NULL;

    self.calls = 0;
    self.stop_at = 1;
    CHECK_STATUS(COOPSEG_CANCELLED, coopseg_evaluation_run(model, dataset, NULL, on_case, &self, &of_other));
    CHECK(self.calls == 1 && of_other == NULL);
    CHECK_FAILS(COOPSEG_INVALID_CONFIG, "surface",
                coopseg_evaluation_run(model, dataset, "{\"surface\": true}", NULL, NULL, &of_other));
    CHECK_STATUS(COOPSEG_NULL_ARGUMENT, coopseg_evaluation_run(model, dataset, NULL, NULL, NULL, NULL));
    CHECK_STATUS(COOPSEG_NULL_ARGUMENT, coopseg_evaluation_run(NULL, dataset, NULL, NULL, NULL, &of_other));
    CHECK_STATUS(COOPSEG_FILE_NOT_FOUND, coopseg_evaluation_load("/nowhere/at/all.json", &of_other));
    CHECK_OK(coopseg_evaluation_free(NULL));

    distances();
    CHECK_OK(coopseg_evaluation_free(evaluation));
    CHECK_STATUS(COOPSEG_INVALID_HANDLE, coopseg_evaluation_free(evaluation));
    CHECK_OK(coopseg_evaluation_free(loaded));
    CHECK_OK(coopseg_dataset_free(dataset));
    CHECK_OK(coopseg_dataset_free(other));
    CHECK_OK(coopseg_model_free(model));
    CHECK_OK(coopseg_model_free(second));
    CHECK(coopseg_live_handles() == 0);
    return report();
}
