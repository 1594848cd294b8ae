//! The training loop, and single steps for hosts that have a loop of their own.

use super::batch::Batch;
use super::event::{EpochRecord, Event, EventKind, ValidationScores};
use super::feeder::Feeder;
use super::losses::LossMean;
use super::progress::{Clock, Pace, memory_bytes};
use super::record::{Recorder, Resumed};
use super::trainer::{Best, Trainer};
use crate::error::{Error, Result};
use crate::exit;
use crate::parallel;
use crate::runtime::{self, OwnStream};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tch::Device;

/// What a listener answers to an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Go on.
    Continue,
    /// Stop after this event.
    Cancel,
}

/// Hears the events of a run.
type Listener<'a> = &'a mut dyn FnMut(&Event) -> Answer;

impl Trainer {
    /// Trains until the last epoch, the time limit or the end of patience. After a cancelled run, calling
    /// again goes on.
    ///
    /// # Errors
    /// `Cancelled` when the listener or the flag asked to stop (everything stays usable); `Diverged` when a
    /// loss is not finite; `InvalidState` when the training has finished or has no data of its own; what
    /// writing snapshots reports.
    pub fn run(&mut self, listener: Listener) -> Result<()> {
        if self.progress.finished {
            return Err(Error::InvalidState(
                "this training has finished; make a new trainer (from its model) to train on".to_owned(),
            ));
        }
        if self.training.is_none() {
            return Err(Error::InvalidState(
                "this trainer was made without training data; expected batches from the host".to_owned(),
            ));
        }
        self.cancel.take();
        let clock = Clock::start(&self.progress, &self.config);
        let mut saved = SaveTimer { last: Instant::now() };
        let outcome = self.start_recording().and_then(|()| self.epochs(&clock, &mut saved, listener));
        self.progress.seconds = clock.elapsed();
        self.feeder = None;
        self.recorder = None;
        if exit::is_too_late() {
            return outcome;
        }
        if matches!(outcome, Err(Error::Cancelled)) && self.config.snapshots.on_cancel {
            self.save_snapshot(&clock)?;
        }
        if matches!(outcome, Ok(()) | Err(Error::Cancelled | Error::Diverged(_)))
            && let Some(path) = &self.config.recording.report
        {
            match self.write_report(path) {
                Err(error) if outcome.is_ok() => return Err(error),
                // How the training ended matters more.
                Err(error) => {
                    runtime::log::warning(&format!("no report of the training was written: {error}"))
                }
                Ok(()) => {}
            }
        }
        outcome
    }

    fn start_recording(&mut self) -> Result<()> {
        let progress = &self.progress;
        let resumed = (progress.steps > 0)
            .then_some(Resumed { step: progress.steps, epoch_ended: progress.steps_in_epoch == 0 });
        let recording = &self.config.recording;
        self.recorder = Some(Recorder::open(recording, &self.config.network.classes, resumed)?);
        Ok(())
    }

    fn epochs(&mut self, clock: &Clock, saved: &mut SaveTimer, listener: Listener) -> Result<()> {
        while self.progress.epochs < self.config.epochs && !self.out_of_patience() && !clock.is_over() {
            self.epoch(clock, saved, listener)?;
            let epoch = self.progress.epochs + 1;
            let last = epoch == self.config.epochs || clock.is_over();
            let due = epoch.is_multiple_of(self.config.validation.every_epochs) || last;
            let scores = if due { self.score()? } else { None };
            let validated = scores.is_some();
            self.end_epoch(clock, scores);
            if validated {
                self.tell(clock, EventKind::Validation, listener)?;
            }
        }
        self.progress.finished = true;
        if self.snapshots.is_some() {
            self.save_snapshot(clock)?;
        }
        match self.tell(clock, EventKind::Finished, listener) {
            // There is nothing left to cancel.
            Err(Error::Cancelled) => Ok(()),
            told => told,
        }
    }

    /// The steps that are left of the current epoch, or fewer when the time is over.
    fn epoch(&mut self, clock: &Clock, saved: &mut SaveTimer, listener: Listener) -> Result<()> {
        let first = self.progress.steps_in_epoch;
        while self.progress.steps_in_epoch < self.steps_per_epoch() {
            if self.progress.steps_in_epoch > first && clock.is_over() {
                break;
            }
            self.next_step()?;
            self.tell(clock, EventKind::Step, listener)?;
            if saved.is_due(self) {
                self.save_snapshot(clock)?;
                saved.last = Instant::now();
                self.tell(clock, EventKind::Snapshot, listener)?;
            }
        }
        Ok(())
    }

    fn out_of_patience(&self) -> bool {
        self.config.validation.patience.is_some_and(|most| self.progress.validations_without_gain >= most)
    }

    fn steps_per_epoch(&self) -> usize {
        self.training.as_ref().map_or(0, |training| training.steps_per_epoch())
    }

    /// One step with the next batch of the training data.
    fn next_step(&mut self) -> Result<()> {
        let started = Instant::now();
        let position = (self.progress.epochs, self.progress.steps_in_epoch);
        let mut feeder = match self.feeder.take() {
            Some(feeder) if feeder.is_at(position.0, position.1) => feeder,
            _ => self.start_feeder(position)?,
        };
        let batch = feeder.next()?;
        let waiting = started.elapsed();
        self.feeder = Some(feeder);
        let tensors = Batch::new(&batch.slices, self.network.device())?;
        let steps = self.progress.steps;
        let learned = self.learn(&tensors, &batch.cases);
        self.progress.steps_in_epoch += usize::from(self.progress.steps > steps);
        learned?;
        self.pace.add(batch.slices.len(), started.elapsed(), waiting);
        Ok(())
    }

    fn start_feeder(&self, position: (u64, usize)) -> Result<Feeder> {
        let slices = self.training.as_ref().ok_or_else(|| {
            Error::InvalidState(
                "this trainer was made without training data; expected a batch from the host".to_owned(),
            )
        })?;
        let threads = self.config.data.loader_threads.unwrap_or_else(parallel::processors);
        Feeder::start(slices, threads, self.config.data.batches_ahead, position)
    }

    /// Losses, gradients and, where it is due, an update. After an error the step counts if the weights were updated.
    fn learn(&mut self, batch: &Batch, cases: &[String]) -> Result<()> {
        if self.diverged {
            return Err(Error::InvalidState(
                "this training has diverged; resume it from a snapshot with other settings".to_owned(),
            ));
        }
        let together = self.config.optimizer.accumulate_steps;
        // Whatever the caller's stream is, one call after the other: what this one changes is there for the next.
        let stream = self.step.stream(self.network.device())?;
        let _visit = stream.as_deref().map(OwnStream::enter).transpose()?;
        // Whatever fails before the update leaves a part of the gradients: what is accumulated starts anew then.
        let before = std::mem::take(&mut self.progress.accumulated);
        if before == 0 {
            self.network.zero_gradients()?;
        }
        let step = self.progress.steps;
        let losses = self.step.gradients(&self.network, batch, step)?;
        if let Some((part, value)) = losses.parts().find(|(_, value)| !value.is_finite()) {
            return Err(self.diverge(&format!("the loss part `{part}` is {value}"), cases));
        }
        let rate = self.learning_rate * self.config.schedule.factor(step, self.steps_in_all());
        let accumulated = before + 1;
        let updates = accumulated >= together;
        if updates {
            self.update(rate, accumulated, cases)?;
        }
        let progress = &mut self.progress;
        progress.steps += 1;
        progress.accumulated = if updates { 0 } else { accumulated };
        progress.losses.add(&losses);
        progress.last_losses = losses;
        progress.last_learning_rate = rate;
        match &self.average {
            Some(average) if updates => average.follow(&self.network, self.optimizer.updates()),
            _ => Ok(()),
        }
    }

    /// An update of the weights from the gradients of so many batches.
    fn update(&mut self, rate: f64, accumulated: u64, cases: &[String]) -> Result<()> {
        if accumulated > 1 {
            self.optimizer.scale_gradient(1.0 / accumulated as f64)?;
        }
        if let Some(most) = self.config.optimizer.clip_norm {
            let norm = self.optimizer.gradient_norm()?;
            if !norm.is_finite() {
                return Err(self.diverge(&format!("the norm of the gradient is {norm}"), cases));
            }
            if norm > most {
                self.optimizer.scale_gradient(most / norm)?;
            }
            self.progress.last_gradient_norm = Some(norm);
        }
        self.optimizer.update(rate)
    }

    fn diverge(&mut self, what: &str, cases: &[String]) -> Error {
        self.diverged = true;
        let mut names: Vec<&str> = cases.iter().map(String::as_str).collect();
        names.sort_unstable();
        names.dedup();
        let batch = if names.is_empty() {
            "a batch of the host".to_owned()
        } else {
            format!("a batch of {}", names.join(", "))
        };
        let snapshot = match self.snapshots.as_ref().and_then(|snapshots| snapshots.newest()) {
            Some(path) => format!("the last good snapshot is {}", path.display()),
            None => "no snapshot was written".to_owned(),
        };
        Error::Diverged(format!(
            "{what} at step {} (epoch {}), in {batch}; training stopped before the update; {snapshot}; a smaller \
             `optimizer.learning_rate` may help",
            self.progress.steps + 1,
            self.progress.epochs + 1
        ))
    }

    fn steps_in_all(&self) -> u64 {
        self.config.epochs.saturating_mul(self.steps_per_epoch() as u64)
    }

    /// Scores the networks on the validation cases and keeps them where they are the best so far. None
    /// without validation data.
    fn score(&mut self) -> Result<Option<ValidationScores>> {
        let Some(cases) = &self.validation else { return Ok(None) };
        let mut scores = cases.score(self.judged())?;
        // NaN, where no case shows any class that counts, is no gain.
        scores.best = !scores.selection.is_nan()
            && self.best.as_ref().is_none_or(|best| scores.selection > best.selection);
        if scores.best {
            let network = self.judged().copy_to(Device::Cpu)?;
            self.best = Some(Best { network, selection: scores.selection });
            self.progress.validations_without_gain = 0;
        } else {
            self.progress.validations_without_gain += 1;
        }
        self.progress.last_validation = Some(scores.clone());
        Ok(Some(scores))
    }

    /// Records the epoch and starts the next.
    fn end_epoch(&mut self, clock: &Clock, scores: Option<ValidationScores>) {
        self.keep_record(clock.elapsed(), scores);
        self.progress.epochs += 1;
        self.progress.steps_in_epoch = 0;
        self.progress.losses = LossMean::default();
        self.pace = Pace::default();
    }

    /// The record of the epoch under way, in place of an earlier one of the same epoch.
    fn keep_record(&mut self, seconds_elapsed: f64, scores: Option<ValidationScores>) {
        let epoch = self.progress.epochs + 1;
        if scores.as_ref().is_some_and(|scores| scores.best) {
            self.history.best_epoch = Some(epoch);
        }
        let earlier = self.history.epochs.pop_if(|record| record.epoch == epoch);
        let earlier = earlier.and_then(|record| record.validation);
        // What was found in the midst of the epoch stays where the best networks are those.
        let validation = match (scores, earlier) {
            (Some(scores), Some(earlier)) if earlier.best && !scores.best => Some(earlier),
            (scores, earlier) => scores.or(earlier),
        };
        self.history.epochs.push(EpochRecord {
            epoch,
            step: self.progress.steps,
            losses: self.progress.losses.mean(),
            learning_rate: self.progress.last_learning_rate,
            validation,
            seconds_elapsed,
            examples_per_second: self.pace.examples_per_second(),
            waiting_share: self.pace.waiting_share(),
            memory_bytes: memory_bytes(),
        });
        self.history.thin_out();
        self.history.keep_cases_of_best_and_last();
    }

    fn save_snapshot(&mut self, clock: &Clock) -> Result<Option<PathBuf>> {
        if self.snapshots.is_none() {
            return Ok(None);
        }
        self.progress.seconds = clock.elapsed();
        let snapshot = self.snapshot()?;
        self.snapshots.as_mut().map(|snapshots| snapshots.write(&snapshot)).transpose()
    }

    /// One step with the next batch of the training data, for hosts that have a loop of their own. An epoch
    /// that ends with it is recorded, but not validated.
    ///
    /// # Errors
    /// `Diverged`; `InvalidState` without training data or after a loss was not finite.
    pub fn train_next(&mut self) -> Result<Event> {
        let clock = Clock::start(&self.progress, &self.config);
        // A run that was ended, or a snapshot, may leave an epoch with all its steps.
        if self.training.is_some() && self.progress.steps_in_epoch >= self.steps_per_epoch() {
            self.end_epoch(&clock, None);
        }
        self.next_step()?;
        self.progress.seconds = clock.elapsed();
        let event = self.event(EventKind::Step, &clock);
        if self.progress.steps_in_epoch >= self.steps_per_epoch() {
            self.end_epoch(&clock, None);
        }
        Ok(event)
    }

    /// One step with a batch of the host, which belongs to no epoch.
    ///
    /// # Errors
    /// As [`Trainer::train_next`].
    pub fn train_batch(&mut self, batch: &Batch) -> Result<Event> {
        let clock = Clock::start(&self.progress, &self.config);
        let started = Instant::now();
        self.learn(batch, &[])?;
        self.pace.add(
            batch.images.size().first().map_or(0, |&n| n as usize),
            started.elapsed(),
            Duration::ZERO,
        );
        self.progress.seconds = clock.elapsed();
        Ok(self.event(EventKind::Step, &clock))
    }

    /// Scores the networks on the validation cases now; the best ones are kept. The scores join the record of
    /// the epoch under way, or of the one that has just ended, unless those that it has are the best.
    ///
    /// # Errors
    /// `InvalidState` without validation data.
    pub fn validate(&mut self) -> Result<ValidationScores> {
        let clock = Clock::start(&self.progress, &self.config);
        let scores = self.score()?.ok_or_else(|| {
            Error::InvalidState(
                "this trainer was made without validation data; there is nothing to score".to_owned(),
            )
        })?;
        self.progress.seconds = clock.elapsed();
        let steps = self.progress.steps;
        match self.history.epochs.last_mut().filter(|record| record.step == steps) {
            Some(record) => {
                if scores.best {
                    self.history.best_epoch = Some(record.epoch);
                }
                if scores.best || record.validation.as_ref().is_none_or(|earlier| !earlier.best) {
                    record.validation = Some(scores.clone());
                }
                self.history.keep_cases_of_best_and_last();
            }
            None => self.keep_record(self.progress.seconds, Some(scores.clone())),
        }
        Ok(scores)
    }

    fn tell(&mut self, clock: &Clock, kind: EventKind, listener: Listener) -> Result<()> {
        let event = self.event(kind, clock);
        if let Some(recorder) = &mut self.recorder {
            recorder.event(&event)?;
        }
        if listener(&event) == Answer::Cancel || self.cancel.take() {
            return Err(Error::Cancelled);
        }
        Ok(())
    }

    fn event(&self, kind: EventKind, clock: &Clock) -> Event {
        let progress = &self.progress;
        let steps_per_epoch = self.steps_per_epoch() as u64;
        let under_way = kind == EventKind::Step || kind == EventKind::Snapshot;
        let done = progress.epochs * steps_per_epoch + progress.steps_in_epoch as u64;
        let of_epoch = self.history.epochs.last().filter(|_| !under_way);
        Event {
            kind,
            epoch: progress.epochs + u64::from(under_way),
            epochs: self.config.epochs,
            step: progress.steps,
            steps_per_epoch,
            losses: of_epoch.map_or(progress.last_losses, |record| record.losses),
            learning_rate: progress.last_learning_rate,
            gradient_norm: progress.last_gradient_norm,
            validation: progress.last_validation.clone(),
            examples_per_second: of_epoch
                .map_or_else(|| self.pace.examples_per_second(), |record| record.examples_per_second),
            waiting_share: of_epoch.map_or_else(|| self.pace.waiting_share(), |record| record.waiting_share),
            memory_bytes: memory_bytes(),
            seconds_elapsed: clock.elapsed(),
            seconds_left: if kind == EventKind::Finished {
                0.0
            } else {
                clock.left(progress.steps, self.steps_in_all().saturating_sub(done))
            },
        }
    }
}

/// When the latest snapshot was written.
struct SaveTimer {
    last: Instant,
}

impl SaveTimer {
    fn is_due(&self, trainer: &Trainer) -> bool {
        let options = &trainer.config.snapshots;
        options.folder.is_some()
            && (options.every_steps.is_some_and(|steps| trainer.progress.steps.is_multiple_of(steps))
                || options
                    .every_minutes
                    .is_some_and(|minutes| self.last.elapsed().as_secs_f64() >= minutes * 60.0))
    }
}
