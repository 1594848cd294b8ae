"""What the contestants work on: trained weights, images of synthetic hearts, and a NIfTI file."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy

from failure import BenchmarkFailed, Unavailable
from workers import Worker, Workers

CLASSES = 4
SPACING = 1.36719
MOST_SLICES = 50
# A short training, so that label maps look like hearts and not like noise; how good they are matters to nobody.
TRAINING = {
    "mode": "standard",
    "slices_per_step": 4,
    "with_unaugmented": False,
    "epochs": 2,
    "seed": 1,
    "optimizer": {"learning_rate": 0.002},
}
SUBJECTS = {"subjects": 10, "slices": 8, "seed": 1}
NIFTI_SHAPE = (256, 216, 12)
NIFTI_SPACING = (1.4, 1.4, 10.0)


def compact(options: dict) -> str:
    """JSON on one line without tabs, as commands carry it."""
    return json.dumps(options, separators=(",", ":"))


@contextmanager
def whole(*paths: Path) -> Iterator[list[Path]]:
    """Names beside `paths` for the body of a `with` to write to. When it has ended well they are renamed, the last path
    last, so that what exists is whole."""
    beside = [path.with_name(f"new.{path.name}") for path in paths]
    yield beside
    for new, path in zip(beside, paths):
        new.rename(path)


class Material:
    """Files in one folder, made when they are first asked for and kept until the next `make clean`."""

    def __init__(self, workers: Workers):
        self.workers = workers
        self.folder = workers.build / "material"
        self.folder.mkdir(parents=True, exist_ok=True)

    def make(self, worker: Worker, *command) -> None:
        try:
            worker.ask(*command)
        except Unavailable as reason:
            raise BenchmarkFailed(f"{command[0]} failed while the benchmark was prepared: {reason}") from None

    def model(self) -> Path:
        """A coopseg model file with trained weights."""
        path = self.folder / "model.coopseg"
        if not path.exists():
            with self.workers.coopseg("learner") as worker:
                self.make(worker, "learn", compact(TRAINING), compact(SUBJECTS), path)
        return path

    def checkpoints(self) -> Path:
        """The same weights as a published checkpoint directory."""
        path = self.folder / "checkpoints"
        if not path.exists():
            with self.workers.peer("converter") as worker, whole(path) as (new,):
                self.make(worker, "checkpoints", self.model(), new)
        return path

    def heart(self, width: int, height: int, slices: int, spacing=(SPACING, SPACING, 10.0)):
        """Voxels and classes of one heart, indexed z, y, x; long stacks repeat themselves."""
        made = min(slices, MOST_SLICES)
        paths = [self.folder / f"heart.{width}x{height}x{made}.{kind}" for kind in ("image", "labels")]
        if not paths[1].exists():
            options = {"subjects": 1, "slices": made, "size": [width, height], "spacing": spacing, "seed": 7}
            with self.workers.coopseg("artist") as worker, whole(*paths) as new:
                self.make(worker, "heart", compact(options), *new)
        image, labels = (
            numpy.fromfile(path, dtype=kind).reshape(made, height, width)
            for path, kind in zip(paths, (numpy.float32, numpy.uint8))
        )
        chosen = numpy.arange(slices) % made
        if slices == 1:
            chosen = [0]
        return image[chosen], labels[chosen]

    def image(self, width: int, height: int, slices: int) -> tuple:
        """The arguments of the command `image`."""
        path = self.folder / f"image.{width}x{height}x{slices}"
        if not path.exists():
            # The heart needs three slices at least; its middle ones show most.
            image, _ = self.heart(width, height, max(slices, 3))
            start = (len(image) - slices + 1) // 2
            with whole(path) as (new,):
                image[start : start + slices].tofile(new)
        return path, width, height, slices

    def batch(self, samples: int, size: int) -> tuple:
        """The arguments of the command `batch`: images in [0, 1] with their classes."""
        images, labels = self.heart(size, size, samples)
        low, high = images.min(axis=(1, 2), keepdims=True), images.max(axis=(1, 2), keepdims=True)
        paths = self.folder / f"batch.{samples}x{size}.images", self.folder / f"batch.{samples}x{size}.labels"
        ((images - low) / (high - low)).tofile(paths[0])
        labels.tofile(paths[1])
        return *paths, samples, size, size

    def nifti(self) -> Path:
        """An int16 .nii.gz file."""
        path = self.folder / "image.nii.gz"
        if not path.exists():
            width, height, slices = NIFTI_SHAPE
            voxels = self.folder / "nifti.voxels"
            self.heart(width, height, slices, NIFTI_SPACING)[0].tofile(voxels)
            with self.workers.peer("scribe") as worker, whole(path) as (new,):
                self.make(worker, "image", voxels, width, height, slices)
                self.make(worker, "write_nifti", *NIFTI_SPACING, new)
        return path


def own_grid(width: int, height: int) -> dict:
    """A preprocessing that leaves slices of this size as they are, but for their intensities."""
    return {"preprocess": {"spacing": None, "pad": [width, height], "crop": [width, height]}}
