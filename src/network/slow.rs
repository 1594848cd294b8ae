//! The slow-thinking network: a denoising autoencoder that corrects segmentations.

use super::architecture::Architecture;
use super::batch_norm::BatchNormMode;
use super::decoder::{Decoder, Enlargement};
use super::encoder::Encoder;
use super::initialise::Initialiser;
use super::memory_layout::{channels_last, is_channels_last};
use crate::error::Result;
use crate::runtime::ScalarOperators;
use tch::{Kind, Tensor};

/// Logits are divided by this before the softmax that the slow-thinking network reads.
pub const TEMPERATURE: f64 = 2.0;

/// Shape encoder and shape decoder, C_ψ in the paper.
#[derive(Debug)]
pub struct SlowThinkingNetwork {
    pub(super) encoder: Encoder,
    pub(super) decoder: Decoder,
}

impl SlowThinkingNetwork {
    /// New networks with initial weights.
    pub fn new(init: &mut Initialiser, architecture: &Architecture) -> Result<Self> {
        let (width, classes) = (architecture.width, architecture.classes);
        Ok(SlowThinkingNetwork {
            encoder: init.within("shape_encoder", |init| Encoder::new(init, classes, width))?,
            decoder: init
                .within("shape_decoder", |init| Decoder::new(init, width, classes, Enlargement::Nearest))?,
        })
    }

    /// A segmentation map N×C×H×W (from [`map_of_logits`] or [`map_of_labels`]) to corrected logits.
    pub fn correct(&self, map: &Tensor, mode: BatchNormMode) -> Result<Tensor> {
        self.decoder.forward(&self.encoder.forward(map, mode)?, mode)
    }
}

/// What the network reads of a prediction: softmax(logits / 2) over the classes, in the memory layout of the logits.
pub fn map_of_logits(logits: &Tensor) -> Result<Tensor> {
    // libtorch's softmax leaves the channel slowest, whatever it gets.
    let map = logits.try_div_scalar(TEMPERATURE)?.f_softmax(1, logits.kind())?;
    if is_channels_last(logits)? { channels_last(&map) } else { Ok(map) }
}

/// What the network reads of labels N×H×W: their one-hot map N×C×H×W of type `kind`, with the class fastest in memory.
///
/// The layout is that of the published code. It decides which kernels libtorch runs, whose rounding
/// differs enough to be seen in gradients (1e-3), so it is part of agreeing with that code.
pub fn map_of_labels(labels: &Tensor, classes: i64, kind: Kind) -> Result<Tensor> {
    Ok(labels.f_one_hot(classes)?.f_permute([0, 3, 1, 2])?.f_to_kind(kind)?)
}
