//! The loss functions of cooperative training (paper §2.2).

use crate::error::Result;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{Reduction, Tensor};

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
            ReconstructionLoss::HalfMse => mse.f_mul_scalar(0.5)?,
            ReconstructionLoss::Mse => mse,
        })
    }
}

/// Cross-entropy of logits N×C×H×W with labels N×H×W (int64), mean over all pixels.
pub fn cross_entropy(logits: &Tensor, labels: &Tensor) -> Result<Tensor> {
    Ok(logits.f_cross_entropy_loss::<Tensor>(labels, None, Reduction::Mean, -100, 0.0)?)
}
