//! A convolution with what normalises and rectifies its result folded in.

use super::Target;
use crate::error::Result;
use crate::network::batch_norm::BatchNorm;
use crate::network::convolution::{Convolution, doubling_sums, weight_for_doubling};
use crate::network::encoder::{SLOPE, doubled};
use crate::network::memory_layout::channels_last;
use crate::network::precision::Precision;
use crate::runtime::WinogradConvolution;
use crate::runtime::operators::{self, Activation, PackedConvolution};
use tch::{Device, Tensor};

/// What follows a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rectifier {
    /// Nothing.
    None,
    /// max(x, 0).
    Relu,
    /// max(x, 0.2 x).
    LeakyRelu,
}

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
        let (weight, bias) = folded(convolution, norm)?;
        let (stride, padding) = (convolution.stride, convolution.padding);
        let kind = PackedConvolution { stride, padding, transposed: false };
        if (stride, padding) == (1, 1)
            && let Some(own) = self.winograd(&weight, false)?
        {
            return self.own_layer(own, &bias, kind, rectifier);
        }
        self.finish(&weight, &bias, kind, size, rectifier)
    }

    /// The same for inputs of which every pixel counts twice in each direction; `size` is that of the pixels.
    pub fn doubling_layer(
        &self,
        convolution: &Convolution,
        norm: Option<&BatchNorm>,
        size: [i64; 2],
        rectifier: Rectifier,
    ) -> Result<Layer> {
        let (weight, bias) = folded(convolution, norm)?;
        if self.column_fastest {
            let kind = PackedConvolution { stride: 1, padding: 1, transposed: false };
            let layer = self.finish(&weight, &bias, kind, size, rectifier)?;
            return Ok(Layer { doubles: true, ..layer });
        }
        let kind = PackedConvolution { stride: 2, padding: 1, transposed: true };
        if let Some(own) = self.winograd(&weight, true)? {
            return self.own_layer(own, &bias, kind, rectifier);
        }
        let sums = doubling_sums(weight.kind(), weight.device())?;
        self.finish(&weight_for_doubling(&weight, &sums)?, &bias, kind, size, rectifier)
    }

    /// This library's own convolution with a weight outputs×inputs×k×k, where it is used and fits.
    fn winograd(&self, weight: &Tensor, doubles: bool) -> Result<Option<WinogradConvolution>> {
        if !self.fused {
            return Ok(None);
        }
        let weight = weight.f_to_kind(self.target.precision.kind())?;
        if WinogradConvolution::pays(&weight) { WinogradConvolution::of(&weight, doubles) } else { Ok(None) }
    }

    fn own_layer(
        &self,
        own: WinogradConvolution,
        bias: &Tensor,
        convolution: PackedConvolution,
        rectifier: Rectifier,
    ) -> Result<Layer> {
        let bias = bias.f_to_kind(self.target.precision.kind())?;
        let kernel = Kernel::Winograd(own);
        Ok(Layer { kernel, bias, convolution, rectifier, doubles: false, padding: 0, allow_tf32: false })
    }

    fn finish(
        &self,
        weight: &Tensor,
        bias: &Tensor,
        convolution: PackedConvolution,
        [height, width]: [i64; 2],
        rectifier: Rectifier,
    ) -> Result<Layer> {
        let (device, kind) = (self.target.device, self.target.precision.kind());
        let weight = weight.f_to_device(device)?.f_to_kind(kind)?;
        let channels = weight.size4()?.1;
        let padding = if self.eights && !convolution.transposed && (2..8).contains(&channels) {
            8 - channels
        } else {
            0
        };
        let weight = more_channels(&weight, padding)?;
        let weight = if self.column_fastest { weight.f_contiguous()? } else { channels_last(&weight)? };
        let bias = bias.f_to_device(device)?.f_to_kind(kind)?;
        let inputs = weight.size4()?;
        let inputs = if convolution.transposed { inputs.0 } else { inputs.1 };
        let [samples, _, _] = self.target.batch;
        let kernel = if self.fused {
            Kernel::Packed(convolution.pack(&weight, [samples, inputs, height, width])?)
        } else {
            Kernel::Plain(weight)
        };
        let allow_tf32 = self.target.precision == Precision::Tensorfloat32;
        Ok(Layer { kernel, bias, convolution, rectifier, doubles: false, padding, allow_tf32 })
    }
}

/// Scale and shift of a normalisation with running statistics, moved into the convolution before it. In float64:
/// rounding happens once.
fn folded(convolution: &Convolution, norm: Option<&BatchNorm>) -> Result<(Tensor, Tensor)> {
    let exact = |tensor: &Tensor| tensor.f_detach()?.f_to_kind(tch::Kind::Double);
    let (weight, bias) = (exact(&convolution.weight)?, exact(&convolution.bias)?);
    let Some(norm) = norm else { return Ok((weight, bias)) };
    let [scale, shift] = norm.running_affine()?;
    let weight = weight.f_mul(&scale.f_reshape([-1, 1, 1, 1])?)?;
    Ok((weight, bias.f_mul(&scale)?.f_add(&shift)?))
}

/// A weight with what computes its convolution.
#[derive(Debug)]
enum Kernel {
    /// This library.
    Winograd(WinogradConvolution),
    /// oneDNN.
    Packed(Tensor),
    /// libtorch's choice.
    Plain(Tensor),
}

/// One convolution with its bias and rectifier.
#[derive(Debug)]
pub struct Layer {
    kernel: Kernel,
    bias: Tensor,
    convolution: PackedConvolution,
    rectifier: Rectifier,
    /// Whether every pixel of an input is to be doubled first.
    doubles: bool,
    /// Channels of zeros that an input gets.
    padding: i64,
    allow_tf32: bool,
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
            Kernel::Packed(weight) => self.convolution.apply(x, weight, &self.bias, activation),
            Kernel::Plain(weight) => self.rectifier.apply(self.plain(x, weight)?),
        }
    }

    /// rectifier(sum + convolution(x)), in the memory of `sum`.
    pub fn forward_onto(&self, mut sum: Tensor, x: &Tensor) -> Result<Tensor> {
        match &self.kernel {
            Kernel::Winograd(convolution) => {
                return convolution.add_to(sum, x, &self.bias, self.rectifier.activation());
            }
            Kernel::Packed(weight) => sum = self.convolution.add_to(sum, x, weight, &self.bias)?,
            Kernel::Plain(weight) => {
                let _ = sum.f_add_(&self.plain(x, weight)?)?;
            }
        }
        self.rectifier.apply(sum)
    }

    /// The same with every pixel of `sum` twice in each direction.
    pub fn forward_onto_doubled(&self, sum: &Tensor, x: &Tensor) -> Result<Tensor> {
        if let Kernel::Winograd(convolution) = &self.kernel {
            return convolution.add_to_doubled(sum, x, &self.bias, self.rectifier.activation());
        }
        self.forward_onto(doubled(sum)?, x)
    }

    fn plain(&self, x: &Tensor, weight: &Tensor) -> Result<Tensor> {
        let PackedConvolution { stride, padding, transposed } = self.convolution;
        let x = more_channels(x, self.padding)?;
        let x = if self.doubles { doubled(&x)? } else { x };
        // float32 means float32: libtorch's default lets cuDNN round the factors to TF32, which shows in the third digit.
        let (benchmark, deterministic, cudnn) = (false, false, true);
        Ok(x.f_internal_convolution(
            weight,
            Some(&self.bias),
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

impl Rectifier {
    fn activation(self) -> Activation {
        match self {
            Rectifier::None => Activation::None,
            Rectifier::Relu => Activation::Relu,
            Rectifier::LeakyRelu => Activation::LeakyRelu(SLOPE),
        }
    }

    fn apply(self, mut x: Tensor) -> Result<Tensor> {
        match self {
            Rectifier::None => Ok(x),
            Rectifier::Relu => Ok(x.f_relu_()?),
            Rectifier::LeakyRelu => operators::leaky_relu(x, SLOPE),
        }
    }
}
