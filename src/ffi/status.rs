//! Status codes. A number, once given, keeps its meaning for ever; retired numbers stay as comments.

use crate::error::Error;
use std::ffi::{CStr, c_char};

/// Outcome of a call: `COOPSEG_OK` or another `COOPSEG_*` status value. 1 to 99 are the caller's mistakes,
/// 100 to 199 concern files and formats, 200 to 299 devices and libtorch, 300 is a cancelled run, 900 and
/// above are faults of this library.
pub type coopseg_status = i32;

/// The call did what it says.
pub const COOPSEG_OK: coopseg_status = 0;
/// An argument is outside what the function accepts.
pub const COOPSEG_INVALID_ARGUMENT: coopseg_status = 1;
/// A required pointer is NULL.
pub const COOPSEG_NULL_ARGUMENT: coopseg_status = 2;
/// A handle that was never made by this library, was freed, or is of another kind.
pub const COOPSEG_INVALID_HANDLE: coopseg_status = 3;
/// The first field of a struct does not hold the size of that struct.
pub const COOPSEG_INVALID_STRUCT_SIZE: coopseg_status = 4;
/// Shapes, strides or buffers that do not fit each other.
pub const COOPSEG_INVALID_SHAPE: coopseg_status = 5;
/// Spacing, origin or direction that describe no image grid.
pub const COOPSEG_INVALID_GEOMETRY: coopseg_status = 6;
/// A label value outside the classes.
pub const COOPSEG_INVALID_LABEL: coopseg_status = 7;
/// A configuration key that is unknown, of the wrong type or out of range.
pub const COOPSEG_INVALID_CONFIG: coopseg_status = 8;
/// The object is in use by another call.
pub const COOPSEG_BUSY: coopseg_status = 9;
/// The object cannot do this in its present state.
pub const COOPSEG_INVALID_STATE: coopseg_status = 10;
/// A dataset that cannot be used as asked; the message names the case.
pub const COOPSEG_INVALID_DATASET: coopseg_status = 11;
/// Training reached a loss that is not a finite number.
pub const COOPSEG_DIVERGED: coopseg_status = 12;
/// A file or folder that does not exist.
pub const COOPSEG_FILE_NOT_FOUND: coopseg_status = 100;
/// The operating system refused to read or write a file.
pub const COOPSEG_FILE_IO: coopseg_status = 101;
/// A file that is truncated, corrupt or not of the expected kind.
pub const COOPSEG_FILE_FORMAT: coopseg_status = 102;
/// A sound file that needs something this version does not have.
pub const COOPSEG_FILE_UNSUPPORTED: coopseg_status = 103;
/// Weights whose names or shapes do not fit the networks.
pub const COOPSEG_FILE_WEIGHTS: coopseg_status = 104;
/// The device that was asked for cannot be used; the message says why.
pub const COOPSEG_DEVICE_UNAVAILABLE: coopseg_status = 200;
/// Memory ran out, on the host or on the device. The objects involved stay usable.
pub const COOPSEG_OUT_OF_MEMORY: coopseg_status = 201;
/// libtorch reported an error.
pub const COOPSEG_LIBTORCH: coopseg_status = 202;
/// The process has loaded another libtorch than this library was built for.
pub const COOPSEG_LIBTORCH_MISMATCH: coopseg_status = 203;
/// libtorch, or the part of this library that uses it, is not found or cannot be loaded; the message says what
/// mends it. Every function that makes or uses something may return this. Later calls try again.
pub const COOPSEG_LIBTORCH_UNAVAILABLE: coopseg_status = 204;
/// A callback or `coopseg_trainer_cancel` asked to stop, or the process is ending. Everything stays usable.
pub const COOPSEG_CANCELLED: coopseg_status = 300;
/// A fault of this library; the object that was being changed is unusable from now on.
pub const COOPSEG_INTERNAL: coopseg_status = 900;
/// The object is unusable after an earlier internal error; it can only be freed.
pub const COOPSEG_POISONED: coopseg_status = 901;

pub(super) fn of(error: &Error) -> coopseg_status {
    match error {
        Error::InvalidArgument(_) => COOPSEG_INVALID_ARGUMENT,
        Error::NullArgument(_) => COOPSEG_NULL_ARGUMENT,
        Error::InvalidHandle(_) => COOPSEG_INVALID_HANDLE,
        Error::InvalidStructSize(_) => COOPSEG_INVALID_STRUCT_SIZE,
        Error::InvalidShape(_) => COOPSEG_INVALID_SHAPE,
        Error::InvalidGeometry(_) => COOPSEG_INVALID_GEOMETRY,
        Error::InvalidLabel(_) => COOPSEG_INVALID_LABEL,
        Error::InvalidConfig(_) => COOPSEG_INVALID_CONFIG,
        Error::Busy(_) => COOPSEG_BUSY,
        Error::InvalidState(_) => COOPSEG_INVALID_STATE,
        Error::Dataset(_) => COOPSEG_INVALID_DATASET,
        Error::Diverged(_) => COOPSEG_DIVERGED,
        Error::NotFound { .. } => COOPSEG_FILE_NOT_FOUND,
        Error::Io { .. } => COOPSEG_FILE_IO,
        Error::Format { .. } => COOPSEG_FILE_FORMAT,
        Error::Unsupported { .. } => COOPSEG_FILE_UNSUPPORTED,
        Error::Weights { .. } => COOPSEG_FILE_WEIGHTS,
        Error::DeviceUnavailable(_) => COOPSEG_DEVICE_UNAVAILABLE,
        Error::OutOfMemory(_) => COOPSEG_OUT_OF_MEMORY,
        Error::Torch(_) => COOPSEG_LIBTORCH,
        Error::TorchMismatch(_) => COOPSEG_LIBTORCH_MISMATCH,
        Error::Cancelled => COOPSEG_CANCELLED,
        Error::Internal(_) => COOPSEG_INTERNAL,
        Error::Poisoned(_) => COOPSEG_POISONED,
    }
}

fn name(status: coopseg_status) -> &'static CStr {
    match status {
        COOPSEG_OK => c"COOPSEG_OK",
        COOPSEG_INVALID_ARGUMENT => c"COOPSEG_INVALID_ARGUMENT",
        COOPSEG_NULL_ARGUMENT => c"COOPSEG_NULL_ARGUMENT",
        COOPSEG_INVALID_HANDLE => c"COOPSEG_INVALID_HANDLE",
        COOPSEG_INVALID_STRUCT_SIZE => c"COOPSEG_INVALID_STRUCT_SIZE",
        COOPSEG_INVALID_SHAPE => c"COOPSEG_INVALID_SHAPE",
        COOPSEG_INVALID_GEOMETRY => c"COOPSEG_INVALID_GEOMETRY",
        COOPSEG_INVALID_LABEL => c"COOPSEG_INVALID_LABEL",
        COOPSEG_INVALID_CONFIG => c"COOPSEG_INVALID_CONFIG",
        COOPSEG_BUSY => c"COOPSEG_BUSY",
        COOPSEG_INVALID_STATE => c"COOPSEG_INVALID_STATE",
        COOPSEG_INVALID_DATASET => c"COOPSEG_INVALID_DATASET",
        COOPSEG_DIVERGED => c"COOPSEG_DIVERGED",
        COOPSEG_FILE_NOT_FOUND => c"COOPSEG_FILE_NOT_FOUND",
        COOPSEG_FILE_IO => c"COOPSEG_FILE_IO",
        COOPSEG_FILE_FORMAT => c"COOPSEG_FILE_FORMAT",
        COOPSEG_FILE_UNSUPPORTED => c"COOPSEG_FILE_UNSUPPORTED",
        COOPSEG_FILE_WEIGHTS => c"COOPSEG_FILE_WEIGHTS",
        COOPSEG_DEVICE_UNAVAILABLE => c"COOPSEG_DEVICE_UNAVAILABLE",
        COOPSEG_OUT_OF_MEMORY => c"COOPSEG_OUT_OF_MEMORY",
        COOPSEG_LIBTORCH => c"COOPSEG_LIBTORCH",
        COOPSEG_LIBTORCH_MISMATCH => c"COOPSEG_LIBTORCH_MISMATCH",
        COOPSEG_LIBTORCH_UNAVAILABLE => c"COOPSEG_LIBTORCH_UNAVAILABLE",
        COOPSEG_CANCELLED => c"COOPSEG_CANCELLED",
        COOPSEG_INTERNAL => c"COOPSEG_INTERNAL",
        COOPSEG_POISONED => c"COOPSEG_POISONED",
        _ => c"unknown coopseg status",
    }
}

/// The name of a status value, such as "COOPSEG_INVALID_SHAPE".
///
/// @param status  Any number.
/// @return A constant text that is never freed; "unknown coopseg status" for other numbers.
/// Threads: any number of calls at once.
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn coopseg_status_name(status: coopseg_status) -> *const c_char {
    name(status).as_ptr()
}
