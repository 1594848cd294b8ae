//! Every tensor of the networks by its published name.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::Tensor;

/// The five parts, in the order of the published checkpoint files.
pub const PARTS: [&str; 5] =
    ["image_encoder", "segmentation_decoder", "image_decoder", "shape_encoder", "shape_decoder"];

/// One of the five parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// E and H of the fast-thinking network.
    ImageEncoder,
    /// D_s of the fast-thinking network.
    SegmentationDecoder,
    /// D_i of the fast-thinking network.
    ImageDecoder,
    /// The encoder of the slow-thinking network.
    ShapeEncoder,
    /// The decoder of the slow-thinking network.
    ShapeDecoder,
}

impl Part {
    /// All parts, in the order of [`PARTS`].
    pub const ALL: [Part; 5] = [
        Part::ImageEncoder,
        Part::SegmentationDecoder,
        Part::ImageDecoder,
        Part::ShapeEncoder,
        Part::ShapeDecoder,
    ];

    /// What the names of its tensors begin with.
    pub fn name(self) -> &'static str {
        PARTS[self as usize]
    }
}

/// What a tensor is to training.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParameterKind {
    /// Trained by the optimiser.
    Weight,
    /// Kept by batch normalisation: running mean, running variance, number of batches.
    Buffer,
}

/// One named tensor. Clones share storage with the layer that uses it.
#[derive(Debug)]
pub struct Parameter {
    /// `part.layer.tensor`, e.g. `image_encoder.general_encoder.inc.0.weight`.
    pub name: String,
    /// The tensor itself.
    pub tensor: Tensor,
    /// Trained or kept.
    pub kind: ParameterKind,
}
