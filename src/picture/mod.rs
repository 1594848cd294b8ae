//! Pictures for people: slices with their segmentations as PNG files. No libtorch here.

mod canvas;
mod colour;
mod overview;
mod panel;
mod resample;
mod text;

pub use canvas::{Canvas, Rect};
pub use colour::{Rgb, class_colour, entropy_colour};
pub use overview::{OverviewRow, write_overview};
pub use panel::{draw_image, draw_labels, draw_map, robust_window};
pub use text::{LINE_HEIGHT, TextStyle, draw_text, fit_text, text_width};
