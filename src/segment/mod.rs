//! Two-stage segmentation of whole volumes: fast-thinking network, then correction by the slow-thinking
//! network, back on the image's own grid.

mod changed_pixels;
mod file;
mod host_values;
mod in_order;
mod input;
mod on_device;
mod options;
mod outputs;
mod plan;
mod segmenter;
mod slice_result;
mod stages;

pub use file::OutputPaths;
pub use on_device::{DeviceImage, DeviceMaps, DeviceMemory, DeviceOutput};
pub use options::SegmenterOptions;
pub use outputs::{Output, Outputs};
pub use segmenter::{Report, Segmenter};
pub use slice_result::{SliceResult, Wanted};
