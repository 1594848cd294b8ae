"""What the tests share: a small model, a small image that is different along every axis, and other processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import coopseg
import numpy as np
import pytest

# Programs that a shell starts in the background ignore Ctrl-C, and so do those that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)

PACKAGE = Path(__file__).resolve().parents[1]
REPOSITORY = PACKAGE.parents[1]

SMALL = {
    "network": {"width": 2},
    "seed": 7,
    "device": "cpu",
    "preprocess": {"spacing": None, "pad": [48, 48], "crop": [32, 32]},
    "slices_per_step": 2,
    "epochs": 2,
}

NX, NY, NZ = 40, 36, 3
SPACING = (1.5, 1.25, 8.0)


@pytest.fixture(scope="session")
def labels() -> np.ndarray:
    """A disc of three rings, off the centre; indexed [z, y, x]."""
    z, y, x = np.mgrid[:NZ, :NY, :NX]
    distance = (x - 22) ** 2 + (y - 16) ** 2
    return np.select([distance < 25, distance < 64, distance < 100], [1, 2, 3], 0).astype(np.uint8)


@pytest.fixture(scope="session")
def image(labels: np.ndarray) -> np.ndarray:
    """A ramp with the disc on it; indexed [z, y, x]."""
    z, y, x = np.mgrid[:NZ, :NY, :NX]
    return (x + 3 * y + labels * 30.0 + z).astype(np.float32)


@pytest.fixture(scope="session")
def model() -> coopseg.Model:
    return coopseg.Model(SMALL)


@pytest.fixture(scope="session")
def segmenter(model: coopseg.Model) -> coopseg.Segmenter:
    return coopseg.Segmenter(model, device="cpu")


@pytest.fixture()
def dataset(image: np.ndarray, labels: np.ndarray) -> coopseg.Dataset:
    """Two cases in memory, six slices: three steps an epoch."""
    made = coopseg.Dataset()
    made.add("one", image, labels, spacing=SPACING)
    made.add("two/ED", image, labels, spacing=SPACING)
    return made


@pytest.fixture(scope="session")
def torch() -> Any:
    """torch, where it can be imported: the bare libtorch of `make setup` cannot."""
    return pytest.importorskip("torch", exc_type=ImportError)


@pytest.fixture(scope="session")
def python() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs Python code in a process of its own."""

    def run(code: str, *arguments: Any, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", code, *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=120,
            env={**os.environ, "PYTHONPATH": str(PACKAGE / "src"), **environment},
        )

    return run
