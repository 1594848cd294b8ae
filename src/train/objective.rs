//! The losses of one training step: L_std (paper Eq. 1) and L_hard (paper Eq. 5).

use super::configuration::{Configuration, HardAffine};
use super::standard_pass::StandardPass;
use crate::error::Result;
use crate::loss::{ReconstructionLoss, cross_entropy, soft_dice_loss, weighted_cross_entropy};
use crate::network::{BatchNormMode, CooperativeNetwork, map_of_labels, map_of_logits};
use crate::runtime::{Results, ScalarOperators};
use once_cell::unsync::OnceCell;
use tch::Tensor;

/// The parts of L_std, unweighted scalars with gradients.
#[derive(Debug)]
pub struct StandardLosses {
    /// CE(p, y).
    pub segmentation: Tensor,
    /// 1 − soft Dice of p, where a Dice term is asked for.
    pub segmentation_dice: Option<Tensor>,
    /// R(x', x).
    pub reconstruction: Tensor,
    /// CE(C(p), y).
    pub shape_from_prediction: Tensor,
    /// CE(C(y), y).
    pub shape_from_label: Tensor,
}

/// The parts of L_hard, unweighted scalars with gradients; a part whose source is switched off is
/// absent.
#[derive(Debug)]
pub struct HardLosses {
    /// CE(p̄, y).
    pub segmentation: Option<Tensor>,
    /// 1 − soft Dice of p̄, where a Dice term is asked for.
    pub segmentation_dice: Option<Tensor>,
    /// R(D_i(E(x̂)), x).
    pub reconstruction: Option<Tensor>,
    /// CE(C(p̄), y).
    pub shape_from_prediction: Option<Tensor>,
    /// CE(C(p̂), y).
    pub shape_from_corrupted: Option<Tensor>,
}

/// What is minimised, as the configuration says.
#[derive(Debug)]
pub struct Objective {
    reconstruction: ReconstructionLoss,
    weights: [f64; 3],
    dice_weight: f64,
    class_weights: Option<Vec<f32>>,
    /// The same where the labels are.
    class_weights_there: OnceCell<Tensor>,
    deterministic: bool,
    separate_training: bool,
    hard_mode: BatchNormMode,
    hard_image_mode: BatchNormMode,
}

impl StandardLosses {
    /// The same numbers, without the graph that leads to them.
    pub fn detach(&self) -> Result<Self> {
        Ok(StandardLosses {
            segmentation: self.segmentation.f_detach()?,
            segmentation_dice: detached(self.segmentation_dice.as_ref())?,
            reconstruction: self.reconstruction.f_detach()?,
            shape_from_prediction: self.shape_from_prediction.f_detach()?,
            shape_from_label: self.shape_from_label.f_detach()?,
        })
    }
}

impl HardLosses {
    /// The same numbers, without the graph that leads to them.
    pub fn detach(&self) -> Result<Self> {
        Ok(HardLosses {
            segmentation: detached(self.segmentation.as_ref())?,
            segmentation_dice: detached(self.segmentation_dice.as_ref())?,
            reconstruction: detached(self.reconstruction.as_ref())?,
            shape_from_prediction: detached(self.shape_from_prediction.as_ref())?,
            shape_from_corrupted: detached(self.shape_from_corrupted.as_ref())?,
        })
    }
}

impl Results for HardLosses {
    fn share(&self) -> Result<Self> {
        self.detach()
    }
}

fn detached(part: Option<&Tensor>) -> Result<Option<Tensor>> {
    Ok(part.map(Tensor::f_detach).transpose()?)
}

impl Objective {
    /// Reads the losses' part of a configuration.
    pub fn new(config: &Configuration) -> Self {
        let norm = &config.batch_norm;
        let probe = BatchNormMode { update_running: norm.hard_updates_running, ..BatchNormMode::PROBE };
        let hard_mode = match norm.hard_affine {
            HardAffine::FrozenExceptImageDecoder => probe.frozen_affine(),
            HardAffine::Trained => probe,
        };
        let hard_image_mode =
            BatchNormMode { update_running: probe.update_running || norm.official_bn_side_effects, ..probe };
        let losses = &config.losses;
        Objective {
            reconstruction: losses.reconstruction,
            weights: [losses.segmentation_weight, losses.reconstruction_weight, losses.shape_weight],
            dice_weight: losses.dice_weight,
            class_weights: losses
                .class_weights
                .as_ref()
                .map(|weights| weights.iter().map(|&weight| weight as f32).collect()),
            class_weights_there: OnceCell::new(),
            deterministic: config.deterministic,
            separate_training: config.separate_training,
            hard_mode,
            hard_image_mode,
        }
    }

    /// L_std for images N×1×H×W with labels N×H×W. `input` is what the fast-thinking network sees (the
    /// images, or the images with noise); targets are the clean images.
    pub fn standard(
        &self,
        network: &CooperativeNetwork,
        input: &Tensor,
        images: &Tensor,
        labels: &Tensor,
    ) -> Result<StandardPass> {
        let mode = BatchNormMode::TRAINING;
        let classes = network.architecture().classes;
        let codes = network.fast.encode(input, mode)?;
        let decoded = codes.cut()?;
        let reconstruction = network.fast.reconstruct(&decoded.image, mode)?;
        let prediction = network.fast.segment(&decoded.shape, mode)?;
        // The running statistics depend on the order of these two passes: labels come first.
        let remembered = network.slow.correct(&map_of_labels(labels, classes, input.kind())?, mode)?;
        let corrected = network.slow.correct(&self.map_for_slow(&prediction)?, mode)?;
        let losses = StandardLosses {
            segmentation: self.cross_entropy(&prediction, labels)?,
            segmentation_dice: self.dice(&prediction, labels)?,
            reconstruction: self.reconstruction.between(&reconstruction, images)?,
            shape_from_prediction: self.cross_entropy(&corrected, labels)?,
            shape_from_label: self.cross_entropy(&remembered, labels)?,
        };
        Ok(StandardPass { losses, codes, decoded, prediction })
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
            segmentation_dice: None,
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
            losses.segmentation = Some(self.cross_entropy(&prediction, labels)?);
            losses.segmentation_dice = self.dice(&prediction, labels)?;
            losses.shape_from_prediction = Some(self.cross_entropy(&corrected, labels)?);
        }
        if let Some(logits) = corrupted_logits {
            let corrected = network.slow.correct(&map_of_logits(&logits.f_detach()?)?, mode)?;
            losses.shape_from_corrupted = Some(self.cross_entropy(&corrected, labels)?);
        }
        Ok(losses)
    }

    /// Whether R counts at all.
    pub(super) fn weighs_reconstruction(&self) -> bool {
        let [_, reconstruction, _] = self.weights;
        reconstruction > 0.0
    }

    /// λ_seg CE + λ_rec R + λ_shp CE + λ_shp CE, with the Dice term where there is one.
    pub fn standard_total(&self, losses: &StandardLosses) -> Result<Tensor> {
        self.total(
            [
                Some(&losses.segmentation),
                losses.segmentation_dice.as_ref(),
                Some(&losses.reconstruction),
                Some(&losses.shape_from_prediction),
                Some(&losses.shape_from_label),
            ],
            losses.segmentation.f_zeros_like()?,
        )
    }

    /// The same for the parts of L_hard that are present.
    pub fn hard_total(&self, losses: &HardLosses, labels: &Tensor) -> Result<Tensor> {
        self.total(
            [
                losses.segmentation.as_ref(),
                losses.segmentation_dice.as_ref(),
                losses.reconstruction.as_ref(),
                losses.shape_from_prediction.as_ref(),
                losses.shape_from_corrupted.as_ref(),
            ],
            Tensor::f_zeros([] as [i64; 0], (tch::Kind::Float, labels.device()))?,
        )
    }

    /// Segmentation, its Dice term, reconstruction and two shape losses, weighted.
    fn total(&self, parts: [Option<&Tensor>; 5], zero: Tensor) -> Result<Tensor> {
        let [seg, rec, shp] = self.weights;
        let mut total = zero;
        for (part, weight) in parts.into_iter().zip([seg, seg * self.dice_weight, rec, shp, shp]) {
            if let Some(part) = part {
                total = total.f_add(&part.try_mul_scalar(weight)?)?;
            }
        }
        Ok(total)
    }

    fn cross_entropy(&self, logits: &Tensor, labels: &Tensor) -> Result<Tensor> {
        match &self.class_weights {
            Some(weights) => {
                let there =
                    || -> Result<Tensor> { Ok(Tensor::f_from_slice(weights)?.f_to_device(logits.device())?) };
                weighted_cross_entropy(logits, labels, Some(self.class_weights_there.get_or_try_init(there)?))
            }
            None if self.deterministic => weighted_cross_entropy(logits, labels, None),
            None => cross_entropy(logits, labels),
        }
    }

    fn dice(&self, logits: &Tensor, labels: &Tensor) -> Result<Option<Tensor>> {
        (self.dice_weight > 0.0).then(|| soft_dice_loss(logits, labels)).transpose()
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
