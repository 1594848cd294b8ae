//! Stripes from single bright points in k-space (TorchIO 0.20 `RandomSpike`, `Spike`).

use super::drawn::{Drawn, Draws, refuse_both};
use super::{check_parameter, check_voxels, fourier, severity};
use crate::error::Result;
use ndarray::{Array3, Axis};
use rand::{Rng, RngExt};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// What a caller wants; the rest is drawn.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Which ranges hold for what is left out: 1 (slight) to 5 (strong). Default: null, those of TorchIO.
    #[schemars(range(min = 1, max = 5))]
    pub severity: Option<u32>,
    /// Number of spikes at uniform positions. Default: null, 1.
    #[schemars(range(min = 0, max = 100), inner(range(min = 0, max = 100)))]
    pub number: Option<Drawn<u32>>,
    /// Height of a spike relative to the largest real part of the spectrum. 0 changes nothing. Default: null, 1 to 3 or
    /// those of the severity.
    #[schemars(range(min = -100.0, max = 100.0), inner(range(min = -100.0, max = 100.0)))]
    pub intensity: Option<Drawn<f64>>,
    /// One position [x, y, z] per spike, instead of `number`: its place along each axis of k-space from 0 to 1, whose
    /// centre (0.5) is the zero frequency. Default: null, drawn.
    #[schemars(length(max = 100), extend("items" = json!({
        "type": "array", "minItems": 3, "maxItems": 3,
        "items": {"type": "number", "minimum": 0.0, "exclusiveMaximum": 1.0}
    })))]
    pub positions: Option<Vec<[f64; 3]>>,
}

impl Options {
    pub(super) fn settle(&self, draws: &mut Draws) -> Result<Params> {
        refuse_both("spike", ("positions", self.positions.is_some()), &[("number", self.number.is_some())])?;
        let range = severity::SPIKE_INTENSITY.at(self.severity);
        let intensity = draws.number("spike.intensity", self.intensity, range)?;
        let number = draws.whole("spike.number", self.number, [1, 1])?;
        let mut rng = draws.next();
        let positions = match &self.positions {
            Some(given) => given.clone(),
            None => (0..number).map(|_| [rng.random(), rng.random(), rng.random()]).collect(),
        };
        Ok(Params { positions, intensity })
    }
}

/// Where the spikes are and how strong.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Params {
    /// One position (x, y, z) per spike, each coordinate in [0, 1): its place along that axis of
    /// k-space, whose centre is the zero frequency.
    pub positions: Vec<[f64; 3]>,
    /// Height of a spike relative to the largest real part in the spectrum. 0 changes nothing.
    pub intensity: f64,
}

impl Params {
    /// TorchIO 0.20's defaults: one spike at a uniform position, intensity from U(1, 3).
    pub fn draw(rng: &mut impl Rng) -> Self {
        let intensity = rng.random_range(1.0..3.0);
        Params { positions: vec![[rng.random(), rng.random(), rng.random()]], intensity }
    }
}

/// Adds the spikes to the spectrum of `[z, y, x]`; the image becomes the real part.
///
/// As in TorchIO, the spike is real, has no partner at the opposite frequency, and is measured by the
/// largest real part in the spectrum, which is found anew for every spike.
///
/// # Errors
/// `InvalidArgument` for positions outside [0, 1), an intensity that is not finite, and voxels that
/// are not finite; `OutOfMemory`.
pub fn apply(voxels: &mut Array3<f32>, params: &Params) -> Result<()> {
    check_parameter("spike: the intensity", params.intensity, f64::NEG_INFINITY..=f64::INFINITY)?;
    for &coordinate in params.positions.iter().flatten() {
        check_parameter("spike: a coordinate", coordinate, 0.0..=1.0f64.next_down())?;
    }
    check_voxels(voxels)?;
    if params.intensity == 0.0 || params.positions.is_empty() || voxels.is_empty() {
        return Ok(());
    }

    let axes = [Axis(0), Axis(1), Axis(2)];
    let (depth, height, width) = voxels.dim();
    let mut spectrum = fourier::forward(voxels, &axes)?;
    for &[x, y, z] in &params.positions {
        let index =
            |share: f64, length: usize| fourier::stored_index((share * length as f64) as usize, length);
        let largest = spectrum.iter().fold(f32::NEG_INFINITY, |best, value| best.max(value.re));
        spectrum[[index(z, depth), index(y, height), index(x, width)]].re +=
            largest * params.intensity as f32;
    }
    *voxels = fourier::inverse(spectrum, &axes)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, stream};

    #[test]
    fn a_spike_adds_a_cosine_of_the_given_height() {
        let (depth, height, width) = (4, 5, 6);
        let original = Array3::from_shape_fn((depth, height, width), |(z, y, x)| (z + 2 * y + x) as f32);
        let mean = f64::from(original.sum()) / original.len() as f64;
        let mut voxels = original.clone();
        // Centred indices 4, 1, 3: frequencies 4 − 3, 1 − 2, 3 − 2 along x, y, z.
        let params = Params { positions: vec![[0.7, 0.3, 0.8]], intensity: 1.5 };
        apply(&mut voxels, &params).unwrap();
        for ((z, y, x), &value) in voxels.indexed_iter() {
            let turns = x as f64 / width as f64 - y as f64 / height as f64 + z as f64 / depth as f64;
            let expected =
                f64::from(original[[z, y, x]]) + 1.5 * mean * (std::f64::consts::TAU * turns).cos();
            assert!((f64::from(value) - expected).abs() < 1e-4, "{value} {expected}");
        }
    }

    #[test]
    fn no_spike_changes_nothing() {
        let original = Array3::from_shape_fn((2, 3, 4), |(z, y, x)| (z + y + x) as f32);
        let mut voxels = original.clone();
        apply(&mut voxels, &Params { positions: vec![], intensity: 2.0 }).unwrap();
        apply(&mut voxels, &Params { positions: vec![[0.5; 3]], intensity: 0.0 }).unwrap();
        assert_eq!(voxels, original);
    }

    #[test]
    fn drawn_parameters_stay_in_the_default_ranges() {
        let mut rng = stream(4, Purpose::Artefact, [0; 3]);
        for _ in 0..200 {
            let drawn = Params::draw(&mut rng);
            assert_eq!(drawn.positions.len(), 1);
            assert!((1.0..3.0).contains(&drawn.intensity));
            assert!(drawn.positions[0].iter().all(|c| (0.0..1.0).contains(c)));
        }
    }

    #[test]
    fn wrong_parameters_are_refused() {
        let mut voxels = Array3::from_elem((2, 2, 2), 1.0f32);
        let outside = Params { positions: vec![[0.1, 1.0, 0.2]], intensity: 1.0 };
        assert!(apply(&mut voxels, &outside).unwrap_err().to_string().contains("coordinate is 1"));
        assert!(apply(&mut voxels, &Params { positions: vec![], intensity: f64::INFINITY }).is_err());
    }
}
