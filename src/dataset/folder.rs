//! Datasets that lie in a folder, one image and one label file per case.

use super::layout::Layout;
use super::pattern::{Match, Pattern, broken_link};
use super::{Case, Dataset, NiftiSource, Source};
use crate::error::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The default patterns.
const IMAGE: &str = "*/image.nii.gz";
const LABEL: &str = "*/label.nii.gz";
/// How many names an error message gives as examples.
const EXAMPLES: usize = 3;
/// How deep below the folder such examples are looked for.
const EXAMPLE_DEPTH: usize = 4;

/// Where the files of a dataset lie in its folder, and what their labels mean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FolderOptions {
    /// How the files lie. `image` and `label` matter to `pattern` alone. Default: `auto`.
    pub layout: Layout,
    /// Pattern of the image files, relative to the folder. Each `*` matches any text within one
    /// component of the path; the texts, joined with "/", are the name of the case.
    /// Default: null, "*/image.nii.gz".
    pub image: Option<String>,
    /// Pattern of the label files, with as many `*` as `image`, which stand for the same texts.
    /// Empty for images without labels. Default: null, "*/label.nii.gz".
    pub label: Option<String>,
    /// From the values in the label files to classes; 0 stays 0 unless it is given. Values that are not
    /// given are refused. Default: empty, the values are the classes (in the layout `acdc` 1, 2, 3 become 3,
    /// 2, 1).
    pub label_map: BTreeMap<i32, u8>,
    /// Whether an image without its label file is a case without labels; if not, `pattern` and `list` refuse it by name,
    /// and `mnms`, part of which has none, leaves it out. In the other layouts it always is one. Default: false.
    pub keep_unlabelled: bool,
    /// Only these cases, each given by its name or by what the first `*` matched (the subject).
    /// Default: null, all.
    pub subjects: Option<Vec<String>>,
}

impl FolderOptions {
    pub(super) fn names_patterns(&self) -> bool {
        self.image.is_some() || self.label.is_some()
    }

    fn patterns(&self) -> [&str; 2] {
        [self.image.as_deref().unwrap_or(IMAGE), self.label.as_deref().unwrap_or(LABEL)]
    }
}

impl Default for FolderOptions {
    fn default() -> Self {
        FolderOptions {
            layout: Layout::Auto,
            image: None,
            label: None,
            label_map: BTreeMap::new(),
            keep_unlabelled: false,
            subjects: None,
        }
    }
}

/// Finds the cases, sorted by name. Files are checked to be there but not read.
pub(super) fn open(folder: &Path, options: &FolderOptions) -> Result<Dataset> {
    let metadata = fs::metadata(folder).map_err(|error| Error::io(folder, "read", error))?;
    if !metadata.is_dir() {
        return Err(Error::Dataset(format!("{} is not a folder", folder.display())));
    }
    let [image_pattern, label_pattern] = options.patterns();
    let image = Pattern::parse("image", image_pattern)?;
    let label = match label_pattern {
        "" => None,
        text => Some(Pattern::parse("label", text)?),
    };
    if let Some(label) = &label
        && label.stars() != image.stars()
    {
        return Err(Error::InvalidConfig(format!(
            "`label` is \"{label_pattern}\" with {} \"*\"; expected {}, as many as `image` has (\"{image_pattern}\")",
            label.stars(),
            image.stars(),
        )));
    }

    let mut matches = image.find(folder)?;
    if matches.is_empty() {
        return Err(Error::Dataset(format!(
            "no file in {} matches the image pattern \"{image_pattern}\"; {}",
            folder.display(),
            what_is_there(folder)
        )));
    }
    if let Some(label) = &label {
        // A pattern such as *.nii.gz matches label maps as well, which are those of other matches.
        let labels: HashSet<PathBuf> = matches
            .iter()
            .map(|found| (label.fill(folder, &found.captures), &found.path))
            .filter(|(label, image)| label != *image)
            .map(|(label, _)| label)
            .collect();
        matches.retain(|found| !labels.contains(&found.path));
    }
    if let Some(subjects) = &options.subjects {
        matches = restrict(folder, matches, subjects)?;
    }
    matches.sort_by_cached_key(name);
    let label_map = Arc::new(options.label_map.clone());
    let cases = matches
        .into_iter()
        .map(|found| {
            check_file(&found.path)?;
            let name = name(&found);
            super::check_name(&name)?;
            let mut label_path = label.as_ref().map(|pattern| pattern.fill(folder, &found.captures));
            let is_missing = |path: &Path| {
                fs::symlink_metadata(path).is_err_and(|error| error.kind() == ErrorKind::NotFound)
            };
            if options.keep_unlabelled {
                label_path = label_path.filter(|path| !is_missing(path));
            }
            if let Some(path) = &label_path {
                if is_missing(path) {
                    return Err(Error::Dataset(format!(
                        "case \"{name}\" has an image, {}, but no label: {} does not exist",
                        found.path.display(),
                        path.display()
                    )));
                }
                check_file(path)?;
            }
            let subject = found.captures.into_iter().next().unwrap_or_default();
            let image = NiftiSource::whole(found.path);
            let label = label_path.map(NiftiSource::whole);
            let source = Source::Files { image: vec![image], label, label_map: label_map.clone() };
            Ok(Case { name, subject, attributes: BTreeMap::new(), source })
        })
        .collect::<Result<Vec<Case>>>()?;
    Ok(Dataset { cases: Arc::new(cases) })
}

fn name(found: &Match) -> String {
    found.captures.join("/")
}

fn restrict(folder: &Path, matches: Vec<Match>, subjects: &[String]) -> Result<Vec<Match>> {
    let is =
        |found: &Match, wanted: &String| found.captures.first() == Some(wanted) || name(found) == *wanted;
    let missing: Vec<&str> = subjects
        .iter()
        .filter(|wanted| !matches.iter().any(|found| is(found, wanted)))
        .map(String::as_str)
        .collect();
    if !missing.is_empty() || subjects.is_empty() {
        let mut names: Vec<String> = matches.iter().map(name).collect();
        names.sort();
        names.truncate(EXAMPLES);
        let problem = if subjects.is_empty() {
            "`subjects` is an empty list".to_owned()
        } else {
            format!("{} is not there: {}", plural(missing.len()), quoted(&missing))
        };
        return Err(Error::Dataset(format!(
            "{}: {problem}; the folder has {} case(s), such as {}",
            folder.display(),
            matches.len(),
            quoted(&names)
        )));
    }
    Ok(matches.into_iter().filter(|found| subjects.iter().any(|wanted| is(found, wanted))).collect())
}

fn plural(count: usize) -> String {
    if count == 1 { "a subject asked for".to_owned() } else { format!("each of {count} subjects asked for") }
}

fn quoted(names: &[impl AsRef<str>]) -> String {
    names.iter().map(|name| format!("\"{}\"", name.as_ref())).collect::<Vec<_>>().join(", ")
}

/// Refuses what cannot be opened as a file, by name.
pub(super) fn check_file(path: &Path) -> Result<()> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => {
            Err(Error::Dataset(format!("{} is a folder; expected a NIfTI file", path.display())))
        }
        Ok(metadata) if !metadata.is_file() => {
            Err(Error::Dataset(format!("{} is a special file; expected a NIfTI file", path.display())))
        }
        Ok(_) => fs::File::open(path).map(drop).map_err(|error| Error::io(path, "read", error)),
        Err(_) if path.is_symlink() => Err(broken_link(path)),
        Err(error) => Err(Error::io(path, "read", error)),
    }
}

/// A few files of the folder, for the message that none matches.
fn what_is_there(folder: &Path) -> String {
    let mut files = Vec::new();
    collect_files(folder, folder, EXAMPLE_DEPTH, &mut files);
    if files.is_empty() {
        return "it holds no files".to_owned();
    }
    format!("it holds, for example, {}", quoted(&files))
}

fn collect_files(root: &Path, folder: &Path, depth: usize, files: &mut Vec<String>) {
    // Best effort: a folder that cannot be read gives no examples.
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        if files.len() >= EXAMPLES {
            return;
        }
        if path.is_dir() {
            if depth > 1 {
                collect_files(root, &path, depth - 1, files);
            }
        } else {
            files.push(path.strip_prefix(root).unwrap_or(&path).display().to_string());
        }
    }
}
