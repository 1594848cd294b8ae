"""From whatever a caller calls an image to :class:`Image`, and back to the same kind.

nibabel and SimpleITK are never imported here: an object of theirs proves that they are loaded.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ._axes import check_axes, reorder, with_classes, without_channel
from ._cuda import cuda_array
from .errors import InvalidArgumentError, InvalidGeometryError, InvalidShapeError
from .images import Array, Image, as_array

_MILLIMETRES = {"meter": 1000.0, "micron": 0.001}


@dataclass
class Given:
    """What a caller gave: one image or several channels on one grid.

    Attributes:
        channels: One image for each channel.
        axes: Axes of what the caller gave; "zyxc" is that of a vector image.
        give_back: Makes the caller's kind of image from a map on its grid, which comes with the axes of `axes`, the
            channel taken out, or with those of `with_classes`.
    """

    channels: list[Image]
    axes: str
    give_back: Callable[[Array], Any]

    @property
    def first(self) -> Image:
        return self.channels[0]

    @property
    def map_axes(self) -> str:
        return without_channel(self.axes)

    @property
    def class_axes(self) -> str:
        return with_classes(self.axes)


def given_image(
    image: Any, spacing: Sequence[float] | None = None, axes: str | None = None, needs_spacing: bool = True
) -> Given:
    """What the object means as an image.

    Args:
        image: An Image; an array; an image of nibabel or SimpleITK; a list or tuple of those, one for each channel.
        spacing: Of an array, along x, y, z in mm.
        axes: Of an array.
        needs_spacing: Whether an array without spacing is refused: a guess would silently change the result.
    """
    if isinstance(image, (list, tuple)):
        return _several(image, spacing, axes, needs_spacing)
    described = _described(image)
    if described is not None:
        if spacing is not None or axes is not None:
            raise InvalidArgumentError(
                f"spacing and axes describe arrays, but the image is a {type(image).__name__} with its own"
            )
        return described
    cuda = cuda_array(image)
    array = as_array(image) if cuda is None else cuda.layout
    order = check_axes(axes, array.ndim)
    if spacing is None:
        if needs_spacing:
            raise InvalidGeometryError("an array has no spacing; give spacing=(x, y, z) in mm, or an Image")
        spacing = (1.0, 1.0, 1.0)
    channels = [
        Image(part if cuda is None else cuda.part(part), spacing, axes=without_channel(order))
        for part in _channels(array, order)
    ]
    return Given(channels, order, lambda result: result)


def given_labels(labels: Any, image: Given, axes: str | None = None) -> Image:
    """A label map on an image's grid; an array has the image's geometry and axes."""
    described = _described(labels)
    if described is not None:
        return _single(described, "labels")
    first = image.first
    return Image(as_array(labels), first.spacing, first.origin, first.direction, axes or image.map_axes)


def single_image(
    image: Any, what: str, spacing: Sequence[float] | None = None, axes: str | None = None, needs_spacing: bool = True
) -> Image:
    """An image of one channel. `axes` are those of arrays and do not concern the other kinds."""
    own = _described(image)
    return _single(given_image(image, spacing, axes if own is None else None, needs_spacing), what)


def _single(given: Given, what: str) -> Image:
    if len(given.channels) != 1:
        raise InvalidShapeError(f"the {what} has {len(given.channels)} channels; expected one")
    return given.first


def _several(images: Sequence[Any], spacing: Sequence[float] | None, axes: str | None, needs_spacing: bool) -> Given:
    if not images:
        raise InvalidArgumentError("the list of channels is empty")
    parts = [given_image(image, spacing, axes, needs_spacing) for image in images]
    channels = [_single(part, "channel") for part in parts]
    return Given(channels, parts[0].axes, parts[0].give_back)


def _described(image: Any) -> Given | None:
    """An object that brings its own axes and geometry; None for others."""
    if isinstance(image, Image):
        return Given([image], image.axes, lambda result: _image_on(image, result))
    nibabel = sys.modules.get("nibabel")
    if nibabel is not None and isinstance(image, nibabel.spatialimages.SpatialImage):
        return _of_nibabel(image)
    simpleitk = sys.modules.get("SimpleITK")
    if simpleitk is not None and isinstance(image, simpleitk.Image):
        return _of_simpleitk(image, simpleitk)
    return None


def _channels(array: Array, axes: str) -> list[Array]:
    if "c" not in axes:
        return [array]
    first = reorder(array, axes, "c" + without_channel(axes))
    if not 1 <= len(first) <= 4:
        raise InvalidShapeError(f"the image has {len(first)} channels; expected 1 to 4")
    return list(first)


def _image_on(image: Image, result: Any) -> Any:
    """Maps of one value per voxel are images again; probabilities stay an array."""
    if result.ndim != len(image.axes):
        return result
    return Image(result, image.spacing, image.origin, image.direction, image.axes)


def _of_nibabel(image: Any) -> Given:
    if image.affine is None:
        raise InvalidGeometryError("the nibabel image has no affine, so its place in space is not known")
    array = np.asanyarray(image.dataobj)
    axes = {2: "xy", 3: "xyz", 4: "xyzc"}.get(array.ndim)
    if axes is None:
        raise InvalidShapeError(f"the nibabel image has {array.ndim} axes; expected 2 to 4")
    affine = np.array(image.affine, np.float64)
    if hasattr(image.header, "get_xyzt_units"):
        affine[:3] *= _MILLIMETRES.get(image.header.get_xyzt_units()[0], 1.0)
    channels = [Image.from_affine(part, affine, without_channel(axes)) for part in _channels(array, axes)]
    return Given(channels, axes, lambda result: _nibabel_on(image, result))


def _nibabel_on(image: Any, result: Array) -> Any:
    header = image.header.copy()
    header.set_data_dtype(result.dtype)
    # What the header says of the image's intensities does not hold for the result.
    for field in ("cal_min", "cal_max", "scl_slope", "scl_inter"):
        if field in getattr(header, "keys", list)():
            header[field] = np.nan if field.startswith("scl") else 0.0
    return type(image)(result, image.affine, header)


def _of_simpleitk(image: Any, simpleitk: Any) -> Given:
    dimension = image.GetDimension()
    if dimension not in (2, 3):
        raise InvalidShapeError(
            f"the SimpleITK image has {dimension} dimensions; expected 2 or 3, and channels as a vector image or a list"
        )
    array = simpleitk.GetArrayViewFromImage(image)
    axes = "zyx"[3 - dimension :] + ("c" if image.GetNumberOfComponentsPerPixel() > 1 else "")
    spacing, origin, direction = image.GetSpacing(), image.GetOrigin(), image.GetDirection()
    channels = [
        Image(part, spacing, origin, direction, without_channel(axes)) for part in _channels(array, axes)
    ]
    return Given(channels, axes, lambda result: _simpleitk_on(image, result, simpleitk))


def _simpleitk_on(image: Any, result: Array, simpleitk: Any) -> Any:
    per_class = result.ndim > image.GetDimension()
    if per_class and image.GetNumberOfComponentsPerPixel() == 1:
        result = np.moveaxis(result, 0, -1)
    given_back = simpleitk.GetImageFromArray(result, isVector=per_class)
    given_back.CopyInformation(image)
    return given_back
