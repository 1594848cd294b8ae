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
    /// Path of the image, relative to the list.
    image: String,
    /// Path of the label map, relative to the list.
    #[serde(default)]
    label: Option<String>,
}

/// The cases of a list.
pub(super) fn find(path: &Path) -> Result<Vec<Found>> {
    let wrong = |problem: String| Error::format(path, format!("not a list of cases: {problem}"));
    let text = read_text(path)?;
    let entries: Vec<Entry> = match path.extension().and_then(|extension| extension.to_str()) {
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
            image: NiftiSource::whole(folder.join(image)),
            label: label.filter(given).map(|label| NiftiSource::whole(folder.join(label))),
            ..Found::default()
        })
        .collect())
}
