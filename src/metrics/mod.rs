//! How well two segmentations agree.

mod overlap;

pub use overlap::{OverlapCounts, dice, mean_foreground};
