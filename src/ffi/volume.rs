//! NIfTI volumes in the library's memory, for hosts without a reader of their own.

use super::guard::{guard, guard_always};
use super::image::{self, COOPSEG_F32, COOPSEG_I32, COOPSEG_MEMORY_HOST, COOPSEG_U8, coopseg_image};
use super::registry;
use super::status::coopseg_status;
use super::text::{path, require};
use crate::volume::{Geometry, Volume, nifti_file};
use ndarray::Array3;
use std::ffi::c_char;

/// An image or label map read from a file. It never changes.
pub struct coopseg_volume {
    _private: [u8; 0],
}

/// What a file holds.
pub enum LoadedVolume {
    /// Intensities.
    Image(Volume<f32>),
    /// Raw label values.
    Labels(Volume<i32>),
    /// Class indices.
    Classes(Volume<u8>),
}

/// Reads a NIfTI image as 32-bit floating point, with scl_slope and scl_inter applied.
///
/// @param file        Path of a .nii or .nii.gz file, 2-D or 3-D.
/// @param out_volume  Receives the handle. Free it with `coopseg_volume_free`.
/// @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_FILE_NOT_FOUND`; `COOPSEG_FILE_IO`;
///         `COOPSEG_FILE_FORMAT`; `COOPSEG_FILE_UNSUPPORTED`; `COOPSEG_OUT_OF_MEMORY`.
/// Threads: any number of calls at once.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coopseg_volume_read(
    file: *const c_char,
    out_volume: *mut *mut coopseg_volume,
) -> coopseg_status {
    guard(|| {
        require(out_volume, "out_volume")?;
        // SAFETY: zero-ended text or NULL by contract.
        let (volume, _) = nifti_file::read_image(unsafe { path(file, "file") }?)?;
        let volume = registry::insert(LoadedVolume::Image(volume));
        // SAFETY: not NULL, writable by contract.
        unsafe { out_volume.write(volume) };
        Ok(())
    })
}

/// Reads a NIfTI label map as 32-bit integers.
///
/// @param file        Path of a .nii or .nii.gz file, 2-D or 3-D, whose values are whole numbers.
/// @param out_volume  Receives the handle. Free it with `coopseg_volume_free`.
/// @return As `coopseg_volume_read`, and `COOPSEG_INVALID_LABEL` for a value that is not a whole number.
/// Threads: any number of calls at once.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coopseg_volume_read_labels(
    file: *const c_char,
    out_volume: *mut *mut coopseg_volume,
) -> coopseg_status {
    guard(|| {
        require(out_volume, "out_volume")?;
        // SAFETY: zero-ended text or NULL by contract.
        let (volume, _) = nifti_file::read_labels(unsafe { path(file, "file") }?)?;
        let volume = registry::insert(LoadedVolume::Labels(volume));
        // SAFETY: not NULL, writable by contract.
        unsafe { out_volume.write(volume) };
        Ok(())
    })
}

/// Describes a volume's voxels and their place in space.
///
/// @param volume     Shared use.
/// @param out_image  Receives a description whose data lies in the volume: valid until the volume is freed, not
///                   to be written. Dense; `COOPSEG_F32` for images, `COOPSEG_I32` for label files, `COOPSEG_U8` for
///                   class indices.
/// @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`.
/// Threads: any number of calls at once.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coopseg_volume_image(
    volume: *const coopseg_volume,
    out_image: *mut coopseg_image,
) -> coopseg_status {
    guard(|| {
        require(out_image, "out_image")?;
        let volume = registry::get(volume, "volume")?;
        let image = match volume.as_ref() {
            LoadedVolume::Image(volume) => describe(&volume.voxels, &volume.geometry, COOPSEG_F32),
            LoadedVolume::Labels(volume) => describe(&volume.voxels, &volume.geometry, COOPSEG_I32),
            LoadedVolume::Classes(volume) => describe(&volume.voxels, &volume.geometry, COOPSEG_U8),
        };
        // SAFETY: not NULL, writable by contract.
        unsafe { out_image.write(image) };
        Ok(())
    })
}

/// Writes an image in the caller's memory as 32-bit floating point NIfTI file, with sform and qform from its
/// geometry. The file is written whole or not at all.
///
/// @param image  2-D or 3-D, any type.
/// @param file   Path ending in .nii or .nii.gz; an existing file is replaced.
/// @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_STRUCT_SIZE`; `COOPSEG_INVALID_ARGUMENT` (also
///         a path that is a folder or a special file); `COOPSEG_INVALID_SHAPE`; `COOPSEG_INVALID_GEOMETRY`;
///         `COOPSEG_FILE_NOT_FOUND` (of the folder); `COOPSEG_FILE_IO`; `COOPSEG_OUT_OF_MEMORY`.
/// Threads: any number of calls at once, with different files.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coopseg_image_write(
    image: *const coopseg_image,
    file: *const c_char,
) -> coopseg_status {
    guard(|| {
        // SAFETY: image and text by the caller's contract.
        let (image, file) = unsafe { (image::view(image, "image")?, path(file, "file")?) };
        let volume = Volume { voxels: image.to_f32()?, geometry: *image.geometry() };
        nifti_file::write_image(file, &volume, None)
    })
}

/// Frees a volume; descriptions of its data become invalid.
///
/// @param volume  NULL does nothing.
/// @return `COOPSEG_OK`; `COOPSEG_INVALID_HANDLE` (freed already, or not a volume).
/// Threads: any number of calls at once; not while the volume's data is in use.
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn coopseg_volume_free(volume: *mut coopseg_volume) -> coopseg_status {
    guard_always(|| registry::remove(volume, "volume"))
}

fn describe<T>(voxels: &Array3<T>, geometry: &Geometry, dtype: i32) -> coopseg_image {
    let (z, y, x) = voxels.dim();
    let [a, b, c] = geometry.direction;
    coopseg_image {
        struct_size: size_of::<coopseg_image>(),
        dtype,
        ndim: 3,
        shape: [x as i64, y as i64, z as i64],
        strides: [0; 3],
        spacing: geometry.spacing,
        origin: geometry.origin,
        direction: [a[0], a[1], a[2], b[0], b[1], b[2], c[0], c[1], c[2]],
        data: voxels.as_ptr().cast(),
        data_size: voxels.len() * size_of::<T>(),
        memory: COOPSEG_MEMORY_HOST,
        device_index: 0,
    }
}
