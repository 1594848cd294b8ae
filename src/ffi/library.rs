//! The library as a whole: version, build, devices, threads, seed, log.

use super::guard::{guard, guard_always, guard_libtorch};
use super::status::coopseg_status;
use super::text::{optional_path, require, write_json};
use crate::error::{Error, Result};
use crate::exit;
use crate::runtime::{self, log};
use std::ffi::{CString, c_char, c_void};
use std::sync::Arc;

/// Changes whenever a program compiled against an older header would misbehave. Compare with
/// `coopseg_abi_version()`.
pub const COOPSEG_ABI_VERSION: u32 = 1;

/// Log level: something failed inside the library.
pub const COOPSEG_LOG_ERROR: i32 = 1;
/// Log level: something surprising that did not fail.
pub const COOPSEG_LOG_WARNING: i32 = 2;
/// Log level: what the library does.
pub const COOPSEG_LOG_INFO: i32 = 3;

const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");

/// The library's version, such as "0.1.0".
///
/// @return A constant text that is never freed.
/// Threads: any number of calls at once.
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn coopseg_version() -> *const c_char {
    VERSION.as_ptr().cast()
}

/// The ABI version that the library was built with; equal to `COOPSEG_ABI_VERSION` of a fitting header.
///
/// Threads: any number of calls at once.
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn coopseg_abi_version() -> u32 {
    COOPSEG_ABI_VERSION
}

/// Loads libtorch now, where the first call that needs it would. Of no use to most programs: for those that want
/// to say where libtorch is, or to learn at their start whether it can be used.
///
/// libtorch is looked for, in this order: the one that this process has loaded already; `folder`; the folder that
/// the environment variable COOPSEG_LIBTORCH names; LD_LIBRARY_PATH; `coopseg` beside the library; beside the
/// library; the folder that the library was configured with.
///
/// @param folder  The folder of a libtorch, or its `lib` folder. NULL: as the first call would.
/// @return `COOPSEG_OK`, also when it was loaded from there before; `COOPSEG_FILE_NOT_FOUND` (no libtorch in
///         `folder`); `COOPSEG_INVALID_STATE` (libtorch is loaded from another folder);
///         `COOPSEG_LIBTORCH_UNAVAILABLE`; `COOPSEG_LIBTORCH_MISMATCH`.
/// Threads: any number of calls at once.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coopseg_load_libtorch(folder: *const c_char) -> coopseg_status {
    guard(|| {
        runtime::check_libtorch()?;
        // SAFETY: NULL or a zero-ended text by contract.
        match unsafe { optional_path(folder) } {
            Some(folder) => runtime::require_libtorch_of(folder),
            None => Ok(()),
        }
    })
}

/// Describes this build and the libtorch that it runs on.
///
/// @param out_json  Receives a JSON object (version, abi_version, target, libtorch with expected and loaded
///                  version, folder and its acceleration libraries). Free it with `coopseg_string_free`.
/// @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_LIBTORCH_MISMATCH`.
/// Threads: any number of calls at once.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coopseg_build_info(out_json: *mut *mut c_char) -> coopseg_status {
    guard_libtorch(|| {
        require(out_json, "out_json")?;
        // SAFETY: not NULL, writable by contract.
        unsafe { write_json(out_json, &runtime::build_info(COOPSEG_ABI_VERSION)?) }
    })
}

/// Lists the devices that can be used and says why CUDA cannot, where it cannot.
///
/// @param out_json  Receives a JSON object: "devices" (names to use in configurations), "auto" (what "auto"
///                  stands for), "cuda" with "available" and "reason". Free it with `coopseg_string_free`.
/// @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_LIBTORCH_MISMATCH`.
/// Threads: any number of calls at once.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coopseg_devices(out_json: *mut *mut c_char) -> coopseg_status {
    guard_libtorch(|| {
        require(out_json, "out_json")?;
        // SAFETY: not NULL, writable by contract.
        unsafe { write_json(out_json, &runtime::describe_devices()?) }
    })
}

/// Sets how many threads one operation on the CPU may use, and how many read, preprocess and simulate artefacts (as
/// many as there are processors, unless set). Process-wide; the first is shared with other users of libtorch. Unless it is
/// set, here or by the environment variable OMP_NUM_THREADS or MKL_NUM_THREADS, libtorch has its own default, but no more
/// than the processors that this process may use by its affinity and the limit of its container.
///
/// @param count  1 to 4096.
/// @return `COOPSEG_OK`; `COOPSEG_INVALID_ARGUMENT`; `COOPSEG_INVALID_STATE` (more than 1 in a process that was forked
///         from one that had used libtorch); `COOPSEG_LIBTORCH_MISMATCH`.
/// Threads: not while another call of this library runs.
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn coopseg_set_threads(count: i32) -> coopseg_status {
    guard_libtorch(|| runtime::set_threads(count))
}

/// Tells how many threads one operation on the CPU may use.
///
/// @param out_count  Receives the number.
/// @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_LIBTORCH_MISMATCH`.
/// Threads: any number of calls at once.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coopseg_threads(out_count: *mut i32) -> coopseg_status {
    guard_libtorch(|| {
        require(out_count, "out_count")?;
        let count = runtime::threads()?;
        // SAFETY: not NULL, writable by contract.
        unsafe { out_count.write(count) };
        Ok(())
    })
}

/// Sets the seed of models and trainings whose configuration has "seed": null. 0 until it is set.
///
/// @return `COOPSEG_OK`.
/// Threads: any number of calls at once; affects what is made afterwards.
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn coopseg_set_seed(seed: u64) -> coopseg_status {
    guard(|| {
        runtime::set_default_seed(seed);
        Ok(())
    })
}

/// Receives a message of the library.
///
/// @param level      `COOPSEG_LOG_ERROR`, `COOPSEG_LOG_WARNING` or `COOPSEG_LOG_INFO`.
/// @param message    UTF-8, valid during the call.
/// @param user_data  As given to `coopseg_set_log_callback`.
/// It may be called from any thread, also from several at once. It must return normally: no exception and
/// no longjmp may leave it.
pub type coopseg_log_callback =
    Option<unsafe extern "C" fn(level: i32, message: *const c_char, user_data: *mut c_void)>;

/// Sets who hears the library's messages. The library itself never writes to stdout or stderr.
///
/// @param callback   NULL: nobody (the state at the start).
/// @param level      Messages of this level and more severe ones are passed on: `COOPSEG_LOG_ERROR` to
///                   `COOPSEG_LOG_INFO`. Ignored when callback is NULL.
/// @param user_data  Passed to the callback; must stay valid until another callback is set and calls that
///                   run at that moment have returned.
/// @return `COOPSEG_OK`; `COOPSEG_INVALID_ARGUMENT` (level).
/// Threads: any number of calls at once; process-wide.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coopseg_set_log_callback(
    callback: coopseg_log_callback,
    level: i32,
    user_data: *mut c_void,
) -> coopseg_status {
    guard_always(|| {
        let Some(callback) = callback else {
            log::set_listener(None);
            return Ok(());
        };
        let level = level_of(level)?;
        let user_data = UserData(user_data);
        let listener = move |level: log::Level, text: &str| {
            let user_data = user_data.pointer();
            let text = CString::new(text.replace('\0', " ")).unwrap_or_default();
            // SAFETY: the caller says that callback and user_data stay valid and may be used from any thread.
            exit::in_message(|| unsafe { callback(level as i32, text.as_ptr(), user_data) });
        };
        log::set_listener(Some((level, Arc::new(listener))));
        Ok(())
    })
}

fn level_of(level: i32) -> Result<log::Level> {
    match level {
        COOPSEG_LOG_ERROR => Ok(log::Level::Error),
        COOPSEG_LOG_WARNING => Ok(log::Level::Warning),
        COOPSEG_LOG_INFO => Ok(log::Level::Info),
        _ => Err(Error::InvalidArgument(format!(
            "`level` is {level}; expected 1 (error), 2 (warning) or 3 (info)"
        ))),
    }
}

/// The host's pointer, which this library only passes back.
struct UserData(*mut c_void);

impl UserData {
    fn pointer(&self) -> *mut c_void {
        self.0
    }
}

// SAFETY: the pointer is never dereferenced here; the host promises that its callback may use it from any
// thread.
unsafe impl Send for UserData {}
// SAFETY: as above.
unsafe impl Sync for UserData {}
