"""The order of an array's axes, as a word: "zyx" is an array that is indexed [z, y, x]."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import InvalidShapeError

_USUAL = {2: "yx", 3: "zyx", 4: "czyx"}


def check_axes(axes: str | None, ndim: int) -> str:
    """The axes of an array with `ndim` of them: those given, else "yx", "zyx" or "czyx"."""
    usual = _USUAL.get(ndim)
    if usual is None:
        raise InvalidShapeError(f"the array has {ndim} axes; expected 2 to 4")
    if axes is None:
        return usual
    if len(axes) != ndim:
        raise InvalidShapeError(f'the array has {ndim} axes, but axes="{axes}" names {len(axes)}')
    if len(set(axes)) != ndim or not set("xy") <= set(axes) <= set("cxyz"):
        expected = "expected each of x, y and, if the array has them, z and c (channel) once"
        raise InvalidShapeError(f'axes="{axes}"; {expected}')
    return axes


def with_classes(axes: str) -> str:
    """The axes of class probabilities: where the channel was; else the class comes first where x is last, as in
    PyTorch, and last otherwise, as in NIfTI."""
    if "c" in axes:
        return axes
    return "c" + axes if axes[-1] == "x" else axes + "c"


def without_channel(axes: str) -> str:
    return axes.replace("c", "")


def reorder(array: npt.NDArray[Any], axes: str, wanted: str) -> npt.NDArray[Any]:
    """A view with the axes in another order."""
    return array.transpose([axes.index(axis) for axis in wanted])
