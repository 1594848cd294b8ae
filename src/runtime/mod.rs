//! Finding and starting libtorch: which version is loaded, which devices there are, how many threads
//! it uses, how it allocates, what it says when something fails, and those of its operators that tch
//! does not reach. Everything process-wide lives here.

mod build_info;
pub mod cpu_cache;
mod cuda;
mod cuda_graph;
mod determinism;
mod device;
mod libtorch;
pub mod log;
mod modes;
mod native;
mod normal;
mod normalisation;
pub mod operators;
mod repeated;
mod scalar_operators;
mod seed;
mod threads;
mod torch_error;
mod trained_convolution;
mod upload;
mod warnings;
mod winograd;

pub use build_info::build_info;
pub use cuda::is_used as cuda_is_used;
pub use cuda_graph::{GraphMemory, OwnStream, OwnStreams};
pub use determinism::use_deterministic_algorithms;
pub use device::{DeviceChoice, describe_devices, device_name};
pub use libtorch::{check as check_libtorch, require_libtorch_of, start};
pub use modes::PlainModes;
pub use normal::{normal, normal_like};
pub use normalisation::FusedNormalisation;
pub use repeated::{Repeated, Results};
pub use scalar_operators::ScalarOperators;
pub use seed::{default_seed, set_default_seed};
pub use threads::{Lane, set_threads, slice_pool, threads};
pub use trained_convolution::{DoubledConvolution, TrainedConvolution};
pub use upload::{page_locked, upload};
pub use warnings::HeardWarnings;
pub use winograd::WinogradConvolution;
