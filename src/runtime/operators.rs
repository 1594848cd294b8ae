//! Operators of libtorch that tch does not reach.

use super::native::{self, AdamSettings, ConvolutionSettings, Message, checked};
use super::upload::upload;
use crate::error::Result;
use tch::Tensor;
use torch_sys::C_tensor;

/// max(x, slope·x), computed in the memory of `x`. Gradients flow as through any operator.
pub fn leaky_relu(mut x: Tensor, slope: f64) -> Result<Tensor> {
    // SAFETY: the tensor lives during the call.
    checked(|message| unsafe { native::coopseg_native_leaky_relu(x.as_mut_ptr(), slope, message) })?;
    Ok(x)
}

/// Whether oneDNN can compute convolutions in float32, or in bfloat16, on this processor.
pub fn has_onednn(bfloat16: bool) -> bool {
    // SAFETY: only reads.
    unsafe { native::coopseg_native_has_onednn(i32::from(bfloat16)) != 0 }
}

/// What follows a convolution in the same pass over memory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Activation {
    /// Nothing.
    None,
    /// max(x, 0).
    Relu,
    /// max(x, slope·x).
    LeakyRelu(f64),
}

impl Activation {
    /// As the C++ part takes it.
    pub(super) fn number_and_slope(self) -> (i32, f64) {
        match self {
            Activation::None => (0, 0.0),
            Activation::Relu => (1, 0.0),
            Activation::LeakyRelu(slope) => (2, slope),
        }
    }
}

/// A convolution of oneDNN with a bias, for inference on the CPU: no gradients.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PackedConvolution {
    /// Stride along both axes.
    pub stride: i64,
    /// Padding along both axes.
    pub padding: i64,
    /// Whether it is the transpose of a convolution (weight inputs×outputs×k×k).
    pub transposed: bool,
}

impl PackedConvolution {
    fn settings(self, activation: Activation) -> ConvolutionSettings {
        let (activation, slope) = activation.number_and_slope();
        ConvolutionSettings { stride: self.stride, padding: self.padding, activation, slope }
    }

    /// A weight in the layout that is fastest for inputs of `input_size` (N, C, H, W). Other sizes work too.
    pub fn pack(self, weight: &Tensor, input_size: [i64; 4]) -> Result<Tensor> {
        let how = self.settings(Activation::None);
        made(|out, message| {
            // SAFETY: the tensor and the four sizes live during the call; `out` may be written.
            unsafe {
                native::coopseg_native_pack_weight(
                    weight.as_ptr(),
                    i32::from(self.transposed),
                    &how,
                    input_size.as_ptr(),
                    out,
                    message,
                )
            }
        })
    }

    /// The convolution of `x` with a packed weight, then the activation.
    pub fn apply(self, x: &Tensor, weight: &Tensor, bias: &Tensor, activation: Activation) -> Result<Tensor> {
        let how = self.settings(activation);
        made(|out, message| {
            // SAFETY: the tensors live during the call; `out` may be written.
            unsafe {
                native::coopseg_native_convolve(
                    x.as_ptr(),
                    weight.as_ptr(),
                    bias.as_ptr(),
                    i32::from(self.transposed),
                    &how,
                    out,
                    message,
                )
            }
        })
    }

    /// Adds the convolution of `x` (not transposed) to `sum`, in its memory.
    pub fn add_to(self, mut sum: Tensor, x: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
        let how = self.settings(Activation::None);
        checked(|message| {
            // SAFETY: the tensors live during the call; `sum` is owned here.
            unsafe {
                native::coopseg_native_convolve_onto(
                    sum.as_mut_ptr(),
                    x.as_ptr(),
                    weight.as_ptr(),
                    bias.as_ptr(),
                    &how,
                    message,
                )
            }
        })?;
        Ok(sum)
    }
}

/// What an update of Adam or AdamW needs beside its tensors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamUpdate {
    /// Learning rate.
    pub learning_rate: f64,
    /// Decay of the mean of the gradient.
    pub beta1: f64,
    /// Decay of the mean of its square.
    pub beta2: f64,
    /// Added to the denominator.
    pub epsilon: f64,
    /// Weight decay.
    pub weight_decay: f64,
    /// Whether weights decay apart from the gradient (AdamW).
    pub decoupled: bool,
}

/// The tensors of one weight in an update.
pub struct AdamTensors<'a> {
    /// The weight.
    pub weight: &'a Tensor,
    /// Its gradient.
    pub gradient: Tensor,
    /// Running mean of the gradient.
    pub mean: &'a Tensor,
    /// Running mean of its square.
    pub variance: &'a Tensor,
}

impl AdamUpdate {
    /// Performs update number `update`, from 1, of all weights in one kernel. They are on one device, and each has
    /// its gradient's memory layout.
    pub fn apply(self, tensors: &[AdamTensors], update: i32) -> Result<()> {
        let Some(first) = tensors.first() else { return Ok(()) };
        let update = Tensor::f_from_slice(&[update as f32])?.f_reshape([] as [i64; 0])?;
        let update = upload(&update, first.weight.device())?;
        let pointers = |of: fn(&AdamTensors) -> *const C_tensor| tensors.iter().map(of).collect::<Vec<_>>();
        let weights = pointers(|one| one.weight.as_ptr());
        let gradients = pointers(|one| one.gradient.as_ptr());
        let means = pointers(|one| one.mean.as_ptr());
        let variances = pointers(|one| one.variance.as_ptr());
        let how = AdamSettings {
            learning_rate: self.learning_rate,
            beta1: self.beta1,
            beta2: self.beta2,
            epsilon: self.epsilon,
            weight_decay: self.weight_decay,
            decoupled: i32::from(self.decoupled),
        };
        checked(|message| {
            // SAFETY: four lists of that many tensors that live during the call.
            unsafe {
                native::coopseg_native_adam_update(
                    weights.as_ptr(),
                    gradients.as_ptr(),
                    means.as_ptr(),
                    variances.as_ptr(),
                    tensors.len(),
                    update.as_ptr(),
                    &how,
                    message,
                )
            }
        })
    }
}

/// Sets tensors of one device to zero.
pub fn zero(tensors: &mut [Tensor]) -> Result<()> {
    if tensors.is_empty() {
        return Ok(());
    }
    let pointers: Vec<*mut C_tensor> = tensors.iter_mut().map(Tensor::as_mut_ptr).collect();
    checked(|message| {
        // SAFETY: a list of that many tensors that live during the call.
        unsafe { native::coopseg_native_zero(pointers.as_ptr(), pointers.len(), message) }
    })
}

/// The tensor that a function makes.
pub(super) fn made(call: impl FnOnce(*mut *mut C_tensor, *mut Message) -> i32) -> Result<Tensor> {
    let mut result = std::ptr::null_mut();
    checked(|message| call(&mut result, message))?;
    // SAFETY: on success the function has written a tensor that belongs to the caller.
    Ok(unsafe { Tensor::from_ptr(result) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use tch::{Device, Kind};

    fn random(shape: &[i64]) -> Tensor {
        Tensor::randn(shape, (Kind::Float, Device::Cpu))
    }

    fn difference(a: &Tensor, b: &Tensor) -> f64 {
        (a - b).abs().max().double_value(&[])
    }

    #[test]
    fn the_rectifier_has_value_and_gradient_of_its_formula() {
        let x = Tensor::from_slice(&[-2.0f32, 0.5, 3.0]).set_requires_grad(true);
        let y = leaky_relu(&x * 1.0, 0.2).unwrap();
        assert_eq!(Vec::<f32>::try_from(&y).unwrap(), [-0.4, 0.5, 3.0]);
        y.sum(Kind::Float).backward();
        assert_eq!(Vec::<f32>::try_from(x.grad()).unwrap(), [0.2, 1.0, 1.0]);
    }

    #[test]
    fn packed_convolutions_agree_with_libtorchs_own() {
        if !has_onednn(false) {
            return;
        }
        let _guard = tch::no_grad_guard();
        let (x, weight, bias) = (random(&[2, 8, 16, 12]), random(&[6, 8, 3, 3]), random(&[6]));
        for stride in [1, 2] {
            let how = PackedConvolution { stride, padding: 1, transposed: false };
            let packed = how.pack(&weight, [2, 8, 16, 12]).unwrap();
            let expected =
                x.conv2d(&weight, Some(&bias), [stride, stride], [1, 1], [1, 1], 1).leaky_relu_with(0.2);
            let found = how.apply(&x, &packed, &bias, Activation::LeakyRelu(0.2)).unwrap();
            assert!(difference(&found, &expected) < 1e-4);
            let sum = how.add_to(found.copy(), &x, &packed, &bias).unwrap();
            let twice = &found + x.conv2d(&weight, Some(&bias), [stride, stride], [1, 1], [1, 1], 1);
            assert!(difference(&sum, &twice) < 1e-4);
        }
        let weight = random(&[8, 6, 4, 4]);
        let how = PackedConvolution { stride: 2, padding: 1, transposed: true };
        let packed = how.pack(&weight, [2, 8, 16, 12]).unwrap();
        let expected = x.conv_transpose2d(&weight, Some(&bias), [2, 2], [1, 1], [0, 0], 1, [1, 1]).relu();
        let found = how.apply(&x, &packed, &bias, Activation::Relu).unwrap();
        assert_eq!(found.size(), [2, 6, 32, 24]);
        assert!(difference(&found, &expected) < 1e-4);
    }

    #[test]
    fn a_failure_is_libtorchs_own_sentence() {
        let how = PackedConvolution { stride: 1, padding: 1, transposed: false };
        let (x, weight, bias) = (random(&[1, 3, 8, 8]), random(&[4, 5, 3, 3]), random(&[4]));
        let Err(Error::Torch(text)) = how.apply(&x, &weight, &bias, Activation::None) else {
            panic!("other channels were accepted")
        };
        assert!(!text.is_empty() && !text.contains("frame #"), "{text}");
    }

    trait LeakyRelu {
        fn leaky_relu_with(&self, slope: f64) -> Tensor;
    }

    impl LeakyRelu for Tensor {
        fn leaky_relu_with(&self, slope: f64) -> Tensor {
            self.maximum(&(self * slope))
        }
    }
}
