//! Two evaluations of the same cases, or the two stages of one.

use super::report::{Evaluation, METRICS, Stage};
use crate::error::{Error, Result};
use crate::metrics::{Summary, Wilcoxon, wilcoxon};
use serde::Serialize;
use std::collections::HashMap;

/// One metric of one class, compared case by case.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// Name of the class, or "mean" for the mean over the classes of a case.
    pub class: String,
    /// `fast`, `refined`, or `refined - fast` within one evaluation.
    pub stage: String,
    /// One of [`METRICS`].
    pub metric: &'static str,
    /// Summary of second minus first, over the cases where both are defined.
    pub difference: Summary,
    /// Wilcoxon's signed-rank test of the differences.
    pub wilcoxon: Wilcoxon,
}

/// Compares `second` with `first`, case by case: every metric, class and stage. Where both are the same
/// evaluation its two stages are compared.
///
/// # Errors
/// `InvalidArgument` where classes or cases differ, naming the first that does.
pub fn compare(first: &Evaluation, second: &Evaluation) -> Result<Vec<Comparison>> {
    if first.classes != second.classes {
        return Err(Error::InvalidArgument(format!(
            "the evaluations have the classes {:?} and {:?}; expected the same",
            first.classes, second.classes
        )));
    }
    let places: HashMap<&str, usize> =
        second.cases.iter().enumerate().map(|(index, case)| (case.case.as_str(), index)).collect();
    let mut order = Vec::with_capacity(first.cases.len());
    for case in &first.cases {
        let place = places.get(case.case.as_str()).ok_or_else(|| {
            Error::InvalidArgument(format!(
                "case \"{}\" is in the first evaluation only; expected the same cases in both",
                case.case
            ))
        })?;
        order.push(*place);
    }
    if let Some(case) = second.cases.iter().find(|case| !first.cases.iter().any(|own| own.case == case.case))
    {
        return Err(Error::InvalidArgument(format!(
            "case \"{}\" is in the second evaluation only; expected the same cases in both",
            case.case
        )));
    }
    // As JSON, where what is undefined equals itself.
    let same = std::ptr::eq(first, second) || first.to_json()? == second.to_json()?;
    let stages: Vec<(String, Stage, Stage)> = if same {
        vec![("refined - fast".to_owned(), Stage::Fast, Stage::Refined)]
    } else {
        Stage::ALL.map(|stage| (stage.name().to_owned(), stage, stage)).to_vec()
    };
    let mut comparisons = Vec::new();
    for (stage, of_first, of_second) in stages {
        for (name, class) in first.rows() {
            for (index, metric) in METRICS.into_iter().enumerate() {
                let before = first.values(of_first, class, index);
                let after = second.values(of_second, class, index);
                let differences: Vec<f64> = before
                    .iter()
                    .zip(&order)
                    .map(|(before, &place)| after.get(place).map_or(f64::NAN, |after| after - before))
                    .collect();
                comparisons.push(Comparison {
                    class: name.to_owned(),
                    stage: stage.clone(),
                    metric,
                    difference: Summary::of(differences.iter().copied()),
                    wilcoxon: wilcoxon(differences),
                });
            }
        }
    }
    Ok(comparisons)
}
