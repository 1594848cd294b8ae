//! Images and buffers in the caller's memory.

use super::text::read_sized;
use crate::error::{Error, Result};
use crate::runtime::DeviceChoice;
use crate::segment::{DeviceImage, DeviceMemory, DeviceOutput, Output};
use crate::volume::{Dtype, Geometry, ImageView, ImageViewMut};
use std::ffi::c_void;

/// Unsigned 8-bit integer.
pub const COOPSEG_U8: i32 = 1;
/// Signed 8-bit integer.
pub const COOPSEG_I8: i32 = 2;
/// Unsigned 16-bit integer.
pub const COOPSEG_U16: i32 = 3;
/// Signed 16-bit integer.
pub const COOPSEG_I16: i32 = 4;
/// Unsigned 32-bit integer.
pub const COOPSEG_U32: i32 = 5;
/// Signed 32-bit integer.
pub const COOPSEG_I32: i32 = 6;
/// Unsigned 64-bit integer.
pub const COOPSEG_U64: i32 = 7;
/// Signed 64-bit integer.
pub const COOPSEG_I64: i32 = 8;
/// 32-bit floating point.
pub const COOPSEG_F32: i32 = 9;
/// 64-bit floating point.
pub const COOPSEG_F64: i32 = 10;

/// The memory that the processor reads and writes.
pub const COOPSEG_MEMORY_HOST: i32 = 0;
/// The memory of a CUDA device.
pub const COOPSEG_MEMORY_CUDA: i32 = 1;

/// An image or label map in the caller's memory, read by this library and never written.
///
/// Axes are x, y, z. World coordinates are LPS (x to the patient's left, y to posterior, z to superior) in
/// millimetres, as in DICOM and ITK. Set everything to zero, then the fields; or use
/// `coopseg_image_init`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct coopseg_image {
    /// sizeof(coopseg_image).
    pub struct_size: usize,
    /// One of `COOPSEG_U8` to `COOPSEG_F64`, in the machine's byte order.
    pub dtype: i32,
    /// 2 (one slice) or 3.
    pub ndim: i32,
    /// Number of voxels along x, y, z; the last is ignored when ndim is 2. At least 1 each.
    pub shape: [i64; 3],
    /// Bytes from one voxel to the next along x, y, z, not negative. All zero: dense, x fastest, then y, z.
    pub strides: [i64; 3],
    /// Distance of voxel centres along x, y, z in mm. Positive; the last is ignored when ndim is 2.
    pub spacing: [f64; 3],
    /// Centre of voxel (0, 0, 0) in LPS mm.
    pub origin: [f64; 3],
    /// Row-major 3×3 matrix; column i is the unit vector in LPS along which index i grows. In 2-D
    /// the lengths do not matter.
    pub direction: [f64; 9],
    /// The first voxel.
    pub data: *const c_void,
    /// Bytes that may be read at data.
    pub data_size: usize,
    /// Where data lies: `COOPSEG_MEMORY_HOST`, or `COOPSEG_MEMORY_CUDA` for functions that say so.
    pub memory: i32,
    /// Index of the CUDA device; 0 for the host.
    pub device_index: i32,
}

/// A map in the caller's memory that this library writes. It lies on the grid of the image that the call
/// is about, so it has no geometry of its own.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct coopseg_buffer {
    /// sizeof(coopseg_buffer).
    pub struct_size: usize,
    /// One of `COOPSEG_U8` to `COOPSEG_F64`; each function says which it writes.
    pub dtype: i32,
    /// Number of axes used: 2 to 4.
    pub ndim: i32,
    /// Sizes along x, y, z and the fourth axis (class or channel).
    pub shape: [i64; 4],
    /// Bytes from one element to the next along each axis, positive and without overlap. All zero: dense,
    /// x fastest, then y, z, fourth axis.
    pub strides: [i64; 4],
    /// The first element.
    pub data: *mut c_void,
    /// Bytes that may be written at data.
    pub data_size: usize,
    /// Where data lies: `COOPSEG_MEMORY_HOST`, or `COOPSEG_MEMORY_CUDA` for functions that say so.
    pub memory: i32,
    /// Index of the CUDA device; 0 for the host.
    pub device_index: i32,
}

/// Fills a `coopseg_image` with the description of a dense 3-D image on the host: x fastest, axes along LPS, origin 0.
/// Fields can be changed afterwards.
///
/// @param dtype    `COOPSEG_U8` to `COOPSEG_F64`.
/// @param shape    Three sizes along x, y, z.
/// @param spacing  Three distances in mm.
/// @param data     shape[0]·shape[1]·shape[2] values, dense. Not read by this call.
/// @param out_image  Receives the description.
/// @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_ARGUMENT` (dtype);
///         `COOPSEG_INVALID_SHAPE`; `COOPSEG_INVALID_GEOMETRY` (spacing).
/// Threads: any number of calls at once.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coopseg_image_init(
    dtype: i32,
    shape: *const i64,
    spacing: *const f64,
    data: *const c_void,
    out_image: *mut coopseg_image,
) -> super::coopseg_status {
    super::guard::guard_always(|| {
        super::text::require(shape, "shape")?;
        super::text::require(spacing, "spacing")?;
        super::text::require(data, "data")?;
        super::text::require(out_image, "out_image")?;
        // SAFETY: not NULL; the caller provides three of each.
        let (shape, spacing) =
            unsafe { (shape.cast::<[i64; 3]>().read(), spacing.cast::<[f64; 3]>().read()) };
        let element = Dtype::try_from(dtype)?.size();
        Geometry::aligned(spacing).validate()?;
        let data_size = shape
            .iter()
            .try_fold(element, |size, &n| usize::try_from(n).ok().filter(|&n| n > 0)?.checked_mul(size))
            .ok_or_else(|| {
                Error::InvalidShape(format!("shape is {shape:?}; expected positive sizes that fit memory"))
            })?;
        let image = coopseg_image {
            struct_size: size_of::<coopseg_image>(),
            dtype,
            ndim: 3,
            shape,
            strides: [0; 3],
            spacing,
            origin: [0.0; 3],
            direction: [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
            data,
            data_size,
            memory: COOPSEG_MEMORY_HOST,
            device_index: 0,
        };
        // SAFETY: not NULL and writable by contract.
        unsafe { out_image.write(image) };
        Ok(())
    })
}

/// The checked view of a caller's image on the host.
///
/// # Safety
/// As the fields of [`coopseg_image`] say; the memory stays valid and unchanged for `'a`.
pub unsafe fn view<'a>(image: *const coopseg_image, parameter: &'static str) -> Result<ImageView<'a>> {
    // SAFETY: passed on.
    let image = unsafe { described(image, parameter) }?;
    if let Some(device) = device(image.memory, image.device_index, parameter)? {
        return Err(host_only(parameter, device));
    }
    let dtype = Dtype::try_from(image.dtype).map_err(|error| error.in_parameter(parameter))?;
    // SAFETY: the caller says that data_size bytes are readable and stay so.
    let bytes = unsafe { bytes(image.data, image.data_size) }
        .ok_or_else(|| Error::InvalidShape(format!("`{parameter}->data_size` is {}", image.data_size)))?;
    ImageView::new(dtype, image.ndim, image.shape, image.strides, bytes, geometry(image))
        .map_err(|error| error.in_parameter(parameter))
}

/// The checked image on a CUDA device, or `None` for one on the host.
///
/// # Safety
/// As [`view`].
pub unsafe fn device_image(
    image: *const coopseg_image,
    parameter: &'static str,
) -> Result<Option<DeviceImage>> {
    // SAFETY: passed on.
    let image = unsafe { described(image, parameter) }?;
    let Some(device) = device(image.memory, image.device_index, parameter)? else { return Ok(None) };
    let dtype = Dtype::try_from(image.dtype).map_err(|error| error.in_parameter(parameter))?;
    let memory = DeviceMemory { device, address: image.data.addr(), size: image.data_size };
    // SAFETY: the caller says that data_size bytes are readable and stay so.
    unsafe { DeviceImage::new(memory, dtype, image.ndim, image.shape, image.strides, geometry(image)) }
        .map(Some)
        .map_err(|error| error.in_parameter(parameter))
}

/// A caller's image whose size and pointer were checked.
///
/// # Safety
/// As [`view`].
unsafe fn described<'a>(image: *const coopseg_image, parameter: &'static str) -> Result<&'a coopseg_image> {
    // SAFETY: passed on.
    let image = unsafe { read_sized(image, parameter, "coopseg_image") }?;
    if image.data.is_null() {
        return Err(Error::InvalidArgument(format!(
            "`{parameter}->data` is NULL; expected the image's voxels"
        )));
    }
    Ok(image)
}

/// Where an image lies in space.
fn geometry(image: &coopseg_image) -> Geometry {
    let d = image.direction;
    let mut geometry = Geometry {
        spacing: image.spacing,
        origin: image.origin,
        direction: [[d[0], d[1], d[2]], [d[3], d[4], d[5]], [d[6], d[7], d[8]]],
    };
    if image.ndim == 2 {
        // A single slice may leave the third axis unset.
        let [_, _, between_slices] = &mut geometry.spacing;
        *between_slices = 1.0;
        // One cut out of an oblique volume has only a part of its axes left (ITK).
        let [x, y, z] = [0, 1, 2].map(|axis| unit(geometry.direction.map(|row| row[axis])));
        let z = if z == [0.0; 3] {
            unit([x[1] * y[2] - x[2] * y[1], x[2] * y[0] - x[0] * y[2], x[0] * y[1] - x[1] * y[0]])
        } else {
            z
        };
        geometry.direction = [0, 1, 2].map(|row| [x[row], y[row], z[row]]);
    }
    geometry
}

/// A vector of length 1, or 0 where there is none.
fn unit(vector: [f64; 3]) -> [f64; 3] {
    let length = vector.iter().map(|value| value * value).sum::<f64>().sqrt();
    if length > 0.0 { vector.map(|value| value / length) } else { vector }
}

/// The device whose memory is meant, or `None` for the host.
fn device(memory: i32, index: i32, parameter: &str) -> Result<Option<DeviceChoice>> {
    match (memory, usize::try_from(index)) {
        (COOPSEG_MEMORY_HOST, _) => Ok(None),
        (COOPSEG_MEMORY_CUDA, Ok(index)) => Ok(Some(DeviceChoice::Cuda(index))),
        (COOPSEG_MEMORY_CUDA, Err(_)) => Err(Error::InvalidArgument(format!(
            "`{parameter}->device_index` is {index}; expected a CUDA device from 0"
        ))),
        _ => Err(Error::InvalidArgument(format!(
            "`{parameter}->memory` is {memory}; expected {COOPSEG_MEMORY_HOST} (host) or {COOPSEG_MEMORY_CUDA} (CUDA)"
        ))),
    }
}

fn host_only(parameter: &str, device: DeviceChoice) -> Error {
    Error::InvalidArgument(format!(
        "`{parameter}` lies in the memory of {device}; this function takes memory of the host alone"
    ))
}

/// A caller's image, still to be checked, and what messages call it.
#[derive(Clone, Copy)]
pub struct Named {
    /// As the caller gave it.
    pub image: *const coopseg_image,
    /// The parameter, with its index where it is an array.
    pub parameter: &'static str,
}

impl Named {
    /// The one image of functions that take one.
    pub fn only(image: *const coopseg_image) -> [Self; 1] {
        [Named { image, parameter: "image" }]
    }
}

/// A caller's array of channels.
///
/// # Safety
/// `channels` is NULL or an array of `count` pointers.
pub unsafe fn channels(channels: *const *const coopseg_image, count: i32) -> Result<Vec<Named>> {
    const NAMES: [&str; 4] = ["channels[0]", "channels[1]", "channels[2]", "channels[3]"];
    let names = usize::try_from(count).ok().filter(|&count| count > 0).and_then(|count| NAMES.get(..count));
    let names = names.ok_or_else(|| {
        Error::InvalidArgument(format!("`channel_count` is {count}; expected 1 to {}", NAMES.len()))
    })?;
    super::text::require(channels, "channels")?;
    // SAFETY: not NULL, as many by contract.
    let pointers = unsafe { std::slice::from_raw_parts(channels, names.len()) };
    Ok(pointers.iter().zip(names).map(|(&image, &parameter)| Named { image, parameter }).collect())
}

/// The checked view of a caller's output on the host, or `None` for NULL.
///
/// # Safety
/// As the fields of [`coopseg_buffer`] say; nothing else touches the memory for `'a`.
pub unsafe fn output<'a>(
    buffer: *const coopseg_buffer,
    parameter: &'static str,
) -> Result<Option<ImageViewMut<'a>>> {
    // SAFETY: passed on.
    let Some(buffer) = (unsafe { described_output(buffer, parameter) })? else { return Ok(None) };
    if let Some(device) = device(buffer.memory, buffer.device_index, parameter)? {
        return Err(host_only(parameter, device));
    }
    // SAFETY: passed on.
    unsafe { host_output(buffer) }.map(Some).map_err(|error| error.in_parameter(parameter))
}

/// The same for outputs that may lie on a CUDA device as well.
///
/// # Safety
/// As [`output`].
pub unsafe fn output_anywhere<'a>(
    buffer: *const coopseg_buffer,
    parameter: &'static str,
) -> Result<Option<Output<'a>>> {
    // SAFETY: passed on.
    let Some(buffer) = (unsafe { described_output(buffer, parameter) })? else { return Ok(None) };
    let made = match device(buffer.memory, buffer.device_index, parameter)? {
        // SAFETY: passed on.
        None => unsafe { host_output(buffer) }.map(Output::Host),
        Some(device) => {
            let memory = DeviceMemory { device, address: buffer.data.addr(), size: buffer.data_size };
            Dtype::try_from(buffer.dtype).and_then(|dtype| {
                // SAFETY: the caller says that data_size bytes are writable and belong to this call alone.
                unsafe { DeviceOutput::new(memory, dtype, buffer.ndim, buffer.shape, buffer.strides) }
                    .map(Output::Device)
            })
        }
    };
    made.map(Some).map_err(|error| error.in_parameter(parameter))
}

/// A caller's output whose sizes and pointer were checked, or `None` for NULL.
///
/// # Safety
/// As [`output`].
unsafe fn described_output<'a>(
    buffer: *const coopseg_buffer,
    parameter: &'static str,
) -> Result<Option<&'a coopseg_buffer>> {
    if buffer.is_null() {
        return Ok(None);
    }
    // SAFETY: passed on.
    let buffer = unsafe { read_sized(buffer, parameter, "coopseg_buffer") }?;
    if buffer.data.is_null() {
        return Err(Error::InvalidArgument(format!("`{parameter}->data` is NULL; expected memory to write")));
    }
    if buffer.data_size > isize::MAX as usize {
        return Err(Error::InvalidShape(format!("`{parameter}->data_size` is {}", buffer.data_size)));
    }
    Ok(Some(buffer))
}

/// # Safety
/// As [`output`], for a buffer on the host that was checked.
unsafe fn host_output<'a>(buffer: &coopseg_buffer) -> Result<ImageViewMut<'a>> {
    let dtype = Dtype::try_from(buffer.dtype)?;
    // SAFETY: the caller says that data_size bytes are writable and belong to this call alone.
    let bytes = unsafe { std::slice::from_raw_parts_mut(buffer.data.cast::<u8>(), buffer.data_size) };
    ImageViewMut::new(dtype, buffer.ndim, buffer.shape, buffer.strides, bytes)
}

/// Where the memory of an image or a buffer lies, for [`refuse_overlap`].
#[derive(Clone)]
pub struct Extent {
    parameter: &'static str,
    start: usize,
    size: usize,
}

impl Extent {
    /// # Safety
    /// `image` is NULL or was accepted by [`view`].
    pub unsafe fn of_image(image: *const coopseg_image, parameter: &'static str) -> Option<Self> {
        // SAFETY: accepted before.
        let image = unsafe { image.as_ref() }?;
        Some(Extent { parameter, start: image.data.addr(), size: image.data_size })
    }

    /// # Safety
    /// `buffer` is NULL or points to a struct of the right size.
    pub unsafe fn of_buffer(buffer: *const coopseg_buffer, parameter: &'static str) -> Result<Option<Self>> {
        if buffer.is_null() {
            return Ok(None);
        }
        // SAFETY: passed on.
        let buffer = unsafe { read_sized(buffer, parameter, "coopseg_buffer") }?;
        Ok(Some(Extent { parameter, start: buffer.data.addr(), size: buffer.data_size }))
    }
}

/// Refuses memory that two parameters share, before any of it is turned into a reference.
pub fn refuse_overlap(extents: &[Option<Extent>]) -> Result<()> {
    let extents: Vec<&Extent> = extents.iter().flatten().collect();
    for (index, a) in extents.iter().enumerate() {
        for b in extents.iter().skip(index + 1) {
            let apart =
                a.start.saturating_add(a.size) <= b.start || b.start.saturating_add(b.size) <= a.start;
            if !apart {
                return Err(Error::InvalidShape(format!(
                    "the memory of `{}` and `{}` overlaps; expected separate buffers",
                    a.parameter, b.parameter
                )));
            }
        }
    }
    Ok(())
}

/// # Safety
/// `size` bytes at `data` are readable for `'a`.
unsafe fn bytes<'a>(data: *const c_void, size: usize) -> Option<&'a [u8]> {
    // SAFETY: readable by contract; a slice may not be larger than isize::MAX.
    (size <= isize::MAX as usize).then(|| unsafe { std::slice::from_raw_parts(data.cast::<u8>(), size) })
}
