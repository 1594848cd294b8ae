/*
 * coopseg: cooperative training and two-stage segmentation of medical images.
 *
 * Generated from the library's sources. Do not edit.
 *
 * Conventions that hold for every function:
 *
 * - Fallible functions return a coopseg_status; COOPSEG_OK is 0. What went wrong, with which value, is told
 *   by coopseg_last_error() on the same thread.
 * - Programs need libtorch neither to link nor to start: the first call that has something to do loads it. Until it
 *   is found, every such call returns COOPSEG_LIBTORCH_UNAVAILABLE; see coopseg_load_libtorch().
 * - Inputs come first and are borrowed for the call; outputs come last, are named out_... and are written
 *   only when the call returns COOPSEG_OK. Output maps in the caller's memory are unspecified otherwise.
 * - Handles (coopseg_model *, ...) are made by one function and freed by coopseg_..._free, where NULL does
 *   nothing. They are names, not addresses: never look behind them. A handle that was freed, is of another
 *   kind or was not made here is refused with COOPSEG_INVALID_HANDLE.
 * - Structs whose first field is struct_size are refused unless that field holds their size.
 * - Texts are UTF-8 and end with a zero byte; paths may hold any bytes. Every function refuses a text that is not
 *   UTF-8, and an empty path, with COOPSEG_INVALID_ARGUMENT. Texts that a function returns through an out_...
 *   parameter are freed with coopseg_string_free().
 * - Options are JSON objects. Keys that are left out have their defaults; unknown keys, wrong types and
 *   values out of range are refused by name.
 * - "Shared use" of a handle means that any number of threads may pass it at once; "exclusive" means one call
 *   at a time, and another gets COOPSEG_BUSY.
 * - A process may end, by exit or main's return, while threads are in calls: its end waits until they have stopped at
 *   their next step, a minute at most, and a second for a callback. They return COOPSEG_CANCELLED, as do the calls
 *   that other threads begin then; a log callback that takes longer, and any where there is a GPU, does not return to the
 *   library. Objects may be freed to the last. Other calls that need libtorch return COOPSEG_INVALID_STATE on the thread
 *   that ends the process, as from destructors of static objects, and on one that ends, once it has lost what libtorch
 *   keeps for it. A crash is possible only where a step takes longer than the minute, or the thread that ends the
 *   process is not its first, or has not called this library, while another computes something for the first time.
 * - A process may fork while no thread of it is in a call of this library, callbacks included; starting another program
 *   is always possible. The copy goes on with the handles that it inherits and computes with one thread, without the GPU.
 * - The first call must not come from a constructor that runs while dlopen loads a library: it may have to wait for
 *   another thread's first call, which waits for that dlopen.
 * - Callbacks must return normally: no exception and no longjmp may leave them.
 * - The library writes nothing to stdout or stderr; see coopseg_set_log_callback().
 * - What the calling thread has switched in libtorch for itself (no gradients, inference mode, autocast) does not
 *   hold for the library's work and is as before on return.
 * - Image axes are x, y, z with x fastest; spacing is in mm in the same order; world coordinates are LPS.
 */


#ifndef COOPSEG_H
#define COOPSEG_H

#include <stddef.h>
#include <stdint.h>

/** Version of this header. */
#define COOPSEG_VERSION_MAJOR 0
#define COOPSEG_VERSION_MINOR 1
#define COOPSEG_VERSION_PATCH 0

/**
 * Changes whenever a program compiled against an older header would misbehave. Compare with
 * `coopseg_abi_version()`.
 */
#define COOPSEG_ABI_VERSION 1

/**
 * Log level: something failed inside the library.
 */
#define COOPSEG_LOG_ERROR 1

/**
 * Log level: something surprising that did not fail.
 */
#define COOPSEG_LOG_WARNING 2

/**
 * Log level: what the library does.
 */
#define COOPSEG_LOG_INFO 3

/**
 * Unsigned 8-bit integer.
 */
#define COOPSEG_U8 1

/**
 * Signed 8-bit integer.
 */
#define COOPSEG_I8 2

/**
 * Unsigned 16-bit integer.
 */
#define COOPSEG_U16 3

/**
 * Signed 16-bit integer.
 */
#define COOPSEG_I16 4

/**
 * Unsigned 32-bit integer.
 */
#define COOPSEG_U32 5

/**
 * Signed 32-bit integer.
 */
#define COOPSEG_I32 6

/**
 * Unsigned 64-bit integer.
 */
#define COOPSEG_U64 7

/**
 * Signed 64-bit integer.
 */
#define COOPSEG_I64 8

/**
 * 32-bit floating point.
 */
#define COOPSEG_F32 9

/**
 * 64-bit floating point.
 */
#define COOPSEG_F64 10

/**
 * The memory that the processor reads and writes.
 */
#define COOPSEG_MEMORY_HOST 0

/**
 * The memory of a CUDA device.
 */
#define COOPSEG_MEMORY_CUDA 1

/**
 * A training step was done.
 */
#define COOPSEG_EVENT_STEP 1

/**
 * A validation was done.
 */
#define COOPSEG_EVENT_VALIDATION 2

/**
 * The last epoch, the time limit or the end of patience was reached; the last event of a run.
 */
#define COOPSEG_EVENT_FINISHED 3

/**
 * A snapshot was written.
 */
#define COOPSEG_EVENT_SNAPSHOT 4

/**
 * A list of cases: images with (or without) their label maps, in files or in memory. A case is named
 * "subject" or "subject/frame".
 */
typedef struct coopseg_dataset coopseg_dataset;

/**
 * What a model makes of a dataset with labels: Dice, surface distances and volume errors per case, stage and
 * class. Never changes once made: any number of threads may use it at once.
 */
typedef struct coopseg_evaluation coopseg_evaluation;

/**
 * The two networks with their class names and preprocessing. A model never changes once made: any number
 * of segmenters, trainers and threads may use it at once.
 */
typedef struct coopseg_model coopseg_model;

/**
 * Segments volumes with one model on one device.
 */
typedef struct coopseg_segmenter coopseg_segmenter;

/**
 * Networks in training, with their data and optimiser.
 */
typedef struct coopseg_trainer coopseg_trainer;

/**
 * An image or label map read from a file. It never changes.
 */
typedef struct coopseg_volume coopseg_volume;

/**
 * Outcome of a call: `COOPSEG_OK` or another `COOPSEG_*` status value. 1 to 99 are the caller's mistakes,
 * 100 to 199 concern files and formats, 200 to 299 devices and libtorch, 300 is a cancelled run, 900 and
 * above are faults of this library.
 */
typedef int32_t coopseg_status;

/**
 * Receives a message of the library.
 *
 * @param level      `COOPSEG_LOG_ERROR`, `COOPSEG_LOG_WARNING` or `COOPSEG_LOG_INFO`.
 * @param message    UTF-8, valid during the call.
 * @param user_data  As given to `coopseg_set_log_callback`.
 * It may be called from any thread, also from several at once. It must return normally: no exception and
 * no longjmp may leave it.
 */
typedef void (*coopseg_log_callback)(int32_t level,
                                     const char *message,
                                     void *user_data);

/**
 * An image or label map in the caller's memory, read by this library and never written.
 *
 * Axes are x, y, z. World coordinates are LPS (x to the patient's left, y to posterior, z to superior) in
 * millimetres, as in DICOM and ITK. Set everything to zero, then the fields; or use
 * `coopseg_image_init`.
 */
typedef struct coopseg_image {
    /**
     * sizeof(coopseg_image).
     */
    size_t struct_size;
    /**
     * One of `COOPSEG_U8` to `COOPSEG_F64`, in the machine's byte order.
     */
    int32_t dtype;
    /**
     * 2 (one slice) or 3.
     */
    int32_t ndim;
    /**
     * Number of voxels along x, y, z; the last is ignored when ndim is 2. At least 1 each.
     */
    int64_t shape[3];
    /**
     * Bytes from one voxel to the next along x, y, z, not negative. All zero: dense, x fastest, then y, z.
     */
    int64_t strides[3];
    /**
     * Distance of voxel centres along x, y, z in mm. Positive; the last is ignored when ndim is 2.
     */
    double spacing[3];
    /**
     * Centre of voxel (0, 0, 0) in LPS mm.
     */
    double origin[3];
    /**
     * Row-major 3×3 matrix; column i is the unit vector in LPS along which index i grows. In 2-D
     * the lengths do not matter.
     */
    double direction[9];
    /**
     * The first voxel.
     */
    const void *data;
    /**
     * Bytes that may be read at data.
     */
    size_t data_size;
    /**
     * Where data lies: `COOPSEG_MEMORY_HOST`, or `COOPSEG_MEMORY_CUDA` for functions that say so.
     */
    int32_t memory;
    /**
     * Index of the CUDA device; 0 for the host.
     */
    int32_t device_index;
} coopseg_image;

/**
 * Is told that borrowed voxels are needed no longer. It may be called on any thread and must return normally.
 *
 * @param user_data  As given to `coopseg_dataset_borrow`.
 */
typedef void (*coopseg_release_callback)(void *user_data);

/**
 * One message from a running training. Numbers that are not known yet, or do not exist in the mode of the
 * training, are NaN.
 */
typedef struct coopseg_event {
    /**
     * sizeof(coopseg_event) in the library; a later version may append fields.
     */
    size_t struct_size;
    /**
     * `COOPSEG_EVENT_STEP`, `COOPSEG_EVENT_VALIDATION`, `COOPSEG_EVENT_FINISHED` or
     * `COOPSEG_EVENT_SNAPSHOT`.
     */
    int32_t kind;
    /**
     * Whether the latest validation is the best so far: 1 or 0.
     */
    int32_t best;
    /**
     * The current epoch, from 1.
     */
    uint64_t epoch;
    /**
     * Configured number of epochs.
     */
    uint64_t epochs;
    /**
     * Steps done since the start of the training.
     */
    uint64_t step;
    /**
     * Steps of one epoch.
     */
    uint64_t steps_per_epoch;
    /**
     * Sum of the loss parts below, unweighted. Those of the latest step; at the end of an epoch the means over
     * its steps.
     */
    double loss;
    /**
     * CE(p, y): segmentation of the image.
     */
    double loss_segmentation;
    /**
     * 1 − soft Dice of p, where a Dice term is asked for.
     */
    double loss_segmentation_dice;
    /**
     * R(x', x): reconstruction of the image.
     */
    double loss_reconstruction;
    /**
     * CE(C(p), y): correction of the predicted segmentation.
     */
    double loss_shape_from_prediction;
    /**
     * CE(C(y), y): reconstruction of the reference segmentation.
     */
    double loss_shape_from_label;
    /**
     * CE of the segmentation of the corrupted image.
     */
    double loss_hard_segmentation;
    /**
     * 1 − soft Dice of the segmentation of the corrupted image, where a Dice term is asked for.
     */
    double loss_hard_segmentation_dice;
    /**
     * R between the reconstruction from the corrupted image and the clean image.
     */
    double loss_hard_reconstruction;
    /**
     * CE of the corrected segmentation of the corrupted image.
     */
    double loss_hard_shape_from_prediction;
    /**
     * CE of the correction of the corrupted segmentation.
     */
    double loss_hard_shape_from_corrupted;
    /**
     * Learning rate of the latest step.
     */
    double learning_rate;
    /**
     * Norm of the latest update's gradient before clipping; NaN where it is not clipped.
     */
    double gradient_norm;
    /**
     * Latest validation: the value of the metric that selects the best model ("validation.metric").
     */
    double selection;
    /**
     * Latest validation: mean IoU, background included, after correction.
     */
    double mean_iou;
    /**
     * Latest validation: mean Dice of the foreground classes, fast-thinking network alone.
     */
    double fast_dice;
    /**
     * Latest validation: mean Dice of the foreground classes after correction.
     */
    double refined_dice;
    /**
     * Latest validation: Dice per class, background first, fast-thinking network alone. NULL before the
     * first. Valid during the callback.
     */
    const double *fast_dice_per_class;
    /**
     * The same after correction.
     */
    const double *refined_dice_per_class;
    /**
     * Length of the two lists.
     */
    size_t classes;
    /**
     * Slices through the networks per second in the current epoch, or in the one that has just ended.
     */
    double examples_per_second;
    /**
     * Share of that epoch's time in which the training waited for data, 0 to 1.
     */
    double waiting_share;
    /**
     * Memory of this process in RAM, in bytes; 0 where the system does not tell.
     */
    uint64_t memory_bytes;
    /**
     * Time spent in training so far.
     */
    double seconds_elapsed;
    /**
     * Estimate of the time left, by epochs or time limit, whichever comes first.
     */
    double seconds_left;
} coopseg_event;

/**
 * Hears the events of a training, on the thread that called `coopseg_trainer_run`.
 *
 * @param event      Valid during the call.
 * @param user_data  As given to `coopseg_trainer_run`.
 * @return 0 to go on; anything else ends the run with `COOPSEG_CANCELLED`, leaving everything usable.
 * It may call any function of this library, but those that use the running trainer (except
 * `coopseg_trainer_cancel`) return `COOPSEG_BUSY`. It must return normally: no exception and no longjmp may
 * leave it.
 */
typedef int32_t (*coopseg_event_callback)(const struct coopseg_event *event,
                                          void *user_data);

/**
 * A map in the caller's memory that this library writes. It lies on the grid of the image that the call
 * is about, so it has no geometry of its own.
 */
typedef struct coopseg_buffer {
    /**
     * sizeof(coopseg_buffer).
     */
    size_t struct_size;
    /**
     * One of `COOPSEG_U8` to `COOPSEG_F64`; each function says which it writes.
     */
    int32_t dtype;
    /**
     * Number of axes used: 2 to 4.
     */
    int32_t ndim;
    /**
     * Sizes along x, y, z and the fourth axis (class or channel).
     */
    int64_t shape[4];
    /**
     * Bytes from one element to the next along each axis, positive and without overlap. All zero: dense,
     * x fastest, then y, z, fourth axis.
     */
    int64_t strides[4];
    /**
     * The first element.
     */
    void *data;
    /**
     * Bytes that may be written at data.
     */
    size_t data_size;
    /**
     * Where data lies: `COOPSEG_MEMORY_HOST`, or `COOPSEG_MEMORY_CUDA` for functions that say so.
     */
    int32_t memory;
    /**
     * Index of the CUDA device; 0 for the host.
     */
    int32_t device_index;
} coopseg_buffer;

/**
 * Where the results of `coopseg_segmenter_run` go. A NULL map is not made; at least one must be given. All
 * have the image's shape along x, y, z (z is 1 for a 2-D image; a 2-D image takes 2-D maps, and its
 * probabilities have shape x, y, 1, classes).
 */
typedef struct coopseg_segmentation {
    /**
     * sizeof(coopseg_segmentation).
     */
    size_t struct_size;
    /**
     * Class of the highest final probability. Any type.
     */
    const struct coopseg_buffer *labels;
    /**
     * The same of the fast-thinking network alone. Any type.
     */
    const struct coopseg_buffer *fast_labels;
    /**
     * Final probabilities, which sum to 1; 4-D with the class as fourth axis. `COOPSEG_F32` or `COOPSEG_F64`.
     */
    const struct coopseg_buffer *probabilities;
    /**
     * Entropy of the final probabilities in nats, 0 to ln(classes). `COOPSEG_F32` or `COOPSEG_F64`.
     */
    const struct coopseg_buffer *entropy;
    /**
     * Disagreement of the two stages: half the sum over classes of their probabilities' absolute difference,
     * 0 to 1. `COOPSEG_F32` or `COOPSEG_F64`.
     */
    const struct coopseg_buffer *disagreement;
} coopseg_segmentation;

/**
 * Hears how far a segmentation is, on the thread that called it: after every slice, in their order. Slices are
 * computed several at a time, so calls come in groups.
 *
 * @param done       Slices done, this one included.
 * @param slices     Slices of the image.
 * @param user_data  As given to the call.
 * @return 0 to go on; anything else ends the call with `COOPSEG_CANCELLED`, and no file is written. It may call any
 * function of this library. It must return normally: no exception and no longjmp may leave it.
 */
typedef int32_t (*coopseg_segmentation_callback)(size_t done,
                                                 size_t slices,
                                                 void *user_data);

/**
 * Where the results of `coopseg_segmenter_run_file` go: paths ending in .nii or .nii.gz. A NULL path's map is
 * not made; at least one must be given.
 */
typedef struct coopseg_segmentation_files {
    /**
     * sizeof(coopseg_segmentation_files).
     */
    size_t struct_size;
    /**
     * Final labels, uint8.
     */
    const char *labels;
    /**
     * Labels of the fast-thinking network alone, uint8.
     */
    const char *fast_labels;
    /**
     * Final probabilities, float32, 4-D with the class as fourth axis.
     */
    const char *probabilities;
    /**
     * Entropy in nats, float32.
     */
    const char *entropy;
    /**
     * Disagreement of the two stages, float32.
     */
    const char *disagreement;
} coopseg_segmentation_files;

/**
 * Where the results of `coopseg_model_hard_example` go. A NULL map is not made; at least one must be given.
 * Shapes are in the order x, y, z, fourth axis, with W×H the networks' size ("preprocess.crop" of
 * `coopseg_model_info`), N the image's number of slices, and c the number of "code_channels".
 * All are `COOPSEG_F32` or `COOPSEG_F64`.
 */
typedef struct coopseg_hard_example {
    /**
     * sizeof(coopseg_hard_example).
     */
    size_t struct_size;
    /**
     * W, H, N: the preprocessed image that the networks saw, in [0, 1].
     */
    const struct coopseg_buffer *input;
    /**
     * W, H, N: what the image decoder makes of the masked image code, or another hard image, in [0, 1].
     */
    const struct coopseg_buffer *image;
    /**
     * W, H, N, classes: probabilities of what the segmentation decoder makes of the masked shape code.
     */
    const struct coopseg_buffer *segmentation;
    /**
     * W/16, H/16, N, c: the factors of the image code's mask.
     */
    const struct coopseg_buffer *image_mask;
    /**
     * W/16, H/16, N, c: the factors of the shape code's mask.
     */
    const struct coopseg_buffer *shape_mask;
} coopseg_hard_example;

/**
 * Hears of every case that an evaluation has done, on the thread that called `coopseg_evaluation_run`.
 *
 * @param case_name     Name of the case; valid during the call.
 * @param done          Cases done, this one included.
 * @param cases         Cases in all.
 * @param refined_dice  Mean Dice of the case's classes without the background after correction; NaN where it
 *                      was left out.
 * @param user_data     As given to `coopseg_evaluation_run`.
 * @return 0 to go on; anything else ends the evaluation with `COOPSEG_CANCELLED`. It must return normally: no
 * exception and no longjmp may leave it.
 */
typedef int32_t (*coopseg_evaluation_callback)(const char *case_name,
                                               size_t done,
                                               size_t cases,
                                               double refined_dice,
                                               void *user_data);

/**
 * One row of an overview picture: one slice of one case. All images have the same shape; those that are NULL
 * leave an empty field.
 */
typedef struct coopseg_overview_row {
    /**
     * sizeof(coopseg_overview_row).
     */
    size_t struct_size;
    /**
     * Title of the row, UTF-8.
     */
    const char *title;
    /**
     * The image; must be given.
     */
    const struct coopseg_image *image;
    /**
     * Reference labels.
     */
    const struct coopseg_image *reference;
    /**
     * Labels of the fast-thinking network alone.
     */
    const struct coopseg_image *fast_labels;
    /**
     * Labels after correction.
     */
    const struct coopseg_image *labels;
    /**
     * Entropy in nats.
     */
    const struct coopseg_image *entropy;
    /**
     * The slice to show, from 0; -1 chooses the one with most foreground in the reference, else in the labels,
     * else the middle one.
     */
    int64_t slice;
} coopseg_overview_row;

/**
 * The call did what it says.
 */
#define COOPSEG_OK 0

/**
 * An argument is outside what the function accepts.
 */
#define COOPSEG_INVALID_ARGUMENT 1

/**
 * A required pointer is NULL.
 */
#define COOPSEG_NULL_ARGUMENT 2

/**
 * A handle that was never made by this library, was freed, or is of another kind.
 */
#define COOPSEG_INVALID_HANDLE 3

/**
 * The first field of a struct does not hold the size of that struct.
 */
#define COOPSEG_INVALID_STRUCT_SIZE 4

/**
 * Shapes, strides or buffers that do not fit each other.
 */
#define COOPSEG_INVALID_SHAPE 5

/**
 * Spacing, origin or direction that describe no image grid.
 */
#define COOPSEG_INVALID_GEOMETRY 6

/**
 * A label value outside the classes.
 */
#define COOPSEG_INVALID_LABEL 7

/**
 * A configuration key that is unknown, of the wrong type or out of range.
 */
#define COOPSEG_INVALID_CONFIG 8

/**
 * The object is in use by another call.
 */
#define COOPSEG_BUSY 9

/**
 * The object cannot do this in its present state.
 */
#define COOPSEG_INVALID_STATE 10

/**
 * A dataset that cannot be used as asked; the message names the case.
 */
#define COOPSEG_INVALID_DATASET 11

/**
 * Training reached a loss that is not a finite number.
 */
#define COOPSEG_DIVERGED 12

/**
 * A file or folder that does not exist.
 */
#define COOPSEG_FILE_NOT_FOUND 100

/**
 * The operating system refused to read or write a file.
 */
#define COOPSEG_FILE_IO 101

/**
 * A file that is truncated, corrupt or not of the expected kind.
 */
#define COOPSEG_FILE_FORMAT 102

/**
 * A sound file that needs something this version does not have.
 */
#define COOPSEG_FILE_UNSUPPORTED 103

/**
 * Weights whose names or shapes do not fit the networks.
 */
#define COOPSEG_FILE_WEIGHTS 104

/**
 * The device that was asked for cannot be used; the message says why.
 */
#define COOPSEG_DEVICE_UNAVAILABLE 200

/**
 * Memory ran out, on the host or on the device. The objects involved stay usable.
 */
#define COOPSEG_OUT_OF_MEMORY 201

/**
 * libtorch reported an error.
 */
#define COOPSEG_LIBTORCH 202

/**
 * The process has loaded another libtorch than this library was built for.
 */
#define COOPSEG_LIBTORCH_MISMATCH 203

/**
 * libtorch, or the part of this library that uses it, is not found or cannot be loaded; the message says what
 * mends it. Every function that makes or uses something may return this. Later calls try again.
 */
#define COOPSEG_LIBTORCH_UNAVAILABLE 204

/**
 * A callback or `coopseg_trainer_cancel` asked to stop, or the process is ending. Everything stays usable.
 */
#define COOPSEG_CANCELLED 300

/**
 * A fault of this library; the object that was being changed is unusable from now on.
 */
#define COOPSEG_INTERNAL 900

/**
 * The object is unusable after an earlier internal error; it can only be freed.
 */
#define COOPSEG_POISONED 901

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The name of a status value, such as "COOPSEG_INVALID_SHAPE".
 *
 * @param status  Any number.
 * @return A constant text that is never freed; "unknown coopseg status" for other numbers.
 * Threads: any number of calls at once.
 * Since 0.1.
 */
const char *coopseg_status_name(coopseg_status status);

/**
 * Copies the message of the last call on this thread that did not return `COOPSEG_OK`: what was wrong,
 * with which value, what was expected, in which file. UTF-8. Calls that succeed leave it as it is.
 *
 * @param buffer      Receives at most capacity bytes, always ended by a zero byte. May be NULL if capacity is 0.
 * @param capacity    Size of the buffer in bytes.
 * @param out_length  Receives the length of the whole message without the zero byte. May be NULL.
 * @return `COOPSEG_OK`, also when the message was cut to fit; `COOPSEG_NULL_ARGUMENT`.
 * Threads: any number of calls at once; every thread has its own message.
 * Since 0.1.
 */
coopseg_status coopseg_last_error(char *buffer,
                                  size_t capacity,
                                  size_t *out_length);

/**
 * Frees a text that this library returned through an `out_…` parameter.
 *
 * @param text  NULL does nothing.
 * @return `COOPSEG_OK`; `COOPSEG_INVALID_HANDLE` for a text that this library did not return or that was
 *         freed already.
 * Threads: any number of calls at once, with different texts.
 * Since 0.1.
 */
coopseg_status coopseg_string_free(char *text);

/**
 * The library's version, such as "0.1.0".
 *
 * @return A constant text that is never freed.
 * Threads: any number of calls at once.
 * Since 0.1.
 */
const char *coopseg_version(void);

/**
 * The ABI version that the library was built with; equal to `COOPSEG_ABI_VERSION` of a fitting header.
 *
 * Threads: any number of calls at once.
 * Since 0.1.
 */
uint32_t coopseg_abi_version(void);

/**
 * Loads libtorch now, where the first call that needs it would. Of no use to most programs: for those that want
 * to say where libtorch is, or to learn at their start whether it can be used.
 *
 * libtorch is looked for, in this order: the one that this process has loaded already; `folder`; the folder that
 * the environment variable COOPSEG_LIBTORCH names; LD_LIBRARY_PATH; `coopseg` beside the library; beside the
 * library; the folder that the library was configured with.
 *
 * @param folder  The folder of a libtorch, or its `lib` folder. NULL: as the first call would.
 * @return `COOPSEG_OK`, also when it was loaded from there before; `COOPSEG_FILE_NOT_FOUND` (no libtorch in
 *         `folder`); `COOPSEG_INVALID_STATE` (libtorch is loaded from another folder);
 *         `COOPSEG_LIBTORCH_UNAVAILABLE`; `COOPSEG_LIBTORCH_MISMATCH`.
 * Threads: any number of calls at once.
 * Since 0.1.
 */
coopseg_status coopseg_load_libtorch(const char *folder);

/**
 * Describes this build and the libtorch that it runs on.
 *
 * @param out_json  Receives a JSON object (version, abi_version, target, libtorch with expected and loaded
 *                  version, folder and its acceleration libraries). Free it with `coopseg_string_free`.
 * @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_LIBTORCH_MISMATCH`.
 * Threads: any number of calls at once.
 * Since 0.1.
 */
coopseg_status coopseg_build_info(char **out_json);

/**
 * Lists the devices that can be used and says why CUDA cannot, where it cannot.
 *
 * @param out_json  Receives a JSON object: "devices" (names to use in configurations), "auto" (what "auto"
 *                  stands for), "cuda" with "available" and "reason". Free it with `coopseg_string_free`.
 * @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_LIBTORCH_MISMATCH`.
 * Threads: any number of calls at once.
 * Since 0.1.
 */
coopseg_status coopseg_devices(char **out_json);

/**
 * Sets how many threads one operation on the CPU may use, and how many read, preprocess and simulate artefacts (as
 * many as there are processors, unless set). Process-wide; the first is shared with other users of libtorch. Unless it is
 * set, here or by the environment variable OMP_NUM_THREADS or MKL_NUM_THREADS, libtorch has its own default, but no more
 * than the processors that this process may use by its affinity and the limit of its container.
 *
 * @param count  1 to 4096.
 * @return `COOPSEG_OK`; `COOPSEG_INVALID_ARGUMENT`; `COOPSEG_INVALID_STATE` (more than 1 in a process that was forked
 *         from one that had used libtorch); `COOPSEG_LIBTORCH_MISMATCH`.
 * Threads: not while another call of this library runs.
 * Since 0.1.
 */
coopseg_status coopseg_set_threads(int32_t count);

/**
 * Tells how many threads one operation on the CPU may use.
 *
 * @param out_count  Receives the number.
 * @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_LIBTORCH_MISMATCH`.
 * Threads: any number of calls at once.
 * Since 0.1.
 */
coopseg_status coopseg_threads(int32_t *out_count);

/**
 * Sets the seed of models and trainings whose configuration has "seed": null. 0 until it is set.
 *
 * @return `COOPSEG_OK`.
 * Threads: any number of calls at once; affects what is made afterwards.
 * Since 0.1.
 */
coopseg_status coopseg_set_seed(uint64_t seed);

/**
 * Sets who hears the library's messages. The library itself never writes to stdout or stderr.
 *
 * @param callback   NULL: nobody (the state at the start).
 * @param level      Messages of this level and more severe ones are passed on: `COOPSEG_LOG_ERROR` to
 *                   `COOPSEG_LOG_INFO`. Ignored when callback is NULL.
 * @param user_data  Passed to the callback; must stay valid until another callback is set and calls that
 *                   run at that moment have returned.
 * @return `COOPSEG_OK`; `COOPSEG_INVALID_ARGUMENT` (level).
 * Threads: any number of calls at once; process-wide.
 * Since 0.1.
 */
coopseg_status coopseg_set_log_callback(coopseg_log_callback callback,
                                        int32_t level,
                                        void *user_data);

/**
 * Limits the memory that is kept for libtorch's next tensors on the CPU, or switches that off.
 *
 * libtorch gives large blocks back to the system as soon as a tensor dies and asks for them again a moment
 * later, which takes about half of a training step. This library therefore makes libtorch, in the whole process,
 * allocate through a cache that keeps such blocks (256 KiB and more). What is kept and what is in use together
 * exceed the most that was in use at once by no more than a quarter and 64 MiB, and when the last trainer and
 * segmenter are freed everything is given back. A host that sets an allocator of its own in libtorch first keeps it.
 *
 * @param bytes  Most bytes kept; 0 switches the cache off, and called before everything else leaves libtorch's
 *               allocator untouched. Default: half of the machine's memory.
 * @return `COOPSEG_OK`; `COOPSEG_LIBTORCH_MISMATCH` (not with 0).
 * Threads: any number of calls at once.
 * Since 0.1.
 */
coopseg_status coopseg_cpu_cache_set_limit(uint64_t bytes);

/**
 * Gives the memory that is kept unused back to the system now.
 *
 * @return `COOPSEG_OK`.
 * Threads: any number of calls at once, also while others compute.
 * Since 0.1.
 */
coopseg_status coopseg_cpu_cache_release(void);

/**
 * Describes the cache of libtorch's memory on the CPU.
 *
 * @param out_json  Receives a JSON object: "installed" (whether libtorch allocates through it), "limit_bytes",
 *                  "kept_bytes" (unused), "used_bytes" (in tensors), "hits" and "misses" (requests that a kept block
 *                  served, and others). Free it with `coopseg_string_free`.
 * @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_LIBTORCH_MISMATCH`.
 * Threads: any number of calls at once.
 * Since 0.1.
 */
coopseg_status coopseg_cpu_cache_info(char **out_json);

/**
 * Fills a `coopseg_image` with the description of a dense 3-D image on the host: x fastest, axes along LPS, origin 0.
 * Fields can be changed afterwards.
 *
 * @param dtype    `COOPSEG_U8` to `COOPSEG_F64`.
 * @param shape    Three sizes along x, y, z.
 * @param spacing  Three distances in mm.
 * @param data     shape[0]·shape[1]·shape[2] values, dense. Not read by this call.
 * @param out_image  Receives the description.
 * @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_ARGUMENT` (dtype);
 *         `COOPSEG_INVALID_SHAPE`; `COOPSEG_INVALID_GEOMETRY` (spacing).
 * Threads: any number of calls at once.
 * Since 0.1.
 */
coopseg_status coopseg_image_init(int32_t dtype,
                                  const int64_t *shape,
                                  const double *spacing,
                                  const void *data,
                                  struct coopseg_image *out_image);

/**
 * Returns every key of a training configuration with its default.
 *
 * @param preset    "official" (what the published implementation does), "paper" (the text read literally),
 *                  or NULL for "official".
 * @param out_json  Receives a JSON object. Free it with `coopseg_string_free`.
 * @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_ARGUMENT` (preset).
 * Threads: any number of calls at once.
 * Since 0.1.
 */
coopseg_status coopseg_config_default(const char *preset,
                                      char **out_json);

/**
 * Checks a training configuration and returns it with every key filled in.
 *
 * @param config_json  A JSON object with the keys that differ from the preset's defaults; NULL or "" for
 *                     none.
 * @param out_json     Receives the whole configuration. Free it with `coopseg_string_free`.
 * @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_CONFIG`: an unknown key, a wrong type or a
 *         value out of range; the message names the key and what was expected.
 * Threads: any number of calls at once.
 * Since 0.1.
 */
coopseg_status coopseg_config_check(const char *config_json,
                                    char **out_json);

/**
 * Returns the JSON schema (draft 2020-12) of one kind of options: every key with its description, type,
 * range and default.
 *
 * @param kind      "training" (the configuration of models and trainers), "segmenter", "folder" (of
 *                  `coopseg_dataset_open`), "synthetic" (of `coopseg_dataset_synthetic`), "split" (of
 *                  `coopseg_dataset_split`), "evaluation" (of `coopseg_evaluation_run`), "hard_example" or
 *                  "artefact" (of `coopseg_artefact_simulate`).
 * @param out_json  Receives the schema. Free it with `coopseg_string_free`.
 * @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_ARGUMENT` (kind).
 * Threads: any number of calls at once.
 * Since 0.1.
 */
coopseg_status coopseg_config_schema(const char *kind,
                                     char **out_json);

/**
 * Makes a model with initial weights, which depend on the configuration's seed alone.
 *
 * @param config_json  Training configuration ("network", "preprocess" and "seed" matter here); NULL or "" for
 *                     the defaults.
 * @param out_model    Receives the handle. Free it with `coopseg_model_free`.
 * @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_CONFIG`; `COOPSEG_OUT_OF_MEMORY`;
 *         `COOPSEG_LIBTORCH_MISMATCH`.
 * Threads: any number of calls at once.
 * Since 0.1.
 */
coopseg_status coopseg_model_new(const char *config_json,
                                 struct coopseg_model **out_model);

/**
 * Loads a model file written by `coopseg_model_save` or `coopseg_trainer_save_best`.
 *
 * @param file       Path of the file.
 * @param out_model  Receives the handle. Free it with `coopseg_model_free`.
 * @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_FILE_NOT_FOUND`; `COOPSEG_FILE_IO`;
 *         `COOPSEG_FILE_FORMAT` (truncated, corrupt or not a model); `COOPSEG_FILE_UNSUPPORTED` (written by a
 *         later version); `COOPSEG_FILE_WEIGHTS` (tensors that do not fit); `COOPSEG_OUT_OF_MEMORY`;
 *         `COOPSEG_LIBTORCH_MISMATCH`.
 * Threads: any number of calls at once.
 * Since 0.1.
 */
coopseg_status coopseg_model_load(const char *file,
                                  struct coopseg_model **out_model);

/**
 * Imports a checkpoint directory of the published PyTorch code: image_encoder.pth,
 * segmentation_decoder.pth, image_decoder.pth, shape_encoder.pth and shape_decoder.pth. Nothing in the
 * files is executed. Width and number of classes come from the files.
 *
 * @param directory    Path of the directory.
 * @param config_json  Training configuration for what the files do not hold: "network.classes" (names),
 *                     "network.code_sharing" and "preprocess"; NULL or "" for the defaults. Where the number of
 *                     classes is not that of the default names, the names must be given.
 * @param out_model    Receives the handle. Free it with `coopseg_model_free`.
 * @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_CONFIG`; `COOPSEG_FILE_NOT_FOUND`;
 *         `COOPSEG_FILE_IO`; `COOPSEG_FILE_FORMAT`; `COOPSEG_FILE_UNSUPPORTED` (a file from before PyTorch
 *         1.6, with a hint how to convert it); `COOPSEG_FILE_WEIGHTS` (a missing, unexpected or misshapen
 *         key, by name); `COOPSEG_OUT_OF_MEMORY`; `COOPSEG_LIBTORCH_MISMATCH`.
 * Threads: any number of calls at once.
 * Since 0.1.
 */
coopseg_status coopseg_model_import(const char *directory,
                                    const char *config_json,
                                    struct coopseg_model **out_model);

/**
 * Writes a model to one file. The file is written beside its final place, synced and renamed: it is either
 * whole or as it was before.
 *
 * @param model  Shared use.
 * @param file   Path of the file; an existing file is replaced.
 * @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`; `COOPSEG_FILE_NOT_FOUND` (of the
 *         folder); `COOPSEG_INVALID_ARGUMENT` (the path is a folder or a special file); `COOPSEG_FILE_IO`;
 *         `COOPSEG_OUT_OF_MEMORY`.
 * Threads: any number of calls at once, with different files.
 * Since 0.1.
 */
coopseg_status coopseg_model_save(const struct coopseg_model *model,
                                  const char *file);

/**
 * Describes a model.
 *
 * @param model     Shared use.
 * @param out_json  Receives a JSON object: "architecture" (width, channels, classes, code_sharing, code_channels),
 *                  "parameters" (their number), "class_names", "preprocess" and "training" (configuration and
 *                  history, or null). Free it with `coopseg_string_free`.
 * @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`.
 * Threads: any number of calls at once.
 * Since 0.1.
 */
coopseg_status coopseg_model_info(const struct coopseg_model *model,
                                  char **out_json);

/**
 * Tells the number of classes, background included: the size of the fourth axis of probabilities.
 *
 * @param model      Shared use.
 * @param out_count  Receives it; 2 at least.
 * @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`.
 * Threads: any number of calls at once.
 * Since 0.1.
 */
coopseg_status coopseg_model_class_count(const struct coopseg_model *model,
                                         size_t *out_count);

/**
 * Tells the name of a class.
 *
 * @param model     Shared use.
 * @param index     The class, which is its value in label maps: 0 is the background.
 * @param out_name  Receives the name; free it with `coopseg_string_free`.
 * @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`; `COOPSEG_INVALID_ARGUMENT` (no such
 *         class).
 * Threads: any number of calls at once.
 * Since 0.1.
 */
coopseg_status coopseg_model_class_name(const struct coopseg_model *model,
                                        size_t index,
                                        char **out_name);

/**
 * Tells how many channels a model's images have.
 *
 * @param model      Shared use.
 * @param out_count  Receives it; 1 to 4.
 * @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`.
 * Threads: any number of calls at once.
 * Since 0.1.
 */
coopseg_status coopseg_model_channel_count(const struct coopseg_model *model,
                                           size_t *out_count);

/**
 * Makes a second handle to the same model, to be freed on its own. Costs nothing: models never change, so
 * the weights are shared.
 *
 * @param model      Shared use.
 * @param out_model  Receives the new handle. Free it with `coopseg_model_free`.
 * @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`.
 * Threads: any number of calls at once.
 * Since 0.1.
 */
coopseg_status coopseg_model_clone(const struct coopseg_model *model,
                                   struct coopseg_model **out_model);

/**
 * Frees a model's handle. Segmenters and running calls that use the model keep it alive until they end.
 *
 * @param model  NULL does nothing.
 * @return `COOPSEG_OK`; `COOPSEG_INVALID_HANDLE` (freed already, or not a model).
 * Threads: any number of calls at once.
 * Since 0.1.
 */
coopseg_status coopseg_model_free(struct coopseg_model *model);

/**
 * Reads a NIfTI image as 32-bit floating point, with scl_slope and scl_inter applied.
 *
 * @param file        Path of a .nii or .nii.gz file, 2-D or 3-D.
 * @param out_volume  Receives the handle. Free it with `coopseg_volume_free`.
 * @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_FILE_NOT_FOUND`; `COOPSEG_FILE_IO`;
 *         `COOPSEG_FILE_FORMAT`; `COOPSEG_FILE_UNSUPPORTED`; `COOPSEG_OUT_OF_MEMORY`.
 * Threads: any number of calls at once.
 * Since 0.1.
 */
coopseg_status coopseg_volume_read(const char *file,
                                   struct coopseg_volume **out_volume);

/**
 * Reads a NIfTI label map as 32-bit integers.
 *
 * @param file        Path of a .nii or .nii.gz file, 2-D or 3-D, whose values are whole numbers.
 * @param out_volume  Receives the handle. Free it with `coopseg_volume_free`.
 * @return As `coopseg_volume_read`, and `COOPSEG_INVALID_LABEL` for a value that is not a whole number.
 * Threads: any number of calls at once.
 * Since 0.1.
 */
coopseg_status coopseg_volume_read_labels(const char *file,
                                          struct coopseg_volume **out_volume);

/**
 * Describes a volume's voxels and their place in space.
 *
 * @param volume     Shared use.
 * @param out_image  Receives a description whose data lies in the volume: valid until the volume is freed, not
 *                   to be written. Dense; `COOPSEG_F32` for images, `COOPSEG_I32` for label files, `COOPSEG_U8` for
 *                   class indices.
 * @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`.
 * Threads: any number of calls at once.
 * Since 0.1.
 */
coopseg_status coopseg_volume_image(const struct coopseg_volume *volume,
                                    struct coopseg_image *out_image);

/**
 * Writes an image in the caller's memory as 32-bit floating point NIfTI file, with sform and qform from its
 * geometry. The file is written whole or not at all.
 *
 * @param image  2-D or 3-D, any type.
 * @param file   Path ending in .nii or .nii.gz; an existing file is replaced.
 * @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_STRUCT_SIZE`; `COOPSEG_INVALID_ARGUMENT` (also
 *         a path that is a folder or a special file); `COOPSEG_INVALID_SHAPE`; `COOPSEG_INVALID_GEOMETRY`;
 *         `COOPSEG_FILE_NOT_FOUND` (of the folder); `COOPSEG_FILE_IO`; `COOPSEG_OUT_OF_MEMORY`.
 * Threads: any number of calls at once, with different files.
 * Since 0.1.
 */
coopseg_status coopseg_image_write(const struct coopseg_image *image,
                                   const char *file);

/**
 * Frees a volume; descriptions of its data become invalid.
 *
 * @param volume  NULL does nothing.
 * @return `COOPSEG_OK`; `COOPSEG_INVALID_HANDLE` (freed already, or not a volume).
 * Threads: any number of calls at once; not while the volume's data is in use.
 * Since 0.1.
 */
coopseg_status coopseg_volume_free(struct coopseg_volume *volume);

/**
 * Finds the cases of a folder of NIfTI files, or of a list. Files are read when they are needed, not by this call.
 *
 * @param folder        Path of the folder, or of a JSON or CSV file that lists the cases ("name", "subject",
 *                      "image", "label").
 * @param options_json  JSON object: "layout" ("auto", which detects it, "pattern", "images_labels", "list",
 *                      "acdc", "mnms" or "nnunet"), "image" and "label" (patterns relative to the folder; a *
 *                      matches within one name, and the texts that it matched for an image name the case and
 *                      replace the stars of "label"; image.nii.gz and label.nii.gz in a folder per case where none is
 *                      given),
 *                      "label_map" (raw label value to class), "keep_unlabelled" (an image without a label file
 *                      is a case), "subjects" (only these). NULL or "" for the defaults. See
 *                      `coopseg_config_schema("folder")`.
 * @param out_dataset   Receives the handle. Free it with `coopseg_dataset_free`.
 * @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_CONFIG`; `COOPSEG_FILE_NOT_FOUND`;
 *         `COOPSEG_FILE_IO`; `COOPSEG_FILE_FORMAT` (a list or description that cannot be read);
 *         `COOPSEG_INVALID_DATASET` (no match, a missing label or subject, by name).
 * Threads: any number of calls at once.
 * Since 0.1.
 */
coopseg_status coopseg_dataset_open(const char *folder,
                                    const char *options_json,
                                    struct coopseg_dataset **out_dataset);

/**
 * Makes an empty dataset for `coopseg_dataset_add`.
 *
 * @param out_dataset  Receives the handle. Free it with `coopseg_dataset_free`.
 * @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`.
 * Threads: any number of calls at once.
 * Since 0.1.
 */
coopseg_status coopseg_dataset_new(struct coopseg_dataset **out_dataset);

/**
 * Makes a dataset of synthetic short-axis hearts as different scanners would show them (classes: 1 LV
 * cavity, 2 myocardium, 3 RV). The same options give the same dataset.
 *
 * @param options_json  JSON object: "subjects", "scanner" ("A" to "D"), "seed", "slices", "size", "spacing",
 *                      "artefact"; NULL or "" for the defaults. See `coopseg_config_schema("synthetic")`.
 * @param out_dataset   Receives the handle. Free it with `coopseg_dataset_free`.
 * @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_CONFIG`; `COOPSEG_OUT_OF_MEMORY`.
 * Threads: any number of calls at once.
 * Since 0.1.
 */
coopseg_status coopseg_dataset_synthetic(const char *options_json,
                                         struct coopseg_dataset **out_dataset);

/**
 * Adds a case from the caller's memory. Image and labels are copied.
 *
 * @param dataset  Used exclusively during the call.
 * @param name     Name of the case, unique in the dataset: "subject" or "subject/frame".
 * @param image    2-D or 3-D, any type.
 * @param labels   Class indices 0 to 254 on the image's grid, any integer type; NULL where there are none.
 * @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`; `COOPSEG_INVALID_STRUCT_SIZE`;
 *         `COOPSEG_INVALID_ARGUMENT`; `COOPSEG_INVALID_SHAPE` (also when image and labels differ);
 *         `COOPSEG_INVALID_GEOMETRY`; `COOPSEG_INVALID_LABEL`; `COOPSEG_INVALID_DATASET` (name taken);
 *         `COOPSEG_OUT_OF_MEMORY`; `COOPSEG_BUSY`.
 * Threads: one call that changes a dataset at a time.
 * Since 0.1.
 */
coopseg_status coopseg_dataset_add(struct coopseg_dataset *dataset,
                                   const char *name,
                                   const struct coopseg_image *image,
                                   const struct coopseg_image *labels);

/**
 * Adds a case of several channels, such as MR sequences that lie on one grid, from the caller's memory. Everything
 * is copied.
 *
 * @param dataset        Used exclusively during the call.
 * @param name           Name of the case, unique in the dataset: "subject" or "subject/frame".
 * @param channels       An array of images on one grid, each as for `coopseg_dataset_add`; channels that are
 *                       interleaved in memory are described by strides.
 * @param channel_count  Number of images, 1 to 4.
 * @param labels         As for `coopseg_dataset_add`.
 * @return As `coopseg_dataset_add`; `COOPSEG_INVALID_SHAPE` and `COOPSEG_INVALID_GEOMETRY` also for channels on
 *         different grids.
 * Threads: one call that changes a dataset at a time.
 * Since 0.1.
 */
coopseg_status coopseg_dataset_add_channels(struct coopseg_dataset *dataset,
                                            const char *name,
                                            const struct coopseg_image *const *channels,
                                            int32_t channel_count,
                                            const struct coopseg_image *labels);

/**
 * Makes a dataset of some cases of another, for splits. Images in memory are shared, not copied.
 *
 * @param dataset      Shared use.
 * @param indices      Positions of the cases, each from 0 to count - 1 of `coopseg_dataset_info`.
 * @param count        Number of indices, at least 1.
 * @param out_dataset  Receives the handle. Free it with `coopseg_dataset_free`.
 * @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`; `COOPSEG_INVALID_ARGUMENT` (an index
 *         that is outside or named twice); `COOPSEG_BUSY`.
 * Threads: any number of calls at once.
 * Since 0.1.
 */
coopseg_status coopseg_dataset_select(const struct coopseg_dataset *dataset,
                                      const size_t *indices,
                                      size_t count,
                                      struct coopseg_dataset **out_dataset);

/**
 * Adds a case without copying it: image and labels stay the caller's and must neither change nor go away until
 * `release` is called. That happens once, when the last dataset and trainer that use the case are gone, on
 * whichever thread that is; not when this call fails.
 *
 * @param dataset            Used exclusively during the call.
 * @param name               Name of the case, unique in the dataset: "subject" or "subject/frame".
 * @param channels           An array of images on one grid, 2-D or 3-D, any type. The array and the structs
 *                           themselves are copied.
 * @param channel_count      Number of images, 1 to 4.
 * @param labels             Class indices 0 to 254 on the image's grid, any integer type; NULL where there are
 *                           none.
 * @param release            NULL where the voxels live as long as the process.
 * @param release_user_data  Passed to `release`; must be usable from any thread.
 * @return As `coopseg_dataset_add`; label values are looked at when the case is used.
 * Threads: one call that changes a dataset at a time.
 * Since 0.1.
 */
coopseg_status coopseg_dataset_borrow(struct coopseg_dataset *dataset,
                                      const char *name,
                                      const struct coopseg_image *const *channels,
                                      int32_t channel_count,
                                      const struct coopseg_image *labels,
                                      coopseg_release_callback release,
                                      void *release_user_data);

/**
 * Splits a dataset in two, with all cases of a subject on one side.
 *
 * @param dataset       Shared use.
 * @param options_json  JSON object with one of "held_out" (list of subjects), "fraction" (share of the subjects, at
 *                      random by "seed") or "folds" (k-fold, with "fold" and "seed"). See
 *                      `coopseg_config_schema("split")`.
 * @param out_first     Receives what is left to train with. Free it with `coopseg_dataset_free`.
 * @param out_second    Receives the held-out part. Free it with `coopseg_dataset_free`.
 * @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`; `COOPSEG_INVALID_CONFIG`;
 *         `COOPSEG_INVALID_DATASET` (a subject that is not there, or an empty part); `COOPSEG_BUSY`.
 * Threads: any number of calls at once.
 * Since 0.1.
 */
coopseg_status coopseg_dataset_split(const struct coopseg_dataset *dataset,
                                     const char *options_json,
                                     struct coopseg_dataset **out_first,
                                     struct coopseg_dataset **out_second);

/**
 * Lists the cases of a dataset, in order.
 *
 * @param dataset   Shared use.
 * @param out_json  Receives a JSON object: "count" and "cases", each with "name", "subject",
 *                  "attributes" (what the dataset says of the case, such as "phase"), "has_labels", "image" and
 *                  "label" (paths, or null), "frame" (which volume of a 4-D file, from 0; null: the whole file).
 *                  Free it with `coopseg_string_free`.
 * @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`; `COOPSEG_BUSY`.
 * Threads: any number of calls at once.
 * Since 0.1.
 */
coopseg_status coopseg_dataset_info(const struct coopseg_dataset *dataset,
                                    char **out_json);

/**
 * Counts the cases of a dataset.
 *
 * @param dataset    Shared use.
 * @param out_count  Receives the number.
 * @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`; `COOPSEG_BUSY`.
 * Threads: any number of calls at once.
 * Since 0.1.
 */
coopseg_status coopseg_dataset_count(const struct coopseg_dataset *dataset,
                                     size_t *out_count);

/**
 * Tells the name and the files of one case.
 *
 * @param dataset     Shared use.
 * @param index       0 to count - 1.
 * @param out_name    Receives the name; free it with `coopseg_string_free`. May be NULL.
 * @param out_image   Receives the path of the image, of the first channel where each has a file, or NULL for a case
 *                    in memory; free it with `coopseg_string_free`. May be NULL. The file may hold more volumes
 *                    than the case's: "frame" of `coopseg_dataset_info`.
 * @param out_labels  Receives the path of the label map, or NULL where there is none or the case is in
 *                    memory; free it with `coopseg_string_free`. May be NULL.
 * @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`; `COOPSEG_INVALID_ARGUMENT` (index);
 *         `COOPSEG_BUSY`.
 * Threads: any number of calls at once.
 * Since 0.1.
 */
coopseg_status coopseg_dataset_case(const struct coopseg_dataset *dataset,
                                    size_t index,
                                    char **out_name,
                                    char **out_image,
                                    char **out_labels);

/**
 * Reads one case, whose image has one channel.
 *
 * @param dataset     Shared use.
 * @param index       0 to count - 1.
 * @param classes     Number of classes, 2 to 255; label values beyond are refused.
 * @param out_image   Receives the image (`COOPSEG_F32`). Free it with `coopseg_volume_free`. May be NULL.
 * @param out_labels  Receives the class indices after the dataset's label map (`COOPSEG_U8`), or NULL where the
 *                    case has none. Free it with `coopseg_volume_free`. May be NULL.
 * @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`; `COOPSEG_INVALID_ARGUMENT`;
 *         `COOPSEG_INVALID_SHAPE` (image and labels of different shapes, or an image of several channels: see
 *         `coopseg_dataset_load_channels`); `COOPSEG_INVALID_GEOMETRY` (image and labels on different grids);
 *         `COOPSEG_INVALID_LABEL`; what reading files reports; `COOPSEG_BUSY`.
 * Threads: any number of calls at once.
 * Since 0.1.
 */
coopseg_status coopseg_dataset_load(const struct coopseg_dataset *dataset,
                                    size_t index,
                                    int32_t classes,
                                    struct coopseg_volume **out_image,
                                    struct coopseg_volume **out_labels);

/**
 * Reads one case, whose image has any number of channels.
 *
 * @param dataset            Shared use.
 * @param index              0 to count - 1.
 * @param classes            Number of classes, 2 to 255; label values beyond are refused.
 * @param out_channels       An array that receives an image (`COOPSEG_F32`) for each channel, in their order and on one
 *                           grid, and NULL beyond them. Free each with `coopseg_volume_free`. May be NULL, for the
 *                           labels alone.
 * @param capacity           Length of that array. No case has more than 4 channels. 0 if `out_channels` is NULL.
 * @param out_channel_count  Receives the number of channels. May be NULL.
 * @param out_labels         Receives the class indices after the dataset's label map (`COOPSEG_U8`), or NULL where the
 *                           case has none. Free it with `coopseg_volume_free`. May be NULL.
 * @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`; `COOPSEG_INVALID_ARGUMENT` (index, classes,
 *         a capacity below the number of channels); `COOPSEG_INVALID_SHAPE` and `COOPSEG_INVALID_GEOMETRY` (channels,
 *         or image and labels, on different grids); `COOPSEG_INVALID_LABEL`; what reading files reports;
 *         `COOPSEG_BUSY`.
 * Threads: any number of calls at once.
 * Since 0.1.
 */
coopseg_status coopseg_dataset_load_channels(const struct coopseg_dataset *dataset,
                                             size_t index,
                                             int32_t classes,
                                             struct coopseg_volume **out_channels,
                                             size_t capacity,
                                             size_t *out_channel_count,
                                             struct coopseg_volume **out_labels);

/**
 * Writes every case as NIfTI files `<folder>/<name>/image.nii.gz` and, where it has labels,
 * `<folder>/<name>/label.nii.gz`, with "_" for every "/" of a name, and at last their names and subjects into the list
 * `<folder>/cases.json`, beside others that it holds: `coopseg_dataset_open` finds them by it. Files that are
 * there are replaced; a label map that is there is removed where the case has none.
 *
 * @param dataset  Shared use.
 * @param folder   Path of a folder; made where it does not exist.
 * @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`; `COOPSEG_BUSY`;
 *         `COOPSEG_INVALID_DATASET` (two cases would share a folder); `COOPSEG_FILE_FORMAT` (a cases.json
 *         that is no list); `COOPSEG_FILE_IO`; `COOPSEG_OUT_OF_MEMORY`; what reading the cases reports.
 * Threads: any number of calls at once, with different folders.
 * Since 0.1.
 */
coopseg_status coopseg_dataset_write(const struct coopseg_dataset *dataset,
                                     const char *folder);

/**
 * Frees a dataset. Trainers that were made from it are not affected.
 *
 * @param dataset  NULL does nothing.
 * @return `COOPSEG_OK`; `COOPSEG_INVALID_HANDLE` (freed already, or not a dataset).
 * Threads: any number of calls at once.
 * Since 0.1.
 */
coopseg_status coopseg_dataset_free(struct coopseg_dataset *dataset);

/**
 * Prepares a training: reads and preprocesses the data, makes the networks.
 *
 * @param config_json  Training configuration; NULL or "" for the defaults. See `coopseg_config_default`.
 * @param training     Cases with labels; the trainer keeps its own reference. NULL where the host hands in every
 *                     batch with `coopseg_trainer_step_batch`.
 * @param validation   Cases with labels that select the best model; NULL: the last state is the best. The
 *                     trainer keeps its own reference.
 * @param start_from   Model whose weights are the starting point (same width, channels and code sharing); NULL
 *                     for new ones. Classes may differ: what belongs to a class of the same name is taken over,
 *                     the other classes start anew.
 * @param out_trainer  Receives the handle. Free it with `coopseg_trainer_free`.
 * @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`; `COOPSEG_BUSY` (a dataset that is
 *         being changed); `COOPSEG_INVALID_CONFIG`; `COOPSEG_INVALID_DATASET` (a case without labels, or
 *         none that can be used); `COOPSEG_INVALID_LABEL`; `COOPSEG_INVALID_SHAPE`; `COOPSEG_INVALID_ARGUMENT`
 *         (constant image, non-finite voxels); what reading files reports; `COOPSEG_DEVICE_UNAVAILABLE`;
 *         `COOPSEG_OUT_OF_MEMORY`; `COOPSEG_LIBTORCH_MISMATCH`.
 * Threads: any number of calls at once.
 * Since 0.1.
 */
coopseg_status coopseg_trainer_new(const char *config_json,
                                   const struct coopseg_dataset *training,
                                   const struct coopseg_dataset *validation,
                                   const struct coopseg_model *start_from,
                                   struct coopseg_trainer **out_trainer);

/**
 * Makes the trainer of a snapshot, which goes on as if the training had never stopped: on the CPU, with the
 * same number of threads, it ends with the same bits.
 *
 * @param snapshot     Path of a snapshot file, or of a folder of snapshots, of which the newest whole one is
 *                     taken.
 * @param config_json  JSON object with the keys that are to differ from now on, such as "epochs" or "device";
 *                     NULL or "" for none. "preset", "seed", "network" and "preprocess" cannot. A learning rate
 *                     replaces what `coopseg_trainer_set_learning_rate` has set.
 * @param training     The same training cases as before; NULL where there were none.
 * @param validation   Validation cases; NULL for none. Where they are others than before, or the metric is, the best
 *                     networks so far are scored again.
 * @param out_trainer  Receives the handle. Free it with `coopseg_trainer_free`.
 * @return As `coopseg_trainer_new`, and `COOPSEG_FILE_NOT_FOUND`; `COOPSEG_FILE_IO`; `COOPSEG_FILE_FORMAT`
 *         (truncated, corrupt or no snapshot); `COOPSEG_FILE_UNSUPPORTED` (of a later version);
 *         `COOPSEG_FILE_WEIGHTS`; `COOPSEG_INVALID_DATASET` (also for other training cases).
 * Threads: any number of calls at once.
 * Since 0.1.
 */
coopseg_status coopseg_trainer_resume(const char *snapshot,
                                      const char *config_json,
                                      const struct coopseg_dataset *training,
                                      const struct coopseg_dataset *validation,
                                      struct coopseg_trainer **out_trainer);

/**
 * Writes everything that the training needs to go on from here to one file, beside what "snapshots" in the
 * configuration writes by itself. The file is written beside its final place, synced and renamed.
 *
 * @param trainer  Used exclusively during the call.
 * @param file     Path of the file; an existing file is replaced.
 * @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`; `COOPSEG_BUSY`; `COOPSEG_POISONED`;
 *         `COOPSEG_INVALID_STATE` (a loss was not finite); `COOPSEG_FILE_NOT_FOUND` (of the folder);
 *         `COOPSEG_INVALID_ARGUMENT` (the path is a folder or a special file); `COOPSEG_FILE_IO`;
 *         `COOPSEG_OUT_OF_MEMORY`.
 * Threads: one call per trainer at a time.
 * Since 0.1.
 */
coopseg_status coopseg_trainer_save_snapshot(const struct coopseg_trainer *trainer,
                                             const char *file);

/**
 * Trains until the last epoch, the time limit ("max_minutes") or the end of patience
 * ("validation.patience"). After a cancelled run, calling it again goes on where it stopped.
 *
 * @param trainer    Used exclusively during the call.
 * @param callback   Hears the events, on the calling thread; NULL: nobody.
 * @param user_data  Passed to the callback.
 * @return `COOPSEG_OK`; `COOPSEG_CANCELLED` (the trainer stays usable and keeps its best model);
 *         `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`; `COOPSEG_BUSY`; `COOPSEG_INVALID_STATE` (the
 *         training has finished, or has no data); `COOPSEG_DIVERGED` (the message names the step, the cases
 *         of the batch and the last snapshot); `COOPSEG_FILE_IO` (a snapshot, record or report cannot be written);
 *         what reading files reports, for data beyond "data.cache_mebibytes";
 *         `COOPSEG_OUT_OF_MEMORY`; `COOPSEG_LIBTORCH`; `COOPSEG_INTERNAL` (the trainer is unusable); `COOPSEG_POISONED`.
 * Threads: one call per trainer at a time; trainers may run at once.
 * Since 0.1.
 */
coopseg_status coopseg_trainer_run(struct coopseg_trainer *trainer,
                                   coopseg_event_callback callback,
                                   void *user_data);

/**
 * Does one step with the next batch of the training data, for hosts that have a loop of their own. The epoch
 * that ends with it is recorded, but validation is up to the host.
 *
 * @param trainer    Used exclusively during the call.
 * @param out_event  Its `struct_size` is set before; receives the losses and the position. Its lists of Dice are NULL.
 * @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_STRUCT_SIZE`; `COOPSEG_INVALID_HANDLE`;
 *         `COOPSEG_BUSY`; `COOPSEG_INVALID_STATE` (made without training data, or a loss was not finite);
 *         `COOPSEG_DIVERGED`; `COOPSEG_OUT_OF_MEMORY`; `COOPSEG_LIBTORCH`; `COOPSEG_POISONED`.
 * Threads: one call per trainer at a time.
 * Since 0.1.
 */
coopseg_status coopseg_trainer_step(struct coopseg_trainer *trainer,
                                    struct coopseg_event *out_event);

/**
 * Does one step with a batch of the host.
 *
 * @param trainer    Used exclusively during the call.
 * @param images     N·C·H·W values in [0, 1], dense: column (x) fastest, then row (y), channel, sample. Copied.
 * @param labels     N·H·W class indices, in the same order. Copied.
 * @param shape      N, C, H, W. C is the networks' number of channels; H and W are multiples of 16.
 * @param out_event  Its `struct_size` is set before; receives the losses and the position. Its lists of Dice are NULL.
 * @return As `coopseg_trainer_step`, and `COOPSEG_INVALID_SHAPE`; `COOPSEG_INVALID_LABEL` (a value that is no
 *         class); `COOPSEG_INVALID_ARGUMENT` (a value of the image that is not in [0, 1]).
 * Threads: one call per trainer at a time.
 * Since 0.1.
 */
coopseg_status coopseg_trainer_step_batch(struct coopseg_trainer *trainer,
                                          const float *images,
                                          const uint8_t *labels,
                                          const int64_t *shape,
                                          struct coopseg_event *out_event);

/**
 * Scores the networks on the validation cases now, keeps them where they are the best so far, and returns the
 * scores.
 *
 * @param trainer   Used exclusively during the call.
 * @param out_json  Receives a JSON object: "fast_dice" and "refined_dice" (mean per class), "fast_mean_iou",
 *                  "mean_iou" (refined), "selection" (value of the metric that selects), "best" (whether the
 *                  best so far) and "cases" (the same for each). Free it with `coopseg_string_free`.
 * @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`; `COOPSEG_BUSY`;
 *         `COOPSEG_INVALID_STATE` (made without validation data); `COOPSEG_OUT_OF_MEMORY`;
 *         `COOPSEG_LIBTORCH`; `COOPSEG_POISONED`.
 * Threads: one call per trainer at a time.
 * Since 0.1.
 */
coopseg_status coopseg_trainer_validate(struct coopseg_trainer *trainer,
                                        char **out_json);

/**
 * Sets the learning rate from the next step on; the schedule multiplies it.
 *
 * @param trainer        Used exclusively during the call.
 * @param learning_rate  More than 0, at most 10.
 * @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`; `COOPSEG_INVALID_ARGUMENT`;
 *         `COOPSEG_BUSY`; `COOPSEG_POISONED`.
 * Threads: one call per trainer at a time.
 * Since 0.1.
 */
coopseg_status coopseg_trainer_set_learning_rate(struct coopseg_trainer *trainer,
                                                 double learning_rate);

/**
 * Asks a running training to stop after its current step; `coopseg_trainer_run` then returns
 * `COOPSEG_CANCELLED`. Does nothing where none runs. Not to be called from a signal handler: set a flag there
 * and let the callback return 1.
 *
 * @param trainer  Shared use.
 * @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`.
 * Threads: any number of calls at once, from any thread.
 * Since 0.1.
 */
coopseg_status coopseg_trainer_cancel(const struct coopseg_trainer *trainer);

/**
 * Returns what was measured so far.
 *
 * @param trainer   Used exclusively during the call.
 * @param out_json  Receives a JSON object: "configuration", "seed", "device", "steps", "seconds", "finished",
 *                  "data" (the cases that are used and those that were left out), "history" with "epochs"
 *                  (mean losses, validation, speed; beyond some thousands thinned out) and "best_epoch". Free it
 *                  with `coopseg_string_free`.
 * @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`; `COOPSEG_BUSY`;
 *         `COOPSEG_POISONED`.
 * Threads: one call per trainer at a time.
 * Since 0.1.
 */
coopseg_status coopseg_trainer_metrics(const struct coopseg_trainer *trainer,
                                       char **out_json);

/**
 * Writes a report of the training so far: one HTML file that needs no other, with curves, configuration, data,
 * the scores of every validation case and pictures of the best and worst. "recording.report" in the
 * configuration has `coopseg_trainer_run` write it at the end.
 *
 * @param trainer  Used exclusively during the call.
 * @param file     Path of the file; an existing file is replaced, missing folders are made.
 * @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`; `COOPSEG_BUSY`; `COOPSEG_POISONED`;
 *         `COOPSEG_INVALID_ARGUMENT` (the path is a folder or a special file); `COOPSEG_FILE_IO`.
 * Threads: one call per trainer at a time.
 * Since 0.1.
 */
coopseg_status coopseg_trainer_save_report(const struct coopseg_trainer *trainer,
                                           const char *file);

/**
 * Makes a model of the best networks so far: those of the best validation, or the present ones where there
 * was none.
 *
 * @param trainer    Used exclusively during the call.
 * @param out_model  Receives the handle, independent of the trainer. Free it with `coopseg_model_free`.
 * @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`; `COOPSEG_BUSY`; `COOPSEG_POISONED`;
 *         `COOPSEG_INVALID_STATE` (a loss was not finite and has spoilt the networks); `COOPSEG_OUT_OF_MEMORY`.
 * Threads: one call per trainer at a time.
 * Since 0.1.
 */
coopseg_status coopseg_trainer_best_model(const struct coopseg_trainer *trainer,
                                          struct coopseg_model **out_model);

/**
 * Makes a model of the networks as they are now, best or not.
 *
 * @param trainer    Used exclusively during the call.
 * @param out_model  Receives the handle, independent of the trainer. Free it with `coopseg_model_free`.
 * @return As `coopseg_trainer_best_model`.
 * Threads: one call per trainer at a time.
 * Since 0.1.
 */
coopseg_status coopseg_trainer_current_model(const struct coopseg_trainer *trainer,
                                             struct coopseg_model **out_model);

/**
 * Writes the best model so far to a file, as `coopseg_trainer_best_model` and `coopseg_model_save`.
 *
 * @param trainer  Used exclusively during the call.
 * @param file     Path of the file; an existing file is replaced.
 * @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`; `COOPSEG_BUSY`; `COOPSEG_POISONED`;
 *         `COOPSEG_INVALID_STATE` (a loss was not finite and has spoilt the networks); `COOPSEG_FILE_NOT_FOUND` (of
 *         the folder); `COOPSEG_INVALID_ARGUMENT` (the path is a folder or a special file); `COOPSEG_FILE_IO`;
 *         `COOPSEG_OUT_OF_MEMORY`.
 * Threads: one call per trainer at a time.
 * Since 0.1.
 */
coopseg_status coopseg_trainer_save_best(const struct coopseg_trainer *trainer,
                                         const char *file);

/**
 * Frees a trainer. A run under way on another thread goes on until it is cancelled or ends.
 *
 * @param trainer  NULL does nothing.
 * @return `COOPSEG_OK`; `COOPSEG_INVALID_HANDLE` (freed already, or not a trainer).
 * Threads: any number of calls at once.
 * Since 0.1.
 */
coopseg_status coopseg_trainer_free(struct coopseg_trainer *trainer);

/**
 * Makes a segmenter.
 *
 * @param model          Shared use; the segmenter keeps it alive, so its handle may be freed at once.
 * @param options_json   JSON object: "device" ("auto"), "iterations" (passes of the slow-thinking network, 1;
 *                       0 is the fast-thinking network alone), "precision" ("float32"; "bfloat16" is faster where
 *                       the processor has it, "float16" and "tensorfloat32" on GPUs), "chunk" (slices at once; null:
 *                       what suits the device); NULL or "" for the defaults. See `coopseg_config_schema("segmenter")`.
 * @param out_segmenter  Receives the handle. Free it with `coopseg_segmenter_free`.
 * @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`; `COOPSEG_INVALID_CONFIG`;
 *         `COOPSEG_DEVICE_UNAVAILABLE`; `COOPSEG_OUT_OF_MEMORY`; `COOPSEG_LIBTORCH_MISMATCH`.
 * Threads: any number of calls at once.
 * Since 0.1.
 */
coopseg_status coopseg_segmenter_new(const struct coopseg_model *model,
                                     const char *options_json,
                                     struct coopseg_segmenter **out_segmenter);

/**
 * Segments one image in the caller's memory with both stages.
 *
 * The image is brought to the networks' intensities and grid, slice by slice, and the results back to its
 * own grid. Outside the networks' field of view the class is background with probability 1.
 *
 * Image and outputs may lie in CUDA memory (`COOPSEG_MEMORY_CUDA`), where the segmenter runs on that device: the
 * voxels are then never copied to the host, and each output may lie there or on the host. Addresses and strides are
 * multiples of the element's size. Writes to the image must be done, or queued on libtorch's current stream of the
 * calling thread (the default stream, unless the program chose another). Results are there on return.
 *
 * @param segmenter   Shared use.
 * @param image       2-D or 3-D, any type. Borrowed until return; never written. Voxels that are NaN or
 *                    infinite, and images that are constant, are refused.
 * @param outputs     Where the results go. Their memory must not overlap the image's or each other's. Its
 *                    content is unspecified unless `COOPSEG_OK`.
 * @param callback    Hears of every slice; NULL: nobody.
 * @param user_data   Passed to the callback.
 * @param out_report  Receives a JSON object ("slices", "change_per_pass": share of pixels that each pass of
 *                    the slow-thinking network changed, "seconds"); free it with `coopseg_string_free`. May be
 *                    NULL.
 * @return `COOPSEG_OK`; `COOPSEG_CANCELLED`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`;
 *         `COOPSEG_INVALID_STRUCT_SIZE`;
 *         `COOPSEG_INVALID_ARGUMENT` (type, constant image, non-finite voxels, no output, CUDA memory of another
 *         device than the segmenter's); `COOPSEG_INVALID_SHAPE`; `COOPSEG_INVALID_GEOMETRY`;
 *         `COOPSEG_DEVICE_UNAVAILABLE` (CUDA memory without CUDA); `COOPSEG_OUT_OF_MEMORY`;
 *         `COOPSEG_LIBTORCH`; `COOPSEG_INTERNAL`. The segmenter stays usable.
 * Threads: any number of calls at once, also on one segmenter.
 * Since 0.1.
 */
coopseg_status coopseg_segmenter_run(const struct coopseg_segmenter *segmenter,
                                     const struct coopseg_image *image,
                                     const struct coopseg_segmentation *outputs,
                                     coopseg_segmentation_callback callback,
                                     void *user_data,
                                     char **out_report);

/**
 * Segments one image of several channels in the caller's memory, such as MR sequences that lie on one grid.
 *
 * @param segmenter      Shared use.
 * @param channels       An array of images on one grid, each as for `coopseg_segmenter_run`;
 *                       channels that are interleaved in memory are described by strides. All lie on the
 *                       host, or all on the segmenter's CUDA device.
 * @param channel_count  Number of images: that of the model's channels, 1 to 4.
 * @param outputs        As for `coopseg_segmenter_run`.
 * @param callback       Hears of every slice; NULL: nobody.
 * @param user_data      Passed to the callback.
 * @param out_report     As for `coopseg_segmenter_run`. May be NULL.
 * @return As `coopseg_segmenter_run`; `COOPSEG_INVALID_SHAPE` also for another number of channels.
 * Threads: any number of calls at once, also on one segmenter.
 * Since 0.1.
 */
coopseg_status coopseg_segmenter_run_channels(const struct coopseg_segmenter *segmenter,
                                              const struct coopseg_image *const *channels,
                                              int32_t channel_count,
                                              const struct coopseg_segmentation *outputs,
                                              coopseg_segmentation_callback callback,
                                              void *user_data,
                                              char **out_report);

/**
 * Segments a NIfTI file (.nii, .nii.gz) and writes NIfTI files on the same grid: same affine, sform and
 * qform codes and units. Every file is written whole or not at all.
 *
 * @param segmenter   Shared use.
 * @param image_file  Path of the image; 2-D, 3-D, or 4-D for a model of several channels;
 *                    any real type, scl_slope and scl_inter applied.
 * @param outputs     Paths of the results.
 * @param callback    Hears of every slice; NULL: nobody.
 * @param user_data   Passed to the callback.
 * @param out_report  As for `coopseg_segmenter_run`. May be NULL.
 * @return As `coopseg_segmenter_run`, and `COOPSEG_FILE_NOT_FOUND`; `COOPSEG_FILE_IO`; `COOPSEG_FILE_FORMAT`;
 *         `COOPSEG_FILE_UNSUPPORTED` (5-D, complex or colour images, .hdr/.img pairs).
 * Threads: any number of calls at once, with different outputs.
 * Since 0.1.
 */
coopseg_status coopseg_segmenter_run_file(const struct coopseg_segmenter *segmenter,
                                          const char *image_file,
                                          const struct coopseg_segmentation_files *outputs,
                                          coopseg_segmentation_callback callback,
                                          void *user_data,
                                          char **out_report);

/**
 * The same for an image whose channels lie in several files on one grid, in the order of the model's channels.
 *
 * @param segmenter    Shared use.
 * @param image_files  An array of paths, each as for `coopseg_segmenter_run_file`.
 * @param file_count   Number of paths, 1 to 4.
 * @param outputs      Paths of the results, which lie on the first file's grid.
 * @param callback     Hears of every slice; NULL: nobody.
 * @param user_data    Passed to the callback.
 * @param out_report   As for `coopseg_segmenter_run`. May be NULL.
 * @return As `coopseg_segmenter_run_file`.
 * Threads: any number of calls at once, with different outputs.
 * Since 0.1.
 */
coopseg_status coopseg_segmenter_run_files(const struct coopseg_segmenter *segmenter,
                                           const char *const *image_files,
                                           int32_t file_count,
                                           const struct coopseg_segmentation_files *outputs,
                                           coopseg_segmentation_callback callback,
                                           void *user_data,
                                           char **out_report);

/**
 * Frees a segmenter. Calls that run at that moment end normally.
 *
 * @param segmenter  NULL does nothing.
 * @return `COOPSEG_OK`; `COOPSEG_INVALID_HANDLE` (freed already, or not a segmenter).
 * Threads: any number of calls at once.
 * Since 0.1.
 */
coopseg_status coopseg_segmenter_free(struct coopseg_segmenter *segmenter);

/**
 * Makes the hard examples that training would make of an image: masks both latent codes of every slice and
 * decodes them (paper §2.3). The slices form one batch, whose statistics normalise it as in training.
 *
 * @param model         Shared use; not changed.
 * @param image         2-D or 3-D, any type. Preprocessed as for training, without augmentation.
 * @param labels        Class indices on the image's grid, any integer type; targeted masks of the shape code
 *                      follow the loss against them.
 * @param options_json  JSON object: "scheme" ("dropout", "channel", "spatial"), "fraction" (0 to 1), "soft",
 *                      "seed", "threshold", "rescale", "hard_images" (as in the configuration of a
 *                      training: another method than latent masking for the image); NULL or "" for the defaults. See
 *                      `coopseg_config_schema("hard_example")`.
 * @param outputs       Where the results go. Content unspecified unless `COOPSEG_OK`.
 * @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`; `COOPSEG_INVALID_STRUCT_SIZE`;
 *         `COOPSEG_INVALID_ARGUMENT`; `COOPSEG_INVALID_SHAPE`; `COOPSEG_INVALID_GEOMETRY`;
 *         `COOPSEG_INVALID_LABEL`; `COOPSEG_INVALID_CONFIG`; `COOPSEG_OUT_OF_MEMORY`; `COOPSEG_LIBTORCH`.
 * Threads: any number of calls at once.
 * Since 0.1.
 */
coopseg_status coopseg_model_hard_example(const struct coopseg_model *model,
                                          const struct coopseg_image *image,
                                          const struct coopseg_image *labels,
                                          const char *options_json,
                                          const struct coopseg_hard_example *outputs);

/**
 * Spoils an image with one artefact of magnetic resonance, to see what a model makes of it or to train against it.
 *
 * `artefact_json` is an object whose key is the artefact's name, such as {"ghosting": {"severity": 3}},
 * {"ghosting": {"ghosts": 6, "axis": "x", "intensity": 0.8}} or {"motion": {}}. What its keys leave out is drawn
 * from the ranges of "severity" (1 to 5), or else from those of TorchIO 0.20; section 9 of docs/METHOD.md has the table. A
 * number may be a list of the least and the greatest, between which it is drawn. See
 * `coopseg_config_schema("artefact")`.
 *
 * | artefact       | keys beside "severity"                                                                  |
 * |----------------|-----------------------------------------------------------------------------------------|
 * | "bias_field"   | "order" (3), "range" of the coefficients or "coefficients" themselves                   |
 * | "ghosting"     | "ghosts", "axis" ("x", "y", "z"), "intensity", "restore" (share of k-space's centre)     |
 * | "motion"       | "number", "degrees" and "translation" (mm), each a range, or "movements" themselves, each |
 * |                | an object of "time" (0 to 1), "degrees" and "translation" (along LPS x, y, z); "axis" of  |
 * |                | k-space along which time passes                                                         |
 * | "spike"        | "number" or "positions" in k-space (lists of x, y, z from 0 to 1); "intensity"          |
 * | "noise"        | "std" relative to the image's range of intensities, "seed"                              |
 * | "blur"         | "sigma" or "sigmas" (along x, y, z), in mm                                              |
 * | "gamma"        | "gamma", the exponent of the intensities scaled to 0 to 1                               |
 * | "downsampling" | "axis", "factor"                                                                        |
 *
 * Beside the artefact the object may hold "rescale": true, which then scales the intensities to 0 to 1. All is
 * computed in 32-bit floating point. The same arguments give the same bits, whatever the number of threads; what is
 * drawn depends on the seed, the keys and whether the image is a single slice, but not on its intensities.
 *
 * @param image           2-D or 3-D, any type. Borrowed until return; never written. Voxels that are NaN or infinite are
 *                        refused. The spacing counts for "blur", the whole geometry for "motion".
 * @param artefact_json   JSON object as above.
 * @param seed            Of everything that is drawn.
 * @param output          The spoiled image, of the same shape, `COOPSEG_F32` or `COOPSEG_F64`. Its memory must not overlap
 *                        the image's. Content unspecified unless `COOPSEG_OK`.
 * @param out_parameters  Receives a JSON object of exactly what was applied. Passed back as `artefact_json`, with any seed,
 *                        it gives the same output bit for bit. Free it with `coopseg_string_free`. May be NULL.
 * @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_STRUCT_SIZE`; `COOPSEG_INVALID_ARGUMENT` (type,
 *         non-finite voxels, a result that is not finite, movements whose times decrease, the axis "z" of a single
 *         slice); `COOPSEG_INVALID_SHAPE`; `COOPSEG_INVALID_GEOMETRY`; `COOPSEG_INVALID_CONFIG`: no artefact or several,
 *         an unknown key, a wrong type or a value out of range, by name; `COOPSEG_OUT_OF_MEMORY`.
 * Threads: any number of calls at once, with different outputs.
 * Since 0.1.
 */
coopseg_status coopseg_artefact_simulate(const struct coopseg_image *image,
                                         const char *artefact_json,
                                         uint64_t seed,
                                         const struct coopseg_buffer *output,
                                         char **out_parameters);

/**
 * Dice coefficient of two label maps, per class, over all voxels.
 *
 * A class that is absent in both is NaN; one that is absent in the reference only is 0. Geometry is not
 * compared.
 *
 * @param reference  Class indices, any integer type.
 * @param predicted  Class indices of the same shape.
 * @param classes    Number of classes, background included: 2 to 255.
 * @param out_dice   Receives `classes` values, background first.
 * @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_STRUCT_SIZE`; `COOPSEG_INVALID_ARGUMENT`;
 *         `COOPSEG_INVALID_SHAPE`; `COOPSEG_INVALID_GEOMETRY`; `COOPSEG_INVALID_LABEL`.
 * Threads: any number of calls at once.
 * Since 0.1.
 */
coopseg_status coopseg_dice(const struct coopseg_image *reference,
                            const struct coopseg_image *predicted,
                            int32_t classes,
                            double *out_dice);

/**
 * Distances between the surfaces of two label maps, per class, over the whole volume, in mm.
 *
 * A voxel is on the surface when one of its neighbours along an axis is outside of the structure or of the
 * image; distances are between voxel centres and exact (the conventions of MedPy 0.5). A class that is not in both is
 * NaN.
 *
 * @param reference  Class indices, any integer type; its spacing counts.
 * @param predicted  Class indices of the same shape.
 * @param classes    Number of classes, background included: 2 to 255.
 * @param out_hd95   Receives `classes` values: 95th percentile of the distances both ways. NULL: not wanted.
 * @param out_assd   Receives `classes` values: mean of the distances both ways. NULL: not wanted.
 * @return As `coopseg_dice`; `COOPSEG_OUT_OF_MEMORY`.
 * Threads: any number of calls at once.
 * Since 0.1.
 */
coopseg_status coopseg_surface_distances(const struct coopseg_image *reference,
                                         const struct coopseg_image *predicted,
                                         int32_t classes,
                                         double *out_hd95,
                                         double *out_assd);

/**
 * Segments every case of a dataset, with the fast-thinking network alone and with the slow-thinking network's
 * correction, and compares both with the labels, on the images' own grids, over whole volumes and in mm.
 *
 * @param model           Shared use.
 * @param dataset         Cases with labels. Shared use.
 * @param options_json    JSON object: "segmenter" (as for `coopseg_segmenter_new`), "surface_distances",
 *                        "skip_failures"; NULL or "" for the defaults. See
 *                        `coopseg_config_schema("evaluation")`.
 * @param callback        Hears of every case; NULL: nobody.
 * @param user_data       Passed to the callback.
 * @param out_evaluation  Receives the handle. Free it with `coopseg_evaluation_free`.
 * @return `COOPSEG_OK`; `COOPSEG_CANCELLED`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`; `COOPSEG_BUSY`;
 *         `COOPSEG_INVALID_CONFIG`; `COOPSEG_INVALID_DATASET` (no cases, or one without labels);
 *         `COOPSEG_INVALID_LABEL`; `COOPSEG_INVALID_SHAPE`; `COOPSEG_INVALID_GEOMETRY`;
 *         `COOPSEG_INVALID_ARGUMENT`; what reading files reports; `COOPSEG_DEVICE_UNAVAILABLE`;
 *         `COOPSEG_OUT_OF_MEMORY`; `COOPSEG_LIBTORCH`.
 * Threads: any number of calls at once.
 * Since 0.1.
 */
coopseg_status coopseg_evaluation_run(const struct coopseg_model *model,
                                      const struct coopseg_dataset *dataset,
                                      const char *options_json,
                                      coopseg_evaluation_callback callback,
                                      void *user_data,
                                      struct coopseg_evaluation **out_evaluation);

/**
 * Reads a file of `coopseg_evaluation_save_json`.
 *
 * @param file            Path of the file.
 * @param out_evaluation  Receives the handle. Free it with `coopseg_evaluation_free`.
 * @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_FILE_NOT_FOUND`; `COOPSEG_FILE_IO`;
 *         `COOPSEG_FILE_FORMAT`.
 * Threads: any number of calls at once.
 * Since 0.1.
 */
coopseg_status coopseg_evaluation_load(const char *file,
                                       struct coopseg_evaluation **out_evaluation);

/**
 * Returns an evaluation as JSON.
 *
 * @param evaluation  Shared use.
 * @param out_json    Receives a JSON object: "classes" (names without the background), "cases" (for each its
 *                    name, subject and, under "fast" and "refined", for each class "dice", "hd95_mm", "assd_mm",
 *                    "volume_error_ml", "volume_error_percent", "reference_ml", "predicted_ml"; null where not
 *                    defined), "failures" (case and problem), "summary" (by stage, class or "mean", and metric:
 *                    n, mean, sd, min, q1, median, q3, max). Free it with `coopseg_string_free`.
 * @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`.
 * Threads: any number of calls at once.
 * Since 0.1.
 */
coopseg_status coopseg_evaluation_json(const struct coopseg_evaluation *evaluation,
                                       char **out_json);

/**
 * Writes an evaluation as JSON to a file, whole or not at all.
 *
 * @param evaluation  Shared use.
 * @param file        Path of the file; an existing file is replaced.
 * @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`; `COOPSEG_FILE_NOT_FOUND` (of the
 *         folder); `COOPSEG_INVALID_ARGUMENT` (the path is a folder or a special file); `COOPSEG_FILE_IO`.
 * Threads: any number of calls at once, with different files.
 * Since 0.1.
 */
coopseg_status coopseg_evaluation_save_json(const struct coopseg_evaluation *evaluation,
                                            const char *file);

/**
 * Writes an evaluation as CSV to a file, whole or not at all: a header, then one row per case, stage and class.
 * What is not defined is empty.
 *
 * @param evaluation  Shared use.
 * @param file        Path of the file; an existing file is replaced.
 * @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`; `COOPSEG_FILE_NOT_FOUND` (of the
 *         folder); `COOPSEG_INVALID_ARGUMENT` (the path is a folder or a special file); `COOPSEG_FILE_IO`.
 * Threads: any number of calls at once, with different files.
 * Since 0.1.
 */
coopseg_status coopseg_evaluation_save_csv(const struct coopseg_evaluation *evaluation,
                                           const char *file);

/**
 * Compares two evaluations of the same cases, case by case. Given one evaluation twice it compares the two stages:
 * "refined - fast".
 *
 * @param first     Shared use.
 * @param second    Shared use; the same classes and cases, in any order.
 * @param out_json  Receives a JSON list with, for every stage, class (and "mean" over the classes that are
 *                  defined in both) and metric, "difference" (summary of second minus first) and "wilcoxon"
 *                  (signed-rank test, two-sided: "n" pairs that differ, "statistic", "p"). Free it with
 *                  `coopseg_string_free`.
 * @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`; `COOPSEG_INVALID_ARGUMENT` (other
 *         classes or cases, by name).
 * Threads: any number of calls at once.
 * Since 0.1.
 */
coopseg_status coopseg_evaluation_compare(const struct coopseg_evaluation *first,
                                          const struct coopseg_evaluation *second,
                                          char **out_json);

/**
 * Frees an evaluation.
 *
 * @param evaluation  NULL does nothing.
 * @return `COOPSEG_OK`; `COOPSEG_INVALID_HANDLE` (freed already, or not an evaluation).
 * Threads: any number of calls at once.
 * Since 0.1.
 */
coopseg_status coopseg_evaluation_free(struct coopseg_evaluation *evaluation);

/**
 * Writes a PNG picture: per row image, reference, FTN, FTN+STN and entropy side by side, with a legend.
 *
 * @param rows         `count` rows.
 * @param count        1 to 64.
 * @param class_names  `classes` texts, UTF-8, background first.
 * @param classes      2 to 255.
 * @param file         Path of the picture; an existing file is replaced. Written whole or not at all.
 * @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_STRUCT_SIZE`; `COOPSEG_INVALID_ARGUMENT` (also
 *         a path that is a folder or a special file); `COOPSEG_INVALID_SHAPE`; `COOPSEG_INVALID_GEOMETRY`;
 *         `COOPSEG_INVALID_LABEL`; `COOPSEG_FILE_NOT_FOUND` (of the folder); `COOPSEG_FILE_IO`;
 *         `COOPSEG_OUT_OF_MEMORY`.
 * Threads: any number of calls at once, with different files.
 * Since 0.1.
 */
coopseg_status coopseg_overview_write(const struct coopseg_overview_row *rows,
                                      size_t count,
                                      const char *const *class_names,
                                      int32_t classes,
                                      const char *file);

/**
 * How many objects are alive: made and not yet freed. For tests that look for leaks.
 *
 * Threads: any number of calls at once.
 * Since 0.1.
 */
size_t coopseg_live_handles(void);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* COOPSEG_H */
