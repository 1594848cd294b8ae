//! Every tensor of the networks by its published name.

use tch::Tensor;

/// The five parts, in the order of the published checkpoint files.
pub const PARTS: [&str; 5] =
    ["image_encoder", "segmentation_decoder", "image_decoder", "shape_encoder", "shape_decoder"];

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
