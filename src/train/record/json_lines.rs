//! The file with one JSON object per event.

use super::rows::Rows;
use super::{Resumed, name_of};
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
    pub fn open(path: &Path, resumed: Option<Resumed>) -> Result<Self> {
        let before = |line: &str| {
            let event: Option<Value> = serde_json::from_str(line).ok();
            let kind = event.as_ref().and_then(|event| event["event"].as_str());
            let step = event.as_ref().and_then(|event| event["step"].as_u64());
            matches!((resumed, kind, step), (Some(resumed), Some(kind), Some(step)) if resumed.keeps(kind, step))
        };
        Ok(JsonLines { rows: Rows::open(path, "", resumed.is_some(), before)? })
    }

    /// Adds an event.
    pub fn event(&mut self, event: &Event) -> Result<()> {
        let validation = event.validation.as_ref().filter(|_| event.kind == EventKind::Validation);
        let line = json!({
            "event": name_of(event.kind),
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
