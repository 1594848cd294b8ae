"""A model on the test sets of its experiment."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import coopseg

from .artefacts import open_artefact_set
from .cells import STAGES, CaseScores
from .datasets import Roots, open_sources
from .experiment import ArtefactSet, Experiment, TestSet
from .failure import LaboratoryError


def open_test_set(test: TestSet, experiment: Experiment, roots: Roots, work: Path) -> coopseg.Dataset:
    """The dataset of a test set; spoilt copies are kept in `work`.

    Raises:
        LaboratoryError, coopseg.Error.
    """
    if isinstance(test, ArtefactSet):
        return open_artefact_set(test, experiment, roots, work / "spoilt")
    return open_sources(test.data, experiment, roots)


def score(
    model: coopseg.Model,
    experiment: Experiment,
    roots: Roots,
    work: Path,
    device: str,
    tell: Callable[[str], object],
    *,
    progress: bool = False,
) -> dict[str, CaseScores]:
    """Dice per test set, case, stage and class.

    Args:
        model: The model.
        experiment: Whose test sets are used.
        roots: Where the data is.
        work: For spoilt images.
        device: That segments.
        tell: Hears the name of every test set before it is worked on.
        progress: Whether to show a bar.

    Raises:
        KeyboardInterrupt, LaboratoryError, coopseg.Error.
    """
    scores: dict[str, CaseScores] = {}
    for test in experiment.tests:
        tell(test.name)
        with open_test_set(test, experiment, roots, work) as dataset:
            evaluation = coopseg.evaluate(
                model, dataset, segmenter={"device": device}, surface_distances=False, progress=progress
            )
        told = evaluation.to_dict()
        if told["classes"] != list(experiment.classes()[1:]):
            raise LaboratoryError(f"the model has the classes {told['classes']}; expected {experiment.classes()[1:]}")
        scores[test.name] = {case["case"]: _dice(case) for case in told["cases"]}
    return scores


def _dice(case: dict[str, Any]) -> dict[str, list[float]]:
    return {stage: list(_numbers(row["dice"] for row in case[stage])) for stage in STAGES}


def _numbers(values: Iterable[float | None]) -> Iterable[float]:
    return (math.nan if value is None else value for value in values)
