//! CUDA on demand: the library links only libtorch's CPU part and loads the CUDA part where it is.

use super::log;
use super::warnings::with_last_warning;
use once_cell::sync::OnceCell;
use std::ffi::{CStr, CString, c_void};
use std::path::{Path, PathBuf};

static LOADED: OnceCell<std::result::Result<(), String>> = OnceCell::new();

/// Tries, once per process, to load `libtorch_cuda.so` from the folder that libtorch itself came from.
/// The reason why that failed is kept for [`unavailable_reason`].
pub fn load() -> std::result::Result<(), String> {
    LOADED.get_or_init(try_load).clone()
}

/// Why CUDA cannot be used, or `None` when it can.
pub fn unavailable_reason() -> Option<String> {
    match load() {
        Err(reason) => Some(reason),
        Ok(()) => match devices() {
            (1.., _) => None,
            (_, "") => {
                Some("libtorch's CUDA library is loaded but the driver reports no usable device".to_owned())
            }
            (_, warning) => Some(format!(
                "libtorch's CUDA library is loaded but the driver reports no usable device: {warning}"
            )),
        },
    }
}

/// How many devices CUDA can use; 0 before [`load`].
pub fn device_count() -> i64 {
    devices().0
}

static DEVICES: OnceCell<(i64, String)> = OnceCell::new();

/// Whether there is a device that anybody has asked for.
pub fn is_used() -> bool {
    DEVICES.get().is_some_and(|(count, _)| *count > 0)
}

/// The devices, counted once, and what libtorch warned of meanwhile, which it does the first time only.
fn devices() -> (i64, &'static str) {
    if LOADED.get().is_none_or(std::result::Result::is_err) {
        return (0, "");
    }
    let _held = DEVICES.get().is_none().then(log::Hold::begin);
    let (count, warning) = DEVICES.get_or_init(|| with_last_warning(tch::Cuda::device_count));
    (*count, warning)
}

/// The folder that holds the `libtorch_cpu.so` of this process.
pub fn libtorch_folder() -> Option<PathBuf> {
    let symbol = c"aoti_torch_abi_version";
    // SAFETY: both calls only read; `info` is written by dladdr before it is read, and dli_fname is a
    // C string owned by the dynamic loader for as long as the library is loaded, which is for ever.
    let file = unsafe {
        let address = libc::dlsym(libc::RTLD_DEFAULT, symbol.as_ptr());
        let address = if address.is_null() { torch_symbol() } else { address };
        let mut info: libc::Dl_info = std::mem::zeroed();
        if libc::dladdr(address, &mut info) == 0 || info.dli_fname.is_null() {
            return None;
        }
        CStr::from_ptr(info.dli_fname)
    };
    Path::new(file.to_str().ok()?).canonicalize().ok()?.parent().map(Path::to_owned)
}

/// An address inside libtorch_cpu that is known without asking the loader's global scope, which does
/// not see libtorch when the host opened this library with RTLD_LOCAL.
fn torch_symbol() -> *const c_void {
    unsafe extern "C" {
        fn aoti_torch_abi_version() -> u64;
    }
    aoti_torch_abi_version as *const c_void
}

fn try_load() -> std::result::Result<(), String> {
    let folder = libtorch_folder().ok_or("the folder of libtorch_cpu.so could not be found")?;
    let library = folder.join("libtorch_cuda.so");
    if !library.exists() {
        return Err(format!("{} does not exist (a CPU-only libtorch)", library.display()));
    }
    let path = CString::new(library.as_os_str().as_encoded_bytes())
        .map_err(|_| format!("{} holds a zero byte", library.display()))?;
    // SAFETY: loading runs libtorch_cuda's initialisers, which is what they are for; the path is a valid
    // C string. dlerror is read at once on the same thread.
    unsafe {
        if !libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_GLOBAL).is_null() {
            return Ok(());
        }
        let text = libc::dlerror();
        let reason = if text.is_null() {
            "unknown reason".to_owned()
        } else {
            CStr::from_ptr(text).to_string_lossy().into_owned()
        };
        Err(format!("libtorch's CUDA library cannot be loaded: {reason}"))
    }
}
