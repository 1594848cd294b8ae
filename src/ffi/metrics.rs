//! Dice and surface distances.

use super::guard::guard;
use super::image::{self, coopseg_image};
use super::status::coopseg_status;
use super::text::require;
use crate::error::{Error, Result};
use crate::metrics;
use ndarray::Array3;

/// Dice coefficient of two label maps, per class, over all voxels.
///
/// A class that is absent in both is NaN; one that is absent in the reference only is 0. Geometry is not
/// compared.
///
/// @param reference  Class indices, any integer type.
/// @param predicted  Class indices of the same shape.
/// @param classes    Number of classes, background included: 2 to 255.
/// @param out_dice   Receives `classes` values, background first.
/// @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_STRUCT_SIZE`; `COOPSEG_INVALID_ARGUMENT`;
///         `COOPSEG_INVALID_SHAPE`; `COOPSEG_INVALID_GEOMETRY`; `COOPSEG_INVALID_LABEL`.
/// Threads: any number of calls at once.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coopseg_dice(
    reference: *const coopseg_image,
    predicted: *const coopseg_image,
    classes: i32,
    out_dice: *mut f64,
) -> coopseg_status {
    guard(|| {
        require(out_dice, "out_dice")?;
        // SAFETY: images by the caller's contract.
        let LabelMaps { reference, predicted, classes, .. } =
            unsafe { LabelMaps::new(reference, predicted, classes) }?;
        let dice = metrics::dice(reference.view(), predicted.view(), classes)?;
        // SAFETY: `classes` doubles by contract; Rust's and the caller's memory do not overlap.
        unsafe { std::ptr::copy_nonoverlapping(dice.as_ptr(), out_dice, dice.len()) };
        Ok(())
    })
}

/// Distances between the surfaces of two label maps, per class, over the whole volume, in mm.
///
/// A voxel is on the surface when one of its neighbours along an axis is outside of the structure or of the
/// image; distances are between voxel centres and exact (the conventions of MedPy 0.5). A class that is not in both is
/// NaN.
///
/// @param reference  Class indices, any integer type; its spacing counts.
/// @param predicted  Class indices of the same shape.
/// @param classes    Number of classes, background included: 2 to 255.
/// @param out_hd95   Receives `classes` values: 95th percentile of the distances both ways. NULL: not wanted.
/// @param out_assd   Receives `classes` values: mean of the distances both ways. NULL: not wanted.
/// @return As `coopseg_dice`; `COOPSEG_OUT_OF_MEMORY`.
/// Threads: any number of calls at once.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coopseg_surface_distances(
    reference: *const coopseg_image,
    predicted: *const coopseg_image,
    classes: i32,
    out_hd95: *mut f64,
    out_assd: *mut f64,
) -> coopseg_status {
    guard(|| {
        if out_hd95.is_null() && out_assd.is_null() {
            return Err(Error::NullArgument("out_hd95"));
        }
        // SAFETY: images by the caller's contract.
        let LabelMaps { reference, predicted, classes, spacing } =
            unsafe { LabelMaps::new(reference, predicted, classes) }?;
        let distances = metrics::surface_distances(reference.view(), predicted.view(), classes, spacing)?;
        for (index, of_class) in distances.iter().enumerate() {
            for (output, value) in [(out_hd95, of_class.hd95), (out_assd, of_class.assd)] {
                if !output.is_null() {
                    // SAFETY: `classes` doubles by contract.
                    unsafe { output.add(index).write(value) };
                }
            }
        }
        Ok(())
    })
}

/// Two label maps to compare.
struct LabelMaps {
    reference: Array3<u8>,
    predicted: Array3<u8>,
    classes: usize,
    /// Of the reference, in mm.
    spacing: [f64; 3],
}

impl LabelMaps {
    /// # Safety
    /// The images are as [`coopseg_image`] says.
    unsafe fn new(
        reference: *const coopseg_image,
        predicted: *const coopseg_image,
        classes: i32,
    ) -> Result<Self> {
        if !(2..=255).contains(&classes) {
            return Err(Error::InvalidArgument(format!("`classes` is {classes}; expected 2 to 255")));
        }
        let classes = classes.unsigned_abs() as usize;
        // SAFETY: passed on.
        let (reference, predicted) =
            unsafe { (image::view(reference, "reference")?, image::view(predicted, "predicted")?) };
        Ok(LabelMaps {
            spacing: reference.geometry().spacing,
            reference: reference.labels(classes).map_err(|error| error.in_parameter("reference"))?,
            predicted: predicted.labels(classes).map_err(|error| error.in_parameter("predicted"))?,
            classes,
        })
    }
}
