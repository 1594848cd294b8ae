"""Comparison of label maps."""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import POINTER, byref, c_double
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ._call import call, class_count
from ._kinds import single_image

Values = npt.NDArray[np.float64]


class SurfaceDistances(NamedTuple):
    """Distances between surfaces per class, background first, in mm; NaN for a class that is not in both maps.

    Attributes:
        hd95: 95th percentile of the distances both ways; (classes,).
        assd: Mean of the distances both ways; (classes,).
    """

    hd95: Values
    assd: Values


def dice(reference: Any, predicted: Any, classes: int, *, axes: str | None = None) -> Values:
    """Dice coefficient per class, over all voxels. Geometry is not compared.

    Args:
        reference: Class indices, any integer type: an array, an Image, an image of nibabel or SimpleITK.
        predicted: Class indices of the same shape and axes.
        classes: Number of classes, background included, 2 to 255.
        axes: Of arrays.

    Returns:
        (classes,), background first. NaN for a class that is absent in both; 0 for one that is absent in the reference
        only.

    Raises:
        InvalidArgumentError, InvalidShapeError, InvalidLabelError.
    """
    first = single_image(reference, "reference", axes=axes, needs_spacing=False)
    second = single_image(predicted, "prediction", axes=axes, needs_spacing=False)
    values = np.empty(class_count(classes))
    call("dice", byref(first._describe()), byref(second._describe()), values.size, _doubles(values))
    return values


def surface_distances(
    reference: Any,
    predicted: Any,
    classes: int,
    *,
    spacing: Sequence[float] | None = None,
    axes: str | None = None,
) -> SurfaceDistances:
    """Distances between the surfaces of two label maps per class, between voxel centres, exact, over the whole volume.

    Args:
        reference: Class indices, any integer type; its spacing counts.
        predicted: Class indices of the same shape and axes.
        classes: Number of classes, background included, 2 to 255.
        spacing: Of arrays: distances along x, y, z in mm. A reference that is an array needs it.
        axes: Of arrays.

    Raises:
        InvalidGeometryError (no spacing), InvalidArgumentError, InvalidShapeError, InvalidLabelError,
        OutOfMemoryError.
    """
    first = single_image(reference, "reference", spacing, axes)
    second = single_image(predicted, "prediction", axes=axes, needs_spacing=False)
    hd95, assd = np.empty(class_count(classes)), np.empty(class_count(classes))
    call(
        "surface_distances",
        byref(first._describe()),
        byref(second._describe()),
        hd95.size,
        _doubles(hd95),
        _doubles(assd),
    )
    return SurfaceDistances(hd95, assd)


def _doubles(values: Values) -> Any:
    return values.ctypes.data_as(POINTER(c_double))
