//! Noise of the steps to come, drawn by other threads while a GPU computes.

use crate::error::Result;
use crate::exit::{self, AtWork};
use crate::fork::forks;
use crate::random::{self, Purpose};
use crate::runtime::{self, page_locked, upload};
use std::collections::VecDeque;
use std::sync::mpsc::{self, Receiver};
use tch::{Device, Tensor};

/// A step on a GPU takes less time than one thread needs to draw its noise.
const STEPS_AHEAD: u64 = 6;

/// Standard normal numbers for every step; those that [`runtime::normal_like`] draws for it.
#[derive(Debug)]
pub struct NoiseAhead {
    seed: u64,
    drawn: VecDeque<Drawn>,
    /// When the first of it was begun: in a process that was forked since, nobody draws.
    forks: usize,
}

#[derive(Debug)]
struct Drawn {
    step: u64,
    shape: Vec<i64>,
    noise: Receiver<Result<Tensor>>,
}

/// The stream from which the noise of a step is drawn.
pub fn noise_stream(seed: u64, step: u64) -> impl rand::Rng {
    random::stream(seed, Purpose::InputNoise, [step, 0, 0])
}

impl NoiseAhead {
    /// Nothing is drawn yet.
    pub fn new(seed: u64) -> Self {
        NoiseAhead { seed, drawn: VecDeque::new(), forks: forks() }
    }

    /// The noise of a step, of this shape, on a device. That of the next steps is begun.
    ///
    /// # Errors
    /// What libtorch reports.
    pub fn take(&mut self, step: u64, shape: &[i64], device: Device) -> Result<Tensor> {
        if self.forks != forks() {
            *self = NoiseAhead::new(self.seed);
        }
        // Steps that were left out, and batches of another size.
        while self.drawn.front().is_some_and(|drawn| drawn.step != step || drawn.shape != shape) {
            self.drawn.pop_front();
        }
        let begun = self.drawn.back().map_or(step, |last| last.step + 1);
        for step in begun..step + STEPS_AHEAD {
            self.begin(step, shape, device)?;
        }
        let first = self.drawn.pop_front().filter(|drawn| drawn.step == step);
        let noise = first.and_then(|drawn| drawn.noise.recv().ok());
        let noise = noise.ok_or_else(|| exit::stopped("no thread draws noise"))??;
        upload(&noise, device)
    }

    fn begin(&mut self, step: u64, shape: &[i64], device: Device) -> Result<()> {
        let (sender, noise) = mpsc::channel();
        let (seed, own) = (self.seed, shape.to_vec());
        runtime::slice_pool()?.spawn_fifo(move || {
            let Ok(_at_work) = AtWork::begin_with_libtorch() else { return };
            let drawn = runtime::normal(&own, &mut noise_stream(seed, step));
            let drawn = if device.is_cuda() { drawn.map(page_locked) } else { drawn };
            // Nobody waits for it any more where training has ended.
            let _ = sender.send(drawn);
        });
        self.drawn.push_back(Drawn { step, shape: shape.to_vec(), noise });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::Kind;

    #[test]
    fn every_step_gets_its_own_noise_whatever_came_before() {
        let mut ahead = NoiseAhead::new(7);
        let small = [2, 1, 16, 16];
        for (step, shape) in [
            (0, small),
            (1, small),
            (2, small),
            (9, small),
            (10, [1, 1, 16, 16]),
            (11, small),
            (10, small),
            (3, small),
        ] {
            let like = Tensor::zeros(shape, (Kind::Float, Device::Cpu));
            let expected = runtime::normal_like(&like, &mut noise_stream(7, step)).unwrap();
            assert!(ahead.take(step, &shape, Device::Cpu).unwrap() == expected, "step {step}");
        }
    }
}
