"""Finished cells: one small JSON file for each method and seed.

A file holds numbers and names of cases only; no images and no paths of a machine.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .configuration import first_difference
from .experiment import Experiment, Plan
from .failure import LaboratoryError
from .files import as_json, write_whole
from .reading import only, read_object, required, typed

FORMAT = 1
STAGES = ("fast", "refined")

#: Dice per class (NaN where not defined) by stage, by case.
CaseScores = Mapping[str, Mapping[str, list[float]]]

_KEYS = [
    "format", "experiment", "method", "seed", "settings", "classes", "training", "library", "device", "date",
    "seconds", "tests",
]  # fmt: skip


@dataclass(frozen=True)
class Cell:
    """One method trained with one seed.

    Attributes:
        plan: What was asked for.
        classes: Names, without the background.
        training: "steps", "epochs", "best_epoch" and, of the best validation, "fast_dice" and "refined_dice".
        library: Version of coopseg.
        device: That it was trained on, such as "cpu".
        date: When it was finished, as 2026-01-31.
        seconds: "training" and "testing".
        tests: Scores by name of the test set.
    """

    plan: Plan
    classes: tuple[str, ...]
    training: Mapping[str, Any]
    library: str
    device: str
    date: str
    seconds: Mapping[str, float]
    tests: Mapping[str, CaseScores]


class Cells:
    """The folder of an experiment's cells."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def file(self, plan: Plan) -> Path:
        """Where a cell is or will be."""
        return self.folder / f"{plan.name}.json"

    def read(self, plan: Plan) -> Cell | None:
        """The cell, or None where it is not finished.

        Raises:
            LaboratoryError: The file is broken, or was made with other settings than the experiment has now.
        """
        file = self.file(plan)
        return _read(file, plan) if file.exists() else None

    def finished(self, experiment: Experiment) -> list[Cell]:
        """All finished cells of an experiment, method by method.

        Raises:
            LaboratoryError: As `read`; and two cells have other cases in a test set of the same name.
        """
        plans = sorted(experiment.plans(), key=lambda plan: experiment.methods.index(plan.method))
        cells = [cell for plan in plans if (cell := self.read(plan)) is not None]
        for cell in cells[1:]:
            for test, scores in cell.tests.items():
                if set(scores) != set(cells[0].tests[test]):
                    raise LaboratoryError(
                        f'{self.file(cell.plan)} has other cases in "{test}" than {self.file(cells[0].plan)}; '
                        "both must be made from the same data"
                    )
        return cells

    def write(self, cell: Cell) -> None:
        """Writes a cell, whole or not at all."""
        plan = cell.plan
        told = {
            "format": FORMAT,
            "experiment": plan.experiment.name,
            "method": plan.method.name,
            "seed": plan.seed,
            "settings": plan.settings(),
            "classes": list(cell.classes),
            "training": dict(cell.training),
            "library": cell.library,
            "device": cell.device,
            "date": cell.date,
            "seconds": {name: round(value, 1) for name, value in cell.seconds.items()},
            "tests": {
                test: {case: {stage: _plain(dice) for stage, dice in scores.items()} for case, scores in cases.items()}
                for test, cases in cell.tests.items()
            },
        }
        write_whole(self.file(plan), as_json(told))


def _plain(dice: list[float]) -> list[float | None]:
    return [None if math.isnan(value) else round(value, 6) for value in dice]


def _read(file: Path, plan: Plan) -> Cell:
    given = read_object(file)
    where = str(file)
    only(given, _KEYS, where)
    if required(given, "format", int, where) != FORMAT:
        raise LaboratoryError(f"{where} has format {given['format']}; expected {FORMAT}")
    for key, value in (("experiment", plan.experiment.name), ("method", plan.method.name), ("seed", plan.seed)):
        if given.get(key) != value:
            raise LaboratoryError(f"`{key}` of {where} is {given.get(key)!r}; expected {value!r}")
    difference = first_difference(required(given, "settings", dict, where), plan.settings())
    if difference is not None:
        raise LaboratoryError(
            f"{where} was made with other settings than {plan.experiment.file} has now: {difference}; "
            "delete the cell, or give the changed experiment another name"
        )
    classes = tuple(typed(name, str, f"a class of {where}") for name in required(given, "classes", list, where))
    tests = required(given, "tests", dict, where)
    names = [test.name for test in plan.experiment.tests]
    if list(tests) != names:
        raise LaboratoryError(f"{where} has the test sets {list(tests)}; expected {names}")
    return Cell(
        plan,
        classes,
        required(given, "training", dict, where),
        required(given, "library", str, where),
        required(given, "device", str, where),
        required(given, "date", str, where),
        required(given, "seconds", dict, where),
        {name: _scores(cases, len(classes), f'"{name}" of {where}') for name, cases in tests.items()},
    )


def _scores(cases: Any, classes: int, where: str) -> CaseScores:
    return {
        name: {stage: _dice(required(scores, stage, list, f"{name} in {where}"), classes, where) for stage in STAGES}
        for name, scores in typed(cases, dict, where).items()
    }


def _dice(values: list[Any], classes: int, where: str) -> list[float]:
    if len(values) != classes:
        raise LaboratoryError(f"a case in {where} has {len(values)} values of Dice; expected {classes}")
    dice = [math.nan if value is None else float(typed(value, float, where)) for value in values]
    for value in dice:
        if not (math.isnan(value) or 0.0 <= value <= 1.0):
            raise LaboratoryError(f"a case in {where} has Dice {value}; expected 0 to 1")
    return dice
