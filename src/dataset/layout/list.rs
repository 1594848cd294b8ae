//! A file that lists the cases.

use super::{Found, not_of, read_text};
use crate::atomic_file;
use crate::dataset::NiftiSource;
use crate::error::{Error, Result};
use crate::schema;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The name of a list that describes the folder in which it lies.
pub const OWN_LIST: &str = "cases.json";

/// One entry: of a JSON list, or a row of a CSV file with these columns.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Name of the case.
    pub name: String,
    /// Who was imaged; the name up to the first "/" where it is not given.
    #[serde(default)]
    pub subject: Option<String>,
    /// Path of the image, relative to the list; one for each channel: a list in JSON, separated by ";" in CSV.
    pub image: Paths,
    /// Path of the label map, relative to the list.
    #[serde(default)]
    pub label: Option<String>,
}

/// One path or several.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Paths {
    /// One file; in CSV several, separated by ";".
    One(String),
    /// A file for each channel.
    Several(Vec<String>),
}

impl Paths {
    /// `separator`: between the paths of one text, if any.
    fn all(&self, separator: Option<char>) -> Vec<&str> {
        match (self, separator) {
            (Paths::One(text), Some(separator)) => {
                text.split(separator).map(str::trim).filter(|path| !path.is_empty()).collect()
            }
            (Paths::One(text), None) => vec![text],
            (Paths::Several(texts), _) => texts.iter().map(String::as_str).collect(),
        }
    }
}

/// The list of a folder, where it has one.
pub fn of_folder(folder: &Path) -> Option<PathBuf> {
    Some(folder.join(OWN_LIST)).filter(|list| list.is_file())
}

/// Whether a folder has a file of that name that is a list of cases.
pub(super) fn describes(folder: &Path) -> bool {
    of_folder(folder).is_some_and(|list| read(&list).is_ok())
}

/// What a folder's list holds beside the given entries: others than of their names and images, whose images are there.
/// To be asked before any of the entries is written.
///
/// # Errors
/// `Format` where the folder has a file of the list's name that is none; `Io`.
pub fn others(folder: &Path, entries: &[Entry]) -> Result<Vec<Entry>> {
    let Some(list) = of_folder(folder) else { return Ok(Vec::new()) };
    let names: HashSet<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
    let images: HashSet<&str> = entries.iter().flat_map(|entry| entry.image.all(None)).collect();
    let stays = |old: &Entry| {
        !names.contains(old.name.as_str())
            && old.image.all(None).iter().all(|image| !images.contains(image) && folder.join(image).exists())
    };
    Ok(read(&list)?.into_iter().filter(stays).collect())
}

/// Writes the list of a folder.
///
/// # Errors
/// `Io`.
pub fn write(folder: &Path, entries: &[Entry]) -> Result<()> {
    let path = folder.join(OWN_LIST);
    let text = serde_json::to_string_pretty(entries)
        .map_err(|error| Error::Internal(format!("list of cases to JSON: {error}")))?;
    atomic_file::write(&path, |file| {
        writeln!(file, "{text}").map_err(|error| Error::io(&path, "write", error))
    })
}

/// The cases of a list, or of the one in a folder.
pub(super) fn find(path: &Path) -> Result<Vec<Found>> {
    let own = of_folder(path);
    let path = own.as_deref().unwrap_or(path);
    let separator = (path.extension().is_some_and(|extension| extension == "csv")).then_some(';');
    let folder = path.parent().unwrap_or(Path::new("."));
    let given = |text: &String| !text.is_empty();
    Ok(read(path)?
        .into_iter()
        .map(|Entry { name, subject, image, label }| Found {
            subject: subject
                .filter(given)
                .unwrap_or_else(|| name.split('/').next().unwrap_or_default().to_owned()),
            name,
            image: image
                .all(separator)
                .into_iter()
                .map(|image| NiftiSource::whole(folder.join(image)))
                .collect(),
            label: label.filter(given).map(|label| NiftiSource::whole(folder.join(label))),
            ..Found::default()
        })
        .collect())
}

fn read(path: &Path) -> Result<Vec<Entry>> {
    let wrong = |problem: String| Error::format(path, format!("not a list of cases: {problem}"));
    let text = read_text(path)?;
    let extension = path.extension().and_then(|extension| extension.to_str());
    match extension {
        Some("json") => {
            let value = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
            schema::read(value).map_err(wrong)
        }
        Some("csv") => csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .from_reader(text.as_bytes())
            .deserialize()
            .collect::<std::result::Result<_, _>>()
            .map_err(|error| wrong(error.to_string())),
        _ => Err(not_of(path, "a name that ends in .json or .csv")),
    }
}
