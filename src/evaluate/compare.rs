//! Two evaluations of the same cases, or the two stages of one.

use super::report::{Evaluation, METRICS, Stage};
use crate::error::{Error, Result};
use crate::metrics::{Summary, Wilcoxon, wilcoxon};
use serde::Serialize;
use std::collections::HashMap;

/// One metric of one class, compared case by case.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// Name of the class, or "mean" for the mean over those classes of a case for which both are defined.
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
        let of_class = |class: usize, index: usize| -> Vec<f64> {
            let before = first.values(of_first, Some(class), index);
            let after = second.values(of_second, Some(class), index);
            let cases = before.iter().zip(&order);
            cases.map(|(before, &place)| after.get(place).map_or(f64::NAN, |after| after - before)).collect()
        };
        // Over the classes for which both are defined: one that only one evaluation has found would count for it alone.
        let of_all = |index: usize| -> Vec<f64> {
            let classes: Vec<Vec<f64>> =
                (0..first.classes.len()).map(|class| of_class(class, index)).collect();
            let of_case =
                |case: usize| classes.iter().filter_map(move |of_class| of_class.get(case).copied());
            (0..first.cases.len()).map(|case| Summary::of(of_case(case)).mean).collect()
        };
        for (name, class) in first.rows() {
            for (index, metric) in METRICS.into_iter().enumerate() {
                let differences = class.map_or_else(|| of_all(index), |class| of_class(class, index));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::report::{CaseEvaluation, ClassScores};

    fn evaluation(hd95: [f64; 2]) -> Evaluation {
        let scores = hd95.map(|hd95_mm| ClassScores {
            dice: 0.5,
            hd95_mm,
            assd_mm: 1.0,
            volume_error_ml: 0.0,
            volume_error_percent: 0.0,
            reference_ml: 1.0,
            predicted_ml: 1.0,
        });
        let case = CaseEvaluation {
            case: "a".to_owned(),
            subject: "a".to_owned(),
            fast: scores.to_vec(),
            refined: scores.to_vec(),
        };
        Evaluation {
            classes: vec!["LV".to_owned(), "RV".to_owned()],
            cases: vec![case],
            failures: Vec::new(),
        }
    }

    #[test]
    fn means_are_over_the_classes_that_both_have_found() {
        let comparisons = compare(&evaluation([2.0, f64::NAN]), &evaluation([3.0, 20.0])).unwrap();
        let difference = |class: &str| {
            let found = comparisons.iter().find(|own| own.class == class && own.metric == "hd95_mm");
            found.unwrap().difference.mean
        };
        assert_eq!((difference("LV"), difference("mean")), (1.0, 1.0));
        assert!(difference("RV").is_nan());
    }
}
