/*
 * The MEX function behind +coopseg, for MATLAB and Octave, over coopseg.h alone. Its commands are the rows of
 * `commands` below; they are internal to +coopseg.
 *
 * Functions of mx... and mex..., and those of values.h, may leave by longjmp or a C++ exception. So a command that
 * calls them holds nothing of its own at that moment: what it has made is in `held` or among the runs, which are
 * released by the next command, by "stop", or when the MEX file is unloaded. Progress functions run between two calls
 * of this one.
 */
#include "run.h"
#include "values.h"

#include <string.h>

/* What a command has made and the interpreter has not taken over yet. */
static struct {
    char *text;
    coopseg_model *model;
    coopseg_segmenter *segmenter;
    coopseg_volume *volume;
} held;

static void release_held(void)
{
    coopseg_string_free(held.text);
    coopseg_model_free(held.model);
    coopseg_segmenter_free(held.segmenter);
    coopseg_volume_free(held.volume);
    memset(&held, 0, sizeof held);
}

static void release_everything(void)
{
    run_end_all();
    release_held();
}

static const coopseg_segmenter *segmenter_of(const mxArray *array)
{
    return (const coopseg_segmenter *)(uintptr_t)number_of(array);
}

static run *living_run_of(const mxArray *id)
{
    run *self = run_find(number_of(id));

    if (!self)
        refuse(COOPSEG_CANCELLED, "the segmentation was stopped, because coopseg_mex was cleared meanwhile");
    return self;
}

static void give_run(mxArray *id, const run *made)
{
    if (!made)
        refuse(COOPSEG_OUT_OF_MEMORY, "memory ran out before the segmentation began");
    set_number(id, run_id(made));
}

/* model file, options -> segmenter, description of the model */
static void open_model(mxArray **results, const mxArray **arguments)
{
    const char *file = text_of(arguments[0]);
    const char *options = text_of(arguments[1]);

    results[0] = number(0);
    check(coopseg_model_load(file, &held.model));
    check(coopseg_segmenter_new(held.model, options, &held.segmenter));
    check(coopseg_model_info(held.model, &held.text));
    results[1] = text(held.text);
    set_number(results[0], (uint64_t)(uintptr_t)held.segmenter);
    held.segmenter = NULL;
}

/* segmenter; one that was freed already is let pass */
static void free_segmenter(mxArray **results, const mxArray **arguments)
{
    (void)results;
    coopseg_segmenter_free((coopseg_segmenter *)(uintptr_t)number_of(arguments[0]));
}

/* segmenter, image, grid, which maps (5 doubles, 0 or 1), number of classes -> run */
static void start(mxArray **results, const mxArray **arguments)
{
    const coopseg_segmenter *segmenter = segmenter_of(arguments[0]);
    const double *numbers = doubles_of(arguments[3], MAPS);
    int32_t classes = int_of(arguments[4]);
    coopseg_image first;
    size_t channels = describe(arguments[1], arguments[2], &first);
    bool wanted[MAPS];

    if (channels < 1 || channels > 4)
        refuse(COOPSEG_INVALID_SHAPE, "an image has %zu channels along its fourth axis; expected 1 to 4", channels);
    for (int map = 0; map < MAPS; map++)
        wanted[map] = numbers[map] != 0;
    results[0] = number(0);
    give_run(results[0], run_of_image(segmenter, &first, (int32_t)channels, wanted, classes));
}

/* segmenter, image files (cell), files of the maps (cell of 5, "" for none) -> run */
static void start_files(mxArray **results, const mxArray **arguments)
{
    const coopseg_segmenter *segmenter = segmenter_of(arguments[0]);
    size_t count = mxIsCell(arguments[1]) ? mxGetNumberOfElements(arguments[1]) : 0;
    const char *images[4], *maps[MAPS];

    if (count < 1 || count > 4)
        refuse(COOPSEG_INVALID_ARGUMENT, "%zu image files were given; expected 1 to 4, one for each channel", count);
    if (!mxIsCell(arguments[2]) || mxGetNumberOfElements(arguments[2]) != MAPS)
        refuse(COOPSEG_INVALID_ARGUMENT, "expected %d files", MAPS);
    for (size_t image = 0; image < count; image++)
        images[image] = text_of(mxGetCell(arguments[1], (mwIndex)image));
    for (int map = 0; map < MAPS; map++)
        maps[map] = text_of(mxGetCell(arguments[2], (mwIndex)map));
    results[0] = number(0);
    give_run(results[0], run_of_files(segmenter, images, (int32_t)count, maps));
}

/* run, its image ([] for files) -> slices done, slices in all; done is -1 when the run has ended. The image must be
 * the array of `start`: its voxels are used where they lie, and only while this command runs. */
static void advance(mxArray **results, const mxArray **arguments)
{
    run *self = living_run_of(arguments[0]);
    size_t done, slices;

    results[0] = mxCreateDoubleScalar(-1);
    results[1] = mxCreateDoubleScalar(0);
    if (run_voxels(self) && mxGetData(arguments[1]) != run_voxels(self))
        refuse(COOPSEG_INVALID_ARGUMENT, "the run was given another image than the one that it segments");
    if (run_advance(self, &done, &slices)) {
        *(double *)mxGetData(results[0]) = (double)done;
        *(double *)mxGetData(results[1]) = (double)slices;
    }
}

/* run that has ended -> report, maps (cell of 5, [] where not wanted) */
static void finish(mxArray **results, const mxArray **arguments)
{
    const run *self = living_run_of(arguments[0]);

    if (!run_has_ended(self))
        refuse(COOPSEG_INVALID_STATE, "the segmentation has not ended");
    if (run_status(self) != COOPSEG_OK)
        raise_error(run_status(self), run_message(self));
    results[0] = text(run_report(self));
    results[1] = mxCreateCellMatrix(1, MAPS);
    for (int map = 0; map < MAPS; map++) {
        const coopseg_buffer *buffer = run_map(self, map);

        if (buffer)
            mxSetCell(results[1], map,
                      array_of(buffer->ndim, buffer->shape, map < LABEL_MAPS ? mxUINT8_CLASS : mxSINGLE_CLASS,
                               buffer->data, buffer->data_size));
    }
}

/* run, its image: the run ends here, whatever its state */
static void stop(mxArray **results, const mxArray **arguments)
{
    run *self = run_find(number_of(arguments[0]));

    (void)results;
    if (self)
        run_end(self);
}

/* The two label maps and the number of classes that two commands begin with. */
typedef struct pair {
    coopseg_image reference, predicted;
    int32_t classes;
} pair;

static pair pair_of(const mxArray **arguments)
{
    pair given;

    given.reference = image_of(arguments[0], arguments[3]);
    given.predicted = image_of(arguments[1], arguments[3]);
    given.classes = int_of(arguments[2]);
    if (given.classes < 2 || given.classes > 255)
        refuse(COOPSEG_INVALID_ARGUMENT, "the number of classes is %d; expected 2 to 255, the background included",
               (int)given.classes);
    return given;
}

static mxArray *value_per_class(int32_t classes)
{
    return mxCreateDoubleMatrix(1, (mwSize)classes, mxREAL);
}

/* reference, predicted, classes, grid -> Dice */
static void dice(mxArray **results, const mxArray **arguments)
{
    pair given = pair_of(arguments);

    results[0] = value_per_class(given.classes);
    check(coopseg_dice(&given.reference, &given.predicted, given.classes, mxGetData(results[0])));
}

/* reference, predicted, classes, grid -> 95th percentile and mean of the distances in mm */
static void surface_distances(mxArray **results, const mxArray **arguments)
{
    pair given = pair_of(arguments);

    results[0] = value_per_class(given.classes);
    results[1] = value_per_class(given.classes);
    check(coopseg_surface_distances(&given.reference, &given.predicted, given.classes, mxGetData(results[0]),
                                    mxGetData(results[1])));
}

/* file, whether it holds labels (0 or 1) -> voxels, grid */
static void read_file(mxArray **results, const mxArray **arguments)
{
    const char *file = text_of(arguments[0]);
    bool labels = double_of(arguments[1]) != 0;
    coopseg_image image;

    check(labels ? coopseg_volume_read_labels(file, &held.volume) : coopseg_volume_read(file, &held.volume));
    check(coopseg_volume_image(held.volume, &image));
    results[0] = array_of(image.ndim, image.shape, labels ? mxINT32_CLASS : mxSINGLE_CLASS, image.data,
                          image.data_size);
    results[1] = grid_of(&image);
}

/* file, image, grid */
static void write_file(mxArray **results, const mxArray **arguments)
{
    const char *file = text_of(arguments[0]);
    coopseg_image image = image_of(arguments[1], arguments[2]);

    (void)results;
    if (mxGetNumberOfDimensions(arguments[1]) == 2)
        image.ndim = 2;
    check(coopseg_image_write(&image, file));
}

/* image, grid, artefact (JSON), seed -> spoiled voxels, what was applied (JSON). The library writes into the array that
 * the interpreter gets. */
static void simulate_artefact(mxArray **results, const mxArray **arguments)
{
    coopseg_image image = image_of(arguments[0], arguments[1]);
    const char *artefact = text_of(arguments[2]);
    uint64_t seed = number_of(arguments[3]);
    coopseg_buffer output;

    results[0] = mxCreateNumericArray(mxGetNumberOfDimensions(arguments[0]), mxGetDimensions(arguments[0]),
                                      mxSINGLE_CLASS, mxREAL);
    memset(&output, 0, sizeof output);
    output.struct_size = sizeof output;
    output.dtype = COOPSEG_F32;
    output.ndim = image.ndim;
    memcpy(output.shape, image.shape, sizeof image.shape);
    output.data = mxGetData(results[0]);
    output.data_size = mxGetNumberOfElements(results[0]) * mxGetElementSize(results[0]);
    check(coopseg_artefact_simulate(&image, artefact, seed, &output, &held.text));
    results[1] = text(held.text);
}

/* -> JSON */
static void devices(mxArray **results, const mxArray **arguments)
{
    (void)arguments;
    check(coopseg_devices(&held.text));
    results[0] = text(held.text);
}

/* -> JSON */
static void build_info(mxArray **results, const mxArray **arguments)
{
    (void)arguments;
    check(coopseg_build_info(&held.text));
    results[0] = text(held.text);
}

/* -> number of threads */
static void threads(mxArray **results, const mxArray **arguments)
{
    int32_t count = 0;

    (void)arguments;
    check(coopseg_threads(&count));
    results[0] = mxCreateDoubleScalar(count);
}

/* number of threads */
static void set_threads(mxArray **results, const mxArray **arguments)
{
    (void)results;
    check(coopseg_set_threads(int_of(arguments[0])));
}

/* -> objects of the library that are alive, and runs; for tests that look for leaks */
static void alive(mxArray **results, const mxArray **arguments)
{
    (void)arguments;
    results[0] = mxCreateDoubleScalar((double)coopseg_live_handles());
    results[1] = mxCreateDoubleScalar((double)run_count());
}

static const struct command {
    const char *name;
    int arguments, results;
    void (*function)(mxArray **results, const mxArray **arguments);
} commands[] = {
    {"open", 2, 2, open_model},
    {"free", 1, 0, free_segmenter},
    {"start", 5, 1, start},
    {"start_files", 3, 1, start_files},
    {"advance", 2, 2, advance},
    {"finish", 1, 2, finish},
    {"stop", 2, 0, stop},
    {"dice", 4, 1, dice},
    {"surface_distances", 4, 2, surface_distances},
    {"read", 2, 2, read_file},
    {"write", 3, 0, write_file},
    {"simulate_artefact", 4, 2, simulate_artefact},
    {"devices", 0, 1, devices},
    {"build_info", 0, 1, build_info},
    {"threads", 0, 1, threads},
    {"set_threads", 1, 0, set_threads},
    {"alive", 0, 2, alive},
};

void mexFunction(int result_count, mxArray *results[], int argument_count, const mxArray *arguments[])
{
    char name[32] = "";

    mexAtExit(release_everything);
    release_held();
    if (coopseg_abi_version() != COOPSEG_ABI_VERSION)
        refuse(COOPSEG_INVALID_STATE,
               "coopseg_mex was compiled for ABI %d of coopseg, but libcoopseg.so %s has %u; run coopseg.build again",
               COOPSEG_ABI_VERSION, coopseg_version(), (unsigned)coopseg_abi_version());
    if (argument_count < 1 || mxGetString(arguments[0], name, sizeof name) != 0)
        refuse(COOPSEG_INVALID_ARGUMENT, "coopseg_mex is internal to the package coopseg; see help coopseg.Segmenter");
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        const struct command *command = &commands[i];

        if (strcmp(command->name, name) != 0)
            continue;
        if (argument_count - 1 != command->arguments || result_count < command->results)
            refuse(COOPSEG_INVALID_ARGUMENT, "the command \"%s\" has %d arguments and %d results", name,
                   command->arguments, command->results);
        command->function(results, arguments + 1);
        release_held();
        return;
    }
    refuse(COOPSEG_INVALID_ARGUMENT, "there is no command \"%s\"", name);
}
