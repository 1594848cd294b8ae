//! Batch normalisation of trainings on the CPU.

use super::native::{self, NormalisationSettings};
use super::operators::{Activation, made};
use crate::error::Result;
use tch::Tensor;
use torch_sys::C_tensor;

/// Batch normalisation with the batch's own statistics, a sum and a rectifier in as few passes over memory as there can be
/// (`native/normalisation.cpp`). Autograd follows it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FusedNormalisation {
    /// How far the running statistics move towards the batch's.
    pub momentum: f64,
    /// Added to the variance.
    pub epsilon: f64,
    /// Of the sum.
    pub activation: Activation,
}

impl FusedNormalisation {
    /// Whether `x` is what it is for: N×C×H×W of float32 or bfloat16 on the CPU, with the channel fastest in memory.
    pub fn fits(x: &Tensor) -> bool {
        // SAFETY: the tensor lives during the call.
        unsafe { native::coopseg_native_normalises(x.as_ptr()) != 0 }
    }

    /// activation(weight·normalised(x) + bias + summand), for `weight_and_bias` of each channel. `running` are mean and
    /// variance, which move.
    pub fn apply(
        self,
        x: &Tensor,
        summand: Option<&Tensor>,
        [weight, bias]: [&Tensor; 2],
        running: Option<[&Tensor; 2]>,
    ) -> Result<Tensor> {
        let slope = match self.activation {
            Activation::None => 1.0,
            Activation::Relu => 0.0,
            Activation::LeakyRelu(slope) => slope,
        };
        let how = NormalisationSettings { momentum: self.momentum, epsilon: self.epsilon, slope };
        let [mut mean, mut variance] =
            running.map_or([None, None], |tensors| tensors.map(|tensor| Some(tensor.shallow_clone())));
        let pointer = |tensor: &mut Option<Tensor>| -> *mut C_tensor {
            tensor.as_mut().map_or(std::ptr::null_mut(), Tensor::as_mut_ptr)
        };
        made(|out, message| {
            // SAFETY: the tensors live during the call; `out` may be written.
            unsafe {
                native::coopseg_native_normalise(
                    x.as_ptr(),
                    summand.map_or(std::ptr::null(), Tensor::as_ptr),
                    weight.as_ptr(),
                    bias.as_ptr(),
                    pointer(&mut mean),
                    pointer(&mut variance),
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
    use crate::error::Error;
    use tch::{Device, Kind};

    const EXACT: (Kind, Device) = (Kind::Double, Device::Cpu);

    fn channels_last(x: &Tensor) -> Tensor {
        x.permute([0, 2, 3, 1]).contiguous().permute([0, 3, 1, 2])
    }

    fn normalisation(activation: Activation) -> FusedNormalisation {
        FusedNormalisation { momentum: 0.1, epsilon: 1e-5, activation }
    }

    /// As libtorch computes it, one operator after the other.
    fn reference(
        activation: Activation,
        x: &Tensor,
        summand: Option<&Tensor>,
        [weight, bias]: [&Tensor; 2],
        [mean, variance]: [&Tensor; 2],
    ) -> Tensor {
        let y = x.batch_norm(Some(weight), Some(bias), Some(mean), Some(variance), true, 0.1, 1e-5, false);
        let y = summand.map_or(y.shallow_clone(), |summand| &y + summand);
        match activation {
            Activation::None => y,
            Activation::Relu => y.relu(),
            Activation::LeakyRelu(slope) => y.maximum(&(&y * slope)),
        }
    }

    /// Within `tolerance` of the largest value, or of 1.
    fn within(found: &Tensor, expected: &Tensor, tolerance: f64) -> bool {
        let expected = expected.to_kind(Kind::Double);
        let difference = (found.to_kind(Kind::Double) - &expected).abs().max().double_value(&[]);
        difference <= tolerance * expected.abs().max().double_value(&[]).max(1.0)
    }

    #[test]
    fn results_gradients_and_running_statistics_are_those_of_double_precision() {
        let activations = [Activation::None, Activation::Relu, Activation::LeakyRelu(0.2)];
        // More and fewer numbers than a thread takes, and pixels that fill no row.
        for shape in
            [[2, 16, 96, 80], [3, 5, 67, 71], [1, 1, 3, 3], [2, 3, 1, 1], [2, 70, 9, 7], [4, 128, 12, 12]]
        {
            for (activation, adds) in activations.into_iter().flat_map(|one| [(one, false), (one, true)]) {
                let channels = shape[1];
                // Means far from 0, against which variances must not drown; and no two values alone that are alike.
                let means: Tensor = Tensor::randn([1, channels, 1, 1], EXACT) * 40.0;
                let sides: Tensor = Tensor::arange(shape[0], EXACT).remainder(2.0) * 10.0;
                let x: Tensor =
                    Tensor::randn(shape, EXACT).clamp(-1.5, 1.5) * 3.0 + sides.reshape([-1, 1, 1, 1]) + means;
                let start = [
                    x.to_kind(Kind::Float),
                    Tensor::randn(shape, EXACT).to_kind(Kind::Float),
                    Tensor::randn([channels], EXACT).to_kind(Kind::Float),
                    Tensor::randn([channels], EXACT).to_kind(Kind::Float),
                ];
                let leaves =
                    |kind| start.each_ref().map(|leaf| leaf.to_kind(kind).copy().set_requires_grad(true));
                let running = |kind| {
                    [
                        Tensor::zeros([channels], (kind, Device::Cpu)),
                        Tensor::ones([channels], (kind, Device::Cpu)),
                    ]
                };
                let (exact, found) = (leaves(Kind::Double), leaves(Kind::Float));
                let (exact_running, found_running) = (running(Kind::Double), running(Kind::Float));
                let of = |activation, running: &[Tensor; 2]| {
                    reference(
                        activation,
                        &exact[0],
                        adds.then_some(&exact[1]),
                        [&exact[2], &exact[3]],
                        running.each_ref(),
                    )
                };
                let expected = of(activation, &exact_running);
                let fast = channels_last(&found[0]);
                assert!(FusedNormalisation::fits(&fast));
                let result = normalisation(activation)
                    .apply(
                        &fast,
                        adds.then_some(&found[1]),
                        [&found[2], &found[3]],
                        Some(found_running.each_ref()),
                    )
                    .unwrap();
                assert!(within(&result, &expected, 1e-5), "{shape:?} {activation:?}");
                for (found, expected) in found_running.iter().zip(&exact_running) {
                    assert!(within(found, expected, 1e-5), "{shape:?}");
                }
                // Next to zero, rounding decides on the rectifier's side.
                let decided =
                    of(Activation::None, &running(Kind::Double)).abs().gt(1e-3).to_kind(Kind::Double);
                let gradient = expected.randn_like() * decided;
                (&expected * &gradient).sum(Kind::Double).backward();
                (&result * gradient.to_kind(Kind::Float)).sum(Kind::Float).backward();
                for (found, expected) in found.iter().zip(&exact) {
                    assert_eq!(found.grad().defined(), expected.grad().defined());
                    if expected.grad().defined() {
                        assert!(
                            within(&found.grad(), &expected.grad(), 2e-5),
                            "{shape:?} {activation:?} {adds}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn bfloat16_is_rounded_once() {
        let numbers = (Kind::BFloat16, Device::Cpu);
        for (shape, adds) in [([2, 16, 96, 80], false), ([3, 5, 7, 11], true), ([2, 70, 9, 7], true)] {
            let found = [1, 2].map(|_| channels_last(&Tensor::randn(shape, numbers)).set_requires_grad(true));
            let exact =
                found.each_ref().map(|leaf| leaf.detach().to_kind(Kind::Double).set_requires_grad(true));
            let parameters = [1, 2].map(|_| Tensor::randn([shape[1]], (Kind::Float, Device::Cpu)));
            let exact_parameters = parameters.each_ref().map(|one| one.to_kind(Kind::Double));
            let running = [0, 1].map(|value| Tensor::full([shape[1]], value, EXACT));
            let activation = Activation::LeakyRelu(0.2);
            let expected = reference(
                activation,
                &exact[0],
                adds.then_some(&exact[1]),
                exact_parameters.each_ref(),
                running.each_ref(),
            );
            let result = normalisation(activation)
                .apply(&found[0], adds.then_some(&found[1]), parameters.each_ref(), None)
                .unwrap();
            assert_eq!(result.kind(), Kind::BFloat16);
            // Half of the last of eight binary digits.
            let error =
                ((result.to_kind(Kind::Double) - &expected).abs() / expected.abs().clamp_min(1e-3)).max();
            assert!(error.double_value(&[]) < 2f64.powi(-8) + 1e-5, "{shape:?}: {error:?}");
            // Next to zero, rounding decides on the rectifier's side.
            let gradient =
                channels_last(&(Tensor::randn(shape, numbers) * expected.abs().gt(1e-3).to_kind(numbers.0)));
            (&expected * gradient.to_kind(Kind::Double)).sum(Kind::Double).backward();
            (&result * &gradient).sum(Kind::Float).backward();
            for (found, expected) in found.iter().zip(&exact).take(if adds { 2 } else { 1 }) {
                assert_eq!(found.grad().kind(), Kind::BFloat16);
                assert!(within(&found.grad(), &expected.grad(), 1e-2), "{shape:?}");
            }
        }
    }

    #[test]
    fn a_rectifier_leaves_no_negative_zero() {
        let x = channels_last(&Tensor::randn([2, 8, 6, 6], (Kind::Float, Device::Cpu)));
        let [one, zero] = [1.0, 0.0].map(|value| Tensor::full([8], value, (Kind::Float, Device::Cpu)));
        let y = normalisation(Activation::Relu).apply(&x, None, [&one, &zero], None).unwrap();
        assert!(Vec::<f32>::try_from(y.flatten(0, -1)).unwrap().iter().all(|value| value.is_sign_positive()));
    }

    #[test]
    fn results_repeat_bit_for_bit_with_any_number_of_threads() {
        let x = channels_last(&Tensor::randn([4, 16, 64, 64], (Kind::Float, Device::Cpu)));
        let parameters = [1, 2].map(|_| Tensor::randn([16], (Kind::Float, Device::Cpu)));
        let gradient = x.randn_like();
        let pass = move || {
            let x = x.detach().copy().set_requires_grad(true);
            let y = normalisation(Activation::LeakyRelu(0.2))
                .apply(&x, None, parameters.each_ref(), None)
                .unwrap();
            (&y * &gradient).sum(Kind::Float).backward();
            (y.detach(), x.grad())
        };
        let first = pass();
        for _ in 0..20 {
            assert_eq!(pass(), first);
        }
        std::thread::spawn(move || {
            for threads in [1, 3] {
                let _lane = crate::runtime::Lane::enter(threads, 1);
                assert_eq!(pass(), first);
            }
        })
        .join()
        .unwrap();
    }

    #[test]
    fn frozen_parameters_and_inputs_get_no_gradient() {
        for (of_x, of_parameters) in [(true, false), (false, true)] {
            let x = channels_last(&Tensor::randn([2, 8, 6, 6], (Kind::Float, Device::Cpu)))
                .set_requires_grad(of_x);
            let parameters = [1, 2]
                .map(|_| Tensor::randn([8], (Kind::Float, Device::Cpu)).set_requires_grad(of_parameters));
            let y = normalisation(Activation::Relu).apply(&x, None, parameters.each_ref(), None).unwrap();
            y.sum(Kind::Float).backward();
            assert_eq!(x.grad().defined(), of_x);
            assert!(parameters.iter().all(|one| one.grad().defined() == of_parameters));
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let float = |shape: &[i64]| Tensor::ones(shape, (Kind::Float, Device::Cpu));
        assert!(!FusedNormalisation::fits(&float(&[2, 3, 4, 4])));
        assert!(!FusedNormalisation::fits(&channels_last(&Tensor::ones([2, 3, 4, 4], EXACT))));
        assert!(!FusedNormalisation::fits(&float(&[2, 3, 4])));
        let x = channels_last(&float(&[2, 3, 4, 4]));
        let [two, three, four] = [2, 3, 4].map(|channels| float(&[channels]));
        let parameters = [&three, &three];
        let apply = |x: &Tensor, summand: Option<&Tensor>, parameters: [&Tensor; 2], running| {
            normalisation(Activation::None).apply(x, summand, parameters, running)
        };
        for refused in [
            apply(&float(&[2, 3, 4, 4]), None, parameters, None),
            apply(&channels_last(&float(&[1, 3, 1, 1])), None, parameters, None),
            apply(&x, Some(&float(&[2, 3, 4, 5])), parameters, None),
            apply(&x, None, [&three, &four], None),
            apply(&x, None, parameters, Some([&two, &three])),
        ] {
            assert!(matches!(refused, Err(Error::Torch(_))), "{:?}", refused.map(|result| result.size()));
        }
        assert!(apply(&x, None, parameters, None).is_ok());
    }
}
