"""What a running training tells."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from . import _native


@dataclass(frozen=True)
class Event:
    """One message from a training. Numbers that are not known yet, or do not exist in its mode, are NaN.

    Attributes:
        kind: "step", "validation", "snapshot" or "finished".
        best: Whether the latest validation is the best so far.
        epoch: The current epoch, from 1; of `epochs`.
        step: Steps done since the start of the training; an epoch has `steps_per_epoch`.
        loss: Sum of the loss parts, unweighted: of the latest step; at the end of an epoch the mean over its steps.
        loss_segmentation: CE(p, y).
        loss_segmentation_dice: 1 − soft Dice of p, where a Dice term is asked for.
        loss_reconstruction: R(x', x).
        loss_shape_from_prediction: CE(C(p), y).
        loss_shape_from_label: CE(C(y), y).
        loss_hard_segmentation: CE of the segmentation of the corrupted image.
        loss_hard_segmentation_dice: 1 − soft Dice of that segmentation, where a Dice term is asked for.
        loss_hard_reconstruction: R between the reconstruction from the corrupted image and the clean image.
        loss_hard_shape_from_prediction: CE of the corrected segmentation of the corrupted image.
        loss_hard_shape_from_corrupted: CE of the correction of the corrupted segmentation.
        learning_rate: Of the latest step.
        gradient_norm: Of the latest update, before clipping; NaN where it is not clipped.
        selection: Latest validation: the metric that selects the best model.
        mean_iou: Latest validation: mean IoU, background included, after correction.
        fast_dice: Latest validation: mean Dice of the foreground, fast-thinking network alone.
        refined_dice: The same after correction.
        fast_dice_per_class: Background first; None before the first validation.
        refined_dice_per_class: The same after correction.
        examples_per_second: Slices through the networks per second in the current epoch.
        waiting_share: Share of that epoch's time in which the training waited for data, 0 to 1.
        memory_bytes: Memory of this process in RAM; 0 where the system does not tell.
        seconds_elapsed: Time spent in training so far.
        seconds_left: Estimate of the time left.
    """

    kind: str
    best: bool
    epoch: int
    epochs: int
    step: int
    steps_per_epoch: int
    loss: float
    loss_segmentation: float
    loss_segmentation_dice: float
    loss_reconstruction: float
    loss_shape_from_prediction: float
    loss_shape_from_label: float
    loss_hard_segmentation: float
    loss_hard_segmentation_dice: float
    loss_hard_reconstruction: float
    loss_hard_shape_from_prediction: float
    loss_hard_shape_from_corrupted: float
    learning_rate: float
    gradient_norm: float
    selection: float
    mean_iou: float
    fast_dice: float
    refined_dice: float
    fast_dice_per_class: tuple[float, ...] | None
    refined_dice_per_class: tuple[float, ...] | None
    examples_per_second: float
    waiting_share: float
    memory_bytes: int
    seconds_elapsed: float
    seconds_left: float


_NAMES = [field.name for field in dataclasses.fields(Event)]


def event_of(described: _native.CEvent) -> Event:
    """A copy of what C tells, which is valid during its call only."""
    values: dict[str, Any] = {name: getattr(described, name) for name in _NAMES}
    values["kind"] = _native.EVENT_KINDS.get(described.kind, f"kind {described.kind}")
    values["best"] = bool(described.best)
    for name in ("fast_dice_per_class", "refined_dice_per_class"):
        values[name] = tuple(values[name][: described.classes]) if values[name] else None
    return Event(**values)
