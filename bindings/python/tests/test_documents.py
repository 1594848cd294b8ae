"""What README.md and examples/python show works as it is written."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import coopseg
import nibabel
import numpy as np
import pytest
from conftest import PACKAGE, REPOSITORY, SMALL, SPACING
from coopseg.command import main

README = (PACKAGE / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.S)


@pytest.fixture()
def folder(tmp_path: Path, image: np.ndarray, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    nibabel.save(nibabel.Nifti1Image(image.T, np.diag([*SPACING, 1.0])), "image.nii.gz")
    return tmp_path


def test_the_readmes_python(folder: Path, capsys, torch) -> None:
    shown = {"CONFIG": SMALL}
    for block in blocks("python"):
        exec(compile(block, "README.md", "exec"), shown)
    assert nibabel.load("labels.nii.gz").shape == nibabel.load("image.nii.gz").shape
    assert nibabel.load("probabilities.nii.gz").shape[3] == 4
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_the_readmes_commands(folder: Path, capsys) -> None:
    coopseg.Dataset.synthetic(subjects=5, slices=2, size=[40, 36]).write("DATA")
    commands = [line for block in blocks("sh") for line in block.splitlines() if line.startswith("coopseg ")]
    assert {shlex.split(line)[1] for line in commands} == {"train", "segment", "evaluate", "artefact", "info"}
    small = ["epochs=1", "slices_per_step=2", "preprocess.pad=[48,48]", "preprocess.crop=[32,32]"]
    for line in commands:
        arguments = shlex.split(line)[1:]
        if arguments[0] == "train":
            arguments += [word for setting in small for word in ("--set", setting)]
        assert main(arguments) == 0, capsys.readouterr().err
    assert Path("scores.csv").exists() and Path("entropy.nii.gz").exists()


def test_the_readmes_messages_are_the_packages() -> None:
    sources = "".join(file.read_text() for file in (PACKAGE / "src/coopseg").glob("*.py"))
    for words in ("libcoopseg.so cannot be loaded", "but coopseg needs", "an array has no spacing",
                  "lies in the memory of another device"):  # fmt: skip
        assert words in README and words in sources


def run_example(name: str, *arguments: str) -> str:
    example = REPOSITORY / "examples/python" / name
    done = subprocess.run([sys.executable, "-B", example, *arguments], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_examples(folder: Path, monkeypatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(PACKAGE / "src"))
    told = run_example("train.py", "run", "0.1")
    assert len(re.findall(r"mean Dice on scanner B, \w+: [01]\.\d{3}", told)) == 2
    for name in ("model.coopseg", "report.html", "evaluation.csv"):
        assert Path("run", name).exists()
    told = run_example("segment.py", "run/model.coopseg", "image.nii.gz", "labels.nii.gz", "entropy.nii.gz")
    assert [line.split(":")[0] for line in told.splitlines()] == ["LV", "MYO", "RV"]
    coopseg.Dataset.synthetic(subjects=2, slices=2, size=[64, 64]).write("DATA")
    told = run_example("artefacts.py", "run/model.coopseg", "DATA")
    rows = [line.rsplit(" ", 5) for line in told.splitlines()[1:]]
    assert len(rows) == 8 and all(0 <= float(value) <= 1 for _, *values in rows for value in values)
    labels, entropy = nibabel.load("labels.nii.gz"), nibabel.load("entropy.nii.gz")
    assert labels.shape == entropy.shape == nibabel.load("image.nii.gz").shape
    expected = coopseg.Segmenter(coopseg.Model.load("run/model.coopseg")).segment(nibabel.load("image.nii.gz")).labels
    np.testing.assert_array_equal(labels.dataobj, expected.dataobj)
