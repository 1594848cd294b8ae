//! One artefact as a caller asks for it: options, what is drawn, what was applied.

use super::drawn::Draws;
use super::{bias_field, blur, downsampling, gamma, ghosting, motion, noise, spike};
use crate::error::{Error, Result};
use crate::schema;
use crate::volume::{Volume, min_max};
use ndarray::Axis;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The artefact that is wanted: exactly one of the eight, with the keys that are not to be drawn. A number may be a list
/// of the least and the greatest, between which it is drawn uniformly.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Simulation {
    /// Slow multiplicative shading, as from an inhomogeneous coil.
    pub bias_field: Option<bias_field::Options>,
    /// Repeated faint copies along one axis, as from periodic motion.
    pub ghosting: Option<ghosting::Options>,
    /// Rigid movements during the acquisition.
    pub motion: Option<motion::Options>,
    /// Stripes from single bright points in k-space.
    pub spike: Option<spike::Options>,
    /// Gaussian noise.
    pub noise: Option<noise::Options>,
    /// Gaussian blur.
    pub blur: Option<blur::Options>,
    /// Another contrast by a power of the intensities.
    pub gamma: Option<gamma::Options>,
    /// Fewer samples along one axis.
    pub downsampling: Option<downsampling::Options>,
    /// Whether the intensities are then scaled to [0, 1] by the least and the greatest. Default: false.
    pub rescale: bool,
}

/// Exactly what was applied. As JSON it is a [`Simulation`] that applies the same again.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Applied {
    /// The artefact with all its parameters.
    #[serde(flatten)]
    pub params: Params,
    /// Whether the intensities were scaled to [0, 1].
    pub rescale: bool,
}

/// An artefact with all its parameters.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the modules have these names")]
pub enum Params {
    BiasField(bias_field::Params),
    Ghosting(ghosting::Params),
    Motion(motion::Params),
    Spike(spike::Params),
    Noise(noise::Params),
    Blur(blur::Params),
    Gamma(gamma::Params),
    Downsampling(downsampling::Params),
}

impl Simulation {
    /// Reads a caller's JSON object.
    ///
    /// # Errors
    /// `InvalidConfig`: unknown keys, wrong types and values out of range by name; no artefact, or several.
    pub fn from_json(text: &str) -> Result<Self> {
        let simulation: Simulation = schema::overlay_text(&Simulation::default(), text)?;
        let artefacts = simulation.artefacts();
        let named: Vec<&str> = artefacts.iter().filter(|(_, given)| *given).map(|(name, _)| *name).collect();
        match named.len() {
            1 => Ok(simulation),
            0 => Err(Error::InvalidConfig(format!(
                "no artefact is named; expected one of `{}`",
                artefacts.map(|(name, _)| name).join("`, `")
            ))),
            _ => Err(Error::InvalidConfig(format!(
                "`{}` are asked for at once; expected one artefact",
                named.join("` and `")
            ))),
        }
    }

    fn artefacts(&self) -> [(&'static str, bool); 8] {
        [
            ("bias_field", self.bias_field.is_some()),
            ("ghosting", self.ghosting.is_some()),
            ("motion", self.motion.is_some()),
            ("spike", self.spike.is_some()),
            ("noise", self.noise.is_some()),
            ("blur", self.blur.is_some()),
            ("gamma", self.gamma.is_some()),
            ("downsampling", self.downsampling.is_some()),
        ]
    }

    /// Draws what is left to chance for a volume of `depth` slices. It depends on the seed, `depth` and the options
    /// alone.
    ///
    /// # Errors
    /// `InvalidConfig` for ranges upside down and keys that exclude each other; `InvalidArgument` for an axis that
    /// the volume does not have.
    pub fn settle(&self, seed: u64, depth: usize) -> Result<Applied> {
        // The numbers are the keys of random streams and never change.
        let params = if let Some(options) = &self.bias_field {
            Params::BiasField(options.settle(&mut Draws::new(seed, 1))?)
        } else if let Some(options) = &self.ghosting {
            Params::Ghosting(options.settle(&mut Draws::new(seed, 2), depth)?)
        } else if let Some(options) = &self.motion {
            Params::Motion(options.settle(&mut Draws::new(seed, 3), depth)?)
        } else if let Some(options) = &self.spike {
            Params::Spike(options.settle(&mut Draws::new(seed, 4))?)
        } else if let Some(options) = &self.noise {
            Params::Noise(options.settle(&mut Draws::new(seed, 5))?)
        } else if let Some(options) = &self.blur {
            Params::Blur(options.settle(&mut Draws::new(seed, 6), depth)?)
        } else if let Some(options) = &self.gamma {
            Params::Gamma(options.settle(&mut Draws::new(seed, 7))?)
        } else if let Some(options) = &self.downsampling {
            Params::Downsampling(options.settle(&mut Draws::new(seed, 8), depth)?)
        } else {
            return Err(Error::InvalidConfig("no artefact is named".to_owned()));
        };
        Ok(Applied { params, rescale: self.rescale })
    }

    /// Draws what is left to chance and spoils the volume.
    ///
    /// # Errors
    /// As [`settle`](Self::settle) and [`Applied::apply`].
    pub fn run(&self, volume: &mut Volume<f32>, seed: u64) -> Result<Applied> {
        let applied = self.settle(seed, volume.voxels.len_of(Axis(0)))?;
        applied.apply(volume)?;
        Ok(applied)
    }
}

impl Applied {
    /// Spoils the volume.
    ///
    /// # Errors
    /// `InvalidArgument` for voxels that are not finite or would become so, and for parameters out of range;
    /// `InvalidGeometry` for a volume without a valid one; `OutOfMemory`.
    pub fn apply(&self, volume: &mut Volume<f32>) -> Result<()> {
        match &self.params {
            Params::BiasField(params) => bias_field::apply(&mut volume.voxels, params),
            Params::Ghosting(params) => ghosting::apply(&mut volume.voxels, params),
            Params::Motion(params) => motion::apply(volume, params),
            Params::Spike(params) => spike::apply(&mut volume.voxels, params),
            Params::Noise(params) => noise::apply(&mut volume.voxels, params),
            Params::Blur(params) => blur::apply(volume, params),
            Params::Gamma(params) => gamma::apply(&mut volume.voxels, params),
            Params::Downsampling(params) => downsampling::apply(&mut volume.voxels, params),
        }?;
        if let Some(value) = volume.voxels.iter().find(|value| !value.is_finite()) {
            return Err(Error::InvalidArgument(format!(
                "an intensity becomes {value}; expected intensities and parameters whose result fits 32-bit \
                 floating point"
            )));
        }
        if self.rescale {
            min_max(&mut volume.voxels);
        }
        Ok(())
    }

    /// The parameters as a caller may pass them back.
    ///
    /// # Errors
    /// `Internal`.
    pub fn to_json(&self) -> Result<Value> {
        serde_json::to_value(self).map_err(|error| Error::Internal(format!("artefact to JSON: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phantom;

    const NAMES: [&str; 8] =
        ["bias_field", "ghosting", "motion", "spike", "noise", "blur", "gamma", "downsampling"];

    fn heart(slices: usize) -> Volume<f32> {
        let options = phantom::Options { slices, size: Some([64, 56]), ..phantom::Options::default() };
        phantom::generate(&options, 1).unwrap().1
    }

    fn run(volume: &Volume<f32>, json: &str, seed: u64) -> (Volume<f32>, Applied) {
        let mut spoiled = volume.clone();
        let applied = Simulation::from_json(json).unwrap().run(&mut spoiled, seed).unwrap();
        (spoiled, applied)
    }

    fn change(a: &Volume<f32>, b: &Volume<f32>) -> f64 {
        let sum: f64 = a.voxels.iter().zip(&b.voxels).map(|(a, b)| f64::from((a - b).abs())).sum();
        sum / a.voxels.len() as f64
    }

    #[test]
    fn the_parameters_that_come_back_give_the_same_bits_again() {
        for slices in [1, 6] {
            let heart = heart(slices);
            for name in NAMES {
                for options in
                    [format!("{{\"{name}\": {{}}}}"), format!("{{\"{name}\": {{}}, \"rescale\": true}}")]
                {
                    let (first, applied) = run(&heart, &options, 11);
                    assert!(change(&first, &heart) > 0.0, "{options}");
                    assert_eq!(first.voxels, run(&heart, &options, 11).0.voxels, "{options}");
                    assert_ne!(applied, run(&heart, &options, 12).1, "{options}");
                    let json = applied.to_json().unwrap().to_string();
                    let (again, repeated) = run(&heart, &json, 99);
                    assert_eq!(repeated, applied, "{json}");
                    assert_eq!(again.voxels, first.voxels, "{json}");
                    let [least, greatest] = super::super::range_of(&first.voxels);
                    assert_eq!([least, greatest] == [0.0, 1.0], options.contains("rescale"));
                }
            }
        }
    }

    #[test]
    fn the_change_grows_with_the_severity() {
        let heart = heart(8);
        for name in NAMES {
            let mean = |severity: u32| {
                let json = format!("{{\"{name}\": {{\"severity\": {severity}}}}}");
                (0..6).map(|seed| change(&run(&heart, &json, seed).0, &heart)).sum::<f64>() / 6.0
            };
            let changes: Vec<f64> = (1..=5).map(mean).collect();
            assert!(changes.windows(2).all(|pair| pair[0] * 1.05 < pair[1]), "{name}: {changes:?}");
        }
    }

    #[test]
    fn keys_types_ranges_and_numbers_of_artefacts_are_refused_by_name() {
        for (json, words) in [
            ("", "no artefact is named; expected one of `bias_field`, `ghosting`"),
            ("{}", "no artefact"),
            ("{\"rescale\": true}", "no artefact"),
            ("{\"ghosting\": null}", "no artefact"),
            ("{\"ghosting\": {}, \"noise\": {}}", "`ghosting` and `noise`"),
            ("{\"goasting\": {}}", "goasting"),
            ("{\"ghosting\": {\"ghost\": 3}}", "`ghost`"),
            ("{\"ghosting\": 3}", "`ghosting`"),
            ("{\"ghosting\": {}, \"rescale\": 1}", "`rescale`"),
            (
                "{\"ghosting\": {\"severity\": 6}}",
                "`ghosting.severity` is 6; expected at least 1 and at most 5",
            ),
            ("{\"ghosting\": {\"severity\": 0}}", "`ghosting.severity` is 0"),
            (
                "{\"ghosting\": {\"ghosts\": 2.5}}",
                "`ghosting.ghosts`: expected a number, or a list of the least",
            ),
            ("{\"ghosting\": {\"ghosts\": [4]}}", "`ghosting.ghosts`"),
            (
                "{\"ghosting\": {\"ghosts\": 5000}}",
                "`ghosting.ghosts` is 5000; expected at least 0 and at most 1000",
            ),
            ("{\"ghosting\": {\"ghosts\": [4, 5000]}}", "`ghosting.ghosts[1]` is 5000"),
            ("{\"ghosting\": {\"axis\": \"w\"}}", "`ghosting.axis`"),
            ("{\"ghosting\": {\"intensity\": -1}}", "`ghosting.intensity` is -1"),
            ("{\"ghosting\": {\"intensity\": \"big\"}}", "`ghosting.intensity`"),
            ("{\"ghosting\": {\"restore\": 1.5}}", "`ghosting.restore` is 1.5"),
            ("{\"bias_field\": {\"order\": 11}}", "`bias_field.order` is 11"),
            ("{\"bias_field\": {\"range\": -0.5}}", "`bias_field.range` is -0.5"),
            ("{\"bias_field\": {\"coefficients\": [0, 101]}}", "`bias_field.coefficients[1]` is 101"),
            ("{\"motion\": {\"degrees\": 400}}", "`motion.degrees` is 400"),
            ("{\"motion\": {\"translation\": [0, 2000]}}", "`motion.translation[1]` is 2000"),
            ("{\"motion\": {\"movements\": [{\"degrees\": [1, 2, 3]}]}}", "time"),
            ("{\"motion\": {\"movements\": [{\"time\": 2}]}}", "`motion.movements[0].time` is 2"),
            ("{\"motion\": {\"movements\": [{\"time\": 0.5, \"when\": 2}]}}", "when"),
            ("{\"spike\": {\"positions\": [[0.5, 0.5]]}}", "`spike.positions[0]"),
            (
                "{\"spike\": {\"positions\": [[0.5, 1, 0.5]]}}",
                "`spike.positions[0][1]` is 1; expected at least 0",
            ),
            ("{\"spike\": {\"number\": 101}}", "`spike.number` is 101"),
            ("{\"noise\": {\"std\": -0.1}}", "`noise.std` is -0.1"),
            ("{\"noise\": {\"seed\": -1}}", "`noise.seed`"),
            ("{\"blur\": {\"sigmas\": [1, 2]}}", "`blur.sigmas"),
            ("{\"blur\": {\"sigmas\": [1, 2, -3]}}", "`blur.sigmas[2]` is -3"),
            ("{\"gamma\": {\"gamma\": 0}}", "`gamma.gamma` is 0"),
            ("{\"downsampling\": {\"factor\": 0.5}}", "`downsampling.factor` is 0.5"),
        ] {
            let error = Simulation::from_json(json).expect_err(json);
            let text = error.to_string();
            assert!(matches!(error, Error::InvalidConfig(_)) && text.contains(words), "{json}: {text}");
        }
    }

    #[test]
    fn contradictions_and_axes_that_are_not_there_are_refused() {
        for (json, words) in [
            ("{\"bias_field\": {\"range\": 1, \"coefficients\": [0]}}", "`bias_field.range`"),
            ("{\"motion\": {\"degrees\": 1, \"movements\": []}}", "`motion.degrees`"),
            ("{\"spike\": {\"number\": 1, \"positions\": []}}", "`spike.number`"),
            ("{\"blur\": {\"sigma\": 1, \"sigmas\": [1, 1, 1]}}", "`blur.sigma`"),
            ("{\"noise\": {\"std\": [0.2, 0.1]}}", "`noise.std` is [0.2, 0.1]"),
            ("{\"ghosting\": {\"axis\": \"z\"}}", "`ghosting.axis`"),
            ("{\"motion\": {\"axis\": \"z\"}}", "`motion.axis`"),
            ("{\"downsampling\": {\"axis\": \"z\"}}", "`downsampling.axis`"),
            ("{\"bias_field\": {\"coefficients\": [0, 1]}}", "2 coefficients; expected 20"),
            ("{\"bias_field\": {\"order\": 0, \"coefficients\": [100]}}", "fits 32-bit"),
        ] {
            let error = Simulation::from_json(json).unwrap().run(&mut heart(1), 0).expect_err(json);
            assert!(error.to_string().contains(words), "{json}: {error}");
        }
    }

    #[test]
    fn a_range_that_is_given_holds() {
        let simulation = Simulation::from_json(
            "{\"ghosting\": {\"severity\": 1, \"ghosts\": [2, 3], \"intensity\": [4, 5], \"restore\": [0.1, 0.2]}}",
        )
        .unwrap();
        for seed in 0..50 {
            let Params::Ghosting(params) = simulation.settle(seed, 4).unwrap().params else { panic!() };
            assert!((2..=3).contains(&params.ghosts) && (4.0..=5.0).contains(&params.intensity));
            assert!((0.1..=0.2).contains(&params.restore.unwrap()));
        }
        let json = "{\"motion\": {\"number\": 4, \"degrees\": 2, \"translation\": [1, 3]}}";
        let Params::Motion(params) = Simulation::from_json(json).unwrap().settle(3, 4).unwrap().params else {
            panic!()
        };
        assert_eq!((params.movements.len(), params.axis), (4, super::super::ImageAxis::Z));
        for movement in &params.movements {
            assert!(movement.degrees.iter().all(|d| d.abs() <= 2.0));
            assert!(movement.translation.iter().all(|t| (1.0..=3.0).contains(t)));
        }
    }
}
