//! What a running training tells its host, and the history that it leaves.

use serde::Serialize;

/// The parts of the loss in one step, unweighted. The hard parts are absent in standard training and
/// where their source is switched off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct LossValues {
    /// CE(p, y).
    pub segmentation: f64,
    /// R(x', x).
    pub reconstruction: f64,
    /// CE(C(p), y).
    pub shape_from_prediction: f64,
    /// CE(C(y), y).
    pub shape_from_label: f64,
    /// CE(p̄, y).
    pub hard_segmentation: Option<f64>,
    /// R(D_i(E(x̂)), x).
    pub hard_reconstruction: Option<f64>,
    /// CE(C(p̄), y).
    pub hard_shape_from_prediction: Option<f64>,
    /// CE(C(p̂), y).
    pub hard_shape_from_corrupted: Option<f64>,
}

impl LossValues {
    /// All parts that are present, with their names.
    pub fn parts(&self) -> impl Iterator<Item = (&'static str, f64)> {
        [
            ("segmentation", Some(self.segmentation)),
            ("reconstruction", Some(self.reconstruction)),
            ("shape_from_prediction", Some(self.shape_from_prediction)),
            ("shape_from_label", Some(self.shape_from_label)),
            ("hard_segmentation", self.hard_segmentation),
            ("hard_reconstruction", self.hard_reconstruction),
            ("hard_shape_from_prediction", self.hard_shape_from_prediction),
            ("hard_shape_from_corrupted", self.hard_shape_from_corrupted),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
    }

    /// The sum of the parts that are present.
    pub fn sum(&self) -> f64 {
        self.parts().map(|(_, value)| value).sum()
    }
}

/// How the networks do on the validation subjects. Dice is the mean over cases per class; a class that no
/// case has is NaN (null in JSON).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ValidationScores {
    /// Dice per class of the fast-thinking network, background first.
    pub fast_dice: Vec<f64>,
    /// Dice per class after the slow-thinking network's correction.
    pub refined_dice: Vec<f64>,
    /// Mean IoU, background included, of the corrected segmentation: what selects the best model.
    pub mean_iou: f64,
    /// Whether this is the best so far.
    pub best: bool,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// A training step was done.
    Step,
    /// A validation was done.
    Validation,
    /// The last epoch or the time limit was reached.
    Finished,
}

/// One message from a running training.
#[derive(Clone, Debug)]
pub struct Event {
    /// What happened.
    pub kind: EventKind,
    /// The current epoch, from 1.
    pub epoch: u64,
    /// Configured number of epochs.
    pub epochs: u64,
    /// Steps done since the start of training.
    pub step: u64,
    /// Steps of one epoch.
    pub steps_per_epoch: u64,
    /// The losses of the latest step.
    pub losses: LossValues,
    /// The latest validation.
    pub validation: Option<ValidationScores>,
    /// Time spent in training so far.
    pub seconds_elapsed: f64,
    /// Estimate of the time until the end, by epochs or time limit, whichever comes first.
    pub seconds_left: f64,
}

/// What is kept of an epoch.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EpochRecord {
    /// From 1.
    pub epoch: u64,
    /// Steps since the start of training at its end.
    pub step: u64,
    /// Mean of each part of the loss over the epoch's steps.
    pub losses: LossValues,
    /// The validation at its end, where there was one.
    pub validation: Option<ValidationScores>,
    /// Time spent in training until its end.
    pub seconds_elapsed: f64,
}

/// One record per epoch, in order.
#[derive(Clone, Debug, Default, Serialize)]
pub struct History {
    /// The epochs that ended (or were cut short by the time limit).
    pub epochs: Vec<EpochRecord>,
    /// The epoch of the best validation.
    pub best_epoch: Option<u64>,
}

/// Mean of each part over steps; all steps of a run have the same parts.
#[derive(Clone, Debug, Default)]
pub struct LossMean {
    sum: LossValues,
    steps: u32,
}

impl LossMean {
    /// Adds one step.
    pub fn add(&mut self, losses: &LossValues) {
        let plus = |a: Option<f64>, b: Option<f64>| b.map(|b| a.unwrap_or(0.0) + b);
        let sum = &mut self.sum;
        sum.segmentation += losses.segmentation;
        sum.reconstruction += losses.reconstruction;
        sum.shape_from_prediction += losses.shape_from_prediction;
        sum.shape_from_label += losses.shape_from_label;
        sum.hard_segmentation = plus(sum.hard_segmentation, losses.hard_segmentation);
        sum.hard_reconstruction = plus(sum.hard_reconstruction, losses.hard_reconstruction);
        sum.hard_shape_from_prediction =
            plus(sum.hard_shape_from_prediction, losses.hard_shape_from_prediction);
        sum.hard_shape_from_corrupted = plus(sum.hard_shape_from_corrupted, losses.hard_shape_from_corrupted);
        self.steps += 1;
    }

    /// The mean so far.
    pub fn mean(&self) -> LossValues {
        let n = f64::from(self.steps.max(1));
        let s = &self.sum;
        LossValues {
            segmentation: s.segmentation / n,
            reconstruction: s.reconstruction / n,
            shape_from_prediction: s.shape_from_prediction / n,
            shape_from_label: s.shape_from_label / n,
            hard_segmentation: s.hard_segmentation.map(|v| v / n),
            hard_reconstruction: s.hard_reconstruction.map(|v| v / n),
            hard_shape_from_prediction: s.hard_shape_from_prediction.map(|v| v / n),
            hard_shape_from_corrupted: s.hard_shape_from_corrupted.map(|v| v / n),
        }
    }
}
