//! How many threads libtorch computes with.

use super::libtorch;
use crate::error::{Error, Result};

const MOST_THREADS: i32 = 4096;

/// Sets the number of threads that one operation on the CPU may use. Process-wide, and shared with any
/// other user of libtorch in the process.
pub fn set_threads(count: i32) -> Result<()> {
    if !(1..=MOST_THREADS).contains(&count) {
        return Err(Error::InvalidArgument(format!("thread count is {count}; expected 1 to {MOST_THREADS}")));
    }
    libtorch::start()?;
    tch::set_num_threads(count);
    Ok(())
}

/// The number of threads that one operation on the CPU may use.
pub fn threads() -> Result<i32> {
    libtorch::start()?;
    Ok(tch::get_num_threads())
}
