//! skeleton
pub mod error;
pub mod random;
pub mod volume;
