"""Volumes as Slicer's nodes hold them, and the files that it writes them to."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import nibabel
import nrrd
import numpy as np

Array = np.ndarray
LPS_OF_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def oblique() -> Array:
    """Index to RAS mm: turned about two axes, with a spacing of its own along each."""
    turn_z = np.array([[0.8, -0.6, 0], [0.6, 0.8, 0], [0, 0, 1]])
    turn_x = np.array([[1, 0, 0], [0, 0.96, -0.28], [0, 0.28, 0.96]])
    affine = np.eye(4)
    affine[:3, :3] = turn_z @ turn_x @ np.diag([1.5, 1.25, 8.0])
    affine[:3, 3] = [-31.5, 12.25, 70.0]
    return affine


@dataclass(frozen=True)
class Volume:
    """Voxels [x, y, z], and the matrix from index to RAS mm."""

    voxels: Array
    affine: Array = field(default_factory=oblique)

    def write_nrrd(self, file: Path) -> Path:
        in_lps = LPS_OF_RAS @ self.affine
        header = {
            "space": "left-posterior-superior",
            "space directions": in_lps[:3, :3].T[: self.voxels.ndim],
            "space origin": in_lps[:3, 3],
            "kinds": ["domain"] * self.voxels.ndim,
            "encoding": "gzip",
        }
        nrrd.write(str(file), self.voxels, header, index_order="F")
        return file

    def write_nifti(self, file: Path) -> Path:
        nibabel.save(nibabel.Nifti1Image(self.voxels, self.affine), file)
        return file


def read_nrrd(file: Path) -> Volume:
    voxels, header = nrrd.read(str(file), index_order="F")
    assert header["space"] == "left-posterior-superior"
    affine = np.eye(4)
    affine[:3, :3] = np.asarray(header["space directions"], float).T
    affine[:3, 3] = header["space origin"]
    return Volume(voxels, LPS_OF_RAS @ affine)


def read_nifti(file: Path) -> Volume:
    image = nibabel.load(file)
    return Volume(np.asarray(image.dataobj), image.affine)


def disc(shape: tuple[int, int, int] = (40, 36, 3)) -> Array:
    """A ramp with rings, off the centre; different along every axis."""
    x, y, z = np.mgrid[tuple(slice(size) for size in shape)]
    distance = (x - 0.55 * shape[0]) ** 2 + (y - 0.45 * shape[1]) ** 2
    rings = np.select([distance < 25, distance < 64, distance < 100], [30, 60, 90], 0)
    return np.asarray(x + 3 * y + rings + z, np.int16)
