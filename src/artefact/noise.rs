//! Gaussian noise (TorchIO 0.20 `RandomNoise`, `Noise`, with other random numbers).

use super::drawn::{Drawn, Draws};
use super::{check_parameter, check_voxels, range_of, severity};
use crate::error::Result;
use crate::parallel::in_parallel;
use crate::random::{self, Purpose};
use ndarray::{Array3, Axis};
use rand::{Rng, RngExt};
use rand_distr::StandardNormal;
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a caller wants; the rest is drawn.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Which ranges hold for what is left out: 1 (slight) to 5 (strong). Default: null, those of TorchIO.
    #[schemars(range(min = 1, max = 5))]
    pub severity: Option<u32>,
    /// Standard deviation relative to the image's range of intensities. Default: null, 0 to 0.25 or those of the severity.
    #[schemars(range(min = 0.0, max = 10.0), inner(range(min = 0.0, max = 10.0)))]
    pub std: Option<Drawn<f64>>,
    /// Seed of the noise itself. Default: null, drawn.
    #[schemars(range(min = 0, max = 9_007_199_254_740_991u64))]
    pub seed: Option<u64>,
}

impl Options {
    pub(super) fn settle(&self, draws: &mut Draws) -> Result<Params> {
        let std = draws.number("noise.std", self.std, severity::NOISE_STD.at(self.severity))?;
        let seed = draws.next().next_u32();
        Ok(Params { std, seed: self.seed.unwrap_or(u64::from(seed)) })
    }
}

/// How much noise, and which.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Params {
    /// Standard deviation relative to the image's range of intensities, at least 0.
    pub std: f64,
    /// Seed of the noise.
    pub seed: u64,
}

/// Adds noise to every voxel of `[z, y, x]`. It depends on the seed and the shape alone, not on the number of threads.
///
/// # Errors
/// `InvalidArgument` for a standard deviation out of range and for voxels that are not finite.
pub fn apply(voxels: &mut Array3<f32>, params: &Params) -> Result<()> {
    check_parameter("noise: the standard deviation", params.std, 0.0..=f64::INFINITY)?;
    check_voxels(voxels)?;
    let [least, greatest] = range_of(voxels);
    let std = params.std * (greatest - least);
    let slices: Vec<_> = voxels.axis_iter_mut(Axis(0)).collect();
    in_parallel(|| {
        slices.into_par_iter().enumerate().for_each(|(z, mut slice)| {
            let mut rng = random::stream(params.seed, Purpose::SimulatedNoise, [z as u64, 0, 0]);
            slice
                .mapv_inplace(|value| (f64::from(value) + std * rng.sample::<f64, _>(StandardNormal)) as f32);
        });
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_normal_white_and_measured_by_the_range() {
        let ramp = Array3::from_shape_fn((4, 100, 100), |(z, y, x)| 100.0 + (z + y + x) as f32);
        let mut noisy = ramp.clone();
        apply(&mut noisy, &Params { std: 0.1, seed: 3 }).unwrap();
        // The range is 3 + 99 + 99.
        let noise: Vec<f64> =
            noisy.iter().zip(&ramp).map(|(a, b)| f64::from(a - b) / (0.1 * 201.0)).collect();
        let mean = |power: i32| noise.iter().map(|n| n.powi(power)).sum::<f64>() / noise.len() as f64;
        assert!(mean(1).abs() < 0.02, "{}", mean(1));
        assert!((mean(2) - 1.0).abs() < 0.03, "{}", mean(2));
        assert!((mean(4) - 3.0).abs() < 0.2, "{}", mean(4));
        for lag in [1, 100, 10_000] {
            let both: f64 = noise.iter().zip(&noise[lag..]).map(|(a, b)| a * b).sum();
            assert!((both / noise.len() as f64).abs() < 0.02, "{lag}");
        }
    }

    #[test]
    fn the_seed_alone_decides_and_no_noise_changes_nothing() {
        let flat = Array3::from_shape_fn((2, 3, 4), |(z, y, x)| (z * y + x) as f32);
        let noisy = |std, seed| {
            let mut voxels = flat.clone();
            apply(&mut voxels, &Params { std, seed }).unwrap();
            voxels
        };
        assert_eq!(noisy(0.5, 1), noisy(0.5, 1));
        assert_ne!(noisy(0.5, 1), noisy(0.5, 2));
        assert_eq!(noisy(0.0, 1), flat);
        assert!(apply(&mut flat.clone(), &Params { std: -0.5, seed: 1 }).is_err());
    }
}
