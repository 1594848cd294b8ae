//! How volumes are segmented.

use crate::error::Result;
use crate::runtime::DeviceChoice;
use crate::schema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Options of a segmenter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SegmenterOptions {
    /// `auto`, `cpu`, `cuda` or `cuda:N`. Default: `auto`.
    pub device: String,
    /// Passes of the slow-thinking network: 0 is the fast-thinking network alone, 1 the paper's result;
    /// each further pass reads the map that the one before wrote. Default: 1.
    #[schemars(range(min = 0, max = 100))]
    pub iterations: usize,
    /// Slices that go through the networks at once; bounds the memory. Default: 10.
    #[schemars(range(min = 1, max = 4096))]
    pub chunk: usize,
}

impl Default for SegmenterOptions {
    fn default() -> Self {
        SegmenterOptions { device: "auto".to_owned(), iterations: 1, chunk: 10 }
    }
}

impl SegmenterOptions {
    /// Reads a caller's JSON object over the defaults.
    pub fn from_json(text: &str) -> Result<Self> {
        let options: SegmenterOptions = schema::overlay_text(&SegmenterOptions::default(), text)?;
        options.device.parse::<DeviceChoice>()?;
        Ok(options)
    }
}
