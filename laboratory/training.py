"""Training of one cell, which goes on from its newest snapshot after it was killed."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import coopseg

from .configuration import Configuration
from .datasets import Roots, open_sources
from .experiment import Plan
from .failure import LaboratoryError
from .files import as_json, write_whole


@dataclass(frozen=True)
class Trained:
    """A finished training.

    Attributes:
        model: File of the best model.
        summary: "steps", "epochs", "best_epoch" and, of the best validation, "fast_dice" and "refined_dice".
        device: That it was trained on.
        seconds: How long.
    """

    model: Path
    summary: dict[str, Any]
    device: str
    seconds: float


def folder_of(plan: Plan, work: Path) -> Path:
    """Where a cell's model and snapshots are; another folder as soon as anything in the training is different."""
    told = json.dumps([plan.training_settings(), plan.seed, coopseg.version()], sort_keys=True)
    key = hashlib.sha256(told.encode()).hexdigest()[:16]
    return work / plan.experiment.name / f"{plan.name}-{key}"


def finished(plan: Plan, work: Path) -> Trained | None:
    """The training, or None where it has not ended on this machine."""
    folder = folder_of(plan, work)
    try:
        told = json.loads((folder / "training.json").read_text())
    except FileNotFoundError:
        return None
    return Trained(folder / "model.coopseg", told["summary"], told["device"], told["seconds"])


def begun(plan: Plan, work: Path) -> bool:
    """Whether a cell has a model or a snapshot here."""
    folder = folder_of(plan, work)
    return (folder / "training.json").exists() or any(folder.glob("snapshots/*"))


def train(
    plan: Plan,
    roots: Roots,
    work: Path,
    device: str,
    snapshot_minutes: float,
    *,
    listen: Callable[[coopseg.Event], object] | None = None,
    progress: bool = False,
) -> Trained:
    """Trains a cell, or goes on with it, or finds that it has ended already.

    Args:
        plan: What to train.
        roots: Where the data is.
        work: For models and snapshots.
        device: "auto", "cpu", "cuda" or "cuda:N".
        snapshot_minutes: Between snapshots.
        listen: Hears every event.
        progress: Whether to show a bar.

    Raises:
        KeyboardInterrupt: Ctrl-C, after a snapshot was written.
        LaboratoryError: It was stopped before its end; and as `open_sources`.
        coopseg.Error.
    """
    before = finished(plan, work)
    if before is not None:
        return before
    folder = folder_of(plan, work)
    folder.mkdir(parents=True, exist_ok=True)
    snapshots = folder / "snapshots"
    training = open_sources(plan.experiment.training, plan.experiment, roots)
    validation = open_sources(plan.experiment.validation, plan.experiment, roots)
    config = configuration(plan, device, snapshots, snapshot_minutes)
    trainer = _resumed(snapshots, training, validation, config) or coopseg.Trainer(config, training, validation)
    with trainer:
        if not trainer.metrics()["finished"] and not trainer.run(listen, progress=progress):
            raise LaboratoryError(
                f"{plan.name} was stopped before the end of its training; the same command goes on from its newest "
                "snapshot"
            )
        metrics = trainer.metrics()
        trainer.save_best(folder / "model.coopseg")
    told = {"summary": _summary(metrics), "device": metrics["device"], "seconds": metrics["seconds"]}
    # Its presence says that the model is whole.
    write_whole(folder / "training.json", as_json(told))
    shutil.rmtree(snapshots, ignore_errors=True)
    return Trained(folder / "model.coopseg", told["summary"], told["device"], told["seconds"])


def configuration(plan: Plan, device: str, snapshots: Path | None, snapshot_minutes: float) -> Configuration:
    """What the trainer is told."""
    return {
        **plan.configuration(),
        "seed": plan.seed,
        "device": device,
        "snapshots": {
            "folder": None if snapshots is None else str(snapshots),
            "every_minutes": snapshot_minutes,
            "on_cancel": True,
        },
    }


def _resumed(
    snapshots: Path, training: coopseg.Dataset, validation: coopseg.Dataset, config: Configuration
) -> coopseg.Trainer | None:
    if not snapshots.is_dir():
        return None
    # The work folder may have been copied here: new snapshots belong beside the old ones.
    changes = {key: config[key] for key in ("device", "snapshots")}
    try:
        return coopseg.Trainer.resume(snapshots, training, validation, changes)
    except coopseg.MissingFileError:
        return None


def _summary(metrics: dict[str, Any]) -> dict[str, Any]:
    epochs = metrics["history"]["epochs"]
    best = metrics["history"]["best_epoch"]
    validations = (epoch["validation"] for epoch in epochs if epoch["epoch"] == best and epoch["validation"])
    scores: dict[str, Any] = next(validations, {})
    stages = [stage for stage in ("fast_dice", "refined_dice") if stage in scores]
    dice: dict[str, Any] = {stage: _foreground(scores[stage]) for stage in stages}
    return {"steps": metrics["steps"], "epochs": epochs[-1]["epoch"] if epochs else 0, "best_epoch": best, **dice}


def _foreground(dice: list[float | None]) -> float | None:
    """Mean over the classes without the background."""
    defined = [value for value in dice[1:] if value is not None]
    return round(sum(defined) / len(defined), 6) if defined else None
