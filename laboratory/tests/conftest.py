"""What the tests share: a tiny experiment, the command as a process, and cells made by hand."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from laboratory.cells import STAGES, Cell, Cells
from laboratory.experiment import ArtefactSet, Experiment, Plan, read_experiment

# Before the library is loaded: threads of networks this small only wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Programs that a shell starts in the background ignore Ctrl-C, and so do those that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).resolve().parents[2]


def phantom(scanner: str, subjects: int, seed: int) -> dict[str, Any]:
    return {"phantom": {"scanner": scanner, "subjects": subjects, "seed": seed, "slices": 3, "size": [40, 36]}}


TINY: dict[str, Any] = {
    "title": "Tiny",
    "training": phantom("A", 3, 1),
    "validation": [phantom("A", 1, 2), phantom("B", 1, 2)],
    "tests": [
        {"name": "A", "data": phantom("A", 2, 3)},
        {"name": "B", "data": phantom("B", 2, 3)},
        {"name": "ghosting", "of": "A", "artefact": {"ghosting": {}}, "copies": 2, "seed": 5},
    ],
    "methods": ["standard", "proposed"],
    "seeds": [0, 1],
    "protocol": "small",
    "overrides": {
        "network": {"width": 2},
        "preprocess": {"spacing": None, "pad": [48, 48], "crop": [32, 32]},
        "slices_per_step": 2,
        "epochs": 6,
        "validation": {"every_epochs": 1},
    },
}


def write_experiment(folder: Path, name: str = "tiny", **changes: Any) -> Path:
    file = folder / f"{name}.json"
    file.write_text(json.dumps({**TINY, **changes}))
    return file


def environment() -> dict[str, str]:
    places = [*filter(None, [os.environ.get("PYTHONPATH")]), str(ROOT), str(ROOT / "bindings/python/src")]
    quiet = {"PYTHONDONTWRITEBYTECODE": "1"}
    return {**os.environ, **quiet, "PYTHONPATH": os.pathsep.join(places)}


def start(folder: Path, *arguments: object) -> subprocess.Popen[str]:
    """The command in a process of its own, in `folder`."""
    return subprocess.Popen(
        [sys.executable, "-m", "laboratory", *map(str, arguments)],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def laboratory(folder: Path, *arguments: object) -> str:
    """Runs the command, which must succeed, and returns what it says."""
    process = start(folder, *arguments)
    out, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    return out


def numbers(results: Path) -> dict[str, Any]:
    """Everything in the cells but when and how fast they were made."""
    cells = {file.name: json.loads(file.read_text()) for file in sorted(results.glob("*.json"))}
    for cell in cells.values():
        del cell["date"], cell["seconds"]
    return cells


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the tiny experiment was run without interruption."""
    folder = tmp_path_factory.mktemp("finished")
    laboratory(folder, "run", write_experiment(folder), "--device", "cpu")
    return folder


def make_cells(folder: Path, frames: Sequence[str] = ("",), **changes: Any) -> tuple[Experiment, Cells]:
    """Cells of three methods and two seeds, made by hand: case i of 4 has Dice 0.5 + i/100 after standard training,
    FTN; the proposed method adds 0.1 + i/100, correction 0.05, seed 1 0.02. Every case has all frames."""
    file = write_experiment(folder, **{"methods": ["standard", "proposed", "separate"], **changes})
    experiment, cells = read_experiment(file), Cells(folder / "results")
    for plan in experiment.plans():
        tests: dict[str, dict[str, dict[str, list[float]]]] = {}
        for test in experiment.tests:
            copies = [f"#{copy + 1}" for copy in range(test.copies)] if isinstance(test, ArtefactSet) else [""]
            tests[test.name] = {
                f"A{case:03}{frame}{copy}": {
                    stage: [_made(plan, case) + (0.05 if stage == "refined" else 0.0)] * 3 for stage in STAGES
                }
                for case in range(4)
                for frame in frames
                for copy in copies
            }
        summary = {"steps": 30, "epochs": 6, "best_epoch": 2, "fast_dice": 0.5, "refined_dice": 0.6}
        seconds = {"training": 100.0, "testing": 20.0}
        cells.write(Cell(plan, ("LV", "MYO", "RV"), summary, "0.1.0", "cpu", "2026-01-31", seconds, tests))
    return experiment, cells


def _made(plan: Plan, case: int) -> float:
    better = 0.1 + case / 100 if plan.method.name == "proposed" else 0.0
    return 0.5 + case / 100 + better + 0.02 * plan.seed
