//! Arrays in the memory of a device, as their owner describes them.

use crate::error::{Error, Result};
use crate::runtime::{self, DeviceChoice, ScalarOperators};
use crate::volume::{Dtype, Layout};
use tch::{Kind, Tensor};

/// Memory of a device that somebody else owns.
#[derive(Clone, Copy, Debug)]
pub struct DeviceMemory {
    /// The device.
    pub device: DeviceChoice,
    /// Where it begins.
    pub address: usize,
    /// How many bytes may be used.
    pub size: usize,
}

/// The tensor that lies there, with the axes of the layout in reverse: x last. Its type is that of
/// [`same_bits`].
///
/// # Errors
/// `InvalidShape` for elements that no tensor can name; `DeviceUnavailable`; what libtorch says of memory that is not
/// the device's.
///
/// # Safety
/// The layout was checked against the memory, which stays as it is for as long as the tensor lives.
pub unsafe fn tensor<const N: usize>(
    memory: DeviceMemory,
    dtype: Dtype,
    layout: &Layout<N>,
) -> Result<Tensor> {
    let device = memory.device.resolve()?;
    let element = dtype.size();
    if !memory.address.is_multiple_of(element) || layout.strides.iter().any(|stride| stride % element != 0) {
        return Err(Error::InvalidShape(format!(
            "the array on {} begins at {:#x} and has strides {:?}; expected multiples of the {element} bytes of {}",
            runtime::device_name(device),
            memory.address,
            layout.strides,
            dtype.name()
        )));
    }
    let shape: Vec<i64> = layout.shape.iter().rev().map(|&size| size as i64).collect();
    let strides: Vec<i64> = layout.strides.iter().rev().map(|&stride| (stride / element) as i64).collect();
    // SAFETY: by contract. libtorch itself refuses addresses that are not the GPU's.
    Ok(unsafe {
        Tensor::f_from_blob(memory.address as *const u8, &shape, &strides, same_bits(dtype), device)?
    })
}

/// libtorch's type of the same size. It has no arithmetic for unsigned integers of more than 8 bits, so they are taken
/// for signed ones.
pub(super) fn same_bits(dtype: Dtype) -> Kind {
    match dtype {
        Dtype::U8 => Kind::Uint8,
        Dtype::I8 => Kind::Int8,
        Dtype::U16 | Dtype::I16 => Kind::Int16,
        Dtype::U32 | Dtype::I32 => Kind::Int,
        Dtype::U64 | Dtype::I64 => Kind::Int64,
        Dtype::F32 => Kind::Float,
        Dtype::F64 => Kind::Double,
    }
}

/// The values of elements as float32, with the sign that `dtype` gives them.
pub fn to_f32(elements: &Tensor, dtype: Dtype) -> Result<Tensor> {
    let unsigned = |kind, mask: i64| elements.f_to_kind(kind)?.try_bitwise_and(mask)?.f_to_kind(Kind::Float);
    Ok(match dtype {
        Dtype::U16 => unsigned(Kind::Int, 0xffff)?,
        Dtype::U32 => unsigned(Kind::Int64, 0xffff_ffff)?,
        Dtype::U64 => {
            // Half of a number with its highest bit set is a signed one; its lowest bit must not get lost to rounding.
            let half = elements.try_bitwise_right_shift(1)?.try_bitwise_and(i64::MAX)?;
            let half = half.f_bitwise_or_tensor(&elements.try_bitwise_and(1)?)?;
            let doubled = half.f_to_kind(Kind::Float)?.try_mul_scalar(2.0)?;
            doubled.f_where_self(&elements.try_lt(0)?, &elements.f_to_kind(Kind::Float)?)?
        }
        _ => elements.f_to_kind(Kind::Float)?,
    })
}
