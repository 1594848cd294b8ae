//! The CSV file.

use super::rows::Rows;
use super::{Resumed, name_of};
use crate::error::{Error, Result};
use crate::metrics::mean_foreground;
use crate::train::event::{Event, EventKind};
use crate::train::losses::LossValues;
use std::path::Path;

/// A row per step and validation; what is not known is empty.
#[derive(Debug)]
pub struct Table {
    rows: Rows,
    classes: usize,
}

impl Table {
    /// Opens the file; see [`super::Recorder::open`].
    pub fn open(path: &Path, classes: &[String], resumed: Option<Resumed>) -> Result<Self> {
        let mut names: Vec<String> =
            ["event", "epoch", "step", "learning_rate", "loss"].map(str::to_owned).to_vec();
        names.extend(LossValues::NAMES.map(|name| format!("loss_{name}")));
        names.push("gradient_norm".to_owned());
        names.extend(["mean_iou", "fast_dice", "refined_dice"].map(str::to_owned));
        for stage in ["fast", "refined"] {
            names.extend(classes.iter().map(|class| format!("{stage}_dice_{class}")));
        }
        names.extend(
            ["examples_per_second", "waiting_share", "memory_bytes", "seconds_elapsed"].map(str::to_owned),
        );
        let before = |line: &str| {
            let mut cells = line.split(',');
            let (kind, step) = (cells.next(), cells.nth(1).and_then(|step| step.parse().ok()));
            matches!((resumed, kind, step), (Some(resumed), Some(kind), Some(step)) if resumed.keeps(kind, step))
        };
        let rows = Rows::open(path, &row(&names)?, resumed.is_some(), before)?;
        Ok(Table { rows, classes: classes.len() })
    }

    /// Adds a row for a step or a validation.
    pub fn event(&mut self, event: &Event) -> Result<()> {
        if !matches!(event.kind, EventKind::Step | EventKind::Validation) {
            return Ok(());
        }
        let number = |value: f64| if value.is_finite() { value.to_string() } else { String::new() };
        let maybe = |value: Option<f64>| value.map(number).unwrap_or_default();
        let mut cells = vec![
            name_of(event.kind).to_owned(),
            event.epoch.to_string(),
            event.step.to_string(),
            number(event.learning_rate),
            number(event.losses.sum()),
        ];
        cells.extend(event.losses.values().map(maybe));
        cells.push(maybe(event.gradient_norm));
        match event.validation.as_ref().filter(|_| event.kind == EventKind::Validation) {
            Some(scores) => {
                cells.push(number(scores.mean_iou));
                cells.push(number(mean_foreground(&scores.fast_dice)));
                cells.push(number(mean_foreground(&scores.refined_dice)));
                cells.extend(scores.fast_dice.iter().chain(&scores.refined_dice).map(|&dice| number(dice)));
            }
            None => cells.extend(std::iter::repeat_n(String::new(), 3 + 2 * self.classes)),
        }
        cells.extend([
            number(event.examples_per_second),
            number(event.waiting_share),
            event.memory_bytes.to_string(),
            number(event.seconds_elapsed),
        ]);
        self.rows.add(&row(&cells)?)
    }
}

fn row(cells: &[String]) -> Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let failed = |error: &dyn std::fmt::Display| Error::Internal(format!("a row of CSV: {error}"));
    // A line feed within a name would break the row in two when it is read back.
    let cells = cells.iter().map(|cell| cell.replace(['\n', '\r'], " "));
    writer.write_record(cells).map_err(|error| failed(&error))?;
    let bytes = writer.into_inner().map_err(|error| failed(&error))?;
    String::from_utf8(bytes).map_err(|error| failed(&error))
}
