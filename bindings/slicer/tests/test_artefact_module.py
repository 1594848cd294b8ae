"""Whole runs of CoopSegArtefact, as Slicer makes them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import coopseg
import nibabel
import nrrd
import numpy as np
import pytest
from slicer_cli import CommandLineModule, Run, assert_failed
from volumes import Volume, disc, read_nifti, read_nrrd

NAMES = ("bias_field", "ghosting", "motion", "spike", "noise", "blur", "gamma", "downsampling")


def run_volume(module: CommandLineModule, volume: Volume, folder: Path, **values: object) -> Run:
    image = volume.write_nrrd(folder / "image.nrrd")
    return module.run({"image": image, "spoiled": True, **values}, folder)


def failed(run: Run, *words: str) -> None:
    assert_failed(run, *words, module="CoopSegArtefact")


@pytest.mark.parametrize("name", NAMES)
def test_the_image_is_that_of_the_library(artefact_module: CommandLineModule, tmp_path: Path, name: str) -> None:
    volume = Volume(disc())
    run = run_volume(artefact_module, volume, tmp_path, artefact=name, severity=4, seed=9)
    assert run.exit_code == 0 and run.errors == "", run.errors
    image = nibabel.Nifti1Image(volume.voxels, volume.affine)
    expected = coopseg.simulate_artefact(image, name, severity=4, seed=9)
    spoiled = read_nrrd(run.outputs["spoiled"])
    assert spoiled.voxels.dtype == np.float32 and (spoiled.voxels != volume.voxels).any()
    np.testing.assert_allclose(spoiled.affine, volume.affine, atol=1e-5)
    # The two readers round where voxels lie differently, which these two depend on.
    tolerance = 1e-3 if name in ("motion", "blur") else 0
    np.testing.assert_allclose(spoiled.voxels, np.asarray(expected.image.dataobj), rtol=0, atol=tolerance)
    assert set(run.values) == {"seconds", "applied"} and 0 < float(run.values["seconds"]) < 60
    assert json.loads(run.values["applied"]) == expected.parameters


@pytest.mark.parametrize("name", NAMES)
def test_what_was_applied_repeats_it(artefact_module: CommandLineModule, tmp_path: Path, name: str) -> None:
    folders = [tmp_path / "first", tmp_path / "again"]
    for folder in folders:
        folder.mkdir()
    first = run_volume(artefact_module, Volume(disc()), folders[0], artefact=name, seed=3)
    # Slicer gives every option; the object counts.
    again = run_volume(
        artefact_module, Volume(disc()), folders[1], json=first.values["applied"], artefact="gamma", severity=5, seed=4
    )
    assert again.exit_code == 0, again.errors
    assert again.values["applied"] == first.values["applied"]
    before, after = (read_nrrd(run.outputs["spoiled"]).voxels for run in (first, again))
    np.testing.assert_array_equal(after, before)


@pytest.mark.parametrize("kind", ["uint8", "uint16", "int32", "float32", "float64"])
def test_every_type(artefact_module: CommandLineModule, tmp_path: Path, kind: str) -> None:
    voxels = disc().astype(kind) + (2**24 + 1 if kind in ("int32", "float64") else 0)
    run = run_volume(artefact_module, Volume(voxels), tmp_path, artefact="noise")
    expected = coopseg.simulate_artefact(voxels.T, "noise", severity=3).image
    np.testing.assert_array_equal(read_nrrd(run.outputs["spoiled"]).voxels.T, expected)


def test_an_image_of_two_dimensions(artefact_module: CommandLineModule, tmp_path: Path) -> None:
    image = tmp_path / "image.nrrd"
    nrrd.write(str(image), disc()[:, :, 1], {"spacings": [1.5, 1.5]}, index_order="F")
    run = artefact_module.run({"image": image, "spoiled": True, "artefact": "ghosting"}, tmp_path)
    assert run.exit_code == 0, run.errors
    assert read_nrrd(run.outputs["spoiled"]).voxels.shape == (40, 36, 1)
    assert json.loads(run.values["applied"])["ghosting"]["axis"] != "z"


def test_nifti_files(artefact_module: CommandLineModule, tmp_path: Path) -> None:
    volume = Volume(disc())
    image, spoiled = volume.write_nifti(tmp_path / "image.nii.gz"), tmp_path / "spoiled.nii.gz"
    command = [artefact_module.executable, image, spoiled, "--json", '{"gamma": {"gamma": 2}, "rescale": true}']
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env={})
    written = read_nifti(spoiled)
    assert (written.voxels.min(), written.voxels.max()) == (0, 1)
    np.testing.assert_allclose(written.affine, volume.affine, atol=1e-5)


def test_progress(artefact_module: CommandLineModule, tmp_path: Path) -> None:
    run = run_volume(artefact_module, Volume(disc()), tmp_path)
    assert run.progress == [0, 1]
    lines = run.output.splitlines()
    assert lines[:2] == ["<filter-start>", "<filter-name>CoopSegArtefact</filter-name>"]
    assert lines[-1] == "</filter-end>" and all(line.startswith(("<filter-", "</filter-")) for line in lines)


def test_arguments_are_checked(artefact_module: CommandLineModule, tmp_path: Path) -> None:
    image, spoiled = Volume(disc()).write_nrrd(tmp_path / "image.nrrd"), tmp_path / "spoiled.nrrd"
    existing = image.read_bytes()
    good = [image, spoiled]
    cases = {
        "the argument spoiled is missing; expected image, spoiled": good[:1],
        '--artefact is "goasting"; expected one of bias_field, ghosting': [*good, "--artefact", "goasting"],
        '--severity is "6"; expected a whole number from 1 to 5': [*good, "--severity", "6"],
        '--seed is "-1"': [*good, "--seed", "-1"],
        "json is empty": [*good, "--json", ""],
        "not valid JSON": [*good, "--json", "ghosting"],
        "no artefact is named": [*good, "--json", "{}"],
        "`ghosting.severity` is 6": [*good, "--json", '{"ghosting": {"severity": 6}}'],
        "image.nrrd is given twice": [image, image],
        "spoiled.nrrd is given twice": [*good, "--returnparameterfile", spoiled],
        "none.nrrd cannot be read: No such file": [tmp_path / "none.nrrd", spoiled],
        "/proc/results cannot be written": [*good, "--returnparameterfile", "/proc/results"],
        "ends in .nrrd, .nii, .nii.gz or .mha": [image, tmp_path / "spoiled.nhdr"],
    }
    for words, arguments in cases.items():
        done = subprocess.run([artefact_module.executable, *arguments], capture_output=True, text=True)
        failed(Run(done.returncode, done.stdout, done.stderr, {}, {"spoiled": spoiled}), words)
    assert os.listdir(tmp_path) == ["image.nrrd"] and image.read_bytes() == existing


def test_images_that_are_refused(artefact_module: CommandLineModule, tmp_path: Path) -> None:
    voxels = disc().astype(np.float32)
    voxels[3, 4, 1] = np.nan
    failed(run_volume(artefact_module, Volume(voxels), tmp_path), "x 3, y 4, z 1")
    header = {"kinds": ["vector", "domain", "domain", "domain"]}
    nrrd.write(str(tmp_path / "vectors.nrrd"), np.stack([disc()] * 3), header, index_order="F")
    run = artefact_module.run({"image": tmp_path / "vectors.nrrd", "spoiled": True}, tmp_path)
    failed(run, "3 values per voxel; expected 1")
    assert sorted(os.listdir(tmp_path)) == ["image.nrrd", "vectors.nrrd"]


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_cancelling(artefact_module: CommandLineModule, tmp_path: Path, end: signal.Signals) -> None:
    image = Volume(disc((192, 192, 100))).write_nrrd(tmp_path / "image.nrrd")
    spoiled = tmp_path / "node_spoiled.nrrd"
    spoiled.write_text("before")
    values = {"image": image, "spoiled": True, "artefact": "motion"}
    run = artefact_module.run(values, tmp_path, end=end, end_when=lambda progress: progress == 0)
    if end == signal.SIGKILL:
        assert run.exit_code == -end
    else:
        assert run.exit_code == 128 + end
        assert run.errors == "CoopSegArtefact: cancelled; nothing was written\n"
    assert spoiled.read_text() == "before"
    assert sorted(os.listdir(tmp_path)) == ["image.nrrd", "node_spoiled.nrrd"]
