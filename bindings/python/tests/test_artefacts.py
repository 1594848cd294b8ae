"""Artefacts on images of every kind."""

from __future__ import annotations

import json
from pathlib import Path

import coopseg
import nibabel
import numpy as np
import pytest
import SimpleITK
from conftest import NX, NY, NZ, SPACING
from coopseg.command import main

NAMES = ("bias_field", "ghosting", "motion", "spike", "noise", "blur", "gamma", "downsampling")


@pytest.mark.parametrize("name", NAMES)
def test_parameters_that_come_back_make_the_same_image(image, name: str) -> None:
    first = coopseg.simulate_artefact(image, name, seed=4, spacing=SPACING)
    assert first.image.shape == image.shape and first.image.dtype == np.float32
    assert list(first.parameters) == [name, "rescale"] and not np.array_equal(first.image, image)
    again = coopseg.simulate_artefact(image, first.parameters, seed=99, spacing=SPACING)
    np.testing.assert_array_equal(again.image, first.image)
    assert again.parameters == first.parameters
    text = coopseg.simulate_artefact(image, json.dumps(first.parameters), spacing=SPACING)
    np.testing.assert_array_equal(text.image, first.image)
    assert coopseg.simulate_artefact(image, name, seed=5, spacing=SPACING).parameters != first.parameters
    flat = coopseg.simulate_artefact(image[1], name, seed=4, spacing=SPACING)
    assert flat.image.shape == (NY, NX) and not np.array_equal(flat.image, image[1])
    scaled = coopseg.simulate_artefact(image, {name: {"severity": 2}}, rescale=True, spacing=SPACING)
    assert (scaled.image.min(), scaled.image.max()) == (0, 1) and scaled.parameters["rescale"]


def test_keys_by_name_and_in_a_mapping(image) -> None:
    keys = {"ghosts": 6, "axis": "x", "intensity": np.float64(0.8), "restore": None}
    by_name = coopseg.simulate_artefact(image, "ghosting", **keys)
    assert by_name.parameters == {"ghosting": keys, "rescale": False}
    np.testing.assert_array_equal(coopseg.simulate_artefact(image, {"ghosting": keys}).image, by_name.image)
    drawn = coopseg.simulate_artefact(image, "ghosting", seed=2, intensity=[2, 3], ghosts=5).parameters["ghosting"]
    assert 2 <= drawn["intensity"] <= 3 and drawn["ghosts"] == 5


@pytest.mark.parametrize("name", ["motion", "noise"])
def test_every_kind_of_image_comes_back_as_its_own(image, name: str) -> None:
    expected = coopseg.simulate_artefact(coopseg.Image(image, SPACING), name, seed=3).image
    assert isinstance(expected, coopseg.Image) and expected.axes == "zyx"
    np.testing.assert_array_equal(expected.spacing, SPACING)
    array = coopseg.simulate_artefact(image.astype(np.int16), name, seed=3, spacing=SPACING).image
    np.testing.assert_array_equal(array, expected.voxels)
    turned = coopseg.simulate_artefact(image.T, name, seed=3, spacing=SPACING, axes="xyz").image
    np.testing.assert_array_equal(turned.T, expected.voxels)
    # To LPS as the array has it.
    affine = np.diag([-SPACING[0], -SPACING[1], SPACING[2], 1])
    by_nibabel = coopseg.simulate_artefact(nibabel.Nifti1Image(image.T, affine), name, seed=3).image
    assert type(by_nibabel) is nibabel.Nifti1Image and by_nibabel.get_data_dtype() == np.float32
    np.testing.assert_array_equal(np.asarray(by_nibabel.dataobj).T, expected.voxels)
    itk = SimpleITK.GetImageFromArray(image)
    itk.SetSpacing(SPACING)
    by_itk = coopseg.simulate_artefact(itk, name, seed=3).image
    np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(by_itk), expected.voxels)
    assert by_itk.GetSpacing() == SPACING


def test_channels_share_the_artefact_but_not_the_noise(image) -> None:
    second = np.sqrt(image)
    for name in ("ghosting", "noise"):
        one = coopseg.simulate_artefact(image, name, seed=8)
        parameters = json.loads(json.dumps(one.parameters))
        if name == "noise":
            parameters["noise"]["seed"] += 1
        other = coopseg.simulate_artefact(second, parameters).image
        stacked = coopseg.simulate_artefact(np.stack([image, second]), name, seed=8)
        assert stacked.parameters == one.parameters
        np.testing.assert_array_equal(stacked.image, [one.image, other])
        last = coopseg.simulate_artefact(np.stack([image, second], -1), name, seed=8, axes="zyxc").image
        np.testing.assert_array_equal(last, np.stack([one.image, other], -1))
        listed = coopseg.simulate_artefact([image, second], name, seed=8).image
        assert isinstance(listed, list)
        np.testing.assert_array_equal(listed, [one.image, other])
        vector = SimpleITK.GetImageFromArray(np.stack([image, second], -1), isVector=True)
        by_itk = coopseg.simulate_artefact(vector, name, seed=8).image
        assert by_itk.GetNumberOfComponentsPerPixel() == 2
        np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(by_itk), last)
        four = nibabel.Nifti1Image(np.stack([image.T, second.T], -1), np.eye(4))
        by_nibabel = coopseg.simulate_artefact(four, name, seed=8).image
        np.testing.assert_array_equal(np.asarray(by_nibabel.dataobj).T, [one.image, other])


def test_what_is_refused(image) -> None:
    def refuse(error: type[Exception], words: str, artefact: object = "ghosting", given=image, **keys: object) -> None:
        with pytest.raises(error, match=words):
            coopseg.simulate_artefact(given, artefact, **keys)

    refuse(coopseg.InvalidConfigError, "goasting", "goasting")
    refuse(coopseg.InvalidConfigError, r"`ghosting.severity` is 6; expected at least 1 and at most 5", severity=6)
    refuse(coopseg.InvalidConfigError, "ghost", ghost=6)
    refuse(coopseg.InvalidConfigError, "severity: single keys belong", {"ghosting": {}}, severity=3)
    refuse(coopseg.InvalidConfigError, "no artefact is named", {})
    refuse(coopseg.InvalidConfigError, "`ghosting` and `noise`", {"ghosting": {}, "noise": {}})
    refuse(coopseg.InvalidConfigError, "expected a mapping or JSON text", 3)
    refuse(coopseg.InvalidConfigError, "no JSON", '{"ghosting": ')
    refuse(coopseg.InvalidGeometryError, "spacing", "motion")
    refuse(coopseg.InvalidGeometryError, "spacing", "blur")
    refuse(coopseg.InvalidArgumentError, "the seed is -1", seed=-1)
    refuse(coopseg.InvalidArgumentError, "complex", given=image.astype(complex))
    broken = image.copy()
    broken[1, 2, 3] = np.nan
    refuse(coopseg.InvalidArgumentError, "x 3, y 2, z 1", given=broken)
    assert "downsampling" in coopseg.config.schema("artefact")["properties"]


def test_the_command(image, tmp_path: Path, capfd) -> None:
    source, output, again = (str(tmp_path / name) for name in ("image.nii.gz", "spoiled.nii.gz", "again.nii"))
    coopseg.Image(image, SPACING, origin=(3, 4, 5)).write(source)
    assert main(["artefact", source, output, "--artefact", '{"motion": {"severity": 3}}', "--seed", "7"]) == 0
    parameters = capfd.readouterr().out
    expected = coopseg.simulate_artefact(coopseg.Image.read(source), "motion", severity=3, seed=7)
    assert json.loads(parameters) == expected.parameters
    written = coopseg.Image.read(output)
    np.testing.assert_array_equal(written.voxels, expected.image.voxels)
    np.testing.assert_allclose(written.origin, (3, 4, 5), atol=1e-6)
    assert main(["artefact", source, again, "--artefact", parameters]) == 0
    np.testing.assert_array_equal(coopseg.Image.read(again).voxels, written.voxels)
    capfd.readouterr()
    assert main(["artefact", source, again, "--artefact", "goasting"]) == 1
    told = capfd.readouterr()
    assert "goasting" in told.err and told.out == "" and len(told.err.splitlines()) == 1
    assert main(["artefact", "/nowhere.nii", again, "--artefact", "noise"]) == 1
    assert "/nowhere.nii" in capfd.readouterr().err
