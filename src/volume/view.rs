//! Images in the caller's memory, read without copying them whole.

use super::dtype::{Scalar, with_scalar};
use super::layout::Layout;
use super::{Dtype, Geometry};
use crate::error::{Error, Result};
use crate::memory::reserve;
use ndarray::{Array2, Array3};

/// A borrowed image: voxels of any scalar type, unaligned if need be, with byte strides.
#[derive(Clone, Copy, Debug)]
pub struct ImageView<'a> {
    dtype: Dtype,
    layout: Layout<3>,
    bytes: &'a [u8],
    geometry: Geometry,
}

impl<'a> ImageView<'a> {
    /// Checks a description as it comes from C.
    ///
    /// `shape` and `strides` (in bytes) are in the order x, y, z; `ndim` is 2 (the third entries are
    /// ignored) or 3. Strides that are all zero mean dense, x fastest; otherwise they may be 0 (the voxels
    /// of that axis are one and the same) but not negative. `bytes` begins with voxel (0, 0, 0).
    ///
    /// # Errors
    /// [`Error::InvalidShape`] for sizes below 1, negative strides, and voxels outside of `bytes`;
    /// [`Error::InvalidGeometry`].
    pub fn new(
        dtype: Dtype,
        ndim: i32,
        shape: [i64; 3],
        strides: [i64; 3],
        bytes: &'a [u8],
        geometry: Geometry,
    ) -> Result<Self> {
        let layout = Layout::new(dtype, ndim, shape, strides, bytes.len())?;
        geometry.validate()?;
        Ok(ImageView { dtype, layout, bytes, geometry })
    }

    /// The type of the voxels.
    pub fn dtype(&self) -> Dtype {
        self.dtype
    }

    /// Number of voxels along x, y, z.
    pub fn shape(&self) -> [usize; 3] {
        self.layout.shape
    }

    /// Where the voxels lie in space.
    pub fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// All voxels, where they lie without gaps and x fastest.
    pub fn dense_bytes(&self) -> Option<&[u8]> {
        let mut next = self.dtype.size();
        for (&size, &stride) in self.layout.shape.iter().zip(&self.layout.strides) {
            if size > 1 && stride != next {
                return None;
            }
            next *= size;
        }
        self.bytes.get(..next)
    }

    /// All intensities, indexed `[z, y, x]`.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn to_f32(&self) -> Result<Array3<f32>> {
        with_scalar!(self.dtype, T => self.collect(|value: T, _| Ok(value.to_f32())))
    }

    /// The intensities of slice `z`, indexed `[y, x]`.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a slice that is not there; [`Error::OutOfMemory`].
    pub fn slice_f32(&self, z: usize) -> Result<Array2<f32>> {
        let [width, height, slices] = self.shape();
        if z >= slices {
            return Err(Error::InvalidArgument(format!(
                "slice {z} is outside of the image, which has {slices} slice(s)"
            )));
        }
        let mut values = reserve(width * height, "a slice")?;
        with_scalar!(self.dtype, T => self.visit(z, |value: T, _| {
            values.push(value.to_f32());
            Ok(())
        }))?;
        Array2::from_shape_vec((height, width), values)
            .map_err(|error| Error::Internal(format!("slice: {error}")))
    }

    /// All class indices, indexed `[z, y, x]`.
    ///
    /// # Errors
    /// [`Error::InvalidLabel`] for the first value that is not a whole number below `classes`, with its
    /// position; [`Error::OutOfMemory`].
    pub fn labels(&self, classes: usize) -> Result<Array3<u8>> {
        with_scalar!(self.dtype, T => self.collect(|value: T, at| class_of(value, classes, at)))
    }

    fn collect<T: Scalar, U>(
        &self,
        mut convert: impl FnMut(T, [usize; 3]) -> Result<U>,
    ) -> Result<Array3<U>> {
        let [width, height, slices] = self.shape();
        let mut values = reserve(width * height * slices, "an image")?;
        for z in 0..slices {
            self.visit(z, |value, at| {
                values.push(convert(value, at)?);
                Ok(())
            })?;
        }
        Array3::from_shape_vec((slices, height, width), values)
            .map_err(|error| Error::Internal(format!("image: {error}")))
    }

    /// Calls `visit` for every voxel of slice `z` with its position, x fastest.
    fn visit<T: Scalar>(&self, z: usize, mut visit: impl FnMut(T, [usize; 3]) -> Result<()>) -> Result<()> {
        let [width, height, _] = self.layout.shape;
        let [along_x, along_y, along_z] = self.layout.strides;
        let size = size_of::<T>();
        for y in 0..height {
            let row = self.bytes.get(z * along_z + y * along_y..).unwrap_or_default();
            if along_x == size {
                for (x, voxel) in row.chunks_exact(size).take(width).enumerate() {
                    visit(T::load(voxel), [x, y, z])?;
                }
            } else {
                for x in 0..width {
                    let start = x * along_x;
                    visit(T::load(row.get(start..start + size).unwrap_or_default()), [x, y, z])?;
                }
            }
        }
        Ok(())
    }
}

fn class_of<T: Scalar>(value: T, classes: usize, [x, y, z]: [usize; 3]) -> Result<u8> {
    let class = value.whole().and_then(|class| u8::try_from(class).ok());
    class.filter(|&class| usize::from(class) < classes).ok_or_else(|| {
        Error::InvalidLabel(format!(
            "label {value} at x {x}, y {y}, z {z}; expected a whole number from 0 to {}",
            classes.saturating_sub(1).min(255)
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn geometry() -> Geometry {
        Geometry::aligned([1.0, 2.0, 3.0])
    }

    /// Voxels 0, 1, 2, … of the type, with one byte before them so that they are not aligned.
    fn unaligned(dtype: Dtype, count: u8) -> Vec<u8> {
        let mut bytes = vec![0xff];
        for class in 0..count {
            with_scalar!(dtype, T => {
                let mut voxel = [0; size_of::<T>()];
                T::from_class(class).unwrap().store(&mut voxel);
                bytes.extend(voxel);
            });
        }
        bytes
    }

    #[test]
    fn every_type_is_read_unaligned() {
        for dtype in Dtype::ALL {
            let bytes = unaligned(dtype, 24);
            let view = ImageView::new(dtype, 3, [4, 3, 2], [0; 3], &bytes[1..], geometry()).unwrap();
            let values = view.to_f32().unwrap();
            assert!(values.iter().copied().eq((0..24).map(|v| v as f32)), "{}", dtype.name());
            assert_eq!(values[[1, 2, 3]], 23.0);
            assert_eq!(view.slice_f32(1).unwrap(), values.index_axis(ndarray::Axis(0), 1));
            assert_eq!(view.labels(24).unwrap().map(|&v| f32::from(v)), values);
        }
    }

    #[test]
    fn strides_give_transposed_cropped_and_repeated_images() {
        let bytes: Vec<u8> = (0..24).collect();
        let read = |shape, strides, start: usize| {
            ImageView::new(Dtype::U8, 3, shape, strides, &bytes[start..], geometry())
                .unwrap()
                .to_f32()
                .unwrap()
        };
        let whole = read([4, 3, 2], [1, 4, 12], 0);
        let transposed = read([2, 3, 4], [12, 4, 1], 0);
        assert_eq!(transposed, whole.t());
        let cropped = read([2, 2, 2], [1, 4, 12], 5);
        assert_eq!(cropped, whole.slice(ndarray::s![.., 1.., 1..3]));
        let every_second = read([2, 3, 1], [2, 4, 0], 0);
        assert_eq!(every_second, whole.slice(ndarray::s![..1, .., ..;2]));
        let repeated = read([4, 1, 5], [1, 0, 0], 0);
        assert!(repeated.outer_iter().all(|slice| slice == whole.slice(ndarray::s![0, ..1, ..])));
    }

    #[test]
    fn labels_outside_the_classes_name_value_and_place() {
        let voxels = [0.0f32, 1.0, 2.0, 3.0, 1.0, 0.0];
        let read = |voxels: &[f32]| {
            let bytes: Vec<u8> = voxels.iter().flat_map(|v| v.to_ne_bytes()).collect();
            ImageView::new(Dtype::F32, 2, [3, 2, 0], [0; 3], &bytes, geometry()).unwrap().labels(4)
        };
        assert_eq!(read(&voxels).unwrap().into_raw_vec_and_offset().0, [0, 1, 2, 3, 1, 0]);
        for wrong in [4.0, -1.0, 0.5, f32::NAN, f32::INFINITY, 1e30] {
            let mut voxels = voxels;
            voxels[4] = wrong;
            let error = read(&voxels).unwrap_err();
            let expected = format!("label {wrong} at x 1, y 1, z 0; expected a whole number from 0 to 3");
            assert!(matches!(&error, Error::InvalidLabel(text) if *text == expected), "{error}");
        }
    }

    #[test]
    fn slices_and_geometry_are_checked() {
        let bytes = [0; 24];
        let view = ImageView::new(Dtype::U8, 3, [4, 3, 2], [0; 3], &bytes, geometry()).unwrap();
        assert!(matches!(view.slice_f32(2), Err(Error::InvalidArgument(_))));
        let broken = Geometry::aligned([1.0, f64::NAN, 1.0]);
        let error = ImageView::new(Dtype::U8, 3, [4, 3, 2], [0; 3], &bytes, broken).unwrap_err();
        assert!(matches!(error, Error::InvalidGeometry(_)));
    }

    #[test]
    fn memory_that_cannot_be_had_is_an_error() {
        let shape = [1 << 30, 1 << 30, 1];
        let view = ImageView::new(Dtype::U8, 3, shape, [0, 1 << 10, 0], &[0; 1 << 10], geometry());
        assert!(matches!(view, Err(Error::InvalidShape(_))));
        let view = ImageView::new(Dtype::U8, 3, [1 << 30, 1, 1 << 30], [1, 0, 0], &[0; 8], geometry());
        assert!(matches!(view, Err(Error::InvalidShape(_))));
        let bytes = [0; 8];
        let view =
            ImageView::new(Dtype::U8, 3, [8, 1 << 28, 1 << 28], [1, 0, 0], &bytes, geometry()).unwrap();
        assert!(matches!(view.to_f32(), Err(Error::OutOfMemory(_))));
    }

    proptest! {
        #[test]
        fn any_accepted_layout_reads_the_bytes_that_it_names(
            shape in prop::array::uniform3(1i64..5),
            strides in prop::array::uniform3(0i64..30),
            bytes in prop::collection::vec(any::<u8>(), 200..400),
        ) {
            if let Ok(view) = ImageView::new(Dtype::I16, 3, shape, strides, &bytes, geometry()) {
                let strides = view.layout.strides;
                for ((z, y, x), value) in view.to_f32().unwrap().indexed_iter() {
                    let at = x * strides[0] + y * strides[1] + z * strides[2];
                    prop_assert_eq!(*value, f32::from(i16::from_ne_bytes([bytes[at], bytes[at + 1]])));
                }
            }
        }
    }
}
