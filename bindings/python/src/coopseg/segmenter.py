"""Segmentation of images with both stages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from ctypes import POINTER, byref, c_char_p, pointer
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, overload

import numpy as np

from . import _native
from ._axes import reorder
from ._call import Options, PathLike, call_handle, call_json, options, path
from ._cuda import cuda_array, new_array
from ._handle import Handle
from ._interruption import Listener
from ._kinds import Given, given_image
from ._progress import Progress
from .errors import CancelledError, InvalidArgumentError
from .images import Array, Image, describe_output
from .model import Model

Kind = TypeVar("Kind")

#: Hears of every slice, on the thread that segments: how many are done, and how many there are.
SliceCallback = Callable[[int, int], object]

#: The maps that can be asked for, with the type that they have unless the caller brings the array.
OUTPUTS: Mapping[str, type[np.generic]] = {
    "labels": np.uint8,
    "fast_labels": np.uint8,
    "probabilities": np.float32,
    "entropy": np.float32,
    "disagreement": np.float32,
}


@dataclass
class Segmentation(Generic[Kind]):
    """What a segmentation gives: maps of the image's own kind and grid; None where one was not asked for.

    Attributes:
        labels: Class of the highest final probability, uint8.
        fast_labels: The same of the fast-thinking network alone, uint8.
        probabilities: Final probabilities, float32, which sum to 1 over the class axis. Arrays have that axis where the
            image had its channels, else first where x is the last axis ("czyx") and last otherwise ("xyzc"); of an
            Image they are an array too. nibabel: 4-D; SimpleITK: a vector image.
        entropy: Entropy of the final probabilities in nats, 0 to ln(classes), float32.
        disagreement: Half the sum over classes of the absolute difference between the two stages' probabilities,
            0 to 1, float32.
        report: "slices"; "change_per_pass", the share of pixels that each pass of the slow-thinking network changed;
            "seconds".
    """

    labels: Kind | None = None
    fast_labels: Kind | None = None
    probabilities: Any = None
    entropy: Kind | None = None
    disagreement: Kind | None = None
    report: dict[str, Any] = field(default_factory=dict)


class Segmenter(Handle):
    """Segments images with one model on one device. Any number of threads may use one at once."""

    _noun = "segmenter"

    def __init__(self, model: Model, options: Options = None, **keys: Any) -> None:
        """Prepares a model.

        Args:
            model: May be closed afterwards.
            options: A mapping or JSON text; see `coopseg.config.schema("segmenter")`.
            **keys: Single options: ``device``, ``iterations`` (passes of the slow-thinking network; 0: the
                fast-thinking network alone), ``precision``, ``chunk``.

        Raises:
            InvalidConfigError, DeviceUnavailableError, OutOfMemoryError.
        """
        self._classes = len(model.class_names)
        self._own(call_handle("segmenter_new", model._pointer, _options(options, keys)))

    @overload
    def segment(
        self,
        image: Image,
        outputs: Iterable[str] = ...,
        *,
        into: Mapping[str, Array] | None = ...,
        callback: SliceCallback | None = ...,
        progress: bool = ...,
    ) -> Segmentation[Image]: ...

    @overload
    def segment(
        self,
        image: Array,
        outputs: Iterable[str] = ...,
        *,
        spacing: Sequence[float] | None = ...,
        axes: str | None = ...,
        into: Mapping[str, Array] | None = ...,
        callback: SliceCallback | None = ...,
        progress: bool = ...,
    ) -> Segmentation[Array]: ...

    @overload
    def segment(
        self,
        image: Any,
        outputs: Iterable[str] = ...,
        *,
        spacing: Sequence[float] | None = ...,
        axes: str | None = ...,
        into: Mapping[str, Array] | None = ...,
        callback: SliceCallback | None = ...,
        progress: bool = ...,
    ) -> Segmentation[Any]: ...

    def segment(
        self,
        image: Any,
        outputs: Iterable[str] = ("labels",),
        *,
        spacing: Sequence[float] | None = None,
        axes: str | None = None,
        into: Mapping[str, Array] | None = None,
        callback: SliceCallback | None = None,
        progress: bool = False,
    ) -> Segmentation[Any]:
        """Segments one image, 2-D or 3-D, slice by slice (z), on its own grid.

        Args:
            image: An array, an Image, or an image of nibabel or SimpleITK. Of several channels: a list of those, an
                array with a channel axis, a 4-D image of nibabel, or a vector image of SimpleITK. An array on a GPU
                (of torch, CuPy, ...) stays there, where the segmenter runs on that device; results are arrays of the
                same library on the same device.
            outputs: Which maps to make: "labels", "fast_labels", "probabilities", "entropy", "disagreement".
            spacing: Of an array: distances along **x, y, z** in mm. Arrays need it, the other kinds bring theirs.
            axes: Of an array: "zyx", "yx" or "czyx" (channel first) unless given.
            into: Arrays that receive maps, by name, beside those in `outputs`; in the axis order of the result, any
                positive strides; labels of any type, the others float32 or float64. Of an image on a GPU they may lie
                there or on the host. They appear in the result as they are. Their content is unspecified after an
                error.
            callback: Hears of every slice: how many are done, and how many there are. A true value that it returns
                ends the call with `CancelledError`; an exception ends it and is raised again here.
            progress: Whether to show a bar on stderr: tqdm's where that is installed.

        Raises:
            KeyboardInterrupt: Ctrl-C, after the slices that are being computed; so does what another signal's handler
                raises.
            InvalidGeometryError: No spacing, or one that is not positive.
            InvalidArgumentError: The image is constant or holds NaN or infinities; an output that does not exist; a
                type that is not supported; arrays that overlap; an image or array on another device than the segmenter.
            DeviceUnavailableError: An array on a GPU, but no CUDA.
            InvalidShapeError: Axes, an array of another shape, another number of channels than the model's.
            OutOfMemoryError: The segmenter stays usable.
        """
        given = given_image(image, spacing, axes)
        arrays = self._outputs(given, outputs, into or {})
        described = {
            name: describe_output(
                cuda_array(array) or array,
                given.class_axes if name == "probabilities" else given.map_axes,
                4 if name == "probabilities" else len(given.map_axes),
            )
            for name, array in arrays.items()
        }
        maps = _native.CSegmentation(**{name: pointer(buffer) for name, buffer in described.items()})
        channels = [channel._describe() for channel in given.channels]
        pointers = (POINTER(_native.CImage) * len(channels))(*map(pointer, channels))
        report = self._run("segmenter_run_channels", pointers, len(channels), byref(maps), callback, progress)
        results = {
            name: array if into and name in into else given.give_back(array) for name, array in arrays.items()
        }
        return Segmentation(**results, report=report)

    def segment_file(
        self,
        image: PathLike | Sequence[PathLike],
        *,
        labels: PathLike | None = None,
        fast_labels: PathLike | None = None,
        probabilities: PathLike | None = None,
        entropy: PathLike | None = None,
        disagreement: PathLike | None = None,
        callback: SliceCallback | None = None,
        progress: bool = False,
    ) -> dict[str, Any]:
        """Segments a NIfTI file and writes NIfTI files on its grid, each whole or not at all.

        Args:
            image: Path of a .nii or .nii.gz file; a list of paths where the channels lie in several files.
            labels, fast_labels, probabilities, entropy, disagreement: Where to write; at least one.
            callback, progress: As for `segment`. A call that is ended writes nothing.

        Returns:
            The report, as in `Segmentation.report`.

        Raises:
            MissingFileError, FileIOError, FileFormatError, UnsupportedFileError; and what `segment` raises.
        """
        given = {
            "labels": labels,
            "fast_labels": fast_labels,
            "probabilities": probabilities,
            "entropy": entropy,
            "disagreement": disagreement,
        }
        maps = _native.CSegmentationFiles(**{name: path(file) for name, file in given.items() if file is not None})
        images: Sequence[PathLike] = image if isinstance(image, (list, tuple)) else (image,)
        files = (c_char_p * len(images))(*map(path, images))
        return self._run("segmenter_run_files", files, len(images), byref(maps), callback, progress)

    def _run(
        self, function: str, inputs: Any, count: int, outputs: Any, callback: SliceCallback | None, progress: bool
    ) -> dict[str, Any]:
        """Calls a function that segments, and returns its report."""
        with Progress() as shown:

            def hear(done: int, slices: int) -> object:
                if progress:
                    shown.show(done, slices, "segmentation", "slice", "")
                return callback(done, slices) if callback is not None else None

            listener = Listener(hear)
            heard = _native.SegmentationCallback(lambda *told: listener.hear(*told[:2]))
            report: dict[str, Any] = {}
            with listener:
                report = dict(call_json(function, self._pointer, inputs, count, outputs, heard, None))
            if not listener.end():
                raise CancelledError("the callback ended the segmentation", _native.CANCELLED)
            return report

    def _outputs(self, given: Given, outputs: Iterable[str], into: Mapping[str, Any]) -> dict[str, Any]:
        """The arrays that receive the maps, in the caller's order of axes."""
        if isinstance(outputs, str):
            outputs = (outputs,)
        wanted = list(dict.fromkeys([*outputs, *into]))
        for name in wanted:
            if name not in OUTPUTS:
                raise InvalidArgumentError(f'there is no output "{name}"; expected some of {", ".join(OUTPUTS)}')
        for name, array in into.items():
            if not isinstance(array, np.ndarray) and cuda_array(array) is None:
                raise InvalidArgumentError(
                    f'into["{name}"] is a {type(array).__name__}; expected a numpy array, or one on a GPU'
                )
        return {name: into[name] if name in into else self._new_map(given, name) for name in wanted}

    def _new_map(self, given: Given, name: str) -> Any:
        """A new array where the image lies; on the host x is fastest in memory, as the results are made."""
        size = dict(zip("xyz", given.first.size), c=self._classes)
        axes = given.class_axes if name == "probabilities" else given.map_axes
        if given.first.on_gpu:
            return new_array(given.first.voxels, [size[axis] for axis in axes], OUTPUTS[name])
        in_memory = "".join(axis for axis in "czyx" if axis in axes)
        return reorder(np.empty([size[axis] for axis in in_memory], OUTPUTS[name]), in_memory, axes)


# The methods' own parameter has this name.
_options = options
