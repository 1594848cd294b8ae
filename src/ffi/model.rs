//! Models.

use super::guard::{guard, guard_always, guard_libtorch};
use super::registry;
use super::status::coopseg_status;
use super::text::{path, read_or_empty, require, write_json, write_text};
use crate::error::Error;
use crate::model::Model;
use crate::train::{self, Configuration};
use std::ffi::c_char;

/// The two networks with their class names and preprocessing. A model never changes once made: any number
/// of segmenters, trainers and threads may use it at once.
pub struct coopseg_model {
    _private: [u8; 0],
}

/// Makes a model with initial weights, which depend on the configuration's seed alone.
///
/// @param config_json  Training configuration ("network", "preprocess" and "seed" matter here); NULL or "" for
///                     the defaults.
/// @param out_model    Receives the handle. Free it with `coopseg_model_free`.
/// @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_CONFIG`; `COOPSEG_OUT_OF_MEMORY`;
///         `COOPSEG_LIBTORCH_MISMATCH`.
/// Threads: any number of calls at once.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coopseg_model_new(
    config_json: *const c_char,
    out_model: *mut *mut coopseg_model,
) -> coopseg_status {
    guard_libtorch(|| {
        require(out_model, "out_model")?;
        // SAFETY: zero-ended text or NULL by contract.
        let config = Configuration::from_json(unsafe { read_or_empty(config_json, "config_json") }?)?;
        let model = registry::insert(train::new_model(&config)?);
        // SAFETY: not NULL, writable by contract.
        unsafe { out_model.write(model) };
        Ok(())
    })
}

/// Loads a model file written by `coopseg_model_save` or `coopseg_trainer_save_best`.
///
/// @param file       Path of the file.
/// @param out_model  Receives the handle. Free it with `coopseg_model_free`.
/// @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_FILE_NOT_FOUND`; `COOPSEG_FILE_IO`;
///         `COOPSEG_FILE_FORMAT` (truncated, corrupt or not a model); `COOPSEG_FILE_UNSUPPORTED` (written by a
///         later version); `COOPSEG_FILE_WEIGHTS` (tensors that do not fit); `COOPSEG_OUT_OF_MEMORY`;
///         `COOPSEG_LIBTORCH_MISMATCH`.
/// Threads: any number of calls at once.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coopseg_model_load(
    file: *const c_char,
    out_model: *mut *mut coopseg_model,
) -> coopseg_status {
    guard_libtorch(|| {
        require(out_model, "out_model")?;
        // SAFETY: zero-ended text or NULL by contract.
        let model = registry::insert(Model::load(unsafe { path(file, "file") }?)?);
        // SAFETY: not NULL, writable by contract.
        unsafe { out_model.write(model) };
        Ok(())
    })
}

/// Imports a checkpoint directory of the published PyTorch code: image_encoder.pth,
/// segmentation_decoder.pth, image_decoder.pth, shape_encoder.pth and shape_decoder.pth. Nothing in the
/// files is executed. Width and number of classes come from the files.
///
/// @param directory    Path of the directory.
/// @param config_json  Training configuration for what the files do not hold: "network.classes" (names),
///                     "network.code_sharing" and "preprocess"; NULL or "" for the defaults. Where the number of
///                     classes is not that of the default names, the names must be given.
/// @param out_model    Receives the handle. Free it with `coopseg_model_free`.
/// @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_CONFIG`; `COOPSEG_FILE_NOT_FOUND`;
///         `COOPSEG_FILE_IO`; `COOPSEG_FILE_FORMAT`; `COOPSEG_FILE_UNSUPPORTED` (a file from before PyTorch
///         1.6, with a hint how to convert it); `COOPSEG_FILE_WEIGHTS` (a missing, unexpected or misshapen
///         key, by name); `COOPSEG_OUT_OF_MEMORY`; `COOPSEG_LIBTORCH_MISMATCH`.
/// Threads: any number of calls at once.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coopseg_model_import(
    directory: *const c_char,
    config_json: *const c_char,
    out_model: *mut *mut coopseg_model,
) -> coopseg_status {
    guard_libtorch(|| {
        require(out_model, "out_model")?;
        // SAFETY: zero-ended texts or NULL by contract.
        let (directory, config) =
            unsafe { (path(directory, "directory")?, read_or_empty(config_json, "config_json")?) };
        let model = registry::insert(train::import_model(directory, &Configuration::from_json(config)?)?);
        // SAFETY: not NULL, writable by contract.
        unsafe { out_model.write(model) };
        Ok(())
    })
}

/// Writes a model to one file. The file is written beside its final place, synced and renamed: it is either
/// whole or as it was before.
///
/// @param model  Shared use.
/// @param file   Path of the file; an existing file is replaced.
/// @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`; `COOPSEG_FILE_NOT_FOUND` (of the
///         folder); `COOPSEG_INVALID_ARGUMENT` (the path is a folder or a special file); `COOPSEG_FILE_IO`;
///         `COOPSEG_OUT_OF_MEMORY`.
/// Threads: any number of calls at once, with different files.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coopseg_model_save(
    model: *const coopseg_model,
    file: *const c_char,
) -> coopseg_status {
    guard_libtorch(|| {
        let model = registry::get(model, "model")?;
        // SAFETY: zero-ended text or NULL by contract.
        model.save(unsafe { path(file, "file") }?)
    })
}

/// Describes a model.
///
/// @param model     Shared use.
/// @param out_json  Receives a JSON object: "architecture" (width, channels, classes, code_sharing, code_channels),
///                  "parameters" (their number), "class_names", "preprocess" and "training" (configuration and
///                  history, or null). Free it with `coopseg_string_free`.
/// @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`.
/// Threads: any number of calls at once.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coopseg_model_info(
    model: *const coopseg_model,
    out_json: *mut *mut c_char,
) -> coopseg_status {
    guard_libtorch(|| {
        require(out_json, "out_json")?;
        let info = registry::get(model, "model")?.info();
        // SAFETY: not NULL, writable by contract.
        unsafe { write_json(out_json, &info) }
    })
}

/// Tells the number of classes, background included: the size of the fourth axis of probabilities.
///
/// @param model      Shared use.
/// @param out_count  Receives it; 2 at least.
/// @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`.
/// Threads: any number of calls at once.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coopseg_model_class_count(
    model: *const coopseg_model,
    out_count: *mut usize,
) -> coopseg_status {
    guard_libtorch(|| {
        require(out_count, "out_count")?;
        let count = registry::get(model, "model")?.class_names().len();
        // SAFETY: not NULL, writable by contract.
        unsafe { out_count.write(count) };
        Ok(())
    })
}

/// Tells the name of a class.
///
/// @param model     Shared use.
/// @param index     The class, which is its value in label maps: 0 is the background.
/// @param out_name  Receives the name; free it with `coopseg_string_free`.
/// @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`; `COOPSEG_INVALID_ARGUMENT` (no such
///         class).
/// Threads: any number of calls at once.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coopseg_model_class_name(
    model: *const coopseg_model,
    index: usize,
    out_name: *mut *mut c_char,
) -> coopseg_status {
    guard_libtorch(|| {
        require(out_name, "out_name")?;
        let model = registry::get(model, "model")?;
        let names = model.class_names();
        let name = names.get(index).ok_or_else(|| {
            Error::InvalidArgument(format!("`index` is {index}; expected 0 to {}", names.len() - 1))
        })?;
        // SAFETY: not NULL, writable by contract.
        unsafe { write_text(out_name, Some(name.as_bytes())) }
    })
}

/// Tells how many channels a model's images have.
///
/// @param model      Shared use.
/// @param out_count  Receives it; 1 to 4.
/// @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`.
/// Threads: any number of calls at once.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coopseg_model_channel_count(
    model: *const coopseg_model,
    out_count: *mut usize,
) -> coopseg_status {
    guard_libtorch(|| {
        require(out_count, "out_count")?;
        let count = registry::get(model, "model")?.architecture().channels as usize;
        // SAFETY: not NULL, writable by contract.
        unsafe { out_count.write(count) };
        Ok(())
    })
}

/// Makes a second handle to the same model, to be freed on its own. Costs nothing: models never change, so
/// the weights are shared.
///
/// @param model      Shared use.
/// @param out_model  Receives the new handle. Free it with `coopseg_model_free`.
/// @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`.
/// Threads: any number of calls at once.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coopseg_model_clone(
    model: *const coopseg_model,
    out_model: *mut *mut coopseg_model,
) -> coopseg_status {
    guard(|| {
        require(out_model, "out_model")?;
        let clone = registry::insert_shared(registry::get(model, "model")?);
        // SAFETY: not NULL, writable by contract.
        unsafe { out_model.write(clone) };
        Ok(())
    })
}

/// Frees a model's handle. Segmenters and running calls that use the model keep it alive until they end.
///
/// @param model  NULL does nothing.
/// @return `COOPSEG_OK`; `COOPSEG_INVALID_HANDLE` (freed already, or not a model).
/// Threads: any number of calls at once.
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn coopseg_model_free(model: *mut coopseg_model) -> coopseg_status {
    guard_always(|| registry::remove(model, "model"))
}
