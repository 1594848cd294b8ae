//! Fewer samples along one axis, brought back to the grid (TorchIO 0.20 `RandomAnisotropy`).

use super::drawn::{Drawn, Draws};
use super::{ImageAxis, check_parameter, check_voxels, severity};
use crate::error::Result;
use crate::parallel::in_parallel;
use ndarray::Array3;
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Distances from the middle between two voxels that count as none, in voxels.
const ON_THE_SPOT: f64 = 1e-6;

/// What a caller wants; the rest is drawn.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Which ranges hold for what is left out: 1 (slight) to 5 (strong). Default: null, those of TorchIO.
    #[schemars(range(min = 1, max = 5))]
    pub severity: Option<u32>,
    /// The axis that is sampled. Default: null, any; x or y for a single slice.
    pub axis: Option<ImageAxis>,
    /// How many times wider the samples are apart than the voxels. 1 changes nothing. Default: null, 1.5 to 5 or those of
    /// the severity.
    #[schemars(range(min = 1.0, max = 100.0), inner(range(min = 1.0, max = 100.0)))]
    pub factor: Option<Drawn<f64>>,
}

impl Options {
    pub(super) fn settle(&self, draws: &mut Draws, depth: usize) -> Result<Params> {
        let axis = draws.axis("downsampling.axis", self.axis, depth)?;
        let range = severity::DOWNSAMPLING_FACTOR.at(self.severity);
        Ok(Params { axis, factor: draws.number("downsampling.factor", self.factor, range)? })
    }
}

/// Where and how much.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Params {
    /// The axis that is sampled.
    pub axis: ImageAxis,
    /// Distance of the samples in voxels, at least 1.
    pub factor: f64,
}

/// Takes the nearest voxel of `[z, y, x]` at as many places, `factor` voxels apart, as fit around the middle of the
/// axis, and interpolates linearly between them.
///
/// Beyond the outermost samples their value goes on; TorchIO has 0 there from half a sample's width on.
///
/// # Errors
/// `InvalidArgument` for a factor below 1 and for voxels that are not finite.
pub fn apply(voxels: &mut Array3<f32>, params: &Params) -> Result<()> {
    check_parameter("downsampling: the factor", params.factor, 1.0..=f64::INFINITY)?;
    check_voxels(voxels)?;
    let axis = params.axis.in_array();
    let length = voxels.len_of(axis);
    if params.factor == 1.0 || length < 2 {
        return Ok(());
    }
    let count = ((length as f64 / params.factor + ON_THE_SPOT) as usize).max(1);
    let (middle, middle_sample) = ((length as f64 - 1.0) / 2.0, (count as f64 - 1.0) / 2.0);
    let sources: Vec<usize> = (0..count)
        .map(|sample| {
            // In the very middle between two voxels the later one counts.
            let position = middle + (sample as f64 - middle_sample) * params.factor;
            ((position + 0.5 + ON_THE_SPOT) as usize).min(length - 1)
        })
        .collect();
    let taps: Vec<(usize, usize, f64)> = (0..length)
        .map(|index| {
            let position = (index as f64 - middle) / params.factor + middle_sample;
            let position = position.clamp(0.0, count as f64 - 1.0);
            let below = position.floor();
            (below as usize, (below as usize + 1).min(count - 1), position - below)
        })
        .collect();
    let lanes: Vec<_> = voxels.lanes_mut(axis).into_iter().collect();
    in_parallel(|| {
        lanes.into_par_iter().for_each_init(Vec::new, |samples, mut lane| {
            samples.clear();
            samples.extend(sources.iter().map(|&source| f64::from(lane[source])));
            for (value, &(low, high, weight)) in lane.iter_mut().zip(&taps) {
                *value = (samples[low] + weight * (samples[high] - samples[low])) as f32;
            }
        });
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(values: &[f32], factor: f64) -> Vec<f32> {
        let mut voxels = Array3::from_shape_fn((1, values.len(), 1), |(_, y, _)| values[y]);
        apply(&mut voxels, &Params { axis: ImageAxis::Y, factor }).unwrap();
        voxels.into_raw_vec_and_offset().0
    }

    #[test]
    fn samples_around_the_middle_are_joined_by_lines() {
        // Samples at 1, 4 and 7.
        assert_eq!(line(&[9., 0., 9., 9., 6., 9., 9., 3., 9.], 3.0), [0., 0., 2., 4., 6., 5., 4., 3., 3.]);
        // Samples between two voxels take the later ones: 1, 3 and 5.
        assert_eq!(line(&[9., 0., 9., 4., 9., 8.], 2.0), [0., 1., 3., 5., 7., 8.]);
        // Fewer voxels than the factor: the middle one remains.
        assert_eq!(line(&[1., 5., 2.], 7.0), [5., 5., 5.]);
        assert_eq!(line(&[1., 5., 2.], 1.0), [1., 5., 2.]);
        assert_eq!(line(&[4.], 3.0), [4.]);
    }

    #[test]
    fn a_ramp_stays_a_ramp_between_the_outermost_samples() {
        let ramp: Vec<f32> = (0..40).map(|v| v as f32).collect();
        let found = line(&ramp, 3.0);
        assert!(found[2..38].iter().zip(&ramp[2..38]).all(|(a, b)| (a - b).abs() <= 0.5 + 1e-4), "{found:?}");
    }

    #[test]
    fn wrong_parameters_are_refused() {
        let mut voxels = Array3::zeros((2, 2, 2));
        assert!(apply(&mut voxels, &Params { axis: ImageAxis::X, factor: 0.5 }).is_err());
        voxels[[0, 0, 0]] = f32::NAN;
        assert!(apply(&mut voxels, &Params { axis: ImageAxis::X, factor: 2.0 }).is_err());
    }
}
