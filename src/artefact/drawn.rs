//! Parameters that a caller gives, bounds, or leaves to chance.

use super::ImageAxis;
use crate::error::{Error, Result};
use crate::random::{self, Purpose};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt::Debug;

/// A number, or the least and the greatest that it may be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a number, or a list of the least and the greatest")]
pub enum Drawn<T> {
    /// This one.
    Exactly(T),
    /// Uniform between the two.
    Between([T; 2]),
}

impl<T: JsonSchema> JsonSchema for Drawn<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Drawn_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let number = generator.subschema_for::<T>();
        let kind = number.get("type").cloned();
        json_schema!({ "type": [kind, "array"], "items": { "type": kind }, "minItems": 2, "maxItems": 2 })
    }
}

impl<T: Copy + PartialOrd + Debug> Drawn<T> {
    pub(super) fn bounds(self, key: &str) -> Result<[T; 2]> {
        match self {
            Drawn::Exactly(value) => Ok([value, value]),
            Drawn::Between([least, greatest]) if least <= greatest => Ok([least, greatest]),
            Drawn::Between(bounds) => {
                Err(Error::InvalidConfig(format!("`{key}` is {bounds:?}; expected the least first")))
            }
        }
    }
}

/// The random numbers of one simulation. Every parameter has a stream of its own, in the order of the calls, so that
/// giving one of them leaves the others as they were, and a wider range stretches the same draw.
pub(super) struct Draws {
    seed: u64,
    artefact: u64,
    parameter: u64,
}

impl Draws {
    /// `artefact` keeps the streams of different artefacts apart.
    pub(super) fn new(seed: u64, artefact: u64) -> Self {
        Draws { seed, artefact, parameter: 0 }
    }

    /// The stream of the next parameter.
    pub(super) fn next(&mut self) -> ChaCha8Rng {
        self.parameter += 1;
        random::stream(self.seed, Purpose::Simulation, [self.artefact, self.parameter, 0])
    }

    /// The number that was given, or one from the range that was given, or from `range`.
    pub(super) fn number(&mut self, key: &str, given: Option<Drawn<f64>>, range: [f64; 2]) -> Result<f64> {
        let mut rng = self.next();
        Ok(uniform(&mut rng, given.map_or(Ok(range), |given| given.bounds(key))?))
    }

    /// The same for whole numbers; both bounds count.
    pub(super) fn whole(&mut self, key: &str, given: Option<Drawn<u32>>, range: [u32; 2]) -> Result<u32> {
        let mut rng = self.next();
        let [least, greatest] = given.map_or(Ok(range), |given| given.bounds(key))?;
        Ok(rng.random_range(least..=greatest))
    }

    /// `count` numbers from the range that was given, where a single number m stands for −m to m, or from `range`.
    pub(super) fn around_zero(
        &mut self,
        key: &str,
        given: Option<Drawn<f64>>,
        range: [f64; 2],
        count: usize,
    ) -> Result<Vec<f64>> {
        let mut rng = self.next();
        let range = match given {
            None => range,
            Some(Drawn::Exactly(most)) => [-most, most],
            Some(given) => given.bounds(key)?,
        };
        Ok((0..count).map(|_| uniform(&mut rng, range)).collect())
    }

    /// The axis that was given, or any that the image has.
    pub(super) fn axis(&mut self, key: &str, given: Option<ImageAxis>, depth: usize) -> Result<ImageAxis> {
        let mut rng = self.next();
        let drawn = match rng.random_range(0..if depth == 1 { 2 } else { 3 }) {
            0 => ImageAxis::X,
            1 => ImageAxis::Y,
            _ => ImageAxis::Z,
        };
        let axis = given.unwrap_or(drawn);
        refuse_missing_axis(key, axis, depth)?;
        Ok(axis)
    }
}

fn uniform(rng: &mut ChaCha8Rng, [least, greatest]: [f64; 2]) -> f64 {
    (least + rng.random::<f64>() * (greatest - least)).min(greatest)
}

/// Refuses z for a single slice, which has no frequencies there.
pub(super) fn refuse_missing_axis(key: &str, axis: ImageAxis, depth: usize) -> Result<()> {
    if axis == ImageAxis::Z && depth == 1 {
        return Err(Error::InvalidArgument(format!(
            "`{key}` is \"z\", but the image has one slice; expected \"x\" or \"y\""
        )));
    }
    Ok(())
}

/// Refuses keys that say how something is drawn beside the key that gives it.
pub(super) fn refuse_both(artefact: &str, explicit: (&str, bool), ranges: &[(&str, bool)]) -> Result<()> {
    let (explicit, given) = explicit;
    match ranges.iter().find(|(_, present)| given && *present) {
        None => Ok(()),
        Some((range, _)) => Err(Error::InvalidConfig(format!(
            "`{artefact}.{range}` says how to draw what `{artefact}.{explicit}` gives; expected one of the two"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn giving_one_parameter_leaves_the_others_and_a_wider_range_stretches_the_same_draw() {
        let draw = |first, range| {
            let mut draws = Draws::new(3, 1);
            (draws.number("a", first, range).unwrap(), draws.number("b", None, [0.0, 1.0]).unwrap())
        };
        let (a, b) = draw(None, [0.0, 1.0]);
        assert_eq!(draw(Some(Drawn::Exactly(7.5)), [0.0, 1.0]), (7.5, b));
        assert_eq!(draw(None, [0.0, 4.0]), (4.0 * a, b));
        assert_eq!(draw(Some(Drawn::Between([2.0, 2.0])), [0.0, 1.0]), (2.0, b));
        assert_ne!(a, Draws::new(4, 1).number("a", None, [0.0, 1.0]).unwrap());
        assert_ne!(a, Draws::new(3, 2).number("a", None, [0.0, 1.0]).unwrap());
    }

    #[test]
    fn every_value_of_a_range_can_be_drawn() {
        let mut draws = Draws::new(5, 1);
        let whole: std::collections::BTreeSet<u32> =
            (0..200).map(|_| draws.whole("n", Some(Drawn::Between([2, 5])), [0, 0]).unwrap()).collect();
        assert!(whole.into_iter().eq(2..=5));
        let around = draws.around_zero("c", Some(Drawn::Exactly(2.0)), [0.0; 2], 500).unwrap();
        assert!(around.iter().all(|c| c.abs() <= 2.0));
        assert!(around.iter().any(|&c| c > 1.9) && around.iter().any(|&c| c < -1.9));
        for (depth, axes) in [(1, 2), (4, 3)] {
            let drawn: std::collections::HashSet<ImageAxis> =
                (0..100).map(|_| draws.axis("a", None, depth).unwrap()).collect();
            assert_eq!(drawn.len(), axes);
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_name() {
        let mut draws = Draws::new(5, 1);
        let error = draws.number("blur.sigma", Some(Drawn::Between([2.0, 1.0])), [0.0; 2]).unwrap_err();
        assert!(
            error.to_string().ends_with("`blur.sigma` is [2.0, 1.0]; expected the least first"),
            "{error}"
        );
        assert!(draws.number("blur.sigma", Some(Drawn::Between([f64::NAN, 1.0])), [0.0; 2]).is_err());
        let error = draws.axis("ghosting.axis", Some(ImageAxis::Z), 1).unwrap_err().to_string();
        assert!(error.contains("ghosting.axis") && error.contains("one slice"), "{error}");
        let error = refuse_both("spike", ("positions", true), &[("number", true)]).unwrap_err().to_string();
        assert!(error.contains("spike.number") && error.contains("spike.positions"), "{error}");
        refuse_both("spike", ("positions", false), &[("number", true)]).unwrap();
    }
}
