//! Texts and plain pointers across the boundary.

use super::guard::guard_always;
use super::status::coopseg_status;
use crate::error::{Error, Result};
use once_cell::sync::Lazy;
use serde_json::Value;
use std::collections::HashMap;
use std::ffi::{CStr, CString, OsStr, c_char};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Mutex;

/// Addresses of the texts that were handed out and not freed yet, with their sizes: a host may have shortened them in
/// place.
static TEXTS: Lazy<Mutex<HashMap<usize, usize>>> = Lazy::new(Mutex::default);

/// Frees a text that this library returned through an `out_…` parameter.
///
/// @param text  NULL does nothing.
/// @return `COOPSEG_OK`; `COOPSEG_INVALID_HANDLE` for a text that this library did not return or that was
///         freed already.
/// Threads: any number of calls at once, with different texts.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coopseg_string_free(text: *mut c_char) -> coopseg_status {
    guard_always(|| {
        if text.is_null() {
            return Ok(());
        }
        let known = TEXTS.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).remove(&text.addr());
        let Some(size) = known else {
            return Err(Error::InvalidHandle(
                "`text` was not returned by this library or was freed already".to_owned(),
            ));
        };
        // SAFETY: the address was in the table, so a box of this size was given out there and not freed.
        drop(unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(text.cast::<u8>(), size)) });
        Ok(())
    })
}

/// A UTF-8 text, borrowed for the call.
///
/// # Safety
/// `text` is NULL or points to a zero-ended text that outlives `'a`.
pub unsafe fn read<'a>(text: *const c_char, parameter: &'static str) -> Result<&'a str> {
    if text.is_null() {
        return Err(Error::NullArgument(parameter));
    }
    // SAFETY: not NULL, zero-ended by contract.
    unsafe { CStr::from_ptr(text) }
        .to_str()
        .map_err(|error| Error::InvalidArgument(format!("`{parameter}` is not UTF-8: {error}")))
}

/// A UTF-8 text where NULL means the empty text.
///
/// # Safety
/// As [`read`].
pub unsafe fn read_or_empty<'a>(text: *const c_char, parameter: &'static str) -> Result<&'a str> {
    // SAFETY: passed on.
    if text.is_null() { Ok("") } else { unsafe { read(text, parameter) } }
}

/// A path of any bytes.
///
/// # Safety
/// As [`read`].
pub unsafe fn path<'a>(text: *const c_char, parameter: &'static str) -> Result<&'a Path> {
    // SAFETY: passed on.
    match unsafe { optional_path(text) } {
        None => Err(Error::NullArgument(parameter)),
        Some(path) if path.as_os_str().is_empty() => {
            Err(Error::InvalidArgument(format!("`{parameter}` is an empty path")))
        }
        Some(path) => Ok(path),
    }
}

/// A path that may be NULL.
///
/// # Safety
/// As [`read`].
pub unsafe fn optional_path<'a>(text: *const c_char) -> Option<&'a Path> {
    if text.is_null() {
        return None;
    }
    // SAFETY: not NULL, zero-ended by contract.
    let bytes = unsafe { CStr::from_ptr(text) }.to_bytes();
    Some(Path::new(OsStr::from_bytes(bytes)))
}

/// Checks an output pointer before any work is done.
pub fn require<T>(pointer: *const T, parameter: &'static str) -> Result<()> {
    if pointer.is_null() { Err(Error::NullArgument(parameter)) } else { Ok(()) }
}

/// Hands a JSON text to the caller.
///
/// # Safety
/// `out` points to a `char *` that may be written.
pub unsafe fn write_json(out: *mut *mut c_char, value: &Value) -> Result<()> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| Error::Internal(format!("JSON for the caller: {error}")))?;
    // SAFETY: passed on.
    unsafe { write_text(out, Some(text.as_bytes())) }
}

/// Hands a text to the caller, or NULL for `None`. Does nothing where the caller wants none.
///
/// # Safety
/// `out` is NULL or points to a `char *` that may be written.
pub unsafe fn write_text(out: *mut *mut c_char, text: Option<&[u8]>) -> Result<()> {
    if out.is_null() {
        return Ok(());
    }
    let raw = match text {
        None => std::ptr::null_mut(),
        Some(text) => {
            let text = CString::new(text)
                .map_err(|error| Error::Internal(format!("text for the caller: {error}")))?;
            let bytes = text.into_bytes_with_nul().into_boxed_slice();
            let size = bytes.len();
            let raw = Box::into_raw(bytes).cast::<c_char>();
            TEXTS.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).insert(raw.addr(), size);
            raw
        }
    };
    // SAFETY: not NULL, writable by contract.
    unsafe { out.write(raw) };
    Ok(())
}

/// Reads a struct whose first field is its size, after checking that size.
///
/// # Safety
/// `pointer` is NULL or points to at least a `usize`, and to a whole `T` if that holds the size of `T`.
pub unsafe fn read_sized<'a, T>(pointer: *const T, parameter: &'static str, name: &str) -> Result<&'a T> {
    require(pointer, parameter)?;
    if !pointer.is_aligned() {
        return Err(Error::InvalidArgument(format!(
            "`{parameter}` is at {:#x}, which is not aligned for a {name}",
            pointer.addr()
        )));
    }
    // SAFETY: not NULL, aligned, and at least a usize by contract.
    let size = unsafe { pointer.cast::<usize>().read() };
    if size != size_of::<T>() {
        return Err(Error::InvalidStructSize(format!(
            "`{parameter}->struct_size` is {size}; expected sizeof({name}), which is {} in this version",
            size_of::<T>()
        )));
    }
    // SAFETY: the size says that a whole T is there.
    Ok(unsafe { &*pointer })
}
