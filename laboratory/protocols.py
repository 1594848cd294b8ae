"""How networks are trained, by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .failure import LaboratoryError


@dataclass(frozen=True)
class Protocol:
    """A training's configuration without its method.

    Attributes:
        name: As experiments name it.
        meaning: One sentence for reports.
        configuration: What differs from the library's defaults.
    """

    name: str
    meaning: str
    configuration: Mapping[str, Any]


_PROTOCOLS = (
    Protocol(
        "published",
        "The published settings: slices of 192×192 pixels of 1.37 mm, width 16, Adam with learning rate 0.0001, "
        "600 epochs. For a GPU.",
        {
            "preset": "official",
            "network": {"width": 16},
            "preprocess": {"spacing": [1.36719, 1.36719], "pad": [224, 224], "crop": [192, 192]},
            "optimizer": {"algorithm": "adam", "learning_rate": 1e-4},
            "slices_per_step": 10,
            "with_unaugmented": True,
            "epochs": 600,
            "validation": {"every_epochs": 1, "subjects": None, "metric": "refined_mean_iou"},
        },
    ),
    Protocol(
        "small",
        "Reduced so that a training takes minutes on two cores: slices of 96×96 pixels of 2 mm, width 8, batches of "
        "augmented slices alone, no rotation by multiples of 45°, Adam with a learning rate that rises to 0.002 in 20 "
        "steps and falls to 0 as a cosine, 50 epochs, of which the last one's networks are tested.",
        {
            "preset": "official",
            "network": {"width": 8},
            # 192 mm are seen: 99.8% of the labels of ACDC and all of those of the phantom.
            # Codes of 6×6 positions; with 4×4, cooperative training fell behind on ACDC (docs/RESULTS.md).
            "preprocess": {"spacing": [2.0, 2.0], "pad": [112, 112], "crop": [96, 96]},
            # Hearts in any direction need more steps than two cores have time for.
            "augmentation": {"discrete_rotation": {"probability": 0.0}},
            "optimizer": {"algorithm": "adam", "learning_rate": 2e-3},
            "schedule": {"decay": "cosine", "warmup_steps": 20},
            "slices_per_step": 10,
            "with_unaugmented": False,
            # One validation, at the end: a choice among epochs by few subjects takes one from before the learning rate
            # fell (docs/RESULTS.md).
            "epochs": 50,
            "validation": {"every_epochs": 50, "subjects": None, "metric": "refined_mean_iou"},
        },
    ),
)

PROTOCOLS: Mapping[str, Protocol] = {protocol.name: protocol for protocol in _PROTOCOLS}


def protocol(name: str) -> Protocol:
    """The protocol of that name.

    Raises:
        LaboratoryError: There is none.
    """
    if name not in PROTOCOLS:
        raise LaboratoryError(f'there is no protocol "{name}"; expected {" or ".join(PROTOCOLS)}')
    return PROTOCOLS[name]
