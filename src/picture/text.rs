//! Text in a picture, with the glyphs of Noto Sans Mono.

use noto_sans_mono_bitmap::{FontWeight, RasterHeight, get_raster, get_raster_width};

use super::canvas::Canvas;
use super::colour::Rgb;

const SIZE: RasterHeight = RasterHeight::Size20;
/// Pixels from one line to the next.
pub const LINE_HEIGHT: usize = SIZE.val();

/// How text is drawn.
#[derive(Clone, Copy, Debug)]
pub struct TextStyle {
    /// Colour of the strokes.
    pub colour: Rgb,
    /// Heavier strokes of the same width.
    pub bold: bool,
}

/// Width of one line of text in pixels.
pub fn text_width(text: &str) -> usize {
    text.chars().count() * get_raster_width(FontWeight::Regular, SIZE)
}

/// The text, shortened with "..." where it is wider than `width` pixels.
pub fn fit_text(text: &str, width: usize) -> String {
    if text_width(text) <= width {
        return text.to_owned();
    }
    let room = width / text_width(" ").max(1);
    let kept: String = text.chars().take(room.saturating_sub(3)).collect();
    format!("{}{:.*}", kept.trim_end(), room.min(3), "...")
}

/// Draws one line of text whose upper left corner is (x, y). Latin-1 letters have glyphs; other
/// characters become question marks, control characters spaces.
pub fn draw_text(canvas: &mut Canvas, x: usize, y: usize, text: &str, style: TextStyle) {
    let weight = if style.bold { FontWeight::Bold } else { FontWeight::Regular };
    let advance = get_raster_width(FontWeight::Regular, SIZE);
    for (position, character) in text.chars().enumerate() {
        let character = if character.is_control() { ' ' } else { character };
        let Some(glyph) = get_raster(character, weight, SIZE).or_else(|| get_raster('?', weight, SIZE))
        else {
            continue;
        };
        for (row, strokes) in glyph.rows().enumerate() {
            for (column, &coverage) in strokes.iter().enumerate().filter(|(_, coverage)| **coverage > 0) {
                let opacity = f32::from(coverage) / 255.0;
                canvas.blend(x + position * advance + column, y + row, style.colour, opacity);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ink(text: &str, bold: bool) -> usize {
        let mut canvas = Canvas::new(200, LINE_HEIGHT, [0; 3]).unwrap();
        draw_text(&mut canvas, 0, 0, text, TextStyle { colour: [255; 3], bold });
        (0..200 * LINE_HEIGHT).map(|i| usize::from(canvas.pixel(i % 200, i / 200).unwrap()[0])).sum()
    }

    #[test]
    fn letters_leave_ink() {
        assert_eq!(ink("  \n", false), 0);
        assert!(ink("Höhe", false) > ink("Ho", false));
        assert!(ink("FTN", true) > ink("FTN", false));
        assert_eq!(ink("心", false), ink("?", false));
    }

    #[test]
    fn text_is_cut_at_the_edge_without_harm() {
        let mut canvas = Canvas::new(10, 5, [0; 3]).unwrap();
        draw_text(&mut canvas, 6, 2, "clipped", TextStyle { colour: [255; 3], bold: false });
        assert_eq!(canvas.pixel(0, 0), Some([0; 3]));
    }

    #[test]
    fn long_text_is_shortened() {
        let letter = text_width("x");
        assert_eq!(fit_text("patient", 7 * letter), "patient");
        assert_eq!(fit_text("patient 007", 8 * letter), "patie...");
        assert_eq!(fit_text("patient", 2 * letter), "..");
        assert_eq!(fit_text("patient", 0), "");
        for width in 0..200 {
            assert!(text_width(&fit_text("a title with several words", width)) <= width);
        }
    }
}
