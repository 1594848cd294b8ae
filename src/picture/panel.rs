//! One slice inside a rectangle of a picture: grey values, labels on top, or a colour map.

use ndarray::ArrayView2;

use super::canvas::{Canvas, Rect};
use super::colour::{Rgb, class_colour, entropy_colour};
use super::resample::Resampler;
use crate::error::Result;
use crate::memory;

/// Opacity of a class inside its contour.
const FILL_OPACITY: f32 = 0.32;

/// The grey values between which a slice is shown: its 1st and 99th percentile of the finite
/// values. A constant slice gets a window around its value, so that it becomes mid-grey.
///
/// # Errors
/// `OutOfMemory`.
pub fn robust_window(slice: ArrayView2<'_, f32>) -> Result<(f32, f32)> {
    let mut values: Vec<f32> = memory::reserve(slice.len(), "the intensities of a slice")?;
    values.extend(slice.iter().filter(|value| value.is_finite()));
    values.sort_unstable_by(f32::total_cmp);
    let percentile =
        |share: f32| values.get((values.len().saturating_sub(1) as f32 * share).round() as usize);
    Ok(match (percentile(0.01), percentile(0.99)) {
        (Some(&low), Some(&high)) if low < high => (low, high),
        (Some(&low), _) => match (values.first(), values.last()) {
            (Some(&first), Some(&last)) if first < last => (first, last),
            _ => (low - 1.0, low + 1.0),
        },
        _ => (0.0, 1.0),
    })
}

/// Draws a slice `[y, x]` in grey, scaled to the rectangle: `window.0` and below is black,
/// `window.1` and above white, what is not finite black.
pub fn draw_image(canvas: &mut Canvas, rect: Rect, slice: ArrayView2<'_, f32>, window: (f32, f32)) {
    let (low, high) = window;
    draw(canvas, rect, slice, |value| {
        let value = value.unwrap_or(low);
        let grey = ((value - low) / (high - low) * 255.0).round().clamp(0.0, 255.0) as u8;
        [grey; 3]
    });
}

/// Draws a map `[y, x]` with the entropy colours, from 0 to `maximum`, scaled to the rectangle.
pub fn draw_map(canvas: &mut Canvas, rect: Rect, map: ArrayView2<'_, f32>, maximum: f32) {
    draw(canvas, rect, map, |value| entropy_colour(value.unwrap_or(0.0) / maximum));
}

fn draw(canvas: &mut Canvas, rect: Rect, slice: ArrayView2<'_, f32>, colour: impl Fn(Option<f32>) -> Rgb) {
    if slice.is_empty() || rect.width == 0 || rect.height == 0 {
        return;
    }
    let resampler = Resampler::new(slice.dim(), (rect.height, rect.width));
    for y in 0..rect.height {
        for x in 0..rect.width {
            canvas.blend(rect.x + x, rect.y + y, colour(resampler.value(slice, y, x)), 1.0);
        }
    }
}

/// Lays classes `[y, x]` over what is in the rectangle: a translucent area with a solid contour on
/// its inner side. Background (0) stays clear.
///
/// Borders are interpolated between the samples, as the grey values are, so that they do not show
/// the steps of the grid.
///
/// # Errors
/// `OutOfMemory`.
pub fn draw_labels(canvas: &mut Canvas, rect: Rect, labels: ArrayView2<'_, u8>) -> Result<()> {
    if labels.is_empty() || rect.width == 0 || rect.height == 0 {
        return Ok(());
    }
    let resampler = Resampler::new(labels.dim(), (rect.height, rect.width));
    let mut shown = memory::filled((rect.height, rect.width), 0, "labels as they are shown")?;
    for ((y, x), class) in shown.indexed_iter_mut() {
        *class = resampler.label(labels, y, x);
    }
    for ((y, x), &class) in shown.indexed_iter().filter(|(_, class)| **class != 0) {
        let opacity = if is_border(shown.view(), y, x, class) { 1.0 } else { FILL_OPACITY };
        canvas.blend(rect.x + x, rect.y + y, class_colour(class), opacity);
    }
    Ok(())
}

/// Whether a neighbour belongs to another class; the picture's edge is no border.
fn is_border(labels: ArrayView2<'_, u8>, y: usize, x: usize, class: u8) -> bool {
    let neighbours = [(y.wrapping_sub(1), x), (y + 1, x), (y, x.wrapping_sub(1)), (y, x + 1)];
    neighbours.into_iter().any(|index| labels.get(index).is_some_and(|&other| other != class))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;
    use ndarray::array;

    const RECT: Rect = Rect { x: 1, y: 2, width: 5, height: 5 };

    #[test]
    fn windows_ignore_outliers_and_survive_odd_slices() {
        let mut slice = Array2::from_shape_fn((20, 20), |(y, x)| (y * 20 + x) as f32);
        slice[[0, 0]] = 1e9;
        slice[[0, 1]] = f32::NAN;
        let (low, high) = robust_window(slice.view()).unwrap();
        assert!(low > 0.0 && low < 10.0 && high > 380.0 && high < 400.0, "{low} {high}");
        assert_eq!(robust_window(array![[3.0, 3.0]].view()).unwrap(), (2.0, 4.0));
        let mut spot = Array2::zeros((20, 20));
        spot[[3, 3]] = 8.0;
        assert_eq!(robust_window(spot.view()).unwrap(), (0.0, 8.0));
        assert_eq!(robust_window(array![[f32::NAN]].view()).unwrap(), (0.0, 1.0));
        assert_eq!(robust_window(Array2::zeros((0, 4)).view()).unwrap(), (0.0, 1.0));
    }

    #[test]
    fn grey_values_follow_the_window() {
        let mut canvas = Canvas::new(8, 8, [7, 7, 7]).unwrap();
        let slice = Array2::from_shape_fn((5, 5), |(y, _)| y as f32);
        draw_image(&mut canvas, RECT, slice.view(), (1.0, 3.0));
        let column: Vec<u8> = (2..7).map(|y| canvas.pixel(3, y).unwrap()[0]).collect();
        assert_eq!(column, [0, 0, 128, 255, 255]);
        assert_eq!(canvas.pixel(0, 2), Some([7, 7, 7]));
        assert_eq!(canvas.pixel(6, 7), Some([7, 7, 7]));
    }

    #[test]
    fn labels_have_a_contour_and_a_translucent_inside() {
        let mut canvas = Canvas::new(8, 8, [0; 3]).unwrap();
        let mut labels = Array2::zeros((5, 5));
        labels.slice_mut(ndarray::s![1..4, 1..4]).fill(2);
        draw_labels(&mut canvas, RECT, labels.view()).unwrap();
        assert_eq!(canvas.pixel(1, 2), Some([0; 3]));
        assert_eq!(canvas.pixel(2, 3), Some(class_colour(2)));
        let inside = canvas.pixel(3, 4).unwrap();
        assert!(inside[2] > 0 && inside[2] < class_colour(2)[2], "{inside:?}");
    }

    #[test]
    fn maps_span_their_range() {
        let mut canvas = Canvas::new(8, 8, [0; 3]).unwrap();
        draw_map(&mut canvas, RECT, array![[0.0, 2.0]].view(), 2.0);
        assert_eq!(canvas.pixel(1, 2), Some(entropy_colour(0.0)));
        assert_eq!(canvas.pixel(5, 2), Some(entropy_colour(1.0)));
        draw_map(&mut canvas, RECT, Array2::zeros((0, 0)).view(), 2.0);
    }
}
