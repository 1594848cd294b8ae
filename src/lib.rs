//! Cooperative training and two-stage segmentation of medical images.
//!
//! The core behind the C interface in `include/coopseg/coopseg.h`; programs include that header and link
//! `libcoopseg.so` (`loader`), which opens this library. This crate's Rust interface serves its own tests and benchmarks and may change at
//! any time.
//!
//! The method is *Cooperative Training and Latent Space Data Augmentation for Robust Medical Image
//! Segmentation* (Chen et al., MICCAI 2021). `ARCHITECTURE.md` tells what lives where.

#![deny(unsafe_op_in_unsafe_fn, missing_docs)]
// What panics in tch is for tests (scripts/forbid_panics.py).
#![cfg_attr(test, allow(clippy::disallowed_methods))]

pub mod artefact;
pub mod atomic_file;
pub mod augment;
pub mod checkpoint;
pub mod dataset;
pub mod error;
pub mod evaluate;
pub(crate) mod exit;
pub mod ffi;
pub(crate) mod fork;
pub mod image_space;
pub mod latent;
pub mod loss;
pub(crate) mod memory;
pub mod metrics;
pub mod model;
pub mod network;
pub mod parallel;
pub mod phantom;
pub mod picture;
pub mod random;
pub(crate) mod regular_file;
pub mod runtime;
pub mod schema;
pub mod segment;
pub(crate) mod standard_streams;
pub mod train;
pub mod volume;
