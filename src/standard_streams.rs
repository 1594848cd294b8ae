//! Keeps files that are written apart from the standard streams. Where the host has closed one of these, the next file that
//! is opened gets its number, and what anybody prints then goes into that file.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd};
use std::path::Path;

/// Opens a file to write it, under another number than those of stdin, stdout and stderr.
///
/// # Errors
/// What opening it reports.
pub fn open(options: &OpenOptions, path: &Path) -> io::Result<File> {
    let _taken = take_free_numbers();
    let file = options.open(path)?;
    // Another thread may have given back what it had taken in between.
    if file.as_raw_fd() <= libc::STDERR_FILENO { with_another_number(&file) } else { Ok(file) }
}

/// Makes a file that is not there yet, as [`open`] does.
///
/// # Errors
/// What opening it reports; `AlreadyExists`.
pub fn create_new(path: &Path) -> io::Result<File> {
    open(OpenOptions::new().read(true).write(true).create_new(true), path)
}

/// The same open file.
fn with_another_number(file: &File) -> io::Result<File> {
    // SAFETY: the number is that of a file that stays open during the call.
    let number = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_DUPFD_CLOEXEC, libc::STDERR_FILENO + 1) };
    if number == -1 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the number was just given for this file alone.
    Ok(unsafe { File::from_raw_fd(number) })
}

/// Takes those numbers of standard streams that are free, until it is dropped. What cannot be printed meanwhile is lost, as
/// before.
fn take_free_numbers() -> [Option<File>; 3] {
    // SAFETY: it only asks.
    let free = |stream| unsafe { libc::fcntl(stream, libc::F_GETFD) } == -1;
    [libc::STDIN_FILENO, libc::STDOUT_FILENO, libc::STDERR_FILENO]
        .map(|stream| free(stream).then(|| File::open("/dev/null").ok()).flatten())
}
