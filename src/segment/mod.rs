//! Two-stage segmentation of whole volumes: fast-thinking network, then correction by the slow-thinking
//! network, back on the image's own grid.

mod changed_pixels;
mod file;
mod host_values;
mod in_order;
mod options;
mod plan;
mod segmenter;
mod slice_result;

pub use file::OutputPaths;
pub use options::SegmenterOptions;
pub use segmenter::{Report, Segmenter};
pub use slice_result::{SliceResult, Wanted};
