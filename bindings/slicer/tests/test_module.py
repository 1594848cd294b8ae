"""Whole runs of CoopSegSegment, as Slicer makes them."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import coopseg
import nrrd
import numpy as np
import pytest
import slicerio
from slicer_cli import CommandLineModule, Run, assert_failed, wait_until
from volumes import Array, Volume, disc, read_nifti, read_nrrd


def segmented_by_library(model: Path, volume: Volume, folder: Path, **options: object) -> dict[str, Array]:
    """What the library makes of the same volume, from file to file."""
    image = volume.write_nifti(folder / "reference.nii.gz")
    files = {name: folder / f"reference_{name}.nii.gz" for name in ("labels", "fast_labels", "entropy")}
    segmenter = coopseg.Segmenter(coopseg.Model.load(model), {"device": "cpu", **options})
    segmenter.segment_file(image, **files)
    return {name: read_nifti(file).voxels for name, file in files.items()}


def run_volume(module: CommandLineModule, model: Path, volume: Volume, folder: Path, **values: object) -> Run:
    work = folder / "slicer"
    work.mkdir()
    image = volume.write_nrrd(work / "image.nrrd")
    return module.run({"model": model, "image": image, "labels": True, "device": "cpu", **values}, work)


@pytest.mark.parametrize("kind", ["uint8", "int16", "uint16", "int32", "float32", "float64"])
def test_labels_are_those_of_the_library(module: CommandLineModule, small: Path, tmp_path: Path, kind: str) -> None:
    voxels = disc()
    if kind.startswith("float"):
        voxels = voxels / 7
    volume = Volume(voxels.astype(kind))
    expected = segmented_by_library(small, volume, tmp_path)
    run = run_volume(module, small, volume, tmp_path, entropy=True)
    assert run.exit_code == 0 and run.errors == ""
    labels, entropy = read_nrrd(run.outputs["labels"]), read_nrrd(run.outputs["entropy"])
    assert labels.voxels.dtype == np.uint8 and len(np.unique(labels.voxels)) > 1
    np.testing.assert_array_equal(labels.voxels, expected["labels"])
    np.testing.assert_allclose(entropy.voxels, expected["entropy"], atol=1e-6)
    for output in (labels, entropy):
        np.testing.assert_allclose(output.affine, volume.affine, atol=1e-5)


def test_options_reach_the_library(module: CommandLineModule, small: Path, tmp_path: Path) -> None:
    volume = Volume(disc())
    expected = segmented_by_library(small, volume, tmp_path)
    run = run_volume(module, small, volume, tmp_path, iterations=0)
    labels = read_nrrd(run.outputs["labels"]).voxels
    np.testing.assert_array_equal(labels, expected["fast_labels"])
    assert (labels != expected["labels"]).any()


def test_nifti_files(module: CommandLineModule, small: Path, tmp_path: Path) -> None:
    volume = Volume(disc())
    expected = segmented_by_library(small, volume, tmp_path)
    command = [module.executable, small, tmp_path / "reference.nii.gz", tmp_path / "labels.nii.gz"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    labels = read_nifti(tmp_path / "labels.nii.gz")
    np.testing.assert_array_equal(labels.voxels, expected["labels"])
    np.testing.assert_allclose(labels.affine, volume.affine, atol=1e-5)


def test_channels(module: CommandLineModule, models: Path, tmp_path: Path) -> None:
    first, second = Volume(disc()), Volume(disc()[::-1].copy())
    files = [first.write_nifti(tmp_path / "first.nii.gz"), second.write_nifti(tmp_path / "second.nii.gz")]
    segmenter = coopseg.Segmenter(coopseg.Model.load(models / "two.coopseg"), device="cpu")
    segmenter.segment_file(files, labels=tmp_path / "expected.nii.gz")
    channel2 = second.write_nrrd(tmp_path / "channel2.nrrd")
    run = run_volume(module, models / "two.coopseg", first, tmp_path, channel2=channel2)
    assert run.exit_code == 0, run.errors
    np.testing.assert_array_equal(
        read_nrrd(run.outputs["labels"]).voxels, read_nifti(tmp_path / "expected.nii.gz").voxels
    )


def test_an_image_of_two_dimensions(module: CommandLineModule, small: Path, tmp_path: Path) -> None:
    image = tmp_path / "image.nrrd"
    nrrd.write(str(image), disc()[:, :, 1], {"spacings": [1.5, 1.5]}, index_order="F")
    run = module.run({"model": small, "image": image, "labels": True}, tmp_path)
    assert run.exit_code == 0, run.errors
    assert read_nrrd(run.outputs["labels"]).voxels.shape == (40, 36, 1)


def test_progress(module: CommandLineModule, small: Path, tmp_path: Path) -> None:
    run = run_volume(module, small, Volume(disc((40, 36, 20))), tmp_path)
    assert run.progress[0] == 0 and run.progress[-1] == 1 and len(run.progress) > 3
    assert run.progress == sorted(run.progress)
    tags = [line for line in run.output.splitlines() if "progress" not in line]
    assert tags[:2] == ["<filter-start>", "<filter-name>CoopSegSegment</filter-name>"]
    assert tags[-1] == "</filter-end>"
    assert all(line.startswith("<filter-") or line.startswith("</filter-") for line in run.output.splitlines())


def test_results(module: CommandLineModule, small: Path, tmp_path: Path) -> None:
    volume = Volume(disc())
    run = run_volume(module, small, volume, tmp_path)
    assert set(run.values) == {"seconds", "slices", "classes", "volumes"}
    assert 0 < float(run.values["seconds"]) < 60
    assert run.values["slices"] == "3"
    assert run.values["classes"] == "LV,MYO,RV"
    counts = np.bincount(read_nrrd(run.outputs["labels"]).voxels.ravel(), minlength=4)[1:]
    told = [float(value) for value in run.values["volumes"].split(",")]
    np.testing.assert_allclose(told, counts * 1.5 * 1.25 * 8 / 1000, rtol=1e-4)
    assert sum(told) > 0


def test_segmentation_files(module: CommandLineModule, small: Path, tmp_path: Path) -> None:
    volume = Volume(disc())
    file = tmp_path / "image.seg.nrrd"
    command = [module.executable, small, volume.write_nrrd(tmp_path / "image.nrrd"), file]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    segmentation = slicerio.read_segmentation(str(file))
    segments = segmentation["segments"]
    assert [segment["name"] for segment in segments] == ["LV", "MYO", "RV"]
    assert [segment["labelValue"] for segment in segments] == [1, 2, 3]
    assert all(segment["extent"] == [0, 39, 0, 35, 0, 2] and segment["layer"] == 0 for segment in segments)
    colours = [tuple(round(255 * part) for part in segment["color"]) for segment in segments]
    assert colours == [(230, 159, 0), (86, 180, 233), (0, 158, 115)]
    assert segmentation["containedRepresentationNames"] == ["Binary labelmap"]
    np.testing.assert_array_equal(segmentation["voxels"], read_nrrd(file).voxels)
    np.testing.assert_allclose(read_nrrd(file).affine, volume.affine, atol=1e-5)


def test_awkward_names_of_classes(module: CommandLineModule, models: Path, tmp_path: Path) -> None:
    """Lists have commas between their elements; neither they nor header fields can hold line breaks."""
    file, returned = tmp_path / "image.seg.nrrd", tmp_path / "returned.params"
    image = Volume(disc()).write_nrrd(tmp_path / "image.nrrd")
    command = [module.executable, models / "names.coopseg", image, file, "--returnparameterfile", returned]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    assert "classes = left  lower,Größe \"ä\" \\ µ,c\n" in returned.read_text(encoding="utf-8")
    header = file.read_bytes().split(b"\n\n")[0].decode("utf-8").splitlines()
    assert "Segment0_Name:=left, lower" in header
    # The format doubles backslashes.
    assert 'Segment1_Name:=Größe "ä" \\\\ µ' in header


def test_arguments_are_checked(module: CommandLineModule, small: Path, tmp_path: Path) -> None:
    image = Volume(disc()).write_nrrd(tmp_path / "image.nrrd")
    labels = tmp_path / "labels.nrrd"
    existing = image.read_bytes()
    good = [small, image, labels]
    cases = {
        "the argument model is missing; expected model, image, labels": [],
        "the argument labels is missing": good[:2],
        '"more" is one argument too many': [*good, "more"],
        "--colour is not an option": [*good, "--colour", "red"],
        "--seconds is not an option": [*good, "--seconds", "1"],
        "--device has no value": [*good, "--device"],
        '--device is "tpu"; expected one of auto, cpu, cuda': [*good, "--device", "tpu"],
        '--iterations is "101"; expected a whole number from 0 to 100': [*good, "--iterations", "101"],
        '--iterations is "-1"': [*good, "--iterations", "-1"],
        '--iterations is "99999999999"': [*good, "--iterations", "99999999999"],
        "--device is given twice": [*good, "--device", "cpu", "--device", "cpu"],
        "entropy is empty": [*good, "--entropy", ""],
        "ends in .nrrd, .nii, .nii.gz or .mha": [small, image, tmp_path / "labels.nhdr"],
        "its folder does not exist": [small, image, tmp_path / "none/labels.nrrd"],
        "image.nrrd is given twice": [small, image, image],
        "labels.nrrd is given twice": [*good, "--entropy", tmp_path / "./labels.nrrd"],
        "none.nrrd cannot be read: No such file": [small, tmp_path / "none.nrrd", labels],
        "it is a folder": [small, tmp_path, labels],
        "expected an image in NRRD, NIfTI or MetaImage format": [small, small, labels],
        "none.coopseg: no such file": [tmp_path / "none.coopseg", image, labels],
        "not a coopseg model": [image, image.rename(tmp_path / "renamed.nrrd").rename(image), labels],
        "channel3 is given, but channel2 is not": [*good, "--channel3", image],
        "the image has 2 channel(s), but the model was made for 1": [*good, "--channel2", image],
    }
    for words, arguments in cases.items():
        done = subprocess.run([module.executable, *arguments], capture_output=True, text=True)
        assert_failed(Run(done.returncode, done.stdout, done.stderr, {}, {"labels": labels}), words)
    assert os.listdir(tmp_path) == ["image.nrrd"] and image.read_bytes() == existing


def test_images_that_are_refused(module: CommandLineModule, small: Path, models: Path, tmp_path: Path) -> None:
    voxels = disc().astype(np.float32)
    voxels[3, 4, 1] = np.nan
    vectors = np.stack([disc()] * 3)
    cases = {
        "NaN": voxels,
        "constant": np.full((40, 36, 3), 5, np.int16),
        "3 values per voxel": vectors,
    }
    for number, (words, given) in enumerate(cases.items()):
        folder = tmp_path / str(number)
        folder.mkdir()
        header = {"kinds": ["vector" if given.ndim == 4 else "domain", "domain", "domain", "domain"][-given.ndim :]}
        nrrd.write(str(folder / "image.nrrd"), given, header, index_order="F")
        run = module.run({"model": small, "image": folder / "image.nrrd", "labels": True}, folder)
        assert_failed(run, words)
        assert os.listdir(folder) == ["image.nrrd"]
    other = Volume(disc((40, 36, 4))).write_nrrd(tmp_path / "other.nrrd")
    run = run_volume(module, models / "two.coopseg", Volume(disc()), tmp_path, channel2=other)
    assert_failed(run, "other.nrrd has 40 × 36 × 4 voxels; expected 40 × 36 × 3")


def test_a_truncated_image_is_refused(module: CommandLineModule, small: Path, tmp_path: Path) -> None:
    image = Volume(disc()).write_nrrd(tmp_path / "image.nrrd")
    image.write_bytes(image.read_bytes()[:-200])
    assert_failed(module.run({"model": small, "image": image, "labels": True}, tmp_path), str(image))


def test_a_folder_that_cannot_be_written_to(module: CommandLineModule, small: Path, tmp_path: Path) -> None:
    image = Volume(disc()).write_nrrd(tmp_path / "image.nrrd")
    done = subprocess.run([module.executable, small, image, "/proc/labels.nrrd"], capture_output=True, text=True)
    assert_failed(Run(done.returncode, done.stdout, done.stderr, {}, {}), "/proc/labels.nrrd cannot be written")


def test_nothing_is_written_where_one_result_cannot(module: CommandLineModule, small: Path, tmp_path: Path) -> None:
    image = Volume(disc()).write_nrrd(tmp_path / "image.nrrd")
    arguments = [small, image, tmp_path / "labels.nrrd", "--returnparameterfile", "/proc/results"]
    done = subprocess.run([module.executable, *arguments], capture_output=True, text=True)
    assert_failed(Run(done.returncode, done.stdout, done.stderr, {}, {}), "/proc/results cannot be written")
    assert os.listdir(tmp_path) == ["image.nrrd"]


def test_existing_files_are_replaced(module: CommandLineModule, small: Path, tmp_path: Path) -> None:
    image = Volume(disc()).write_nrrd(tmp_path / "image.nrrd")
    labels = tmp_path / "labels.nrrd"
    labels.write_text("before")
    mask = os.umask(0o027)
    try:
        subprocess.run([module.executable, small, image, labels], check=True, stdout=subprocess.DEVNULL)
    finally:
        os.umask(mask)
    assert read_nrrd(labels).voxels.shape == (40, 36, 3)
    assert labels.stat().st_mode & 0o777 == 0o640
    assert sorted(os.listdir(tmp_path)) == ["image.nrrd", "labels.nrrd"]


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_cancelling(module: CommandLineModule, slow: Path, tmp_path: Path, end: signal.Signals) -> None:
    image = Volume(disc((192, 192, 100))).write_nrrd(tmp_path / "image.nrrd")
    labels = tmp_path / "node_labels.nrrd"
    labels.write_text("before")
    values = {"model": slow, "image": image, "labels": True, "device": "cpu", "entropy": True}
    run = module.run(values, tmp_path, end=end)
    assert 0 < run.progress[-1] < 0.7
    if end == signal.SIGKILL:
        assert run.exit_code == -end
    else:
        assert run.exit_code == 128 + end
        assert run.errors == "CoopSegSegment: cancelled; nothing was written\n"
    assert labels.read_text() == "before"
    assert sorted(os.listdir(tmp_path)) == ["image.nrrd", "node_labels.nrrd"]


def test_the_end_of_slicer_ends_the_module(module: CommandLineModule, slow: Path, tmp_path: Path) -> None:
    image = Volume(disc((192, 192, 100))).write_nrrd(tmp_path / "image.nrrd")
    command = [module.executable, slow, image, tmp_path / "labels.nrrd", "--device", "cpu"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    for line in process.stdout:
        if b"<filter-progress>" in line:
            break
    process.stdout.close()
    wait_until(lambda: process.poll() is not None)
    assert process.returncode == 128 + signal.SIGPIPE
    assert os.listdir(tmp_path) == ["image.nrrd"]


def test_cuda_is_used_or_its_absence_told(module: CommandLineModule, small: Path, tmp_path: Path) -> None:
    run = run_volume(module, small, Volume(disc()), tmp_path, device="cuda")
    if run.exit_code == 0:
        assert run.outputs["labels"].exists()
    else:
        assert_failed(run, "device `cuda:0` cannot be used")
