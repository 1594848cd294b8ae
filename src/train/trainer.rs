//! Networks in training: making, resuming, looking at them.

use super::adam::Adam;
use super::average::Average;
use super::configuration::Configuration;
use super::data_summary::DataSummary;
use super::event::{History, ValidationScores};
use super::feeder::Feeder;
use super::progress::{Pace, Progress};
use super::record::Recorder;
use super::report::{self, ReportInput};
use super::schedule::Decay;
use super::slices::TrainingSlices;
use super::snapshot::{self, Snapshot, SnapshotFolder, State};
use super::start::start_from;
use super::step::TrainingStep;
use super::stored_cases::StoredCases;
use super::validation::{CaseView, ValidationCases};
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::metrics::mean_foreground;
use crate::model::Model;
use crate::network::CooperativeNetwork;
use crate::runtime::cpu_cache::CacheUser;
use crate::runtime::{self, DeviceChoice};
use crate::schema;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tch::Device;

/// Asks a running training to stop; may be used from any thread.
#[derive(Clone, Debug, Default)]
pub struct CancelFlag(Arc<AtomicBool>);

impl CancelFlag {
    /// The training stops after its current step.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(super) fn take(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }
}

/// Networks in training, with everything that a run needs and leaves.
#[derive(Debug)]
pub struct Trainer {
    pub(super) config: Arc<Configuration>,
    pub(super) seed: u64,
    pub(super) learning_rate: f64,
    pub(super) network: CooperativeNetwork,
    pub(super) average: Option<Average>,
    pub(super) optimizer: Adam,
    pub(super) step: TrainingStep,
    pub(super) training: Option<Arc<TrainingSlices>>,
    pub(super) validation: Option<ValidationCases>,
    pub(super) feeder: Option<Feeder>,
    pub(super) progress: Progress,
    pub(super) pace: Pace,
    pub(super) best: Option<Best>,
    pub(super) history: History,
    pub(super) snapshots: Option<SnapshotFolder>,
    pub(super) recorder: Option<Recorder>,
    pub(super) diverged: bool,
    pub(super) cancel: CancelFlag,
    _cache: CacheUser,
}

#[derive(Debug)]
pub(super) struct Best {
    pub(super) network: CooperativeNetwork,
    pub(super) selection: f64,
}

impl Trainer {
    /// Reads the data and prepares the networks: new ones, or with what `start` has learned.
    ///
    /// Without training data the host hands in every batch itself.
    ///
    /// # Errors
    /// What reading the data reports; `DeviceUnavailable`; `InvalidConfig` when `start` has other sizes than
    /// the configuration, or a schedule needs training data to know its length.
    pub fn new(
        config: Configuration,
        training: Option<&Dataset>,
        validation: Option<&Dataset>,
        start: Option<&Model>,
    ) -> Result<Self> {
        let seed = config.resolved_seed();
        let trainer = Trainer::prepare(config, seed, training, validation)?;
        if let Some(model) = start {
            start_from(&trainer.network, &trainer.config.network.classes, model)?;
        }
        trainer.ready()
    }

    /// Goes on from a snapshot, or from the newest whole one of a folder, as if the training had never
    /// stopped. `changes` is a JSON object of configuration keys that are to differ from now on.
    ///
    /// # Errors
    /// What [`Snapshot::read`] and reading the data report; `InvalidConfig` for changes to what the networks
    /// are made of or see (`preset`, `seed`, `network`, `preprocess`); `Dataset` when the training data is
    /// not that of the snapshot.
    pub fn resume(
        path: &Path,
        changes: &str,
        training: Option<&Dataset>,
        validation: Option<&Dataset>,
    ) -> Result<Self> {
        let snapshot = Snapshot::read(path)?;
        let state = &snapshot.state;
        let changes = schema::parse_object(changes)?;
        let sets_rate =
            changes.get("optimizer").is_some_and(|optimizer| optimizer.get("learning_rate").is_some());
        let before: Configuration = schema::read(state.configuration.clone())
            .map_err(|problem| Error::format(snapshot.path(), format!("its configuration: {problem}")))?;
        let config = Configuration::changed(&before, changes)?;
        let (old, new) = (before.to_json()?, config.to_json()?);
        for key in ["preset", "seed", "network", "preprocess"] {
            if old.get(key) != new.get(key) {
                return Err(Error::InvalidConfig(format!(
                    "`{key}` differs from that of the snapshot {}; expected the same in one training",
                    snapshot.path().display()
                )));
            }
        }
        snapshot.check_architecture(&config.architecture())?;

        let mut trainer = Trainer::prepare(config, state.seed, training, validation)?;
        let cases = trainer.training_cases();
        if cases != state.training {
            return Err(Error::Dataset(format!(
                "the training data is not that of the snapshot {}: {}",
                snapshot.path().display(),
                first_difference(&state.training, &cases)
            )));
        }
        snapshot.restore_network(snapshot::NETWORK, &trainer.network)?;
        trainer = trainer.ready()?;
        snapshot.restore_optimizer(&mut trainer.optimizer)?;
        if let Some(average) = &trainer.average {
            // A training that kept no average so far starts one here.
            if snapshot.has_network(snapshot::AVERAGE) {
                snapshot.restore_network(snapshot::AVERAGE, average.network())?;
            }
        }
        if let Some(selection) = state.best {
            let network = CooperativeNetwork::new(trainer.config.architecture(), 0, Device::Cpu)?;
            snapshot.restore_network(snapshot::BEST, &network)?;
            trainer.best = Some(Best { network, selection });
        }
        if !sets_rate {
            trainer.learning_rate = state.learning_rate;
        }
        trainer.history = state.history.clone();
        trainer.progress = Progress { finished: false, ..state.progress.clone() };
        if trainer.config.validation.metric != before.validation.metric
            || trainer.validation_cases() != state.validation
        {
            trainer.score_best_anew()?;
        }
        runtime::log::info(&format!(
            "resumed at step {} from {}",
            state.progress.steps,
            snapshot.path().display()
        ));
        Ok(trainer)
    }

    /// Where the best networks are judged by another metric or other cases from now on, so that those to come are compared
    /// with them on the same terms.
    fn score_best_anew(&mut self) -> Result<()> {
        let (Some(best), Some(validation)) = (&mut self.best, &self.validation) else { return Ok(()) };
        let scores = validation.score(&best.network.copy_to(self.network.device())?)?;
        self.progress.validations_without_gain = 0;
        let scores = ValidationScores { best: !scores.selection.is_nan(), ..scores };
        best.selection = scores.selection;
        let validated = self.history.epochs.iter().rfind(|record| record.validation.is_some());
        let last = validated.map(|record| record.epoch);
        let epoch = self.history.best_epoch;
        if !scores.best {
            self.best = None;
            self.history.best_epoch = None;
        }
        if let Some(record) = self.history.epochs.iter_mut().find(|record| Some(record.epoch) == epoch) {
            if last == epoch {
                self.progress.last_validation = Some(scores.clone());
            }
            record.validation = Some(scores);
        }
        Ok(())
    }

    fn prepare(
        config: Configuration,
        seed: u64,
        training: Option<&Dataset>,
        validation: Option<&Dataset>,
    ) -> Result<Self> {
        let device = config.device.parse::<DeviceChoice>()?.resolve()?;
        if training.is_none() && config.schedule.decay != Decay::Constant {
            return Err(Error::InvalidConfig(
                "`schedule.decay` needs training data to know the number of steps; expected `constant` where the \
                 host hands in the batches"
                    .to_owned(),
            ));
        }
        if config.deterministic && device.is_cuda() {
            runtime::use_deterministic_algorithms()?;
        }
        let config = Arc::new(config);
        let training =
            training.map(|dataset| TrainingSlices::load(dataset, &config, seed).map(Arc::new)).transpose()?;
        let validation = validation.map(|dataset| ValidationCases::load(dataset, &config)).transpose()?;
        let network = CooperativeNetwork::new(config.architecture(), seed, device)?;
        let optimizer = Adam::new(&network, config.optimizer)?;
        let snapshots = &config.snapshots;
        let snapshots = snapshots
            .folder
            .as_deref()
            .map(|folder| SnapshotFolder::open(folder, snapshots.keep))
            .transpose()?;
        Ok(Trainer {
            step: TrainingStep::new(&config, seed),
            learning_rate: config.optimizer.learning_rate,
            config,
            seed,
            network,
            average: None,
            optimizer,
            training,
            validation,
            feeder: None,
            progress: Progress::default(),
            pace: Pace::default(),
            best: None,
            history: History::default(),
            snapshots,
            recorder: None,
            diverged: false,
            cancel: CancelFlag::default(),
            _cache: CacheUser::enter(),
        })
    }

    /// What depends on the initial weights.
    fn ready(mut self) -> Result<Self> {
        self.network.compute_in(self.config.precision)?;
        self.network.freeze(&self.config.frozen)?;
        let decay = self.config.optimizer.average_decay;
        self.average = decay.map(|decay| Average::new(&self.network, decay)).transpose()?;
        let slices = self.training.as_ref().map_or(0, |training| training.len());
        runtime::log::info(&format!(
            "training on {:?} with {slices} slices, seed {}",
            self.network.device(),
            self.seed
        ));
        Ok(self)
    }

    /// The flag that stops a run from elsewhere.
    pub fn cancel_flag(&self) -> CancelFlag {
        self.cancel.clone()
    }

    /// What was measured so far.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// The cases that are trained and validated with.
    pub fn data_summary(&self) -> DataSummary {
        DataSummary {
            training: self.training.as_ref().map(|training| training.stored().summary()).unwrap_or_default(),
            validation: self.validation.as_ref().map(|validation| validation.stored().summary()),
        }
    }

    /// Sets the learning rate that the schedule multiplies from now on.
    ///
    /// # Errors
    /// `InvalidArgument` for a rate that is out of range.
    pub fn set_learning_rate(&mut self, rate: f64) -> Result<()> {
        if !(rate > 0.0 && rate <= 10.0) {
            return Err(Error::InvalidArgument(format!(
                "the learning rate is {rate}; expected more than 0 and at most 10"
            )));
        }
        self.learning_rate = rate;
        Ok(())
    }

    /// What is validated and saved: the moving average where one is kept.
    pub(super) fn judged(&self) -> &CooperativeNetwork {
        self.average.as_ref().map_or(&self.network, Average::network)
    }

    /// A model of the best networks: those of the best validation, or the current ones where none was done.
    ///
    /// # Errors
    /// `InvalidState` where none was done before a loss was not finite and that has spoilt the networks.
    pub fn best_model(&self) -> Result<Model> {
        match &self.best {
            Some(best) => self.model(&best.network),
            None => self.current_model(),
        }
    }

    /// A model of the networks as they are now.
    ///
    /// # Errors
    /// `InvalidState` where a loss was not finite and that has spoilt them.
    pub fn current_model(&self) -> Result<Model> {
        let network = self.judged();
        // The weights are those from before the step, but its passes have moved the running statistics.
        if self.diverged && !network.is_finite()? {
            return Err(Error::InvalidState(
                "this training has diverged and its networks hold numbers that are not finite; resume it from a snapshot"
                    .to_owned(),
            ));
        }
        self.model(network)
    }

    fn model(&self, network: &CooperativeNetwork) -> Result<Model> {
        let copy = network.copy_to(Device::Cpu)?;
        Model::new(copy, &self.config.network.classes, &self.config.preprocess, self.record()?)
    }

    /// Configuration, seed, data, progress and history as JSON.
    pub fn record(&self) -> Result<Value> {
        let to_json = |value: std::result::Result<Value, serde_json::Error>| {
            value.map_err(|error| Error::Internal(format!("training record to JSON: {error}")))
        };
        Ok(json!({
            "configuration": self.config.to_json()?,
            "seed": self.seed,
            "device": self.device_name(),
            "steps": self.progress.steps,
            "seconds": self.progress.seconds,
            "finished": self.progress.finished,
            "data": to_json(serde_json::to_value(self.data_summary()))?,
            "history": to_json(serde_json::to_value(&self.history))?,
        }))
    }

    /// Writes the report of the training so far: one HTML file with curves, configuration, data, and the validation
    /// cases that went best and worst.
    ///
    /// # Errors
    /// `Io` naming the file.
    pub fn write_report(&self, path: &Path) -> Result<()> {
        let outcome = if self.diverged {
            "Stopped: a loss was not finite.".to_owned()
        } else if self.progress.finished {
            format!("Finished after {} epochs.", self.progress.epochs)
        } else {
            format!("After {} of {} epochs.", self.progress.epochs, self.config.epochs)
        };
        report::write(
            path,
            &ReportInput {
                outcome: &outcome,
                configuration: &self.config.to_json()?,
                history: &self.history,
                data: &self.data_summary(),
                classes: &self.config.network.classes,
                device: &self.device_name(),
                seed: self.seed,
                views: &self.extreme_cases()?,
            },
        )
    }

    /// The best and the worst validation cases of the best networks.
    fn extreme_cases(&self) -> Result<Vec<(String, CaseView)>> {
        const EACH: usize = 2;
        let scores = self.history.best().and_then(|record| record.validation.as_ref());
        let (Some(scores), Some(validation)) = (scores, &self.validation) else { return Ok(Vec::new()) };
        let mut cases: Vec<(f64, &str)> = scores
            .cases
            .iter()
            .map(|case| (mean_foreground(&case.refined_dice), case.case.as_str()))
            .filter(|(dice, case)| !dice.is_nan() && validation.has(case))
            .collect();
        cases.sort_by(|a, b| b.0.total_cmp(&a.0));
        let worst = cases.split_off(cases.len() - EACH.min(cases.len() / 2));
        cases.truncate(EACH);
        let network = match &self.best {
            Some(best) => &best.network.copy_to(self.network.device())?,
            None => self.judged(),
        };
        let named = |name: &'static str| move |(dice, case): (f64, &str)| (name, dice, case.to_owned());
        let chosen = cases.into_iter().map(named("best")).chain(worst.into_iter().map(named("worst")));
        chosen
            .map(|(name, dice, case)| {
                let caption = format!("{name}, mean Dice of FTN+STN {dice:.3}");
                Ok((caption, validation.view(network, &case)?))
            })
            .collect()
    }

    fn device_name(&self) -> String {
        runtime::device_name(self.network.device())
    }

    /// Writes everything that is needed to go on from here to one file.
    ///
    /// # Errors
    /// `InvalidState` after a loss was not finite; what writing the file reports.
    pub fn write_snapshot(&self, path: &Path) -> Result<()> {
        self.snapshot()?.write(path)
    }

    pub(super) fn snapshot(&self) -> Result<Snapshot> {
        if self.diverged {
            return Err(Error::InvalidState(
                "this training has diverged; there is nothing to go on from".to_owned(),
            ));
        }
        let mut networks = vec![(snapshot::NETWORK, &self.network)];
        networks.extend(self.average.as_ref().map(|average| (snapshot::AVERAGE, average.network())));
        networks.extend(self.best.as_ref().map(|best| (snapshot::BEST, &best.network)));
        let state = State {
            kind: snapshot::KIND.to_owned(),
            library_version: env!("CARGO_PKG_VERSION").to_owned(),
            configuration: self.config.to_json()?,
            seed: self.seed,
            learning_rate: self.learning_rate,
            updates: self.optimizer.updates(),
            progress: self.progress.clone(),
            history: self.history.clone(),
            best: self.best.as_ref().map(|best| best.selection),
            training: self.training_cases(),
            validation: self.validation_cases(),
        };
        Snapshot::new(state, &networks, &self.optimizer)
    }

    fn training_cases(&self) -> Vec<(String, usize)> {
        self.training.as_ref().map(|training| names_and_slices(training.stored())).unwrap_or_default()
    }

    fn validation_cases(&self) -> Vec<(String, usize)> {
        self.validation.as_ref().map(|validation| names_and_slices(validation.stored())).unwrap_or_default()
    }
}

fn names_and_slices(stored: &StoredCases) -> Vec<(String, usize)> {
    stored.cases().iter().map(|case| (case.summary.case.clone(), case.labelled.len())).collect()
}

fn first_difference(before: &[(String, usize)], now: &[(String, usize)]) -> String {
    let case = |cases: &[(String, usize)], index: usize| match cases.get(index) {
        Some((name, slices)) => format!("\"{name}\" with {slices} slices"),
        None => "no case".to_owned(),
    };
    let index = before.iter().zip(now).take_while(|(before, now)| before == now).count();
    format!("expected {} as case {index}, found {}", case(before, index), case(now, index))
}
