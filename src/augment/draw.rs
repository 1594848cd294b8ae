//! Draws that always take the same amount from the stream, whatever the configuration, so that turning
//! one transform off leaves the draws of the others as they were.

use rand::{Rng, RngExt};

/// True with this probability.
pub(super) fn chance(probability: f64, rng: &mut impl Rng) -> bool {
    rng.random::<f64>() < probability
}

/// Uniform in [low, high); `low` when both are equal.
pub(super) fn uniform([low, high]: [f64; 2], rng: &mut impl Rng) -> f64 {
    low + (high - low) * rng.random::<f64>()
}
