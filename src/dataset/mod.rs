//! Images with their label maps: from a folder, from memory, or synthetic. No libtorch here.

mod folder;
mod layout;
mod pair;
mod pattern;
mod split;

pub use folder::FolderOptions;
pub use layout::Layout;
pub use split::SplitOptions;

use crate::error::{Error, Result};
use crate::exit;
use crate::memory;
use crate::phantom;
use crate::volume::{Volume, nifti_file};
use layout::list;
use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A list of cases, each an image with or without a label map.
///
/// Files are read and synthetic cases made when they are loaded. Cloning is cheap: voxels are shared.
#[derive(Clone, Debug, Default)]
pub struct Dataset {
    cases: Arc<Vec<Case>>,
}

/// One image of a dataset.
#[derive(Clone, Debug)]
pub struct Case {
    /// Name of the case, unique in its dataset, such as "001/ED".
    pub name: String,
    /// Who was imaged: the part of the name before the first "/" (in a folder: what the first `*` of
    /// the image pattern matched). Cases of one subject belong on one side of a split.
    pub subject: String,
    /// What else the dataset says of it, such as "phase", "Group" or "Vendor".
    pub attributes: BTreeMap<String, String>,
    source: Source,
}

#[derive(Clone, Debug)]
enum Source {
    /// A channel per file, or the volumes of one 4-D file.
    Files {
        image: Vec<NiftiSource>,
        label: Option<NiftiSource>,
        label_map: Arc<BTreeMap<i32, u8>>,
    },
    External(Arc<dyn ExternalCase>),
    Memory {
        channels: Arc<Vec<Volume<f32>>>,
        label: Option<Arc<Volume<u8>>>,
    },
    Synthetic {
        options: Arc<phantom::Options>,
        index: usize,
    },
}

/// The channels of an image, all on one grid, with its label map.
pub type Channels = (Vec<Volume<f32>>, Option<Volume<u8>>);

/// A case whose voxels belong to somebody else, who is told when they are needed no longer by dropping it.
pub trait ExternalCase: std::fmt::Debug + Send + Sync {
    /// Whether there is a label map.
    fn has_labels(&self) -> bool;
    /// Copies the channels of the image and the label map.
    fn load(&self) -> Result<Channels>;
}

/// A NIfTI file, or one volume of a 4-D file.
#[derive(Clone, Debug, Default)]
struct NiftiSource {
    path: PathBuf,
    frame: Option<usize>,
}

/// Channels of an image at most.
pub const MOST_CHANNELS: usize = 4;

impl NiftiSource {
    fn whole(path: PathBuf) -> Self {
        NiftiSource { path, frame: None }
    }

    /// Its channels: the volumes of a 4-D file, unless one of them is meant.
    fn read_channels(&self) -> Result<Vec<Volume<f32>>> {
        let frames = match self.frame {
            Some(frame) => vec![frame],
            None => {
                let frames = nifti_file::read_frame_count(&self.path)?;
                if frames > MOST_CHANNELS {
                    return Err(Error::Unsupported {
                        path: self.path.clone(),
                        problem: format!(
                            "holds {frames} volumes; expected 1, or up to {MOST_CHANNELS} channels"
                        ),
                    });
                }
                (0..frames).collect()
            }
        };
        frames.into_iter().map(|frame| Ok(nifti_file::read_image_frame(&self.path, frame)?.0)).collect()
    }

    fn read_labels(&self) -> Result<Volume<i32>> {
        let read = match self.frame {
            None => nifti_file::read_labels(&self.path),
            Some(frame) => nifti_file::read_labels_frame(&self.path, frame),
        };
        Ok(read?.0)
    }
}

impl Case {
    /// The image file; none for a case in memory or a synthetic one.
    pub fn image_file(&self) -> Option<&Path> {
        match &self.source {
            Source::Files { image, .. } => image.first().map(|image| image.path.as_path()),
            Source::External(_) | Source::Memory { .. } | Source::Synthetic { .. } => None,
        }
    }

    /// Which volume of its 4-D file the image is, from 0; none where the whole file is meant.
    pub fn frame(&self) -> Option<usize> {
        match &self.source {
            Source::Files { image, .. } => image.first().and_then(|image| image.frame),
            Source::External(_) | Source::Memory { .. } | Source::Synthetic { .. } => None,
        }
    }

    /// The label file, where there is one.
    pub fn label_file(&self) -> Option<&Path> {
        match &self.source {
            Source::Files { label, .. } => label.as_ref().map(|label| label.path.as_path()),
            Source::External(_) | Source::Memory { .. } | Source::Synthetic { .. } => None,
        }
    }

    /// Whether there is a label map.
    pub fn has_labels(&self) -> bool {
        match &self.source {
            Source::Files { label, .. } => label.is_some(),
            Source::External(case) => case.has_labels(),
            Source::Memory { label, .. } => label.is_some(),
            Source::Synthetic { .. } => true,
        }
    }
}

impl Dataset {
    /// A dataset without cases.
    pub fn new() -> Self {
        Dataset::default()
    }

    /// The cases of a folder (or list), sorted by name. The files are found and opened, but not read yet.
    ///
    /// # Errors
    /// `NotFound` if the folder is missing; `Dataset` if it is no folder, if nothing matches the image
    /// pattern, if an image has no label, if a requested subject is not there, or if a file is a broken
    /// link or a folder; `Io` for what cannot be opened; `InvalidConfig` for unusable patterns.
    pub fn open_folder(folder: &Path, options: &FolderOptions) -> Result<Self> {
        layout::open(folder, options)
    }

    /// Synthetic subjects, each made when it is loaded.
    ///
    /// # Errors
    /// `InvalidConfig` for options out of range.
    pub fn synthetic(options: &phantom::Options) -> Result<Self> {
        options.validate()?;
        let options = Arc::new(options.clone());
        let cases = (0..options.subjects)
            .map(|index| {
                let name = options.name(index);
                let source = Source::Synthetic { options: options.clone(), index };
                Case { subject: name.clone(), name, attributes: BTreeMap::new(), source }
            })
            .collect();
        Ok(Dataset { cases: Arc::new(cases) })
    }

    /// Adds a case from memory.
    ///
    /// # Errors
    /// `Dataset` for a name that is taken or cannot be a relative path; `InvalidShape` for an image
    /// without voxels or a label map of another shape; `InvalidGeometry` for a geometry that is invalid
    /// or not the same for both.
    pub fn push(
        &mut self,
        name: impl Into<String>,
        image: Volume<f32>,
        label: Option<Volume<u8>>,
    ) -> Result<()> {
        self.push_channels(name, vec![image], label)
    }

    /// Adds a case with one channel or several from memory.
    ///
    /// # Errors
    /// As [`Dataset::push`], and `InvalidShape`, `InvalidGeometry` for channels on different grids.
    pub fn push_channels(
        &mut self,
        name: impl Into<String>,
        channels: Vec<Volume<f32>>,
        label: Option<Volume<u8>>,
    ) -> Result<()> {
        let name = name.into();
        self.check_new_name(&name)?;
        check_channels(&channels, &name)?;
        for image in &channels {
            if image.voxels.is_empty() {
                return Err(Error::InvalidShape(format!("the image of case \"{name}\" has no voxels")));
            }
            image.geometry.validate()?;
        }
        if let (Some(label), Some(image)) = (&label, channels.first()) {
            let (image_name, label_name) = in_case(&name);
            pair::check_same_grid((&image_name, image), (&label_name, label))?;
        }
        let subject = name.split('/').next().unwrap_or(&name).to_owned();
        let source = Source::Memory { channels: Arc::new(channels), label: label.map(Arc::new) };
        Arc::make_mut(&mut self.cases).push(Case { name, subject, attributes: BTreeMap::new(), source });
        Ok(())
    }

    /// Adds a case whose voxels belong to somebody else. It is dropped, from whichever thread, when the last
    /// dataset or trainer that uses it is.
    ///
    /// # Errors
    /// `Dataset` for a name that is taken or cannot be a relative path.
    pub fn push_external(&mut self, name: &str, case: Arc<dyn ExternalCase>) -> Result<()> {
        self.check_new_name(name)?;
        let subject = name.split('/').next().unwrap_or(name).to_owned();
        let source = Source::External(case);
        let case = Case { name: name.to_owned(), subject, attributes: BTreeMap::new(), source };
        Arc::make_mut(&mut self.cases).push(case);
        Ok(())
    }

    fn check_new_name(&self, name: &str) -> Result<()> {
        check_name(name)?;
        if self.cases.iter().any(|case| case.name == name) {
            return Err(Error::Dataset(format!(
                "the dataset already has a case \"{name}\"; expected a name that is not taken"
            )));
        }
        Ok(())
    }

    /// Number of cases.
    pub fn len(&self) -> usize {
        self.cases.len()
    }

    /// Whether there are no cases.
    pub fn is_empty(&self) -> bool {
        self.cases.is_empty()
    }

    /// All cases without their voxels, in order.
    pub fn cases(&self) -> &[Case] {
        &self.cases
    }

    /// A case without its voxels.
    ///
    /// # Errors
    /// `InvalidArgument` for an index that is not below `len`.
    pub fn case(&self, index: usize) -> Result<&Case> {
        self.cases.get(index).ok_or_else(|| {
            Error::InvalidArgument(format!(
                "case {index} was asked for; expected an index below {}, the number of cases",
                self.len()
            ))
        })
    }

    /// The image, of one channel, and the label map of a case, whose values are all below `classes`.
    ///
    /// # Errors
    /// `InvalidShape` for an image of several channels; as [`Dataset::load_channels`].
    pub fn load(&self, index: usize, classes: usize) -> Result<(Volume<f32>, Option<Volume<u8>>)> {
        let (channels, labels) = self.load_channels(index, classes)?;
        let count = channels.len();
        match <[Volume<f32>; 1]>::try_from(channels) {
            Ok([image]) => Ok((image, labels)),
            Err(_) => Err(Error::InvalidShape(format!(
                "case \"{}\" has {count} channels; expected one",
                self.case(index)?.name
            ))),
        }
    }

    /// The channels of the image, all on one grid, and the label map of a case, whose values are all below `classes`.
    ///
    /// # Errors
    /// `InvalidArgument` for an index that is not below `len`; `InvalidLabel` for a value that the label
    /// map does not list or a class that is not below `classes`; `InvalidShape` and `InvalidGeometry` if
    /// image and label map do not lie on the same grid (to a tenth of a voxel); whatever reading the files reports.
    pub fn load_channels(&self, index: usize, classes: usize) -> Result<Channels> {
        let case = self.case(index)?;
        match &case.source {
            Source::Files { image, label, label_map } => {
                load_files(image, label.as_ref(), label_map, classes, &case.name)
            }
            Source::Memory { channels, label } => {
                if let Some(label) = label {
                    pair::check_classes(label, classes, &in_case(&case.name).1)?;
                }
                let channels = channels.iter().map(Volume::try_clone).collect::<Result<_>>()?;
                Ok((channels, label.as_deref().map(Volume::try_clone).transpose()?))
            }
            Source::External(external) => {
                let (channels, label) = external.load().map_err(|error| error.in_case(&case.name))?;
                check_channels(&channels, &case.name)?;
                if let (Some(label), Some(image)) = (&label, channels.first()) {
                    let (image_name, label_name) = in_case(&case.name);
                    pair::check_same_grid((&image_name, image), (&label_name, label))?;
                    pair::check_classes(label, classes, &label_name)?;
                }
                Ok((channels, label))
            }
            Source::Synthetic { options, index } => {
                let (_, image, label) = phantom::generate(options, *index)?;
                pair::check_classes(&label, classes, &in_case(&case.name).1)?;
                Ok((vec![image], Some(label)))
            }
        }
    }

    /// Some of the cases, in the order given.
    ///
    /// # Errors
    /// `InvalidArgument` for an index that is not below `len` or occurs twice.
    pub fn select(&self, indices: &[usize]) -> Result<Self> {
        let mut seen = HashSet::new();
        let mut cases = Vec::new();
        for &index in indices {
            if !seen.insert(index) {
                return Err(Error::InvalidArgument(format!(
                    "case {index} was selected twice; expected different indices"
                )));
            }
            cases.push(self.case(index)?.clone());
        }
        Ok(Dataset { cases: Arc::new(cases) })
    }

    /// Writes every case as `<folder>/<name>/image.nii.gz` (4-D for several channels) and, if it has labels, `label.nii.gz`, where
    /// "/" in a name becomes "_". At last they join `<folder>/cases.json`, a list with names and subjects, by which
    /// [`Dataset::open_folder`] with default options reads the result back. Label maps hold classes, not the values of the
    /// files they came from.
    ///
    /// Files that are there are replaced, and a label map that is there is removed where the case has none.
    ///
    /// # Errors
    /// `Dataset` if two cases would share a folder (nothing is written then); `Io` for what cannot be
    /// written; what [`Dataset::load`] reports.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let mut taken: BTreeMap<String, &str> = BTreeMap::new();
        for case in self.cases.iter() {
            if let Some(other) = taken.insert(folder_name(&case.name), &case.name) {
                return Err(Error::Dataset(format!(
                    "cases \"{other}\" and \"{}\" would both be written to {}",
                    case.name,
                    folder.join(folder_name(&case.name)).display()
                )));
            }
        }
        if self.is_empty() {
            return Ok(());
        }
        let mut entries: Vec<list::Entry> = self.cases.iter().map(list_entry).collect();
        let others = list::others(folder, &entries)?;
        // What is about to be replaced is not listed meanwhile.
        if list::of_folder(folder).is_some() {
            list::write(folder, &others)?;
        }
        for (index, case) in self.cases.iter().enumerate() {
            exit::go_on()?;
            let (channels, label) = self.load_channels(index, usize::from(u8::MAX) + 1)?;
            let own = folder.join(folder_name(&case.name));
            fs::create_dir_all(&own).map_err(|error| Error::io(&own, "create", error))?;
            let (file, label_file) = (own.join("image.nii.gz"), own.join("label.nii.gz"));
            if label.is_none()
                && let Err(error) = fs::remove_file(&label_file)
                && error.kind() != ErrorKind::NotFound
            {
                return Err(Error::io(&label_file, "remove", error));
            }
            match channels.as_slice() {
                [] => {}
                [image] => nifti_file::write_image(&file, image, None)?,
                [first, ..] => {
                    let (depth, height, width) = first.voxels.dim();
                    let voxels = channels.iter().flat_map(|channel| &channel.voxels).copied();
                    let stacked = memory::collect(
                        (channels.len(), depth, height, width),
                        voxels,
                        "channels of a case",
                    )?;
                    nifti_file::write_channels(&file, &stacked, &first.geometry, None)?;
                }
            }
            if let Some(label) = &label {
                nifti_file::write_labels(&label_file, label, None)?;
            }
        }
        entries.splice(..0, others);
        list::write(folder, &entries)
    }
}

/// As a written case is listed.
fn list_entry(case: &Case) -> list::Entry {
    let own = folder_name(&case.name);
    list::Entry {
        name: case.name.clone(),
        subject: Some(case.subject.clone()),
        image: list::Paths::One(format!("{own}/image.nii.gz")),
        label: case.has_labels().then(|| format!("{own}/label.nii.gz")),
    }
}

fn load_files(
    image: &[NiftiSource],
    label: Option<&NiftiSource>,
    label_map: &BTreeMap<i32, u8>,
    classes: usize,
    name: &str,
) -> Result<Channels> {
    let mut channels = Vec::new();
    for file in image {
        channels.extend(file.read_channels()?);
    }
    check_channels(&channels, name)?;
    let (Some(label), Some(first), Some(file)) = (label, channels.first(), image.first()) else {
        return Ok((channels, None));
    };
    let raw = label.read_labels()?;
    let (image_name, label_name) = (file.path.display().to_string(), label.path.display().to_string());
    pair::check_same_grid((&image_name, first), (&label_name, &raw))?;
    let label = pair::classify(raw, label_map, classes, &label_name)?;
    Ok((channels, Some(label)))
}

/// Refuses channels that do not lie on one grid, or too many of them.
fn check_channels(channels: &[Volume<f32>], name: &str) -> Result<()> {
    if !(1..=MOST_CHANNELS).contains(&channels.len()) {
        return Err(Error::InvalidShape(format!(
            "case \"{name}\" has {} channels; expected 1 to {MOST_CHANNELS}",
            channels.len()
        )));
    }
    if let Some((first, others)) = channels.split_first() {
        for (index, other) in others.iter().enumerate() {
            let names = [0, index + 1].map(|channel| format!("channel {channel} of case \"{name}\""));
            pair::check_same_grid((&names[0], first), (&names[1], other))?;
        }
    }
    Ok(())
}

/// What messages call the image and the label map of a case that has no files.
fn in_case(name: &str) -> (String, String) {
    (format!("the image of case \"{name}\""), format!("the label map of case \"{name}\""))
}

fn folder_name(name: &str) -> String {
    name.replace('/', "_")
}

/// Names become paths when a dataset is written.
fn check_name(name: &str) -> Result<()> {
    let usable = |part: &str| !part.is_empty() && !part.starts_with('.');
    if name.split('/').all(usable) && !name.contains(|c: char| c.is_control() || c == '\\') {
        return Ok(());
    }
    Err(Error::Dataset(format!(
        "a case cannot be called {name:?}; expected parts joined by \"/\", none empty or beginning with \
         a dot, without backslashes or control characters"
    )))
}

#[cfg(test)]
mod tests;
