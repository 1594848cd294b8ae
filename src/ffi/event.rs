//! Events of a running training.

use crate::train::{Event, EventKind};
use std::ffi::c_void;

/// A training step was done.
pub const COOPSEG_EVENT_STEP: i32 = 1;
/// A validation was done.
pub const COOPSEG_EVENT_VALIDATION: i32 = 2;
/// The last epoch, the time limit or the end of patience was reached; the last event of a run.
pub const COOPSEG_EVENT_FINISHED: i32 = 3;
/// A snapshot was written.
pub const COOPSEG_EVENT_SNAPSHOT: i32 = 4;

/// One message from a running training. Numbers that are not known yet, or do not exist in the mode of the
/// training, are NaN.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct coopseg_event {
    /// sizeof(coopseg_event) in the library; a later version may append fields.
    pub struct_size: usize,
    /// `COOPSEG_EVENT_STEP`, `COOPSEG_EVENT_VALIDATION`, `COOPSEG_EVENT_FINISHED` or
    /// `COOPSEG_EVENT_SNAPSHOT`.
    pub kind: i32,
    /// Whether the latest validation is the best so far: 1 or 0.
    pub best: i32,
    /// The current epoch, from 1.
    pub epoch: u64,
    /// Configured number of epochs.
    pub epochs: u64,
    /// Steps done since the start of the training.
    pub step: u64,
    /// Steps of one epoch.
    pub steps_per_epoch: u64,
    /// Sum of the loss parts below, unweighted. Those of the latest step; at the end of an epoch the means over
    /// its steps.
    pub loss: f64,
    /// CE(p, y): segmentation of the image.
    pub loss_segmentation: f64,
    /// 1 − soft Dice of p, where a Dice term is asked for.
    pub loss_segmentation_dice: f64,
    /// R(x', x): reconstruction of the image.
    pub loss_reconstruction: f64,
    /// CE(C(p), y): correction of the predicted segmentation.
    pub loss_shape_from_prediction: f64,
    /// CE(C(y), y): reconstruction of the reference segmentation.
    pub loss_shape_from_label: f64,
    /// CE of the segmentation of the corrupted image.
    pub loss_hard_segmentation: f64,
    /// 1 − soft Dice of the segmentation of the corrupted image, where a Dice term is asked for.
    pub loss_hard_segmentation_dice: f64,
    /// R between the reconstruction from the corrupted image and the clean image.
    pub loss_hard_reconstruction: f64,
    /// CE of the corrected segmentation of the corrupted image.
    pub loss_hard_shape_from_prediction: f64,
    /// CE of the correction of the corrupted segmentation.
    pub loss_hard_shape_from_corrupted: f64,
    /// Learning rate of the latest step.
    pub learning_rate: f64,
    /// Norm of the latest update's gradient before clipping; NaN where it is not clipped.
    pub gradient_norm: f64,
    /// Latest validation: the value of the metric that selects the best model ("validation.metric").
    pub selection: f64,
    /// Latest validation: mean IoU, background included, after correction.
    pub mean_iou: f64,
    /// Latest validation: mean Dice of the foreground classes, fast-thinking network alone.
    pub fast_dice: f64,
    /// Latest validation: mean Dice of the foreground classes after correction.
    pub refined_dice: f64,
    /// Latest validation: Dice per class, background first, fast-thinking network alone. NULL before the
    /// first. Valid during the callback.
    pub fast_dice_per_class: *const f64,
    /// The same after correction.
    pub refined_dice_per_class: *const f64,
    /// Length of the two lists.
    pub classes: usize,
    /// Slices through the networks per second in the current epoch, or in the one that has just ended.
    pub examples_per_second: f64,
    /// Share of that epoch's time in which the training waited for data, 0 to 1.
    pub waiting_share: f64,
    /// Memory of this process in RAM, in bytes; 0 where the system does not tell.
    pub memory_bytes: u64,
    /// Time spent in training so far.
    pub seconds_elapsed: f64,
    /// Estimate of the time left, by epochs or time limit, whichever comes first.
    pub seconds_left: f64,
}

/// Hears the events of a training, on the thread that called `coopseg_trainer_run`.
///
/// @param event      Valid during the call.
/// @param user_data  As given to `coopseg_trainer_run`.
/// @return 0 to go on; anything else ends the run with `COOPSEG_CANCELLED`, leaving everything usable.
/// It may call any function of this library, but those that use the running trainer (except
/// `coopseg_trainer_cancel`) return `COOPSEG_BUSY`. It must return normally: no exception and no longjmp may
/// leave it.
pub type coopseg_event_callback =
    Option<unsafe extern "C" fn(event: *const coopseg_event, user_data: *mut c_void) -> i32>;

/// The event in the layout of the C interface; borrows the Dice lists.
pub(super) fn to_c(event: &Event) -> coopseg_event {
    let mean_foreground = crate::metrics::mean_foreground;
    let losses = &event.losses;
    let absent = |part: Option<f64>| part.unwrap_or(f64::NAN);
    let scores = event.validation.as_ref();
    let per_class = |list: Option<&Vec<f64>>| list.map_or(std::ptr::null(), |list| list.as_ptr());
    coopseg_event {
        struct_size: size_of::<coopseg_event>(),
        kind: match event.kind {
            EventKind::Step => COOPSEG_EVENT_STEP,
            EventKind::Validation => COOPSEG_EVENT_VALIDATION,
            EventKind::Finished => COOPSEG_EVENT_FINISHED,
            EventKind::Snapshot => COOPSEG_EVENT_SNAPSHOT,
        },
        best: scores.is_some_and(|scores| scores.best).into(),
        epoch: event.epoch,
        epochs: event.epochs,
        step: event.step,
        steps_per_epoch: event.steps_per_epoch,
        loss: losses.sum(),
        loss_segmentation: losses.segmentation,
        loss_segmentation_dice: absent(losses.segmentation_dice),
        loss_reconstruction: losses.reconstruction,
        loss_shape_from_prediction: losses.shape_from_prediction,
        loss_shape_from_label: losses.shape_from_label,
        loss_hard_segmentation: absent(losses.hard_segmentation),
        loss_hard_segmentation_dice: absent(losses.hard_segmentation_dice),
        loss_hard_reconstruction: absent(losses.hard_reconstruction),
        loss_hard_shape_from_prediction: absent(losses.hard_shape_from_prediction),
        loss_hard_shape_from_corrupted: absent(losses.hard_shape_from_corrupted),
        learning_rate: event.learning_rate,
        gradient_norm: absent(event.gradient_norm),
        selection: absent(scores.map(|scores| scores.selection)),
        mean_iou: absent(scores.map(|scores| scores.mean_iou)),
        fast_dice: absent(scores.map(|scores| mean_foreground(&scores.fast_dice))),
        refined_dice: absent(scores.map(|scores| mean_foreground(&scores.refined_dice))),
        fast_dice_per_class: per_class(scores.map(|scores| &scores.fast_dice)),
        refined_dice_per_class: per_class(scores.map(|scores| &scores.refined_dice)),
        classes: scores.map_or(0, |scores| scores.fast_dice.len()),
        examples_per_second: event.examples_per_second,
        waiting_share: event.waiting_share,
        memory_bytes: event.memory_bytes,
        seconds_elapsed: event.seconds_elapsed,
        seconds_left: event.seconds_left,
    }
}

/// The same for a caller that keeps it: without the lists, which it would have to free.
pub(super) fn without_lists(event: &Event) -> coopseg_event {
    coopseg_event {
        fast_dice_per_class: std::ptr::null(),
        refined_dice_per_class: std::ptr::null(),
        classes: 0,
        ..to_c(event)
    }
}
