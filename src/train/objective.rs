//! The losses of one training step: L_std (paper Eq. 1) and L_hard (paper Eq. 5).

use super::configuration::{Configuration, HardAffine};
use crate::error::Result;
use crate::loss::{ReconstructionLoss, cross_entropy};
use crate::network::{BatchNormMode, Codes, CooperativeNetwork, map_of_labels, map_of_logits};
use tch::Tensor;

/// The four parts of L_std, unweighted scalars with gradients.
#[derive(Debug)]
pub struct StandardLosses {
    /// CE(p, y).
    pub segmentation: Tensor,
    /// R(x', x).
    pub reconstruction: Tensor,
    /// CE(C(p), y).
    pub shape_from_prediction: Tensor,
    /// CE(C(y), y).
    pub shape_from_label: Tensor,
}

/// The four parts of L_hard, unweighted scalars with gradients; a part whose source is switched off is
/// absent.
#[derive(Debug)]
pub struct HardLosses {
    /// CE(p̄, y).
    pub segmentation: Option<Tensor>,
    /// R(D_i(E(x̂)), x).
    pub reconstruction: Option<Tensor>,
    /// CE(C(p̄), y).
    pub shape_from_prediction: Option<Tensor>,
    /// CE(C(p̂), y).
    pub shape_from_corrupted: Option<Tensor>,
}

/// What is minimised, as the configuration says.
#[derive(Clone, Copy, Debug)]
pub struct Objective {
    reconstruction: ReconstructionLoss,
    weights: [f64; 3],
    separate_training: bool,
    hard_mode: BatchNormMode,
    hard_image_mode: BatchNormMode,
}

impl Objective {
    /// Reads the losses' part of a configuration.
    pub fn new(config: &Configuration) -> Self {
        let hard_mode = match config.batch_norm.hard_affine {
            HardAffine::FrozenExceptImageDecoder => BatchNormMode::PROBE.frozen_affine(),
            HardAffine::Trained => BatchNormMode::PROBE,
        };
        let hard_image_mode = if config.batch_norm.official_bn_side_effects {
            BatchNormMode::TRAINING
        } else {
            BatchNormMode::PROBE
        };
        let losses = &config.losses;
        Objective {
            reconstruction: losses.reconstruction,
            weights: [losses.segmentation_weight, losses.reconstruction_weight, losses.shape_weight],
            separate_training: config.separate_training,
            hard_mode,
            hard_image_mode,
        }
    }

    /// L_std for images N×1×H×W with labels N×H×W. `input` is what the fast-thinking network sees (the
    /// images, or the images with noise); targets are the clean images. Returns the codes too.
    pub fn standard(
        &self,
        network: &CooperativeNetwork,
        input: &Tensor,
        images: &Tensor,
        labels: &Tensor,
    ) -> Result<(StandardLosses, Codes)> {
        let mode = BatchNormMode::TRAINING;
        let classes = network.architecture().classes;
        let codes = network.fast.encode(input, mode)?;
        let reconstruction = network.fast.reconstruct(&codes.image, mode)?;
        let prediction = network.fast.segment(&codes.shape, mode)?;
        // The running statistics depend on the order of these two passes: labels come first.
        let remembered = network.slow.correct(&map_of_labels(labels, classes)?, mode)?;
        let corrected = network.slow.correct(&self.map_for_slow(&prediction)?, mode)?;
        let losses = StandardLosses {
            segmentation: cross_entropy(&prediction, labels)?,
            reconstruction: self.reconstruction.between(&reconstruction, images)?,
            shape_from_prediction: cross_entropy(&corrected, labels)?,
            shape_from_label: cross_entropy(&remembered, labels)?,
        };
        Ok((losses, codes))
    }

    /// L_hard for corrupted images x̂ (N×1×H×W) and logits of corrupted segmentations p̂ (N×C×H×W), both
    /// constants, against the clean images and the labels.
    pub fn hard(
        &self,
        network: &CooperativeNetwork,
        corrupted_images: Option<&Tensor>,
        corrupted_logits: Option<&Tensor>,
        images: &Tensor,
        labels: &Tensor,
    ) -> Result<HardLosses> {
        let mode = self.hard_mode;
        let mut losses = HardLosses {
            segmentation: None,
            reconstruction: None,
            shape_from_prediction: None,
            shape_from_corrupted: None,
        };
        if let Some(corrupted) = corrupted_images {
            let codes = network.fast.encode(corrupted, mode)?;
            let restored = network.fast.reconstruct(&codes.image, self.hard_image_mode)?;
            let prediction = network.fast.segment(&codes.shape, mode)?;
            let corrected = network.slow.correct(&self.map_for_slow(&prediction)?, mode)?;
            losses.reconstruction = Some(self.reconstruction.between(&restored, images)?);
            losses.segmentation = Some(cross_entropy(&prediction, labels)?);
            losses.shape_from_prediction = Some(cross_entropy(&corrected, labels)?);
        }
        if let Some(logits) = corrupted_logits {
            let corrected = network.slow.correct(&map_of_logits(&logits.f_detach()?)?, mode)?;
            losses.shape_from_corrupted = Some(cross_entropy(&corrected, labels)?);
        }
        Ok(losses)
    }

    /// λ_seg CE + λ_rec R + λ_shp CE + λ_shp CE.
    pub fn standard_total(&self, losses: &StandardLosses) -> Result<Tensor> {
        self.total(
            Some(&losses.segmentation),
            Some(&losses.reconstruction),
            [Some(&losses.shape_from_prediction), Some(&losses.shape_from_label)],
            losses.segmentation.f_zeros_like()?,
        )
    }

    /// The same for the parts of L_hard that are present.
    pub fn hard_total(&self, losses: &HardLosses, labels: &Tensor) -> Result<Tensor> {
        self.total(
            losses.segmentation.as_ref(),
            losses.reconstruction.as_ref(),
            [losses.shape_from_prediction.as_ref(), losses.shape_from_corrupted.as_ref()],
            Tensor::f_zeros([] as [i64; 0], (tch::Kind::Float, labels.device()))?,
        )
    }

    fn total(
        &self,
        segmentation: Option<&Tensor>,
        reconstruction: Option<&Tensor>,
        shapes: [Option<&Tensor>; 2],
        zero: Tensor,
    ) -> Result<Tensor> {
        let [seg, rec, shp] = self.weights;
        let mut total = zero;
        for (part, weight) in [(segmentation, seg), (reconstruction, rec), (shapes[0], shp), (shapes[1], shp)]
        {
            if let Some(part) = part {
                total = total.f_add(&part.f_mul_scalar(weight)?)?;
            }
        }
        Ok(total)
    }

    /// What the slow-thinking network reads of a prediction; without gradients to the fast-thinking
    /// network when the two are trained separately.
    fn map_for_slow(&self, prediction: &Tensor) -> Result<Tensor> {
        if self.separate_training {
            map_of_logits(&prediction.f_detach()?)
        } else {
            map_of_logits(prediction)
        }
    }
}
