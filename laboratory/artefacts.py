"""Test sets whose images are spoilt as a scanner would spoil them, kept in a folder outside of the results."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import coopseg
import numpy as np

from .datasets import Roots, case_files, no_labels, open_sources
from .experiment import ArtefactSet, Experiment, copy_name
from .failure import LaboratoryError


def spoil(image: coopseg.Image, artefact: Mapping[str, Any], seed: int) -> coopseg.Image:
    """The image with an artefact whose parameters the seed draws, scaled to [0, 1]."""
    spoilt: coopseg.Image = coopseg.simulate_artefact(image, artefact, seed=seed, rescale=True).image
    return spoilt


def check(test: ArtefactSet) -> None:
    """Refuses an artefact that the library would refuse.

    Raises:
        LaboratoryError: What is wrong with it, and of which test set.
    """
    try:
        spoil(coopseg.Image(np.eye(16, dtype=np.float32)[None].repeat(4, axis=0), (1.0, 1.0, 1.0)), test.artefact, 0)
    except coopseg.Error as error:
        raise LaboratoryError(f'the artefact of the test set "{test.name}": {error}') from None


def open_artefact_set(test: ArtefactSet, experiment: Experiment, roots: Roots, cache: Path) -> coopseg.Dataset:
    """The spoilt copies of a test set's images with their labels. They are made once and kept in `cache`.

    Raises:
        LaboratoryError: A case has no labels; and as `open_sources`.
        coopseg.FileIOError.
    """
    folder = cache / f"{test.name.replace('/', '-')}-{_key(test, experiment, roots)}"
    if not folder.exists():
        base = open_sources(test.base.data, experiment, roots)
        cache.mkdir(parents=True, exist_ok=True)
        # Several processes may make the same; the first that is ready gives the folder its name.
        made = Path(tempfile.mkdtemp(prefix=".making-", dir=cache))
        try:
            _write(test, base, made, len(experiment.classes()))
            # mkdtemp's folders are for their owner alone.
            made.chmod(0o755)
            made.rename(folder)
        except OSError:
            if not folder.exists():
                raise
        finally:
            shutil.rmtree(made, ignore_errors=True)
    return coopseg.Dataset.open(folder / "cases.json", layout="list")


def _write(test: ArtefactSet, base: coopseg.Dataset, folder: Path, classes: int) -> None:
    cases = []
    for index, case in enumerate(base):
        image, labels = base.load(index, classes)
        if labels is None:
            raise no_labels(case.name, test)
        labels.write(folder / f"{index}-labels.nii.gz")
        for copy in range(1, test.copies + 1):
            file = f"{index}-{copy}.nii.gz"
            spoil(image, test.artefact, _seed(test.seed, case.name, copy)).write(folder / file)
            cases.append({"name": copy_name(case.name, copy), "image": file, "label": f"{index}-labels.nii.gz"})
    (folder / "cases.json").write_text(json.dumps(cases))


def _seed(seed: int, case: str, copy: int) -> int:
    """Other for every image and copy, and the same whatever other images there are."""
    return int.from_bytes(hashlib.sha256(f"{seed} {copy} {case}".encode()).digest()[:6])


def _key(test: ArtefactSet, experiment: Experiment, roots: Roots) -> str:
    """Changes with everything that the spoilt images depend on."""
    files = [path for _, _, path in case_files(test.base.data, experiment, roots)]
    stamps = [(path, (status := Path(path).stat()).st_size, status.st_mtime_ns) for path in files]
    described = [test.settings(), test.base.settings(), stamps, coopseg.version()]
    return hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()[:16]
