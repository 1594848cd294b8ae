//! Another contrast by a power of the intensities (TorchIO 0.20 `RandomGamma`, `Gamma`, on another scale).

use super::drawn::{Drawn, Draws};
use super::{check_parameter, check_voxels, range_of, severity};
use crate::error::Result;
use ndarray::Array3;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a caller wants; the rest is drawn.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Which ranges hold for what is left out: 1 (slight) to 5 (strong). Default: null, those of TorchIO.
    #[schemars(range(min = 1, max = 5))]
    pub severity: Option<u32>,
    /// Exponent of the intensities scaled to [0, 1]: above 1 darkens, below 1 brightens. Drawn uniformly in its logarithm.
    /// Default: null, exp(−0.3) to exp(0.3) or those of the severity.
    #[schemars(range(min = 0.01, max = 100.0), inner(range(min = 0.01, max = 100.0)))]
    pub gamma: Option<Drawn<f64>>,
}

impl Options {
    pub(super) fn settle(&self, draws: &mut Draws) -> Result<Params> {
        let [least, greatest] = match self.gamma {
            None => severity::GAMMA_LOGARITHM.at(self.severity).map(f64::exp),
            Some(given) => given.bounds("gamma.gamma")?,
        };
        let logarithm = draws.number("gamma.gamma", None, [least.ln(), greatest.ln()])?;
        // Rounding must not leave the range: what is applied can be asked for again.
        let gamma = logarithm.exp().clamp(least, greatest);
        Ok(Params { gamma })
    }
}

/// The exponent.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Params {
    /// Above 0; 1 changes nothing.
    pub gamma: f64,
}

/// Raises the intensities of `[z, y, x]`, scaled to [0, 1] by the least and the greatest, to the power γ and scales
/// them back.
///
/// TorchIO raises the values as they are, which is the same for an image that spans [0, 1].
///
/// # Errors
/// `InvalidArgument` for an exponent that is not positive and for voxels that are not finite.
pub fn apply(voxels: &mut Array3<f32>, params: &Params) -> Result<()> {
    check_parameter("gamma: the exponent", params.gamma, f64::MIN_POSITIVE..=f64::INFINITY)?;
    check_voxels(voxels)?;
    let [least, greatest] = range_of(voxels);
    let range = greatest - least;
    if range > 0.0 {
        voxels.mapv_inplace(|value| {
            (least + range * ((f64::from(value) - least) / range).powf(params.gamma)) as f32
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn the_ends_of_the_range_stay_and_the_middle_moves() {
        let image = array![[[-100.0f32, 0.0, 100.0]]];
        for (gamma, middle) in [(1.0, 0.0), (2.0, -50.0), (0.5, -100.0 + 200.0 * 0.5f32.sqrt())] {
            let mut voxels = image.clone();
            apply(&mut voxels, &Params { gamma }).unwrap();
            assert_eq!((voxels[[0, 0, 0]], voxels[[0, 0, 2]]), (-100.0, 100.0));
            assert!((voxels[[0, 0, 1]] - middle).abs() < 1e-4, "{gamma}");
        }
        let mut constant = array![[[3.0f32, 3.0]]];
        apply(&mut constant, &Params { gamma: 2.0 }).unwrap();
        assert_eq!(constant, array![[[3.0f32, 3.0]]]);
        assert!(apply(&mut constant, &Params { gamma: 0.0 }).is_err());
    }

    #[test]
    fn the_exponent_is_drawn_uniformly_in_its_logarithm() {
        let options = Options { gamma: Some(Drawn::Between([0.25, 4.0])), ..Options::default() };
        let drawn: Vec<f64> =
            (0..400).map(|seed| options.settle(&mut Draws::new(seed, 1)).unwrap().gamma).collect();
        assert!(drawn.iter().all(|gamma| (0.25..=4.0).contains(gamma)));
        let below_one = drawn.iter().filter(|&&gamma| gamma < 1.0).count();
        assert!((150..250).contains(&below_one), "{below_one}");
        let exactly = Options { gamma: Some(Drawn::Exactly(100.0)), ..Options::default() };
        assert_eq!(exactly.settle(&mut Draws::new(1, 1)).unwrap().gamma, 100.0);
        let backwards = Options { gamma: Some(Drawn::Between([2.0, 1.0])), ..Options::default() };
        assert!(backwards.settle(&mut Draws::new(1, 1)).unwrap_err().to_string().contains("gamma.gamma"));
    }
}
