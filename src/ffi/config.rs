//! Configurations as JSON text.

use super::guard::guard;
use super::status::coopseg_status;
use super::text::{read, read_or_empty, require, write_json};
use crate::artefact::Simulation;
use crate::dataset::{FolderOptions, SplitOptions};
use crate::error::{Error, Result};
use crate::evaluate::EvaluationOptions;
use crate::phantom;
use crate::schema;
use crate::segment::SegmenterOptions;
use crate::train::{Configuration, Preset};
use serde_json::Value;
use std::ffi::c_char;

/// Returns every key of a training configuration with its default.
///
/// @param preset    "official" (what the published implementation does), "paper" (the text read literally),
///                  or NULL for "official".
/// @param out_json  Receives a JSON object. Free it with `coopseg_string_free`.
/// @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_ARGUMENT` (preset).
/// Threads: any number of calls at once.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coopseg_config_default(
    preset: *const c_char,
    out_json: *mut *mut c_char,
) -> coopseg_status {
    guard(|| {
        require(out_json, "out_json")?;
        // SAFETY: zero-ended text or NULL by contract.
        let preset = match unsafe { read_or_empty(preset, "preset") }? {
            "" | "official" => Preset::Official,
            "paper" => Preset::Paper,
            other => {
                return Err(Error::InvalidArgument(format!(
                    "`preset` is \"{other}\"; expected \"official\" or \"paper\""
                )));
            }
        };
        // SAFETY: not NULL, writable by contract.
        unsafe { write_json(out_json, &Configuration::preset(preset).to_json()?) }
    })
}

/// Checks a training configuration and returns it with every key filled in.
///
/// @param config_json  A JSON object with the keys that differ from the preset's defaults; NULL or "" for
///                     none.
/// @param out_json     Receives the whole configuration. Free it with `coopseg_string_free`.
/// @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_CONFIG`: an unknown key, a wrong type or a
///         value out of range; the message names the key and what was expected.
/// Threads: any number of calls at once.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coopseg_config_check(
    config_json: *const c_char,
    out_json: *mut *mut c_char,
) -> coopseg_status {
    guard(|| {
        require(out_json, "out_json")?;
        // SAFETY: zero-ended text or NULL by contract.
        let config = Configuration::from_json(unsafe { read_or_empty(config_json, "config_json") }?)?;
        // SAFETY: not NULL, writable by contract.
        unsafe { write_json(out_json, &config.to_json()?) }
    })
}

/// Returns the JSON schema (draft 2020-12) of one kind of options: every key with its description, type,
/// range and default.
///
/// @param kind      "training" (the configuration of models and trainers), "segmenter", "folder" (of
///                  `coopseg_dataset_open`), "synthetic" (of `coopseg_dataset_synthetic`), "split" (of
///                  `coopseg_dataset_split`), "evaluation" (of `coopseg_evaluation_run`), "hard_example" or
///                  "artefact" (of `coopseg_artefact_simulate`).
/// @param out_json  Receives the schema. Free it with `coopseg_string_free`.
/// @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_ARGUMENT` (kind).
/// Threads: any number of calls at once.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coopseg_config_schema(
    kind: *const c_char,
    out_json: *mut *mut c_char,
) -> coopseg_status {
    guard(|| {
        require(out_json, "out_json")?;
        // SAFETY: zero-ended text or NULL by contract.
        let schema = schema_of(unsafe { read(kind, "kind") }?)?;
        // SAFETY: not NULL, writable by contract.
        unsafe { write_json(out_json, &schema) }
    })
}

fn schema_of(kind: &str) -> Result<Value> {
    match kind {
        "training" => Ok(Configuration::json_schema()),
        "segmenter" => Ok(schema::of::<SegmenterOptions>()),
        "folder" => Ok(schema::of::<FolderOptions>()),
        "synthetic" => Ok(schema::of::<phantom::Options>()),
        "split" => Ok(schema::of::<SplitOptions>()),
        "evaluation" => Ok(schema::of::<EvaluationOptions>()),
        "hard_example" => Ok(schema::of::<super::hard_example::HardExampleOptions>()),
        "artefact" => Ok(schema::of::<Simulation>()),
        other => Err(Error::InvalidArgument(format!(
            "`kind` is \"{other}\"; expected \"training\", \"segmenter\", \"folder\", \"synthetic\", \
             \"split\", \"evaluation\", \"hard_example\" or \"artefact\""
        ))),
    }
}
