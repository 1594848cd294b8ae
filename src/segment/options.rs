//! How volumes are segmented.

use crate::error::Result;
use crate::network::Precision;
use crate::runtime::DeviceChoice;
use crate::schema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::Device;

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
    /// Type that the networks compute in. `bfloat16` is about twice as fast on processors that have it, and changes
    /// labels at few borders. On GPUs `float16` is faster still and has three bits more; `tensorfloat32` has its precision
    /// and the range of float32. Default: `float32`.
    pub precision: Precision,
    /// Most slices that go through the networks at once; bounds the memory. On the CPU every thread takes a chunk of its
    /// own. null: what suits device and precision (2 or 5 on the CPU, 64 on CUDA). Where memory runs out, smaller chunks are
    /// tried. Default: null.
    #[schemars(range(min = 1, max = 4096))]
    pub chunk: Option<usize>,
}

impl Default for SegmenterOptions {
    fn default() -> Self {
        SegmenterOptions {
            device: "auto".to_owned(),
            iterations: 1,
            precision: Precision::Float32,
            chunk: None,
        }
    }
}

impl SegmenterOptions {
    /// Reads a caller's JSON object over the defaults.
    pub fn from_json(text: &str) -> Result<Self> {
        let options: SegmenterOptions = schema::overlay_text(&SegmenterOptions::default(), text)?;
        options.device.parse::<DeviceChoice>()?;
        Ok(options)
    }

    /// Slices at once on `device`.
    pub fn chunk_on(&self, device: Device) -> usize {
        // On the CPU few slices stay in a core's cache, and enough hide what a layer costs beside its arithmetic; a GPU
        // needs many to be busy.
        self.chunk.unwrap_or(match (device, self.precision) {
            (Device::Cpu, Precision::Bfloat16) => 5,
            (Device::Cpu, _) => 2,
            _ => 64,
        })
    }
}
