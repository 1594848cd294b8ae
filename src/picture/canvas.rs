//! A picture in memory.

use std::io::Write;
use std::path::Path;

use super::colour::{Rgb, mix};
use crate::atomic_file;
use crate::error::{Error, Result};

/// Most pixels of one picture; as many take 768 MiB.
const MAX_PIXELS: usize = 1 << 28;

/// A rectangle in pixels; x to the right, y downwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rect {
    /// Left edge.
    pub x: usize,
    /// Upper edge.
    pub y: usize,
    /// Extent along x.
    pub width: usize,
    /// Extent along y.
    pub height: usize,
}

impl Rect {
    /// A rectangle of this size in the middle of this one; what does not fit is cut off.
    pub fn centred(&self, width: usize, height: usize) -> Rect {
        let (width, height) = (width.min(self.width), height.min(self.height));
        let (x, y) = (self.x + (self.width - width) / 2, self.y + (self.height - height) / 2);
        Rect { x, y, width, height }
    }
}

/// An RGB picture with 8 bits per channel. Drawing outside of it does nothing.
#[derive(Clone, Debug)]
pub struct Canvas {
    width: usize,
    height: usize,
    pixels: Vec<Rgb>,
}

impl Canvas {
    /// A picture of one colour.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if it has no or more than 2^28 pixels; [`Error::OutOfMemory`].
    pub fn new(width: usize, height: usize, background: Rgb) -> Result<Self> {
        let size =
            width.checked_mul(height).filter(|size| (1..=MAX_PIXELS).contains(size)).ok_or_else(|| {
                Error::InvalidArgument(format!(
                    "a picture of {width}x{height} pixels; 1 to {MAX_PIXELS} are possible"
                ))
            })?;
        let mut pixels = Vec::new();
        pixels
            .try_reserve_exact(size)
            .map_err(|_| Error::OutOfMemory(format!("a picture of {width}x{height} pixels")))?;
        pixels.resize(size, background);
        Ok(Canvas { width, height, pixels })
    }

    /// Extent along x.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Extent along y.
    pub fn height(&self) -> usize {
        self.height
    }

    /// The colour at a place; `None` outside.
    pub fn pixel(&self, x: usize, y: usize) -> Option<Rgb> {
        if x >= self.width {
            return None;
        }
        self.pixels.get(y.checked_mul(self.width)? + x).copied()
    }

    /// Lays a colour over a pixel; `opacity` from 0 (nothing) to 1 (replaces it).
    pub fn blend(&mut self, x: usize, y: usize, colour: Rgb, opacity: f32) {
        if x >= self.width || y >= self.height {
            return;
        }
        if let Some(pixel) = self.pixels.get_mut(y * self.width + x) {
            *pixel = mix(*pixel, colour, opacity);
        }
    }

    /// Fills a rectangle.
    pub fn fill(&mut self, rect: Rect, colour: Rgb) {
        for y in rect.y..rect.y.saturating_add(rect.height).min(self.height) {
            for x in rect.x..rect.x.saturating_add(rect.width).min(self.width) {
                self.blend(x, y, colour, 1.0);
            }
        }
    }

    /// Writes a PNG file: to a temporary file first, which then takes `path`'s place.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be written.
    pub fn write_png(&self, path: &Path) -> Result<()> {
        let bytes = self.png()?;
        atomic_file::write(path, |file| {
            file.write_all(&bytes).map_err(|error| Error::io(path, "write", error))
        })
    }

    /// The bytes of a PNG file.
    pub fn png(&self) -> Result<Vec<u8>> {
        let side = |length: usize| {
            u32::try_from(length)
                .map_err(|_| Error::InvalidArgument(format!("a picture with a side of {length} pixels")))
        };
        let (width, height) = (side(self.width)?, side(self.height)?);
        let failed = |error| Error::Internal(format!("PNG: {error}"));
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, width, height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_source_srgb(png::SrgbRenderingIntent::Perceptual);
        let mut writer = encoder.write_header().map_err(failed)?;
        writer.write_image_data(self.pixels.as_flattened()).map_err(failed)?;
        writer.finish().map_err(failed)?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawing_stays_inside() {
        let mut canvas = Canvas::new(4, 3, [0; 3]).unwrap();
        canvas.fill(Rect { x: 2, y: 1, width: 9, height: usize::MAX }, [9, 8, 7]);
        canvas.blend(4, 0, [255; 3], 1.0);
        canvas.blend(0, 3, [255; 3], 1.0);
        assert_eq!(canvas.pixel(3, 2), Some([9, 8, 7]));
        assert_eq!(canvas.pixel(1, 2), Some([0; 3]));
        assert_eq!(canvas.pixel(0, 1), Some([0; 3]));
        assert_eq!(canvas.pixel(4, 0), None);
        assert_eq!(canvas.pixel(0, 3), None);
    }

    #[test]
    fn sizes_are_limited() {
        for (width, height) in [(0, 5), (1 << 20, 1 << 20), (usize::MAX, 2)] {
            assert!(matches!(Canvas::new(width, height, [0; 3]), Err(Error::InvalidArgument(_))));
        }
    }

    #[test]
    fn a_png_decodes_to_the_same_pixels() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        let mut canvas = Canvas::new(5, 2, [1, 2, 3]).unwrap();
        canvas.blend(4, 1, [250, 0, 10], 1.0);
        canvas.write_png(&path).unwrap();
        let file = std::io::BufReader::new(std::fs::File::open(&path).unwrap());
        let mut reader = png::Decoder::new(file).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((info.width, info.height, info.color_type), (5, 2, png::ColorType::Rgb));
        assert_eq!(pixels, canvas.pixels.as_flattened());
        let nowhere = folder.path().join("none").join("a.png");
        assert!(canvas.write_png(&nowhere).is_err());
    }
}
