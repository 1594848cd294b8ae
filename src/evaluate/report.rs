//! What an evaluation found, as JSON and CSV.

use crate::atomic_file;
use crate::error::{Error, Result};
use crate::metrics::Summary;
use crate::regular_file;
use crate::schema::{self, nan_as_null};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::io::Write;
use std::path::Path;

/// Which segmentation is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The fast-thinking network alone.
    Fast,
    /// After the slow-thinking network's correction.
    Refined,
}

impl Stage {
    /// Both, in order.
    pub const ALL: [Stage; 2] = [Stage::Fast, Stage::Refined];

    /// Its name in JSON and CSV.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Fast => "fast",
            Stage::Refined => "refined",
        }
    }
}

/// Names of the metrics, as in JSON and CSV.
pub const METRICS: [&str; 5] = ["dice", "hd95_mm", "assd_mm", "volume_error_ml", "volume_error_percent"];

/// One class of one case in one segmentation. What is not defined is NaN (null in JSON, empty in CSV).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassScores {
    /// Dice of the whole volume: NaN where the class is in neither segmentation, 0 where it is in one.
    #[serde(with = "nan_as_null")]
    pub dice: f64,
    /// 95th percentile of the surface distances in mm; NaN where the class is not in both.
    #[serde(with = "nan_as_null")]
    pub hd95_mm: f64,
    /// Average symmetric surface distance in mm; NaN where the class is not in both.
    #[serde(with = "nan_as_null")]
    pub assd_mm: f64,
    /// Predicted minus reference volume in ml.
    #[serde(with = "nan_as_null")]
    pub volume_error_ml: f64,
    /// The same in percent of the reference; NaN where the reference has none.
    #[serde(with = "nan_as_null")]
    pub volume_error_percent: f64,
    /// Volume in the reference in ml.
    pub reference_ml: f64,
    /// Volume in the segmentation in ml.
    pub predicted_ml: f64,
}

impl ClassScores {
    /// The metrics, in the order of [`METRICS`].
    pub fn metrics(&self) -> [f64; 5] {
        [self.dice, self.hd95_mm, self.assd_mm, self.volume_error_ml, self.volume_error_percent]
    }
}

/// One case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CaseEvaluation {
    /// Name of the case.
    pub case: String,
    /// Who was imaged.
    pub subject: String,
    /// Scores of the classes without the background, fast-thinking network alone.
    pub fast: Vec<ClassScores>,
    /// The same after correction.
    pub refined: Vec<ClassScores>,
}

impl CaseEvaluation {
    /// The scores of one stage.
    pub fn stage(&self, stage: Stage) -> &[ClassScores] {
        match stage {
            Stage::Fast => &self.fast,
            Stage::Refined => &self.refined,
        }
    }
}

/// A case that was left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// Name of the case.
    pub case: String,
    /// Why.
    pub problem: String,
}

/// What a model makes of a dataset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Names of the classes without the background.
    pub classes: Vec<String>,
    /// The cases, in the order of the dataset.
    pub cases: Vec<CaseEvaluation>,
    /// Cases that were left out.
    pub failures: Vec<Failure>,
}

impl Evaluation {
    /// The values of one metric over the cases: of one class, or of the mean over the classes of each case where
    /// `class` is none.
    pub fn values(&self, stage: Stage, class: Option<usize>, metric: usize) -> Vec<f64> {
        let value = |scores: &ClassScores| scores.metrics().get(metric).copied().unwrap_or(f64::NAN);
        self.cases
            .iter()
            .map(|case| match class {
                Some(class) => case.stage(stage).get(class).map_or(f64::NAN, value),
                None => Summary::of(case.stage(stage).iter().map(value)).mean,
            })
            .collect()
    }

    /// The classes and "mean", each with its index for [`Evaluation::values`].
    pub(super) fn rows(&self) -> impl Iterator<Item = (&str, Option<usize>)> {
        let classes = self.classes.iter().enumerate().map(|(index, name)| (name.as_str(), Some(index)));
        classes.chain(std::iter::once(("mean", None)))
    }

    /// Everything as JSON: "classes", "cases", "failures" and "summary", which holds for each stage, class (and
    /// "mean" over the classes of a case) and metric: n, mean, sd, min, q1, median, q3, max.
    pub fn to_json(&self) -> Result<Value> {
        let mut object = serde_json::to_value(self)
            .map_err(|error| Error::Internal(format!("evaluation to JSON: {error}")))?;
        let mut summary = Map::new();
        for stage in Stage::ALL {
            let mut of_stage = Map::new();
            for (name, class) in self.rows() {
                let of_class: Map<String, Value> = METRICS
                    .iter()
                    .enumerate()
                    .map(|(index, metric)| {
                        let summary = Summary::of(self.values(stage, class, index));
                        ((*metric).to_owned(), json!(summary))
                    })
                    .collect();
                of_stage.insert(name.to_owned(), Value::Object(of_class));
            }
            summary.insert(stage.name().to_owned(), Value::Object(of_stage));
        }
        if let Value::Object(object) = &mut object {
            object.insert("summary".to_owned(), Value::Object(summary));
        }
        Ok(object)
    }

    /// Writes [`Evaluation::to_json`] to a file.
    pub fn save_json(&self, path: &Path) -> Result<()> {
        let text = format!("{:#}\n", self.to_json()?);
        atomic_file::write(path, |file| {
            file.write_all(text.as_bytes()).map_err(|error| Error::io(path, "write", error))
        })
    }

    /// Reads a file of [`Evaluation::save_json`].
    ///
    /// # Errors
    /// `NotFound`, `Io`; `Format` for a file that holds no evaluation.
    pub fn load_json(path: &Path) -> Result<Self> {
        regular_file::check(path, "an evaluation")?;
        let text = std::fs::read_to_string(path).map_err(|error| Error::io(path, "read", error))?;
        let mut object = schema::parse_object(&text)
            .map_err(|error| Error::format(path, format!("not an evaluation: {error}")))?;
        object.remove("summary");
        let evaluation: Evaluation = schema::read(Value::Object(object))
            .map_err(|problem| Error::format(path, format!("not an evaluation: {problem}")))?;
        let classes = evaluation.classes.len();
        match evaluation.cases.iter().find(|case| case.fast.len() != classes || case.refined.len() != classes)
        {
            Some(case) => Err(Error::format(
                path,
                format!("not an evaluation: case \"{}\" has not {classes} classes", case.case),
            )),
            None => Ok(evaluation),
        }
    }

    /// Writes one row per case, stage and class, with a header.
    pub fn save_csv(&self, path: &Path) -> Result<()> {
        let failed = |error: csv::Error| Error::Internal(format!("evaluation to CSV: {error}"));
        let mut writer = csv::Writer::from_writer(Vec::new());
        let header = ["case", "subject", "stage", "class"].into_iter().chain(METRICS);
        writer.write_record(header.chain(["reference_ml", "predicted_ml"])).map_err(failed)?;
        for case in &self.cases {
            for stage in Stage::ALL {
                for (class, scores) in self.classes.iter().zip(case.stage(stage)) {
                    let names =
                        [case.case.clone(), case.subject.clone(), stage.name().to_owned(), class.clone()];
                    let numbers =
                        scores.metrics().into_iter().chain([scores.reference_ml, scores.predicted_ml]);
                    let numbers =
                        numbers.map(|value| if value.is_nan() { String::new() } else { value.to_string() });
                    writer.write_record(names.into_iter().chain(numbers)).map_err(failed)?;
                }
            }
        }
        let bytes =
            writer.into_inner().map_err(|error| Error::Internal(format!("evaluation to CSV: {error}")))?;
        atomic_file::write(path, |file| {
            file.write_all(&bytes).map_err(|error| Error::io(path, "write", error))
        })
    }
}
