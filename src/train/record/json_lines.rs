//! The file with one JSON object per event.

use super::rows::Rows;
use crate::error::Result;
use crate::train::event::{Event, EventKind};
use serde_json::{Value, json};
use std::path::Path;

/// An object per event and line.
#[derive(Debug)]
pub struct JsonLines {
    rows: Rows,
}

impl JsonLines {
    /// Opens the file; see [`super::Recorder::open`].
    pub fn open(path: &Path, resumed: Option<u64>) -> Result<Self> {
        let before = |line: &str| {
            let event: Option<Value> = serde_json::from_str(line).ok();
            let step = event.as_ref().and_then(|event| event.get("step")).and_then(Value::as_u64);
            resumed.is_some_and(|resumed| step.is_some_and(|step| step <= resumed))
        };
        Ok(JsonLines { rows: Rows::open(path, "", resumed.is_some(), before)? })
    }

    /// Adds an event.
    pub fn event(&mut self, event: &Event) -> Result<()> {
        let kind = match event.kind {
            EventKind::Step => "step",
            EventKind::Validation => "validation",
            EventKind::Snapshot => "snapshot",
            EventKind::Finished => "finished",
        };
        let validation = event.validation.as_ref().filter(|_| event.kind == EventKind::Validation);
        let line = json!({
            "event": kind,
            "epoch": event.epoch,
            "step": event.step,
            "learning_rate": event.learning_rate,
            "loss": event.losses.sum(),
            "losses": event.losses,
            "gradient_norm": event.gradient_norm,
            "validation": validation,
            "examples_per_second": event.examples_per_second,
            "waiting_share": event.waiting_share,
            "memory_bytes": event.memory_bytes,
            "seconds_elapsed": event.seconds_elapsed,
            "seconds_left": event.seconds_left,
        });
        self.rows.add(&format!("{line}\n"))
    }
}
