//! Evaluation: a model on a dataset with labels, case by case, in physical units (METHOD §6).

mod compare;
mod options;
mod report;
mod run;

pub use compare::{Comparison, compare};
pub use options::EvaluationOptions;
pub use report::{CaseEvaluation, ClassScores, Evaluation, Failure, METRICS, Stage};
pub use run::{Progress, evaluate};
