"""The methods that are compared, by name: what each changes in the training's configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .failure import LaboratoryError


@dataclass(frozen=True)
class Method:
    """One row of a table.

    Attributes:
        name: As experiments name it.
        title: As tables show it.
        overrides: Keys of the training's configuration.
    """

    name: str
    title: str
    overrides: Mapping[str, Any] = field(default_factory=dict)


def _rival(name: str, title: str, hard_images: str) -> Method:
    """Cooperative training with hard images made in image space and no corrupted segmentations."""
    return Method(
        name,
        title,
        {
            "mode": "cooperative",
            "hard_examples": {"sources": ["image"]},
            "hard_images": {"method": hard_images},
        },
    )


#: What the others are tested against.
REFERENCE = "standard"
#: The method in full.
PROPOSED = "proposed"

_METHODS = (
    Method("standard", "Standard training", {"mode": "standard"}),
    _rival("multi_window_masking", "Rand MWM", "multi_window_masking"),
    _rival("random_convolution", "Rand Conv", "random_convolution"),
    _rival("adversarial_noise", "Adv Noise", "adversarial_noise"),
    _rival("adversarial_bias_field", "Adv Bias", "adversarial_bias_field"),
    Method("proposed_image", "Proposed, x̂", {"mode": "cooperative", "hard_examples": {"sources": ["image"]}}),
    Method("proposed", "Proposed, x̂ and p̂", {"mode": "cooperative"}),
    Method("no_targeted", "w.o. targeted masks", {"mode": "cooperative", "hard_examples": {"masks": ["dropout"]}}),
    Method("shared_code_a", "Shared code (a)", {"mode": "cooperative", "network": {"code_sharing": "image"}}),
    Method("shared_code_b", "Shared code (b)", {"mode": "cooperative", "network": {"code_sharing": "shape"}}),
    Method("separate", "Separate training", {"mode": "cooperative", "separate_training": True}),
    Method(
        "separate_shape",
        "Separate, p̂ only",
        {"mode": "cooperative", "separate_training": True, "hard_examples": {"sources": ["shape"]}},
    ),
)

METHODS: Mapping[str, Method] = {method.name: method for method in _METHODS}

#: Rows of the comparison with image-space augmentation (paper, Table 1), in its order.
COMPARISON = tuple(method.name for method in _METHODS[:7])
#: Rows of the ablation study (paper, Table 2), in its order.
ABLATION = ("no_targeted", "shared_code_a", "shared_code_b", "separate", "separate_shape", "proposed")


def method(name: str) -> Method:
    """The method of that name.

    Raises:
        LaboratoryError: There is none.
    """
    if name not in METHODS:
        raise LaboratoryError(f'there is no method "{name}"; expected some of {", ".join(METHODS)}')
    return METHODS[name]
