"""What a training was trained on, kept beside its model, so that the model is not taken for one of other data."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import coopseg

from .configuration import first_difference
from .datasets import Roots, case_files
from .experiment import Plan
from .failure import LaboratoryError
from .files import as_json, write_whole
from .reading import read_object

#: Digests of the files of every case.
Fingerprints = dict[str, dict[str, str]]


def check_data(plan: Plan, roots: Roots, folder: Path, *, begun: bool) -> None:
    """Compares the data with what a training was begun with. Where nothing tells, the present data is written down.

    Args:
        plan: What is trained.
        roots: Where the data is.
        folder: Of the training.
        begun: Whether there is anything in it to go on with.

    Raises:
        LaboratoryError: The training was begun with other files; their case is named.
    """
    experiment = plan.experiment
    parts = {"training": experiment.training, "validation": experiment.validation}
    try:
        now = {name: _fingerprints(case_files(sources, experiment, roots)) for name, sources in parts.items()}
    except (LaboratoryError, coopseg.Error):
        # A model that was trained elsewhere needs no training data here, and a training says itself what is missing.
        return
    file = folder / "data.json"
    if not begun or not file.exists():
        write_whole(file, as_json(now))
        return
    difference = first_difference(read_object(file), now)
    if difference is not None:
        raise LaboratoryError(
            f"{folder} was begun with other data than there is now: {difference}; delete it to train again"
        )


def _fingerprints(files: Iterable[tuple[str, str, str]]) -> Fingerprints:
    made: Fingerprints = {}
    for case, kind, path in files:
        with open(path, "rb") as stream:
            made.setdefault(case, {})[kind] = hashlib.file_digest(stream, "sha256").hexdigest()[:16]
    return made
