//! 3×3 convolutions with fewer multiplications, for inference on the CPU.

use super::native::{self, WinogradSettings};
use super::operators::{Activation, made};
use crate::error::Result;
use tch::Tensor;

/// A 3×3 convolution with stride and padding 1, computed by Winograd's F(2×2, 3×3) or its like (`native/winograd.h`): no
/// gradients. Results have the channel fastest in memory.
#[derive(Debug)]
pub struct WinogradConvolution {
    weight: Tensor,
    outputs: i64,
    doubles: bool,
}

/// What is added to a convolution.
enum Sum<'a> {
    Nothing,
    /// Takes the result.
    Onto(&'a mut Tensor),
    /// Of half the result's size.
    Doubled(&'a Tensor),
}

impl WinogradConvolution {
    /// Whether there is one for a weight outputs×inputs×3×3, and it is faster than oneDNN's.
    pub fn pays(weight: &Tensor) -> bool {
        // SAFETY: the tensor lives during the call.
        unsafe { native::coopseg_native_winograd_pays(weight.as_ptr()) != 0 }
    }

    /// Whether there is one for a weight outputs×inputs×3×3, faster or not.
    #[cfg(test)]
    pub fn fits(weight: &Tensor) -> bool {
        WinogradConvolution::new(weight, false).is_ok()
    }

    /// For a weight outputs×inputs×3×3 in float32 or float64 on the host. With `doubles` every pixel of an input counts
    /// twice in each direction, and the result is twice as large.
    ///
    /// # Errors
    /// Where processor or channels do not allow it.
    pub fn new(weight: &Tensor, doubles: bool) -> Result<Self> {
        let packed = made(|out, message| {
            // SAFETY: the tensor lives during the call; `out` may be written.
            unsafe {
                native::coopseg_native_winograd_weight(weight.as_ptr(), i32::from(doubles), out, message)
            }
        })?;
        Ok(WinogradConvolution { weight: packed, outputs: weight.size4()?.0, doubles })
    }

    /// The convolution of `x` (N×inputs×H×W), then the activation.
    pub fn apply(&self, x: &Tensor, bias: &Tensor, activation: Activation) -> Result<Tensor> {
        self.convolve(x, bias, Sum::Nothing, activation)
    }

    /// Adds the convolution of `x` to `sum`, in its memory, then the activation. `sum` has the channel fastest in memory.
    pub fn add_to(
        &self,
        mut sum: Tensor,
        x: &Tensor,
        bias: &Tensor,
        activation: Activation,
    ) -> Result<Tensor> {
        self.convolve(x, bias, Sum::Onto(&mut sum), activation)
    }

    /// The convolution of `x`, plus `sum` of half the result's size with every pixel twice in each direction, then the
    /// activation. `sum` has the channel fastest in memory.
    pub fn add_to_doubled(
        &self,
        sum: &Tensor,
        x: &Tensor,
        bias: &Tensor,
        activation: Activation,
    ) -> Result<Tensor> {
        self.convolve(x, bias, Sum::Doubled(sum), activation)
    }

    fn convolve(&self, x: &Tensor, bias: &Tensor, sum: Sum, activation: Activation) -> Result<Tensor> {
        let (activation, slope) = activation.number_and_slope();
        let how =
            WinogradSettings { outputs: self.outputs, doubles: i32::from(self.doubles), activation, slope };
        let (onto, doubled) = match sum {
            Sum::Nothing => (std::ptr::null_mut(), std::ptr::null()),
            Sum::Onto(sum) => (sum.as_mut_ptr(), std::ptr::null()),
            Sum::Doubled(sum) => (std::ptr::null_mut(), sum.as_ptr()),
        };
        made(|out, message| {
            // SAFETY: the tensors live during the call; `out` may be written; a sum that takes the
            // result is owned by the caller, and refused where it shares its memory with `x`.
            unsafe {
                native::coopseg_native_winograd_convolve(
                    x.as_ptr(),
                    self.weight.as_ptr(),
                    bias.as_ptr(),
                    onto,
                    doubled,
                    &how,
                    out,
                    message,
                )
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::{Device, Kind};

    const EXACT: (Kind, Device) = (Kind::Double, Device::Cpu);

    fn channels_last(x: &Tensor) -> Tensor {
        x.permute([0, 2, 3, 1]).contiguous().permute([0, 3, 1, 2])
    }

    fn float(x: &Tensor) -> Tensor {
        x.to_kind(Kind::Float)
    }

    /// By libtorch, in double precision.
    fn expected(x: &Tensor, weight: &Tensor, bias: &Tensor, activation: Activation) -> Tensor {
        rectified(&x.conv2d(weight, Some(bias), [1, 1], [1, 1], [1, 1], 1), activation)
    }

    fn rectified(x: &Tensor, activation: Activation) -> Tensor {
        match activation {
            Activation::None => x.copy(),
            Activation::Relu => x.relu(),
            Activation::LeakyRelu(slope) => x.maximum(&(x * slope)),
        }
    }

    /// Within rounding of values around 1.
    fn assert_close(found: &Tensor, expected: &Tensor, about: &str) {
        let difference = (found.to_kind(Kind::Double) - expected).abs().max().double_value(&[]);
        let scale = expected.abs().max().double_value(&[]).max(1.0);
        assert!(difference <= 2e-6 * scale, "{about}: {difference} of {scale}");
    }

    /// None where this processor has no code for it.
    fn own(weight: &Tensor, doubles: bool) -> Option<WinogradConvolution> {
        let convolution = WinogradConvolution::new(weight, doubles);
        assert_eq!(convolution.is_ok(), runs());
        convolution.ok()
    }

    const ACTIVATIONS: [Activation; 3] = [Activation::None, Activation::Relu, Activation::LeakyRelu(0.2)];

    #[test]
    fn it_is_the_convolution_of_libtorch() {
        // Channels that one, two and four registers hold, of AVX-512 and of AVX2; images of odd sides, of less than a tile,
        // of several blocks.
        for (inputs, outputs) in
            [(16, 16), (16, 32), (48, 16), (32, 64), (64, 48), (16, 80), (8, 8), (24, 16), (16, 40)]
        {
            for (samples, height, width) in [(1, 1, 1), (3, 2, 5), (1, 7, 4), (2, 24, 24), (1, 33, 41)] {
                let x = Tensor::randn([samples, inputs, height, width], EXACT);
                let weight = Tensor::randn([outputs, inputs, 3, 3], EXACT);
                let bias = Tensor::randn([outputs], EXACT);
                let Some(convolution) = own(&float(&weight), false) else { return };
                let (given, given_bias) = (channels_last(&float(&x)), float(&bias));
                for activation in ACTIVATIONS {
                    let about = format!("{inputs} to {outputs}, {samples}×{height}×{width}, {activation:?}");
                    let found = convolution.apply(&given, &given_bias, activation).unwrap();
                    assert_close(&found, &expected(&x, &weight, &bias, activation), &about);

                    let sum = Tensor::randn([samples, outputs, height, width], EXACT);
                    let place = channels_last(&float(&sum));
                    let address = place.data_ptr();
                    let found = convolution.add_to(place, &given, &given_bias, activation).unwrap();
                    assert_eq!(found.data_ptr(), address);
                    let whole = sum + expected(&x, &weight, &bias, Activation::None);
                    assert_close(&found, &rectified(&whole, activation), &about);
                }
            }
        }
    }

    #[test]
    fn doubled_inputs_and_sums_are_those_of_libtorch() {
        for (inputs, outputs) in [(16, 16), (32, 16), (64, 32), (16, 64), (8, 16), (24, 8)] {
            for (samples, height, width) in [(1, 1, 1), (3, 2, 5), (1, 7, 4), (2, 12, 12), (1, 17, 33)] {
                let x = Tensor::randn([samples, inputs, height, width], EXACT);
                let weight = Tensor::randn([outputs, inputs, 3, 3], EXACT);
                let bias = Tensor::randn([outputs], EXACT);
                let doubled = |x: &Tensor| {
                    let (_, _, height, width) = x.size4().unwrap();
                    x.upsample_nearest2d([2 * height, 2 * width], None, None)
                };
                let Some(convolution) = own(&float(&weight), true) else { return };
                let (given, given_bias) = (channels_last(&float(&x)), float(&bias));
                let about = format!("{inputs} to {outputs}, {samples}×{height}×{width}");
                for activation in ACTIVATIONS {
                    let found = convolution.apply(&given, &given_bias, activation).unwrap();
                    assert_close(&found, &expected(&doubled(&x), &weight, &bias, activation), &about);
                }
                let sum = Tensor::randn([samples, outputs, height, width], EXACT);
                let whole = doubled(&sum) + expected(&doubled(&x), &weight, &bias, Activation::None);
                let given_sum = channels_last(&float(&sum));
                for activation in ACTIVATIONS {
                    let found =
                        convolution.add_to_doubled(&given_sum, &given, &given_bias, activation).unwrap();
                    assert_close(&found, &rectified(&whole, activation), &about);
                    assert_eq!(given_sum, channels_last(&float(&sum)));
                    let place = channels_last(&float(&doubled(&sum)));
                    let found = convolution.add_to(place, &given, &given_bias, activation).unwrap();
                    assert_close(&found, &rectified(&whole, activation), &about);
                }

                // Only the sum doubled.
                let usual = own(&float(&weight), false).unwrap();
                let large = doubled(&x);
                let found = usual.add_to_doubled(
                    &given_sum,
                    &channels_last(&float(&large)),
                    &given_bias,
                    Activation::Relu,
                );
                assert_close(&found.unwrap(), &whole.relu(), &about);
            }
        }
    }

    #[test]
    fn an_input_in_another_layout_gives_the_same() {
        let (x, weight, bias) = (
            Tensor::randn([2, 16, 9, 14], EXACT),
            Tensor::randn([16, 16, 3, 3], EXACT),
            Tensor::randn([16], EXACT),
        );
        if let Some(convolution) = own(&float(&weight), false) {
            let found = [float(&x), channels_last(&float(&x))]
                .map(|x| convolution.apply(&x, &float(&bias), Activation::Relu).unwrap());
            assert_eq!(found[0], found[1]);
        }
        let laid_out = channels_last(&float(&weight));
        if let Some(convolution) = own(&laid_out, false) {
            let found = convolution.apply(&float(&x), &float(&bias), Activation::None).unwrap();
            assert_close(&found, &expected(&x, &weight, &bias, Activation::None), "channel fastest");
        }
    }

    #[test]
    fn what_is_not_finite_spoils_no_more_than_the_tiles_that_read_it() {
        let weight = Tensor::ones([16, 16, 3, 3], (Kind::Float, Device::Cpu));
        let Some(convolution) = own(&weight, false) else { return };
        let x = Tensor::ones([1, 16, 12, 12], (Kind::Float, Device::Cpu));
        let _ = x.get(0).get(0).get(4).get(4).fill_(f64::NAN);
        let bias = Tensor::zeros([16], (Kind::Float, Device::Cpu));
        for activation in ACTIVATIONS {
            let found = convolution.apply(&channels_last(&x), &bias, activation).unwrap().isnan();
            for (row, column) in (0..12).flat_map(|row| (0..12).map(move |column| (row, column))) {
                let spoilt = found.int64_value(&[0, 3, row, column]) != 0;
                let [within, read] =
                    [3..=5, 2..=5].map(|range| range.contains(&row) && range.contains(&column));
                assert!(spoilt || !within, "{activation:?}: {row}, {column}");
                assert!(read || !spoilt, "{activation:?}: {row}, {column}");
            }
        }
    }

    #[test]
    fn other_convolutions_are_left_to_others() {
        let weight = |shape: [i64; 4], kind| Tensor::zeros(shape, (kind, Device::Cpu));
        assert_eq!(WinogradConvolution::fits(&weight([16, 16, 3, 3], Kind::Float)), runs());
        assert!(!WinogradConvolution::fits(&weight([16, 16, 3, 3], Kind::BFloat16)));
        assert!(!WinogradConvolution::fits(&weight([16, 16, 1, 1], Kind::Float)));
        assert!(!WinogradConvolution::fits(&weight([16, 4, 3, 3], Kind::Float)));
        assert!(!WinogradConvolution::fits(&weight([3, 16, 3, 3], Kind::Float)));
        let half = weight([8, 24, 3, 3], Kind::Float);
        assert_eq!(WinogradConvolution::fits(&half), runs());
        assert_eq!(WinogradConvolution::pays(&half), runs() && !has_avx512());
    }

    #[test]
    fn what_does_not_match_is_refused() {
        let weight = Tensor::zeros([16, 16, 3, 3], (Kind::Float, Device::Cpu));
        let Some(convolution) = own(&weight, false) else { return };
        let zeros = |shape: &[i64], kind| Tensor::zeros(shape, (kind, Device::Cpu));
        let (x, bias) = (zeros(&[1, 16, 4, 4], Kind::Float), zeros(&[16], Kind::Float));
        let none = Activation::None;
        assert!(convolution.apply(&x, &bias, none).is_ok());
        assert!(convolution.apply(&zeros(&[1, 32, 4, 4], Kind::Float), &bias, none).is_err());
        assert!(convolution.apply(&zeros(&[16, 4, 4], Kind::Float), &bias, none).is_err());
        assert!(convolution.apply(&zeros(&[1, 16, 4, 4], Kind::Double), &bias, none).is_err());
        assert!(convolution.apply(&x, &zeros(&[8], Kind::Float), none).is_err());
        let other = zeros(&[1, 16, 4, 5], Kind::Float);
        assert!(convolution.add_to_doubled(&other, &x, &bias, none).is_err());
        assert!(convolution.add_to(other, &x, &bias, none).is_err());
        assert!(convolution.add_to_doubled(&zeros(&[1, 16, 2, 2], Kind::Double), &x, &bias, none).is_err());
        let (odd, half) = (zeros(&[1, 16, 5, 4], Kind::Float), zeros(&[1, 16, 3, 2], Kind::Float));
        assert!(convolution.add_to_doubled(&channels_last(&half), &odd, &bias, none).is_err());
        // Over its own input.
        let input = channels_last(&x);
        assert!(convolution.add_to(input.shallow_clone(), &input, &bias, none).is_err());
        // The column fastest.
        assert!(convolution.add_to(zeros(&[1, 16, 4, 4], Kind::Float), &x, &bias, none).is_err());
    }

    #[test]
    fn threads_change_nothing() {
        let (weight, bias) = (
            Tensor::randn([32, 32, 3, 3], (Kind::Float, Device::Cpu)),
            Tensor::randn([32], (Kind::Float, Device::Cpu)),
        );
        let Some(convolution) = own(&weight, false) else { return };
        let x = channels_last(&Tensor::randn([3, 32, 50, 38], (Kind::Float, Device::Cpu)));
        let all = convolution.apply(&x, &bias, Activation::None).unwrap();
        let parts: Vec<Tensor> = (0..3)
            .map(|sample| convolution.apply(&x.narrow(0, sample, 1), &bias, Activation::None).unwrap())
            .collect();
        assert_eq!(Tensor::cat(&parts, 0), all);
        std::thread::spawn(move || {
            for threads in [1, 3] {
                let _lane = crate::runtime::Lane::enter(threads, 1);
                assert_eq!(convolution.apply(&x, &bias, Activation::None).unwrap(), all);
            }
        })
        .join()
        .unwrap();
    }

    /// Whether this processor has code here; one with AVX-512 has AVX2 too.
    fn runs() -> bool {
        #[cfg(target_arch = "x86_64")]
        {
            std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma")
        }
        #[cfg(not(target_arch = "x86_64"))]
        {
            false
        }
    }

    fn has_avx512() -> bool {
        #[cfg(target_arch = "x86_64")]
        {
            std::is_x86_feature_detected!("avx512f")
        }
        #[cfg(not(target_arch = "x86_64"))]
        {
            false
        }
    }
}
