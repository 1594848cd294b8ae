/* Generated from include/coopseg/coopseg.h. Do not edit; `make header` writes it anew. */
#include "loader.h"

#include <dlfcn.h>
#include <string.h>

static struct {
    coopseg_status (*string_free)(char *text);
    coopseg_status (*build_info)(char **out_json);
    coopseg_status (*devices)(char **out_json);
    coopseg_status (*set_threads)(int32_t count);
    coopseg_status (*threads)(int32_t *out_count);
    coopseg_status (*set_seed)(uint64_t seed);
    coopseg_status (*set_log_callback)(coopseg_log_callback callback, int32_t level, void *user_data);
    coopseg_status (*cpu_cache_set_limit)(uint64_t bytes);
    coopseg_status (*cpu_cache_release)(void);
    coopseg_status (*cpu_cache_info)(char **out_json);
    coopseg_status (*image_init)(int32_t dtype, const int64_t *shape, const double *spacing, const void *data, struct coopseg_image *out_image);
    coopseg_status (*config_default)(const char *preset, char **out_json);
    coopseg_status (*config_check)(const char *config_json, char **out_json);
    coopseg_status (*config_schema)(const char *kind, char **out_json);
    coopseg_status (*model_new)(const char *config_json, struct coopseg_model **out_model);
    coopseg_status (*model_load)(const char *file, struct coopseg_model **out_model);
    coopseg_status (*model_import)(const char *directory, const char *config_json, struct coopseg_model **out_model);
    coopseg_status (*model_save)(const struct coopseg_model *model, const char *file);
    coopseg_status (*model_info)(const struct coopseg_model *model, char **out_json);
    coopseg_status (*model_class_count)(const struct coopseg_model *model, size_t *out_count);
    coopseg_status (*model_class_name)(const struct coopseg_model *model, size_t index, char **out_name);
    coopseg_status (*model_channel_count)(const struct coopseg_model *model, size_t *out_count);
    coopseg_status (*model_clone)(const struct coopseg_model *model, struct coopseg_model **out_model);
    coopseg_status (*model_free)(struct coopseg_model *model);
    coopseg_status (*volume_read)(const char *file, struct coopseg_volume **out_volume);
    coopseg_status (*volume_read_labels)(const char *file, struct coopseg_volume **out_volume);
    coopseg_status (*volume_image)(const struct coopseg_volume *volume, struct coopseg_image *out_image);
    coopseg_status (*image_write)(const struct coopseg_image *image, const char *file);
    coopseg_status (*volume_free)(struct coopseg_volume *volume);
    coopseg_status (*dataset_open)(const char *folder, const char *options_json, struct coopseg_dataset **out_dataset);
    coopseg_status (*dataset_new)(struct coopseg_dataset **out_dataset);
    coopseg_status (*dataset_synthetic)(const char *options_json, struct coopseg_dataset **out_dataset);
    coopseg_status (*dataset_add)(struct coopseg_dataset *dataset, const char *name, const struct coopseg_image *image, const struct coopseg_image *labels);
    coopseg_status (*dataset_add_channels)(struct coopseg_dataset *dataset, const char *name, const struct coopseg_image *const *channels, int32_t channel_count, const struct coopseg_image *labels);
    coopseg_status (*dataset_select)(const struct coopseg_dataset *dataset, const size_t *indices, size_t count, struct coopseg_dataset **out_dataset);
    coopseg_status (*dataset_borrow)(struct coopseg_dataset *dataset, const char *name, const struct coopseg_image *const *channels, int32_t channel_count, const struct coopseg_image *labels, coopseg_release_callback release, void *release_user_data);
    coopseg_status (*dataset_split)(const struct coopseg_dataset *dataset, const char *options_json, struct coopseg_dataset **out_first, struct coopseg_dataset **out_second);
    coopseg_status (*dataset_info)(const struct coopseg_dataset *dataset, char **out_json);
    coopseg_status (*dataset_count)(const struct coopseg_dataset *dataset, size_t *out_count);
    coopseg_status (*dataset_case)(const struct coopseg_dataset *dataset, size_t index, char **out_name, char **out_image, char **out_labels);
    coopseg_status (*dataset_load)(const struct coopseg_dataset *dataset, size_t index, int32_t classes, struct coopseg_volume **out_image, struct coopseg_volume **out_labels);
    coopseg_status (*dataset_load_channels)(const struct coopseg_dataset *dataset, size_t index, int32_t classes, struct coopseg_volume **out_channels, size_t capacity, size_t *out_channel_count, struct coopseg_volume **out_labels);
    coopseg_status (*dataset_write)(const struct coopseg_dataset *dataset, const char *folder);
    coopseg_status (*dataset_free)(struct coopseg_dataset *dataset);
    coopseg_status (*trainer_new)(const char *config_json, const struct coopseg_dataset *training, const struct coopseg_dataset *validation, const struct coopseg_model *start_from, struct coopseg_trainer **out_trainer);
    coopseg_status (*trainer_resume)(const char *snapshot, const char *config_json, const struct coopseg_dataset *training, const struct coopseg_dataset *validation, struct coopseg_trainer **out_trainer);
    coopseg_status (*trainer_save_snapshot)(const struct coopseg_trainer *trainer, const char *file);
    coopseg_status (*trainer_run)(struct coopseg_trainer *trainer, coopseg_event_callback callback, void *user_data);
    coopseg_status (*trainer_step)(struct coopseg_trainer *trainer, struct coopseg_event *out_event);
    coopseg_status (*trainer_step_batch)(struct coopseg_trainer *trainer, const float *images, const uint8_t *labels, const int64_t *shape, struct coopseg_event *out_event);
    coopseg_status (*trainer_validate)(struct coopseg_trainer *trainer, char **out_json);
    coopseg_status (*trainer_set_learning_rate)(struct coopseg_trainer *trainer, double learning_rate);
    coopseg_status (*trainer_cancel)(const struct coopseg_trainer *trainer);
    coopseg_status (*trainer_metrics)(const struct coopseg_trainer *trainer, char **out_json);
    coopseg_status (*trainer_save_report)(const struct coopseg_trainer *trainer, const char *file);
    coopseg_status (*trainer_best_model)(const struct coopseg_trainer *trainer, struct coopseg_model **out_model);
    coopseg_status (*trainer_current_model)(const struct coopseg_trainer *trainer, struct coopseg_model **out_model);
    coopseg_status (*trainer_save_best)(const struct coopseg_trainer *trainer, const char *file);
    coopseg_status (*trainer_free)(struct coopseg_trainer *trainer);
    coopseg_status (*segmenter_new)(const struct coopseg_model *model, const char *options_json, struct coopseg_segmenter **out_segmenter);
    coopseg_status (*segmenter_run)(const struct coopseg_segmenter *segmenter, const struct coopseg_image *image, const struct coopseg_segmentation *outputs, coopseg_segmentation_callback callback, void *user_data, char **out_report);
    coopseg_status (*segmenter_run_channels)(const struct coopseg_segmenter *segmenter, const struct coopseg_image *const *channels, int32_t channel_count, const struct coopseg_segmentation *outputs, coopseg_segmentation_callback callback, void *user_data, char **out_report);
    coopseg_status (*segmenter_run_file)(const struct coopseg_segmenter *segmenter, const char *image_file, const struct coopseg_segmentation_files *outputs, coopseg_segmentation_callback callback, void *user_data, char **out_report);
    coopseg_status (*segmenter_run_files)(const struct coopseg_segmenter *segmenter, const char *const *image_files, int32_t file_count, const struct coopseg_segmentation_files *outputs, coopseg_segmentation_callback callback, void *user_data, char **out_report);
    coopseg_status (*segmenter_free)(struct coopseg_segmenter *segmenter);
    coopseg_status (*model_hard_example)(const struct coopseg_model *model, const struct coopseg_image *image, const struct coopseg_image *labels, const char *options_json, const struct coopseg_hard_example *outputs);
    coopseg_status (*artefact_simulate)(const struct coopseg_image *image, const char *artefact_json, uint64_t seed, const struct coopseg_buffer *output, char **out_parameters);
    coopseg_status (*dice)(const struct coopseg_image *reference, const struct coopseg_image *predicted, int32_t classes, double *out_dice);
    coopseg_status (*surface_distances)(const struct coopseg_image *reference, const struct coopseg_image *predicted, int32_t classes, double *out_hd95, double *out_assd);
    coopseg_status (*evaluation_run)(const struct coopseg_model *model, const struct coopseg_dataset *dataset, const char *options_json, coopseg_evaluation_callback callback, void *user_data, struct coopseg_evaluation **out_evaluation);
    coopseg_status (*evaluation_load)(const char *file, struct coopseg_evaluation **out_evaluation);
    coopseg_status (*evaluation_json)(const struct coopseg_evaluation *evaluation, char **out_json);
    coopseg_status (*evaluation_save_json)(const struct coopseg_evaluation *evaluation, const char *file);
    coopseg_status (*evaluation_save_csv)(const struct coopseg_evaluation *evaluation, const char *file);
    coopseg_status (*evaluation_compare)(const struct coopseg_evaluation *first, const struct coopseg_evaluation *second, char **out_json);
    coopseg_status (*evaluation_free)(struct coopseg_evaluation *evaluation);
    coopseg_status (*overview_write)(const struct coopseg_overview_row *rows, size_t count, const char *const *class_names, int32_t classes, const char *file);
} core;

static const struct {
    const char *name;
    void *function;
} bindings[] = {
    {"coopseg_string_free", &core.string_free},
    {"coopseg_build_info", &core.build_info},
    {"coopseg_devices", &core.devices},
    {"coopseg_set_threads", &core.set_threads},
    {"coopseg_threads", &core.threads},
    {"coopseg_set_seed", &core.set_seed},
    {"coopseg_set_log_callback", &core.set_log_callback},
    {"coopseg_cpu_cache_set_limit", &core.cpu_cache_set_limit},
    {"coopseg_cpu_cache_release", &core.cpu_cache_release},
    {"coopseg_cpu_cache_info", &core.cpu_cache_info},
    {"coopseg_image_init", &core.image_init},
    {"coopseg_config_default", &core.config_default},
    {"coopseg_config_check", &core.config_check},
    {"coopseg_config_schema", &core.config_schema},
    {"coopseg_model_new", &core.model_new},
    {"coopseg_model_load", &core.model_load},
    {"coopseg_model_import", &core.model_import},
    {"coopseg_model_save", &core.model_save},
    {"coopseg_model_info", &core.model_info},
    {"coopseg_model_class_count", &core.model_class_count},
    {"coopseg_model_class_name", &core.model_class_name},
    {"coopseg_model_channel_count", &core.model_channel_count},
    {"coopseg_model_clone", &core.model_clone},
    {"coopseg_model_free", &core.model_free},
    {"coopseg_volume_read", &core.volume_read},
    {"coopseg_volume_read_labels", &core.volume_read_labels},
    {"coopseg_volume_image", &core.volume_image},
    {"coopseg_image_write", &core.image_write},
    {"coopseg_volume_free", &core.volume_free},
    {"coopseg_dataset_open", &core.dataset_open},
    {"coopseg_dataset_new", &core.dataset_new},
    {"coopseg_dataset_synthetic", &core.dataset_synthetic},
    {"coopseg_dataset_add", &core.dataset_add},
    {"coopseg_dataset_add_channels", &core.dataset_add_channels},
    {"coopseg_dataset_select", &core.dataset_select},
    {"coopseg_dataset_borrow", &core.dataset_borrow},
    {"coopseg_dataset_split", &core.dataset_split},
    {"coopseg_dataset_info", &core.dataset_info},
    {"coopseg_dataset_count", &core.dataset_count},
    {"coopseg_dataset_case", &core.dataset_case},
    {"coopseg_dataset_load", &core.dataset_load},
    {"coopseg_dataset_load_channels", &core.dataset_load_channels},
    {"coopseg_dataset_write", &core.dataset_write},
    {"coopseg_dataset_free", &core.dataset_free},
    {"coopseg_trainer_new", &core.trainer_new},
    {"coopseg_trainer_resume", &core.trainer_resume},
    {"coopseg_trainer_save_snapshot", &core.trainer_save_snapshot},
    {"coopseg_trainer_run", &core.trainer_run},
    {"coopseg_trainer_step", &core.trainer_step},
    {"coopseg_trainer_step_batch", &core.trainer_step_batch},
    {"coopseg_trainer_validate", &core.trainer_validate},
    {"coopseg_trainer_set_learning_rate", &core.trainer_set_learning_rate},
    {"coopseg_trainer_cancel", &core.trainer_cancel},
    {"coopseg_trainer_metrics", &core.trainer_metrics},
    {"coopseg_trainer_save_report", &core.trainer_save_report},
    {"coopseg_trainer_best_model", &core.trainer_best_model},
    {"coopseg_trainer_current_model", &core.trainer_current_model},
    {"coopseg_trainer_save_best", &core.trainer_save_best},
    {"coopseg_trainer_free", &core.trainer_free},
    {"coopseg_segmenter_new", &core.segmenter_new},
    {"coopseg_segmenter_run", &core.segmenter_run},
    {"coopseg_segmenter_run_channels", &core.segmenter_run_channels},
    {"coopseg_segmenter_run_file", &core.segmenter_run_file},
    {"coopseg_segmenter_run_files", &core.segmenter_run_files},
    {"coopseg_segmenter_free", &core.segmenter_free},
    {"coopseg_model_hard_example", &core.model_hard_example},
    {"coopseg_artefact_simulate", &core.artefact_simulate},
    {"coopseg_dice", &core.dice},
    {"coopseg_surface_distances", &core.surface_distances},
    {"coopseg_evaluation_run", &core.evaluation_run},
    {"coopseg_evaluation_load", &core.evaluation_load},
    {"coopseg_evaluation_json", &core.evaluation_json},
    {"coopseg_evaluation_save_json", &core.evaluation_save_json},
    {"coopseg_evaluation_save_csv", &core.evaluation_save_csv},
    {"coopseg_evaluation_compare", &core.evaluation_compare},
    {"coopseg_evaluation_free", &core.evaluation_free},
    {"coopseg_overview_write", &core.overview_write},
};

const char *forward_bind(void *library)
{
    for (size_t i = 0; i < sizeof bindings / sizeof bindings[0]; i++) {
        void *const address = dlsym(library, bindings[i].name);
        if (address == NULL) {
            return bindings[i].name;
        }
        memcpy(bindings[i].function, &address, sizeof address);
    }
    return NULL;
}

LOADER_PUBLIC const char *coopseg_status_name(coopseg_status status)
{
    switch (status) {
    case COOPSEG_OK:
        return "COOPSEG_OK";
    case COOPSEG_INVALID_ARGUMENT:
        return "COOPSEG_INVALID_ARGUMENT";
    case COOPSEG_NULL_ARGUMENT:
        return "COOPSEG_NULL_ARGUMENT";
    case COOPSEG_INVALID_HANDLE:
        return "COOPSEG_INVALID_HANDLE";
    case COOPSEG_INVALID_STRUCT_SIZE:
        return "COOPSEG_INVALID_STRUCT_SIZE";
    case COOPSEG_INVALID_SHAPE:
        return "COOPSEG_INVALID_SHAPE";
    case COOPSEG_INVALID_GEOMETRY:
        return "COOPSEG_INVALID_GEOMETRY";
    case COOPSEG_INVALID_LABEL:
        return "COOPSEG_INVALID_LABEL";
    case COOPSEG_INVALID_CONFIG:
        return "COOPSEG_INVALID_CONFIG";
    case COOPSEG_BUSY:
        return "COOPSEG_BUSY";
    case COOPSEG_INVALID_STATE:
        return "COOPSEG_INVALID_STATE";
    case COOPSEG_INVALID_DATASET:
        return "COOPSEG_INVALID_DATASET";
    case COOPSEG_DIVERGED:
        return "COOPSEG_DIVERGED";
    case COOPSEG_FILE_NOT_FOUND:
        return "COOPSEG_FILE_NOT_FOUND";
    case COOPSEG_FILE_IO:
        return "COOPSEG_FILE_IO";
    case COOPSEG_FILE_FORMAT:
        return "COOPSEG_FILE_FORMAT";
    case COOPSEG_FILE_UNSUPPORTED:
        return "COOPSEG_FILE_UNSUPPORTED";
    case COOPSEG_FILE_WEIGHTS:
        return "COOPSEG_FILE_WEIGHTS";
    case COOPSEG_DEVICE_UNAVAILABLE:
        return "COOPSEG_DEVICE_UNAVAILABLE";
    case COOPSEG_OUT_OF_MEMORY:
        return "COOPSEG_OUT_OF_MEMORY";
    case COOPSEG_LIBTORCH:
        return "COOPSEG_LIBTORCH";
    case COOPSEG_LIBTORCH_MISMATCH:
        return "COOPSEG_LIBTORCH_MISMATCH";
    case COOPSEG_LIBTORCH_UNAVAILABLE:
        return "COOPSEG_LIBTORCH_UNAVAILABLE";
    case COOPSEG_CANCELLED:
        return "COOPSEG_CANCELLED";
    case COOPSEG_INTERNAL:
        return "COOPSEG_INTERNAL";
    case COOPSEG_POISONED:
        return "COOPSEG_POISONED";
    default:
        return "unknown coopseg status";
    }
}

LOADER_PUBLIC coopseg_status coopseg_string_free(char *text)
{
    if (text == NULL) {
        return COOPSEG_OK;
    }
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.string_free(text);
}

LOADER_PUBLIC coopseg_status coopseg_build_info(char **out_json)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.build_info(out_json);
}

LOADER_PUBLIC coopseg_status coopseg_devices(char **out_json)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.devices(out_json);
}

LOADER_PUBLIC coopseg_status coopseg_set_threads(int32_t count)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.set_threads(count);
}

LOADER_PUBLIC coopseg_status coopseg_threads(int32_t *out_count)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.threads(out_count);
}

LOADER_PUBLIC coopseg_status coopseg_set_seed(uint64_t seed)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.set_seed(seed);
}

LOADER_PUBLIC coopseg_status coopseg_set_log_callback(coopseg_log_callback callback, int32_t level, void *user_data)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.set_log_callback(callback, level, user_data);
}

LOADER_PUBLIC coopseg_status coopseg_cpu_cache_set_limit(uint64_t bytes)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.cpu_cache_set_limit(bytes);
}

LOADER_PUBLIC coopseg_status coopseg_cpu_cache_release(void)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.cpu_cache_release();
}

LOADER_PUBLIC coopseg_status coopseg_cpu_cache_info(char **out_json)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.cpu_cache_info(out_json);
}

LOADER_PUBLIC coopseg_status coopseg_image_init(int32_t dtype, const int64_t *shape, const double *spacing, const void *data, struct coopseg_image *out_image)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.image_init(dtype, shape, spacing, data, out_image);
}

LOADER_PUBLIC coopseg_status coopseg_config_default(const char *preset, char **out_json)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.config_default(preset, out_json);
}

LOADER_PUBLIC coopseg_status coopseg_config_check(const char *config_json, char **out_json)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.config_check(config_json, out_json);
}

LOADER_PUBLIC coopseg_status coopseg_config_schema(const char *kind, char **out_json)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.config_schema(kind, out_json);
}

LOADER_PUBLIC coopseg_status coopseg_model_new(const char *config_json, struct coopseg_model **out_model)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.model_new(config_json, out_model);
}

LOADER_PUBLIC coopseg_status coopseg_model_load(const char *file, struct coopseg_model **out_model)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.model_load(file, out_model);
}

LOADER_PUBLIC coopseg_status coopseg_model_import(const char *directory, const char *config_json, struct coopseg_model **out_model)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.model_import(directory, config_json, out_model);
}

LOADER_PUBLIC coopseg_status coopseg_model_save(const struct coopseg_model *model, const char *file)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.model_save(model, file);
}

LOADER_PUBLIC coopseg_status coopseg_model_info(const struct coopseg_model *model, char **out_json)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.model_info(model, out_json);
}

LOADER_PUBLIC coopseg_status coopseg_model_class_count(const struct coopseg_model *model, size_t *out_count)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.model_class_count(model, out_count);
}

LOADER_PUBLIC coopseg_status coopseg_model_class_name(const struct coopseg_model *model, size_t index, char **out_name)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.model_class_name(model, index, out_name);
}

LOADER_PUBLIC coopseg_status coopseg_model_channel_count(const struct coopseg_model *model, size_t *out_count)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.model_channel_count(model, out_count);
}

LOADER_PUBLIC coopseg_status coopseg_model_clone(const struct coopseg_model *model, struct coopseg_model **out_model)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.model_clone(model, out_model);
}

LOADER_PUBLIC coopseg_status coopseg_model_free(struct coopseg_model *model)
{
    if (model == NULL) {
        return COOPSEG_OK;
    }
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.model_free(model);
}

LOADER_PUBLIC coopseg_status coopseg_volume_read(const char *file, struct coopseg_volume **out_volume)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.volume_read(file, out_volume);
}

LOADER_PUBLIC coopseg_status coopseg_volume_read_labels(const char *file, struct coopseg_volume **out_volume)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.volume_read_labels(file, out_volume);
}

LOADER_PUBLIC coopseg_status coopseg_volume_image(const struct coopseg_volume *volume, struct coopseg_image *out_image)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.volume_image(volume, out_image);
}

LOADER_PUBLIC coopseg_status coopseg_image_write(const struct coopseg_image *image, const char *file)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.image_write(image, file);
}

LOADER_PUBLIC coopseg_status coopseg_volume_free(struct coopseg_volume *volume)
{
    if (volume == NULL) {
        return COOPSEG_OK;
    }
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.volume_free(volume);
}

LOADER_PUBLIC coopseg_status coopseg_dataset_open(const char *folder, const char *options_json, struct coopseg_dataset **out_dataset)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.dataset_open(folder, options_json, out_dataset);
}

LOADER_PUBLIC coopseg_status coopseg_dataset_new(struct coopseg_dataset **out_dataset)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.dataset_new(out_dataset);
}

LOADER_PUBLIC coopseg_status coopseg_dataset_synthetic(const char *options_json, struct coopseg_dataset **out_dataset)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.dataset_synthetic(options_json, out_dataset);
}

LOADER_PUBLIC coopseg_status coopseg_dataset_add(struct coopseg_dataset *dataset, const char *name, const struct coopseg_image *image, const struct coopseg_image *labels)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.dataset_add(dataset, name, image, labels);
}

LOADER_PUBLIC coopseg_status coopseg_dataset_add_channels(struct coopseg_dataset *dataset, const char *name, const struct coopseg_image *const *channels, int32_t channel_count, const struct coopseg_image *labels)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.dataset_add_channels(dataset, name, channels, channel_count, labels);
}

LOADER_PUBLIC coopseg_status coopseg_dataset_select(const struct coopseg_dataset *dataset, const size_t *indices, size_t count, struct coopseg_dataset **out_dataset)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.dataset_select(dataset, indices, count, out_dataset);
}

LOADER_PUBLIC coopseg_status coopseg_dataset_borrow(struct coopseg_dataset *dataset, const char *name, const struct coopseg_image *const *channels, int32_t channel_count, const struct coopseg_image *labels, coopseg_release_callback release, void *release_user_data)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.dataset_borrow(dataset, name, channels, channel_count, labels, release, release_user_data);
}

LOADER_PUBLIC coopseg_status coopseg_dataset_split(const struct coopseg_dataset *dataset, const char *options_json, struct coopseg_dataset **out_first, struct coopseg_dataset **out_second)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.dataset_split(dataset, options_json, out_first, out_second);
}

LOADER_PUBLIC coopseg_status coopseg_dataset_info(const struct coopseg_dataset *dataset, char **out_json)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.dataset_info(dataset, out_json);
}

LOADER_PUBLIC coopseg_status coopseg_dataset_count(const struct coopseg_dataset *dataset, size_t *out_count)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.dataset_count(dataset, out_count);
}

LOADER_PUBLIC coopseg_status coopseg_dataset_case(const struct coopseg_dataset *dataset, size_t index, char **out_name, char **out_image, char **out_labels)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.dataset_case(dataset, index, out_name, out_image, out_labels);
}

LOADER_PUBLIC coopseg_status coopseg_dataset_load(const struct coopseg_dataset *dataset, size_t index, int32_t classes, struct coopseg_volume **out_image, struct coopseg_volume **out_labels)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.dataset_load(dataset, index, classes, out_image, out_labels);
}

LOADER_PUBLIC coopseg_status coopseg_dataset_load_channels(const struct coopseg_dataset *dataset, size_t index, int32_t classes, struct coopseg_volume **out_channels, size_t capacity, size_t *out_channel_count, struct coopseg_volume **out_labels)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.dataset_load_channels(dataset, index, classes, out_channels, capacity, out_channel_count, out_labels);
}

LOADER_PUBLIC coopseg_status coopseg_dataset_write(const struct coopseg_dataset *dataset, const char *folder)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.dataset_write(dataset, folder);
}

LOADER_PUBLIC coopseg_status coopseg_dataset_free(struct coopseg_dataset *dataset)
{
    if (dataset == NULL) {
        return COOPSEG_OK;
    }
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.dataset_free(dataset);
}

LOADER_PUBLIC coopseg_status coopseg_trainer_new(const char *config_json, const struct coopseg_dataset *training, const struct coopseg_dataset *validation, const struct coopseg_model *start_from, struct coopseg_trainer **out_trainer)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.trainer_new(config_json, training, validation, start_from, out_trainer);
}

LOADER_PUBLIC coopseg_status coopseg_trainer_resume(const char *snapshot, const char *config_json, const struct coopseg_dataset *training, const struct coopseg_dataset *validation, struct coopseg_trainer **out_trainer)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.trainer_resume(snapshot, config_json, training, validation, out_trainer);
}

LOADER_PUBLIC coopseg_status coopseg_trainer_save_snapshot(const struct coopseg_trainer *trainer, const char *file)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.trainer_save_snapshot(trainer, file);
}

LOADER_PUBLIC coopseg_status coopseg_trainer_run(struct coopseg_trainer *trainer, coopseg_event_callback callback, void *user_data)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.trainer_run(trainer, callback, user_data);
}

LOADER_PUBLIC coopseg_status coopseg_trainer_step(struct coopseg_trainer *trainer, struct coopseg_event *out_event)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.trainer_step(trainer, out_event);
}

LOADER_PUBLIC coopseg_status coopseg_trainer_step_batch(struct coopseg_trainer *trainer, const float *images, const uint8_t *labels, const int64_t *shape, struct coopseg_event *out_event)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.trainer_step_batch(trainer, images, labels, shape, out_event);
}

LOADER_PUBLIC coopseg_status coopseg_trainer_validate(struct coopseg_trainer *trainer, char **out_json)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.trainer_validate(trainer, out_json);
}

LOADER_PUBLIC coopseg_status coopseg_trainer_set_learning_rate(struct coopseg_trainer *trainer, double learning_rate)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.trainer_set_learning_rate(trainer, learning_rate);
}

LOADER_PUBLIC coopseg_status coopseg_trainer_cancel(const struct coopseg_trainer *trainer)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.trainer_cancel(trainer);
}

LOADER_PUBLIC coopseg_status coopseg_trainer_metrics(const struct coopseg_trainer *trainer, char **out_json)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.trainer_metrics(trainer, out_json);
}

LOADER_PUBLIC coopseg_status coopseg_trainer_save_report(const struct coopseg_trainer *trainer, const char *file)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.trainer_save_report(trainer, file);
}

LOADER_PUBLIC coopseg_status coopseg_trainer_best_model(const struct coopseg_trainer *trainer, struct coopseg_model **out_model)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.trainer_best_model(trainer, out_model);
}

LOADER_PUBLIC coopseg_status coopseg_trainer_current_model(const struct coopseg_trainer *trainer, struct coopseg_model **out_model)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.trainer_current_model(trainer, out_model);
}

LOADER_PUBLIC coopseg_status coopseg_trainer_save_best(const struct coopseg_trainer *trainer, const char *file)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.trainer_save_best(trainer, file);
}

LOADER_PUBLIC coopseg_status coopseg_trainer_free(struct coopseg_trainer *trainer)
{
    if (trainer == NULL) {
        return COOPSEG_OK;
    }
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.trainer_free(trainer);
}

LOADER_PUBLIC coopseg_status coopseg_segmenter_new(const struct coopseg_model *model, const char *options_json, struct coopseg_segmenter **out_segmenter)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.segmenter_new(model, options_json, out_segmenter);
}

LOADER_PUBLIC coopseg_status coopseg_segmenter_run(const struct coopseg_segmenter *segmenter, const struct coopseg_image *image, const struct coopseg_segmentation *outputs, coopseg_segmentation_callback callback, void *user_data, char **out_report)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.segmenter_run(segmenter, image, outputs, callback, user_data, out_report);
}

LOADER_PUBLIC coopseg_status coopseg_segmenter_run_channels(const struct coopseg_segmenter *segmenter, const struct coopseg_image *const *channels, int32_t channel_count, const struct coopseg_segmentation *outputs, coopseg_segmentation_callback callback, void *user_data, char **out_report)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.segmenter_run_channels(segmenter, channels, channel_count, outputs, callback, user_data, out_report);
}

LOADER_PUBLIC coopseg_status coopseg_segmenter_run_file(const struct coopseg_segmenter *segmenter, const char *image_file, const struct coopseg_segmentation_files *outputs, coopseg_segmentation_callback callback, void *user_data, char **out_report)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.segmenter_run_file(segmenter, image_file, outputs, callback, user_data, out_report);
}

LOADER_PUBLIC coopseg_status coopseg_segmenter_run_files(const struct coopseg_segmenter *segmenter, const char *const *image_files, int32_t file_count, const struct coopseg_segmentation_files *outputs, coopseg_segmentation_callback callback, void *user_data, char **out_report)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.segmenter_run_files(segmenter, image_files, file_count, outputs, callback, user_data, out_report);
}

LOADER_PUBLIC coopseg_status coopseg_segmenter_free(struct coopseg_segmenter *segmenter)
{
    if (segmenter == NULL) {
        return COOPSEG_OK;
    }
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.segmenter_free(segmenter);
}

LOADER_PUBLIC coopseg_status coopseg_model_hard_example(const struct coopseg_model *model, const struct coopseg_image *image, const struct coopseg_image *labels, const char *options_json, const struct coopseg_hard_example *outputs)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.model_hard_example(model, image, labels, options_json, outputs);
}

LOADER_PUBLIC coopseg_status coopseg_artefact_simulate(const struct coopseg_image *image, const char *artefact_json, uint64_t seed, const struct coopseg_buffer *output, char **out_parameters)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.artefact_simulate(image, artefact_json, seed, output, out_parameters);
}

LOADER_PUBLIC coopseg_status coopseg_dice(const struct coopseg_image *reference, const struct coopseg_image *predicted, int32_t classes, double *out_dice)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.dice(reference, predicted, classes, out_dice);
}

LOADER_PUBLIC coopseg_status coopseg_surface_distances(const struct coopseg_image *reference, const struct coopseg_image *predicted, int32_t classes, double *out_hd95, double *out_assd)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.surface_distances(reference, predicted, classes, out_hd95, out_assd);
}

LOADER_PUBLIC coopseg_status coopseg_evaluation_run(const struct coopseg_model *model, const struct coopseg_dataset *dataset, const char *options_json, coopseg_evaluation_callback callback, void *user_data, struct coopseg_evaluation **out_evaluation)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.evaluation_run(model, dataset, options_json, callback, user_data, out_evaluation);
}

LOADER_PUBLIC coopseg_status coopseg_evaluation_load(const char *file, struct coopseg_evaluation **out_evaluation)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.evaluation_load(file, out_evaluation);
}

LOADER_PUBLIC coopseg_status coopseg_evaluation_json(const struct coopseg_evaluation *evaluation, char **out_json)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.evaluation_json(evaluation, out_json);
}

LOADER_PUBLIC coopseg_status coopseg_evaluation_save_json(const struct coopseg_evaluation *evaluation, const char *file)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.evaluation_save_json(evaluation, file);
}

LOADER_PUBLIC coopseg_status coopseg_evaluation_save_csv(const struct coopseg_evaluation *evaluation, const char *file)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.evaluation_save_csv(evaluation, file);
}

LOADER_PUBLIC coopseg_status coopseg_evaluation_compare(const struct coopseg_evaluation *first, const struct coopseg_evaluation *second, char **out_json)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.evaluation_compare(first, second, out_json);
}

LOADER_PUBLIC coopseg_status coopseg_evaluation_free(struct coopseg_evaluation *evaluation)
{
    if (evaluation == NULL) {
        return COOPSEG_OK;
    }
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.evaluation_free(evaluation);
}

LOADER_PUBLIC coopseg_status coopseg_overview_write(const struct coopseg_overview_row *rows, size_t count, const char *const *class_names, int32_t classes, const char *file)
{
    const coopseg_status status = loader_open();
    return status != COOPSEG_OK ? status : core.overview_write(rows, count, class_names, classes, file);
}
