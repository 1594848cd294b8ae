//! What can be wrong with a file, before it is known which file it was.

use std::io::{self, ErrorKind};
use std::path::Path;

use zip::result::ZipError;

use crate::error::Error;

/// An error that still lacks the path.
#[derive(Debug)]
pub(super) enum Problem {
    /// Truncated, corrupt or no `state_dict` file at all.
    Corrupt(String),
    /// Sound, but not something this reader reads.
    Unsupported(String),
    /// The operating system's refusal.
    Read(io::Error),
    /// A reservation that failed.
    Memory(String),
}

pub(super) type Outcome<T> = Result<T, Problem>;

/// Shorthand for the most frequent refusal.
pub(super) fn corrupt<T>(problem: impl Into<String>) -> Outcome<T> {
    Err(Problem::Corrupt(problem.into()))
}

impl Problem {
    pub(super) fn into_error(self, path: &Path) -> Error {
        match self {
            Problem::Corrupt(problem) => Error::format(path, problem),
            Problem::Unsupported(problem) => Error::Unsupported { path: path.to_owned(), problem },
            Problem::Read(source) => Error::io(path, "read", source),
            Problem::Memory(what) => Error::OutOfMemory(format!("{}: {what}", path.display())),
        }
    }

    /// Puts the failing part in front of the sentence.
    pub(super) fn within(self, part: &str) -> Self {
        match self {
            Problem::Corrupt(problem) => Problem::Corrupt(format!("{part}: {problem}")),
            Problem::Unsupported(problem) => Problem::Unsupported(format!("{part}: {problem}")),
            Problem::Memory(what) => Problem::Memory(format!("{part}: {what}")),
            Problem::Read(source) => Problem::Read(source),
        }
    }
}

impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::InvalidData | ErrorKind::UnexpectedEof | ErrorKind::InvalidInput => {
                Problem::Corrupt(format!("the file is truncated or corrupt ({error})"))
            }
            ErrorKind::OutOfMemory => Problem::Memory(error.to_string()),
            _ => Problem::Read(error),
        }
    }
}

impl From<ZipError> for Problem {
    fn from(error: ZipError) -> Self {
        match error {
            ZipError::Io(source) => source.into(),
            ZipError::InvalidArchive(reason) => {
                Problem::Corrupt(format!("the zip archive is truncated or corrupt ({reason})"))
            }
            ZipError::UnsupportedArchive(_)
            | ZipError::InvalidPassword
            | ZipError::CompressionMethodNotSupported(_) => Problem::Unsupported(format!(
                "the zip archive is encrypted or compressed ({error}); torch.save writes neither"
            )),
            other => Problem::Corrupt(format!("the zip archive is corrupt ({other})")),
        }
    }
}

/// An empty vector with room for exactly `length` elements.
pub(super) fn reserve<T>(length: usize, what: &str) -> Outcome<Vec<T>> {
    let mut vector = Vec::new();
    match vector.try_reserve_exact(length) {
        Ok(()) => Ok(vector),
        Err(_) => Err(Problem::Memory(format!("{what} needs {length} elements"))),
    }
}

/// A name from the file as a message shows it: without control characters, and not endless.
pub(super) fn printable(name: &str) -> String {
    const LONGEST: usize = 200;
    let mut text: String = name.chars().take(LONGEST).flat_map(char::escape_debug).collect();
    if name.chars().nth(LONGEST).is_some() {
        text.push_str("...");
    }
    text
}
