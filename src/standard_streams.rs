//! Keeps files that are written apart from the standard streams. Where the host has closed one of these, the next file that
//! is opened gets its number, and what anybody prints then goes into that file.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;
use std::sync::Mutex;

/// Opens a file to write it, under another number than those of stdin, stdout and stderr.
///
/// # Errors
/// What opening it reports.
pub fn open(options: &OpenOptions, path: &Path) -> io::Result<File> {
    // Another thread that gives back what it has taken would leave a number free in between.
    static OPENING: Mutex<()> = Mutex::new(());
    let _opening = OPENING.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let _taken = take_free_numbers();
    options.open(path)
}

/// Makes a file that is not there yet, as [`open`] does.
///
/// # Errors
/// What opening it reports; `AlreadyExists`.
pub fn create_new(path: &Path) -> io::Result<File> {
    open(OpenOptions::new().read(true).write(true).create_new(true), path)
}

/// Takes those numbers of standard streams that are free, until it is dropped. What cannot be printed meanwhile is lost, as
/// before.
#[cfg(unix)]
fn take_free_numbers() -> [Option<File>; 3] {
    // SAFETY: it only asks.
    let free = |stream| unsafe { libc::fcntl(stream, libc::F_GETFD) } == -1;
    [libc::STDIN_FILENO, libc::STDOUT_FILENO, libc::STDERR_FILENO]
        .map(|stream| free(stream).then(|| File::open("/dev/null").ok()).flatten())
}

#[cfg(not(unix))]
fn take_free_numbers() {}
