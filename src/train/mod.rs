//! Training: configuration, losses of a step, optimiser, the loop with its events, and validation.

mod adam;
mod average;
mod batch;
mod case_slices;
mod configuration;
mod data_summary;
mod event;
mod feeder;
mod hard_example;
mod host_batch;
mod losses;
mod objective;
mod options;
mod progress;
mod run;
mod schedule;
mod slices;
mod snapshot;
mod start;
mod step;
mod stored_cases;
mod trainer;
mod untrained;
mod validation;

pub use adam::Adam;
pub use batch::Batch;
pub use configuration::{
    BatchNormSection, Configuration, HardAffine, Losses, Mode, NetworkSection, Preset,
};
pub use data_summary::{CaseSummary, DataSummary, SetSummary, SkippedCase};
pub use event::{CaseScores, EpochRecord, Event, EventKind, History, ValidationScores};
pub use hard_example::{HardExampleRequest, HardExampleResult, hard_example};
pub use losses::{LossMean, LossValues};
pub use objective::{HardLosses, Objective, StandardLosses};
pub use options::{Algorithm, Data, Metric, OnProblem, Optimizer, Snapshots, Validation};
pub use run::Answer;
pub use schedule::{Decay, Schedule};
pub use step::TrainingStep;
pub use trainer::{CancelFlag, Trainer};
pub use untrained::{import_model, new_model};
