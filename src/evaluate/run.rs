//! Segmenting and scoring every case.

use super::options::EvaluationOptions;
use super::report::{CaseEvaluation, ClassScores, Evaluation, Failure};
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::exit;
use crate::memory;
use crate::metrics::{self, SurfaceDistances};
use crate::model::Model;
use crate::segment::{Segmenter, Wanted};
use crate::volume::SliceSource;
use ndarray::{Array3, ArrayView3, Axis};
use std::sync::Arc;

/// How far an evaluation has come.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// The case that was just done.
    pub case: String,
    /// Cases done, that one included.
    pub done: usize,
    /// Cases in all.
    pub cases: usize,
    /// Mean Dice of that case's classes without the background after correction; NaN where it was left out.
    pub refined_dice: f64,
}

/// Segments every case with both stages on its own grid and compares the whole volume with its labels.
/// `listener` hears of every case and says whether to go on.
///
/// # Errors
/// `Cancelled`; `Dataset` for an empty dataset; unless failures are skipped, what reading a case reports, by
/// name, or `Dataset` for one without labels.
pub fn evaluate(
    model: &Arc<Model>,
    dataset: &Dataset,
    options: &EvaluationOptions,
    listener: &mut dyn FnMut(&Progress) -> bool,
) -> Result<Evaluation> {
    if dataset.is_empty() {
        return Err(Error::Dataset("the dataset has no cases; expected at least one to evaluate".to_owned()));
    }
    let segmenter = Segmenter::new(model.clone(), options.segmenter.clone())?;
    let mut evaluation = Evaluation {
        classes: model.class_names().iter().skip(1).cloned().collect(),
        cases: Vec::new(),
        failures: Vec::new(),
    };
    for index in 0..dataset.len() {
        let name = &dataset.case(index)?.name;
        let mut refined_dice = f64::NAN;
        match evaluate_case(&segmenter, dataset, index, options) {
            Ok(case) => {
                refined_dice = metrics::Summary::of(case.refined.iter().map(|scores| scores.dice)).mean;
                evaluation.cases.push(case);
            }
            Err(error) if options.skip_failures && error.concerns_one_case() => {
                evaluation.failures.push(Failure { case: name.clone(), problem: error.to_string() });
            }
            Err(error) => return Err(error.in_case(name)),
        }
        let progress = Progress { case: name.clone(), done: index + 1, cases: dataset.len(), refined_dice };
        if !listener(&progress) {
            return Err(Error::Cancelled);
        }
    }
    Ok(evaluation)
}

fn evaluate_case(
    segmenter: &Segmenter,
    dataset: &Dataset,
    index: usize,
    options: &EvaluationOptions,
) -> Result<CaseEvaluation> {
    let case = dataset.case(index)?;
    let classes = segmenter.model().class_names().len();
    let (channels, labels) = dataset.load_channels(index, classes)?;
    let labels = labels.ok_or_else(|| {
        Error::Dataset(format!("case \"{}\" has no label map; evaluation needs one", case.name))
    })?;
    let [mut fast, mut refined]: [Array3<u8>; 2] = [
        memory::filled(labels.voxels.dim(), 0, "labels")?,
        memory::filled(labels.voxels.dim(), 0, "labels")?,
    ];
    let wanted = Wanted { fast_labels: true, ..Wanted::default() };
    let sources: Vec<&dyn SliceSource> = channels.iter().map(|channel| channel as _).collect();
    segmenter.run(&sources, wanted, &mut |z, slice| {
        refined.index_axis_mut(Axis(0), z).assign(&slice.labels);
        if let Some(labels) = &slice.fast_labels {
            fast.index_axis_mut(Axis(0), z).assign(labels);
        }
        exit::go_on()
    })?;
    let spacing = labels.geometry.spacing;
    let score =
        |predicted: &Array3<u8>| scores(labels.voxels.view(), predicted.view(), classes, spacing, options);
    Ok(CaseEvaluation {
        case: case.name.clone(),
        subject: case.subject.clone(),
        fast: score(&fast)?,
        refined: score(&refined)?,
    })
}

/// The scores of every class but the background.
fn scores(
    reference: ArrayView3<u8>,
    predicted: ArrayView3<u8>,
    classes: usize,
    spacing: [f64; 3],
    options: &EvaluationOptions,
) -> Result<Vec<ClassScores>> {
    let dice = metrics::dice(reference, predicted, classes)?;
    let distances = if options.surface_distances {
        metrics::surface_distances(reference, predicted, classes, spacing)?
    } else {
        vec![SurfaceDistances { hd95: f64::NAN, assd: f64::NAN }; classes]
    };
    let reference_ml = metrics::volumes_ml(reference, classes, spacing);
    let predicted_ml = metrics::volumes_ml(predicted, classes, spacing);
    let volumes = reference_ml.into_iter().zip(predicted_ml);
    Ok(dice
        .into_iter()
        .zip(distances)
        .zip(volumes)
        .skip(1)
        .map(|((dice, distances), (reference_ml, predicted_ml))| {
            let error = predicted_ml - reference_ml;
            ClassScores {
                dice,
                hd95_mm: distances.hd95,
                assd_mm: distances.assd,
                volume_error_ml: error,
                volume_error_percent: if reference_ml > 0.0 {
                    100.0 * error / reference_ml
                } else {
                    f64::NAN
                },
                reference_ml,
                predicted_ml,
            }
        })
        .collect())
}
