//! Hard examples: what the decoders make of masked codes.

use super::config::{HardExamples, Source};
use super::mask::{self, MaskDraw};
use crate::error::Result;
use crate::loss::{ReconstructionLoss, cross_entropy};
use crate::network::{BatchNormMode, Codes, CooperativeNetwork};
use tch::Tensor;

/// A mask and what became of the masked code. No gradients attached.
#[derive(Debug)]
pub struct HardExample {
    /// x̂, N×1×H×W in (0, 1), or the logits of p̂, N×C×H×W.
    pub corrupted: Tensor,
    /// N×c×1×1 or N×1×h×w; see [`mask::mask`].
    pub mask: Tensor,
}

/// A masked code, N×c×h×w, and its mask. No gradients attached.
#[derive(Debug)]
pub struct MaskedCode {
    /// The code times the mask.
    pub code: Tensor,
    /// As in [`HardExample`].
    pub mask: Tensor,
}

/// Makes hard examples with one network.
pub struct HardExampleMaker<'a> {
    /// The networks whose decoders are used; they stay as they are, but for `gradient_mode`.
    pub network: &'a CooperativeNetwork,
    /// What is masked and how.
    pub config: &'a HardExamples,
    /// The loss that targets the image code.
    pub reconstruction: ReconstructionLoss,
    /// What batch normalisation does in the pass that finds the gradient of a targeted mask.
    pub gradient_mode: BatchNormMode,
}

impl HardExampleMaker<'_> {
    /// Masks one code and decodes it.
    ///
    /// `target` is the clean image N×1×H×W for [`Source::Image`] and the labels N×H×W for
    /// [`Source::Shape`]. Targeted masks follow the gradient of the loss against it with respect to the
    /// code alone, `known` where the caller has it up to a positive factor; no gradient reaches the networks.
    pub fn make(
        &self,
        codes: &Codes,
        source: Source,
        target: &Tensor,
        draw: &MaskDraw,
        known: Option<Tensor>,
    ) -> Result<HardExample> {
        let MaskedCode { code, mask } = self.mask(codes, source, target, draw, known)?;
        Ok(HardExample { corrupted: self.decode(&code, source)?, mask })
    }

    /// The first half of [`HardExampleMaker::make`]: the masked code.
    pub fn mask(
        &self,
        codes: &Codes,
        source: Source,
        target: &Tensor,
        draw: &MaskDraw,
        known: Option<Tensor>,
    ) -> Result<MaskedCode> {
        let code = match source {
            Source::Image => codes.image.f_detach()?,
            Source::Shape => codes.shape.f_detach()?,
        };
        let gradient = match known {
            _ if !draw.scheme.is_targeted() => None,
            Some(gradient) => Some(gradient),
            None => Some(self.gradient(&code, source, target)?),
        };
        let _guard = tch::no_grad_guard();
        let mask = mask::mask(draw, self.config, gradient.as_ref(), &code)?;
        Ok(MaskedCode { code: mask::apply(&code, &mask)?, mask })
    }

    /// The second half: what the decoder of `source` makes of a masked code.
    pub fn decode(&self, code: &Tensor, source: Source) -> Result<Tensor> {
        let _guard = tch::no_grad_guard();
        self.decode_in(code, source, BatchNormMode::PROBE)
    }

    fn decode_in(&self, code: &Tensor, source: Source, mode: BatchNormMode) -> Result<Tensor> {
        match source {
            Source::Image => self.network.fast.reconstruct(code, mode),
            Source::Shape => self.network.fast.segment(code, mode),
        }
    }

    /// ∂loss/∂code, of the code's shape.
    fn gradient(&self, code: &Tensor, source: Source, target: &Tensor) -> Result<Tensor> {
        let leaf = code.f_detach()?.f_set_requires_grad(true)?;
        let decoded = self.decode_in(&leaf, source, self.gradient_mode)?;
        let loss = match source {
            Source::Image => self.reconstruction.between(&decoded, target)?,
            Source::Shape => cross_entropy(&decoded, target)?,
        };
        let mut gradients = Tensor::f_run_backward(&[loss], &[&leaf], false, false)?;
        gradients.pop().ok_or_else(|| {
            crate::error::Error::Internal("libtorch returned no gradient for the latent code".to_owned())
        })
    }
}
