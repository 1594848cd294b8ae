//! The sections of the configuration that say how a training goes on, is watched over and is kept.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// How weight decay enters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Algorithm {
    /// Adam (Kingma & Ba 2015); weight decay is added to the gradient.
    Adam,
    /// AdamW (Loshchilov & Hutter 2019); weight decay acts on the weight itself.
    Adamw,
}

/// The optimiser.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Optimizer {
    /// `adam` or `adamw`. Default: `adam`.
    pub algorithm: Algorithm,
    /// Step size. Default: 0.0001.
    #[schemars(range(min = 1e-12, max = 10.0))]
    pub learning_rate: f64,
    /// Decay of the mean of the gradients. Default: 0.9.
    #[schemars(range(min = 0.0, max = 0.999999))]
    pub beta1: f64,
    /// Decay of the mean of their squares. Default: 0.999.
    #[schemars(range(min = 0.0, max = 0.99999999))]
    pub beta2: f64,
    /// Added to the denominator. Default: 1e-8.
    #[schemars(range(min = 1e-16, max = 1.0))]
    pub epsilon: f64,
    /// Weight decay. Default: 0.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub weight_decay: f64,
    /// The gradient of all weights together is scaled down to this norm where it is longer; null does not.
    /// Default: null.
    #[schemars(range(min = 1e-9, max = 1e9))]
    pub clip_norm: Option<f64>,
    /// Batches whose gradients are averaged for one update. Default: 1.
    #[schemars(range(min = 1, max = 4096))]
    pub accumulate_steps: u64,
    /// Decay of an exponential moving average of the weights, which is then what is validated and saved;
    /// in the first steps it is smaller, (1 + n) / (10 + n) after n updates. Null keeps none. Default: null.
    #[schemars(range(min = 0.0, max = 0.9999999))]
    pub average_decay: Option<f64>,
}

impl Default for Optimizer {
    fn default() -> Self {
        Optimizer {
            algorithm: Algorithm::Adam,
            learning_rate: 1e-4,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay: 0.0,
            clip_norm: None,
            accumulate_steps: 1,
            average_decay: None,
        }
    }
}

/// What selects the best model; higher is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Mean IoU of the corrected segmentation, background included (the published implementation).
    RefinedMeanIou,
    /// Mean IoU of the fast-thinking network's segmentation, background included.
    FastMeanIou,
    /// Mean Dice of the corrected segmentation over the classes without the background.
    RefinedDice,
    /// Mean Dice of the fast-thinking network's segmentation over the classes without the background.
    FastDice,
}

/// Validation, model selection and early stopping.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Validation {
    /// Validate after every so many epochs. Default: 1.
    #[schemars(range(min = 1, max = 1000000))]
    pub every_epochs: u64,
    /// How many subjects of the validation dataset are used, the first by name; null uses all. A subject is
    /// the part of a case's name before the first "/". Default: 5 (official), 10 (paper).
    #[schemars(range(min = 1, max = 1000000))]
    pub subjects: Option<usize>,
    /// What selects the best model. Default: `refined_mean_iou`.
    pub metric: Metric,
    /// Stop after so many validations in a row without a better one; null does not. Default: null.
    #[schemars(range(min = 1, max = 1000000))]
    pub patience: Option<u64>,
}

/// What happens with a case that cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnProblem {
    /// The training does not start.
    Stop,
    /// The case is left out and reported by name.
    Skip,
}

/// Reading, keeping and feeding the data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Data {
    /// What happens with a case that cannot be read, has no labels, lies on another grid than its labels or
    /// has label values that are no classes: `stop` or `skip`. Default: `stop`.
    pub on_problem: OnProblem,
    /// How much memory the preprocessed training and validation slices may take, each, in MiB. Cases beyond
    /// it are read again whenever they are needed. Default: 4096.
    #[schemars(range(min = 0, max = 100000000))]
    pub cache_mebibytes: u64,
    /// Threads that prepare batches while the networks train; null takes one for every processor core. The
    /// number changes no result. Default: null.
    #[schemars(range(min = 1, max = 4096))]
    pub loader_threads: Option<usize>,
    /// Batches prepared ahead. Default: 2.
    #[schemars(range(min = 1, max = 64))]
    pub batches_ahead: usize,
}

impl Default for Data {
    fn default() -> Self {
        Data { on_problem: OnProblem::Stop, cache_mebibytes: 4096, loader_threads: None, batches_ahead: 2 }
    }
}

/// Snapshots: everything that a training needs to go on after it was interrupted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Snapshots {
    /// Folder for the files, made where it is missing, and used by this training alone; null writes none.
    /// Default: null.
    pub folder: Option<PathBuf>,
    /// After so many steps; null does not. Default: null.
    #[schemars(range(min = 1, max = 1000000000))]
    pub every_steps: Option<u64>,
    /// After so many minutes; null does not. Default: 10.
    #[schemars(range(min = 0.001, max = 1e6))]
    pub every_minutes: Option<f64>,
    /// When the training is cancelled. Default: true.
    pub on_cancel: bool,
    /// How many of the newest files are kept. Default: 2.
    #[schemars(range(min = 1, max = 1000000))]
    pub keep: usize,
}

impl Default for Snapshots {
    fn default() -> Self {
        Snapshots { folder: None, every_steps: None, every_minutes: Some(10.0), on_cancel: true, keep: 2 }
    }
}
