//! Two folders with the same file names.

use super::{Found, entries, nifti_named, nifti_stem, not_of, tell_subjects_apart};
use crate::dataset::NiftiSource;
use crate::error::Result;
use std::path::Path;

/// The cases; those without a label file have none. The subject is the name up to the first "_" or "-".
pub(super) fn find(folder: &Path) -> Result<Vec<Found>> {
    let (images, labels) = (folder.join("images"), folder.join("labels"));
    if !images.is_dir() {
        return Err(not_of(folder, "a folder \"images\" within"));
    }
    let paths = entries(&images)?;
    let mut found: Vec<Found> = paths
        .iter()
        .filter_map(|path| {
            let stem = nifti_stem(path)?;
            Some(Found {
                name: stem.to_owned(),
                subject: stem.split(['_', '-']).next().unwrap_or(stem).to_owned(),
                image: vec![NiftiSource::whole(path.clone())],
                label: nifti_named(&labels, stem).map(NiftiSource::whole),
                ..Found::default()
            })
        })
        .collect();
    tell_subjects_apart(&mut found);
    Ok(found)
}
