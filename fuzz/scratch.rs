//! Where a target puts the bytes that it is given, since the library reads files.

use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A folder in memory where there is one.
pub struct Scratch(TempDir);

impl Scratch {
    /// A new folder, which goes when the process ends.
    pub fn new() -> Self {
        let memory = Path::new("/dev/shm");
        let made = if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() };
        Scratch(made.expect("a temporary folder"))
    }

    /// A file of these bytes.
    pub fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).expect("a temporary file");
        path
    }

    /// Where a file of that name lies.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

impl Default for Scratch {
    fn default() -> Self {
        Scratch::new()
    }
}
