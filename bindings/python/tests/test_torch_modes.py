"""What the program has switched in torch for itself does not reach coopseg's work."""

from __future__ import annotations

from typing import Any

import coopseg
import numpy as np
import pytest
from conftest import SMALL, SPACING


@pytest.fixture(params=["no_grad", "inference_mode", "autocast"])
def mode(request: pytest.FixtureRequest, torch: Any) -> Any:
    if request.param == "autocast":
        return torch.autocast("cpu", dtype=torch.bfloat16)
    return getattr(torch, request.param)()


def test_segmentations_are_the_same(mode: Any, torch: Any, segmenter: coopseg.Segmenter, image: np.ndarray) -> None:
    def probabilities() -> Any:
        # One slice is computed on the caller's thread.
        return segmenter.segment(image[1], ["probabilities"], spacing=SPACING).probabilities

    expected = probabilities()
    with mode:
        np.testing.assert_array_equal(probabilities(), expected)
        modes = torch.is_grad_enabled(), torch.is_inference_mode_enabled(), torch.is_autocast_enabled("cpu")
        assert modes != (True, False, False)


def test_trainings_are_the_same(mode: Any, dataset: coopseg.Dataset) -> None:
    plain = coopseg.Trainer(SMALL, dataset)
    with mode:
        trainer = coopseg.Trainer(SMALL, dataset)
        assert trainer.step().loss == plain.step().loss
    assert trainer.step().loss == plain.step().loss
