//! Tensors as named bytes, without libtorch.

use std::collections::BTreeMap;

use half::{bf16, f16};

use crate::error::{Error, Result};

/// Tensors by name, in name order.
pub type TensorMap = BTreeMap<String, RawTensor>;

/// The element types that weights come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RawDtype {
    /// IEEE 754 single precision.
    F32,
    /// IEEE 754 double precision.
    F64,
    /// IEEE 754 half precision.
    F16,
    /// bfloat16: the upper half of a single precision number.
    BF16,
    /// Signed 64-bit integer.
    I64,
    /// Signed 32-bit integer.
    I32,
    /// Signed 16-bit integer.
    I16,
    /// Signed 8-bit integer.
    I8,
    /// Unsigned 8-bit integer.
    U8,
    /// One byte, 0 for false, anything else for true.
    Bool,
}

impl RawDtype {
    /// Bytes of one element.
    pub const fn size(self) -> usize {
        match self {
            RawDtype::F64 | RawDtype::I64 => 8,
            RawDtype::F32 | RawDtype::I32 => 4,
            RawDtype::F16 | RawDtype::BF16 | RawDtype::I16 => 2,
            RawDtype::I8 | RawDtype::U8 | RawDtype::Bool => 1,
        }
    }

    /// The name as safetensors writes it.
    pub const fn name(self) -> &'static str {
        match self {
            RawDtype::F32 => "F32",
            RawDtype::F64 => "F64",
            RawDtype::F16 => "F16",
            RawDtype::BF16 => "BF16",
            RawDtype::I64 => "I64",
            RawDtype::I32 => "I32",
            RawDtype::I16 => "I16",
            RawDtype::I8 => "I8",
            RawDtype::U8 => "U8",
            RawDtype::Bool => "BOOL",
        }
    }
}

/// A dense tensor: little-endian elements in row-major order (last axis fastest).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawTensor {
    /// Element type.
    pub dtype: RawDtype,
    /// Extent of every axis; empty for a scalar.
    pub shape: Vec<i64>,
    /// The elements; `numel() * dtype.size()` bytes.
    pub bytes: Vec<u8>,
}

impl RawTensor {
    /// A tensor of these bytes.
    ///
    /// # Errors
    /// [`Error::InvalidShape`] if an extent is negative, the size overflows or `bytes` has another
    /// length than the shape and element type ask for.
    pub fn new(dtype: RawDtype, shape: Vec<i64>, bytes: Vec<u8>) -> Result<Self> {
        let tensor = RawTensor { dtype, shape, bytes };
        tensor.check()?;
        Ok(tensor)
    }

    /// A single precision tensor of these values.
    ///
    /// # Errors
    /// As [`RawTensor::new`].
    pub fn from_f32(shape: Vec<i64>, values: &[f32]) -> Result<Self> {
        Self::new(RawDtype::F32, shape, values.iter().flat_map(|value| value.to_le_bytes()).collect())
    }

    /// Number of elements that `bytes` holds.
    pub fn numel(&self) -> usize {
        self.bytes.len() / self.dtype.size()
    }

    /// Whether shape, element type and bytes fit each other.
    ///
    /// # Errors
    /// [`Error::InvalidShape`] as for [`RawTensor::new`].
    pub fn check(&self) -> Result<()> {
        let expected = element_count(&self.shape).and_then(|count| count.checked_mul(self.dtype.size()));
        if expected == Some(self.bytes.len()) {
            return Ok(());
        }
        Err(Error::InvalidShape(format!(
            "a tensor of type {} and shape {:?} cannot be made of {} bytes",
            self.dtype.name(),
            self.shape,
            self.bytes.len()
        )))
    }

    /// All elements converted to single precision: wider types are rounded, booleans become 0 and 1.
    pub fn to_f32(&self) -> Vec<f32> {
        match self.dtype {
            RawDtype::F32 => self.elements(f32::from_le_bytes),
            RawDtype::F64 => self.elements(|bytes| f64::from_le_bytes(bytes) as f32),
            RawDtype::F16 => self.elements(|bytes| f16::from_le_bytes(bytes).to_f32()),
            RawDtype::BF16 => self.elements(|bytes| bf16::from_le_bytes(bytes).to_f32()),
            RawDtype::I64 => self.elements(|bytes| i64::from_le_bytes(bytes) as f32),
            RawDtype::I32 => self.elements(|bytes| i32::from_le_bytes(bytes) as f32),
            RawDtype::I16 => self.elements(|bytes| f32::from(i16::from_le_bytes(bytes))),
            RawDtype::I8 => self.elements(|bytes| f32::from(i8::from_le_bytes(bytes))),
            RawDtype::U8 => self.elements(|bytes| f32::from(u8::from_le_bytes(bytes))),
            RawDtype::Bool => self.elements(|[byte]: [u8; 1]| if byte == 0 { 0.0 } else { 1.0 }),
        }
    }

    fn elements<const N: usize>(&self, convert: impl Fn([u8; N]) -> f32) -> Vec<f32> {
        self.bytes.as_chunks::<N>().0.iter().map(|chunk| convert(*chunk)).collect()
    }
}

/// The product of the extents; `None` if one is negative or the product overflows.
pub(super) fn element_count(shape: &[i64]) -> Option<usize> {
    // An empty axis makes the product 0 however large the others are.
    if shape.iter().all(|&extent| extent >= 0) && shape.contains(&0) {
        return Some(0);
    }
    shape.iter().try_fold(1usize, |count, &extent| count.checked_mul(usize::try_from(extent).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(dtype: RawDtype, bytes: Vec<u8>) -> RawTensor {
        let extent = (bytes.len() / dtype.size()) as i64;
        RawTensor::new(dtype, vec![extent], bytes).unwrap()
    }

    #[test]
    fn every_type_converts() {
        let values = [
            (RawDtype::F32, 1.5f32.to_le_bytes().to_vec(), 1.5),
            (RawDtype::F64, (-0.1f64).to_le_bytes().to_vec(), -0.1),
            (RawDtype::F16, vec![0x00, 0x3e], 1.5),
            (RawDtype::F16, vec![0x01, 0x00], 2f32.powi(-24)),
            (RawDtype::BF16, vec![0xc0, 0x3f], 1.5),
            (RawDtype::I64, (-7i64).to_le_bytes().to_vec(), -7.0),
            (RawDtype::I32, 70_000i32.to_le_bytes().to_vec(), 70_000.0),
            (RawDtype::I16, (-300i16).to_le_bytes().to_vec(), -300.0),
            (RawDtype::I8, vec![0xff], -1.0),
            (RawDtype::U8, vec![0xff], 255.0),
            (RawDtype::Bool, vec![2], 1.0),
            (RawDtype::Bool, vec![0], 0.0),
        ];
        for (dtype, bytes, expected) in values {
            assert_eq!(tensor(dtype, bytes).to_f32(), [expected], "{dtype:?}");
        }
    }

    #[test]
    fn shape_and_bytes_must_agree() {
        assert_eq!(RawTensor::from_f32(vec![2, 3], &[0.0; 6]).unwrap().numel(), 6);
        assert_eq!(RawTensor::from_f32(vec![], &[3.0]).unwrap().numel(), 1);
        assert_eq!(RawTensor::from_f32(vec![0, i64::MAX, 9], &[]).unwrap().numel(), 0);
        for shape in [vec![7], vec![-2, -3], vec![i64::MAX, i64::MAX, 4], vec![0, -1]] {
            let error = RawTensor::from_f32(shape, &[0.0; 6]).unwrap_err();
            assert!(matches!(error, Error::InvalidShape(_)), "{error}");
        }
    }
}
