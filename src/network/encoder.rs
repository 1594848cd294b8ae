//! The encoder that both networks use, and the block that halves its resolution.

use super::batch_norm::{BatchNorm, BatchNormMode, Ending};
use super::convolution::{Bias, Convolution};
use super::initialise::Initialiser;
use super::precision::SharedPrecision;
use super::rectifier::Rectifier;
use crate::error::Result;
use tch::Tensor;

/// Every pixel twice in each direction.
pub(super) fn doubled(x: &Tensor) -> Result<Tensor> {
    let (_, _, height, width) = x.size4()?;
    Ok(x.f_upsample_nearest2d([2 * height, 2 * width], None, None)?)
}

/// C3, BN, LReLU, C3, BN, and an ending of choice.
#[derive(Debug)]
pub struct DoubleConvolution {
    pub(super) first: Convolution,
    pub(super) first_norm: BatchNorm,
    pub(super) second: Convolution,
    pub(super) second_norm: BatchNorm,
}

impl DoubleConvolution {
    /// `inputs` to `outputs` channels; the layers are numbered as in a sequence with the rectifier.
    pub fn new(init: &mut Initialiser, name: &str, [inputs, outputs]: [i64; 2]) -> Result<Self> {
        init.within(name, |init| {
            Ok(DoubleConvolution {
                first: Convolution::new(init, "0", [inputs, outputs], 3, 1, Bias::Uniform)?,
                first_norm: BatchNorm::new(init, "1", outputs)?,
                second: Convolution::new(init, "3", [outputs, outputs], 3, 1, Bias::Uniform)?,
                second_norm: BatchNorm::new(init, "4", outputs)?,
            })
        })
    }

    /// Keeps the size.
    pub fn forward(&self, x: &Tensor, mode: BatchNormMode, ending: Ending) -> Result<Tensor> {
        let first =
            normalised(&self.first, &self.first_norm, x, mode, false, Ending::with(Rectifier::LeakyRelu))?;
        normalised(&self.second, &self.second_norm, &first, mode, false, ending)
    }

    /// The same of `x` with every pixel twice in each direction.
    pub fn forward_doubled(&self, x: &Tensor, mode: BatchNormMode, ending: Ending) -> Result<Tensor> {
        let first =
            normalised(&self.first, &self.first_norm, x, mode, true, Ending::with(Rectifier::LeakyRelu))?;
        normalised(&self.second, &self.second_norm, &first, mode, false, ending)
    }
}

/// ending(norm(convolution(x))), of `x` as it is or with every pixel twice in each direction.
fn normalised(
    convolution: &Convolution,
    norm: &BatchNorm,
    x: &Tensor,
    mode: BatchNormMode,
    doubled: bool,
    ending: Ending,
) -> Result<Tensor> {
    // oneDNN adds a bias for nothing; cuDNN goes over the memory once more.
    let without = x.device().is_cuda() && norm.takes_biases_out(mode);
    let convolved = if doubled {
        convolution.forward_normalised_doubled(x, !without)?
    } else {
        convolution.forward_normalised(x, !without)?
    };
    if without {
        norm.forward_without_bias(&convolved, mode, &convolution.bias, ending)
    } else {
        norm.forward(&convolved, mode, ending)
    }
}

/// The residual sum that ends every block: LReLU(C1(x) + double(x)).
#[derive(Debug)]
pub struct ResidualBlock {
    pub(super) double: DoubleConvolution,
    pub(super) shortcut: Convolution,
}

impl ResidualBlock {
    /// Records its layers as `conv.*` and `conv_input`.
    pub fn new(init: &mut Initialiser, channels: [i64; 2]) -> Result<Self> {
        Ok(ResidualBlock {
            double: DoubleConvolution::new(init, "conv", channels)?,
            shortcut: Convolution::new(init, "conv_input", channels, 1, 1, Bias::Uniform)?,
        })
    }

    /// Keeps the size.
    pub fn forward(&self, x: &Tensor, mode: BatchNormMode) -> Result<Tensor> {
        let shortcut = self.shortcut.forward(x)?;
        self.double.forward(x, mode, Ending::onto(&shortcut, Rectifier::LeakyRelu))
    }

    /// The same of `x` with every pixel twice in each direction, which is never made: a 1×1 convolution may as well
    /// come before the doubling, and the 3×3 convolution is four smaller ones.
    pub fn forward_doubled(&self, x: &Tensor, mode: BatchNormMode) -> Result<Tensor> {
        let shortcut = doubled(&self.shortcut.forward(x)?)?;
        self.double.forward_doubled(x, mode, Ending::onto(&shortcut, Rectifier::LeakyRelu))
    }
}

/// A stride-2 convolution followed by a residual block.
#[derive(Debug)]
pub(super) struct DownBlock {
    pub(super) down: Convolution,
    pub(super) block: ResidualBlock,
}

/// N×inputs×H×W to N×8w×H/16×W/16 (METHOD §1, "Encoder").
#[derive(Debug)]
pub struct Encoder {
    pub(super) inc: DoubleConvolution,
    pub(super) down: Vec<DownBlock>,
    pub(super) last: Convolution,
    pub(super) last_norm: BatchNorm,
    precision: SharedPrecision,
}

impl Encoder {
    /// An encoder of base width `width`.
    pub fn new(init: &mut Initialiser, inputs: i64, width: i64) -> Result<Self> {
        let inc = DoubleConvolution::new(init, "inc", [inputs, width])?;
        let mut down = Vec::with_capacity(4);
        let steps =
            [[width, 2 * width], [2 * width, 4 * width], [4 * width, 8 * width], [8 * width, 8 * width]];
        for (index, channels) in steps.into_iter().enumerate() {
            down.push(init.within(&format!("down{}", index + 1), |init| {
                Ok(DownBlock {
                    down: Convolution::new(init, "down", [channels[0], channels[0]], 3, 2, Bias::Uniform)?,
                    block: ResidualBlock::new(init, channels)?,
                })
            })?);
        }
        let code = 8 * width;
        let (last, last_norm) = init.within("final_conv", |init| {
            Ok((
                Convolution::new(init, "0", [code, code], 1, 1, Bias::Uniform)?,
                BatchNorm::new(init, "1", code)?,
            ))
        })?;
        Ok(Encoder { inc, down, last, last_norm, precision: init.precision.clone() })
    }

    /// The code of `x`, non-negative.
    pub fn forward(&self, x: &Tensor, mode: BatchNormMode) -> Result<Tensor> {
        let mut x = self.inc.forward(&self.precision.enter(x)?, mode, Ending::with(Rectifier::LeakyRelu))?;
        for step in &self.down {
            x = step.block.forward(&step.down.forward(&x)?, mode)?;
        }
        normalised(&self.last, &self.last_norm, &x, mode, false, Ending::with(Rectifier::Relu))
    }
}
