//! Slices of validation cases as pictures within the page.

use crate::error::Result;
use crate::picture::{Canvas, Rect, draw_image, draw_labels};
use crate::train::validation::CaseView;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ndarray::Array2;

/// Longer side of a panel in pixels.
const SIDE: usize = 224;
const GAP: usize = 6;

/// Headings of the panels, from left to right.
pub const PANELS: [&str; 4] = ["image", "reference", "FTN", "FTN+STN"];

/// Image, reference and both segmentations side by side, as a data URI.
pub fn data_uri(view: &CaseView) -> Result<String> {
    let (height, width) = view.image.dim();
    let scale = SIDE as f64 / height.max(width).max(1) as f64;
    let size = |length: usize| ((length as f64 * scale).round() as usize).max(1);
    let (width, height) = (size(width), size(height));
    let mut canvas = Canvas::new(4 * width + 3 * GAP, height, [128; 3])?;
    let labels: [Option<&Array2<u8>>; 4] =
        [None, Some(&view.reference), Some(&view.fast), Some(&view.refined)];
    for (index, labels) in labels.into_iter().enumerate() {
        let rect = Rect { x: index * (width + GAP), y: 0, width, height };
        draw_image(&mut canvas, rect, view.image.view(), (0.0, 1.0));
        if let Some(labels) = labels {
            draw_labels(&mut canvas, rect, labels.view())?;
        }
    }
    Ok(format!("data:image/png;base64,{}", STANDARD.encode(canvas.png()?)))
}
