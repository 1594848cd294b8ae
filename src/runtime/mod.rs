//! Finding and starting libtorch: which version is loaded, which devices there are, how many threads
//! it uses, what it says when something fails. Everything process-wide lives here.

mod build_info;
mod cuda;
mod determinism;
mod device;
mod libtorch;
pub mod log;
mod seed;
mod threads;
mod torch_error;

pub use build_info::build_info;
pub use determinism::use_deterministic_algorithms;
pub use device::{DeviceChoice, describe_devices};
pub use libtorch::start;
pub use seed::{default_seed, set_default_seed};
pub use threads::{set_threads, threads};
