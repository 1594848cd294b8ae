//! What hard examples are made of.

use crate::error::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A way of choosing what to mask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scheme {
    /// Whole channels at random (paper Eq. 2).
    Dropout,
    /// The channels whose mean gradient is highest (paper Eq. 3).
    Channel,
    /// The positions whose mean gradient is highest (paper Eq. 4).
    Spatial,
}

impl Scheme {
    /// Whether the mask follows a gradient.
    pub fn is_targeted(self) -> bool {
        matches!(self, Scheme::Channel | Scheme::Spatial)
    }
}

/// What is masked to make hard examples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The image code: corrupted images x̂.
    Image,
    /// The shape code: corrupted segmentations p̂.
    Shape,
}

/// How often a scheme is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SchemeDraw {
    /// Per step, independently for the image code and the shape code.
    Independent,
    /// Per step, once for both codes.
    Shared,
}

/// Which entries pass the threshold of a targeted mask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Threshold {
    /// Scores strictly greater than the (k+1)-th largest: k entries without ties.
    Greater,
    /// Scores greater than or equal to it: one entry more.
    GreaterOrEqual,
}

/// How often the annealing factor of a soft mask is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AnnealingDraw {
    /// For every sample and masked channel or position.
    Entry,
    /// Once per step and code.
    Step,
}

/// Masking of the latent codes. The defaults are those of the preset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HardExamples {
    /// The schemes to draw from, uniformly. Default: all three.
    pub masks: Vec<Scheme>,
    /// The codes that are masked: `image` gives corrupted images, `shape` corrupted segmentations.
    /// Default: both.
    pub sources: Vec<Source>,
    /// Whether both codes get the same scheme in a step. Default: `independent` (official), `shared` (paper).
    pub scheme_draw: SchemeDraw,
    /// Range of the fraction of channels or positions that a targeted mask hits; one draw per step and
    /// code. Default: [0, 0.5].
    #[schemars(inner(range(min = 0.0, max = 1.0)))]
    pub targeted_fraction: [f64; 2],
    /// Range of the probability with which dropout masks a channel; one draw per step and code.
    /// Default: [0.5, 0.5] (official), [0, 0.5] (paper).
    #[schemars(inner(range(min = 0.0, max = 0.99)))]
    pub dropout_probability: [f64; 2],
    /// Whether dropout scales the surviving channels by 1 / (1 − p). Default: true (official), false (paper).
    pub dropout_rescale: bool,
    /// Whether targeted masks multiply by a random factor (soft) instead of 0 (hard). Default: true.
    pub soft: bool,
    /// Range of that factor. Default: [0, 0.5].
    #[schemars(inner(range(min = 0.0, max = 1.0)))]
    pub annealing: [f64; 2],
    /// How often the factor is drawn. Default: `entry` (official), `step` (paper).
    pub annealing_draw: AnnealingDraw,
    /// Which scores count as hit. Default: `greater` (official), `greater_or_equal` (paper).
    pub threshold: Threshold,
}

impl HardExamples {
    /// What the schema cannot say: ordered ranges, at least one scheme and one source.
    pub fn validate(&self) -> Result<()> {
        let ranges = [
            ("targeted_fraction", self.targeted_fraction),
            ("dropout_probability", self.dropout_probability),
            ("annealing", self.annealing),
        ];
        for (key, [low, high]) in ranges {
            if low > high {
                return Err(Error::InvalidConfig(format!(
                    "`hard_examples.{key}` is [{low}, {high}]; expected the lower bound first"
                )));
            }
        }
        if self.masks.is_empty() {
            return Err(Error::InvalidConfig(
                "`hard_examples.masks` is empty; expected at least one of dropout, channel, spatial"
                    .to_owned(),
            ));
        }
        if self.sources.is_empty() {
            return Err(Error::InvalidConfig(
                "`hard_examples.sources` is empty; expected image, shape or both (or `mode` \"standard\")"
                    .to_owned(),
            ));
        }
        Ok(())
    }
}
