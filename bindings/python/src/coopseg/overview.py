"""Overview pictures."""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import c_char_p, pointer
from dataclasses import dataclass
from typing import Any

from . import _native
from ._call import PathLike, call, path, text
from ._kinds import single_image
from .images import Image

_MAPS = ("image", "reference", "fast_labels", "labels", "entropy")


@dataclass
class OverviewRow:
    """One slice of one case. Maps are arrays, Images, or images of nibabel or SimpleITK of the same shape; those that
    are None leave an empty field.

    Attributes:
        title: Title of the row.
        image: The image; must be given.
        reference: Reference labels.
        fast_labels: Labels of the fast-thinking network alone.
        labels: Labels after correction.
        entropy: Entropy in nats.
        slice: The slice (z) to show, from 0; None chooses the one with most foreground.
        axes: Of arrays.
    """

    title: str
    image: Any
    reference: Any = None
    fast_labels: Any = None
    labels: Any = None
    entropy: Any = None
    slice: int | None = None
    axes: str | None = None


def write_overview(rows: Sequence[OverviewRow], class_names: Sequence[str], file: PathLike) -> None:
    """Writes a PNG picture: per row image, reference, FTN, FTN+STN and entropy side by side, with a legend.

    Args:
        rows: 1 to 64 rows.
        class_names: Names of the classes, background first, as in `Model.class_names`.
        file: Path of the picture; an existing file is replaced. Written whole or not at all.

    Raises:
        InvalidArgumentError, InvalidShapeError, InvalidGeometryError, InvalidLabelError, FileIOError.
    """
    held = [_describe(row) for row in rows]
    described = (_native.COverviewRow * len(held))(*(out for out, _ in held))
    names = (c_char_p * len(class_names))(*(text(name, "a class's name") for name in class_names))
    call("overview_write", described, len(rows), names, len(class_names), path(file))


def _describe(row: OverviewRow) -> tuple[_native.COverviewRow, list[Image]]:
    """What C is told, and the images that must live until it was told."""
    maps = {name: getattr(row, name) for name in _MAPS if getattr(row, name) is not None}
    images = {name: single_image(given, name, axes=row.axes, needs_spacing=False) for name, given in maps.items()}
    described = _native.COverviewRow(
        title=text(row.title, "the title"),
        slice=-1 if row.slice is None else row.slice,
        **{name: pointer(image._describe()) for name, image in images.items()},
    )
    return described, list(images.values())
