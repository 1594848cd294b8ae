"""Running what is missing of an experiment."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import coopseg

from .artefacts import check
from .cells import Cell, Cells
from .claims import claim, living_owner
from .datasets import Roots, check_labels
from .experiment import ArtefactSet, Experiment, Plan
from .failure import LaboratoryError
from .fingerprints import check_data
from .testing import score
from .training import Trained, begun, configuration, finished, folder_of, train


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
        LaboratoryError, coopseg.Error: Before anything is trained, for settings and artefacts that the library refuses,
            for test cases without labels and for cells of other settings.
    """
    for plan in plans:
        coopseg.config.check(configuration(plan, workplace.device, None, workplace.snapshot_minutes))
        workplace.cells.read(plan)
    _check_classes(experiment)
    to_test = not workplace.train_only and any(workplace.cells.read(plan) is None for plan in plans)
    for test in experiment.tests:
        if isinstance(test, ArtefactSet):
            check(test)
        elif to_test:
            check_labels(test, experiment, workplace.roots)
    elsewhere = []
    for plan in plans:
        if workplace.cells.read(plan) is not None:
            continue
        with _claimed(claim_file(workplace.cells, plan), plan, workplace) as ours:
            # Its owner may have finished it between our look and our claim.
            made = ours and (workplace.cells.read(plan) is not None or _make(plan, workplace))
        if not made:
            elsewhere.append(plan)
    return [plan for plan in elsewhere if not _done(plan, workplace)]


def claim_file(cells: Cells, plan: Plan) -> Path:
    """Where it stands who makes a cell."""
    return cells.folder / f"{plan.name}.claim"


def training_claim_file(plan: Plan, work: Path) -> Path:
    """Where it stands who trains in a cell's folder, which processes with other results may share."""
    folder = folder_of(plan, work)
    return folder.with_name(f"{folder.name}.claim")


@contextmanager
def _claimed(file: Path, plan: Plan, workplace: Workplace) -> Iterator[bool]:
    """As `claim`, and tells who has it where we do not."""
    with claim(file) as ours:
        if not ours:
            owner = living_owner(file)
            process = f"process {owner.pid} of {owner.host}" if owner else "another process"
            workplace.tell(f"{plan.name}: {process} makes it")
        yield ours


def _done(plan: Plan, workplace: Workplace) -> bool:
    trained = workplace.train_only and finished(plan, workplace.work) is not None
    return trained or workplace.cells.read(plan) is not None


def _make(plan: Plan, workplace: Workplace) -> bool:
    """Makes a cell. Returns False where another process trains it, for results elsewhere."""
    trained = finished(plan, workplace.work)
    if trained is not None:
        _check_data(plan, workplace)
        workplace.tell(f"{plan.name}: trained already")
    else:
        with _claimed(training_claim_file(plan, workplace.work), plan, workplace) as ours:
            if not ours:
                return False
            _check_data(plan, workplace)
            trained = _train(plan, workplace)
    if not workplace.train_only:
        _test(plan, trained, workplace)
    return True


def _check_data(plan: Plan, workplace: Workplace) -> None:
    check_data(plan, workplace.roots, folder_of(plan, workplace.work), begun=begun(plan, workplace.work))


def _train(plan: Plan, workplace: Workplace) -> Trained:
    tell = workplace.tell
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
    return trained


def _test(plan: Plan, trained: Trained, workplace: Workplace) -> None:
    tell = workplace.tell
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
