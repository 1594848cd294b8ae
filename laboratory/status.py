"""How far an experiment is."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass

from .cells import Cell, Cells
from .claims import Owner, living_owner
from .experiment import Experiment, Plan


@dataclass(frozen=True)
class PlanStatus:
    """How far one cell is: finished, being made, or neither."""

    plan: Plan
    cell: Cell | None
    owner: Owner | None


def statuses(experiment: Experiment, cells: Cells) -> list[PlanStatus]:
    """Of every cell, in the order in which they are made."""
    return [
        PlanStatus(plan, cell, None if cell else living_owner(cells.folder / f"{plan.name}.claim"))
        for plan in experiment.plans()
        for cell in [cells.read(plan)]
    ]


def seconds_left(known: list[PlanStatus]) -> float | None:
    """How long the rest would take one process, from the cells that are finished; None where there is none. What is
    being made counts with the time that it has left."""
    finished = [status.cell for status in known if status.cell is not None]
    if not finished:
        return None
    left = 0.0
    for status in known:
        if status.cell is None:
            same = [cell for cell in finished if cell.plan.method == status.plan.method]
            expected = statistics.median(sum(cell.seconds.values()) for cell in same or finished)
            spent = 0.0 if status.owner is None else time.time() - status.owner.since
            left += max(expected - spent, 0.0)
    return left


def describe(experiment: Experiment, known: list[PlanStatus]) -> str:
    """The status as text: one line for each cell, and a sum."""
    width = max(len(status.plan.name) for status in known)
    lines = [f"{status.plan.name:{width}}  {_state(status)}" for status in known]
    done = sum(status.cell is not None for status in known)
    running = sum(status.owner is not None for status in known)
    left = seconds_left(known)
    missing = len(known) - done - running
    rest = "nothing left to do" if done == len(known) else f"about {_duration(left)} left for one process"
    lines.append(f"{experiment.title}: {done} of {len(known)} finished, {running} running, {missing} missing; {rest}")
    return "\n".join(lines)


def _state(status: PlanStatus) -> str:
    if status.cell is not None:
        return f"finished {status.cell.date} in {_duration(sum(status.cell.seconds.values()))} on {status.cell.device}"
    if status.owner is not None:
        since = _duration(time.time() - status.owner.since)
        return f"running for {since}: process {status.owner.pid} of {status.owner.host}"
    return "missing"


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "an unknown time (no cell is finished)"
    if seconds < 100:
        return f"{max(seconds, 0):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
