/* Handles: NULL, freed, foreign, of another kind; shared ownership. */
#include "check.h"

int main(int argc, char **argv)
{
    const char *folder = scratch(argc, argv);
    char path[1024];
    coopseg_model *model = NULL, *clone = NULL, *again = NULL;
    coopseg_segmenter *segmenter = NULL;
    coopseg_dataset *dataset = NULL;
    char *json = NULL;
    int stack = 0;

    CHECK_OK(coopseg_model_free(NULL));
    CHECK_OK(coopseg_segmenter_free(NULL));
    CHECK_OK(coopseg_dataset_free(NULL));
    CHECK_OK(coopseg_trainer_free(NULL));
    CHECK_OK(coopseg_volume_free(NULL));

    CHECK_STATUS(COOPSEG_NULL_ARGUMENT, coopseg_model_new(NULL, NULL));
    CHECK_OK(coopseg_model_new(SMALL_CONFIG, &model));
    CHECK_FAILS(COOPSEG_NULL_ARGUMENT, "model", coopseg_model_info(NULL, &json));
    CHECK_OK(coopseg_model_info(model, &json));
    CHECK(strstr(json, "\"MYO\"") != NULL && strstr(json, "\"code_channels\": 16") != NULL);
    CHECK_OK(coopseg_string_free(json));

    CHECK_FAILS(COOPSEG_INVALID_HANDLE, "coopseg_model", coopseg_segmenter_free((coopseg_segmenter *)model));
    CHECK_FAILS(COOPSEG_INVALID_HANDLE, "not made", coopseg_model_free((coopseg_model *)&stack));
    CHECK_FAILS(COOPSEG_INVALID_HANDLE, "not made", coopseg_model_free((coopseg_model *)(size_t)1));
    CHECK_FAILS(COOPSEG_INVALID_HANDLE, "not made", coopseg_model_info((coopseg_model *)(size_t)-1, &json));

    CHECK_OK(coopseg_segmenter_new(model, NULL, &segmenter));
    CHECK_OK(coopseg_model_clone(model, &clone));
    CHECK(clone != model);
    CHECK_OK(coopseg_model_free(model));
    CHECK_FAILS(COOPSEG_INVALID_HANDLE, "freed already", coopseg_model_free(model));
    CHECK_FAILS(COOPSEG_INVALID_HANDLE, "freed already", coopseg_model_clone(model, &again));
    CHECK(again == NULL);

    path_in(path, sizeof path, folder, "handles.coopseg");
    CHECK_OK(coopseg_model_save(clone, path));
    CHECK_OK(coopseg_model_load(path, &again));
    CHECK_OK(coopseg_model_free(again));
    CHECK_OK(coopseg_model_free(clone));

    /* The segmenter keeps the model alive. */
    static float image[NX * NY * NZ];
    static unsigned char labels[NX * NY * NZ], out[NX * NY * NZ];
    fill(image, labels);
    coopseg_image view = describe(COOPSEG_F32, image);
    coopseg_buffer buffer = buffer_for(COOPSEG_U8, 3, 0, out, sizeof out);
    coopseg_segmentation maps;
    memset(&maps, 0, sizeof maps);
    maps.struct_size = sizeof maps;
    maps.labels = &buffer;
    CHECK_OK(coopseg_segmenter_run(segmenter, &view, &maps, NULL, NULL, NULL));
    CHECK_OK(coopseg_segmenter_free(segmenter));
    CHECK_FAILS(COOPSEG_INVALID_HANDLE, "freed already",
                coopseg_segmenter_run(segmenter, &view, &maps, NULL, NULL, NULL));

    CHECK_OK(coopseg_dataset_new(&dataset));
    CHECK_FAILS(COOPSEG_INVALID_HANDLE, "coopseg_dataset", coopseg_trainer_cancel((coopseg_trainer *)dataset));
    CHECK_OK(coopseg_dataset_free(dataset));
    CHECK_FAILS(COOPSEG_INVALID_HANDLE, "freed already", coopseg_dataset_free(dataset));
    CHECK(coopseg_live_handles() == 0);
    return report();
}
