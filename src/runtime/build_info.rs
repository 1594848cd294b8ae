//! What this library is and what it runs on.

use super::{cuda, libtorch};
use crate::error::Result;
use serde_json::{Value, json};

/// Version, ABI, libtorch and target of this build.
pub fn build_info(abi_version: u32) -> Result<Value> {
    libtorch::start()?;
    Ok(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "abi_version": abi_version,
        "target": format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS),
        "libtorch": {
            "expected": libtorch::EXPECTED_VERSION,
            "loaded": libtorch::version_text(libtorch::loaded_version()),
            "folder": cuda::libtorch_folder().map(|folder| folder.display().to_string()),
            "openmp": tch::utils::has_openmp(),
            "mkl": tch::utils::has_mkl(),
            "onednn": tch::utils::has_mkldnn(),
        },
    }))
}
