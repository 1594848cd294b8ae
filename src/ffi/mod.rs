//! The C interface: the only place with C types. One file per noun.
//!
//! Raw pointers, integers and texts are turned into checked Rust values here, once; nothing else in the
//! crate imports this module. Every fallible function runs inside [`guard`], so that no panic crosses the
//! boundary. The comments of public items become the generated header.

#![allow(non_camel_case_types, reason = "the types have the names that C sees")]
#![allow(
    clippy::missing_safety_doc,
    reason = "the comments are the C header's; they state the contract parameter by parameter"
)]

mod artefact;
mod borrowed_case;
mod config;
mod cpu_cache;
mod dataset;
mod evaluation;
mod event;
mod guard;
mod hard_example;
mod image;
mod last_error;
mod library;
mod metrics;
mod model;
mod overview;
mod registry;
mod segmenter;
mod status;
mod text;
mod trainer;
mod volume;

pub use artefact::*;
pub use config::*;
pub use cpu_cache::*;
pub use dataset::*;
pub use evaluation::*;
pub use event::*;
pub use hard_example::*;
pub use image::*;
pub use last_error::*;
pub use library::*;
pub use metrics::*;
pub use model::*;
pub use overview::*;
pub use registry::coopseg_live_handles;
pub use segmenter::*;
pub use status::*;
pub use text::coopseg_string_free;
pub use trainer::*;
pub use volume::*;
