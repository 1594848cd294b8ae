//! Which files a training writes about itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Files about a training. Folders on the way are made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Recording {
    /// A CSV file with one row per step and validation. Default: null, none.
    pub csv: Option<PathBuf>,
    /// A file with one JSON object per event and line. Default: null, none.
    pub json_lines: Option<PathBuf>,
    /// A folder for TensorBoard event files. Default: null, none.
    pub tensorboard: Option<PathBuf>,
    /// An HTML report, self-contained, written when the training ends or is cancelled. Default: null, none.
    pub report: Option<PathBuf>,
}
