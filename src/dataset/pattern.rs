//! File patterns with `*`, and what each `*` matched.

use crate::error::{Error, Result};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// A relative path whose components may hold `*`, which matches any text within its component.
///
/// A leading `*` does not match a leading dot. No other character is special.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    components: Vec<String>,
}

/// A file or folder that a pattern matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Match {
    pub(super) path: PathBuf,
    /// What the stars matched, in order.
    pub(super) captures: Vec<String>,
}

impl Pattern {
    /// Reads a pattern; `key` is the option that holds it.
    ///
    /// # Errors
    /// `InvalidConfig` for a pattern that is empty, absolute, without a `*`, with `**` or with an empty,
    /// `.` or `..` component.
    pub(super) fn parse(key: &str, text: &str) -> Result<Self> {
        let refuse = |problem: &str| {
            Err(Error::InvalidConfig(format!(
                "`{key}` is \"{text}\", {problem}; expected a path relative to the folder, such as \
                 \"*/image.nii.gz\""
            )))
        };
        if Path::new(text).is_absolute() {
            return refuse("an absolute path");
        }
        if text.contains("**") {
            return refuse("which holds \"**\"");
        }
        let components: Vec<String> = text.split('/').map(str::to_owned).collect();
        if components.iter().any(|component| matches!(component.as_str(), "" | "." | "..")) {
            return refuse("which has an empty, \".\" or \"..\" component");
        }
        if !text.contains('*') {
            return refuse("which has no \"*\"");
        }
        Ok(Pattern { components })
    }

    /// Number of stars.
    pub(super) fn stars(&self) -> usize {
        self.components.iter().map(|component| component.matches('*').count()).sum()
    }

    /// The path below `folder` with the captures in the places of the stars.
    pub(super) fn fill(&self, folder: &Path, captures: &[String]) -> PathBuf {
        let mut captures = captures.iter();
        let mut path = folder.to_owned();
        for component in &self.components {
            let mut name = String::new();
            for (index, literal) in component.split('*').enumerate() {
                if index > 0 {
                    name.extend(captures.next().map(String::as_str));
                }
                name.push_str(literal);
            }
            path.push(name);
        }
        path
    }

    /// Everything below `folder` that matches, in no particular order. Links are followed.
    ///
    /// # Errors
    /// `Io` for what cannot be read; `Dataset` for a broken link in place of a folder and for a matching
    /// name that is not UTF-8.
    pub(super) fn find(&self, folder: &Path) -> Result<Vec<Match>> {
        let mut matches = vec![Match { path: folder.to_owned(), captures: Vec::new() }];
        for (depth, component) in self.components.iter().enumerate() {
            let last = depth + 1 == self.components.len();
            let mut next = Vec::new();
            for parent in matches {
                descend(parent, component, last, &mut next)?;
            }
            matches = next;
        }
        Ok(matches)
    }
}

fn descend(parent: Match, component: &str, last: bool, found: &mut Vec<Match>) -> Result<()> {
    if !component.contains('*') {
        let path = parent.path.join(component);
        // A dangling link is kept, so that whoever opens the file can name it.
        return match fs::symlink_metadata(&path) {
            Ok(_) if last || path.is_dir() => {
                found.push(Match { path, captures: parent.captures });
                Ok(())
            }
            Err(error) if !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                Err(Error::io(&path, "read", error))
            }
            _ => Ok(()),
        };
    }
    let entries = fs::read_dir(&parent.path).map_err(|error| Error::io(&parent.path, "read", error))?;
    for entry in entries {
        let entry = entry.map_err(|error| Error::io(&parent.path, "read", error))?;
        let name = entry.file_name();
        let path = entry.path();
        let Some(captures) = capture(component, &name.to_string_lossy()) else { continue };
        if name.to_str().is_none() {
            return Err(Error::Dataset(format!(
                "{} matches \"{component}\" but its name is not UTF-8; expected names that are",
                path.display()
            )));
        }
        if !last && !path.is_dir() {
            if path.is_symlink() && !path.exists() {
                return Err(broken_link(&path));
            }
            continue;
        }
        found.push(Match { path, captures: parent.captures.iter().cloned().chain(captures).collect() });
    }
    Ok(())
}

/// The error for a link that leads nowhere.
pub(super) fn broken_link(path: &Path) -> Error {
    let target = fs::read_link(path).map_or_else(|_| "?".to_owned(), |target| target.display().to_string());
    Error::Dataset(format!("{} is a link to {target}, which does not exist", path.display()))
}

/// What the stars of a component match in a name; the earlier a star, the less it takes.
fn capture(component: &str, name: &str) -> Option<Vec<String>> {
    if component.starts_with('*') && name.starts_with('.') {
        return None;
    }
    let mut literals = component.split('*');
    let mut rest = name.strip_prefix(literals.next()?)?;
    let literals: Vec<&str> = literals.collect();
    let (last, middle) = literals.split_last()?;
    let mut captures = Vec::new();
    for literal in middle {
        let (before, after) = rest.split_once(literal)?;
        captures.push(before.to_owned());
        rest = after;
    }
    captures.push(rest.strip_suffix(last)?.to_owned());
    Some(captures)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_capture_within_a_name() {
        let capture = |pattern: &str, name: &str| capture(pattern, name).map(|found| found.join("|"));
        assert_eq!(capture("*", "abc").as_deref(), Some("abc"));
        assert_eq!(capture("*_img.nii.gz", "ED_img.nii.gz").as_deref(), Some("ED"));
        assert_eq!(capture("*_img.nii.gz", "ED_seg.nii.gz"), None);
        assert_eq!(capture("p*_frame*.nii", "p01_frame_frame7.nii").as_deref(), Some("01|_frame7"));
        assert_eq!(capture("a*a", "a"), None);
        assert_eq!(capture("a*a", "aa").as_deref(), Some(""));
        assert_eq!(capture("*b*b", "ab"), None);
        assert_eq!(capture("*", ".hidden"), None);
        assert_eq!(capture("*.nii", "._x.nii"), None);
        assert_eq!(capture("a[1]*", "a[1]b").as_deref(), Some("b"));
    }

    #[test]
    fn captures_fill_another_pattern() {
        let pattern = Pattern::parse("label", "*/x_*_seg.nii.gz").unwrap();
        assert_eq!(pattern.stars(), 2);
        let path = pattern.fill(Path::new("root"), &["001".to_owned(), "ED".to_owned()]);
        assert_eq!(path, Path::new("root/001/x_ED_seg.nii.gz"));
    }

    #[test]
    fn unusable_patterns_are_refused_with_the_key() {
        for text in ["", "/tmp/*.nii", "**/a.nii", "../*.nii", "a//*.nii", "./*", "image.nii"] {
            let message = Pattern::parse("image", text).unwrap_err().to_string();
            assert!(message.contains("`image`") && message.contains(&format!("\"{text}\"")), "{message}");
        }
    }
}
