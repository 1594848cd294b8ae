//! The first contact with libtorch in this process.

use super::{cpu_cache, cuda, log, threads};
use crate::error::{Error, Result};
use once_cell::sync::OnceCell;
use std::path::Path;

/// The libtorch version that the bindings were generated for.
pub const EXPECTED_VERSION: &str = "2.11";
const EXPECTED_MAJOR_MINOR: u64 = 0x020b;

unsafe extern "C" {
    /// Part of libtorch's stable C interface: major, minor and patch in the three highest bytes.
    fn aoti_torch_abi_version() -> u64;
}

static STARTED: OnceCell<std::result::Result<(), String>> = OnceCell::new();

/// Checks the libtorch of this process and makes CUDA available where it is. Called before anything
/// else touches libtorch; only the first call does work, in a process that was forked its own first one.
///
/// # Errors
/// `TorchMismatch` when another version of libtorch was found first, on every call.
pub fn start() -> Result<()> {
    let _held = STARTED.get().is_none().then(log::Hold::begin);
    STARTED
        .get_or_init(|| {
            check_version(loaded_version())?;
            // libtorch remembers the answer to its first question about CUDA, so CUDA comes first.
            match cuda::load() {
                Ok(()) => log::info("libtorch's CUDA library is loaded"),
                Err(reason) => log::info(&format!("CPU only: {reason}")),
            }
            cpu_cache::install();
            threads::fit_to_processors();
            Ok(())
        })
        .clone()
        .map_err(Error::TorchMismatch)?;
    threads::keep_to_this_process();
    Ok(())
}

/// Refuses another version of libtorch; starts nothing.
///
/// # Errors
/// `TorchMismatch`.
pub fn check() -> Result<()> {
    check_version(loaded_version()).map_err(Error::TorchMismatch)
}

/// Refuses every other libtorch than that of `folder`, which holds it or has it in `lib`.
///
/// # Errors
/// `NotFound` where `folder` has none; `InvalidState` when the one of this process is from elsewhere.
pub fn require_libtorch_of(folder: &Path) -> Result<()> {
    let given = [folder.join("lib"), folder.to_owned()]
        .iter()
        .find_map(|folder| folder.join("libtorch_cpu.so").canonicalize().ok());
    let Some(given) = given else {
        return Err(Error::NotFound { path: folder.join("lib/libtorch_cpu.so") });
    };
    let loaded = cuda::libtorch_folder();
    if loaded.as_deref() == given.parent() {
        return Ok(());
    }
    Err(Error::InvalidState(format!(
        "`folder` is {}, but this process has loaded the libtorch of {} already",
        folder.display(),
        loaded.as_deref().unwrap_or(Path::new("an unknown folder")).display()
    )))
}

/// The version word of the libtorch that this process runs.
pub fn loaded_version() -> u64 {
    // SAFETY: a function of libtorch_cpu without arguments that returns a constant.
    unsafe { aoti_torch_abi_version() }
}

/// `major.minor.patch` of a version word.
pub fn version_text(word: u64) -> String {
    format!("{}.{}.{}", word >> 56, (word >> 48) & 0xff, (word >> 40) & 0xff)
}

fn check_version(word: u64) -> std::result::Result<(), String> {
    if word >> 48 == EXPECTED_MAJOR_MINOR {
        return Ok(());
    }
    Err(format!(
        "this process has loaded libtorch {}, but coopseg was built for libtorch {EXPECTED_VERSION}; \
         load libtorch {EXPECTED_VERSION} first or keep the other one out of the process",
        version_text(word)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_version_is_refused_with_both_versions_named() {
        let message = check_version(0x020a_0100_0000_0000).unwrap_err();
        assert!(message.contains("2.10.1") && message.contains("2.11"), "{message}");
        assert!(check_version(0x020b_0000_0000_0000).is_ok());
    }

    #[test]
    fn the_linked_libtorch_is_accepted() {
        assert_eq!(version_text(loaded_version()), "2.11.0");
        start().unwrap();
    }
}
