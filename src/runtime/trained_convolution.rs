//! Convolutions of trainings.

use super::native::{self, KernelSettings};
use super::operators::made;
use crate::error::Result;
use tch::Tensor;

/// A 2-D convolution with a square kernel, one group and no dilation, as autograd follows it.
///
/// libtorch computes it, except on the CPU in float32, with the channel fastest in memory: there a 3×3 convolution with
/// stride and padding 1 and its gradients are this crate's own, with fewer multiplications, where the channels fill the
/// processor's registers (`native/winograd.h`). Of others the gradient of the weight is, on processors with AVX2, where oneDNN
/// takes several times as long (`native/weight_gradient.h`): without AVX-512, and for inputs of one channel. The gradient of a
/// transposed one's bias is a sum, which oneDNN takes many times as long for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrainedConvolution {
    /// Stride along both axes.
    pub stride: i64,
    /// Padding along both axes.
    pub padding: i64,
    /// Whether it is the transpose of a convolution (weight inputs×outputs×k×k).
    pub transposed: bool,
}

impl TrainedConvolution {
    fn settings(self) -> KernelSettings {
        KernelSettings { stride: self.stride, padding: self.padding, transposed: i32::from(self.transposed) }
    }

    /// The convolution of `x` (N×inputs×H×W).
    pub fn apply(self, x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
        let how = self.settings();
        made(|out, message| {
            // SAFETY: the tensors live during the call; `out` may be written.
            unsafe {
                native::coopseg_native_trained_convolution(
                    x.as_ptr(),
                    weight.as_ptr(),
                    bias.map_or(std::ptr::null(), Tensor::as_ptr),
                    &how,
                    out,
                    message,
                )
            }
        })
    }
}

/// The 3×3 convolution, with stride and padding 1, of an image with every pixel doubled in each direction, as autograd
/// follows it: this crate's own (`native/winograd.h`).
#[derive(Clone, Copy, Debug)]
pub struct DoubledConvolution;

impl DoubledConvolution {
    /// Whether there is one for `x` (N×inputs×H×W) and a weight outputs×inputs×3×3, and it is faster than a transposed
    /// convolution: on the CPU, in float32, with channels that fill the processor's registers.
    pub fn fits(x: &Tensor, weight: &Tensor) -> bool {
        // SAFETY: the tensors live during the call.
        unsafe { native::coopseg_native_winograd_trains(x.as_ptr(), weight.as_ptr()) != 0 }
    }

    /// The convolution of `x`, N×outputs×2H×2W.
    ///
    /// # Errors
    /// Where processor or channels do not allow it.
    pub fn apply(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
        winograd(x, weight, bias, true)
    }
}

fn winograd(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>, doubles: bool) -> Result<Tensor> {
    made(|out, message| {
        // SAFETY: the tensors live during the call; `out` may be written.
        unsafe {
            native::coopseg_native_trained_winograd(
                x.as_ptr(),
                weight.as_ptr(),
                bias.map_or(std::ptr::null(), Tensor::as_ptr),
                i32::from(doubles),
                out,
                message,
            )
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::WinogradConvolution;
    use tch::{Device, Kind};

    const EXACT: (Kind, Device) = (Kind::Double, Device::Cpu);

    fn channels_last(x: &Tensor) -> Tensor {
        x.permute([0, 2, 3, 1]).contiguous().permute([0, 3, 1, 2])
    }

    struct Case {
        samples: i64,
        inputs: i64,
        outputs: i64,
        size: [i64; 2],
        kernel: i64,
        how: TrainedConvolution,
    }

    impl Case {
        fn weight_shape(&self) -> [i64; 4] {
            let [first, second] =
                if self.how.transposed { [self.inputs, self.outputs] } else { [self.outputs, self.inputs] };
            [first, second, self.kernel, self.kernel]
        }

        fn input_shape(&self) -> [i64; 4] {
            [self.samples, self.inputs, self.size[0], self.size[1]]
        }

        /// As libtorch computes it.
        fn reference(&self, x: &Tensor, weight: &Tensor, bias: &Tensor) -> Tensor {
            let (stride, padding) = ([self.how.stride; 2], [self.how.padding; 2]);
            if self.how.transposed {
                x.conv_transpose2d(weight, Some(bias), stride, padding, [0, 0], 1, [1, 1])
            } else {
                x.conv2d(weight, Some(bias), stride, padding, [1, 1], 1)
            }
        }

        /// The gradient of the weight alone, by this crate's code.
        fn own(&self, x: &Tensor, gradient: &Tensor) -> Result<Tensor> {
            let (x, gradient, how) = (channels_last(x), channels_last(gradient), self.how.settings());
            made(|out, message| {
                // SAFETY: the tensors live during the call; `out` may be written.
                unsafe {
                    native::coopseg_native_weight_gradient(
                        x.as_ptr(),
                        gradient.as_ptr(),
                        self.kernel,
                        &how,
                        out,
                        message,
                    )
                }
            })
        }
    }

    fn convolution(
        samples: i64,
        inputs: i64,
        outputs: i64,
        size: [i64; 2],
        kernel: i64,
        stride: i64,
    ) -> Case {
        let how = TrainedConvolution { stride, padding: kernel / 2, transposed: false };
        Case { samples, inputs, outputs, size, kernel, how }
    }

    fn transposed(
        samples: i64,
        inputs: i64,
        outputs: i64,
        size: [i64; 2],
        kernel: i64,
        padding: i64,
    ) -> Case {
        let how = TrainedConvolution { stride: 2, padding, transposed: true };
        Case { samples, inputs, outputs, size, kernel, how }
    }

    /// Every kind of layer of the networks, and numbers that are no multiples of a tile, a copy or a register.
    fn cases() -> Vec<Case> {
        vec![
            convolution(2, 16, 16, [24, 40], 3, 1),
            convolution(3, 1, 16, [16, 16], 3, 1),
            convolution(2, 4, 24, [7, 11], 3, 1),
            convolution(1, 5, 8, [1, 3], 3, 1),
            convolution(2, 32, 40, [12, 12], 3, 1),
            convolution(2, 16, 16, [24, 24], 3, 2),
            convolution(2, 7, 16, [9, 13], 3, 2),
            convolution(2, 16, 32, [20, 12], 1, 1),
            convolution(1, 16, 32, [21, 13], 1, 2),
            convolution(1, 8, 8, [130, 9], 3, 1),
            convolution(1, 32, 48, [9, 7], 3, 1),
            convolution(3, 64, 16, [1, 2], 3, 1),
            transposed(2, 16, 16, [12, 20], 4, 1),
            transposed(1, 24, 3, [5, 7], 4, 1),
            transposed(2, 32, 32, [6, 6], 2, 0),
        ]
    }

    fn own_code_runs() -> bool {
        // SAFETY: only reads.
        unsafe { native::coopseg_native_has_weight_gradient() != 0 }
    }

    fn relative_difference(found: &Tensor, expected: &Tensor) -> f64 {
        let expected = expected.to_kind(Kind::Double);
        ((found.to_kind(Kind::Double) - &expected).abs().max() / expected.abs().max()).double_value(&[])
    }

    #[test]
    fn gradients_of_weights_are_those_of_double_precision() {
        let runs = own_code_runs();
        for case in cases() {
            let (x, bias) = (Tensor::randn(case.input_shape(), EXACT), Tensor::zeros([case.outputs], EXACT));
            let weight = Tensor::randn(case.weight_shape(), EXACT).set_requires_grad(true);
            let y = case.reference(&x, &weight, &bias);
            let gradient = y.randn_like();
            (&y * &gradient).sum(Kind::Double).backward();
            match case.own(&x.to_kind(Kind::Float), &gradient.to_kind(Kind::Float)) {
                Ok(found) if runs => {
                    assert_eq!(found.size(), case.weight_shape());
                    let difference = relative_difference(&found, &weight.grad());
                    assert!(difference < 1e-5, "{:?} {}: {difference}", case.how, case.kernel);
                }
                Err(_) if !runs => {}
                other => panic!("{:?} on a processor that can: {runs}", other.map(|found| found.size())),
            }
        }
    }

    #[test]
    fn results_and_all_gradients_are_those_of_libtorch() {
        for case in cases() {
            let x = channels_last(&Tensor::randn(case.input_shape(), (Kind::Float, Device::Cpu)));
            let leaves = |kind: Kind| {
                [&x, &Tensor::ones(case.weight_shape(), EXACT), &Tensor::ones([case.outputs], EXACT)]
                    .map(|leaf| leaf.detach().to_kind(kind).copy().set_requires_grad(true))
            };
            let [exact, found] = [Kind::Double, Kind::Float].map(leaves);
            let expected = case.reference(&exact[0], &exact[1], &exact[2]);
            let result = case.how.apply(&found[0], &found[1], Some(&found[2])).unwrap();
            assert!(relative_difference(&result, &expected) < 1e-5);
            let gradient = expected.randn_like();
            (&expected * &gradient).sum(Kind::Double).backward();
            (&result * gradient.to_kind(Kind::Float)).sum(Kind::Float).backward();
            for (found, expected) in found.iter().zip(&exact) {
                assert!(relative_difference(&found.grad(), &expected.grad()) < 1e-4, "{:?}", case.how);
            }
        }
    }

    /// Images, weights and biases whose channels one, two and four registers hold, of AVX-512 and of AVX2, in images of odd
    /// sides, of less than a tile, of several blocks.
    fn winograd_shapes() -> Vec<([i64; 4], i64)> {
        let mut shapes = Vec::new();
        for (inputs, outputs) in
            [(16, 16), (16, 32), (48, 16), (32, 64), (64, 48), (16, 80), (8, 8), (24, 16), (16, 40)]
        {
            for (samples, height, width) in [(1, 1, 1), (3, 2, 5), (1, 7, 4), (2, 24, 24), (1, 33, 41)] {
                shapes.push(([samples, inputs, height, width], outputs));
            }
        }
        shapes
    }

    #[test]
    fn winograds_results_and_gradients_are_those_of_libtorch_in_double_precision() {
        for (shape, outputs) in winograd_shapes() {
            for doubles in [false, true] {
                let exact = [
                    Tensor::randn(shape, EXACT),
                    Tensor::randn([outputs, shape[1], 3, 3], EXACT),
                    Tensor::randn([outputs], EXACT),
                ]
                .map(|leaf| leaf.set_requires_grad(true));
                let [x, weight, bias] = &exact;
                let larger = x.upsample_nearest2d([2 * shape[2], 2 * shape[3]], None, None);
                let seen = if doubles { &larger } else { x };
                let expected = seen.conv2d(weight, Some(bias), [1, 1], [1, 1], [1, 1], 1);
                let gradient = expected.randn_like();
                (&expected * &gradient).sum(Kind::Double).backward();

                let own = [0, 1, 2].map(|leaf: usize| {
                    let leaf = exact[leaf].detach().to_kind(Kind::Float);
                    let leaf = if leaf.dim() == 4 { channels_last(&leaf) } else { leaf };
                    leaf.set_requires_grad(true)
                });
                let Ok(found) = winograd(&own[0], &own[1], Some(&own[2]), doubles) else {
                    assert!(!WinogradConvolution::fits(&own[1]));
                    return;
                };
                assert!(relative_difference(&found, &expected) < 1e-5);
                (&found * gradient.to_kind(Kind::Float)).sum(Kind::Float).backward();
                for (found, expected) in own.iter().zip(&exact) {
                    let difference = relative_difference(&found.grad(), &expected.grad());
                    assert!(difference < 1e-5, "{shape:?} to {outputs}, doubled {doubles}: {difference}");
                }
            }
        }
    }

    #[test]
    fn winograd_refuses_what_does_not_fit() {
        let float = (Kind::Float, Device::Cpu);
        let x = Tensor::randn([1, 16, 6, 6], float);
        for size in [[16, 16, 5, 5], [16, 12, 3, 3], [12, 16, 3, 3], [16, 32, 3, 3]] {
            assert!(!DoubledConvolution::fits(&x, &Tensor::randn(size, float)));
            assert!(DoubledConvolution::apply(&x, &Tensor::randn(size, float), None).is_err());
        }
        let weight = Tensor::randn([16, 16, 3, 3], float);
        for x in [Tensor::randn([1, 16, 6, 6], EXACT), Tensor::randn([0, 16, 6, 6], float)] {
            assert!(!DoubledConvolution::fits(&x, &weight));
            assert!(DoubledConvolution::apply(&x, &weight, None).is_err());
        }
    }

    #[test]
    fn winograds_gradients_repeat_bit_for_bit() {
        let float = (Kind::Float, Device::Cpu);
        let (x, weight) = (Tensor::randn([5, 16, 33, 29], float), Tensor::randn([32, 16, 3, 3], float));
        for doubles in [false, true] {
            let gradients = || {
                let leaves = [&x, &weight].map(|leaf| channels_last(leaf).set_requires_grad(true));
                let result = winograd(&leaves[0], &leaves[1], None, doubles).ok()?;
                (&result * &result).sum(Kind::Float).backward();
                Some(leaves.map(|leaf| leaf.grad()))
            };
            let Some(first) = gradients() else { return };
            for _ in 0..10 {
                assert_eq!(gradients().unwrap(), first);
            }
        }
    }

    #[test]
    fn gradients_of_weights_repeat_bit_for_bit() {
        let case = convolution(5, 16, 16, [33, 29], 3, 1);
        let x = Tensor::randn(case.input_shape(), (Kind::Float, Device::Cpu));
        let gradient = Tensor::randn([5, 16, 33, 29], (Kind::Float, Device::Cpu));
        if own_code_runs() {
            let first = case.own(&x, &gradient).unwrap();
            for _ in 0..20 {
                assert_eq!(case.own(&x, &gradient).unwrap(), first);
            }
        }
    }

    #[test]
    fn frozen_weights_and_inputs_get_no_gradient() {
        let case = convolution(2, 16, 16, [8, 8], 3, 1);
        let how = case.how;
        for (of_x, of_weight) in [(true, false), (false, true)] {
            let leaves = || {
                let x = channels_last(&Tensor::randn(case.input_shape(), (Kind::Float, Device::Cpu)));
                let weight = Tensor::randn(case.weight_shape(), (Kind::Float, Device::Cpu));
                (x.set_requires_grad(of_x), weight.set_requires_grad(of_weight))
            };
            let ends = |result: &Tensor, x: &Tensor, weight: &Tensor| {
                result.sum(Kind::Float).backward();
                assert_eq!([x.grad().defined(), weight.grad().defined()], [of_x, of_weight]);
            };
            let (x, weight) = leaves();
            ends(&how.apply(&x, &weight, None).unwrap(), &x, &weight);
            let (x, weight) = leaves();
            if DoubledConvolution::fits(&x, &weight) {
                ends(&DoubledConvolution::apply(&x, &weight, None).unwrap(), &x, &weight);
            }
        }
    }
}
