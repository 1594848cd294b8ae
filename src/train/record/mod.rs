//! What a training tells, written to files where asked.

mod json_lines;
mod options;
mod rows;
mod table;
mod tensorboard;

pub use options::Recording;

use super::event::{Event, EventKind};
use crate::error::Result;
use json_lines::JsonLines;
use table::Table;
use tensorboard::Tensorboard;

/// Where a resumed training goes on.
#[derive(Clone, Copy, Debug)]
pub struct Resumed {
    /// Steps that were done.
    pub step: u64,
    /// Whether the epoch of the last step had ended, validation included.
    pub epoch_ended: bool,
}

impl Resumed {
    /// Whether an event that was written before lies before this point; the others come again.
    fn keeps(self, kind: &str, step: u64) -> bool {
        let ends_epoch = kind == name_of(EventKind::Validation);
        let ends_training = kind == name_of(EventKind::Finished);
        !ends_training && (step < self.step || step == self.step && (self.epoch_ended || !ends_epoch))
    }
}

/// The name of a kind of event in files.
fn name_of(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Step => "step",
        EventKind::Validation => "validation",
        EventKind::Snapshot => "snapshot",
        EventKind::Finished => "finished",
    }
}

/// Writes every event to the files that the options name. After a killed process at most the last line is lost.
#[derive(Debug)]
pub struct Recorder {
    table: Option<Table>,
    json_lines: Option<JsonLines>,
    tensorboard: Option<Tensorboard>,
}

impl Recorder {
    /// Opens the files. A new training replaces what is there; one that goes on from `resumed` keeps what was
    /// written up to there.
    ///
    /// # Errors
    /// `Io`, `NotFound` naming the file.
    pub fn open(options: &Recording, classes: &[String], resumed: Option<Resumed>) -> Result<Self> {
        Ok(Recorder {
            table: options.csv.as_deref().map(|path| Table::open(path, classes, resumed)).transpose()?,
            json_lines: options
                .json_lines
                .as_deref()
                .map(|path| JsonLines::open(path, resumed))
                .transpose()?,
            tensorboard: options
                .tensorboard
                .as_deref()
                .map(|folder| Tensorboard::open(folder, classes, resumed))
                .transpose()?,
        })
    }

    /// Writes an event.
    ///
    /// # Errors
    /// `Io` naming the file.
    pub fn event(&mut self, event: &Event) -> Result<()> {
        if let Some(table) = &mut self.table {
            table.event(event)?;
        }
        if let Some(json_lines) = &mut self.json_lines {
            json_lines.event(event)?;
        }
        if let Some(tensorboard) = &mut self.tensorboard {
            tensorboard.event(event)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
