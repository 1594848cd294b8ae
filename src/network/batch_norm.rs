//! Batch normalisation, with the switches that the hard passes of cooperative training need.

use super::initialise::Initialiser;
use super::rectifier::Rectifier;
use crate::error::Result;
use crate::runtime::{FusedNormalisation, ScalarOperators};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tch::{Device, Kind, Tensor};

const EPSILON: f64 = 1e-5;
const MOMENTUM: f64 = 0.1;

/// How batch normalisation behaves in one forward pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchNormMode {
    /// Normalise with the batch's own mean and variance rather than the running ones.
    pub batch_statistics: bool,
    /// Move the running mean and variance towards the batch's.
    pub update_running: bool,
    /// Let gradients reach scale and shift.
    pub train_affine: bool,
}

impl BatchNormMode {
    /// Running statistics; nothing changes.
    pub const INFERENCE: Self =
        BatchNormMode { batch_statistics: false, update_running: false, train_affine: true };
    /// Ordinary training.
    pub const TRAINING: Self =
        BatchNormMode { batch_statistics: true, update_running: true, train_affine: true };
    /// Batch statistics without a trace in the running ones: hard examples and mask gradients.
    pub const PROBE: Self =
        BatchNormMode { batch_statistics: true, update_running: false, train_affine: true };

    /// The same with scale and shift shut off from gradients.
    pub const fn frozen_affine(self) -> Self {
        BatchNormMode { train_affine: false, ..self }
    }
}

/// What follows a normalisation: rectifier(normalised + summand).
#[derive(Clone, Copy, Debug)]
pub struct Ending<'a> {
    summand: Option<&'a Tensor>,
    rectifier: Rectifier,
}

impl<'a> Ending<'a> {
    /// A rectifier.
    pub const fn with(rectifier: Rectifier) -> Self {
        Ending { summand: None, rectifier }
    }

    /// A sum with a tensor of the same shape, then a rectifier.
    pub const fn onto(summand: &'a Tensor, rectifier: Rectifier) -> Self {
        Ending { summand: Some(summand), rectifier }
    }
}

/// Batch normalisation over N×C×H×W (eps 1e-5, momentum 0.1).
#[derive(Debug)]
pub struct BatchNorm {
    weight: Tensor,
    bias: Tensor,
    running_mean: Tensor,
    running_var: Tensor,
    batches: Tensor,
    frozen: Arc<AtomicBool>,
}

impl BatchNorm {
    /// Scale ~ N(1, 0.02), shift 0.
    pub fn new(init: &mut Initialiser, name: &str, channels: i64) -> Result<Self> {
        let on_cpu = (Kind::Float, Device::Cpu);
        init.within(name, |init| {
            Ok(BatchNorm {
                weight: init.normal("weight", &[channels], 1.0, 0.02)?,
                bias: init.zeros("bias", &[channels])?,
                running_mean: init.buffer("running_mean", Tensor::f_zeros([channels], on_cpu)?)?,
                running_var: init.buffer("running_var", Tensor::f_ones([channels], on_cpu)?)?,
                batches: init.buffer(
                    "num_batches_tracked",
                    Tensor::f_zeros([] as [i64; 0], (Kind::Int64, Device::Cpu))?,
                )?,
                frozen: init.frozen_flag(),
            })
        })
    }

    /// Scale and shift, in float64, that normalising with the running statistics amounts to.
    pub fn running_affine(&self) -> Result<[Tensor; 2]> {
        let exact = |tensor: &Tensor| tensor.f_detach()?.f_to_kind(Kind::Double);
        let deviation = exact(&self.running_var)?.try_add_scalar(EPSILON)?.f_sqrt()?;
        let scale = exact(&self.weight)?.f_div(&deviation)?;
        let shift = exact(&self.bias)?.f_sub(&exact(&self.running_mean)?.f_mul(&scale)?)?;
        Ok([scale, shift])
    }

    /// Whether the batch's own statistics normalise, so that a number added to a whole channel changes nothing.
    pub fn takes_biases_out(&self, mode: BatchNormMode) -> bool {
        self.effective(mode).batch_statistics
    }

    /// In a frozen part always the running statistics, which stay as they are.
    fn effective(&self, mode: BatchNormMode) -> BatchNormMode {
        if self.frozen.load(Ordering::Relaxed) { BatchNormMode::INFERENCE } else { mode }
    }

    /// Normalises each channel.
    pub fn forward(&self, x: &Tensor, mode: BatchNormMode, ending: Ending) -> Result<Tensor> {
        self.normalise(x, mode, &self.running_mean, ending)
    }

    /// The same of `x` with the bias of each channel added, where that is taken out.
    pub fn forward_without_bias(
        &self,
        x: &Tensor,
        mode: BatchNormMode,
        bias: &Tensor,
        ending: Ending,
    ) -> Result<Tensor> {
        if !self.effective(mode).update_running {
            return self.forward(x, mode, ending);
        }
        // The running mean is that of values with their bias. A tensor of its own moves, because the way back remembers it.
        let bias = bias.f_detach()?;
        let mean = self.running_mean.f_sub(&bias)?;
        let normalised = self.normalise(x, mode, &mean, ending)?;
        self.running_mean.shallow_clone().f_copy_(&mean.f_add(&bias)?)?;
        Ok(normalised)
    }

    fn normalise(
        &self,
        x: &Tensor,
        mode: BatchNormMode,
        running_mean: &Tensor,
        ending: Ending,
    ) -> Result<Tensor> {
        let mode = self.effective(mode);
        let (weight, bias) = if mode.train_affine {
            (self.weight.shallow_clone(), self.bias.shallow_clone())
        } else {
            (self.weight.f_detach()?, self.bias.f_detach()?)
        };
        if mode.update_running {
            let _ = self.batches.shallow_clone().try_add_scalar_(1)?;
        }
        let running = !mode.batch_statistics || mode.update_running;
        let running = running.then_some([running_mean, &self.running_var]);
        if mode.batch_statistics && FusedNormalisation::fits(x) {
            let how = FusedNormalisation {
                momentum: MOMENTUM,
                epsilon: EPSILON,
                activation: ending.rectifier.activation(),
            };
            return how.apply(x, ending.summand, [&weight, &bias], running);
        }
        let mut normalised = x.f_batch_norm(
            Some(&weight),
            Some(&bias),
            running.map(|[mean, _]| mean),
            running.map(|[_, variance]| variance),
            mode.batch_statistics,
            MOMENTUM,
            EPSILON,
            true,
        )?;
        if let Some(summand) = ending.summand {
            let _ = normalised.f_add_(summand)?;
        }
        ending.rectifier.apply(normalised)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bias_that_is_left_out_shows_in_the_running_mean_alone() {
        let new = || BatchNorm::new(&mut Initialiser::new(4, Device::Cpu), "norm", 3).unwrap();
        let x = Tensor::randn([2, 3, 5, 4], (Kind::Float, Device::Cpu));
        let bias = Tensor::from_slice(&[0.5f32, -2.0, 30.0]);
        let biased = &x + bias.reshape([1, 3, 1, 1]);
        let far = |a: &Tensor, b: &Tensor| (a - b).abs().max().double_value(&[]);
        for mode in [BatchNormMode::TRAINING, BatchNormMode::PROBE, BatchNormMode::PROBE.frozen_affine()] {
            let (with, without) = (new(), new());
            assert!(with.takes_biases_out(mode) && !with.takes_biases_out(BatchNormMode::INFERENCE));
            let ending = Ending::with(Rectifier::None);
            let expected = with.forward(&biased, mode, ending).unwrap();
            let found = without.forward_without_bias(&x, mode, &bias, ending).unwrap();
            assert!(far(&expected, &found) < 1e-4);
            assert!(far(&with.running_mean, &without.running_mean) < 1e-5);
            assert!(far(&with.running_var, &without.running_var) < 1e-5);
            let gradient = |y: &Tensor, norm: &BatchNorm| {
                (y * y * y).sum(Kind::Float).backward();
                norm.bias.grad()
            };
            if mode.train_affine {
                assert!(far(&gradient(&expected, &with), &gradient(&found, &without)) < 1e-2);
            }
            assert_eq!(with.batches, without.batches);
        }
    }
}
