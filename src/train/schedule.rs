//! The learning rate over the steps of a training.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the learning rate falls after the warm-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Decay {
    /// Not at all (the published implementation).
    Constant,
    /// Half a cosine from the full rate to the final one (Loshchilov & Hutter 2017, without restarts).
    Cosine,
    /// (1 − progress)^power, from the full rate to the final one.
    Polynomial,
}

/// The learning rate's schedule over all steps of the configured epochs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// How the rate falls after the warm-up. Default: `constant`.
    pub decay: Decay,
    /// Steps over which the rate rises from a fraction of itself to the whole, linearly. Default: 0.
    #[schemars(range(min = 0, max = 1000000000))]
    pub warmup_steps: u64,
    /// The rate at the end as a fraction of `optimizer.learning_rate`; not used by `constant`. Default: 0.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub final_fraction: f64,
    /// Exponent of `polynomial`. Default: 0.9.
    #[schemars(range(min = 0.01, max = 100.0))]
    pub power: f64,
}

impl Default for Schedule {
    fn default() -> Self {
        Schedule { decay: Decay::Constant, warmup_steps: 0, final_fraction: 0.0, power: 0.9 }
    }
}

impl Schedule {
    /// What the learning rate is multiplied by in step number `step`, from 0, of `steps`.
    pub fn factor(&self, step: u64, steps: u64) -> f64 {
        if step < self.warmup_steps {
            return (step + 1) as f64 / (self.warmup_steps + 1) as f64;
        }
        let length = steps.saturating_sub(self.warmup_steps).max(1) as f64;
        let progress = ((step - self.warmup_steps) as f64 / length).min(1.0);
        let falling = match self.decay {
            Decay::Constant => return 1.0,
            Decay::Cosine => 0.5 * (1.0 + (std::f64::consts::PI * progress).cos()),
            Decay::Polynomial => (1.0 - progress).powf(self.power),
        };
        self.final_fraction + (1.0 - self.final_fraction) * falling
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_rise_and_fall_as_configured() {
        let constant = Schedule::default();
        assert_eq!([0, 50, 1000].map(|step| constant.factor(step, 100)), [1.0; 3]);
        let cosine = Schedule { decay: Decay::Cosine, warmup_steps: 3, final_fraction: 0.1, power: 1.0 };
        assert_eq!([0, 1, 2, 3].map(|step| cosine.factor(step, 103)), [0.25, 0.5, 0.75, 1.0]);
        assert!((cosine.factor(53, 103) - 0.55).abs() < 1e-12);
        assert!((cosine.factor(103, 103) - 0.1).abs() < 1e-12);
        assert!((cosine.factor(500, 103) - 0.1).abs() < 1e-12);
        let polynomial = Schedule { decay: Decay::Polynomial, power: 2.0, ..Schedule::default() };
        assert!((polynomial.factor(50, 100) - 0.25).abs() < 1e-12);
        assert_eq!(polynomial.factor(100, 100), 0.0);
        // A warm-up longer than the training never reaches the decay.
        assert!(Schedule { warmup_steps: 1000, ..cosine }.factor(99, 100) < 0.1);
    }
}
