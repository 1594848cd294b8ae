//! The one error type of the crate. Every variant becomes one status of the C API.

use std::path::{Path, PathBuf};

/// What went wrong, with which value, what was expected, and in which file.
///
/// The text of an error is a sentence for the person who called the library;
/// it is what `coopseg_last_error` returns.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An argument is outside what the function accepts.
    #[error("{0}")]
    InvalidArgument(String),
    /// A required pointer was NULL; holds the parameter's name.
    #[error("`{0}` is NULL; a valid pointer is required")]
    NullArgument(&'static str),
    /// A handle that was never made here, was freed, or is of another kind.
    #[error("{0}")]
    InvalidHandle(String),
    /// A struct's first field does not hold the size of that struct.
    #[error("{0}")]
    InvalidStructSize(String),
    /// Shapes, strides or buffers that do not fit each other.
    #[error("{0}")]
    InvalidShape(String),
    /// Spacing, origin or direction that describe no image grid.
    #[error("{0}")]
    InvalidGeometry(String),
    /// A label value outside the classes.
    #[error("{0}")]
    InvalidLabel(String),
    /// A configuration key that is unknown, of the wrong type or out of range.
    #[error("configuration: {0}")]
    InvalidConfig(String),
    /// The object is in use by another call.
    #[error("{0}")]
    Busy(String),
    /// The object cannot do this yet (or any more).
    #[error("{0}")]
    InvalidState(String),
    /// Training reached a loss that is not a finite number.
    #[error("{0}")]
    Diverged(String),
    /// A file or folder that does not exist.
    #[error("{}: no such file or folder", path.display())]
    NotFound {
        /// The path as it was given.
        path: PathBuf,
    },
    /// The operating system refused to read or write.
    #[error("{}: cannot {action}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was tried: "read", "write", "create", …
        action: &'static str,
        /// The operating system's answer.
        source: std::io::Error,
    },
    /// A file that is truncated, corrupt or not of the expected kind.
    #[error("{}: {problem}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong with it and what was expected.
        problem: String,
    },
    /// A sound file that needs something this version does not have.
    #[error("{}: {problem}", path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// What it needs and what is supported.
        problem: String,
    },
    /// Weights whose names or shapes do not fit the network.
    #[error("{}: {problem}", path.display())]
    Weights {
        /// The file that holds (or lacks) them.
        path: PathBuf,
        /// The key and what was expected of it.
        problem: String,
    },
    /// A dataset that cannot be used as asked; names the subject.
    #[error("{0}")]
    Dataset(String),
    /// A device that is not there, with the reason.
    #[error("{0}")]
    DeviceUnavailable(String),
    /// Memory ran out, on the host or on the device.
    #[error("out of memory: {0}")]
    OutOfMemory(String),
    /// libtorch reported an error.
    #[error("libtorch: {0}")]
    Torch(String),
    /// The libtorch found in this process is not the one this library was built for.
    #[error("{0}")]
    TorchMismatch(String),
    /// The callback or another thread asked to stop, or the process ends.
    #[error("cancelled by the caller, or because the process ends")]
    Cancelled,
    /// A fault of this library.
    #[error("internal error: {0}")]
    Internal(String),
    /// The object was left unusable by an earlier internal error.
    #[error("{0}")]
    Poisoned(String),
}

/// The crate's result type.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An operating-system error on `path`; a missing file gets its own kind.
    pub fn io(path: &Path, action: &'static str, source: std::io::Error) -> Self {
        match source.kind() {
            std::io::ErrorKind::NotFound if action == "read" => Error::NotFound { path: path.to_owned() },
            std::io::ErrorKind::OutOfMemory => Error::OutOfMemory(format!("{}: {source}", path.display())),
            _ => Error::Io { path: path.to_owned(), action, source },
        }
    }

    /// A corrupt, truncated or foreign file.
    pub fn format(path: &Path, problem: impl Into<String>) -> Self {
        Error::Format { path: path.to_owned(), problem: problem.into() }
    }

    /// Whether it says that one case of a dataset cannot be used, so that the others may well do.
    pub fn concerns_one_case(&self) -> bool {
        matches!(
            self,
            Error::Dataset(_)
                | Error::InvalidArgument(_)
                | Error::InvalidLabel(_)
                | Error::InvalidShape(_)
                | Error::InvalidGeometry(_)
                | Error::NotFound { .. }
                | Error::Io { .. }
                | Error::Format { .. }
                | Error::Unsupported { .. }
        )
    }

    /// The same error with the case of the dataset that it arose in.
    #[must_use]
    pub fn in_case(self, name: &str) -> Self {
        self.within(&format!("case \"{name}\""))
    }

    /// The same error with the file whose content caused it.
    #[must_use]
    pub fn in_file(self, path: &Path) -> Self {
        self.within(&path.display().to_string())
    }

    /// The same error with the parameter of a call that caused it.
    #[must_use]
    pub fn in_parameter(self, parameter: &str) -> Self {
        self.within(&format!("`{parameter}`"))
    }

    fn within(self, place: &str) -> Self {
        match self {
            Error::InvalidArgument(text) => Error::InvalidArgument(format!("{place}: {text}")),
            Error::InvalidLabel(text) => Error::InvalidLabel(format!("{place}: {text}")),
            Error::InvalidShape(text) => Error::InvalidShape(format!("{place}: {text}")),
            Error::InvalidGeometry(text) => Error::InvalidGeometry(format!("{place}: {text}")),
            Error::DeviceUnavailable(text) => Error::DeviceUnavailable(format!("{place}: {text}")),
            other => other,
        }
    }
}
