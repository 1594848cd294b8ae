"""Images: voxels with their place in space.

Axis order. An array is indexed ``[z, y, x]`` unless ``axes`` says otherwise: that is what ``SimpleITK``'s array views
and PyTorch have. Arrays that are indexed ``[x, y, z]``, such as nibabel's, say ``axes="xyz"``. Spacing, origin and the
columns of the direction matrix are **always in the order x, y, z**, and world coordinates are LPS in mm, as in ITK
and DICOM.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from ctypes import byref
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _native
from ._axes import check_axes, reorder
from ._call import PathLike, call, call_handle, path
from ._cuda import CudaArray, cuda_array
from ._handle import Handle
from .errors import InvalidArgumentError, InvalidGeometryError, InvalidShapeError

Array = npt.NDArray[Any]


class Image:
    """An image or label map of one channel with its grid. It holds the array, not a copy of it. A deep copy or a pickle
    holds a copy.

    Attributes:
        spacing: Distance of voxel centres along x, y, z in mm; (3,).
        origin: Centre of the first voxel in LPS mm; (3,).
        direction: Column i is the unit vector in LPS along which index i (x, y, z) grows; (3, 3).
    """

    __slots__ = ("_voxels", "_axes", "spacing", "origin", "direction", "_xyz", "_device")

    spacing: npt.NDArray[np.float64]
    origin: npt.NDArray[np.float64]
    direction: npt.NDArray[np.float64]

    def __init__(
        self,
        voxels: Any,
        spacing: Sequence[float] | npt.NDArray[np.floating],
        origin: Sequence[float] | npt.NDArray[np.floating] = (0.0, 0.0, 0.0),
        direction: Sequence[Any] | npt.NDArray[np.floating] | None = None,
        axes: str | None = None,
    ) -> None:
        """Describes an array.

        Args:
            voxels: A numpy array of bool, integers, float16, float32 or float64; or what has ``__array_interface__`` or
                DLPack and lies in the CPU's memory. Any strides and byte order. It is copied only where a stride is
                negative, where all of it is one repeated voxel, for float16 and for foreign byte order. An array on a
                GPU (``__cuda_array_interface__``) stays there and is never copied; `Segmenter.segment` takes it.
            spacing: Distances along x, y, z in mm; of a 2-D image along x and y.
            origin: Centre of voxel (0, 0, 0) in LPS mm; two numbers for a 2-D image.
            direction: 3×3 (or 9 numbers, row by row); 2×2 for a 2-D image. None: the axes lie along LPS.
            axes: The order of the array's axes: "zyx" or "yx" unless given.

        Raises:
            InvalidShapeError: Number or names of the axes.
            InvalidGeometryError: Numbers of the wrong shape. Their values are checked when the image is used.
            InvalidArgumentError: A type that is not listed above, a masked array, memory of another kind of device; on
                a GPU also what would have to be copied.
        """
        cuda = cuda_array(voxels)
        self._device = None if cuda is None else cuda.device
        array = as_array(voxels) if cuda is None else cuda.layout
        self._voxels: Any = array if cuda is None else cuda.owner
        self._axes = check_axes(axes, array.ndim)
        if "c" in self.axes:
            raise InvalidShapeError(
                f'axes="{self.axes}" has channels; an Image has one channel, and several are given as a list of Images'
            )
        self.spacing = _numbers(spacing, "spacing", 3, fill=1.0)
        self.origin = _numbers(origin, "origin", 3, fill=0.0)
        self.direction = _matrix(direction)
        wanted = "xyz" if "z" in self.axes else "xy"
        self._xyz = reorder(_readable(array) if cuda is None else _readable_in_place(array), self.axes, wanted)

    @classmethod
    def from_affine(cls, voxels: Any, affine: Any, axes: str | None = "xyz") -> Image:
        """An image from a 4×4 matrix that takes indices (x, y, z) to **RAS** mm, as in NIfTI and nibabel.

        Raises:
            InvalidGeometryError: The matrix is not 4×4, or an axis has no length.
        """
        spacing, origin, direction = _from_affine(affine)
        return cls(voxels, spacing, origin, direction, axes)

    @property
    def voxels(self) -> Any:
        """The array; 2-D or 3-D. On a GPU it is the object that was given."""
        return self._voxels

    @property
    def axes(self) -> str:
        """The order of the array's axes, such as "zyx"."""
        return self._axes

    @property
    def affine(self) -> npt.NDArray[np.float64]:
        """The 4×4 matrix that takes indices (x, y, z) to RAS mm, as in NIfTI and nibabel."""
        affine = np.eye(4)
        affine[:3, :3] = self.direction * self.spacing
        affine[:3, 3] = self.origin
        affine[:2] *= -1.0
        return affine

    @property
    def size(self) -> tuple[int, ...]:
        """Number of voxels along x, y and, of a 3-D image, z."""
        return self._xyz.shape

    @property
    def on_gpu(self) -> bool:
        """Whether the voxels lie in CUDA memory."""
        return self._device is not None

    @classmethod
    def read(cls, file: PathLike) -> Image:
        """Reads a NIfTI file (.nii, .nii.gz; 2-D or 3-D) as float32, with scl_slope and scl_inter applied.

        The array is indexed [z, y, x], lies in the library's memory and cannot be written.

        Raises:
            MissingFileError, FileIOError, FileFormatError, UnsupportedFileError, OutOfMemoryError.
        """
        return image_of_volume(call_handle("volume_read", path(file)))

    @classmethod
    def read_labels(cls, file: PathLike) -> Image:
        """The same for a label map, as int32.

        Raises:
            InvalidLabelError: A value is not a whole number; and what `read` raises.
        """
        return image_of_volume(call_handle("volume_read_labels", path(file)))

    def write(self, file: PathLike) -> None:
        """Writes a NIfTI file (.nii, .nii.gz) of float32, whole or not at all; an existing file is replaced.

        Raises:
            FileIOError, InvalidArgumentError, InvalidShapeError, InvalidGeometryError.
        """
        call("image_write", byref(self._describe()), path(file))

    def _describe(self) -> _native.CImage:
        """What C is told. Valid while this object lives."""
        shape, strides = _pad(self._xyz.shape, 3, 1), _pad(_strides(self._xyz), 3, 0)
        return _native.CImage(
            dtype=_dtype_number(self._xyz.dtype),
            ndim=self._xyz.ndim,
            shape=shape,
            strides=strides,
            spacing=tuple(self.spacing),
            origin=tuple(self.origin),
            direction=tuple(self.direction.ravel()),
            data=self._xyz.ctypes.data,
            data_size=_extent(self._xyz),
            memory=_native.MEMORY_HOST if self._device is None else _native.MEMORY_CUDA,
            device_index=self._device or 0,
        )

    def __reduce__(self) -> tuple[type[Image], tuple[Any, ...]]:
        # What C reads is a view of the voxels, so it is made anew from their copy.
        return type(self), (self.voxels, self.spacing, self.origin, self.direction, self.axes)

    def __repr__(self) -> str:
        size = "×".join(map(str, self.size))
        spacing = "×".join(f"{value:g}" for value in self.spacing[: len(self.axes)])
        place = "" if self._device is None else f" on cuda:{self._device}"
        dtype = getattr(self.voxels, "dtype", self._xyz.dtype)
        return f'<Image {size} of {dtype}{place}, {spacing} mm, axes "{self.axes}">'


class Volume(Handle):
    """Voxels in the library's memory."""

    _noun = "volume"

    # numpy asks for this and then keeps the object alive as the base of its array.
    __array_interface__: dict[str, Any]


def image_of_volume(handle: int) -> Image:
    """The image of a volume's handle, which is freed when the last array of its voxels is gone."""
    volume = Volume._adopt(handle)
    described = _native.CImage()
    call("volume_image", handle, byref(described))
    width, height, slices = described.shape
    shape = (height, width) if described.ndim == 2 else (slices, height, width)
    volume.__array_interface__ = {
        "version": 3,
        "shape": shape,
        "typestr": np.dtype(_native.DTYPE_NAMES[described.dtype]).str,
        "data": (described.data, True),
    }
    voxels = np.asarray(volume)
    return Image(voxels, list(described.spacing), list(described.origin), list(described.direction))


def as_array(voxels: Any) -> Array:
    """An array of the object's own memory."""
    if isinstance(voxels, np.ma.MaskedArray):
        raise InvalidArgumentError("the array is masked; fill it first, with .filled(value)")
    if isinstance(voxels, (np.ndarray, np.generic)):
        return np.asarray(voxels)
    kind = f"{type(voxels).__module__}.{type(voxels).__qualname__}"
    if hasattr(voxels, "__dlpack_device__"):
        try:
            device, number = voxels.__dlpack_device__()
        except (BufferError, RuntimeError, ValueError) as error:
            raise InvalidArgumentError(f"the {kind} cannot be read through DLPack: {error}") from None
        if device != 1:
            raise InvalidArgumentError(
                f"the {kind} lies in the memory of another device (DLPack's {int(device)}:{number}); "
                "copy it to the CPU first"
            )
        try:
            return np.from_dlpack(voxels)
        except (BufferError, RuntimeError, TypeError) as error:
            raise InvalidArgumentError(f"the {kind} cannot be read through DLPack: {error}") from None
    if hasattr(voxels, "__cuda_array_interface__"):
        raise InvalidArgumentError(f"the {kind} lies in CUDA's memory, which only Segmenter.segment takes; copy it first")
    if hasattr(voxels, "__array_interface__") or hasattr(voxels, "__array__"):
        return np.asarray(voxels)
    advice = "; files are read with Image.read or segment_file" if isinstance(voxels, (str, bytes, os.PathLike)) else ""
    raise InvalidArgumentError(
        f"a {kind} is no image; expected an array, an Image, or an image of nibabel or SimpleITK{advice}"
    )


def describe_output(output: Array | CudaArray, axes: str, ndim: int) -> _native.CBuffer:
    """What C is told of an array that it writes. `ndim` is that of C: 4 with classes, even in 2-D."""
    array, device = (output.layout, output.device) if isinstance(output, CudaArray) else (output, None)
    if not array.flags.writeable:
        raise InvalidArgumentError("an output array is read-only; expected one that can be written")
    if array.dtype.byteorder not in "=|":
        raise InvalidArgumentError(f"an output array has type {array.dtype}; expected this machine's byte order")
    number = _dtype_number(array.dtype)
    if array.ndim + (ndim == 4 and "z" not in axes) != ndim:
        raise InvalidShapeError(f"an output array has {array.ndim} axes; expected {len(axes)}")
    if ndim == 4 and "z" not in axes:
        array, axes = array[None], "z" + axes
    ordered = reorder(array, axes, "xyzc" if ndim == 4 else "xyz" if ndim == 3 else "xy")
    strides = _strides(ordered)
    if any(stride < 0 for stride in strides):
        raise InvalidShapeError("an output array has negative strides; expected positive ones")
    return _native.CBuffer(
        dtype=number,
        ndim=ndim,
        shape=_pad(ordered.shape, 4, 1),
        strides=_pad(strides, 4, 0),
        data=ordered.ctypes.data,
        data_size=_extent(ordered),
        memory=_native.MEMORY_HOST if device is None else _native.MEMORY_CUDA,
        device_index=device or 0,
    )


def _readable(array: Array) -> Array:
    """The array, or a copy where C could not read it as it lies."""
    if array.dtype == np.bool_:
        array = array.view(np.uint8)
    elif array.dtype == np.float16:
        array = array.astype(np.float32)
    elif array.dtype.byteorder not in "=|":
        array = array.astype(array.dtype.newbyteorder("="))
    _dtype_number(array.dtype)
    strides = _strides(array)
    # To C strides that are all zero mean a dense image.
    repeated = array.size > 1 and not any(strides)
    return array.copy() if repeated or any(stride < 0 for stride in strides) else array


def _readable_in_place(layout: Array) -> Array:
    """The layout of an array on a GPU, if C can read it as it lies."""
    if layout.dtype == np.bool_:
        layout = layout.view(np.uint8)
    _dtype_number(layout.dtype)
    strides = _strides(layout)
    if layout.dtype.byteorder not in "=|" or any(stride < 0 for stride in strides):
        raise InvalidArgumentError(
            f"the array on the GPU is of {layout.dtype.str} with strides {strides}; expected this machine's byte order "
            "and strides that are not negative"
        )
    if layout.size > 1 and not any(strides):
        raise InvalidArgumentError("the array on the GPU is one repeated voxel; an image has more than one intensity")
    return layout


def _dtype_number(dtype: np.dtype[Any]) -> int:
    number = _native.DTYPES.get((dtype.kind, dtype.itemsize))
    if number is None:
        raise InvalidArgumentError(
            f"the array is of {dtype}; expected integers of 8 to 64 bits, float32 or float64 (see ndarray.astype)"
        )
    return number


def _strides(array: Array) -> tuple[int, ...]:
    """Bytes along each axis; numpy leaves those of axes of length 1 undefined."""
    return tuple(stride if size > 1 else 0 for size, stride in zip(array.shape, array.strides))


def _extent(array: Array) -> int:
    """Bytes from the first element to the end of the last, for strides that are not negative."""
    if array.size == 0:
        return 0
    return int(sum((size - 1) * stride for size, stride in zip(array.shape, _strides(array))) + array.itemsize)


def _pad(values: tuple[int, ...], length: int, fill: int) -> tuple[int, ...]:
    return values + (fill,) * (length - len(values))


def _numbers(values: Any, what: str, length: int, fill: float) -> npt.NDArray[np.float64]:
    try:
        numbers = np.asarray(values, np.float64)
    except (TypeError, ValueError):
        numbers = np.empty(0)
    if numbers.shape == (2,):
        numbers = np.append(numbers, fill)
    if numbers.shape != (length,):
        raise InvalidGeometryError(f"{what} is {values!r}; expected numbers for x, y, z")
    return numbers


def _matrix(direction: Any) -> npt.NDArray[np.float64]:
    if direction is None:
        return np.eye(3)
    try:
        numbers = np.asarray(direction, np.float64)
    except (TypeError, ValueError):
        numbers = np.empty(0)
    if numbers.size == 9:
        return numbers.reshape(3, 3)
    if numbers.size == 4:
        matrix = np.eye(3)
        matrix[:2, :2] = numbers.reshape(2, 2)
        return matrix
    raise InvalidGeometryError(f"direction is {direction!r}; expected a 3×3 matrix")


def _from_affine(affine: Any) -> tuple[list[float], list[float], list[list[float]]]:
    """Spacing, origin and direction in LPS of an affine to RAS, by the same operations as the library's reader."""
    matrix = np.asarray(affine, np.float64)
    if matrix.shape != (4, 4):
        raise InvalidGeometryError(f"the affine has shape {matrix.shape}; expected (4, 4)")
    lps = matrix[:3] * np.array([[-1.0], [-1.0], [1.0]])
    columns = [[float(lps[row, axis]) for row in range(3)] for axis in range(3)]
    spacing = [math.sqrt(x * x + y * y + z * z) for x, y, z in columns]
    for axis, length in zip("xyz", spacing):
        if not (length > 0.0 and math.isfinite(length)):
            raise InvalidGeometryError(f"the affine gives axis {axis} the length {length}; expected a positive one")
    direction = [[columns[axis][row] / spacing[axis] for axis in range(3)] for row in range(3)]
    return spacing, [float(value) for value in lps[:, 3]], direction
