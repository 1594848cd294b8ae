//! Convolutions with a bias.

use super::initialise::Initialiser;
use crate::error::Result;
use crate::runtime::{DoubledConvolution, TrainedConvolution};
use once_cell::sync::OnceCell;
use tch::{Device, Kind, Tensor};

/// A 2-D convolution.
#[derive(Debug)]
pub struct Convolution {
    pub(super) weight: Tensor,
    pub(super) bias: Tensor,
    pub(super) stride: i64,
    pub(super) padding: i64,
    /// [`doubling_sums`] for the weight, made when they are first needed.
    sums: OnceCell<Tensor>,
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
                sums: OnceCell::new(),
            })
        })
    }

    /// N×inputs×H×W to N×outputs×H/stride×W/stride.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.convolve(x, Some(self.bias.shallow_clone()))
    }

    /// The same for a result that is normalised next, with or without the bias. In training normalising takes every bias
    /// out again, so that its gradient is nothing but rounding, and none is computed.
    pub fn forward_normalised(&self, x: &Tensor, biased: bool) -> Result<Tensor> {
        self.convolve(x, biased.then(|| self.bias.f_detach()).transpose()?)
    }

    /// The same of `x` with every pixel twice in each direction: N×inputs×H×W to N×outputs×2H×2W. For kernel 3 and
    /// stride 1.
    pub fn forward_normalised_doubled(&self, x: &Tensor, biased: bool) -> Result<Tensor> {
        if DoubledConvolution::fits(x, &self.weight) {
            let bias = biased.then(|| self.bias.f_detach()).transpose()?;
            return DoubledConvolution::apply(x, &self.weight, bias.as_ref());
        }
        let sums = self.sums.get_or_try_init(|| doubling_sums(self.weight.kind(), self.weight.device()))?;
        let weight = weight_for_doubling(&self.weight, sums)?.f_to_kind(x.kind())?;
        let bias = biased.then(|| self.bias.f_detach()?.f_to_kind(x.kind())).transpose()?;
        TrainedConvolution { stride: 2, padding: 1, transposed: true }.apply(x, &weight, bias.as_ref())
    }

    fn convolve(&self, x: &Tensor, bias: Option<Tensor>) -> Result<Tensor> {
        let kind = x.kind();
        let bias = bias.map(|bias| bias.f_to_kind(kind)).transpose()?;
        let how = TrainedConvolution { stride: self.stride, padding: self.padding, transposed: false };
        how.apply(x, &self.weight.f_to_kind(kind)?, bias.as_ref())
    }
}

/// What a 3×3 convolution of an image with every pixel twice in each direction (nearest neighbour) is for the image
/// itself: a transposed convolution with kernel 4, stride 2 and padding 1, whose weights are sums of the 3×3 weights.
/// It multiplies four ninths as often and reads a quarter of the pixels.
///
/// `weight` is outputs×inputs×3×3, `sums` what [`doubling_sums`] gives for its type and device; the result is
/// inputs×outputs×4×4.
pub fn weight_for_doubling(weight: &Tensor, sums: &Tensor) -> Result<Tensor> {
    let (outputs, inputs, _, _) = weight.size4()?;
    let taps = weight.f_reshape([outputs * inputs, 9])?.f_matmul(sums)?;
    Ok(taps.f_reshape([outputs, inputs, 4, 4])?.f_transpose(0, 1)?.f_contiguous()?)
}

/// Which of the 9 weights each of the 16 is a sum of, as a matrix of zeros and ones.
pub fn doubling_sums(kind: Kind, device: Device) -> Result<Tensor> {
    // Along one axis: which of the four new taps holds which of the three old ones.
    const TAPS: [[f32; 3]; 4] = [[0.0, 0.0, 1.0], [0.0, 1.0, 1.0], [1.0, 1.0, 0.0], [1.0, 0.0, 0.0]];
    let mut sums = Vec::with_capacity(9 * 16);
    for (y, x) in (0..3).flat_map(|y| (0..3).map(move |x| (y, x))) {
        for (row, column) in TAPS.iter().flat_map(|row| TAPS.iter().map(move |column| (row, column))) {
            sums.push(row[y] * column[x]);
        }
    }
    Ok(Tensor::f_from_slice(&sums)?.f_reshape([9, 16])?.f_to_device(device)?.f_to_kind(kind)?)
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
        let weight = self.weight.f_to_kind(x.kind())?;
        let bias = self.bias.f_to_kind(x.kind())?;
        TrainedConvolution { stride: 2, padding: 0, transposed: true }.apply(x, &weight, Some(&bias))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_doubled_image_convolves_as_its_transposed_convolution() {
        let exactly = (Kind::Double, Device::Cpu);
        let (x, weight) = (Tensor::randn([2, 3, 5, 7], exactly), Tensor::randn([4, 3, 3, 3], exactly));
        let bias = Tensor::randn([4], exactly);
        let doubled = x.upsample_nearest2d([10, 14], None, None);
        let expected = doubled.conv2d(&weight, Some(&bias), [1, 1], [1, 1], [1, 1], 1);
        let convolution = Convolution { weight, bias, stride: 1, padding: 1, sums: OnceCell::new() };
        let found = convolution.forward_normalised_doubled(&x, true).unwrap();
        assert!((&found - &expected).abs().max().double_value(&[]) < 1e-12);
    }

    #[test]
    fn a_doubled_image_convolves_in_float32_as_it_does_in_float64() {
        let exactly = (Kind::Double, Device::Cpu);
        let (x, weight) = (Tensor::randn([2, 16, 5, 7], exactly), Tensor::randn([32, 16, 3, 3], exactly));
        let bias = Tensor::randn([32], exactly);
        let [of_double, of_float] = [Kind::Double, Kind::Float].map(|kind| {
            let (weight, bias) = (weight.to_kind(kind), bias.to_kind(kind));
            let convolution = Convolution { weight, bias, stride: 1, padding: 1, sums: OnceCell::new() };
            convolution.forward_normalised_doubled(&x.to_kind(kind), true).unwrap()
        });
        assert!((of_float.to_kind(Kind::Double) - of_double).abs().max().double_value(&[]) < 1e-4);
    }
}
