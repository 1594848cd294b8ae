//! The decoder that segmentations, images and corrected segmentations come from.

use super::batch_norm::BatchNormMode;
use super::convolution::{Bias, Convolution, Upsampling};
use super::encoder::ResidualBlock;
use super::initialise::Initialiser;
use super::precision::SharedPrecision;
use crate::error::Result;
use tch::Tensor;

/// How a decoder doubles the resolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enlargement {
    /// Every pixel twice in each direction; no parameters.
    Nearest,
    /// A learned transposed convolution.
    Learned,
}

#[derive(Debug)]
pub(super) struct UpBlock {
    up: Option<Upsampling>,
    pub(super) block: ResidualBlock,
}

/// N×8w×h×w to N×outputs×16h×16w (METHOD §1, "Decoder"); raw values, no activation at the end.
#[derive(Debug)]
pub struct Decoder {
    pub(super) up: Vec<UpBlock>,
    pub(super) last: Convolution,
    precision: SharedPrecision,
}

impl Decoder {
    /// A decoder of base width `width`.
    pub fn new(init: &mut Initialiser, width: i64, outputs: i64, enlargement: Enlargement) -> Result<Self> {
        let steps = [[8 * width, 4 * width], [4 * width, 2 * width], [2 * width, width], [width, width]];
        let mut up = Vec::with_capacity(4);
        for (index, channels) in steps.into_iter().enumerate() {
            up.push(init.within(&format!("up{}", index + 1), |init| {
                Ok(UpBlock {
                    up: match enlargement {
                        Enlargement::Nearest => None,
                        Enlargement::Learned => Some(Upsampling::new(init, "up", channels[0])?),
                    },
                    block: ResidualBlock::new(init, channels)?,
                })
            })?);
        }
        let last = Convolution::new(init, "final_conv", [width, outputs], 1, 1, Bias::Zero)?;
        Ok(Decoder { up, last, precision: init.precision.clone() })
    }

    /// Decodes a latent code.
    pub fn forward(&self, code: &Tensor, mode: BatchNormMode) -> Result<Tensor> {
        let mut x = self.precision.enter(code)?;
        for step in &self.up {
            x = match &step.up {
                Some(up) => step.block.forward(&up.forward(&x)?, mode)?,
                None => step.block.forward_doubled(&x, mode)?,
            };
        }
        SharedPrecision::leave(self.last.forward(&x)?)
    }
}
