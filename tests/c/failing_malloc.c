/* Whichever of coopseg's own allocations as large as a slice fails: a status that says so, and the handles stay usable. */
/* For dl_iterate_phdr(). */
#define _GNU_SOURCE
#include "check.h"
#include "code_of.h"

#include <signal.h>
#include <unistd.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);

/* Labels of a slice take 589,824 bytes, and what has a fixed size less than LARGE. */
enum { SIDE = 768, VOXELS = SIDE * SIDE, CLASSES = 2, LARGE = 550000 };

/* Which large allocation of coopseg's from now on fails; 0 for none. */
static long failing = 0;
static long allocations = 0;
static code core;

static int fails(size_t size, const void *caller)
{
    return size >= LARGE && is_in(&core, caller) &&
           __atomic_add_fetch(&allocations, 1, __ATOMIC_SEQ_CST) == failing;
}

/* These stand in for the C library's, which coopseg calls. */
void *malloc(size_t size)
{
    return fails(size, __builtin_return_address(0)) ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return fails(count * size, __builtin_return_address(0)) ? NULL : __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
    return fails(size, __builtin_return_address(0)) ? NULL : __libc_realloc(memory, size);
}

static float image[VOXELS];
static unsigned char labels[VOXELS];

typedef struct subject {
    const char *folder;
    coopseg_model *model;
    coopseg_segmenter *segmenter;
    coopseg_trainer *trainer;
    coopseg_dataset *dataset, *synthetic;
    coopseg_image image, labels;
} subject;

static coopseg_buffer dense(int32_t dtype, int32_t ndim, int64_t fourth, void *data, size_t size)
{
    coopseg_buffer buffer = buffer_for(dtype, ndim, fourth, data, size);
    buffer.shape[0] = buffer.shape[1] = SIDE;
    buffer.shape[2] = 1;
    return buffer;
}

static coopseg_status segment(subject *self)
{
    static unsigned char own[VOXELS], fast[VOXELS];
    static float probabilities[VOXELS * CLASSES], entropy[VOXELS], disagreement[VOXELS];
    const coopseg_buffer labels_map = dense(COOPSEG_U8, 3, 1, own, sizeof own);
    const coopseg_buffer fast_map = dense(COOPSEG_U8, 3, 1, fast, sizeof fast);
    const coopseg_buffer probability_map = dense(COOPSEG_F32, 4, CLASSES, probabilities, sizeof probabilities);
    const coopseg_buffer entropy_map = dense(COOPSEG_F32, 3, 1, entropy, sizeof entropy);
    const coopseg_buffer disagreement_map = dense(COOPSEG_F32, 3, 1, disagreement, sizeof disagreement);
    coopseg_segmentation outputs;
    memset(&outputs, 0, sizeof outputs);
    outputs.struct_size = sizeof outputs;
    outputs.labels = &labels_map;
    outputs.fast_labels = &fast_map;
    outputs.probabilities = &probability_map;
    outputs.entropy = &entropy_map;
    outputs.disagreement = &disagreement_map;
    return coopseg_segmenter_run(self->segmenter, &self->image, &outputs, NULL, NULL, NULL);
}

static coopseg_status segment_labels(subject *self)
{
    static unsigned char own[VOXELS];
    const coopseg_buffer map = dense(COOPSEG_U8, 3, 1, own, sizeof own);
    coopseg_segmentation outputs;
    memset(&outputs, 0, sizeof outputs);
    outputs.struct_size = sizeof outputs;
    outputs.labels = &map;
    return coopseg_segmenter_run(self->segmenter, &self->image, &outputs, NULL, NULL, NULL);
}

static coopseg_status segment_file(subject *self)
{
    const char *const names[6] = {"image.nii", "labels.nii", "fast.nii", "probabilities.nii", "entropy.nii",
                                  "disagreement.nii"};
    char paths[6][1024];
    coopseg_segmentation_files outputs;
    int i;
    for (i = 0; i < 6; i++) {
        path_in(paths[i], sizeof paths[i], self->folder, names[i]);
    }
    memset(&outputs, 0, sizeof outputs);
    outputs.struct_size = sizeof outputs;
    outputs.labels = paths[1];
    outputs.fast_labels = paths[2];
    outputs.probabilities = paths[3];
    outputs.entropy = paths[4];
    outputs.disagreement = paths[5];
    return coopseg_segmenter_run_file(self->segmenter, paths[0], &outputs, NULL, NULL, NULL);
}

#define CONFIG_FOR(crop)                                                                                     \
    "{\"network\": {\"width\": 2, \"classes\": [\"background\", \"square\"]}, \"seed\": 7,"                  \
    " \"device\": \"cpu\", \"slices_per_step\": 1, \"epochs\": 1000,"                                        \
    " \"preprocess\": {\"spacing\": [1.25, 1.25], \"pad\": [960, 960], \"crop\": [" crop ", " crop "]},"     \
    " \"augmentation\": {\"horizontal_flip\": {\"probability\": 1}, \"vertical_flip\": {\"probability\": 1}," \
    " \"affine\": {\"probability\": 1}, \"elastic\": {\"probability\": 0}}}"

/* The networks see as many pixels as take LARGE as float32. */
#define MODEL CONFIG_FOR("384")
/*
 * Training is quick where they see few, and transforms the slices all the same. Without the elastic deformation: the
 * library that multiplies its matrices does not say that memory is out.
 */
#define TRAINING CONFIG_FOR("64")

static coopseg_status make_trainer(subject *self)
{
    coopseg_trainer *trainer = NULL;
    const coopseg_status status = coopseg_trainer_new(TRAINING, self->dataset, self->dataset, NULL, &trainer);
    coopseg_trainer_free(trainer);
    return status;
}

static coopseg_status train(subject *self)
{
    coopseg_event event;
    memset(&event, 0, sizeof event);
    event.struct_size = sizeof event;
    return coopseg_trainer_step(self->trainer, &event);
}

static coopseg_status validate(subject *self)
{
    char *json = NULL;
    const coopseg_status status = coopseg_trainer_validate(self->trainer, &json);
    coopseg_string_free(json);
    return status;
}

static coopseg_status save_report(subject *self)
{
    char path[1024];
    path_in(path, sizeof path, self->folder, "report.html");
    return coopseg_trainer_save_report(self->trainer, path);
}

static coopseg_status evaluate(subject *self)
{
    coopseg_evaluation *evaluation = NULL;
    const coopseg_status status =
        coopseg_evaluation_run(self->model, self->dataset, "{\"surface_distances\": false}", NULL, NULL, &evaluation);
    coopseg_evaluation_free(evaluation);
    return status;
}

static coopseg_status make_hard_example(subject *self)
{
    static float hard_image[384 * 384], segmentation[384 * 384 * CLASSES];
    coopseg_buffer image_map = dense(COOPSEG_F32, 3, 1, hard_image, sizeof hard_image);
    coopseg_buffer segmentation_map = dense(COOPSEG_F32, 4, CLASSES, segmentation, sizeof segmentation);
    coopseg_hard_example outputs;
    image_map.shape[0] = image_map.shape[1] = 384;
    segmentation_map.shape[0] = segmentation_map.shape[1] = 384;
    memset(&outputs, 0, sizeof outputs);
    outputs.struct_size = sizeof outputs;
    outputs.image = &image_map;
    outputs.segmentation = &segmentation_map;
    return coopseg_model_hard_example(self->model, &self->image, &self->labels,
                                      "{\"scheme\": \"channel\", \"fraction\": 0.5}", &outputs);
}

static coopseg_status load_synthetic(subject *self)
{
    coopseg_volume *volume = NULL, *own_labels = NULL;
    const coopseg_status status =
        coopseg_dataset_load(self->synthetic, 0, 4, &volume, &own_labels);
    coopseg_volume_free(volume);
    coopseg_volume_free(own_labels);
    return status;
}

static coopseg_status load_channels(subject *self)
{
    coopseg_volume *channels[2] = {NULL, NULL}, *own_labels = NULL;
    const coopseg_status status =
        coopseg_dataset_load_channels(self->dataset, 0, CLASSES, channels, 2, NULL, &own_labels);
    coopseg_volume_free(channels[0]);
    coopseg_volume_free(channels[1]);
    coopseg_volume_free(own_labels);
    return status;
}

static coopseg_status write_dataset(subject *self)
{
    char path[1024];
    coopseg_dataset *channels = NULL;
    const coopseg_image *const both[2] = {&self->image, &self->image};
    coopseg_status status;
    path_in(path, sizeof path, self->folder, "dataset");
    CHECK_OK(coopseg_dataset_new(&channels));
    status = coopseg_dataset_add_channels(channels, "one", both, 2, &self->labels);
    if (status == COOPSEG_OK) {
        status = coopseg_dataset_write(channels, path);
    }
    CHECK_OK(coopseg_dataset_free(channels));
    return status;
}

static coopseg_status read_labels(subject *self)
{
    char path[1024];
    coopseg_volume *volume = NULL;
    coopseg_status status;
    path_in(path, sizeof path, self->folder, "labels.nii");
    status = coopseg_volume_read_labels(path, &volume);
    coopseg_volume_free(volume);
    return status;
}

static coopseg_status write_image(subject *self)
{
    char path[1024];
    path_in(path, sizeof path, self->folder, "image.nii");
    return coopseg_image_write(&self->image, path);
}

static coopseg_status write_overview(subject *self)
{
    const char *const names[CLASSES] = {"background", "square"};
    char path[1024];
    coopseg_overview_row row;
    memset(&row, 0, sizeof row);
    row.struct_size = sizeof row;
    row.title = "squares";
    row.image = &self->image;
    row.labels = row.reference = row.fast_labels = &self->labels;
    row.entropy = &self->image;
    row.slice = -1;
    path_in(path, sizeof path, self->folder, "overview.png");
    return coopseg_overview_write(&row, 1, names, CLASSES, path);
}

static coopseg_status simulate(subject *self)
{
    static const char *const artefacts[8] = {
        "{\"bias_field\": {}}", "{\"ghosting\": {}}", "{\"motion\": {}}", "{\"spike\": {}}",
        "{\"noise\": {}}",      "{\"blur\": {}}",     "{\"gamma\": {}}",  "{\"downsampling\": {}}"};
    static float own[VOXELS];
    const coopseg_buffer map = dense(COOPSEG_F32, 3, 1, own, sizeof own);
    coopseg_status status = COOPSEG_OK;
    int i;
    for (i = 0; i < 8 && status == COOPSEG_OK; i++) {
        status = coopseg_artefact_simulate(&self->image, artefacts[i], 1, &map, NULL);
    }
    return status;
}

static coopseg_status measure(subject *self)
{
    double dice[CLASSES], hd95[CLASSES], assd[CLASSES];
    const coopseg_status status =
        coopseg_dice(&self->labels, &self->labels, CLASSES, dice);
    return status != COOPSEG_OK
               ? status
               : coopseg_surface_distances(&self->labels, &self->labels, CLASSES, hd95, assd);
}

static coopseg_status copy_model(subject *self)
{
    char path[1024];
    coopseg_model *model = NULL, *other = NULL;
    coopseg_status status = coopseg_model_new("{\"network\": {\"width\": 16}, \"seed\": 1}", &model);
    (void)self;
    path_in(path, sizeof path, self->folder, "model.coopseg");
    status = status == COOPSEG_OK ? coopseg_model_save(model, path) : status;
    status = status == COOPSEG_OK ? coopseg_model_load(path, &other) : status;
    coopseg_model_free(other);
    coopseg_model_free(model);
    return status;
}

/* Where the process ends, this says at what. */
static const char *doing = "";

static void say_where(int number)
{
    char text[128];
    const int length =
        snprintf(text, sizeof text, "%s, allocation %ld: the process ends\n", doing, failing);
    (void)number;
    if (length > 0 && write(2, text, (size_t)length) < 0) {
        _exit(3);
    }
}

/*
 * Lets one large allocation of the work after the other fail, each in a run of its own. Not every failure ends the work:
 * segmenting goes on with fewer slices at once, in an evaluation too, and batches are prepared ahead.
 */
static void fail_each(const char *what, coopseg_status (*work)(subject *), subject *self)
{
    long count, number;
    int ended = 0;
    doing = what;
    CHECK_OK(work(self));
    allocations = 0;
    CHECK_OK(work(self));
    count = allocations;
    CHECK(count > 0);
    for (number = 1; number <= count; number++) {
        coopseg_status status;
        allocations = 0;
        failing = number;
        status = work(self);
        failing = 0;
        if (status != COOPSEG_OK) {
            CHECK_STATUS(COOPSEG_OUT_OF_MEMORY, status);
            ended++;
        }
    }
    CHECK(ended > 0);
    /* What was prepared ahead may have failed. */
    (void)work(self);
    CHECK_OK(work(self));
}

int main(int argc, char **argv)
{
    const int64_t shape[3] = {SIDE, SIDE, 1};
    const double spacing[3] = {1.5, 1.5, 8.0};
    subject self;
    int i;
    memset(&self, 0, sizeof self);
    self.folder = scratch(argc, argv);
    signal(SIGABRT, say_where);
    for (i = 0; i < VOXELS; i++) {
        labels[i] = (unsigned char)((i % SIDE / 96 + i / SIDE % SIDE / 96) % CLASSES);
        image[i] = (float)(labels[i] * 30 + i % 17);
    }
    CHECK_OK(coopseg_image_init(COOPSEG_F32, shape, spacing, image, &self.image));
    CHECK_OK(coopseg_image_init(COOPSEG_U8, shape, spacing, labels, &self.labels));
    CHECK_OK(coopseg_set_threads(1));
    CHECK_OK(coopseg_dataset_new(&self.dataset));
    CHECK_OK(coopseg_dataset_add(self.dataset, "one", &self.image, &self.labels));
    CHECK_OK(coopseg_dataset_synthetic("{\"subjects\": 1, \"slices\": 1, \"size\": [768, 768]}", &self.synthetic));
    CHECK_OK(coopseg_model_new(MODEL, &self.model));
    CHECK_OK(coopseg_segmenter_new(self.model, "{\"device\": \"cpu\"}", &self.segmenter));
    CHECK_OK(coopseg_trainer_new(TRAINING, self.dataset, self.dataset, NULL, &self.trainer));
    core = code_of("libcoopseg-core.so");
    CHECK(core.end > core.begin);

    fail_each("writing an image", write_image, &self);
    fail_each("segmenting", segment, &self);
    fail_each("segmenting to labels", segment_labels, &self);
    fail_each("segmenting a file", segment_file, &self);
    fail_each("reading labels", read_labels, &self);
    fail_each("a trainer", make_trainer, &self);
    fail_each("training", train, &self);
    fail_each("validating", validate, &self);
    fail_each("a report", save_report, &self);
    fail_each("evaluating", evaluate, &self);
    fail_each("a hard example", make_hard_example, &self);
    fail_each("a synthetic image", load_synthetic, &self);
    fail_each("a case", load_channels, &self);
    fail_each("writing a dataset", write_dataset, &self);
    fail_each("an overview", write_overview, &self);
    fail_each("artefacts", simulate, &self);
    fail_each("measuring", measure, &self);
    fail_each("a model", copy_model, &self);

    CHECK_OK(coopseg_trainer_free(self.trainer));
    CHECK_OK(coopseg_segmenter_free(self.segmenter));
    CHECK_OK(coopseg_model_free(self.model));
    CHECK_OK(coopseg_dataset_free(self.synthetic));
    CHECK_OK(coopseg_dataset_free(self.dataset));
    CHECK(coopseg_live_handles() == 0);
    return report();
}
