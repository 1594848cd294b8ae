//! The ways in which people keep datasets in folders.

mod acdc;
mod image_and_label_folders;
pub(super) mod list;
mod mnms;
mod nnunet;

use super::folder::{self, FolderOptions};
use super::{Case, Dataset, NiftiSource, Source};
use crate::error::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How the files of a dataset lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// By the patterns `image` and `label`.
    Pattern,
    /// Two folders, `images` and `labels`, with the same file names. The subject is the name up to the first "_" or "-",
    /// or to a later one where that would make one subject of all cases.
    ImagesLabels,
    /// A JSON or CSV file that lists the cases, or a folder with a file `cases.json` that does; paths are relative to the
    /// file.
    List,
    /// The ACDC challenge as downloaded: `patientNNN/patientNNN_frameNN.nii.gz` with `_gt` label maps and
    /// `Info.cfg`; also within `training` and `testing`. Raw labels 1 RV, 2 MYO, 3 LV become 1 LV, 2 MYO,
    /// 3 RV unless a label map is given.
    Acdc,
    /// The M&Ms challenge as downloaded: `CODE/CODE_sa.nii.gz` with `_sa_gt` label maps anywhere below the
    /// folder, and the CSV file of the dataset's information; ED and ES are volumes of the 4-D files.
    Mnms,
    /// nnU-Net's raw data, `imagesTr`, `labelsTr` and `dataset.json`. The subject is the name up to the last "_", or the
    /// whole name where that would make one subject of all cases. Files without the number of a channel, as in the Medical
    /// Segmentation Decathlon, hold all channels.
    Nnunet,
    /// `pattern` where `image` or `label` is given; else the first of `list`, `nnunet`, `acdc`, `mnms`, `images_labels` and
    /// `pattern` that fits.
    Auto,
}

/// A case that a layout has found.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    name: String,
    subject: String,
    /// One file, or one per channel.
    image: Vec<NiftiSource>,
    label: Option<NiftiSource>,
    attributes: BTreeMap<String, String>,
}

/// Finds the cases of a dataset in the layout of the options, sorted by name.
pub(super) fn open(path: &Path, options: &FolderOptions) -> Result<Dataset> {
    let layout = match options.layout {
        Layout::Auto if options.names_patterns() => Layout::Pattern,
        Layout::Auto => detect(path)?,
        layout => layout,
    };
    if layout == Layout::List {
        if !path.is_file() && list::of_folder(path).is_none() {
            return Err(not_of(path, "a JSON or CSV file that lists the cases, or a folder with cases.json"));
        }
    } else if !path.exists() {
        return Err(Error::NotFound { path: path.to_owned() });
    } else if !path.is_dir() {
        return Err(Error::Dataset(format!("{} is not a folder", path.display())));
    }
    let found = match layout {
        Layout::Pattern | Layout::Auto => return folder::open(path, options),
        Layout::ImagesLabels => image_and_label_folders::find(path)?,
        Layout::List => list::find(path)?,
        Layout::Acdc => acdc::find(path)?,
        Layout::Mnms => mnms::find(path)?,
        Layout::Nnunet => nnunet::find(path)?,
    };
    let mut found = found;
    match layout {
        Layout::Mnms if !options.keep_unlabelled => found.retain(|case| case.label.is_some()),
        Layout::List if options.keep_unlabelled => {
            for case in &mut found {
                case.label.take_if(|label| !is_there(&label.path));
            }
        }
        _ => {}
    }
    let label_map = match layout {
        Layout::Acdc if options.label_map.is_empty() => BTreeMap::from([(1, 3), (2, 2), (3, 1)]),
        _ => options.label_map.clone(),
    };
    dataset(path, found, options, label_map)
}

fn dataset(
    path: &Path,
    mut found: Vec<Found>,
    options: &FolderOptions,
    label_map: BTreeMap<i32, u8>,
) -> Result<Dataset> {
    found.sort_by(|a, b| a.name.cmp(&b.name));
    if let Some(pair) = found.windows(2).find(|pair| pair[0].name == pair[1].name) {
        return Err(Error::Dataset(format!(
            "{}: two cases are called \"{}\"; expected different names",
            path.display(),
            pair[0].name
        )));
    }
    if let Some(wanted) = &options.subjects {
        if let Some(missing) = wanted.iter().find(|wanted| !found.iter().any(|case| case.is_called(wanted))) {
            return Err(Error::Dataset(format!(
                "{}: a subject asked for is not there: \"{missing}\"",
                path.display()
            )));
        }
        found.retain(|case| wanted.iter().any(|wanted| case.is_called(wanted)));
    }
    let label_map = Arc::new(label_map);
    let cases = found
        .into_iter()
        .map(|Found { name, subject, image, label, attributes }| {
            for image in &image {
                folder::check_file(&image.path).map_err(|error| of_case(error, &name))?;
            }
            if let Some(label) = &label {
                folder::check_file(&label.path).map_err(|error| of_case(error, &name))?;
            }
            super::check_name(&name)?;
            let source = Source::Files { image, label, label_map: label_map.clone() };
            Ok(Case { name, subject, attributes, source })
        })
        .collect::<Result<Vec<_>>>()?;
    if cases.is_empty() {
        return Err(not_of(path, "at least one case"));
    }
    Ok(Dataset { cases: Arc::new(cases) })
}

impl Found {
    fn is_called(&self, wanted: &str) -> bool {
        self.name == wanted || self.subject == wanted
    }
}

/// A missing file becomes a problem of its case.
fn of_case(error: Error, name: &str) -> Error {
    match error {
        Error::NotFound { path } => {
            Error::Dataset(format!("case \"{name}\": {} does not exist", path.display()))
        }
        other => other,
    }
}

fn detect(path: &Path) -> Result<Layout> {
    if path.is_file() {
        return Ok(Layout::List);
    }
    if !path.is_dir() {
        return Err(Error::NotFound { path: path.to_owned() });
    }
    Ok(if list::describes(path) {
        Layout::List
    } else if path.join("dataset.json").is_file() && path.join("imagesTr").is_dir() {
        Layout::Nnunet
    } else if acdc::fits(path) {
        Layout::Acdc
    } else if mnms::information(path).is_some() {
        Layout::Mnms
    } else if path.join("images").is_dir() {
        Layout::ImagesLabels
    } else {
        Layout::Pattern
    })
}

fn not_of(path: &Path, expected: &str) -> Error {
    Error::Dataset(format!("{}: expected {expected}", path.display()))
}

/// The entries of a folder, sorted, without hidden ones.
fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).map_err(|error| Error::io(folder, "read", error))?;
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<std::io::Result<_>>()
        .map_err(|error| Error::io(folder, "read", error))?;
    paths.retain(|path| !file_name(path).starts_with('.'));
    paths.sort();
    Ok(paths)
}

fn file_name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

/// A NIfTI file's name without its extension; none for other files.
fn nifti_stem(path: &Path) -> Option<&str> {
    let name = file_name(path);
    name.strip_suffix(".nii.gz").or_else(|| name.strip_suffix(".nii"))
}

/// The NIfTI file of this name in a folder, compressed or not.
fn nifti_named(folder: &Path, stem: &str) -> Option<PathBuf> {
    [".nii.gz", ".nii"]
        .iter()
        .map(|extension| folder.join(format!("{stem}{extension}")))
        .find(|path| is_there(path))
}

/// Whether anything has this name, be it a link that leads nowhere or a folder: what is no file is told of when it is
/// checked, not passed over.
fn is_there(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// A rule that makes one subject of all cases has misread names such as `case_001` or `sub-01_ED`: then the next piece of
/// the name belongs to the subject too.
fn tell_subjects_apart(found: &mut [Found]) {
    while let [first, rest @ ..] = &*found
        && !rest.is_empty()
        && rest.iter().all(|case| case.subject == first.subject)
    {
        for case in &mut *found {
            let next = case.subject.len() + 1;
            let end = case.name.get(next..).and_then(|rest| rest.find(['_', '-'])).map(|end| next + end);
            case.subject = end.and_then(|end| case.name.get(..end)).unwrap_or(&case.name).to_owned();
        }
    }
}

fn read_text(path: &Path) -> Result<String> {
    let mut text = std::fs::read_to_string(path).map_err(|error| Error::io(path, "read", error))?;
    // Some editors begin a file with the mark of its byte order.
    if text.starts_with('\u{feff}') {
        text.remove(0);
    }
    Ok(text)
}

#[cfg(test)]
mod tests;
