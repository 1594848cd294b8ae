//! How a model is evaluated.

use crate::error::Result;
use crate::schema;
use crate::segment::SegmenterOptions;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Options of an evaluation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EvaluationOptions {
    /// How the cases are segmented. Default: the segmenter's own defaults.
    pub segmenter: SegmenterOptions,
    /// Whether surface distances are measured. Default: true.
    pub surface_distances: bool,
    /// Whether a case that cannot be read or has no labels is left out and listed under "failures"; if not, it
    /// ends the evaluation. Default: false.
    pub skip_failures: bool,
}

impl Default for EvaluationOptions {
    fn default() -> Self {
        EvaluationOptions {
            segmenter: SegmenterOptions::default(),
            surface_distances: true,
            skip_failures: false,
        }
    }
}

impl EvaluationOptions {
    /// Reads a caller's JSON object over the defaults.
    pub fn from_json(text: &str) -> Result<Self> {
        schema::overlay_text(&EvaluationOptions::default(), text)
    }
}
