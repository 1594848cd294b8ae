//! Reading and checking a header.

use super::affine;
use super::grid::Grid;
use super::raw_header::{HEADER_SIZE, RawHeader, VOXEL_OFFSET};
use crate::error::{Error, Result};
use crate::volume::Dtype;
use nifti::{Endianness, NiftiHeader, NiftiType};
use std::path::Path;

/// What a file says of its voxels, checked.
#[derive(Clone, Debug)]
pub struct Header {
    pub grid: Grid,
    pub dtype: Dtype,
    /// Number of voxels of one volume.
    pub count: usize,
    /// Number of volumes, along the fourth axis.
    pub frames: usize,
    /// Where the voxels begin.
    pub offset: u64,
    /// Slope and intercept; none where stored values are the values.
    pub scaling: Option<[f64; 2]>,
    /// Whether the bytes of a voxel are in the other order than this machine's.
    pub swapped: bool,
}

impl Header {
    /// Reads the first bytes of a file.
    pub fn parse(path: &Path, bytes: &[u8; HEADER_SIZE]) -> Result<Self> {
        let header = identify(path, bytes)?;
        let (shape, flat, frames) = shape(path, &header)?;
        let dtype = dtype(path, &header)?;
        let count = shape
            .into_iter()
            .try_fold(1usize, usize::checked_mul)
            .filter(|count| count.checked_mul(dtype.size()).is_some_and(|n| n <= isize::MAX as usize))
            .ok_or_else(|| Error::format(path, format!("shape {shape:?} exceeds this machine's memory")))?;
        let geometry = affine::geometry(&header, shape[2]).map_err(|problem| Error::format(path, problem))?;
        Ok(Header {
            grid: Grid { header: RawHeader::new(*bytes, header.endianness), shape, flat, geometry },
            dtype,
            count,
            frames,
            offset: offset(path, &header)?,
            scaling: scaling(path, &header)?,
            swapped: header.endianness != Endianness::native(),
        })
    }
}

fn unsupported(path: &Path, problem: impl Into<String>) -> Error {
    Error::Unsupported { path: path.to_owned(), problem: problem.into() }
}

/// Makes sure that the bytes are a NIfTI-1 header of a single file.
fn identify(path: &Path, bytes: &[u8; HEADER_SIZE]) -> Result<NiftiHeader> {
    let [a, b, c, d, ..] = *bytes;
    let size = [i32::from_le_bytes([a, b, c, d]), i32::from_be_bytes([a, b, c, d])];
    if size.contains(&540) {
        return Err(unsupported(path, "is a NIfTI-2 file; NIfTI-1 files are supported"));
    }
    if !size.contains(&(HEADER_SIZE as i32)) {
        return Err(Error::format(path, "is no NIfTI file: its first four bytes are not the number 348"));
    }
    let [.., m0, m1, m2, m3] = *bytes;
    match &[m0, m1, m2, m3] {
        b"n+1\0" => {}
        b"ni1\0" => {
            return Err(unsupported(
                path,
                "is the header of a .hdr/.img pair; single .nii or .nii.gz files are supported",
            ));
        }
        [0, 0, 0, 0] => return Err(unsupported(path, "is an ANALYZE header; NIfTI-1 files are supported")),
        magic => {
            return Err(Error::format(
                path,
                format!("the magic at byte 344 is \"{}\"; expected \"n+1\"", magic.escape_ascii()),
            ));
        }
    }
    let header = NiftiHeader::from_reader(bytes.as_slice())
        .map_err(|error| Error::format(path, format!("its header cannot be read: {error}")))?;
    // The parser takes the byte order from dim[0]; both must agree.
    if header.sizeof_hdr != HEADER_SIZE as i32 {
        return Err(Error::format(
            path,
            "the number of dimensions, dim[0], is out of range; expected 1 to 7",
        ));
    }
    Ok(header)
}

/// Voxels along x, y, z, whether the file says that it is 2-D, and the number of volumes along the fourth axis, or
/// along the fifth, where the format wants vectors and the fourth, for time, is 1.
fn shape(path: &Path, header: &NiftiHeader) -> Result<([usize; 3], bool, usize)> {
    // dim is signed in the format.
    let [ndim, dims @ ..] = header.dim.map(|size| size as i16);
    let axes = usize::try_from(ndim).ok().and_then(|ndim| dims.get(..ndim)).unwrap_or_default();
    if axes.is_empty() {
        return Err(Error::format(path, format!("dim[0] is {ndim}; expected 2 or 3 dimensions")));
    }
    if let Some((index, size)) = axes.iter().enumerate().find(|(_, size)| **size < 1) {
        return Err(Error::format(path, format!("dim[{}] is {size}; expected at least 1", index + 1)));
    }
    let text = || axes.iter().map(i16::to_string).collect::<Vec<_>>().join("×");
    if axes.iter().skip(3).filter(|&&size| size > 1).count() > 1 || axes.iter().skip(5).any(|&size| size > 1)
    {
        return Err(unsupported(
            path,
            format!(
                "has {} dimensions, shape {}; expected three and one of time or channels",
                axes.len(),
                text()
            ),
        ));
    }
    if axes.len() < 2 {
        return Err(unsupported(path, format!("has one dimension of {}; a 3-D volume is expected", text())));
    }
    let size = |axis: usize| axes.get(axis).map_or(1, |&size| size.unsigned_abs().into());
    Ok(([size(0), size(1), size(2)], axes.len() == 2, size(3).max(size(4))))
}

fn dtype(path: &Path, header: &NiftiHeader) -> Result<Dtype> {
    let stored = header.data_type().map_err(|_| {
        Error::format(path, format!("datatype is {}, which NIfTI-1 does not define", header.datatype))
    })?;
    Ok(match stored {
        NiftiType::Uint8 => Dtype::U8,
        NiftiType::Int8 => Dtype::I8,
        NiftiType::Uint16 => Dtype::U16,
        NiftiType::Int16 => Dtype::I16,
        NiftiType::Uint32 => Dtype::U32,
        NiftiType::Int32 => Dtype::I32,
        NiftiType::Uint64 => Dtype::U64,
        NiftiType::Int64 => Dtype::I64,
        NiftiType::Float32 => Dtype::F32,
        NiftiType::Float64 => Dtype::F64,
        other => {
            return Err(unsupported(
                path,
                format!(
                    "has voxels of type {other:?}; integers of 8 to 64 bits, float32 and float64 are supported"
                ),
            ));
        }
    })
}

fn offset(path: &Path, header: &NiftiHeader) -> Result<u64> {
    let offset = header.vox_offset;
    // Some writers leave it 0 and mean the smallest one.
    if offset == 0.0 {
        return Ok(VOXEL_OFFSET as u64);
    }
    if !(offset >= HEADER_SIZE as f32 && offset.is_finite() && offset.fract() == 0.0) {
        return Err(Error::format(path, format!("vox_offset is {offset}; expected a whole number from 352")));
    }
    Ok(offset as u64)
}

fn scaling(path: &Path, header: &NiftiHeader) -> Result<Option<[f64; 2]>> {
    let [slope, intercept] = [header.scl_slope, header.scl_inter].map(f64::from);
    if slope == 0.0 || !slope.is_finite() {
        return Ok(None);
    }
    if !intercept.is_finite() {
        return Err(Error::format(
            path,
            format!("scl_inter is {intercept} beside a scl_slope of {slope}; expected a finite number"),
        ));
    }
    Ok(Some([slope, intercept]).filter(|scaling| *scaling != [1.0, 0.0]))
}
