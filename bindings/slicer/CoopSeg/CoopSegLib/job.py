"""A segmentation from volume to segmentation node: what Slicer does in it comes through a `Host`."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from .errors import SegmentationError
from .results import Results, read_results
from .run import ChildProcess, Launch, ModuleRun

MOST_CHANNELS = 4


class Host(Protocol):
    """What a segmentation needs of Slicer. Volumes and segmentations are its nodes."""

    def module_file(self) -> Path:
        """The executable of the command-line module."""

    def temporary_folder(self) -> Path:
        """A folder for files that are deleted after the segmentation."""

    def export_volume(self, volume: Any, file: Path) -> None:
        """Writes a volume to a NRRD file."""

    def import_segmentation(self, file: Path, volume: Any) -> Any:
        """Makes a segmentation of the volume from a .seg.nrrd file, in which the classes have names and colours."""


@dataclass(frozen=True)
class Outcome:
    """The segmentation node, and what the run told."""

    segmentation: Any
    results: Results


class SegmentationJob:
    """Starts a segmentation. `poll` it until it returns true, then call `finish`; or `cancel` it before."""

    def __init__(
        self,
        host: Host,
        volumes: Sequence[Any],
        model: str,
        options: Mapping[str, str] | None = None,
        launch: Launch = ChildProcess,
    ) -> None:
        """
        Args:
            host: Slicer.
            volumes: One volume for each channel of the model.
            model: Path of the model file.
            options: Options of the command-line module by name; it knows the defaults of the others.
            launch: Starts the process.

        Raises:
            SegmentationError: There is no volume or no model, or the module cannot be started.
        """
        if not volumes or len(volumes) > MOST_CHANNELS or any(volume is None for volume in volumes):
            raise SegmentationError(f"choose a volume for each channel of the model, 1 to {MOST_CHANNELS}")
        if not Path(model).is_file():
            raise SegmentationError(f'choose a model file; there is none at "{model}"')
        self._host = host
        self._volume = volumes[0]
        self._folder = tempfile.TemporaryDirectory(prefix="coopseg-", dir=host.temporary_folder())
        try:
            images = [self._file(f"channel{channel}.nrrd") for channel in range(1, len(volumes) + 1)]
            for volume, image in zip(volumes, images):
                host.export_volume(volume, image)
            command = [str(host.module_file()), model, str(images[0]), str(self._file("labels.seg.nrrd"))]
            for channel, image in enumerate(images[1:], start=2):
                command += [f"--channel{channel}", str(image)]
            for name, value in (options or {}).items():
                command += [f"--{name}", value]
            command += ["--returnparameterfile", str(self._file("results.txt"))]
            self._run = ModuleRun(launch(command))
        except BaseException:
            self._folder.cleanup()
            raise

    @property
    def progress(self) -> float:
        """0 to 1."""
        return self._run.progress

    def poll(self) -> bool:
        """Whether the process has ended; does not wait."""
        return self._run.poll()

    def cancel(self) -> None:
        """Asks the process to end. It is polled and finished like any other."""
        self._run.cancel()

    def abandon(self) -> None:
        """Ends the process, waits for that and deletes all files."""
        with self._folder:
            self._run.cancel()
            while not self._run.poll():
                time.sleep(0.05)

    def finish(self) -> Outcome:
        """Once the process has ended: makes the segmentation, and deletes all files.

        Raises:
            SegmentationCancelled: It was cancelled.
            SegmentationError: It failed.
        """
        with self._folder:
            self._run.check()
            results = read_results(self._file("results.txt"))
            return Outcome(self._host.import_segmentation(self._file("labels.seg.nrrd"), self._volume), results)

    def _file(self, name: str) -> Path:
        return Path(self._folder.name, name)
