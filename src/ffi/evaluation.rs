//! Evaluations.

use super::dataset::{coopseg_dataset, shared};
use super::guard::{self, guard, guard_always, guard_libtorch};
use super::model::coopseg_model;
use super::registry;
use super::status::coopseg_status;
use super::text::{path, read_or_empty, require, write_json};
use crate::error::Error;
use crate::evaluate::{self, Evaluation, EvaluationOptions};
use crate::exit;
use std::ffi::{CString, c_char, c_void};

/// What a model makes of a dataset with labels: Dice, surface distances and volume errors per case, stage and
/// class. Never changes once made: any number of threads may use it at once.
pub struct coopseg_evaluation {
    _private: [u8; 0],
}

/// Hears of every case that an evaluation has done, on the thread that called `coopseg_evaluation_run`.
///
/// @param case_name     Name of the case; valid during the call.
/// @param done          Cases done, this one included.
/// @param cases         Cases in all.
/// @param refined_dice  Mean Dice of the case's classes without the background after correction; NaN where it
///                      was left out.
/// @param user_data     As given to `coopseg_evaluation_run`.
/// @return 0 to go on; anything else ends the evaluation with `COOPSEG_CANCELLED`. It must return normally: no
/// exception and no longjmp may leave it.
pub type coopseg_evaluation_callback = Option<
    unsafe extern "C" fn(
        case_name: *const c_char,
        done: usize,
        cases: usize,
        refined_dice: f64,
        user_data: *mut c_void,
    ) -> i32,
>;

/// Segments every case of a dataset, with the fast-thinking network alone and with the slow-thinking network's
/// correction, and compares both with the labels, on the images' own grids, over whole volumes and in mm.
///
/// @param model           Shared use.
/// @param dataset         Cases with labels. Shared use.
/// @param options_json    JSON object: "segmenter" (as for `coopseg_segmenter_new`), "surface_distances",
///                        "skip_failures"; NULL or "" for the defaults. See
///                        `coopseg_config_schema("evaluation")`.
/// @param callback        Hears of every case; NULL: nobody.
/// @param user_data       Passed to the callback.
/// @param out_evaluation  Receives the handle. Free it with `coopseg_evaluation_free`.
/// @return `COOPSEG_OK`; `COOPSEG_CANCELLED`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`; `COOPSEG_BUSY`;
///         `COOPSEG_INVALID_CONFIG`; `COOPSEG_INVALID_DATASET` (no cases, or one without labels);
///         `COOPSEG_INVALID_LABEL`; `COOPSEG_INVALID_SHAPE`; `COOPSEG_INVALID_GEOMETRY`;
///         `COOPSEG_INVALID_ARGUMENT`; what reading files reports; `COOPSEG_DEVICE_UNAVAILABLE`;
///         `COOPSEG_OUT_OF_MEMORY`; `COOPSEG_LIBTORCH`.
/// Threads: any number of calls at once.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coopseg_evaluation_run(
    model: *const coopseg_model,
    dataset: *const coopseg_dataset,
    options_json: *const c_char,
    callback: coopseg_evaluation_callback,
    user_data: *mut c_void,
    out_evaluation: *mut *mut coopseg_evaluation,
) -> coopseg_status {
    guard_libtorch(|| {
        require(out_evaluation, "out_evaluation")?;
        let model = registry::get(model, "model")?;
        let dataset = registry::get(dataset, "dataset")?;
        // A copy shares the voxels and leaves the dataset free for other calls.
        let dataset = shared(&dataset)?.clone();
        // SAFETY: zero-ended text or NULL by contract.
        let options = EvaluationOptions::from_json(unsafe { read_or_empty(options_json, "options_json") }?)?;
        let evaluation = evaluate::evaluate(&model, &dataset, &options, &mut |progress| {
            let wanted = callback.is_none_or(|callback| {
                // Names of cases hold no control characters.
                let name = CString::new(progress.case.as_str()).unwrap_or_default();
                let (done, cases, dice) = (progress.done, progress.cases, progress.refined_dice);
                // SAFETY: the caller's callback with the caller's user_data; the name lives during the call.
                guard::in_callback(|| unsafe { callback(name.as_ptr(), done, cases, dice, user_data) == 0 })
            });
            wanted && exit::go_on().is_ok()
        })?;
        let evaluation = registry::insert(evaluation);
        // SAFETY: not NULL, writable by contract.
        unsafe { out_evaluation.write(evaluation) };
        Ok(())
    })
}

/// Reads a file of `coopseg_evaluation_save_json`.
///
/// @param file            Path of the file.
/// @param out_evaluation  Receives the handle. Free it with `coopseg_evaluation_free`.
/// @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_FILE_NOT_FOUND`; `COOPSEG_FILE_IO`;
///         `COOPSEG_FILE_FORMAT`.
/// Threads: any number of calls at once.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coopseg_evaluation_load(
    file: *const c_char,
    out_evaluation: *mut *mut coopseg_evaluation,
) -> coopseg_status {
    guard(|| {
        require(out_evaluation, "out_evaluation")?;
        // SAFETY: zero-ended text or NULL by contract.
        let evaluation = registry::insert(Evaluation::load_json(unsafe { path(file, "file") }?)?);
        // SAFETY: not NULL, writable by contract.
        unsafe { out_evaluation.write(evaluation) };
        Ok(())
    })
}

/// Returns an evaluation as JSON.
///
/// @param evaluation  Shared use.
/// @param out_json    Receives a JSON object: "classes" (names without the background), "cases" (for each its
///                    name, subject and, under "fast" and "refined", for each class "dice", "hd95_mm", "assd_mm",
///                    "volume_error_ml", "volume_error_percent", "reference_ml", "predicted_ml"; null where not
///                    defined), "failures" (case and problem), "summary" (by stage, class or "mean", and metric:
///                    n, mean, sd, min, q1, median, q3, max). Free it with `coopseg_string_free`.
/// @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`.
/// Threads: any number of calls at once.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coopseg_evaluation_json(
    evaluation: *const coopseg_evaluation,
    out_json: *mut *mut c_char,
) -> coopseg_status {
    guard(|| {
        require(out_json, "out_json")?;
        let json = registry::get(evaluation, "evaluation")?.to_json()?;
        // SAFETY: not NULL, writable by contract.
        unsafe { write_json(out_json, &json) }
    })
}

/// Writes an evaluation as JSON to a file, whole or not at all.
///
/// @param evaluation  Shared use.
/// @param file        Path of the file; an existing file is replaced.
/// @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`; `COOPSEG_FILE_NOT_FOUND` (of the
///         folder); `COOPSEG_INVALID_ARGUMENT` (the path is a folder or a special file); `COOPSEG_FILE_IO`.
/// Threads: any number of calls at once, with different files.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coopseg_evaluation_save_json(
    evaluation: *const coopseg_evaluation,
    file: *const c_char,
) -> coopseg_status {
    guard(|| {
        let evaluation = registry::get(evaluation, "evaluation")?;
        // SAFETY: zero-ended text or NULL by contract.
        evaluation.save_json(unsafe { path(file, "file") }?)
    })
}

/// Writes an evaluation as CSV to a file, whole or not at all: a header, then one row per case, stage and class.
/// What is not defined is empty.
///
/// @param evaluation  Shared use.
/// @param file        Path of the file; an existing file is replaced.
/// @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`; `COOPSEG_FILE_NOT_FOUND` (of the
///         folder); `COOPSEG_INVALID_ARGUMENT` (the path is a folder or a special file); `COOPSEG_FILE_IO`.
/// Threads: any number of calls at once, with different files.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coopseg_evaluation_save_csv(
    evaluation: *const coopseg_evaluation,
    file: *const c_char,
) -> coopseg_status {
    guard(|| {
        let evaluation = registry::get(evaluation, "evaluation")?;
        // SAFETY: zero-ended text or NULL by contract.
        evaluation.save_csv(unsafe { path(file, "file") }?)
    })
}

/// Compares two evaluations of the same cases, case by case. Given one evaluation twice it compares the two stages:
/// "refined - fast".
///
/// @param first     Shared use.
/// @param second    Shared use; the same classes and cases, in any order.
/// @param out_json  Receives a JSON list with, for every stage, class (and "mean" over the classes that are
///                  defined in both) and metric, "difference" (summary of second minus first) and "wilcoxon"
///                  (signed-rank test, two-sided: "n" pairs that differ, "statistic", "p"). Free it with
///                  `coopseg_string_free`.
/// @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`; `COOPSEG_INVALID_ARGUMENT` (other
///         classes or cases, by name).
/// Threads: any number of calls at once.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coopseg_evaluation_compare(
    first: *const coopseg_evaluation,
    second: *const coopseg_evaluation,
    out_json: *mut *mut c_char,
) -> coopseg_status {
    guard(|| {
        require(out_json, "out_json")?;
        let comparisons =
            evaluate::compare(&*registry::get(first, "first")?, &*registry::get(second, "second")?)?;
        let json = serde_json::to_value(comparisons)
            .map_err(|error| Error::Internal(format!("comparison to JSON: {error}")))?;
        // SAFETY: not NULL, writable by contract.
        unsafe { write_json(out_json, &json) }
    })
}

/// Frees an evaluation.
///
/// @param evaluation  NULL does nothing.
/// @return `COOPSEG_OK`; `COOPSEG_INVALID_HANDLE` (freed already, or not an evaluation).
/// Threads: any number of calls at once.
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn coopseg_evaluation_free(evaluation: *mut coopseg_evaluation) -> coopseg_status {
    guard_always(|| registry::remove(evaluation, "evaluation"))
}
