//! The loss functions of cooperative training (paper §2.2).

use crate::error::Result;
use crate::runtime::ScalarOperators;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{Kind, Reduction, Tensor};

/// How a reconstructed image is compared with the clean one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReconstructionLoss {
    /// Half the mean squared error (the published implementation).
    HalfMse,
    /// The mean squared error (the paper).
    Mse,
}

impl ReconstructionLoss {
    /// The loss between two tensors of the same shape, a scalar.
    pub fn between(self, reconstruction: &Tensor, image: &Tensor) -> Result<Tensor> {
        let mse = reconstruction.f_mse_loss(image, Reduction::Mean)?;
        Ok(match self {
            ReconstructionLoss::HalfMse => mse.try_mul_scalar(0.5)?,
            ReconstructionLoss::Mse => mse,
        })
    }
}

/// Cross-entropy of logits N×C×H×W with labels N×H×W (int64), mean over all pixels.
pub fn cross_entropy(logits: &Tensor, labels: &Tensor) -> Result<Tensor> {
    if logits.device().is_cuda() {
        // libtorch's own mean is refused there where the host has asked for deterministic algorithms.
        return weighted_cross_entropy(logits, labels, None);
    }
    Ok(logits.f_cross_entropy_loss::<Tensor>(labels, None, Reduction::Mean, -100, 0.0)?)
}

/// The same with one weight per class: Σ w_y CE / Σ w_y, without sums whose order changes from run to run
/// on CUDA.
pub fn weighted_cross_entropy(logits: &Tensor, labels: &Tensor, weights: Option<&Tensor>) -> Result<Tensor> {
    let per_pixel = logits.f_cross_entropy_loss(labels, weights, Reduction::None, -100, 0.0)?;
    match weights {
        None => Ok(per_pixel.f_mean(Kind::Float)?),
        Some(weights) => {
            let total = weights.f_index_select(0, &labels.f_flatten(0, -1)?)?.f_sum(Kind::Float)?;
            Ok(per_pixel.f_sum(Kind::Float)?.f_div(&total.try_clamp_min(1e-12)?)?)
        }
    }
}

/// Added to both sides of the fraction, so that a class that is nowhere counts as found.
const DICE_SMOOTHING: f64 = 1e-5;

/// 1 − soft Dice of softmax(logits) N×C×H×W with labels N×H×W, over the whole batch and averaged over the
/// classes without the background (Milletari et al. 2016, with sums in the denominator).
pub fn soft_dice_loss(logits: &Tensor, labels: &Tensor) -> Result<Tensor> {
    let (_, classes, _, _) = logits.size4()?;
    let probabilities = logits.f_softmax(1, Kind::Float)?;
    let mut dice = Vec::new();
    for class in 1..classes {
        let predicted = probabilities.f_select(1, class)?;
        let reference = labels.try_eq(class)?.f_to_kind(Kind::Float)?;
        let both = predicted.f_mul(&reference)?.f_sum(Kind::Float)?;
        let sizes = predicted.f_sum(Kind::Float)?.f_add(&reference.f_sum(Kind::Float)?)?;
        let fraction = both
            .try_mul_scalar(2.0)?
            .try_add_scalar(DICE_SMOOTHING)?
            .f_div(&sizes.try_add_scalar(DICE_SMOOTHING)?)?;
        dice.push(fraction);
    }
    Ok(Tensor::f_stack(&dice, 0)?.f_mean(Kind::Float)?.f_neg()?.try_add_scalar(1.0)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_are_what_their_formulas_say() {
        // Two pixels, three classes; softmax of equal logits is 1/3.
        let logits = Tensor::from_slice(&[0.0f32, 0.0, 0.0, 4.0, 0.0, -1.0]).reshape([1, 3, 1, 2]);
        let labels = Tensor::from_slice(&[0i64, 1]).reshape([1, 1, 2]);
        let value = |tensor: Tensor| tensor.double_value(&[]);
        let softmax = |logits: [f64; 3], class: usize| {
            logits[class].exp() / logits.iter().map(|logit| logit.exp()).sum::<f64>()
        };
        let (p, q) = ([0.0, 0.0, 0.0], [0.0, 4.0, -1.0]);
        let [ce_p, ce_q] = [-softmax(p, 0).ln(), -softmax(q, 1).ln()];
        let plain = value(cross_entropy(&logits, &labels).unwrap());
        assert!((plain - (ce_p + ce_q) / 2.0).abs() < 1e-6);
        assert!((value(weighted_cross_entropy(&logits, &labels, None).unwrap()) - plain).abs() < 1e-6);
        let weights = Tensor::from_slice(&[1.0f32, 3.0, 5.0]);
        let weighted = value(weighted_cross_entropy(&logits, &labels, Some(&weights)).unwrap());
        assert!((weighted - (ce_p + 3.0 * ce_q) / 4.0).abs() < 1e-6);
        let torch: Tensor = logits.cross_entropy_loss(&labels, Some(&weights), Reduction::Mean, -100, 0.0);
        assert!((weighted - value(torch)).abs() < 1e-6);
        let class = |class: usize, reference: f64| {
            let both = if class == 1 { softmax(q, 1) } else { 0.0 };
            (2.0 * both + 1e-5) / (softmax(p, class) + softmax(q, class) + reference + 1e-5)
        };
        let expected = 1.0 - (class(1, 1.0) + class(2, 0.0)) / 2.0;
        assert!((value(soft_dice_loss(&logits, &labels).unwrap()) - expected).abs() < 1e-6);
    }
}
