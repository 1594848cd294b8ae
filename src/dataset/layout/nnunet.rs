//! nnU-Net's raw data (Isensee et al. 2021), versions 1 and 2.

use super::{Found, entries, file_name, is_there, not_of, read_text, tell_subjects_apart};
use crate::dataset::{MOST_CHANNELS, NiftiSource};
use crate::error::{Error, Result};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

/// The training cases: imagesTr/NAME_0000.EXT (and _0001 …, a file per channel) with labelsTr/NAME.EXT, or, where no
/// name has such a number, imagesTr/NAME.EXT with all channels. The subject is the name up to the last "_".
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
    let stems: Vec<&str> = paths.iter().filter_map(|path| file_name(path).strip_suffix(extension)).collect();
    let numbered: BTreeSet<&str> = stems.iter().filter_map(|stem| without_channel(stem)).collect();
    // A number of four digits may also be that of a case.
    let has_channels = stems.iter().any(|stem| stem.ends_with("_0000"));
    let names = if has_channels { numbered.into_iter().collect() } else { stems };
    let mut found: Vec<Found> = names
        .into_iter()
        .map(|name| {
            let label = labels.join(format!("{name}{extension}"));
            let file = |channel: usize| images.join(format!("{name}_{channel:04}{extension}"));
            Found {
                name: name.to_owned(),
                subject: name.rsplit_once('_').map_or(name, |(subject, _)| subject).to_owned(),
                image: if has_channels {
                    (0..channels).map(|channel| NiftiSource::whole(file(channel))).collect()
                } else {
                    vec![NiftiSource::whole(images.join(format!("{name}{extension}")))]
                },
                label: is_there(&label).then(|| NiftiSource::whole(label)),
                ..Found::default()
            }
        })
        .collect();
    tell_subjects_apart(&mut found);
    Ok(found)
}

/// NAME of NAME_0000, NAME_0001, …
fn without_channel(stem: &str) -> Option<&str> {
    let (name, channel) = stem.rsplit_once('_')?;
    (channel.len() == 4 && channel.bytes().all(|digit| digit.is_ascii_digit())).then_some(name)
}
