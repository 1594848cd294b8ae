//! Weights on disk: the model file and PyTorch `state_dict` files, read into plain bytes.
//!
//! Both readers treat a file as hostile: what it declares is checked against what is there before
//! memory is reserved, and nothing in it is ever executed.

pub mod container;
pub mod pth;
pub mod published;
mod raw_tensor;
pub mod weights;

pub use raw_tensor::{RawDtype, RawTensor, TensorMap};
