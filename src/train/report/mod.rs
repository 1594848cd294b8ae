//! The report of a training: one HTML file that needs nothing else.

mod chart;
mod page;
mod pictures;

use super::data_summary::DataSummary;
use super::event::History;
use super::validation::CaseView;
use crate::atomic_file;
use crate::error::{Error, Result};
use serde_json::Value;
use std::io::Write;
use std::path::Path;

/// What a report is made of.
#[derive(Debug)]
pub struct ReportInput<'a> {
    /// How the training ended.
    pub outcome: &'a str,
    /// The configuration with every key.
    pub configuration: &'a Value,
    /// What was measured.
    pub history: &'a History,
    /// What was trained with.
    pub data: &'a DataSummary,
    /// Names of the classes, background first.
    pub classes: &'a [String],
    /// Where it was trained.
    pub device: &'a str,
    /// The seed of every random draw.
    pub seed: u64,
    /// The best and the worst validation cases, with what is to be said of each.
    pub views: &'a [(String, CaseView)],
}

/// Writes the report, whole or not at all. Folders on the way are made.
///
/// # Errors
/// `Io` naming the file.
pub fn write(path: &Path, input: &ReportInput) -> Result<()> {
    let html = page::render(input)?;
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(|error| Error::io(folder, "create", error))?;
    }
    atomic_file::write(path, |file| {
        file.write_all(html.as_bytes()).map_err(|error| Error::io(path, "write", error))
    })
}

#[cfg(test)]
mod tests;
