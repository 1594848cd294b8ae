//! Training: configuration, losses of a step, optimiser, the loop with its events, and validation.

mod adam;
mod batch;
mod case_slices;
mod configuration;
mod event;
mod hard_example;
mod objective;
mod slices;
mod step;
mod trainer;
mod untrained;
mod validation;

pub use adam::Adam;
pub use batch::Batch;
pub use configuration::{
    BatchNormSection, Configuration, HardAffine, Losses, Mode, NetworkSection, Optimizer, Preset, Validation,
};
pub use event::{EpochRecord, Event, EventKind, History, LossValues, ValidationScores};
pub use hard_example::{HardExampleRequest, HardExampleResult, hard_example};
pub use objective::{HardLosses, Objective, StandardLosses};
pub use step::TrainingStep;
pub use trainer::{Answer, CancelFlag, Trainer};
pub use untrained::{import_model, new_model};
