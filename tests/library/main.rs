//! Tests of the library through its Rust interface.

// What panics in tch is for tests (scripts/forbid_panics.py).
#![allow(clippy::disallowed_methods)]

mod forward;
mod golden;
mod golden_set;
mod header;
mod switches;
mod training;
mod volumes;
