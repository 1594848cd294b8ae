"""Artefacts of magnetic resonance, to see what a model makes of them or to train against them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from ctypes import byref
from typing import Any, NamedTuple

import numpy as np

from ._axes import reorder
from ._call import Options, call_json, options, unsigned
from ._kinds import Given, given_image
from .errors import InvalidConfigError
from .images import Array, Image, describe_output

#: The artefacts whose strength is measured in mm, for which an array needs its spacing.
_IN_MILLIMETRES = ("blur", "motion")


class SimulatedArtefact(NamedTuple):
    """A spoiled image, and what was done to it.

    Attributes:
        image: float32, of the given image's own kind and grid.
        parameters: Exactly what was applied. Given back as the artefact, with any seed, it makes the same image bit for
            bit.
    """

    image: Any
    parameters: dict[str, Any]


def simulate_artefact(
    image: Any,
    artefact: Options,
    *,
    seed: int = 0,
    spacing: Sequence[float] | None = None,
    axes: str | None = None,
    rescale: bool | None = None,
    **keys: Any,
) -> SimulatedArtefact:
    """Spoils an image with one artefact.

        simulate_artefact(image, "ghosting", severity=3, seed=1)
        simulate_artefact(image, {"ghosting": {"ghosts": 6, "axis": "x", "intensity": 0.8}})

    Args:
        image: An array, an Image, or an image of nibabel or SimpleITK; 2-D or 3-D. Of several channels: a list of
            those (a list is given back), an array with a channel axis, a 4-D image of nibabel, or a vector image of
            SimpleITK. All channels get the same artefact; only noise is different in each.
        artefact: "bias_field", "ghosting", "motion", "spike", "noise", "blur", "gamma" or "downsampling"; or a
            mapping (or JSON text) with one of those as its key, whose value holds the artefact's keys. What those leave
            out is drawn; see `coopseg.config.schema("artefact")`.
        seed: Of everything that is drawn; 0 to 2^64 − 1.
        spacing: Of an array: distances along **x, y, z** in mm. Only blur and motion need it.
        axes: Of an array: "zyx", "yx" or "czyx" (channel first) unless given.
        rescale: Whether to scale the intensities to [0, 1] afterwards, each channel by itself.
        **keys: Keys of an artefact that is given by name, such as ``severity=3``.

    Raises:
        InvalidConfigError: No artefact or several, an unknown key, a wrong type, a value out of range; by name.
        InvalidArgumentError: Voxels that are NaN or infinite, or would become so; a type that is not supported.
        InvalidGeometryError: No spacing, or one that is not positive.
        InvalidShapeError, OutOfMemoryError.
    """
    seed = unsigned(seed, "the seed")
    wanted = _wanted(artefact, keys, rescale)
    needs_spacing = any(name in wanted for name in _IN_MILLIMETRES)
    given = given_image(image, spacing, axes, needs_spacing)
    results: list[Array] = []
    for channel in given.channels:
        result, applied = _simulate(channel, wanted, seed)
        results.append(result)
        if len(results) == 1:
            parameters = applied
        wanted = _next_channel(applied)
    if isinstance(image, (list, tuple)):
        parts = [given_image(part, spacing, axes, needs_spacing) for part in image]
        given_back = [part.give_back(_joined(part, [result])) for part, result in zip(parts, results)]
        return SimulatedArtefact(given_back, parameters)
    return SimulatedArtefact(given.give_back(_joined(given, results)), parameters)


def _wanted(artefact: Options, keys: Mapping[str, Any], rescale: bool | None) -> dict[str, Any]:
    """What the library is asked for, as an object."""
    if isinstance(artefact, str) and not artefact.lstrip().startswith("{"):
        artefact = {artefact: keys}
    elif keys:
        raise InvalidConfigError(
            f"{', '.join(keys)}: single keys belong to an artefact that is given by name, such as \"ghosting\""
        )
    elif isinstance(artefact, str):
        try:
            artefact = json.loads(artefact)
        except json.JSONDecodeError as error:
            raise InvalidConfigError(f"the artefact is no JSON: {error}") from None
    changes = {} if rescale is None else {"rescale": rescale}
    return dict(json.loads(options(artefact, changes) or "{}"))


def _simulate(channel: Image, wanted: Mapping[str, Any], seed: int) -> tuple[Array, dict[str, Any]]:
    """The spoiled channel, in its own order of axes with x fastest in memory, and what was applied."""
    in_memory = "zyx" if "z" in channel.axes else "yx"
    size = dict(zip("xyz", channel.size))
    result = reorder(np.empty([size[axis] for axis in in_memory], np.float32), in_memory, channel.axes)
    output = describe_output(result, channel.axes, result.ndim)
    described = channel._describe()
    return result, call_json("artefact_simulate", byref(described), options(wanted) or b"{}", seed, byref(output))


def _next_channel(applied: Mapping[str, Any]) -> dict[str, Any]:
    """The same artefact for another channel; noise is another one."""
    following = dict(applied)
    if "noise" in applied:
        following["noise"] = {**applied["noise"], "seed": applied["noise"]["seed"] + 1}
    return following


def _joined(given: Given, results: list[Array]) -> Array:
    """The channels in one array, in the caller's order of axes."""
    if "c" not in given.axes:
        return results[0]
    return reorder(np.stack(results), "c" + given.map_axes, given.axes)
