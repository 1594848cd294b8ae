//! nnU-Net's raw data (Isensee et al. 2021), versions 1 and 2.

use super::{Found, entries, file_name, is_there, not_of, read_text, tell_subjects_apart};
use crate::dataset::{MOST_CHANNELS, NiftiSource};
use crate::error::{Error, Result};
use serde_json::Value;
use std::path::Path;

/// The training cases: imagesTr/NAME_0000.EXT (and _0001 …, a file per channel) with labelsTr/NAME.EXT. The subject is the
/// name up to the last "_".
pub(super) fn find(folder: &Path) -> Result<Vec<Found>> {
    let description = folder.join("dataset.json");
    let json: Value = serde_json::from_str(&read_text(&description)?)
        .map_err(|error| Error::format(&description, format!("not valid JSON: {error}")))?;
    let channels = json.get("channel_names").or_else(|| json.get("modality")).and_then(Value::as_object);
    let channels = channels.map(serde_json::Map::len).ok_or_else(|| {
        Error::format(&description, "expected an object \"channel_names\" (or \"modality\")")
    })?;
    if !(1..=MOST_CHANNELS).contains(&channels) {
        return Err(Error::Unsupported {
            path: description,
            problem: format!("names {channels} channels; expected 1 to {MOST_CHANNELS}"),
        });
    }
    let extension = json.get("file_ending").and_then(Value::as_str).unwrap_or(".nii.gz");
    if !matches!(extension, ".nii.gz" | ".nii") {
        return Err(Error::Unsupported {
            path: description,
            problem: format!("`file_ending` is \"{extension}\"; .nii.gz and .nii are supported"),
        });
    }
    let (images, labels) = (folder.join("imagesTr"), folder.join("labelsTr"));
    if !images.is_dir() {
        return Err(not_of(folder, "a folder \"imagesTr\" within"));
    }
    let paths = entries(&images)?;
    let suffix = format!("_0000{extension}");
    let mut found: Vec<Found> = paths
        .iter()
        .filter_map(|path| {
            let name = file_name(path).strip_suffix(&suffix)?;
            let label = labels.join(format!("{name}{extension}"));
            Some(Found {
                name: name.to_owned(),
                subject: name.rsplit_once('_').map_or(name, |(subject, _)| subject).to_owned(),
                image: (0..channels)
                    .map(|channel| NiftiSource::whole(images.join(format!("{name}_{channel:04}{extension}"))))
                    .collect(),
                label: is_there(&label).then(|| NiftiSource::whole(label)),
                ..Found::default()
            })
        })
        .collect();
    tell_subjects_apart(&mut found);
    Ok(found)
}
