//! Writing results.

use super::affine;
use super::grid::{Grid, sizes};
use super::raw_header::{FileType, RawHeader, VOXEL_OFFSET};
use crate::atomic_file;
use crate::error::{Error, Result};
use crate::volume::{Geometry, Volume};
use flate2::Compression;
use flate2::write::GzEncoder;
use ndarray::{Array4, ArrayView, Dimension};
use nifti::Endianness;
use std::io::{BufWriter, Write};
use std::path::Path;

const BUFFER: usize = 1 << 16;

/// Refuses names that do not end in `.nii` or `.nii.gz`.
pub fn check_name(path: &Path) -> Result<()> {
    is_compressed(path).map(|_| ())
}

/// Writes class indices or labels as uint8.
///
/// The file is written whole or not at all, compressed if its name ends in `.gz`. With a grid, the affine, its
/// codes and units are those of the file that the grid was read from, bit for bit, and the geometry of the
/// volume is not looked at; without one, sform and qform are made from the geometry, in scanner coordinates.
///
/// # Errors
/// [`Error::InvalidArgument`] for other names; [`Error::InvalidShape`] for a shape that is not the grid's or
/// that NIfTI-1 cannot hold; [`Error::InvalidGeometry`]; [`Error::NotFound`] for a missing folder;
/// [`Error::Io`].
pub fn write_labels(path: &Path, labels: &Volume<u8>, grid: Option<&Grid>) -> Result<()> {
    let (z, y, x) = labels.voxels.dim();
    let header = header(&labels.geometry, grid, [x, y, z], None, FileType::Uint8)?;
    write(path, &header, labels.voxels.view(), |value| [*value])
}

/// Writes intensities or a map as float32; otherwise as [`write_labels`].
pub fn write_image(path: &Path, image: &Volume<f32>, grid: Option<&Grid>) -> Result<()> {
    let (z, y, x) = image.voxels.dim();
    let header = header(&image.geometry, grid, [x, y, z], None, FileType::Float32)?;
    write(path, &header, image.voxels.view(), float_bytes(&header))
}

/// Writes maps indexed `[channel, z, y, x]` as float32 with the channel as fourth axis; otherwise as
/// [`write_labels`].
pub fn write_channels(
    path: &Path,
    channels: &Array4<f32>,
    geometry: &Geometry,
    grid: Option<&Grid>,
) -> Result<()> {
    let (count, z, y, x) = channels.dim();
    let header = header(geometry, grid, [x, y, z], Some(count), FileType::Float32)?;
    write(path, &header, channels.view(), float_bytes(&header))
}

fn is_compressed(path: &Path) -> Result<bool> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    if name.ends_with(".nii") {
        Ok(false)
    } else if name.ends_with(".nii.gz") {
        Ok(true)
    } else {
        Err(Error::InvalidArgument(format!(
            "{}: expected a name that ends in .nii or .nii.gz",
            path.display()
        )))
    }
}

fn header(
    geometry: &Geometry,
    grid: Option<&Grid>,
    shape: [usize; 3],
    channels: Option<usize>,
    file_type: FileType,
) -> Result<RawHeader> {
    if let Some(grid) = grid {
        return grid.header_for(shape, channels, file_type);
    }
    geometry.validate()?;
    let sizes = sizes(shape.into_iter().chain(channels))?;
    Ok(RawHeader::placed(&affine::placement(geometry)).with_voxels(&sizes, file_type))
}

fn float_bytes(header: &RawHeader) -> impl Fn(&f32) -> [u8; 4] + use<> {
    match header.endianness() {
        Endianness::Little => |value: &f32| value.to_le_bytes(),
        Endianness::Big => |value: &f32| value.to_be_bytes(),
    }
}

fn write<T, D: Dimension, const N: usize>(
    path: &Path,
    header: &RawHeader,
    voxels: ArrayView<T, D>,
    bytes_of: impl Fn(&T) -> [u8; N],
) -> Result<()> {
    let compressed = is_compressed(path)?;
    let content = |target: &mut dyn Write| {
        target.write_all(header.bytes())?;
        target.write_all(&[0; VOXEL_OFFSET - super::raw_header::HEADER_SIZE])?;
        let mut buffer = Vec::with_capacity(BUFFER);
        for voxel in voxels.iter() {
            buffer.extend(bytes_of(voxel));
            if buffer.len() >= BUFFER - N {
                target.write_all(&buffer)?;
                buffer.clear();
            }
        }
        target.write_all(&buffer)
    };
    atomic_file::write(path, |file| {
        let mut file = BufWriter::with_capacity(BUFFER, file);
        let written = if compressed {
            let mut encoder = GzEncoder::new(&mut file, Compression::fast());
            content(&mut encoder).and_then(|()| encoder.finish().map(|_| ()))
        } else {
            content(&mut file)
        };
        written.and_then(|()| file.flush()).map_err(|error| Error::io(path, "write", error))
    })
}
