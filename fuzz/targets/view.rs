//! Any description of an image or an output in memory: refused in words, or read and written inside its bytes.

#![no_main]

use coopseg::volume::{Dtype, Geometry, ImageView, ImageViewMut};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use ndarray::Array2;

#[derive(Arbitrary, Debug)]
struct Described {
    dtype: i32,
    ndim: i32,
    shape: [i64; 4],
    strides: [i64; 4],
    /// Small sizes, which are accepted more often.
    small: Option<([u8; 4], [u8; 4])>,
    spacing: [f64; 3],
    bytes: Vec<u8>,
}

fuzz_target!(|described: Described| {
    let Described { dtype, ndim, mut shape, mut strides, small, spacing, mut bytes } = described;
    if let Some((sizes, steps)) = small {
        (shape, strides) = (sizes.map(i64::from), steps.map(i64::from));
    }
    let Ok(dtype) = Dtype::try_from(dtype.rem_euclid(12)) else { return };
    let three = |[x, y, z, _]: [i64; 4]| [x, y, z];
    if let Ok(view) =
        ImageView::new(dtype, ndim, three(shape), three(strides), &bytes, Geometry::aligned(spacing))
    {
        // Strides of 0 describe more voxels than there are bytes.
        let voxels = view.shape().iter().try_fold(1usize, |all, &size| all.checked_mul(size));
        if voxels.is_some_and(|voxels| voxels < 1 << 16) {
            let read = view.to_f32().expect("memory for few voxels");
            let [x, y, z] = view.shape();
            assert_eq!(read.dim(), (z, y, x));
            let _ = view.labels(4);
        }
    }
    if let Ok(mut output) = ImageViewMut::new(dtype, ndim, shape, strides, &mut bytes) {
        let [x, y, z, classes] = output.format().shape;
        output.write_labels(z - 1, Array2::from_elem((y, x), 1).view()).expect("labels in their place");
        let map = Array2::from_elem((y, x), 0.5);
        let written = output.write_map(z - 1, classes - 1, map.view());
        assert_eq!(written.is_ok(), matches!(dtype, Dtype::F32 | Dtype::F64));
    }
});
