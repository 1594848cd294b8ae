//! Files that grow by a line at a time and can be cut back to an earlier step.

use crate::atomic_file;
use crate::error::{Error, Result};
use crate::standard_streams;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

/// An open file that lines are added to.
#[derive(Debug)]
pub struct Rows {
    path: PathBuf,
    file: File,
}

impl Rows {
    /// Opens the file with the lines for which `keep` holds, none of them where `resumed` is false, after `header`.
    pub fn open(path: &Path, header: &str, resumed: bool, keep: impl Fn(&str) -> bool) -> Result<Self> {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder).map_err(|error| Error::io(folder, "create", error))?;
        }
        let before = match fs::read(path) {
            Ok(bytes) if resumed => bytes,
            Err(error) if resumed && error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::io(path, "read", error));
            }
            _ => Vec::new(),
        };
        // A line without its end was cut short when the process was killed, maybe within a character.
        let whole = before.split_inclusive(|&byte| byte == b'\n').filter(|line| line.ends_with(b"\n"));
        let whole = whole.filter_map(|line| std::str::from_utf8(line).ok());
        let kept: String = whole.filter(|line| line.trim_end() != header.trim_end() && keep(line)).collect();
        atomic_file::write(path, |file| {
            file.write_all(header.as_bytes())
                .and_then(|()| file.write_all(kept.as_bytes()))
                .map_err(|error| Error::io(path, "write", error))
        })?;
        let file = standard_streams::open(OpenOptions::new().append(true), path);
        Ok(Rows { path: path.to_owned(), file: file.map_err(|error| Error::io(path, "write", error))? })
    }

    /// Adds a line, which ends with a line feed, in one piece.
    pub fn add(&mut self, line: &str) -> Result<()> {
        self.file.write_all(line.as_bytes()).map_err(|error| Error::io(&self.path, "write", error))
    }
}
