//! Tests of the library through its Rust interface.

mod forward;
mod golden;
mod golden_set;
mod header;
mod switches;
mod training;
mod volumes;
