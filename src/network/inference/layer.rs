//! A convolution with what normalises and rectifies its result folded in.

use super::Target;
use crate::error::Result;
use crate::network::batch_norm::BatchNorm;
use crate::network::convolution::{Convolution, doubling_sums, weight_for_doubling};
use crate::network::encoder::doubled;
use crate::network::memory_layout::channels_last;
use crate::network::precision::Precision;
use crate::network::rectifier::Rectifier;
use crate::runtime::WinogradConvolution;
use crate::runtime::operators::{self, PackedConvolution};
use tch::{Device, Tensor};

/// Makes layers for one target.
pub struct Builder {
    target: Target,
    /// Whether convolutions that rectify what they write are used: oneDNN's, and this library's own.
    pub fused: bool,
    /// Whether tensors have the column fastest in memory rather than the channel: cuDNN's convolutions of float32
    /// without TF32 are faster then.
    pub column_fastest: bool,
    /// Whether a few channels become eight: cuDNN's fast convolutions of 16-bit numbers take channels by eights, and its
    /// others are many times slower.
    pub eights: bool,
}

impl Builder {
    /// Fused operators where the device has them.
    pub fn new(target: Target) -> Self {
        Builder {
            target,
            fused: target.device == Device::Cpu && operators::has_onednn(false),
            column_fastest: target.column_fastest(),
            eights: target.device.is_cuda()
                && matches!(target.precision, Precision::Float16 | Precision::Bfloat16),
        }
    }

    /// A convolution of inputs of `size` (height, width), with the normalisation that follows it.
    pub fn layer(
        &self,
        convolution: &Convolution,
        norm: Option<&BatchNorm>,
        size: [i64; 2],
        rectifier: Rectifier,
    ) -> Result<Layer> {
        let (weight, bias) = self.folded(convolution, norm)?;
        let (stride, padding) = (convolution.stride, convolution.padding);
        let kernel = if (stride, padding) == (1, 1) && self.own_pays(&weight) {
            Kernel::Winograd(WinogradConvolution::new(&weight, false)?)
        } else {
            self.kernel(&weight, PackedConvolution { stride, padding, transposed: false }, size, false)?
        };
        Ok(Layer { kernel, bias, rectifier })
    }

    /// The same for inputs of which every pixel counts twice in each direction; `size` is that of the pixels.
    pub fn doubling_layer(
        &self,
        convolution: &Convolution,
        norm: Option<&BatchNorm>,
        size: [i64; 2],
        rectifier: Rectifier,
    ) -> Result<Layer> {
        let (weight, bias) = self.folded(convolution, norm)?;
        let kernel = if self.own_pays(&weight) {
            Kernel::Winograd(WinogradConvolution::new(&weight, true)?)
        } else if self.column_fastest {
            self.kernel(&weight, PackedConvolution { stride: 1, padding: 1, transposed: false }, size, true)?
        } else {
            let sums = doubling_sums(weight.kind(), weight.device())?;
            let weight = weight_for_doubling(&weight, &sums)?;
            self.kernel(&weight, PackedConvolution { stride: 2, padding: 1, transposed: true }, size, false)?
        };
        Ok(Layer { kernel, bias, rectifier })
    }

    /// Whether this library's own convolution is used for a weight outputs×inputs×k×k, with stride and padding 1.
    fn own_pays(&self, weight: &Tensor) -> bool {
        self.fused && self.target.precision == Precision::Float32 && WinogradConvolution::pays(weight)
    }

    /// Of a weight in float64. With `doubles` every pixel of an input is doubled first.
    fn kernel(
        &self,
        weight: &Tensor,
        convolution: PackedConvolution,
        [height, width]: [i64; 2],
        doubles: bool,
    ) -> Result<Kernel> {
        let weight = weight.f_to_kind(self.target.precision.kind())?;
        let channels = weight.size4()?.1;
        let padding = if self.eights && !convolution.transposed && (2..8).contains(&channels) {
            8 - channels
        } else {
            0
        };
        let weight = more_channels(&weight, padding)?;
        let weight = if self.column_fastest { weight.f_contiguous()? } else { channels_last(&weight)? };
        if self.fused {
            let inputs = weight.size4()?;
            let inputs = if convolution.transposed { inputs.0 } else { inputs.1 };
            let [samples, _, _] = self.target.batch;
            let weight = convolution.pack(&weight, [samples, inputs, height, width])?;
            return Ok(Kernel::Packed { weight, convolution });
        }
        let allow_tf32 = self.target.precision == Precision::Tensorfloat32;
        Ok(Kernel::Plain(Plain { weight, convolution, doubles, padding, allow_tf32 }))
    }

    /// Weight and bias on the target's device, with scale and shift of a normalisation with running statistics moved into
    /// the convolution before it. The weight is in float64, so that rounding happens once.
    fn folded(&self, convolution: &Convolution, norm: Option<&BatchNorm>) -> Result<(Tensor, Tensor)> {
        let exact = |tensor: &Tensor| tensor.f_detach()?.f_to_kind(tch::Kind::Double);
        let (mut weight, mut bias) = (exact(&convolution.weight)?, exact(&convolution.bias)?);
        if let Some(norm) = norm {
            let [scale, shift] = norm.running_affine()?;
            weight = weight.f_mul(&scale.f_reshape([-1, 1, 1, 1])?)?;
            bias = bias.f_mul(&scale)?.f_add(&shift)?;
        }
        let Target { device, precision, .. } = self.target;
        Ok((weight.f_to_device(device)?, bias.f_to_device(device)?.f_to_kind(precision.kind())?))
    }
}

/// A weight with what computes its convolution.
#[derive(Debug)]
enum Kernel {
    /// This library.
    Winograd(WinogradConvolution),
    /// oneDNN.
    Packed { weight: Tensor, convolution: PackedConvolution },
    /// libtorch's choice.
    Plain(Plain),
}

#[derive(Debug)]
struct Plain {
    weight: Tensor,
    convolution: PackedConvolution,
    /// Whether every pixel of an input is to be doubled first.
    doubles: bool,
    /// Channels of zeros that an input gets.
    padding: i64,
    allow_tf32: bool,
}

/// One convolution with its bias and rectifier.
#[derive(Debug)]
pub struct Layer {
    kernel: Kernel,
    bias: Tensor,
    rectifier: Rectifier,
}

/// The same with so many channels of zeros added.
fn more_channels(x: &Tensor, padding: i64) -> Result<Tensor> {
    if padding == 0 {
        return Ok(x.shallow_clone());
    }
    Ok(x.f_constant_pad_nd([0, 0, 0, 0, 0, padding])?)
}

impl Layer {
    /// rectifier(convolution(x)).
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let activation = self.rectifier.activation();
        match &self.kernel {
            Kernel::Winograd(convolution) => convolution.apply(x, &self.bias, activation),
            Kernel::Packed { weight, convolution } => convolution.apply(x, weight, &self.bias, activation),
            Kernel::Plain(plain) => self.rectifier.apply(plain.convolve(x, &self.bias)?),
        }
    }

    /// rectifier(sum + convolution(x)), in the memory of `sum`, which has the layout of `x`.
    pub fn forward_onto(&self, mut sum: Tensor, x: &Tensor) -> Result<Tensor> {
        match &self.kernel {
            Kernel::Winograd(convolution) => {
                return convolution.add_to(sum, x, &self.bias, self.rectifier.activation());
            }
            Kernel::Packed { weight, convolution } => sum = convolution.add_to(sum, x, weight, &self.bias)?,
            Kernel::Plain(plain) => {
                let _ = sum.f_add_(&plain.convolve(x, &self.bias)?)?;
            }
        }
        self.rectifier.apply(sum)
    }

    /// rectifier(sum with every pixel twice in each direction + convolution(x)), in new memory. `sum` has the layout of `x`.
    pub fn forward_onto_doubled(&self, sum: &Tensor, x: &Tensor) -> Result<Tensor> {
        if let Kernel::Winograd(convolution) = &self.kernel {
            return convolution.add_to_doubled(sum, x, &self.bias, self.rectifier.activation());
        }
        self.forward_onto(doubled(sum)?, x)
    }
}

impl Plain {
    fn convolve(&self, x: &Tensor, bias: &Tensor) -> Result<Tensor> {
        let PackedConvolution { stride, padding, transposed } = self.convolution;
        let x = more_channels(x, self.padding)?;
        let x = if self.doubles { doubled(&x)? } else { x };
        // float32 means float32: libtorch's default lets cuDNN round the factors to TF32, which shows in the third digit.
        let (benchmark, deterministic, cudnn) = (false, false, true);
        Ok(x.f_internal_convolution(
            &self.weight,
            Some(bias),
            [stride, stride],
            [padding, padding],
            [1, 1],
            transposed,
            [0, 0],
            1,
            benchmark,
            deterministic,
            cudnn,
            self.allow_tf32,
        )?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::convolution::Bias;
    use crate::network::initialise::Initialiser;

    /// A layer of 16 channels in and out.
    fn layer(precision: Precision, fused: bool, kernel: i64, stride: i64, doubles: bool) -> Layer {
        let mut init = Initialiser::new(1, Device::Cpu);
        let convolution = Convolution::new(&mut init, "c", [16, 16], kernel, stride, Bias::Uniform).unwrap();
        let mut builder = Builder::new(Target { device: Device::Cpu, precision, batch: [1, 24, 24] });
        builder.fused &= fused;
        let make = if doubles { Builder::doubling_layer } else { Builder::layer };
        make(&builder, &convolution, None, [24, 24], Rectifier::Relu).unwrap()
    }

    #[test]
    fn own_convolutions_are_used_where_they_pay() {
        let weight = Tensor::zeros([16, 16, 3, 3], (tch::Kind::Float, Device::Cpu));
        let own = |layer: Layer| matches!(layer.kernel, Kernel::Winograd(_));
        let pays = WinogradConvolution::pays(&weight) && operators::has_onednn(false);
        let float = Precision::Float32;
        assert_eq!(own(layer(float, true, 3, 1, false)), pays);
        assert_eq!(own(layer(float, true, 3, 1, true)), pays);
        assert!(!own(layer(float, true, 3, 2, false)));
        assert!(!own(layer(float, true, 1, 1, false)));
        assert!(!own(layer(float, false, 3, 1, false)) && !own(layer(float, false, 3, 1, true)));
        if operators::has_onednn(true) {
            assert!(!own(layer(Precision::Bfloat16, true, 3, 1, false)));
            assert!(!own(layer(Precision::Bfloat16, true, 3, 1, true)));
        }
    }
}
