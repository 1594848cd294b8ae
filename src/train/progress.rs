//! How far a training has come, and how fast it goes.

use super::configuration::Configuration;
use super::event::ValidationScores;
use super::losses::{LossMean, LossValues};
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// The position in a training. A cancelled or resumed run goes on from here.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Progress {
    /// Completed epochs.
    pub epochs: u64,
    /// Steps done in the epoch under way.
    pub steps_in_epoch: usize,
    /// Steps since the start.
    pub steps: u64,
    /// Batches whose gradients wait for their update.
    pub accumulated: u64,
    /// Time spent in training before the current run.
    pub seconds: f64,
    /// Losses of the epoch under way.
    pub losses: LossMean,
    /// Losses of the latest step.
    pub last_losses: LossValues,
    /// Learning rate of the latest step.
    pub last_learning_rate: f64,
    /// Norm of the latest update's gradient, where it is clipped.
    pub last_gradient_norm: Option<f64>,
    /// The latest validation.
    pub last_validation: Option<ValidationScores>,
    /// Validations since the best one.
    pub validations_without_gain: u64,
    /// Whether the last epoch, the time limit or the end of patience was reached.
    pub finished: bool,
}

/// The speed of the epoch under way.
#[derive(Clone, Debug, Default)]
pub struct Pace {
    examples: usize,
    seconds: f64,
    waiting: f64,
}

impl Pace {
    /// Adds a step over `examples` slices that took `whole`, of which training waited for data.
    pub fn add(&mut self, examples: usize, whole: Duration, waiting: Duration) {
        self.examples += examples;
        self.seconds += whole.as_secs_f64();
        self.waiting += waiting.as_secs_f64();
    }

    /// Slices per second.
    pub fn examples_per_second(&self) -> f64 {
        if self.seconds > 0.0 { self.examples as f64 / self.seconds } else { 0.0 }
    }

    /// Share of the time spent waiting, 0 to 1.
    pub fn waiting_share(&self) -> f64 {
        if self.seconds > 0.0 { self.waiting / self.seconds } else { 0.0 }
    }
}

/// Time spent in training, over all runs.
#[derive(Clone, Debug)]
pub struct Clock {
    started: Instant,
    before: f64,
    limit: Option<f64>,
    steps_before: u64,
}

impl Clock {
    /// Starts a run.
    pub fn start(progress: &Progress, config: &Configuration) -> Self {
        Clock {
            started: Instant::now(),
            before: progress.seconds,
            limit: config.max_minutes.map(|minutes| minutes * 60.0),
            steps_before: progress.steps,
        }
    }

    /// Seconds in training, earlier runs included.
    pub fn elapsed(&self) -> f64 {
        self.before + self.started.elapsed().as_secs_f64()
    }

    /// Whether the time limit is reached.
    pub fn is_over(&self) -> bool {
        self.limit.is_some_and(|limit| self.elapsed() >= limit)
    }

    /// Seconds until `steps_left` more steps are done at this run's pace, or until the limit.
    pub fn left(&self, steps: u64, steps_left: u64) -> f64 {
        let done = steps.saturating_sub(self.steps_before).max(1) as f64;
        let by_steps = self.started.elapsed().as_secs_f64() / done * steps_left as f64;
        self.limit.map_or(by_steps, |limit| by_steps.min((limit - self.elapsed()).max(0.0)))
    }
}

/// Memory of this process in RAM, in bytes; 0 where the system does not tell.
pub fn memory_bytes() -> u64 {
    memory_stats::memory_stats().map_or(0, |stats| stats.physical_mem as u64)
}
