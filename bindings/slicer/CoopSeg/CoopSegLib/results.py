"""What the command-line module tells of a run: the lines "name = value" of its return parameter file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Results:
    """What a run found.

    Attributes:
        seconds: How long the segmentation took, without reading and writing.
        slices: Number of slices.
        volumes: Volume in ml of every class but the background, by its name.
    """

    seconds: float
    slices: int
    volumes: dict[str, float]


def read_results(file: Path) -> Results:
    """The results of a run that ended well."""
    values: dict[str, str] = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition("=")
        values[name.strip()] = value.strip()
    volumes = [float(volume) for volume in values["volumes"].split(",") if volume]
    return Results(
        seconds=float(values["seconds"]),
        slices=int(values["slices"]),
        volumes=dict(zip(values["classes"].split(","), volumes)),
    )
