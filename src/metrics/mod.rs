//! How well two segmentations agree, and what many such numbers say.

mod overlap;
mod summary;
mod surface;

pub use overlap::{OverlapCounts, dice, mean_foreground};
pub use summary::{Summary, Wilcoxon, percentile, wilcoxon};
pub use surface::{SurfaceDistances, surface_distances, volumes_ml};
