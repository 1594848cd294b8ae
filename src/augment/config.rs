//! What the training augmentation may do, and how strongly.

use crate::error::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Mirroring along one axis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Flip {
    /// How often a slice is mirrored; 0 turns it off. Default: 0.2.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub probability: f64,
}

/// Change of brightness: gain · x + offset, clamped to the slice's own range.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Brightness {
    /// How often the brightness changes; 0 turns it off. Default: 0.5.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub probability: f64,
    /// Range of the factor. Default: [0.8, 1.2].
    #[schemars(inner(range(min = 0.0, max = 10.0)))]
    pub gain: [f64; 2],
    /// Range of the summand, for intensities in [0, 1]. Default: [-0.1, 0.1].
    #[schemars(inner(range(min = -1.0, max = 1.0)))]
    pub offset: [f64; 2],
}

/// Rotation, zoom and shift in the plane.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Affine {
    /// How often a slice is transformed; 0 turns it off. Default: 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub probability: f64,
    /// Range of the rotation about the centre, in degrees. Default: [-15, 15].
    #[schemars(inner(range(min = -360.0, max = 360.0)))]
    pub rotation_degrees: [f64; 2],
    /// Range of the shift along each axis, as a fraction of the padded size along that axis.
    /// Default: [-0.1, 0.1].
    #[schemars(inner(range(min = -1.0, max = 1.0)))]
    pub shift: [f64; 2],
    /// Range of the zoom, the same along both axes; below 1 magnifies. Default: [0.8, 1.1].
    #[schemars(inner(range(min = 0.1, max = 10.0)))]
    pub zoom: [f64; 2],
}

/// Rotation by one of a few angles.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DiscreteRotation {
    /// How often an angle is drawn; 0 turns it off. Default: 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub probability: f64,
    /// The angles in degrees, each as likely as the others. Default: the multiples of 45 from 0 to 315.
    #[schemars(length(min = 1, max = 360), inner(range(min = -360.0, max = 360.0)))]
    pub angles_degrees: Vec<f64>,
}

/// Elastic deformation: every pixel moves by a smoothed random displacement.
///
/// Each component of the displacement, in pixels, is uniform noise in [-1, 1), smoothed with a Gaussian
/// (deviation = `sigma` × height) and multiplied by `amplitude` × height. Smoothing leaves little of the
/// noise: at the defaults the root mean square along each axis is about 3 pixels (2.1 to 4.3 in nine of ten
/// slices of 224×224) and the farthest pixel of a slice moves by about 11. The height cancels out, so that
/// small slices move by as many pixels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Elastic {
    /// How often a slice is deformed; 0 turns it off. Default: 0.5.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub probability: f64,
    /// Range of the amplitude as a multiple of the padded height. Default: [1.5, 2].
    #[schemars(inner(range(min = 0.0, max = 100.0)))]
    pub amplitude: [f64; 2],
    /// Range of the Gaussian's standard deviation as a fraction of the padded height.
    /// Default: [0.075, 0.15], which is 0.75 times [0.1, 0.2].
    #[schemars(inner(range(min = 0.001, max = 1.0)))]
    pub sigma: [f64; 2],
}

/// Random transforms of the training slices, in the order in which they are applied.
///
/// The defaults are the published settings (METHOD §5, "Augmentation"). Padding before, the centre crop
/// after and the scaling to [0, 1] always happen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Augmentation {
    /// Whether anything random is done at all. Default: true.
    pub enabled: bool,
    /// Mirroring left to right.
    pub horizontal_flip: Flip,
    /// Mirroring top to bottom.
    pub vertical_flip: Flip,
    /// Change of brightness.
    pub brightness: Brightness,
    /// Rotation, zoom and shift.
    pub affine: Affine,
    /// Rotation by one of a few angles.
    pub discrete_rotation: DiscreteRotation,
    /// Elastic deformation.
    pub elastic: Elastic,
}

impl Default for Augmentation {
    fn default() -> Self {
        Augmentation {
            enabled: true,
            horizontal_flip: Flip { probability: 0.2 },
            vertical_flip: Flip { probability: 0.2 },
            brightness: Brightness { probability: 0.5, gain: [0.8, 1.2], offset: [-0.1, 0.1] },
            affine: Affine {
                probability: 1.0,
                rotation_degrees: [-15.0, 15.0],
                shift: [-0.1, 0.1],
                zoom: [0.8, 1.1],
            },
            discrete_rotation: DiscreteRotation {
                probability: 1.0,
                angles_degrees: (0..8).map(|k| 45.0 * f64::from(k)).collect(),
            },
            elastic: Elastic { probability: 0.5, amplitude: [1.5, 2.0], sigma: [0.075, 0.15] },
        }
    }
}

impl Augmentation {
    /// The defaults with every transform turned off; each may then be turned on by its probability.
    pub fn none() -> Self {
        let mut config = Augmentation::default();
        config.horizontal_flip.probability = 0.0;
        config.vertical_flip.probability = 0.0;
        config.brightness.probability = 0.0;
        config.affine.probability = 0.0;
        config.discrete_rotation.probability = 0.0;
        config.elastic.probability = 0.0;
        config
    }

    /// Checks what the ranges of the schema cannot say: that every range has its lower bound first and
    /// that there is an angle to choose.
    ///
    /// # Errors
    /// `InvalidConfig`, naming the key.
    pub fn validate(&self) -> Result<()> {
        let ranges = [
            ("brightness.gain", self.brightness.gain),
            ("brightness.offset", self.brightness.offset),
            ("affine.rotation_degrees", self.affine.rotation_degrees),
            ("affine.shift", self.affine.shift),
            ("affine.zoom", self.affine.zoom),
            ("elastic.amplitude", self.elastic.amplitude),
            ("elastic.sigma", self.elastic.sigma),
        ];
        for (key, [low, high]) in ranges {
            if !(low.is_finite() && high.is_finite() && low <= high) {
                return Err(Error::InvalidConfig(format!(
                    "`augmentation.{key}` is [{low}, {high}]; expected two finite numbers, the lower bound first"
                )));
            }
        }
        if self.affine.zoom[0] <= 0.0 {
            return Err(Error::InvalidConfig(format!(
                "`augmentation.affine.zoom` begins with {}; expected a positive number",
                self.affine.zoom[0]
            )));
        }
        if self.discrete_rotation.angles_degrees.is_empty() {
            return Err(Error::InvalidConfig(
                "`augmentation.discrete_rotation.angles_degrees` is empty; expected at least one angle \
                 (or `probability` 0)"
                    .to_owned(),
            ));
        }
        if let Some(angle) = self.discrete_rotation.angles_degrees.iter().find(|angle| !angle.is_finite()) {
            return Err(Error::InvalidConfig(format!(
                "`augmentation.discrete_rotation.angles_degrees` holds {angle}; expected finite degrees"
            )));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema;

    fn message(text: &str) -> String {
        let read = schema::overlay_text(&Augmentation::default(), text);
        read.and_then(|config: Augmentation| config.validate()).unwrap_err().to_string()
    }

    #[test]
    fn the_defaults_are_valid_and_survive_json() {
        let defaults = Augmentation::default();
        defaults.validate().unwrap();
        let text = serde_json::to_string(&defaults).unwrap();
        assert_eq!(serde_json::from_str::<Augmentation>(&text).unwrap(), defaults);
        assert_eq!(schema::overlay_text(&defaults, &text).unwrap(), defaults);
        assert_eq!(
            defaults.discrete_rotation.angles_degrees,
            [0.0, 45.0, 90.0, 135.0, 180.0, 225.0, 270.0, 315.0]
        );
    }

    #[test]
    fn one_key_changes_and_the_rest_stays() {
        let config: Augmentation =
            schema::overlay_text(&Augmentation::default(), r#"{"affine": {"zoom": [1, 1]}}"#).unwrap();
        assert_eq!(config.affine.zoom, [1.0, 1.0]);
        assert_eq!(config.affine.shift, Augmentation::default().affine.shift);
    }

    #[test]
    fn bad_keys_and_values_are_named() {
        for (text, expected) in [
            (r#"{"affine": {"zoom": [1.1, 0.8]}}"#, "augmentation.affine.zoom"),
            (r#"{"brightness": {"gain": [2, 1]}}"#, "augmentation.brightness.gain"),
            (r#"{"brightness": {"offset": [0.1, -0.1]}}"#, "augmentation.brightness.offset"),
            (r#"{"affine": {"shift": [0.1, -0.1]}}"#, "augmentation.affine.shift"),
            (r#"{"affine": {"rotation_degrees": [15, -15]}}"#, "augmentation.affine.rotation_degrees"),
            (r#"{"elastic": {"amplitude": [2, 1.5]}}"#, "augmentation.elastic.amplitude"),
            (r#"{"elastic": {"sigma": [0.2, 0.1]}}"#, "augmentation.elastic.sigma"),
            (r#"{"affine": {"zoom": [0, 1]}}"#, "affine.zoom"),
            (r#"{"elastic": {"probability": 1.5}}"#, "elastic.probability"),
            (r#"{"discrete_rotation": {"angles_degrees": []}}"#, "discrete_rotation.angles_degrees"),
            (r#"{"elastic": {"alpha": 3}}"#, "alpha"),
            (r#"{"rotate": {}}"#, "rotate"),
            (r#"{"horizontal_flip": {"probability": "often"}}"#, "horizontal_flip.probability"),
        ] {
            let found = message(text);
            assert!(found.contains(expected), "{text}: {found}");
        }
    }

    #[test]
    fn a_zoom_of_zero_or_an_infinite_bound_is_refused_without_the_schema_too() {
        let mut config = Augmentation::default();
        config.affine.zoom = [0.0, 1.0];
        assert!(config.validate().unwrap_err().to_string().contains("affine.zoom"));
        let mut config = Augmentation::default();
        config.elastic.sigma = [0.1, f64::NAN];
        assert!(config.validate().unwrap_err().to_string().contains("elastic.sigma"));
        let mut config = Augmentation::default();
        config.discrete_rotation.angles_degrees = vec![f64::INFINITY];
        assert!(config.validate().unwrap_err().to_string().contains("angles_degrees"));
    }

    #[test]
    fn every_number_has_a_range_and_a_default_in_its_description() {
        fn walk(value: &serde_json::Value, path: &str, seen: &mut usize) {
            for (key, field) in value["properties"].as_object().into_iter().flatten() {
                let path = format!("{path}.{key}");
                if field.get("properties").is_some() {
                    walk(field, &path, seen);
                    continue;
                }
                *seen += 1;
                assert!(field["description"].as_str().unwrap().contains("Default: "), "{path}");
                if field["type"] != "boolean" {
                    let number = field.get("items").unwrap_or(field);
                    assert!(number.get("minimum").is_some() && number.get("maximum").is_some(), "{path}");
                }
            }
        }
        let mut seen = 0;
        walk(&schema::of::<Augmentation>(), "augmentation", &mut seen);
        assert_eq!(seen, 15);
    }
}
