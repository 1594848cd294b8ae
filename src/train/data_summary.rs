//! What a training was done with.

use serde::{Deserialize, Serialize};

/// One case of the training or validation data, as it was read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CaseSummary {
    /// Name of the case.
    pub case: String,
    /// Who was imaged.
    pub subject: String,
    /// Columns, rows and slices on the image's own grid.
    pub shape: [usize; 3],
    /// Spacing along x, y and z in mm on the image's own grid.
    pub spacing: [f64; 3],
    /// Slices that show a structure.
    pub labelled_slices: usize,
    /// Volume of each class in ml, background first.
    pub class_millilitres: Vec<f64>,
}

/// A case that was left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SkippedCase {
    /// Name of the case.
    pub case: String,
    /// Why.
    pub problem: String,
}

/// One set of cases.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SetSummary {
    /// The cases that are used.
    pub cases: Vec<CaseSummary>,
    /// The cases that are not.
    pub skipped: Vec<SkippedCase>,
    /// Whether all preprocessed slices are kept in memory; if not, some are read again when needed.
    pub in_memory: bool,
}

/// All cases of a training.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DataSummary {
    /// What the networks learn from.
    pub training: SetSummary,
    /// What selects the best model; none where there is no validation.
    pub validation: Option<SetSummary>,
}
