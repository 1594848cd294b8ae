//! Convolutions with a bias.

use super::initialise::Initialiser;
use crate::error::Result;
use tch::Tensor;

/// A 2-D convolution.
#[derive(Debug)]
pub struct Convolution {
    weight: Tensor,
    bias: Tensor,
    stride: i64,
    padding: i64,
}

/// Where a convolution's bias starts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Bias {
    /// The framework's default.
    Uniform,
    /// Zero (the decoders' last layer).
    Zero,
}

impl Convolution {
    /// A convolution with an odd `kernel`, padded so that stride 1 keeps the size.
    pub fn new(
        init: &mut Initialiser,
        name: &str,
        [inputs, outputs]: [i64; 2],
        kernel: i64,
        stride: i64,
        bias: Bias,
    ) -> Result<Self> {
        let fan_in = inputs * kernel * kernel;
        init.within(name, |init| {
            Ok(Convolution {
                weight: init.kaiming_normal("weight", &[outputs, inputs, kernel, kernel], fan_in)?,
                bias: match bias {
                    Bias::Uniform => init.uniform("bias", &[outputs], fan_in)?,
                    Bias::Zero => init.zeros("bias", &[outputs])?,
                },
                stride,
                padding: kernel / 2,
            })
        })
    }

    /// N×inputs×H×W to N×outputs×H/stride×W/stride.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        Ok(x.f_conv2d(
            &self.weight,
            Some(&self.bias),
            [self.stride, self.stride],
            [self.padding, self.padding],
            [1, 1],
            1,
        )?)
    }
}

/// The transposed convolution that doubles the resolution in the image decoder.
#[derive(Debug)]
pub struct Upsampling {
    weight: Tensor,
    bias: Tensor,
}

impl Upsampling {
    /// Kernel 2, stride 2, as many channels out as in.
    pub fn new(init: &mut Initialiser, name: &str, channels: i64) -> Result<Self> {
        // The framework derives the default bound from the weight's second axis: channels out.
        let fan_in = channels * 2 * 2;
        init.within(name, |init| {
            Ok(Upsampling {
                weight: init.uniform("weight", &[channels, channels, 2, 2], fan_in)?,
                bias: init.uniform("bias", &[channels], fan_in)?,
            })
        })
    }

    /// N×C×H×W to N×C×2H×2W.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        Ok(x.f_conv_transpose2d(&self.weight, Some(&self.bias), [2, 2], [0, 0], [0, 0], 1, [1, 1])?)
    }
}
