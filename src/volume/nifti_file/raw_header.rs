//! The 348 bytes of a NIfTI-1 header and changes to single fields of it.
//!
//! A result on an input's grid is written with the input's own bytes, so that whatever describes the grid
//! stays bit for bit as it was.

use nifti::Endianness;

/// Length of the header proper.
pub const HEADER_SIZE: usize = 348;
/// Header and the four bytes that say that no extension follows.
pub const VOXEL_OFFSET: usize = 352;

/// Offsets of the fields that are changed.
const DIM: usize = 40;
const INTENT_PARAMETERS: usize = 56;
const INTENT_CODE: usize = 68;
const DATATYPE: usize = 70;
const BITPIX: usize = 72;
const PIXDIM: usize = 76;
const VOX_OFFSET: usize = 108;
const SCL_SLOPE: usize = 112;
const SCL_INTER: usize = 116;
const XYZT_UNITS: usize = 123;
const CAL_MAX: usize = 124;
const CAL_MIN: usize = 128;
const QFORM_CODE: usize = 252;
const SFORM_CODE: usize = 254;
const QUATERN: usize = 256;
const SROW: usize = 280;
const INTENT_NAME: usize = 328;
const MAGIC: usize = 344;

/// Millimetres, in `xyzt_units`.
const UNITS_MM: u8 = 2;
/// Scanner coordinates, in `qform_code` and `sform_code`.
const SCANNER: i16 = 1;

/// A header as it lies in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawHeader {
    bytes: [u8; HEADER_SIZE],
    endianness: Endianness,
}

/// Type of the voxels of a file that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileType {
    /// uint8.
    Uint8,
    /// float32.
    Float32,
}

/// The fields that place voxels in space, in RAS millimetres.
pub struct Placement {
    /// Rows of the sform.
    pub rows: [[f64; 4]; 3],
    /// Spacing along x, y, z.
    pub spacing: [f64; 3],
    /// b, c, d and qfac of the rotation; none where the axes are not at right angles.
    pub quaternion: Option<[f64; 4]>,
}

impl RawHeader {
    /// The header of a file.
    pub fn new(bytes: [u8; HEADER_SIZE], endianness: Endianness) -> Self {
        RawHeader { bytes, endianness }
    }

    /// A header of our own, in scanner coordinates and millimetres.
    pub fn placed(placement: &Placement) -> Self {
        let mut header = RawHeader { bytes: [0; HEADER_SIZE], endianness: Endianness::Little };
        header.put_i32(0, HEADER_SIZE as i32);
        // "regular", which ANALYZE readers look for.
        header.put(38, b"r");
        header.put(XYZT_UNITS, &[UNITS_MM]);
        for index in 0..8 {
            header.put_f32(PIXDIM + 4 * index, 1.0);
        }
        for (index, spacing) in placement.spacing.into_iter().enumerate() {
            header.put_f32(PIXDIM + 4 * (index + 1), spacing as f32);
        }
        header.put_i16(SFORM_CODE, SCANNER);
        for (index, value) in placement.rows.iter().flatten().enumerate() {
            header.put_f32(SROW + 4 * index, *value as f32);
        }
        if let Some([b, c, d, qfac]) = placement.quaternion {
            header.put_i16(QFORM_CODE, SCANNER);
            header.put_f32(PIXDIM, qfac as f32);
            let offset = placement.rows.map(|row| row[3]);
            for (index, value) in [b, c, d].into_iter().chain(offset).enumerate() {
                header.put_f32(QUATERN + 4 * index, value as f32);
            }
        }
        header
    }

    /// The byte order of this header, and so of the voxels that follow.
    pub fn endianness(&self) -> Endianness {
        self.endianness
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8; HEADER_SIZE] {
        &self.bytes
    }

    /// The header of a file with other voxels on the same grid: `sizes` are those of the axes in use.
    ///
    /// What says where the voxels lie, how they were acquired and the description stay; what is about the
    /// values of the old voxels (scaling, display range, intent) goes.
    #[must_use]
    pub fn with_voxels(mut self, sizes: &[u16], file_type: FileType) -> Self {
        self.put_i16(DIM, sizes.len() as i16);
        for index in 0..7 {
            self.put_i16(DIM + 2 * (index + 1), sizes.get(index).map_or(1, |&size| size as i16));
        }
        if sizes.len() > 3 && self.get_f32(PIXDIM + 16).is_none_or(|step| !(step.is_finite() && step > 0.0)) {
            self.put_f32(PIXDIM + 16, 1.0);
        }
        let (datatype, bits) = match file_type {
            FileType::Uint8 => (2, 8),
            FileType::Float32 => (16, 32),
        };
        self.put_i16(DATATYPE, datatype);
        self.put_i16(BITPIX, bits);
        self.put_f32(VOX_OFFSET, VOXEL_OFFSET as f32);
        self.put_f32(SCL_SLOPE, 1.0);
        self.put_f32(SCL_INTER, 0.0);
        self.put_f32(CAL_MAX, 0.0);
        self.put_f32(CAL_MIN, 0.0);
        self.put(INTENT_PARAMETERS, &[0; 12]);
        self.put_i16(INTENT_CODE, 0);
        self.put(INTENT_NAME, &[0; 16]);
        self.put(MAGIC, b"n+1\0");
        self
    }

    fn put(&mut self, offset: usize, bytes: &[u8]) {
        if let Some(field) = self.bytes.get_mut(offset..offset + bytes.len()) {
            field.copy_from_slice(bytes);
        }
    }

    fn put_i16(&mut self, offset: usize, value: i16) {
        let bytes = if self.is_little() { value.to_le_bytes() } else { value.to_be_bytes() };
        self.put(offset, &bytes);
    }

    fn put_i32(&mut self, offset: usize, value: i32) {
        let bytes = if self.is_little() { value.to_le_bytes() } else { value.to_be_bytes() };
        self.put(offset, &bytes);
    }

    fn put_f32(&mut self, offset: usize, value: f32) {
        let bytes = if self.is_little() { value.to_le_bytes() } else { value.to_be_bytes() };
        self.put(offset, &bytes);
    }

    fn get_f32(&self, offset: usize) -> Option<f32> {
        let bytes: [u8; 4] = self.bytes.get(offset..offset + 4)?.try_into().ok()?;
        Some(if self.is_little() { f32::from_le_bytes(bytes) } else { f32::from_be_bytes(bytes) })
    }

    fn is_little(&self) -> bool {
        self.endianness == Endianness::Little
    }
}
