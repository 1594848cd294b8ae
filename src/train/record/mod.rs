//! What a training tells, written to files where asked.

mod json_lines;
mod options;
mod rows;
mod table;
mod tensorboard;

pub use options::Recording;

use super::event::Event;
use crate::error::Result;
use json_lines::JsonLines;
use table::Table;
use tensorboard::Tensorboard;

/// Writes every event to the files that the options name. After a killed process at most the last line is lost.
#[derive(Debug)]
pub struct Recorder {
    table: Option<Table>,
    json_lines: Option<JsonLines>,
    tensorboard: Option<Tensorboard>,
}

impl Recorder {
    /// Opens the files. A new training replaces what is there; one that goes on from `resumed`, a step, keeps
    /// what was written up to it.
    ///
    /// # Errors
    /// `Io`, `NotFound` naming the file.
    pub fn open(options: &Recording, classes: &[String], resumed: Option<u64>) -> Result<Self> {
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
