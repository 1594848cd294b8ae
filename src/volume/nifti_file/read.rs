//! Reading voxels.

use super::grid::Grid;
use super::header::Header;
use super::source::{Source, open};
use crate::error::{Error, Result};
use crate::memory::{out_of_memory, reserve};
use crate::volume::Volume;
use crate::volume::dtype::{Dtype, Scalar, with_scalar};
use ndarray::Array3;
use std::path::Path;

/// Bytes that are unpacked at once; a multiple of every type's size.
const CHUNK: usize = 1 << 18;
/// Voxels for which memory is taken before a compressed file has shown that it holds them.
const ON_TRUST: usize = 1 << 22;
/// How far a label may be from a whole number where it is scaled or floating point: slope and intercept are float32.
const LABEL_TOLERANCE: f64 = 1e-4;
/// Integers that are scaled by less than this hold floating-point labels, rounded to half the slope, as nibabel saves them
/// with the header of an integer file.
const FINE_SLOPE: f64 = 0.1;

/// Reads an image of one volume: `.nii` or `.nii.gz`, 2-D (one slice) or 3-D, integer or floating point, either byte order,
/// with `scl_slope` and `scl_inter` applied.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Io`]; [`Error::Format`] for a file that is truncated, corrupt or no NIfTI
/// file, or whose affine describes no grid; [`Error::Unsupported`] for more than three dimensions, complex or
/// colour voxels, NIfTI-2 and `.hdr`/`.img` pairs; [`Error::OutOfMemory`].
pub fn read_image(path: &Path) -> Result<(Volume<f32>, Grid)> {
    image(path, open_single(path)?, 0)
}

/// Reads one volume of a file that may hold several along its fourth axis, such as the phases of a heartbeat.
/// `frame` counts from 0.
///
/// # Errors
/// As [`read_image`], and [`Error::Format`] for a frame that the file does not have.
pub fn read_image_frame(path: &Path, frame: usize) -> Result<(Volume<f32>, Grid)> {
    image(path, open_frame(path, frame)?, frame)
}

fn image(path: &Path, (source, header): (Source, Header), frame: usize) -> Result<(Volume<f32>, Grid)> {
    let voxels = match header.scaling {
        None => {
            with_scalar!(header.dtype, T => decode(path, source, &header, frame, |value: T, _| Ok(value.to_f32())))
        }
        Some([slope, intercept]) => with_scalar!(header.dtype, T => {
            decode(path, source, &header, frame, |value: T, _| Ok((value.to_f64() * slope + intercept) as f32))
        }),
    }?;
    Ok((Volume { voxels, geometry: header.grid.geometry }, header.grid))
}

/// Reads a label map; the values are those of the file, with `scl_slope` and `scl_inter` applied.
///
/// # Errors
/// As [`read_image`], and [`Error::InvalidLabel`] for a value that is not a whole number or does not fit 32
/// bits, naming file, value and voxel.
pub fn read_labels(path: &Path) -> Result<(Volume<i32>, Grid)> {
    labels(path, open_single(path)?, 0)
}

/// Reads one label map of a file that may hold several along its fourth axis; see [`read_image_frame`].
///
/// # Errors
/// As [`read_labels`] and [`read_image_frame`].
pub fn read_labels_frame(path: &Path, frame: usize) -> Result<(Volume<i32>, Grid)> {
    labels(path, open_frame(path, frame)?, frame)
}

fn labels(path: &Path, (source, header): (Source, Header), frame: usize) -> Result<(Volume<i32>, Grid)> {
    let refuse = |value: String, index: usize| {
        let [width, height, _] = header.grid.shape;
        let (x, y, z) = (index % width, index / width % height, index / width / height);
        Error::InvalidLabel(format!(
            "{}: label {value} at x {x}, y {y}, z {z}; expected a whole number of 32 bits",
            path.display()
        ))
    };
    let voxels = match header.scaling {
        None => with_scalar!(header.dtype, T => decode(path, source, &header, frame, |value: T, index| {
            let label = value.whole().or_else(|| nearly_whole(value.to_f64(), LABEL_TOLERANCE));
            let label = label.and_then(|label| i32::try_from(label).ok());
            label.ok_or_else(|| refuse(value.to_string(), index))
        })),
        Some([slope, intercept]) => {
            let is_rounded = !matches!(header.dtype, Dtype::F32 | Dtype::F64) && slope.abs() < FINE_SLOPE;
            // A little more for the rounding of slope and intercept themselves.
            let tolerance = LABEL_TOLERANCE.max(if is_rounded { 0.51 * slope.abs() } else { 0.0 });
            with_scalar!(header.dtype, T => decode(path, source, &header, frame, |value: T, index| {
                let value = value.to_f64() * slope + intercept;
                let label = nearly_whole(value, tolerance).and_then(|label| i32::try_from(label).ok());
                label.ok_or_else(|| refuse(value.to_string(), index))
            }))
        }
    }?;
    Ok((Volume { voxels, geometry: header.grid.geometry }, header.grid))
}

fn nearly_whole(value: f64, tolerance: f64) -> Option<i128> {
    Some(value.round()).filter(|whole| (value - whole).abs() <= tolerance).and_then(Scalar::whole)
}

/// How many volumes a file holds along its fourth axis.
///
/// # Errors
/// As [`read_image`], except for what only the voxels can show.
pub fn read_frame_count(path: &Path) -> Result<usize> {
    Ok(open(path)?.1.frames)
}

/// Reads the grid of a file without its voxels.
///
/// # Errors
/// As [`read_image`], except for what only the voxels can show.
pub fn read_grid(path: &Path) -> Result<Grid> {
    Ok(open_single(path)?.1.grid)
}

fn open_single(path: &Path) -> Result<(Source, Header)> {
    let (source, header) = open(path)?;
    if header.frames > 1 {
        let [x, y, z] = header.grid.shape;
        return Err(Error::Unsupported {
            path: path.to_owned(),
            problem: format!(
                "has 4 dimensions, shape {x}×{y}×{z}×{}; a 3-D volume is expected",
                header.frames
            ),
        });
    }
    Ok((source, header))
}

fn open_frame(path: &Path, frame: usize) -> Result<(Source, Header)> {
    let (source, header) = open(path)?;
    if frame >= header.frames {
        return Err(Error::format(
            path,
            format!("volume {frame} (from 0) was asked for; the file has {}", header.frames),
        ));
    }
    Ok((source, header))
}

fn decode<T: Scalar, U>(
    path: &Path,
    mut source: Source,
    header: &Header,
    frame: usize,
    mut convert: impl FnMut(T, usize) -> Result<U>,
) -> Result<Array3<U>> {
    let size = size_of::<T>();
    let what = path.display().to_string();
    let trusted = if source.is_compressed() { header.count.min(ON_TRUST) } else { header.count };
    let mut voxels: Vec<U> = reserve(trusted, &what)?;
    let mut buffer: Vec<u8> = reserve(CHUNK, &what)?;
    buffer.resize(CHUNK, 0);
    let before = (frame as u64).checked_mul(header.count as u64 * size as u64);
    let start = before.and_then(|before| before.checked_add(header.offset));
    source.skip_to(start.ok_or_else(|| Error::format(path, "declares more voxels than a file can hold"))?)?;
    while voxels.len() < header.count {
        let expected = (header.count - voxels.len()).min(CHUNK / size);
        let chunk = buffer.get_mut(..expected * size).unwrap_or_default();
        let found = source.fill(chunk)?;
        if found < chunk.len() {
            return Err(Error::format(
                path,
                format!("is truncated: it holds {} of {} voxels", voxels.len() + found / size, header.count),
            ));
        }
        voxels.try_reserve(expected).map_err(|_| out_of_memory::<U>(header.count, &what))?;
        if header.swapped {
            chunk.chunks_exact_mut(size).for_each(<[u8]>::reverse);
        }
        for voxel in chunk.chunks_exact(size) {
            voxels.push(convert(T::load(voxel), voxels.len())?);
        }
    }
    source.finish()?;
    let [width, height, slices] = header.grid.shape;
    Array3::from_shape_vec((slices, height, width), voxels)
        .map_err(|error| Error::Internal(format!("voxels of {what}: {error}")))
}
