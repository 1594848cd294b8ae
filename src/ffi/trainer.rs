//! Trainers.

use super::dataset::{coopseg_dataset, shared};
use super::event::{coopseg_event_callback, to_c};
use super::guard::{guard, guard_libtorch};
use super::model::coopseg_model;
use super::registry;
use super::status::coopseg_status;
use super::text::{path, read_or_empty, require, write_json};
use crate::error::{Error, Result};
use crate::train::{Answer, CancelFlag, Configuration, Trainer};
use std::ffi::{c_char, c_void};
use std::sync::{Mutex, MutexGuard, TryLockError};

/// Networks in training, with their data and optimiser.
pub struct coopseg_trainer {
    _private: [u8; 0],
}

/// The trainer and the flag that reaches it while it runs.
pub struct TrainerObject {
    trainer: Mutex<Trainer>,
    cancel: CancelFlag,
}

impl TrainerObject {
    fn lock(&self) -> Result<MutexGuard<'_, Trainer>> {
        match self.trainer.try_lock() {
            Ok(trainer) => Ok(trainer),
            Err(TryLockError::WouldBlock) => {
                Err(Error::Busy("`trainer` is in use by another call; wait for it or cancel it".to_owned()))
            }
            Err(TryLockError::Poisoned(_)) => {
                Err(Error::Poisoned("`trainer` is unusable after an internal error; free it".to_owned()))
            }
        }
    }
}

/// Prepares a training: reads and preprocesses the data, makes the networks.
///
/// @param config_json  Training configuration; NULL or "" for the defaults. See `coopseg_config_default`.
/// @param training     Cases with labels. Only used by this call.
/// @param validation   Cases with labels that select the best model; NULL: the last state is the best. Only
///                     used by this call.
/// @param start_from   Model whose weights are the starting point (same width, classes and code sharing); NULL
///                     for new ones.
/// @param out_trainer  Receives the handle. Free it with `coopseg_trainer_free`.
/// @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`; `COOPSEG_INVALID_CONFIG`;
///         `COOPSEG_INVALID_DATASET` (a case without labels, or fewer slices than a step draws);
///         `COOPSEG_INVALID_LABEL`; `COOPSEG_INVALID_SHAPE`; `COOPSEG_INVALID_ARGUMENT` (constant image,
///         non-finite voxels); what reading files reports; `COOPSEG_DEVICE_UNAVAILABLE`;
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
        let training = registry::get(training, "training")?;
        let validation = registry::get_optional(validation, "validation")?;
        let start = registry::get_optional(start_from, "start_from")?;
        let validation = validation.as_ref().map(|dataset| shared(dataset)).transpose()?;
        let trainer = Trainer::new(config, &*shared(&training)?, validation.as_deref(), start.as_deref())?;
        let cancel = trainer.cancel_flag();
        let trainer = registry::insert(TrainerObject { trainer: Mutex::new(trainer), cancel });
        // SAFETY: not NULL, writable by contract.
        unsafe { out_trainer.write(trainer) };
        Ok(())
    })
}

/// Trains until the last epoch or the time limit ("max_minutes"). After a cancelled run, calling it again
/// goes on where it stopped.
///
/// @param trainer    Used exclusively during the call.
/// @param callback   Hears the events, on the calling thread; NULL: nobody.
/// @param user_data  Passed to the callback.
/// @return `COOPSEG_OK`; `COOPSEG_CANCELLED` (the trainer stays usable and keeps its best model);
///         `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`; `COOPSEG_BUSY`; `COOPSEG_INVALID_STATE` (the
///         training has finished); `COOPSEG_DIVERGED`; `COOPSEG_OUT_OF_MEMORY`; `COOPSEG_LIBTORCH`;
///         `COOPSEG_INTERNAL` (the trainer is unusable); `COOPSEG_POISONED`.
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
        let mut trainer = trainer.lock()?;
        trainer.run(&mut |event| {
            let Some(callback) = callback else { return Answer::Continue };
            let event = to_c(event);
            // SAFETY: the caller's callback with the caller's user_data; the event lives during the call.
            if unsafe { callback(&event, user_data) } == 0 { Answer::Continue } else { Answer::Cancel }
        })
    })
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
    guard(|| {
        registry::get(trainer, "trainer")?.cancel.cancel();
        Ok(())
    })
}

/// Returns what was measured so far.
///
/// @param trainer   Used exclusively during the call.
/// @param out_json  Receives a JSON object: "configuration", "seed", "device", "steps", "seconds", "finished",
///                  "history" with "epochs" (mean losses, validation) and "best_epoch". Free it with
///                  `coopseg_string_free`.
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

/// Makes a model of the best networks so far: those of the best validation, or the present ones where there
/// was none.
///
/// @param trainer    Used exclusively during the call.
/// @param out_model  Receives the handle, independent of the trainer. Free it with `coopseg_model_free`.
/// @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`; `COOPSEG_BUSY`;
///         `COOPSEG_POISONED`; `COOPSEG_OUT_OF_MEMORY`.
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

/// Writes the best model so far to a file, as `coopseg_trainer_best_model` and `coopseg_model_save`.
///
/// @param trainer  Used exclusively during the call.
/// @param file     Path of the file; an existing file is replaced.
/// @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`; `COOPSEG_BUSY`;
///         `COOPSEG_POISONED`; `COOPSEG_FILE_IO`; `COOPSEG_OUT_OF_MEMORY`.
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
    guard(|| registry::remove(trainer, "trainer"))
}
