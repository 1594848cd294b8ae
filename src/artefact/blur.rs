//! Gaussian blur (TorchIO 0.20 `RandomBlur`, `Blur`).

use super::drawn::{Drawn, Draws, refuse_both};
use super::{ImageAxis, check_parameter, check_voxels, severity};
use crate::error::{Error, Result};
use crate::parallel::in_parallel;
use crate::volume::Volume;
use ndarray::{Array3, Axis};
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The kernel ends at this many standard deviations (SciPy's `gaussian_filter`, which TorchIO uses).
const TRUNCATE: f64 = 4.0;
/// The largest standard deviation in voxels.
const WIDEST: f64 = 1000.0;

/// What a caller wants; the rest is drawn.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Which ranges hold for what is left out: 1 (slight) to 5 (strong). Default: null, those of TorchIO.
    #[schemars(range(min = 1, max = 5))]
    pub severity: Option<u32>,
    /// Standard deviation in mm: a number for all axes, or what that of each axis is drawn from. Default: null, 0 to 2 or
    /// those of the severity. A single slice is not blurred across.
    #[schemars(range(min = 0.0, max = 100.0), inner(range(min = 0.0, max = 100.0)))]
    pub sigma: Option<Drawn<f64>>,
    /// Standard deviations along x, y, z in mm, instead of `sigma`. Default: null, drawn.
    #[schemars(inner(range(min = 0.0, max = 100.0)))]
    pub sigmas: Option<[f64; 3]>,
}

impl Options {
    pub(super) fn settle(&self, draws: &mut Draws, depth: usize) -> Result<Params> {
        refuse_both("blur", ("sigmas", self.sigmas.is_some()), &[("sigma", self.sigma.is_some())])?;
        let range = severity::BLUR_SIGMA.at(self.severity);
        let mut sigma = || draws.number("blur.sigma", self.sigma, range);
        let (x, y, z) = (sigma()?, sigma()?, sigma()?);
        Ok(Params { sigmas: self.sigmas.unwrap_or([x, y, if depth == 1 { 0.0 } else { z }]) })
    }
}

/// The width of the blur.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Params {
    /// Standard deviations along x, y, z in mm, at least 0.
    pub sigmas: [f64; 3],
}

/// Blurs the volume. At its borders it goes on mirrored.
///
/// # Errors
/// `InvalidArgument` for standard deviations out of range, or of more than 1000 voxels, and for voxels that are not
/// finite; `InvalidGeometry` for a volume without a valid one.
pub fn apply(volume: &mut Volume<f32>, params: &Params) -> Result<()> {
    check_voxels(&volume.voxels)?;
    volume.geometry.validate()?;
    let axes = [ImageAxis::X, ImageAxis::Y, ImageAxis::Z];
    for ((axis, sigma), spacing) in axes.into_iter().zip(params.sigmas).zip(volume.geometry.spacing) {
        check_parameter("blur: a standard deviation", sigma, 0.0..=f64::INFINITY)?;
        let voxels = sigma / spacing;
        if voxels > WIDEST {
            return Err(Error::InvalidArgument(format!(
                "blur: {sigma} mm along {} are {voxels} voxels; expected at most {WIDEST}: is the spacing right?",
                axis.name()
            )));
        }
        if voxels > 0.0 {
            along(&mut volume.voxels, axis.in_array(), voxels)?;
        }
    }
    Ok(())
}

/// Blurs along one axis; `sigma` in voxels.
fn along(voxels: &mut Array3<f32>, axis: Axis, sigma: f64) -> Result<()> {
    let radius = (TRUNCATE * sigma + 0.5) as usize;
    let mut kernel: Vec<f64> = (0..=2 * radius)
        .map(|index| (-0.5 * ((index as f64 - radius as f64) / sigma).powi(2)).exp())
        .collect();
    let sum: f64 = kernel.iter().sum();
    kernel.iter_mut().for_each(|weight| *weight /= sum);
    let length = voxels.len_of(axis);
    let source: Vec<usize> = (0..length + 2 * radius).map(|index| mirrored(index, radius, length)).collect();
    let lanes: Vec<_> = voxels.lanes_mut(axis).into_iter().collect();
    in_parallel(|| {
        lanes.into_par_iter().for_each_init(Vec::new, |padded, mut lane| {
            padded.clear();
            padded.extend(source.iter().map(|&index| f64::from(lane[index])));
            for (value, window) in lane.iter_mut().zip(padded.windows(kernel.len())) {
                *value = window.iter().zip(&kernel).map(|(a, b)| a * b).sum::<f64>() as f32;
            }
        });
    })
}

/// Where position `index − radius` of a line lies that goes on mirrored: c b a | a b c | c b a.
fn mirrored(index: usize, radius: usize, length: usize) -> usize {
    let period = 2 * length;
    let folded = (index + period - radius % period) % period;
    folded.min(period - 1 - folded)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::Geometry;

    fn point(at: [usize; 3]) -> Volume<f32> {
        let mut voxels = Array3::zeros((9, 31, 41));
        voxels[at] = 1.0;
        Volume { voxels, geometry: Geometry::aligned([1.0, 2.0, 4.0]) }
    }

    #[test]
    fn a_point_spreads_as_its_sigmas_and_nothing_is_lost_at_the_borders() {
        let mut volume = point([4, 15, 20]);
        apply(&mut volume, &Params { sigmas: [2.0, 4.0, 0.0] }).unwrap();
        let spread = |along: fn((usize, usize, usize)) -> f32, middle: f32| -> f32 {
            volume.voxels.indexed_iter().map(|(at, v)| v * (along(at) - middle).powi(2)).sum()
        };
        assert!((spread(|(_, _, x)| x as f32, 20.0) - 4.0).abs() < 0.02);
        assert!((spread(|(_, y, _)| y as f32, 15.0) - 4.0).abs() < 0.02);
        assert_eq!(spread(|(z, _, _)| z as f32, 4.0), 0.0);
        for at in [[0, 0, 0], [8, 15, 40]] {
            let mut volume = point(at);
            apply(&mut volume, &Params { sigmas: [7.0, 90.0, 3.0] }).unwrap();
            assert!((volume.voxels.sum() - 1.0).abs() < 1e-4, "{}", volume.voxels.sum());
        }
    }

    #[test]
    fn lines_go_on_mirrored_however_far() {
        // Positions −7 to 7 of a line of three.
        let found: Vec<usize> = (0..15).map(|index| mirrored(index, 7, 3)).collect();
        assert_eq!(found, [0, 0, 1, 2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0, 1]);
        assert!((0..9).all(|index| mirrored(index, 4, 1) == 0));
    }

    #[test]
    fn wrong_parameters_are_refused() {
        let mut volume = point([0, 0, 0]);
        assert!(apply(&mut volume, &Params { sigmas: [0.0, -1.0, 0.0] }).is_err());
        volume.geometry.spacing[1] = 1e-6;
        let error = apply(&mut volume, &Params { sigmas: [0.0, 1.0, 0.0] }).unwrap_err().to_string();
        assert!(error.contains("along y") && error.contains("1000"), "{error}");
        volume.geometry.spacing[1] = 0.0;
        assert!(apply(&mut volume, &Params { sigmas: [0.0, 1.0, 0.0] }).is_err());
    }
}
