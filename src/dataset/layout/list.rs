//! A file that lists the cases.

use super::{Found, not_of, read_text};
use crate::dataset::NiftiSource;
use crate::error::{Error, Result};
use crate::schema;
use serde::Deserialize;
use std::path::Path;

/// One entry: of a JSON list, or a row of a CSV file with these columns.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// Name of the case.
    name: String,
    /// Who was imaged; the name up to the first "/" where it is not given.
    #[serde(default)]
    subject: Option<String>,
    /// Path of the image, relative to the list; one for each channel: a list in JSON, separated by ";" in CSV.
    image: Paths,
    /// Path of the label map, relative to the list.
    #[serde(default)]
    label: Option<String>,
}

/// One path or several.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Paths {
    One(String),
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

/// The cases of a list.
pub(super) fn find(path: &Path) -> Result<Vec<Found>> {
    let wrong = |problem: String| Error::format(path, format!("not a list of cases: {problem}"));
    let text = read_text(path)?;
    let extension = path.extension().and_then(|extension| extension.to_str());
    let separator = (extension == Some("csv")).then_some(';');
    let entries: Vec<Entry> = match extension {
        Some("json") => {
            let value = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
            schema::read(value).map_err(wrong)?
        }
        Some("csv") => csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .from_reader(text.as_bytes())
            .deserialize()
            .collect::<std::result::Result<_, _>>()
            .map_err(|error| wrong(error.to_string()))?,
        _ => return Err(not_of(path, "a name that ends in .json or .csv")),
    };
    let folder = path.parent().unwrap_or(Path::new("."));
    let given = |text: &String| !text.is_empty();
    Ok(entries
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
