//! The M&Ms challenge (Campello et al. 2021), as downloaded.

use super::{Found, entries, file_name, nifti_named, not_of};
use crate::dataset::NiftiSource;
use crate::error::{Error, Result};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// How deep below the folder subjects are looked for, as in Training/Labeled/CODE.
const DEPTH: usize = 3;

/// The columns that are needed.
const CODE: &str = "External code";
const PHASES: [&str; 2] = ["ED", "ES"];

/// The CSV file that tells which frames are ED and ES.
pub(super) fn information(folder: &Path) -> Option<PathBuf> {
    let paths = entries(folder).ok()?;
    paths.into_iter().find(|path| {
        path.extension().is_some_and(|extension| extension == "csv")
            && csv::Reader::from_path(path)
                .ok()
                .and_then(|mut reader| reader.headers().ok().cloned())
                .is_some_and(|header| header.iter().any(|name| name.trim() == CODE))
    })
}

/// Two cases, "CODE/ED" and "CODE/ES", for each subject of the table whose files are there.
pub(super) fn find(folder: &Path) -> Result<Vec<Found>> {
    let path = information(folder)
        .ok_or_else(|| not_of(folder, &format!("a CSV file with a column \"{CODE}\" within")))?;
    let wrong = |problem: String| Error::format(&path, problem);
    let mut subjects = BTreeMap::new();
    subject_folders(folder, DEPTH, &mut subjects)?;
    let mut reader = csv::Reader::from_path(&path).map_err(|error| wrong(error.to_string()))?;
    let header: Vec<String> = reader
        .headers()
        .map_err(|error| wrong(error.to_string()))?
        .iter()
        .map(|name| name.trim().to_owned())
        .collect();
    let mut found = Vec::new();
    for row in reader.records() {
        let row = row.map_err(|error| wrong(error.to_string()))?;
        let attributes: BTreeMap<String, String> = header
            .iter()
            .zip(&row)
            .filter(|(name, _)| !name.is_empty())
            .map(|(name, value)| (name.clone(), value.trim().to_owned()))
            .collect();
        let Some(code) = attributes.get(CODE) else { continue };
        let Some(own) = subjects.get(code) else { continue };
        let Some(image) = nifti_named(own, &format!("{code}_sa")) else { continue };
        let label = nifti_named(own, &format!("{code}_sa_gt"));
        for phase in PHASES {
            let frame = attributes.get(phase).and_then(|frame| frame.parse::<usize>().ok());
            let Some(frame) = frame else {
                // Of the part without labels the phases may be unknown.
                if label.is_none() {
                    continue;
                }
                return Err(wrong(format!("the row of \"{code}\" has no number in the column \"{phase}\"")));
            };
            let mut attributes = attributes.clone();
            attributes.insert("phase".to_owned(), phase.to_owned());
            found.push(Found {
                name: format!("{code}/{phase}"),
                subject: code.clone(),
                image: vec![NiftiSource { path: image.clone(), frame: Some(frame) }],
                label: label.clone().map(|path| NiftiSource { path, frame: Some(frame) }),
                attributes,
            });
        }
    }
    if found.is_empty() {
        return Err(not_of(folder, "folders CODE with a file CODE_sa.nii.gz, as the table names them,"));
    }
    Ok(found)
}

/// Folders that hold a short-axis image of their own name.
fn subject_folders(folder: &Path, depth: usize, found: &mut BTreeMap<String, PathBuf>) -> Result<()> {
    for path in entries(folder)?.into_iter().filter(|path| path.is_dir()) {
        let name = file_name(&path).to_owned();
        if nifti_named(&path, &format!("{name}_sa")).is_some() {
            found.insert(name, path);
        } else if depth > 0 {
            subject_folders(&path, depth - 1, found)?;
        }
    }
    Ok(())
}
