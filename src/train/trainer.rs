//! The training loop.

use super::adam::Adam;
use super::batch::Batch;
use super::configuration::Configuration;
use super::event::{EpochRecord, Event, EventKind, History, LossMean, LossValues, ValidationScores};
use super::slices::TrainingSlices;
use super::step::TrainingStep;
use super::validation::ValidationCases;
use crate::augment::Slice;
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::model::Model;
use crate::network::CooperativeNetwork;
use crate::runtime::{self, DeviceChoice};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Instant;
use tch::Device;

/// Batches assembled ahead of the step that uses them.
const BATCHES_AHEAD: usize = 2;

/// What a listener answers to an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Go on.
    Continue,
    /// Stop after this event.
    Cancel,
}

/// Asks a running training to stop; may be used from any thread.
#[derive(Clone, Debug, Default)]
pub struct CancelFlag(Arc<AtomicBool>);

impl CancelFlag {
    /// The training stops after its current step.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn take(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }
}

/// Networks in training, with everything that a run needs and leaves.
#[derive(Debug)]
pub struct Trainer {
    config: Configuration,
    seed: u64,
    network: CooperativeNetwork,
    optimizer: Adam,
    step: TrainingStep,
    training: TrainingSlices,
    validation: Option<ValidationCases>,
    progress: Progress,
    best: Option<Best>,
    history: History,
    cancel: CancelFlag,
}

/// How far a training has come. A cancelled run goes on from here.
#[derive(Debug, Default)]
struct Progress {
    /// Completed epochs.
    epochs: u64,
    /// Steps done in the epoch under way.
    steps_in_epoch: usize,
    /// Steps since the start.
    steps: u64,
    /// Time spent in training before the current run.
    seconds: f64,
    losses: LossMean,
    last_losses: LossValues,
    last_validation: Option<ValidationScores>,
    finished: bool,
}

#[derive(Debug)]
struct Best {
    network: CooperativeNetwork,
    mean_iou: f64,
}

impl Trainer {
    /// Reads the data and prepares the networks: new ones, or a copy of `start`'s.
    ///
    /// # Errors
    /// What reading the data reports; `DeviceUnavailable`; `InvalidConfig` when `start` has other sizes than
    /// the configuration.
    pub fn new(
        config: Configuration,
        training: &Dataset,
        validation: Option<&Dataset>,
        start: Option<&Model>,
    ) -> Result<Self> {
        let device = config.device.parse::<DeviceChoice>()?.resolve()?;
        let seed = config.resolved_seed();
        let training = TrainingSlices::load(training, &config)?;
        let validation = validation.map(|dataset| ValidationCases::load(dataset, &config)).transpose()?;
        let network = CooperativeNetwork::new(config.architecture(), seed, device)?;
        if let Some(model) = start {
            if model.architecture() != config.architecture() {
                return Err(Error::InvalidConfig(format!(
                    "`network` asks for {:?}, but the model to start from is {:?}; expected the same sizes",
                    config.architecture(),
                    model.architecture()
                )));
            }
            network.copy_values_of(model.network())?;
        }
        let optimizer = Adam::new(&network, config.optimizer)?;
        let step = TrainingStep::new(&config, seed);
        runtime::log::info(&format!(
            "training on {:?} with {} slices, seed {seed}",
            network.device(),
            training.len()
        ));
        Ok(Trainer {
            config,
            seed,
            network,
            optimizer,
            step,
            training,
            validation,
            progress: Progress::default(),
            best: None,
            history: History::default(),
            cancel: CancelFlag::default(),
        })
    }

    /// The flag that stops a run from elsewhere.
    pub fn cancel_flag(&self) -> CancelFlag {
        self.cancel.clone()
    }

    /// Trains until the last epoch or the time limit. After a cancelled run, calling again goes on.
    ///
    /// # Errors
    /// `Cancelled` when the listener or the flag asked to stop (everything stays usable); `Diverged` when a
    /// loss is not finite; `InvalidState` when the training has finished.
    pub fn run(&mut self, listener: &mut dyn FnMut(&Event) -> Answer) -> Result<()> {
        if self.progress.finished {
            return Err(Error::InvalidState(
                "this training has finished; make a new trainer (from its model) to train on".to_owned(),
            ));
        }
        self.cancel.take();
        let clock = Clock::start(&self.progress, &self.config);
        let outcome = self.epochs(&clock, listener);
        self.progress.seconds = clock.elapsed();
        outcome
    }

    fn epochs(&mut self, clock: &Clock, listener: &mut dyn FnMut(&Event) -> Answer) -> Result<()> {
        while self.progress.epochs < self.config.epochs && !clock.is_over() {
            self.epoch(clock, listener)?;
            let last = self.progress.epochs + 1 == self.config.epochs || clock.is_over();
            let due = (self.progress.epochs + 1).is_multiple_of(self.config.validation.every_epochs);
            self.end_epoch(clock, (due || last) && self.validation.is_some())?;
            if self.history.epochs.last().is_some_and(|epoch| epoch.validation.is_some()) {
                self.tell(clock, EventKind::Validation, listener)?;
            }
        }
        self.progress.finished = true;
        // The answer to the last event changes nothing: there is nothing left to cancel.
        let _ = self.tell(clock, EventKind::Finished, listener);
        Ok(())
    }

    /// The steps that are left of the current epoch, or fewer when the time is over.
    fn epoch(&mut self, clock: &Clock, listener: &mut dyn FnMut(&Event) -> Answer) -> Result<()> {
        let epoch = self.progress.epochs;
        let steps = self.training.steps_of_epoch(&self.config, self.seed, epoch);
        let (training, config, seed) = (&self.training, &self.config, self.seed);
        let first = self.progress.steps_in_epoch;
        std::thread::scope(|scope| {
            let (sender, batches) = mpsc::sync_channel::<Vec<Slice>>(BATCHES_AHEAD);
            let remaining = &steps[first.min(steps.len())..];
            scope.spawn(move || {
                for indices in remaining {
                    // The receiver is gone when the run was stopped.
                    if sender.send(training.assemble(config, seed, epoch, indices)).is_err() {
                        return;
                    }
                }
            });
            for slices in batches {
                if self.progress.steps_in_epoch > first && clock.is_over() {
                    break;
                }
                let batch = Batch::new(&slices, self.network.device())?;
                let losses =
                    self.step.run(&self.network, &mut self.optimizer, &batch, self.progress.steps)?;
                let progress = &mut self.progress;
                progress.steps += 1;
                progress.steps_in_epoch += 1;
                progress.losses.add(&losses);
                progress.last_losses = losses;
                if let Some((part, value)) = losses.parts().find(|(_, value)| !value.is_finite()) {
                    return Err(Error::Diverged(format!(
                        "the loss part `{part}` is {value} at step {} (epoch {}); training stopped; \
                         a smaller `optimizer.learning_rate` may help",
                        progress.steps,
                        epoch + 1
                    )));
                }
                notify(
                    &event(EventKind::Step, &self.progress, &self.history, config, steps.len(), clock),
                    listener,
                    &self.cancel,
                )?;
            }
            Ok(())
        })
    }

    /// Records the epoch, validates where asked, keeps the best networks.
    fn end_epoch(&mut self, clock: &Clock, validate: bool) -> Result<()> {
        let epoch = self.progress.epochs + 1;
        let mut scores = None;
        if let (true, Some(cases)) = (validate, &self.validation) {
            let mut found = cases.score(&self.network)?;
            found.best = self.best.as_ref().is_none_or(|best| found.mean_iou > best.mean_iou);
            if found.best {
                let network = self.network.copy_to(Device::Cpu)?;
                self.best = Some(Best { network, mean_iou: found.mean_iou });
                self.history.best_epoch = Some(epoch);
            }
            self.progress.last_validation = Some(found.clone());
            scores = Some(found);
        }
        self.history.epochs.push(EpochRecord {
            epoch,
            step: self.progress.steps,
            losses: self.progress.losses.mean(),
            validation: scores,
            seconds_elapsed: clock.elapsed(),
        });
        self.progress.epochs = epoch;
        self.progress.steps_in_epoch = 0;
        self.progress.losses = LossMean::default();
        Ok(())
    }

    fn tell(&self, clock: &Clock, kind: EventKind, listener: &mut dyn FnMut(&Event) -> Answer) -> Result<()> {
        let steps = self.training.len().div_ceil(self.config.slices_per_step);
        notify(
            &event(kind, &self.progress, &self.history, &self.config, steps, clock),
            listener,
            &self.cancel,
        )
    }

    /// What was measured so far.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// A model of the best networks: those of the best validation, or the current ones where none was done.
    pub fn best_model(&self) -> Result<Model> {
        let network = match &self.best {
            Some(best) => best.network.copy_to(Device::Cpu)?,
            None => self.network.copy_to(Device::Cpu)?,
        };
        Model::new(network, &self.config.network.classes, &self.config.preprocess, self.record()?)
    }

    /// Configuration, seed, progress and history as JSON.
    pub fn record(&self) -> Result<Value> {
        let history = serde_json::to_value(&self.history)
            .map_err(|error| Error::Internal(format!("history to JSON: {error}")))?;
        Ok(json!({
            "configuration": self.config.to_json()?,
            "seed": self.seed,
            "device": format!("{:?}", self.network.device()).to_lowercase(),
            "steps": self.progress.steps,
            "seconds": self.progress.seconds,
            "finished": self.progress.finished,
            "history": history,
        }))
    }
}

/// Time spent in training, over all runs.
struct Clock {
    started: Instant,
    before: f64,
    limit: Option<f64>,
    steps_before: u64,
}

impl Clock {
    fn start(progress: &Progress, config: &Configuration) -> Self {
        Clock {
            started: Instant::now(),
            before: progress.seconds,
            limit: config.max_minutes.map(|minutes| minutes * 60.0),
            steps_before: progress.steps,
        }
    }

    fn elapsed(&self) -> f64 {
        self.before + self.started.elapsed().as_secs_f64()
    }

    fn is_over(&self) -> bool {
        self.limit.is_some_and(|limit| self.elapsed() >= limit)
    }

    /// Seconds until `steps_left` more steps are done at this run's pace, or until the limit.
    fn left(&self, steps: u64, steps_left: u64) -> f64 {
        let done = steps.saturating_sub(self.steps_before).max(1) as f64;
        let by_steps = self.started.elapsed().as_secs_f64() / done * steps_left as f64;
        self.limit.map_or(by_steps, |limit| by_steps.min((limit - self.elapsed()).max(0.0)))
    }
}

fn event(
    kind: EventKind,
    progress: &Progress,
    history: &History,
    config: &Configuration,
    steps_per_epoch: usize,
    clock: &Clock,
) -> Event {
    let in_epoch = kind == EventKind::Step;
    let done = history.epochs.len() as u64;
    let total = config.epochs * steps_per_epoch as u64;
    let position = done * steps_per_epoch as u64 + progress.steps_in_epoch as u64;
    Event {
        kind,
        epoch: done + u64::from(in_epoch),
        epochs: config.epochs,
        step: progress.steps,
        steps_per_epoch: steps_per_epoch as u64,
        losses: progress.last_losses,
        validation: progress.last_validation.clone(),
        seconds_elapsed: clock.elapsed(),
        seconds_left: if kind == EventKind::Finished {
            0.0
        } else {
            clock.left(progress.steps, total.saturating_sub(position))
        },
    }
}

fn notify(event: &Event, listener: &mut dyn FnMut(&Event) -> Answer, flag: &CancelFlag) -> Result<()> {
    if listener(event) == Answer::Cancel || flag.take() {
        return Err(Error::Cancelled);
    }
    Ok(())
}
