//! What a running training tells its host, and the history that it leaves.

use super::losses::LossValues;
use crate::schema::{nan_as_null, nans_as_null};
use serde::{Deserialize, Serialize};

/// How the networks do on one validation case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CaseScores {
    /// Name of the case.
    pub case: String,
    /// Dice per class of the fast-thinking network, background first; NaN (null in JSON) for a class that
    /// neither segmentation has.
    #[serde(with = "nans_as_null")]
    pub fast_dice: Vec<f64>,
    /// The same after the slow-thinking network's correction.
    #[serde(with = "nans_as_null")]
    pub refined_dice: Vec<f64>,
    /// Mean IoU of the fast-thinking network, background included.
    #[serde(with = "nan_as_null")]
    pub fast_mean_iou: f64,
    /// The same after correction.
    #[serde(with = "nan_as_null")]
    pub refined_mean_iou: f64,
}

/// How the networks do on the validation cases. Dice is the mean over cases per class; a class that no
/// case has is NaN (null in JSON).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ValidationScores {
    /// Dice per class of the fast-thinking network, background first.
    #[serde(with = "nans_as_null")]
    pub fast_dice: Vec<f64>,
    /// Dice per class after the slow-thinking network's correction.
    #[serde(with = "nans_as_null")]
    pub refined_dice: Vec<f64>,
    /// Mean IoU, background included, of the fast-thinking network.
    #[serde(with = "nan_as_null")]
    pub fast_mean_iou: f64,
    /// Mean IoU, background included, of the corrected segmentation.
    #[serde(with = "nan_as_null")]
    pub mean_iou: f64,
    /// The value of the metric that selects the best model.
    #[serde(with = "nan_as_null")]
    pub selection: f64,
    /// Whether this is the best so far.
    pub best: bool,
    /// The same for every case. A history keeps them for the best and the last validated epoch.
    pub cases: Vec<CaseScores>,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// A training step was done.
    Step,
    /// A validation was done.
    Validation,
    /// A snapshot was written.
    Snapshot,
    /// The last epoch, the time limit or the end of patience was reached.
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
    /// The losses of the latest step; the mean over the epoch in events of its end.
    pub losses: LossValues,
    /// The learning rate of the latest step.
    pub learning_rate: f64,
    /// The norm of the gradient of the latest update, before clipping; none where it is not clipped.
    pub gradient_norm: Option<f64>,
    /// The latest validation.
    pub validation: Option<ValidationScores>,
    /// Slices through the networks per second, over the latest steps.
    pub examples_per_second: f64,
    /// Share of the time of this epoch in which training waited for data, 0 to 1.
    pub waiting_share: f64,
    /// Memory of this process in RAM, in bytes; 0 where the system does not tell.
    pub memory_bytes: u64,
    /// Time spent in training so far.
    pub seconds_elapsed: f64,
    /// Estimate of the time until the end, by epochs or time limit, whichever comes first.
    pub seconds_left: f64,
}

/// What is kept of an epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// From 1.
    pub epoch: u64,
    /// Steps since the start of training at its end.
    pub step: u64,
    /// Mean of each part of the loss over the epoch's steps.
    pub losses: LossValues,
    /// The learning rate of its last step.
    pub learning_rate: f64,
    /// Scores after the epoch, where it was validated.
    pub validation: Option<ValidationScores>,
    /// Time spent in training until its end.
    pub seconds_elapsed: f64,
    /// Slices through the networks per second, validation and snapshots not counted.
    pub examples_per_second: f64,
    /// Share of the steps' time in which training waited for data, 0 to 1.
    pub waiting_share: f64,
    /// Memory of the process in RAM at the end of the epoch, in bytes; 0 where the system does not tell.
    pub memory_bytes: u64,
}

/// What was measured in a training.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// One record per completed epoch; of long trainings (thousands of epochs) every second, fourth, …, and the best, the
    /// last validated and the last.
    pub epochs: Vec<EpochRecord>,
    /// The epoch whose networks are the best model; none before a validation.
    pub best_epoch: Option<u64>,
}

/// How many records a history keeps, and at most three more: with them it fits a file's header, whatever the number of
/// classes.
const MOST_RECORDS: u64 = 4_000;

impl History {
    /// Drops records where there are too many. A training that was stopped in between keeps the same ones.
    pub fn thin_out(&mut self) {
        let Some(last) = self.epochs.last().map(|record| record.epoch) else { return };
        let every = last.div_ceil(MOST_RECORDS).next_power_of_two();
        if every > 1 {
            let best = self.best_epoch;
            let validated = self.epochs.iter().rfind(|record| record.validation.is_some());
            let others = [best, validated.map(|record| record.epoch), Some(last)];
            self.epochs
                .retain(|record| record.epoch.is_multiple_of(every) || others.contains(&Some(record.epoch)));
        }
    }

    /// Drops the scores of single cases but for the best and the last validated epoch, so that a long training with many
    /// cases stays small in memory and in its files.
    pub fn keep_cases_of_best_and_last(&mut self) {
        let last = self.epochs.iter().rposition(|record| record.validation.is_some());
        let best = self.best_epoch;
        for (index, record) in self.epochs.iter_mut().enumerate() {
            if Some(index) != last
                && Some(record.epoch) != best
                && let Some(scores) = &mut record.validation
            {
                scores.cases = Vec::new();
            }
        }
    }

    /// The record of the best epoch, or of the last where none was validated.
    pub fn best(&self) -> Option<&EpochRecord> {
        match self.best_epoch {
            Some(best) => self.epochs.iter().find(|record| record.epoch == best),
            None => self.epochs.last(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(epoch: u64) -> EpochRecord {
        EpochRecord {
            epoch,
            step: epoch,
            losses: LossValues::default(),
            learning_rate: 1e-4,
            validation: None,
            seconds_elapsed: 0.0,
            examples_per_second: 0.0,
            waiting_share: 0.0,
            memory_bytes: 0,
        }
    }

    #[test]
    fn long_trainings_keep_every_few_epochs_the_best_and_the_last() {
        let mut history = History { epochs: Vec::new(), best_epoch: Some(4_321) };
        let mut stopped = None;
        for epoch in 1..=50_001 {
            history.epochs.push(record(epoch));
            history.thin_out();
            assert!(history.epochs.len() as u64 <= MOST_RECORDS + 3);
            assert!(epoch > MOST_RECORDS || history.epochs.len() as u64 == epoch);
            if epoch == 20_000 {
                stopped = Some(history.clone());
            }
        }
        let kept: Vec<u64> = history.epochs.iter().map(|record| record.epoch).collect();
        assert!(kept.starts_with(&[16, 32, 48]) && kept.ends_with(&[49_984, 50_000, 50_001]), "{kept:?}");
        assert!(kept.contains(&4_321) && kept.is_sorted());
        assert_eq!(history.best().unwrap().epoch, 4_321);

        let mut resumed = stopped.unwrap();
        for epoch in 20_001..=50_001 {
            resumed.epochs.push(record(epoch));
            resumed.thin_out();
        }
        assert_eq!(resumed, history);
    }
}
