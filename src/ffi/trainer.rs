//! Trainers.

use super::dataset::{coopseg_dataset, shared};
use super::event::{coopseg_event, coopseg_event_callback, to_c, without_lists};
use super::guard::{self, guard, guard_always, guard_libtorch};
use super::model::coopseg_model;
use super::registry;
use super::status::coopseg_status;
use super::text::{path, read_or_empty, read_sized, require, write_json};
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::exit;
use crate::train::{Answer, CancelFlag, Configuration, Event, Trainer};
use std::ffi::{c_char, c_void};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, TryLockError};

/// Networks in training, with their data and optimiser.
pub struct coopseg_trainer {
    _private: [u8; 0],
}

/// The trainer and the flag that reaches it while it runs.
pub struct TrainerObject {
    trainer: Mutex<Trainer>,
    cancel: CancelFlag,
    /// Whether a call ended with an internal error while it changed the trainer.
    broken: AtomicBool,
}

impl TrainerObject {
    fn new(trainer: Trainer) -> Self {
        let cancel = trainer.cancel_flag();
        TrainerObject { trainer: Mutex::new(trainer), cancel, broken: AtomicBool::new(false) }
    }

    fn lock(&self) -> Result<MutexGuard<'_, Trainer>> {
        let poisoned =
            || Error::Poisoned("`trainer` is unusable after an internal error; free it".to_owned());
        match self.trainer.try_lock() {
            Ok(_) if self.broken.load(Ordering::Relaxed) => Err(poisoned()),
            Ok(trainer) => Ok(trainer),
            Err(TryLockError::WouldBlock) => {
                Err(Error::Busy("`trainer` is in use by another call; wait for it or cancel it".to_owned()))
            }
            Err(TryLockError::Poisoned(_)) => Err(poisoned()),
        }
    }

    /// For calls that train.
    fn change<T>(&self, body: impl FnOnce(&mut Trainer) -> Result<T>) -> Result<T> {
        let mut trainer = self.lock()?;
        let result = body(&mut trainer);
        if matches!(result, Err(Error::Internal(_))) {
            self.broken.store(true, Ordering::Relaxed);
        }
        result
    }
}

/// A copy of a dataset that may be NULL; it shares the voxels and leaves the dataset free for other calls.
fn copy(dataset: *const coopseg_dataset, parameter: &'static str) -> Result<Option<Dataset>> {
    let dataset = registry::get_optional(dataset, parameter)?;
    dataset.map(|dataset| Ok(shared(&dataset)?.clone())).transpose()
}

/// Prepares a training: reads and preprocesses the data, makes the networks.
///
/// @param config_json  Training configuration; NULL or "" for the defaults. See `coopseg_config_default`.
/// @param training     Cases with labels; the trainer keeps its own reference. NULL where the host hands in every
///                     batch with `coopseg_trainer_step_batch`.
/// @param validation   Cases with labels that select the best model; NULL: the last state is the best. The
///                     trainer keeps its own reference.
/// @param start_from   Model whose weights are the starting point (same width, channels and code sharing); NULL
///                     for new ones. Classes may differ: what belongs to a class of the same name is taken over,
///                     the other classes start anew.
/// @param out_trainer  Receives the handle. Free it with `coopseg_trainer_free`.
/// @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`; `COOPSEG_BUSY` (a dataset that is
///         being changed); `COOPSEG_INVALID_CONFIG`; `COOPSEG_INVALID_DATASET` (a case without labels, or
///         none that can be used); `COOPSEG_INVALID_LABEL`; `COOPSEG_INVALID_SHAPE`; `COOPSEG_INVALID_ARGUMENT`
///         (constant image, non-finite voxels); what reading files reports; `COOPSEG_DEVICE_UNAVAILABLE`;
///         `COOPSEG_OUT_OF_MEMORY`; `COOPSEG_LIBTORCH_MISMATCH`.
/// Threads: any number of calls at once.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coopseg_trainer_new(
    config_json: *const c_char,
    training: *const coopseg_dataset,
    validation: *const coopseg_dataset,
    start_from: *const coopseg_model,
    out_trainer: *mut *mut coopseg_trainer,
) -> coopseg_status {
    guard_libtorch(|| {
        require(out_trainer, "out_trainer")?;
        // SAFETY: zero-ended text or NULL by contract.
        let config = Configuration::from_json(unsafe { read_or_empty(config_json, "config_json") }?)?;
        let training = copy(training, "training")?;
        let validation = copy(validation, "validation")?;
        let start = registry::get_optional(start_from, "start_from")?;
        let trainer = Trainer::new(config, training.as_ref(), validation.as_ref(), start.as_deref())?;
        let trainer = registry::insert(TrainerObject::new(trainer));
        // SAFETY: not NULL, writable by contract.
        unsafe { out_trainer.write(trainer) };
        Ok(())
    })
}

/// Makes the trainer of a snapshot, which goes on as if the training had never stopped: on the CPU, with the
/// same number of threads, it ends with the same bits.
///
/// @param snapshot     Path of a snapshot file, or of a folder of snapshots, of which the newest whole one is
///                     taken.
/// @param config_json  JSON object with the keys that are to differ from now on, such as "epochs" or "device";
///                     NULL or "" for none. "preset", "seed", "network" and "preprocess" cannot. A learning rate
///                     replaces what `coopseg_trainer_set_learning_rate` has set.
/// @param training     The same training cases as before; NULL where there were none.
/// @param validation   Validation cases; NULL for none. Where they are others than before, or the metric is, the best
///                     networks so far are scored again.
/// @param out_trainer  Receives the handle. Free it with `coopseg_trainer_free`.
/// @return As `coopseg_trainer_new`, and `COOPSEG_FILE_NOT_FOUND`; `COOPSEG_FILE_IO`; `COOPSEG_FILE_FORMAT`
///         (truncated, corrupt or no snapshot); `COOPSEG_FILE_UNSUPPORTED` (of a later version);
///         `COOPSEG_FILE_WEIGHTS`; `COOPSEG_INVALID_DATASET` (also for other training cases).
/// Threads: any number of calls at once.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coopseg_trainer_resume(
    snapshot: *const c_char,
    config_json: *const c_char,
    training: *const coopseg_dataset,
    validation: *const coopseg_dataset,
    out_trainer: *mut *mut coopseg_trainer,
) -> coopseg_status {
    guard_libtorch(|| {
        require(out_trainer, "out_trainer")?;
        // SAFETY: zero-ended texts or NULL by contract.
        let (snapshot, changes) =
            unsafe { (path(snapshot, "snapshot")?, read_or_empty(config_json, "config_json")?) };
        let training = copy(training, "training")?;
        let validation = copy(validation, "validation")?;
        let trainer = Trainer::resume(snapshot, changes, training.as_ref(), validation.as_ref())?;
        let trainer = registry::insert(TrainerObject::new(trainer));
        // SAFETY: not NULL, writable by contract.
        unsafe { out_trainer.write(trainer) };
        Ok(())
    })
}

/// Writes everything that the training needs to go on from here to one file, beside what "snapshots" in the
/// configuration writes by itself. The file is written beside its final place, synced and renamed.
///
/// @param trainer  Used exclusively during the call.
/// @param file     Path of the file; an existing file is replaced.
/// @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`; `COOPSEG_BUSY`; `COOPSEG_POISONED`;
///         `COOPSEG_INVALID_STATE` (a loss was not finite); `COOPSEG_FILE_NOT_FOUND` (of the folder);
///         `COOPSEG_INVALID_ARGUMENT` (the path is a folder or a special file); `COOPSEG_FILE_IO`;
///         `COOPSEG_OUT_OF_MEMORY`.
/// Threads: one call per trainer at a time.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coopseg_trainer_save_snapshot(
    trainer: *const coopseg_trainer,
    file: *const c_char,
) -> coopseg_status {
    guard_libtorch(|| {
        let trainer = registry::get(trainer, "trainer")?;
        // SAFETY: zero-ended text or NULL by contract.
        let file = unsafe { path(file, "file") }?;
        trainer.lock()?.write_snapshot(file)
    })
}

/// Trains until the last epoch, the time limit ("max_minutes") or the end of patience
/// ("validation.patience"). After a cancelled run, calling it again goes on where it stopped.
///
/// @param trainer    Used exclusively during the call.
/// @param callback   Hears the events, on the calling thread; NULL: nobody.
/// @param user_data  Passed to the callback.
/// @return `COOPSEG_OK`; `COOPSEG_CANCELLED` (the trainer stays usable and keeps its best model);
///         `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`; `COOPSEG_BUSY`; `COOPSEG_INVALID_STATE` (the
///         training has finished, or has no data); `COOPSEG_DIVERGED` (the message names the step, the cases
///         of the batch and the last snapshot); `COOPSEG_FILE_IO` (a snapshot, record or report cannot be written);
///         what reading files reports, for data beyond "data.cache_mebibytes";
///         `COOPSEG_OUT_OF_MEMORY`; `COOPSEG_LIBTORCH`; `COOPSEG_INTERNAL` (the trainer is unusable); `COOPSEG_POISONED`.
/// Threads: one call per trainer at a time; trainers may run at once.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coopseg_trainer_run(
    trainer: *mut coopseg_trainer,
    callback: coopseg_event_callback,
    user_data: *mut c_void,
) -> coopseg_status {
    guard_libtorch(|| {
        let trainer = registry::get(trainer, "trainer")?;
        let mut listener = |event: &Event| {
            let wanted = callback.is_none_or(|callback| {
                let event = to_c(event);
                // SAFETY: the caller's callback with the caller's user_data; the event lives during the call.
                guard::in_callback(|| unsafe { callback(&event, user_data) == 0 })
            });
            if wanted && exit::go_on().is_ok() { Answer::Continue } else { Answer::Cancel }
        };
        trainer.change(|trainer| trainer.run(&mut listener))
    })
}

/// Does one step with the next batch of the training data, for hosts that have a loop of their own. The epoch
/// that ends with it is recorded, but validation is up to the host.
///
/// @param trainer    Used exclusively during the call.
/// @param out_event  Its `struct_size` is set before; receives the losses and the position. Its lists of Dice are NULL.
/// @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_STRUCT_SIZE`; `COOPSEG_INVALID_HANDLE`;
///         `COOPSEG_BUSY`; `COOPSEG_INVALID_STATE` (made without training data, or a loss was not finite);
///         `COOPSEG_DIVERGED`; `COOPSEG_OUT_OF_MEMORY`; `COOPSEG_LIBTORCH`; `COOPSEG_POISONED`.
/// Threads: one call per trainer at a time.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coopseg_trainer_step(
    trainer: *mut coopseg_trainer,
    out_event: *mut coopseg_event,
) -> coopseg_status {
    guard_libtorch(|| {
        // SAFETY: a struct that says its size, by contract.
        unsafe { read_sized(out_event, "out_event", "coopseg_event") }?;
        let event = registry::get(trainer, "trainer")?.change(Trainer::train_next)?;
        // SAFETY: not NULL, writable by contract.
        unsafe { out_event.write(without_lists(&event)) };
        Ok(())
    })
}

/// Does one step with a batch of the host.
///
/// @param trainer    Used exclusively during the call.
/// @param images     N·C·H·W values in [0, 1], dense: column (x) fastest, then row (y), channel, sample. Copied.
/// @param labels     N·H·W class indices, in the same order. Copied.
/// @param shape      N, C, H, W. C is the networks' number of channels; H and W are multiples of 16.
/// @param out_event  Its `struct_size` is set before; receives the losses and the position. Its lists of Dice are NULL.
/// @return As `coopseg_trainer_step`, and `COOPSEG_INVALID_SHAPE`; `COOPSEG_INVALID_LABEL` (a value that is no
///         class); `COOPSEG_INVALID_ARGUMENT` (a value of the image that is not in [0, 1]).
/// Threads: one call per trainer at a time.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coopseg_trainer_step_batch(
    trainer: *mut coopseg_trainer,
    images: *const f32,
    labels: *const u8,
    shape: *const i64,
    out_event: *mut coopseg_event,
) -> coopseg_status {
    guard_libtorch(|| {
        require(images, "images")?;
        require(labels, "labels")?;
        require(shape, "shape")?;
        // SAFETY: a struct that says its size, by contract.
        unsafe { read_sized(out_event, "out_event", "coopseg_event") }?;
        let trainer = registry::get(trainer, "trainer")?;
        let event = trainer.change(|trainer| {
            // SAFETY: not NULL; the caller provides four.
            let shape = unsafe { shape.cast::<[i64; 4]>().read() };
            let sizes = trainer.check_batch_shape(shape)?;
            // SAFETY: not NULL; the caller provides as many as the shape says.
            let (images, labels) = unsafe {
                (
                    std::slice::from_raw_parts(images, sizes.image_values),
                    std::slice::from_raw_parts(labels, sizes.label_values),
                )
            };
            trainer.train_host_batch(shape, images, labels)
        })?;
        // SAFETY: not NULL, writable by contract.
        unsafe { out_event.write(without_lists(&event)) };
        Ok(())
    })
}

/// Scores the networks on the validation cases now, keeps them where they are the best so far, and returns the
/// scores.
///
/// @param trainer   Used exclusively during the call.
/// @param out_json  Receives a JSON object: "fast_dice" and "refined_dice" (mean per class), "fast_mean_iou",
///                  "mean_iou" (refined), "selection" (value of the metric that selects), "best" (whether the
///                  best so far) and "cases" (the same for each). Free it with `coopseg_string_free`.
/// @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`; `COOPSEG_BUSY`;
///         `COOPSEG_INVALID_STATE` (made without validation data); `COOPSEG_OUT_OF_MEMORY`;
///         `COOPSEG_LIBTORCH`; `COOPSEG_POISONED`.
/// Threads: one call per trainer at a time.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coopseg_trainer_validate(
    trainer: *mut coopseg_trainer,
    out_json: *mut *mut c_char,
) -> coopseg_status {
    guard_libtorch(|| {
        require(out_json, "out_json")?;
        let scores = registry::get(trainer, "trainer")?.lock()?.validate()?;
        let scores = serde_json::to_value(&scores)
            .map_err(|error| Error::Internal(format!("validation scores to JSON: {error}")))?;
        // SAFETY: not NULL, writable by contract.
        unsafe { write_json(out_json, &scores) }
    })
}

/// Sets the learning rate from the next step on; the schedule multiplies it.
///
/// @param trainer        Used exclusively during the call.
/// @param learning_rate  More than 0, at most 10.
/// @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`; `COOPSEG_INVALID_ARGUMENT`;
///         `COOPSEG_BUSY`; `COOPSEG_POISONED`.
/// Threads: one call per trainer at a time.
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn coopseg_trainer_set_learning_rate(
    trainer: *mut coopseg_trainer,
    learning_rate: f64,
) -> coopseg_status {
    guard(|| registry::get(trainer, "trainer")?.lock()?.set_learning_rate(learning_rate))
}

/// Asks a running training to stop after its current step; `coopseg_trainer_run` then returns
/// `COOPSEG_CANCELLED`. Does nothing where none runs. Not to be called from a signal handler: set a flag there
/// and let the callback return 1.
///
/// @param trainer  Shared use.
/// @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`.
/// Threads: any number of calls at once, from any thread.
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn coopseg_trainer_cancel(trainer: *const coopseg_trainer) -> coopseg_status {
    guard_always(|| {
        registry::get(trainer, "trainer")?.cancel.cancel();
        Ok(())
    })
}

/// Returns what was measured so far.
///
/// @param trainer   Used exclusively during the call.
/// @param out_json  Receives a JSON object: "configuration", "seed", "device", "steps", "seconds", "finished",
///                  "data" (the cases that are used and those that were left out), "history" with "epochs"
///                  (mean losses, validation, speed; beyond some thousands thinned out) and "best_epoch". Free it
///                  with `coopseg_string_free`.
/// @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`; `COOPSEG_BUSY`;
///         `COOPSEG_POISONED`.
/// Threads: one call per trainer at a time.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coopseg_trainer_metrics(
    trainer: *const coopseg_trainer,
    out_json: *mut *mut c_char,
) -> coopseg_status {
    guard_libtorch(|| {
        require(out_json, "out_json")?;
        let record = registry::get(trainer, "trainer")?.lock()?.record()?;
        // SAFETY: not NULL, writable by contract.
        unsafe { write_json(out_json, &record) }
    })
}

/// Writes a report of the training so far: one HTML file that needs no other, with curves, configuration, data,
/// the scores of every validation case and pictures of the best and worst. "recording.report" in the
/// configuration has `coopseg_trainer_run` write it at the end.
///
/// @param trainer  Used exclusively during the call.
/// @param file     Path of the file; an existing file is replaced, missing folders are made.
/// @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`; `COOPSEG_BUSY`; `COOPSEG_POISONED`;
///         `COOPSEG_INVALID_ARGUMENT` (the path is a folder or a special file); `COOPSEG_FILE_IO`.
/// Threads: one call per trainer at a time.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coopseg_trainer_save_report(
    trainer: *const coopseg_trainer,
    file: *const c_char,
) -> coopseg_status {
    guard_libtorch(|| {
        let trainer = registry::get(trainer, "trainer")?;
        // SAFETY: zero-ended text or NULL by contract.
        let file = unsafe { path(file, "file") }?;
        trainer.lock()?.write_report(file)
    })
}

/// Makes a model of the best networks so far: those of the best validation, or the present ones where there
/// was none.
///
/// @param trainer    Used exclusively during the call.
/// @param out_model  Receives the handle, independent of the trainer. Free it with `coopseg_model_free`.
/// @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`; `COOPSEG_BUSY`; `COOPSEG_POISONED`;
///         `COOPSEG_INVALID_STATE` (a loss was not finite and has spoilt the networks); `COOPSEG_OUT_OF_MEMORY`.
/// Threads: one call per trainer at a time.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coopseg_trainer_best_model(
    trainer: *const coopseg_trainer,
    out_model: *mut *mut coopseg_model,
) -> coopseg_status {
    guard_libtorch(|| {
        require(out_model, "out_model")?;
        let model = registry::get(trainer, "trainer")?.lock()?.best_model()?;
        let model = registry::insert(model);
        // SAFETY: not NULL, writable by contract.
        unsafe { out_model.write(model) };
        Ok(())
    })
}

/// Makes a model of the networks as they are now, best or not.
///
/// @param trainer    Used exclusively during the call.
/// @param out_model  Receives the handle, independent of the trainer. Free it with `coopseg_model_free`.
/// @return As `coopseg_trainer_best_model`.
/// Threads: one call per trainer at a time.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coopseg_trainer_current_model(
    trainer: *const coopseg_trainer,
    out_model: *mut *mut coopseg_model,
) -> coopseg_status {
    guard_libtorch(|| {
        require(out_model, "out_model")?;
        let model = registry::get(trainer, "trainer")?.lock()?.current_model()?;
        let model = registry::insert(model);
        // SAFETY: not NULL, writable by contract.
        unsafe { out_model.write(model) };
        Ok(())
    })
}

/// Writes the best model so far to a file, as `coopseg_trainer_best_model` and `coopseg_model_save`.
///
/// @param trainer  Used exclusively during the call.
/// @param file     Path of the file; an existing file is replaced.
/// @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`; `COOPSEG_BUSY`; `COOPSEG_POISONED`;
///         `COOPSEG_INVALID_STATE` (a loss was not finite and has spoilt the networks); `COOPSEG_FILE_NOT_FOUND` (of
///         the folder); `COOPSEG_INVALID_ARGUMENT` (the path is a folder or a special file); `COOPSEG_FILE_IO`;
///         `COOPSEG_OUT_OF_MEMORY`.
/// Threads: one call per trainer at a time.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coopseg_trainer_save_best(
    trainer: *const coopseg_trainer,
    file: *const c_char,
) -> coopseg_status {
    guard_libtorch(|| {
        let trainer = registry::get(trainer, "trainer")?;
        // SAFETY: zero-ended text or NULL by contract.
        let file = unsafe { path(file, "file") }?;
        let model = trainer.lock()?.best_model()?;
        model.save(file)
    })
}

/// Frees a trainer. A run under way on another thread goes on until it is cancelled or ends.
///
/// @param trainer  NULL does nothing.
/// @return `COOPSEG_OK`; `COOPSEG_INVALID_HANDLE` (freed already, or not a trainer).
/// Threads: any number of calls at once.
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn coopseg_trainer_free(trainer: *mut coopseg_trainer) -> coopseg_status {
    guard_always(|| registry::remove(trainer, "trainer"))
}
