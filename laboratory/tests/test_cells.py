"""Cells are read back as they were written, or refused."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from conftest import TINY, make_cells, write_experiment

from laboratory.cells import Cells
from laboratory.experiment import read_experiment
from laboratory.failure import LaboratoryError


def change(cells: Cells, name: str, edit: Any) -> None:
    file = cells.folder / f"{name}.json"
    told = json.loads(file.read_text())
    edit(told)
    file.write_text(json.dumps(told))


def test_cells_come_back(tmp_path: Path) -> None:
    experiment, cells = make_cells(tmp_path)
    finished = cells.finished(experiment)
    assert [cell.plan.name for cell in finished] == [
        f"{method}.{seed}" for method in ("standard", "proposed", "separate") for seed in (0, 1)
    ]
    assert finished[2].tests["A"]["A003"]["refined"] == [0.71, 0.71, 0.71]
    assert finished[2].seconds == {"training": 100.0, "testing": 20.0}


def test_classes_without_dice_are_null(tmp_path: Path) -> None:
    experiment, cells = make_cells(tmp_path)
    change(cells, "standard.0", lambda told: told["tests"]["A"]["A000"]["fast"].__setitem__(1, None))
    cell = cells.read(experiment.plans()[0])
    assert cell is not None and math.isnan(cell.tests["A"]["A000"]["fast"][1])
    cells.write(cell)
    assert json.loads((cells.folder / "standard.0.json").read_text())["tests"]["A"]["A000"]["fast"][1] is None


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda told: told.update(format=2), "has format 2; expected 1"),
        (lambda told: told.update(seed=1), "`seed` of .* is 1; expected 0"),
        (lambda told: told.update(experiment="other"), "`experiment` of .* is 'other'; expected 'tiny'"),
        (lambda told: told.update(host="x"), "unknown key `host`"),
        (lambda told: told.pop("library"), "has no `library`"),
        (lambda told: told["tests"].pop("B"), r"has the test sets \['A', 'ghosting'\]"),
        (lambda told: told["tests"]["A"]["A000"].pop("fast"), "has no `fast`"),
        (lambda told: told["tests"]["A"]["A000"].update(fast=[0.5]), "has 1 values of Dice; expected 3"),
        (lambda told: told["tests"]["A"]["A000"].update(fast=[0.5, 2.0, 0.1]), "has Dice 2.0; expected 0 to 1"),
    ],
)
def test_broken_cells_are_refused(tmp_path: Path, edit: Any, words: str) -> None:
    experiment, cells = make_cells(tmp_path)
    change(cells, "standard.0", edit)
    with pytest.raises(LaboratoryError, match=words) as raised:
        cells.finished(experiment)
    assert "standard.0.json" in str(raised.value)


def test_cells_of_other_settings_are_refused(tmp_path: Path) -> None:
    _, cells = make_cells(tmp_path)
    overrides = {**TINY["overrides"], "epochs": 7}
    changed = read_experiment(write_experiment(tmp_path, overrides=overrides))
    with pytest.raises(LaboratoryError, match="`differs.epochs` is 6 and 7"):
        cells.finished(changed)


def test_cells_of_other_cases_are_refused(tmp_path: Path) -> None:
    experiment, cells = make_cells(tmp_path)
    change(cells, "proposed.1", lambda told: told["tests"]["A"].pop("A003"))
    with pytest.raises(LaboratoryError, match=r'proposed.1.json has other cases in "A" than .*standard.0.json'):
        cells.finished(experiment)
