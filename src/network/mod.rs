//! The fast-thinking and the slow-thinking network (FTN and STN).
//!
//! FTN = image encoder with code decoupler, segmentation decoder, image decoder. STN = shape encoder
//! and shape decoder, a denoising autoencoder of segmentations. Tensors are N×C×H×W; H and W are
//! multiples of [`STRIDE`]. Layer names are those of the published checkpoints.

mod architecture;
mod batch_norm;
mod convolution;
mod cooperative;
mod decoder;
mod encoder;
mod fast;
pub mod inference;
mod initialise;
mod memory_layout;
mod parameters;
mod precision;
mod rectifier;
mod slow;

pub use architecture::{Architecture, CodeSharing};
pub use batch_norm::BatchNormMode;
pub use cooperative::{CooperativeNetwork, SharedNetwork};
pub use fast::{Codes, FastThinkingNetwork};
pub use memory_layout::channels_last;
pub use parameters::{PARTS, Parameter, ParameterKind, Part};
pub use precision::Precision;
pub use slow::{SlowThinkingNetwork, TEMPERATURE, map_of_labels, map_of_logits};

/// The encoders halve the resolution four times.
pub const STRIDE: i64 = 16;

/// How many values of a channel a batch must give at the code, where it is smallest: one has no variance.
pub const LEAST_VALUES_PER_CHANNEL: i64 = 2;
