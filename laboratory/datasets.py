"""Datasets of an experiment on this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import coopseg

from .experiment import Experiment, PlainSet, TestSet
from .failure import LaboratoryError
from .sources import Folder, Source, Sources


class Roots:
    """Where the folders lie that experiments call by name."""

    def __init__(self, given: Mapping[str, Path]) -> None:
        """`given` comes before the environment's COOPSEG_DATA_<NAME>."""
        self._given = given

    def __getitem__(self, name: str) -> Path:
        """The folder of that name.

        Raises:
            LaboratoryError: Nobody said where it is.
        """
        variable = f"COOPSEG_DATA_{name.upper().replace('-', '_')}"
        place = self._given.get(name) or os.environ.get(variable)
        if not place:
            raise LaboratoryError(f"where is the data called {name}? Say --data {name}=/folder, or set {variable}")
        if not Path(place).is_dir():
            raise LaboratoryError(f"the data called {name} should be in {place}, but there is no such folder")
        return Path(place)


def open_sources(sources: Sources, experiment: Experiment, roots: Roots) -> coopseg.Dataset:
    """The dataset of one or several sources. The images of several are all in memory.

    Raises:
        LaboratoryError: A root that nobody named.
        coopseg.Error: What opening and reading raise; a name that cases of two sources share.
    """
    opened = [_open(source, experiment, roots) for source in sources]
    if len(opened) == 1:
        return opened[0]
    together = coopseg.Dataset()
    for dataset in opened:
        for index, case in enumerate(dataset):
            image, labels = dataset.load(index, len(experiment.classes()))
            together.add(case.name, image, labels, copy=False)
    return together


def case_files(sources: Sources, experiment: Experiment, roots: Roots) -> Iterator[tuple[str, str, str]]:
    """Name, "image" or "labels", and path of every file of the cases; those of synthetic hearts have none.

    Raises:
        As `open_sources`.
    """
    for source in sources:
        for case in _open(source, experiment, roots):
            for kind, path in (("image", case.image), ("labels", case.labels)):
                if path is not None:
                    yield case.name, kind, path


def check_labels(test: PlainSet, experiment: Experiment, roots: Roots) -> None:
    """Refuses a test set with a case that has no labels to compare with.

    Raises:
        LaboratoryError: The case; and as `open_sources`.
    """
    # Synthetic hearts have labels.
    for folder in (source for source in test.data if isinstance(source, Folder)):
        for case in _open(folder, experiment, roots):
            if case.labels is None:
                raise no_labels(case.name, test)


def no_labels(case: str, test: TestSet) -> LaboratoryError:
    """What is wrong with a case of a test set that has no labels."""
    return LaboratoryError(f'{case} in the test set "{test.name}" has no labels; expected labels for every case')


def _open(source: Source, experiment: Experiment, roots: Roots) -> coopseg.Dataset:
    if isinstance(source, Folder):
        root = roots[source.root] if source.root else experiment.file.parent
        return coopseg.Dataset.open(root / source.path, source.options)
    return coopseg.Dataset.synthetic(source.options)
