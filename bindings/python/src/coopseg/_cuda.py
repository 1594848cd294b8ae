"""Arrays in CUDA memory, as ``__cuda_array_interface__`` describes them: those of torch, CuPy, JAX, Numba, ...

Nothing here needs CUDA, but for waiting on streams. The libraries are never imported: an object of theirs proves that
they are loaded.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import DeviceUnavailableError, InvalidArgumentError

_CUDA = 2
"""DLPack's number for CUDA."""

_DEFAULT_STREAMS = (None, 1)
"""Streams of the interface that the library's own work comes after anyway."""


@dataclass(frozen=True)
class CudaArray:
    """Where the elements of somebody's array lie.

    Attributes:
        owner: The array.
        layout: Shape, strides, type and addresses. **Never read its elements**: the addresses are the GPU's.
        device: Index of the device.
    """

    owner: Any
    layout: npt.NDArray[Any]
    device: int

    def part(self, layout: npt.NDArray[Any]) -> CudaArray:
        """A part of it, such as one channel."""
        return CudaArray(self.owner, layout, self.device)


class _Described:
    def __init__(self, interface: Mapping[str, Any]) -> None:
        self.__array_interface__ = dict(interface)


def cuda_array(array: Any) -> CudaArray | None:
    """The array's description, or None for one that does not lie in CUDA memory.

    Raises:
        InvalidArgumentError: It has a mask, or its own library does not describe it.
    """
    if isinstance(array, CudaArray):
        return array
    kind = f"{type(array).__module__}.{type(array).__qualname__}"
    try:
        interface = getattr(array, "__cuda_array_interface__", None)
    except (RuntimeError, TypeError, ValueError) as error:
        raise InvalidArgumentError(f"the {kind} cannot be read through __cuda_array_interface__: {error}") from None
    if interface is None:
        return None
    if interface.get("mask") is not None:
        raise InvalidArgumentError(f"the {kind} is masked; fill it first")
    address, read_only = interface["data"]
    layout = np.asarray(
        _Described(
            {
                "version": 3,
                "shape": tuple(interface["shape"]),
                "typestr": interface["typestr"],
                "strides": interface.get("strides"),
                # numpy takes no array without an address, but one without elements has none.
                "data": (address or 1, read_only),
            }
        )
    )
    _wait_for(interface.get("stream"), kind)
    return CudaArray(array, layout, _device(array))


def new_array(like: Any, shape: Sequence[int], dtype: type[np.generic]) -> Any:
    """A new array of the library and on the device of another.

    Raises:
        InvalidArgumentError: That library cannot be asked for one.
    """
    name = np.dtype(dtype).name
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(like, torch.Tensor):
        return like.new_empty(tuple(shape), dtype=getattr(torch, name))
    if hasattr(like, "__array_namespace__"):
        library = like.__array_namespace__()
        return library.empty(tuple(shape), dtype=getattr(library, name), device=like.device)
    kind = f"{type(like).__module__}.{type(like).__qualname__}"
    raise InvalidArgumentError(f"no result of the kind of a {kind} can be made; give arrays for the results with into=")


def _device(array: Any) -> int:
    """The interface itself does not say."""
    if hasattr(array, "__dlpack_device__"):
        kind, index = array.__dlpack_device__()
        if kind == _CUDA:
            return int(index)
    return 0


def _wait_for(stream: int | None, kind: str) -> None:
    """Waits for what the array's library still does to it on a stream of its own."""
    if stream in _DEFAULT_STREAMS:
        return
    try:
        status = ctypes.CDLL("libcuda.so.1").cuStreamSynchronize(ctypes.c_void_p(stream))
    except OSError as error:
        raise DeviceUnavailableError(f"the {kind} is still in use on a stream, but there is no CUDA: {error}") from None
    if status != 0:
        raise DeviceUnavailableError(f"waiting for the stream of the {kind} failed with CUDA's error {status}")
