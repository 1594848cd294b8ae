//! Repeated faint copies along one axis, as from periodic motion (TorchIO 0.20 `RandomGhosting`, `Ghosting`).

use super::drawn::{Drawn, Draws};
use super::{ImageAxis, check_parameter, check_voxels, fourier, severity};
use crate::error::Result;
use ndarray::Array3;
use rand::{Rng, RngExt};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a caller wants; the rest is drawn.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Which ranges hold for what is left out: 1 (slight) to 5 (strong). Default: null, those of TorchIO.
    #[schemars(range(min = 1, max = 5))]
    pub severity: Option<u32>,
    /// Number of ghosts n: every n-th plane of k-space is weakened. 0 changes nothing. Default: null, 4 to 10.
    #[schemars(range(min = 0, max = 1000), inner(range(min = 0, max = 1000)))]
    pub ghosts: Option<Drawn<u32>>,
    /// The axis along which the ghosts appear. Default: null, any; x or y for a single slice.
    pub axis: Option<ImageAxis>,
    /// Strength s: the planes are multiplied by 1 − s. 0 changes nothing. Default: null, 0.5 to 1 or those of the severity.
    #[schemars(range(min = 0.0, max = 100.0), inner(range(min = 0.0, max = 100.0)))]
    pub intensity: Option<Drawn<f64>>,
    /// Share of the planes around the centre of k-space that are left as they were. Default: null, the one central plane.
    #[schemars(range(min = 0.0, max = 1.0), inner(range(min = 0.0, max = 1.0)))]
    pub restore: Option<Drawn<f64>>,
}

impl Options {
    pub(super) fn settle(&self, draws: &mut Draws, depth: usize) -> Result<Params> {
        let ghosts = draws.whole("ghosting.ghosts", self.ghosts, [4, 10])?;
        let axis = draws.axis("ghosting.axis", self.axis, depth)?;
        let range = severity::GHOSTING_INTENSITY.at(self.severity);
        let intensity = draws.number("ghosting.intensity", self.intensity, range)?;
        let restore = match self.restore {
            None => None,
            given => Some(draws.number("ghosting.restore", given, [0.0; 2])?),
        };
        Ok(Params { ghosts: ghosts as usize, axis, intensity, restore })
    }
}

/// Which planes of k-space are weakened, and by how much.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Params {
    /// Number of ghosts n: every n-th plane of k-space is weakened. 0 changes nothing.
    pub ghosts: usize,
    /// The axis along which the ghosts appear.
    pub axis: ImageAxis,
    /// Strength s ≥ 0: the planes are multiplied by 1 − s. 0 changes nothing.
    pub intensity: f64,
    /// Share of the planes around the centre of k-space, in [0, 1], that are left as they were;
    /// `None`: the one central plane.
    pub restore: Option<f64>,
}

impl Params {
    /// TorchIO 0.20's defaults: ghosts uniform in 4..=10, axis uniform among x, y, z (x, y for a volume
    /// of a single slice), intensity from U(0.5, 1), the central plane restored.
    ///
    /// `depth` is the number of slices of the volume that the artefact is meant for.
    pub fn draw(rng: &mut impl Rng, depth: usize) -> Self {
        let axes: &[ImageAxis] = if depth == 1 {
            &[ImageAxis::X, ImageAxis::Y]
        } else {
            &[ImageAxis::X, ImageAxis::Y, ImageAxis::Z]
        };
        Params {
            ghosts: rng.random_range(4..=10),
            axis: axes[rng.random_range(0..axes.len())],
            intensity: rng.random_range(0.5..1.0),
            restore: None,
        }
    }
}

/// Adds ghosts to `[z, y, x]`.
///
/// TorchIO transforms along all three axes; the weight of a plane depends on its place along one of
/// them only, so the transforms along the others cancel and are left out.
///
/// # Errors
/// `InvalidArgument` for parameters out of range and for voxels that are not finite; `OutOfMemory`.
pub fn apply(voxels: &mut Array3<f32>, params: &Params) -> Result<()> {
    check_parameter("ghosting: the intensity", params.intensity, 0.0..=f64::INFINITY)?;
    if let Some(share) = params.restore {
        check_parameter("ghosting: the restored share", share, 0.0..=1.0)?;
    }
    check_voxels(voxels)?;
    if params.ghosts == 0 || params.intensity == 0.0 || voxels.is_empty() {
        return Ok(());
    }

    let axis = params.axis.in_array();
    let length = voxels.len_of(axis);
    let middle = length / 2;
    let restored = match params.restore {
        None => middle..middle + 1,
        Some(share) => {
            // NumPy's round: halves go to the even neighbour.
            let half = (share * length as f64).round_ties_even() as usize / 2;
            middle - half..middle + half
        }
    };
    let weight = (1.0 - params.intensity) as f32;
    let mut spectrum = fourier::forward(voxels, &[axis])?;
    for index in (0..length).step_by(params.ghosts).filter(|index| !restored.contains(index)) {
        let mut plane = spectrum.index_axis_mut(axis, fourier::stored_index(index, length));
        plane.mapv_inplace(|value| value * weight);
    }
    *voxels = fourier::inverse(spectrum, &[axis])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, stream};

    fn ramp() -> Array3<f32> {
        Array3::from_shape_fn((6, 9, 12), |(z, y, x)| ((z * 5 + y * 3 + x * 7) % 17) as f32)
    }

    fn params(ghosts: usize, intensity: f64, restore: Option<f64>) -> Params {
        Params { ghosts, axis: ImageAxis::Y, intensity, restore }
    }

    #[test]
    fn nothing_to_do_changes_nothing() {
        for params in [params(0, 1.0, None), params(4, 0.0, None)] {
            let mut voxels = ramp();
            apply(&mut voxels, &params).unwrap();
            assert_eq!(voxels, ramp());
        }
        let mut voxels = ramp();
        apply(&mut voxels, &params(3, 0.8, Some(1.0))).unwrap();
        let changed = voxels.iter().zip(&ramp()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        // Nine planes: the restored ones are 0..8, plane 8 is not a multiple of 3.
        assert!(changed < 1e-5, "{changed}");
    }

    #[test]
    fn a_point_leaves_copies_at_the_distance_of_length_over_ghosts() {
        let mut voxels = Array3::<f32>::zeros((1, 12, 1));
        voxels[[0, 2, 0]] = 1.0;
        apply(&mut voxels, &params(4, 1.0, Some(0.0))).unwrap();
        // Without the restored centre a comb of every fourth frequency is removed: copies of −1/4.
        for (y, expected) in [(2, 0.75), (5, 0.25), (8, -0.25), (11, 0.25), (3, 0.0), (0, 0.0)] {
            let found = voxels[[0, y, 0]].abs();
            assert!((found - f32::abs(expected)).abs() < 1e-6, "{y}: {found}");
        }
    }

    #[test]
    fn drawn_parameters_stay_in_the_default_ranges() {
        let mut rng = stream(3, Purpose::Artefact, [0; 3]);
        let mut axes = std::collections::HashSet::new();
        for _ in 0..300 {
            let drawn = Params::draw(&mut rng, 8);
            assert!((4..=10).contains(&drawn.ghosts) && (0.5..1.0).contains(&drawn.intensity));
            assert_eq!(drawn.restore, None);
            axes.insert(drawn.axis);
            assert_ne!(Params::draw(&mut rng, 1).axis, ImageAxis::Z);
        }
        assert_eq!(axes.len(), 3);
    }

    #[test]
    fn wrong_parameters_are_refused() {
        let mut voxels = ramp();
        assert!(apply(&mut voxels, &params(4, -0.1, None)).unwrap_err().to_string().contains("-0.1"));
        assert!(apply(&mut voxels, &params(4, 1.0, Some(1.5))).unwrap_err().to_string().contains("1.5"));
        assert!(apply(&mut voxels, &params(4, f64::NAN, None)).is_err());
    }
}
