"""What README.md shows works as it is written. Its first block is what run.sh builds and installs with."""

from __future__ import annotations

import importlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import fake_slicer
import numpy as np
import pytest
from conftest import BINDING, REPOSITORY, TESTS
from slicer_cli import find_modules
from volumes import Volume, disc, read_nrrd

README = (BINDING / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.S)


def test_every_block_is_run() -> None:
    assert re.findall(r"```(\w+)", README) == ["sh", "sh", "python", "sh"]


def test_the_folder_for_slicer(modules: Path) -> None:
    assert "`$INSTALLED/lib/coopseg/slicer`" in README
    assert modules == Path(os.environ["INSTALLED"], "lib/coopseg/slicer")
    scripted = ("CoopSeg.py", "CoopSegLib/job.py", "Resources/Icons/CoopSeg.png")
    for name in ("CoopSegSegment.xml", "CoopSegArtefact.xml", *scripted):
        assert (modules / name).exists()


def test_the_extension(tmp_path: Path) -> None:
    build = tmp_path / "extension"
    environment = {**os.environ, "BUILD": str(build), "SLICER": str(TESTS / "slicer_package")}
    command = ["sh", "-eu", "-c", blocks("sh")[1]]
    subprocess.run(command, cwd=REPOSITORY, env=environment, check=True, capture_output=True)
    names = ["CoopSegArtefact", "CoopSegSegment"]
    subprocess.run(["cmake", "--build", build, "--target", *names], check=True, capture_output=True)
    folder = build / "lib/Slicer-5.8/cli-modules"
    assert [file.name for file in find_modules(folder)] == names
    for name in names:
        assert (folder / f"{name}.xml").exists()


def test_the_shell(modules: Path, small: Path, tmp_path: Path) -> None:
    shutil.copy(small, tmp_path / "model.coopseg")
    Volume(disc()).write_nrrd(tmp_path / "image.nrrd")
    Volume(disc()).write_nifti(tmp_path / "image.nii.gz")
    environment = {**os.environ, "PATH": f"{modules}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["sh", "-eu", "-c", blocks("sh")[2]], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0 and done.stderr == "", done.stderr
    for name in ("labels.nrrd", "labels.nii.gz", "heart.seg.nrrd", "entropy.nrrd", "labels.mha", "results.txt"):
        assert (tmp_path / name).exists()
    images = [read_nrrd(tmp_path / f"{name}.nrrd").voxels for name in ("image", "spoiled", "again", "moved")]
    np.testing.assert_array_equal(images[1], images[2])
    assert (images[0] != images[1]).any() and (images[1] != images[3]).any()
    assert (tmp_path / "applied.txt").read_text().splitlines()[1].startswith("applied = {")


def test_the_python_console(
    monkeypatch: pytest.MonkeyPatch, modules: Path, executable: Path, small: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    for name, module in fake_slicer.make_modules(executable, tmp_path).items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.syspath_prepend(str(modules))
    monkeypatch.delitem(sys.modules, "CoopSeg", raising=False)
    monkeypatch.chdir(tmp_path)
    shutil.copy(small, "model.coopseg")
    slicer = importlib.import_module("slicer")
    heart = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "heart")
    heart.voxels = disc().T
    (block,) = blocks("python")
    exec(compile(block, "README.md", "exec"), {"slicer": slicer})
    assert [line.split(":")[0] for line in capsys.readouterr().out.splitlines()] == ["LV", "MYO", "RV"]


def test_the_readmes_messages_are_the_modules() -> None:
    table = README.split("## When something goes wrong")[1]
    assert "`the module CoopSegSegment is not loaded`" in table
    assert "the module CoopSegSegment is not loaded" in (BINDING / "CoopSeg/CoopSeg.py").read_text()
    library = "".join(file.read_text() for file in (REPOSITORY / "src/runtime").rglob("*.rs"))
    for words in ("this process has loaded libtorch", "cannot be used"):
        assert f"`{words}" in table or f"… {words}`" in table
        assert words in library
