"""What the tests share: the installed modules, models, and the library itself to compare with."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest
from slicer_cli import CommandLineModule

TESTS = Path(__file__).resolve().parent
BINDING = TESTS.parent
REPOSITORY = BINDING.parents[1]
sys.path[:0] = [str(REPOSITORY / "bindings/python/src"), str(BINDING / "CoopSeg")]

import coopseg  # noqa: E402  (needs the path above)

SMALL = {
    "network": {"width": 2},
    "seed": 7,
    "device": "cpu",
    "preprocess": {"spacing": None, "pad": [48, 48], "crop": [32, 32]},
}


def configuration(**network: Any) -> dict[str, Any]:
    return {**SMALL, "network": {"width": 2, **network}}


@pytest.fixture(scope="session")
def modules() -> Path:
    """The folder that Slicer is told of."""
    return Path(os.environ["COOPSEG_SLICER_MODULES"])


@pytest.fixture(scope="session")
def executable(modules: Path) -> Path:
    return modules / "CoopSegSegment"


@pytest.fixture(scope="session")
def module(executable: Path) -> CommandLineModule:
    return CommandLineModule(executable)


@pytest.fixture(scope="session")
def artefact_module(modules: Path) -> CommandLineModule:
    return CommandLineModule(modules / "CoopSegArtefact")


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Model files: small, two channels, and one with awkward names of classes."""
    folder = tmp_path_factory.mktemp("models")
    coopseg.Model(SMALL).save(folder / "small.coopseg")
    coopseg.Model(configuration(channels=2)).save(folder / "two.coopseg")
    names = ["background", "left, lower", "Größe \"ä\"\n\\ µ", "c"]
    coopseg.Model(configuration(classes=names)).save(folder / "names.coopseg")
    return folder


@pytest.fixture(scope="session")
def small(models: Path) -> Path:
    return models / "small.coopseg"


@pytest.fixture(scope="session")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that takes seconds for a volume of 192 × 192 × 100."""
    file = tmp_path_factory.mktemp("slow") / "slow.coopseg"
    coopseg.Model({"network": {"width": 16}, "preprocess": {"spacing": None}}).save(file)
    return file
