//! Files that appear whole or not at all.

use crate::error::{Error, Result};
use crate::standard_streams;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// What the names of temporary files begin with; a killed process leaves one behind.
pub const TEMPORARY_PREFIX: &str = ".coopseg-";

/// Writes the file at `path` by way of a temporary file in the same folder.
///
/// `body` writes the content; afterwards it is synced to disk and renamed to `path`. A regular file that
/// was there is replaced and its permissions are kept; a new file gets those of the process (umask). When
/// anything fails, also by a panic in `body`, the temporary file is removed and what was at `path` is
/// untouched. A link to a file stays a link.
///
/// # Errors
/// - [`Error::NotFound`]: the folder does not exist (names the folder).
/// - [`Error::InvalidArgument`]: `path` is a folder, a device or another special file.
/// - [`Error::Io`]: the operating system refuses; what `body` returns.
pub fn write(path: &Path, body: impl FnOnce(&mut File) -> Result<()>) -> Result<()> {
    let target = target(path)?;
    let folder = target.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match fs::metadata(folder) {
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(Error::NotFound { path: folder.to_owned() });
        }
        Err(error) => return Err(Error::io(path, "create", error)),
    }
    let previous = match fs::metadata(&target) {
        Ok(previous) if !previous.is_file() => {
            let kind = if previous.is_dir() { "a folder" } else { "a special file" };
            return Err(Error::InvalidArgument(format!(
                "{}: is {kind}; expected the path of a regular file to write",
                path.display()
            )));
        }
        Ok(previous) => Some(previous.permissions()),
        Err(_) => None,
    };

    let mut temporary = tempfile::Builder::new()
        .prefix(TEMPORARY_PREFIX)
        .make_in(folder, standard_streams::create_new)
        .map_err(|error| Error::io(path, "create", error))?;
    body(temporary.as_file_mut())?;
    if let Some(permissions) = previous {
        let kept = temporary.as_file().set_permissions(permissions);
        kept.map_err(|error| Error::io(path, "set the permissions of", error))?;
    }
    temporary.as_file().sync_all().map_err(|error| Error::io(path, "write", error))?;
    temporary.persist(&target).map_err(|error| Error::io(path, "create", error.error))?;
    // Makes the new name itself durable. Some file systems cannot sync a folder; the content is safe anyhow.
    #[cfg(unix)]
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
    Ok(())
}

/// Where a link leads to; the path itself otherwise.
fn target(path: &Path) -> Result<PathBuf> {
    if path.file_name().is_none() {
        return Err(Error::InvalidArgument(format!(
            "\"{}\" names no file; expected the path of a file to write",
            path.display()
        )));
    }
    let is_link = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.file_type().is_symlink());
    match fs::canonicalize(path) {
        Ok(target) if is_link => Ok(target),
        _ => Ok(path.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn put(path: &Path, text: &str) -> Result<()> {
        write(path, |file| file.write_all(text.as_bytes()).map_err(|error| Error::io(path, "write", error)))
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn writes_and_replaces_leaving_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ä scan.nii.gz");
        put(&path, "first").unwrap();
        put(&path, "2nd").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "2nd");
        assert_eq!(names(folder.path()), ["ä scan.nii.gz"]);
    }

    #[test]
    fn a_failing_or_panicking_body_leaves_the_old_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model");
        put(&path, "old").unwrap();
        let failed = write(&path, |file| {
            file.write_all(b"half").unwrap();
            Err(Error::Cancelled)
        });
        assert!(matches!(failed, Err(Error::Cancelled)));
        let unwound = std::panic::catch_unwind(|| write(&path, |_| std::panic::resume_unwind(Box::new(()))));
        assert!(unwound.is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(names(folder.path()), ["model"]);
    }

    #[test]
    fn folders_that_are_missing_or_none_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("no/such");
        let error = put(&missing.join("file"), "x").unwrap_err();
        assert!(matches!(&error, Error::NotFound { path } if *path == missing), "{error}");
        let error = put(folder.path(), "x").unwrap_err();
        assert!(matches!(&error, Error::InvalidArgument(text) if text.contains("is a folder")), "{error}");
        let file = folder.path().join("file");
        put(&file, "x").unwrap();
        let error = put(&file.join("below"), "x").unwrap_err();
        assert!(matches!(error, Error::Io { .. }), "{error}");
        assert!(matches!(put(Path::new(""), "x"), Err(Error::InvalidArgument(_))));
        assert!(matches!(put(Path::new("/"), "x"), Err(Error::InvalidArgument(_))));
    }

    #[cfg(unix)]
    #[test]
    fn special_files_are_never_replaced() {
        let error = put(Path::new("/dev/null"), "x").unwrap_err();
        assert!(matches!(error, Error::InvalidArgument(_)), "{error}");
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
    }

    #[cfg(unix)]
    #[test]
    fn permissions_follow_umask_or_the_file_that_was_there() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let (plain, ours) = (folder.path().join("plain"), folder.path().join("ours"));
        File::create(&plain).unwrap();
        put(&ours, "x").unwrap();
        assert_eq!(mode(&ours), mode(&plain));
        fs::set_permissions(&ours, PermissionsExt::from_mode(0o640)).unwrap();
        put(&ours, "y").unwrap();
        assert_eq!(mode(&ours), 0o640);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real"), folder.path().join("link"));
        put(&real, "old").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        put(&link, "new").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().file_type().is_symlink());
        assert_eq!(fs::read_to_string(&real).unwrap(), "new");
    }
}
