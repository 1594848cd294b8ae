//! The configuration of a training run: JSON text turned once into validated values.
//!
//! Defaults live here and nowhere else. A caller's JSON object is laid over the defaults of its preset;
//! unknown keys, wrong types and values out of range are refused by name. The ranges are those of the
//! published JSON schema, which is derived from the types below.

use super::options::{Data, Metric, Optimizer, Snapshots, Validation};
use super::record::Recording;
use super::schedule::Schedule;
use crate::augment::Augmentation;
use crate::error::{Error, Result};
use crate::image_space::HardImages;
use crate::latent::{AnnealingDraw, HardExamples, Scheme, SchemeDraw, Source, Threshold};
use crate::loss::ReconstructionLoss;
use crate::network::{Architecture, CodeSharing, Part, Precision};
use crate::runtime::{self, DeviceChoice};
use crate::schema;
use crate::volume::Preprocess;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Where the defaults come from (METHOD §4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// What the published implementation does.
    #[default]
    Official,
    /// What the paper says, read literally.
    Paper,
}

/// Which losses are minimised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// L_std alone (paper Eq. 1).
    Standard,
    /// L_std + L_hard (paper §2.4).
    Cooperative,
}

/// Which scales and shifts of batch normalisation the hard losses train.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HardAffine {
    /// Those of the image decoder only, as the published implementation.
    FrozenExceptImageDecoder,
    /// All of them.
    Trained,
}

/// The networks' sizes and classes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NetworkSection {
    /// Channels of the first block. Default: 16 (the paper's network).
    #[schemars(range(min = 1, max = 256))]
    pub width: i64,
    /// Channels of the images, 1 to 4. Default: 1.
    #[schemars(range(min = 1, max = 4))]
    pub channels: i64,
    /// Names of the classes in the order of their label values, background first.
    /// Default: background, LV, MYO, RV.
    #[schemars(length(min = 2, max = 255))]
    pub classes: Vec<String>,
    /// Which code feeds which decoder. Default: `none` (z_i the image decoder, z_s the segmentation decoder).
    pub code_sharing: CodeSharing,
}

/// The loss function and its weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Losses {
    /// R. Default: `half_mse` (official), `mse` (paper).
    pub reconstruction: ReconstructionLoss,
    /// λ_seg. Default: 1.
    #[schemars(range(min = 0.0, max = 1e6))]
    pub segmentation_weight: f64,
    /// λ_rec. Default: 1.
    #[schemars(range(min = 0.0, max = 1e6))]
    pub reconstruction_weight: f64,
    /// λ_shp. Default: 1.
    #[schemars(range(min = 0.0, max = 1e6))]
    pub shape_weight: f64,
    /// Weight of each class, background first, in every cross-entropy, whose mean becomes a weighted mean;
    /// null weighs all the same. Default: null.
    #[schemars(length(min = 2, max = 255), inner(range(min = 0.0, max = 1e6)))]
    pub class_weights: Option<Vec<f64>>,
    /// Weight, times λ_seg, of 1 − soft Dice beside the cross-entropy of p and of p̄. The soft Dice is taken
    /// over the whole batch and averaged over the classes without the background. Default: 0.
    #[schemars(range(min = 0.0, max = 1e6))]
    pub dice_weight: f64,
}

/// Batch normalisation in the passes over hard examples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchNormSection {
    /// Which scales and shifts the hard losses train.
    /// Default: `frozen_except_image_decoder` (official), `trained` (paper).
    pub hard_affine: HardAffine,
    /// Whether the passes over hard examples move the running statistics too, so that inference normalises with what
    /// clean and hard images have in common. The first public version of the implementation did so. Default: false.
    #[serde(default)]
    pub hard_updates_running: bool,
    /// Whether hard passes through the image decoder and the gradient passes of the masks also move
    /// running statistics, a side effect of the published implementation. Default: false.
    pub official_bn_side_effects: bool,
}

/// Everything that a training run can be told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Configuration {
    /// Where the defaults of the other keys come from. Default: `official`.
    pub preset: Preset,
    /// Cooperative or standard training. Default: `cooperative`.
    pub mode: Mode,
    /// `auto`, `cpu`, `cuda` or `cuda:N`. Default: `auto`.
    pub device: String,
    /// Type that the networks compute in while they train; weights, statistics, losses and validation stay float32.
    /// `bfloat16` needs a processor or device that has it; the other types are for segmenting. Default: `float32`.
    #[serde(default)]
    pub precision: Precision,
    /// Seed of every random draw; null takes the process-wide one. Default: null.
    pub seed: Option<u64>,
    /// The networks.
    pub network: NetworkSection,
    /// From an image's own grid and intensities to the networks'.
    pub preprocess: Preprocess,
    /// Random transforms of the training slices.
    pub augmentation: Augmentation,
    /// The loss function.
    pub losses: Losses,
    /// Whether the slow-thinking network's loss is kept from the fast-thinking network (Table 2,
    /// "separate training"). Default: false.
    pub separate_training: bool,
    /// Deviation of the normal noise on the fast-thinking network's input; the sum is clamped to [0, 1].
    /// Default: 0.05 (official), 0 (paper).
    #[schemars(range(min = 0.0, max = 10.0))]
    pub input_noise: f64,
    /// Masking of the latent codes.
    pub hard_examples: HardExamples,
    /// Where the hard images x̂ come from. Other methods than latent masking take the place of the corrupted images
    /// that `hard_examples.sources` asks for; their losses are the same.
    #[serde(default)]
    pub hard_images: HardImages,
    /// Batch normalisation in the hard passes.
    pub batch_norm: BatchNormSection,
    /// The optimiser.
    pub optimizer: Optimizer,
    /// The learning rate over the steps.
    pub schedule: Schedule,
    /// Parts of the networks that stay as they are, running statistics included. Default: none.
    #[schemars(length(max = 5))]
    pub frozen: Vec<Part>,
    /// Slices drawn for one step. Default: 10.
    #[schemars(range(min = 1, max = 4096))]
    pub slices_per_step: usize,
    /// Whether each drawn slice also enters the batch unaugmented, so that a batch has twice as many.
    /// Default: true.
    pub with_unaugmented: bool,
    /// Passes over all training slices. Default: 600.
    #[schemars(range(min = 1, max = 1000000))]
    pub epochs: u64,
    /// Stop, as if the last epoch had ended, after so many minutes; null does not. Default: null.
    #[schemars(range(min = 0.0, max = 1e6))]
    pub max_minutes: Option<f64>,
    /// Validation, model selection and early stopping.
    pub validation: Validation,
    /// Reading and feeding the data.
    pub data: Data,
    /// Snapshots to resume from.
    pub snapshots: Snapshots,
    /// Files about the training.
    pub recording: Recording,
    /// On CUDA, use only algorithms that give the same numbers each time, which is slower. On the CPU results
    /// repeat anyhow for the same number of threads. Default: false.
    pub deterministic: bool,
    /// On CUDA, record the passes of a step as CUDA graphs the second time that they come and repeat them from then on:
    /// the host then asks for a step in a few calls instead of thousands. Default: true.
    #[serde(default = "graphs_by_default")]
    pub cuda_graphs: bool,
}

fn graphs_by_default() -> bool {
    true
}

impl Configuration {
    /// The defaults of a preset.
    pub fn preset(preset: Preset) -> Self {
        let official = preset == Preset::Official;
        let either = |a, b| if official { a } else { b };
        Configuration {
            preset,
            mode: Mode::Cooperative,
            device: "auto".to_owned(),
            precision: Precision::Float32,
            seed: None,
            network: NetworkSection {
                width: 16,
                channels: 1,
                classes: ["background", "LV", "MYO", "RV"].map(str::to_owned).to_vec(),
                code_sharing: CodeSharing::None,
            },
            preprocess: Preprocess::default(),
            augmentation: Augmentation::default(),
            losses: Losses {
                reconstruction: if official { ReconstructionLoss::HalfMse } else { ReconstructionLoss::Mse },
                segmentation_weight: 1.0,
                reconstruction_weight: 1.0,
                shape_weight: 1.0,
                class_weights: None,
                dice_weight: 0.0,
            },
            separate_training: false,
            input_noise: either(0.05, 0.0),
            hard_examples: HardExamples {
                masks: vec![Scheme::Dropout, Scheme::Channel, Scheme::Spatial],
                sources: vec![Source::Image, Source::Shape],
                scheme_draw: if official { SchemeDraw::Independent } else { SchemeDraw::Shared },
                targeted_fraction: [0.0, 0.5],
                dropout_probability: [either(0.5, 0.0), 0.5],
                dropout_rescale: official,
                soft: true,
                annealing: [0.0, 0.5],
                annealing_draw: if official { AnnealingDraw::Entry } else { AnnealingDraw::Step },
                threshold: if official { Threshold::Greater } else { Threshold::GreaterOrEqual },
            },
            hard_images: HardImages::default(),
            batch_norm: BatchNormSection {
                hard_affine: if official {
                    HardAffine::FrozenExceptImageDecoder
                } else {
                    HardAffine::Trained
                },
                hard_updates_running: false,
                official_bn_side_effects: false,
            },
            optimizer: Optimizer::default(),
            schedule: Schedule::default(),
            frozen: Vec::new(),
            slices_per_step: 10,
            with_unaugmented: true,
            epochs: 600,
            max_minutes: None,
            validation: Validation {
                every_epochs: 1,
                subjects: Some(if official { 5 } else { 10 }),
                metric: Metric::RefinedMeanIou,
                patience: None,
            },
            data: Data::default(),
            snapshots: Snapshots::default(),
            recording: Recording::default(),
            deterministic: false,
            cuda_graphs: true,
        }
    }

    /// Reads a caller's JSON object over the defaults of its preset. An empty text means `{}`.
    ///
    /// # Errors
    /// `InvalidConfig` naming the key, the value and what was expected.
    pub fn from_json(text: &str) -> Result<Self> {
        let given = schema::parse_object(text)?;
        let preset = match given.get("preset") {
            None => Preset::default(),
            Some(value) => schema::read::<Preset>(value.clone())
                .map_err(|error| Error::InvalidConfig(format!("`preset`: {error}")))?,
        };
        let config: Configuration = schema::overlay(&Configuration::preset(preset), given)?;
        config.validate()?;
        Ok(config)
    }

    /// A configuration in which `changes` take the place of what `before` says.
    pub fn changed(before: &Configuration, changes: Map<String, Value>) -> Result<Self> {
        let config: Configuration = schema::overlay(before, changes)?;
        config.validate()?;
        Ok(config)
    }

    /// The configuration as a JSON object with every key.
    pub fn to_json(&self) -> Result<Value> {
        serde_json::to_value(self).map_err(|error| Error::Internal(format!("configuration to JSON: {error}")))
    }

    /// The JSON schema of a configuration.
    pub fn json_schema() -> Value {
        schema::of::<Configuration>()
    }

    /// Sizes of the networks.
    pub fn architecture(&self) -> Architecture {
        Architecture {
            width: self.network.width,
            channels: self.network.channels,
            classes: self.network.classes.len() as i64,
            code_sharing: self.network.code_sharing,
        }
    }

    /// The seed of this run.
    pub fn resolved_seed(&self) -> u64 {
        self.seed.unwrap_or_else(runtime::default_seed)
    }

    /// What the schema cannot say.
    fn validate(&self) -> Result<()> {
        self.device.parse::<DeviceChoice>()?;
        self.architecture().validate()?;
        if let precision @ (Precision::Float16 | Precision::Tensorfloat32) = self.precision {
            return Err(Error::InvalidConfig(format!(
                "`precision` is \"{}\", which is for segmenting; expected \"float32\" or \"bfloat16\"",
                precision.name()
            )));
        }
        for (index, name) in self.network.classes.iter().enumerate() {
            if name.is_empty()
                || name.contains('\0')
                || self.network.classes.iter().take(index).any(|other| other == name)
            {
                return Err(Error::InvalidConfig(format!(
                    "`network.classes[{index}]` is {name:?}; expected distinct, non-empty names without U+0000"
                )));
            }
        }
        if let Some(weights) = &self.losses.class_weights
            && (weights.len() != self.network.classes.len() || weights.iter().sum::<f64>() <= 0.0)
        {
            return Err(Error::InvalidConfig(format!(
                "`losses.class_weights` is {weights:?}; expected {} numbers, one per class, not all 0",
                self.network.classes.len()
            )));
        }
        if Part::ALL.iter().all(|part| self.frozen.contains(part)) {
            return Err(Error::InvalidConfig(
                "`frozen` names every part of the networks; expected one at least to train".to_owned(),
            ));
        }
        self.preprocess.validate()?;
        self.augmentation.validate()?;
        self.hard_examples.validate()?;
        self.hard_images.validate()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_have_names_of_their_own_that_c_can_hold() {
        for names in [r#"["a", "a"]"#, r#"["a", ""]"#, r#"["a", "b\u0000c"]"#] {
            let text = format!(r#"{{"network": {{"classes": {names}}}}}"#);
            let error = Configuration::from_json(&text).unwrap_err();
            assert!(
                matches!(&error, Error::InvalidConfig(message) if message.contains("classes[1]")),
                "{error}"
            );
        }
    }

    #[test]
    fn precisions_for_segmenting_are_refused() {
        assert!(Configuration::from_json(r#"{"precision": "bfloat16"}"#).is_ok());
        for name in ["float16", "tensorfloat32"] {
            let text = format!(r#"{{"precision": "{name}"}}"#);
            let error = Configuration::from_json(&text).unwrap_err();
            assert!(matches!(&error, Error::InvalidConfig(message) if message.contains(name)), "{error}");
        }
    }
}
