"""Running what is missing of an experiment."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import coopseg

from .artefacts import check
from .cells import Cell, Cells
from .claims import claim, living_owner
from .datasets import Roots
from .experiment import ArtefactSet, Experiment, Plan
from .failure import LaboratoryError
from .fingerprints import check_data
from .testing import score
from .training import begun, configuration, finished, folder_of, train


@dataclass(frozen=True)
class Workplace:
    """Where and how cells are made on this machine.

    Attributes:
        cells: The finished ones.
        work: Folder for models, snapshots and spoilt images.
        roots: Where the data is.
        device: "auto", "cpu", "cuda" or "cuda:N".
        snapshot_minutes: Between snapshots of a training.
        progress: Whether to show bars.
        tell: Hears what happens, line by line.
        train_only: Leave the tests to a later run with the same work folder, on this machine or another.
    """

    cells: Cells
    work: Path
    roots: Roots
    device: str
    snapshot_minutes: float
    progress: bool
    tell: Callable[[str], object]
    train_only: bool = False


def run(experiment: Experiment, plans: Sequence[Plan], workplace: Workplace) -> list[Plan]:
    """Makes the cells that are neither finished nor claimed by another process.

    Returns:
        Those that others are making.

    Raises:
        KeyboardInterrupt: Ctrl-C; the training goes on from there next time.
        LaboratoryError, coopseg.Error: Before anything is trained, for settings and artefacts that the library refuses
            and for cells of other settings.
    """
    for plan in plans:
        coopseg.config.check(configuration(plan, workplace.device, None, workplace.snapshot_minutes))
        workplace.cells.read(plan)
    _check_classes(experiment)
    for test in experiment.tests:
        if isinstance(test, ArtefactSet):
            check(test)
    elsewhere = []
    for plan in plans:
        if workplace.cells.read(plan) is not None:
            continue
        file = claim_file(workplace.cells, plan)
        with claim(file) as ours:
            if not ours:
                owner = living_owner(file)
                process = f"process {owner.pid} of {owner.host}" if owner else "another process"
                workplace.tell(f"{plan.name}: {process} makes it")
                elsewhere.append(plan)
            # Its owner may have finished it between our look and our claim.
            elif workplace.cells.read(plan) is None:
                _make(plan, workplace)
    return [plan for plan in elsewhere if workplace.cells.read(plan) is None]


def claim_file(cells: Cells, plan: Plan) -> Path:
    """Where it stands who makes a cell."""
    return cells.folder / f"{plan.name}.claim"


def _make(plan: Plan, workplace: Workplace) -> None:
    tell = workplace.tell
    folder = folder_of(plan, workplace.work)
    check_data(plan, workplace.roots, folder, begun=begun(plan, workplace.work))
    if workplace.train_only and finished(plan, workplace.work) is not None:
        tell(f"{plan.name}: trained already")
        return
    tell(f"{plan.name}: training")

    def hear(event: coopseg.Event) -> None:
        if event.kind == "validation" and not workplace.progress:
            dice = f"FTN {event.fast_dice:.3f}, FTN+STN {event.refined_dice:.3f}"
            tell(f"{plan.name}: epoch {event.epoch} of {event.epochs}, Dice {dice}, {event.seconds_left:.0f} s left")

    trained = train(
        plan,
        workplace.roots,
        workplace.work,
        workplace.device,
        workplace.snapshot_minutes,
        listen=hear,
        progress=workplace.progress,
    )
    tell(f"{plan.name}: trained in {trained.seconds:.0f} s on {trained.device}")
    if workplace.train_only:
        return
    began = time.monotonic()
    with coopseg.Model.load(trained.model) as model:
        tests = score(
            model,
            plan.experiment,
            workplace.roots,
            workplace.work,
            workplace.device,
            lambda name: tell(f"{plan.name}: testing on {name}"),
            progress=workplace.progress,
        )
    workplace.cells.write(
        Cell(
            plan,
            plan.experiment.classes()[1:],
            trained.summary,
            coopseg.version(),
            trained.device,
            datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
            {"training": trained.seconds, "testing": time.monotonic() - began},
            tests,
        )
    )
    tell(f"{plan.name}: finished")


def _check_classes(experiment: Experiment) -> None:
    classes = coopseg.config.check(experiment.configuration())["network"]["classes"]
    if list(experiment.classes()) != classes:
        raise LaboratoryError(f"the library's classes are {classes}; name them in `overrides`, `network`, `classes`")
