//! The fast-thinking network: image to segmentation and image to image, through decoupled codes.

use super::architecture::{Architecture, CodeSharing};
use super::batch_norm::{BatchNormMode, Ending};
use super::decoder::{Decoder, Enlargement};
use super::encoder::{DoubleConvolution, Encoder};
use super::initialise::Initialiser;
use super::rectifier::Rectifier;
use crate::error::Result;
use tch::Tensor;

/// The two latent codes of an image, each N×8w×H/16×W/16 and non-negative.
#[derive(Debug)]
pub struct Codes {
    /// z_i, from which the image is reconstructed.
    pub image: Tensor,
    /// z_s, from which the segmentation is decoded.
    pub shape: Tensor,
}

impl Codes {
    /// The same values, cut off from the networks that made them.
    pub fn detach(&self) -> Result<Codes> {
        Ok(Codes { image: self.image.f_detach()?, shape: self.shape.f_detach()? })
    }

    /// The same, where a graph of its own begins: gradients end in these tensors.
    pub fn cut(&self) -> Result<Codes> {
        let Codes { image, shape } = self.detach()?;
        Ok(Codes { image: image.f_set_requires_grad(true)?, shape: shape.f_set_requires_grad(true)? })
    }
}

/// Image encoder E, code decoupler H, segmentation decoder D_s and image decoder D_i (paper §2.1).
#[derive(Debug)]
pub struct FastThinkingNetwork {
    pub(super) encoder: Encoder,
    pub(super) decoupler: DoubleConvolution,
    pub(super) segmentation_decoder: Decoder,
    image_decoder: Decoder,
    code_sharing: CodeSharing,
}

impl FastThinkingNetwork {
    /// New networks with initial weights.
    pub fn new(init: &mut Initialiser, architecture: &Architecture) -> Result<Self> {
        let (width, code) = (architecture.width, architecture.code_channels());
        let (encoder, decoupler) = init.within("image_encoder", |init| {
            let encoder =
                init.within("general_encoder", |init| Encoder::new(init, architecture.channels, width))?;
            Ok((encoder, DoubleConvolution::new(init, "code_decoupler", [code, code])?))
        })?;
        let segmentation_decoder = init.within("segmentation_decoder", |init| {
            Decoder::new(init, width, architecture.classes, Enlargement::Nearest)
        })?;
        let image_decoder = init.within("image_decoder", |init| {
            Decoder::new(init, width, architecture.channels, Enlargement::Learned)
        })?;
        let code_sharing = architecture.code_sharing;
        Ok(FastThinkingNetwork { encoder, decoupler, segmentation_decoder, image_decoder, code_sharing })
    }

    /// E and H: the codes of images N×channels×H×W with values in [0, 1].
    pub fn encode(&self, images: &Tensor, mode: BatchNormMode) -> Result<Codes> {
        let image = self.encoder.forward(images, mode)?;
        if self.code_sharing == CodeSharing::Image {
            return Ok(Codes { shape: image.shallow_clone(), image });
        }
        let shape = self.decoupler.forward(&image, mode, Ending::with(Rectifier::Relu))?;
        let image = if self.code_sharing == CodeSharing::Shape { shape.shallow_clone() } else { image };
        Ok(Codes { image, shape })
    }

    /// D_s: a shape code to logits N×C×H×W.
    pub fn segment(&self, shape_code: &Tensor, mode: BatchNormMode) -> Result<Tensor> {
        self.segmentation_decoder.forward(shape_code, mode)
    }

    /// D_i: an image code to an image N×channels×H×W with values in (0, 1).
    pub fn reconstruct(&self, image_code: &Tensor, mode: BatchNormMode) -> Result<Tensor> {
        Ok(self.image_decoder.forward(image_code, mode)?.f_sigmoid_()?)
    }
}
