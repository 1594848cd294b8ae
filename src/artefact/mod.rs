//! Artefacts of magnetic resonance images, with the semantics and default ranges of TorchIO 0.20.
//!
//! Each artefact has its own explicit `Params` and an `apply`. [`Simulation`] is what callers ask for: `Options` give
//! or bound parameters, the rest is drawn. Synthetic images draw with `Params::draw`. No libtorch here.

pub mod bias_field;
pub mod blur;
pub mod downsampling;
mod drawn;
mod fourier;
pub mod gamma;
pub mod ghosting;
pub mod motion;
pub mod noise;
#[cfg(test)]
mod reference;
mod severity;
mod simulation;
pub mod spike;

pub use drawn::Drawn;
pub use simulation::{Applied, Params, Simulation};

use crate::error::{Error, Result};
use crate::volume::Volume;
use ndarray::{Array3, Axis};
use rand::Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// An artefact by name, with the ranges of the corrupted test sets (METHOD §7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Artefact {
    /// The image stays as it is.
    #[default]
    None,
    /// [`bias_field::Params::draw`].
    BiasField,
    /// [`ghosting::Params::draw`].
    Ghosting,
    /// [`motion::Params::draw_within`] with 2 movements, 30 degrees and 10 mm.
    Motion,
    /// [`spike::Params::draw`].
    Spike,
}

impl Artefact {
    /// Draws parameters and applies them; intensities are not rescaled afterwards.
    ///
    /// # Errors
    /// `InvalidArgument` for voxels that are not finite; `InvalidGeometry` (motion only) for a volume
    /// without a valid geometry.
    pub fn corrupt(self, volume: &mut Volume<f32>, rng: &mut impl Rng) -> Result<()> {
        let depth = volume.voxels.len_of(Axis(0));
        match self {
            Artefact::None => Ok(()),
            Artefact::BiasField => bias_field::apply(&mut volume.voxels, &bias_field::Params::draw(rng)),
            Artefact::Ghosting => ghosting::apply(&mut volume.voxels, &ghosting::Params::draw(rng, depth)),
            Artefact::Motion => {
                motion::apply(volume, &motion::Params::draw_within(rng, depth, 2, 30.0, 10.0))
            }
            Artefact::Spike => spike::apply(&mut volume.voxels, &spike::Params::draw(rng)),
        }
    }
}

/// An axis of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ImageAxis {
    /// Along the rows (columns vary).
    X,
    /// Along the columns (rows vary).
    Y,
    /// Across the slices.
    Z,
}

impl ImageAxis {
    fn name(self) -> &'static str {
        match self {
            ImageAxis::X => "x",
            ImageAxis::Y => "y",
            ImageAxis::Z => "z",
        }
    }

    /// The axis of an array indexed `[z, y, x]`.
    fn in_array(self) -> Axis {
        match self {
            ImageAxis::X => Axis(2),
            ImageAxis::Y => Axis(1),
            ImageAxis::Z => Axis(0),
        }
    }
}

fn check_parameter(name: &str, value: f64, range: RangeInclusive<f64>) -> Result<()> {
    if value.is_finite() && range.contains(&value) {
        return Ok(());
    }
    let (low, high) = (*range.start(), *range.end());
    let expected = match (low.is_finite(), high.is_finite()) {
        (true, true) => format!("a number from {low} to {high}"),
        (true, false) => format!("a finite number, at least {low}"),
        _ => "a finite number".to_owned(),
    };
    Err(Error::InvalidArgument(format!("{name} is {value}; expected {expected}")))
}

fn check_voxels(voxels: &Array3<f32>) -> Result<()> {
    match voxels.indexed_iter().find(|(_, value)| !value.is_finite()) {
        None => Ok(()),
        Some(((z, y, x), value)) => Err(Error::InvalidArgument(format!(
            "the voxel at x {x}, y {y}, z {z} is {value}; artefacts need finite intensities"
        ))),
    }
}

/// The least and the greatest intensity.
fn range_of(voxels: &Array3<f32>) -> [f64; 2] {
    let (least, greatest) =
        voxels.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(least, greatest), &value| {
            (least.min(value), greatest.max(value))
        });
    [f64::from(least), f64::from(greatest)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, stream};
    use crate::volume::Geometry;

    fn volume() -> Volume<f32> {
        let voxels = Array3::from_shape_fn((4, 16, 20), |(z, y, x)| {
            let (dy, dx) = (y as f32 - 8.0, x as f32 - 9.0);
            if dy * dy + dx * dx < 36.0 { 100.0 + z as f32 } else { 10.0 }
        });
        Volume { voxels, geometry: Geometry::aligned([1.5, 1.5, 8.0]) }
    }

    #[test]
    fn every_artefact_changes_the_image_repeatably_and_stays_finite() {
        for artefact in [Artefact::BiasField, Artefact::Ghosting, Artefact::Motion, Artefact::Spike] {
            let corrupt = |key| {
                let mut volume = volume();
                artefact.corrupt(&mut volume, &mut stream(5, Purpose::Artefact, [key, 0, 0])).unwrap();
                volume.voxels
            };
            let first = corrupt(1);
            assert_eq!(first, corrupt(1), "{artefact:?}");
            assert_ne!(first, corrupt(2), "{artefact:?}");
            assert!(first.iter().all(|v| v.is_finite()));
            let change = first.iter().zip(&volume().voxels).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(change > 0.1, "{artefact:?}: {change}");
        }
        let mut untouched = volume();
        Artefact::None.corrupt(&mut untouched, &mut stream(5, Purpose::Artefact, [0; 3])).unwrap();
        assert_eq!(untouched.voxels, volume().voxels);
    }

    #[test]
    fn names_are_those_of_the_options() {
        for (artefact, name) in [
            (Artefact::None, "\"none\""),
            (Artefact::BiasField, "\"bias_field\""),
            (Artefact::Ghosting, "\"ghosting\""),
            (Artefact::Motion, "\"motion\""),
            (Artefact::Spike, "\"spike\""),
        ] {
            assert_eq!(serde_json::to_string(&artefact).unwrap(), name);
        }
    }
}
