//! Results in the caller's memory, written slice by slice.

use super::dtype::{Scalar, with_scalar};
use super::layout::Layout;
use super::{Dtype, MapFormat};
use crate::error::{Error, Result};
use ndarray::ArrayView2;

/// A borrowed output of up to four axes x, y, z and class (or channel), with byte strides.
///
/// It lies on the grid of the image that it belongs to and has no geometry of its own.
#[derive(Debug)]
pub struct ImageViewMut<'a> {
    dtype: Dtype,
    layout: Layout<4>,
    bytes: &'a mut [u8],
}

impl<'a> ImageViewMut<'a> {
    /// Checks a description as it comes from C.
    ///
    /// `shape` and `strides` (in bytes) are in the order x, y, z, class; `ndim` (2 to 4) says how many of
    /// them count, the others are 1. Strides that are all zero mean dense, x fastest. `bytes` begins with
    /// the first element.
    ///
    /// # Errors
    /// [`Error::InvalidShape`] for sizes below 1, negative strides, elements outside of `bytes` and
    /// elements that overlap.
    pub fn new(
        dtype: Dtype,
        ndim: i32,
        shape: [i64; 4],
        strides: [i64; 4],
        bytes: &'a mut [u8],
    ) -> Result<Self> {
        let layout = Layout::new(dtype, ndim, shape, strides, bytes.len())?;
        layout.refuse_overlap(dtype)?;
        Ok(ImageViewMut { dtype, layout, bytes })
    }

    /// Type and shape.
    pub fn format(&self) -> MapFormat {
        MapFormat { dtype: self.dtype, shape: self.layout.shape }
    }

    /// Writes the classes of slice `z`, indexed `[y, x]`, as numbers of the output's type.
    ///
    /// # Errors
    /// [`Error::InvalidShape`] when slice and output differ; [`Error::InvalidArgument`] for a class that
    /// the type cannot hold.
    pub fn write_labels(&mut self, z: usize, labels: ArrayView2<u8>) -> Result<()> {
        let dtype = self.dtype;
        with_scalar!(dtype, T => self.write(z, 0, labels, |class| {
            T::from_class(class).ok_or_else(|| {
                Error::InvalidArgument(format!("class {class} does not fit {}; expected a wider type", dtype.name()))
            })
        }))
    }

    /// Writes slice `z` of class or channel `class` (0 where there is one only), indexed `[y, x]`.
    ///
    /// # Errors
    /// [`Error::InvalidShape`] when slice and output differ; [`Error::InvalidArgument`] when the output is
    /// neither f32 nor f64.
    pub fn write_map(&mut self, z: usize, class: usize, map: ArrayView2<f32>) -> Result<()> {
        match self.dtype {
            Dtype::F32 => self.write(z, class, map, Ok),
            Dtype::F64 => self.write(z, class, map, |value| Ok(f64::from(value))),
            other => Err(Error::InvalidArgument(format!("dtype is {}; expected f32 or f64", other.name()))),
        }
    }

    fn write<U: Copy, T: Scalar>(
        &mut self,
        z: usize,
        class: usize,
        values: ArrayView2<U>,
        convert: impl Fn(U) -> Result<T>,
    ) -> Result<()> {
        let [width, height, slices, classes] = self.layout.shape;
        if values.dim() != (height, width) || z >= slices || class >= classes {
            let (rows, columns) = values.dim();
            return Err(Error::InvalidShape(format!(
                "slice {z} of class {class} with {columns}×{rows} pixels does not fit an output of shape \
                 {width}×{height}×{slices}×{classes}"
            )));
        }
        let [along_x, along_y, along_z, along_class] = self.layout.strides;
        let size = size_of::<T>();
        for (y, row) in values.rows().into_iter().enumerate() {
            let start = class * along_class + z * along_z + y * along_y;
            for (x, &value) in row.iter().enumerate() {
                let at = start + x * along_x;
                let value = convert(value)?;
                if let Some(bytes) = self.bytes.get_mut(at..at + size) {
                    value.store(bytes);
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{Geometry, ImageView};
    use ndarray::{Array2, array};

    fn read(dtype: Dtype, shape: [i64; 3], strides: [i64; 3], bytes: &[u8]) -> ndarray::Array3<f32> {
        ImageView::new(dtype, 3, shape, strides, bytes, Geometry::aligned([1.0; 3]))
            .unwrap()
            .to_f32()
            .unwrap()
    }

    #[test]
    fn labels_are_written_in_every_type() {
        let labels = array![[0u8, 1, 2], [3, 100, 127]];
        for dtype in Dtype::ALL {
            let mut bytes = vec![0x55; 1 + 12 * dtype.size()];
            let shape = [3, 2, 2, 1];
            let mut output = ImageViewMut::new(dtype, 3, shape, [0; 4], &mut bytes[1..]).unwrap();
            output.write_labels(0, Array2::zeros((2, 3)).view()).unwrap();
            output.write_labels(1, labels.view()).unwrap();
            let written = read(dtype, [3, 2, 2], [0; 3], &bytes[1..]);
            assert!(written.index_axis(ndarray::Axis(0), 0).iter().all(|&v| v == 0.0));
            assert_eq!(written.index_axis(ndarray::Axis(0), 1), labels.map(|&v| f32::from(v)));
            assert_eq!(bytes[0], 0x55);
        }
    }

    #[test]
    fn maps_keep_to_their_strides() {
        let map = array![[0.25f32, 0.5], [0.75, 1.0]];
        // Classes interleaved, two unused bytes after every row.
        let strides = [24, 50, 100, 8];
        let mut bytes = vec![0x55; 200];
        let mut output = ImageViewMut::new(Dtype::F64, 4, [2, 2, 2, 3], strides, &mut bytes).unwrap();
        output.write_map(1, 2, map.view()).unwrap();
        let written = read(Dtype::F64, [2, 2, 1], [24, 50, 0], &bytes[116..]);
        assert_eq!(written.index_axis(ndarray::Axis(0), 0), map);
        assert_eq!(bytes.iter().filter(|&&byte| byte != 0x55).count(), 32);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let mut bytes = [0; 12];
        let overlapping = ImageViewMut::new(Dtype::U8, 3, [3, 2, 2, 1], [1, 2, 6, 0], &mut bytes);
        assert!(overlapping.unwrap_err().to_string().contains("overlap"));
        let mut output = ImageViewMut::new(Dtype::I8, 3, [3, 2, 2, 1], [0; 4], &mut bytes).unwrap();
        let slice = Array2::<u8>::from_elem((2, 3), 128);
        assert!(matches!(output.write_labels(0, slice.view()), Err(Error::InvalidArgument(_))));
        assert!(matches!(output.write_labels(0, slice.t()), Err(Error::InvalidShape(_))));
        assert!(matches!(output.write_labels(2, slice.view()), Err(Error::InvalidShape(_))));
        assert!(matches!(
            output.write_map(0, 0, Array2::zeros((2, 3)).view()),
            Err(Error::InvalidArgument(_))
        ));
    }
}
