"""Datasets."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path

import coopseg
import nibabel
import numpy as np
import pytest
from conftest import SPACING
from coopseg import dataset as module


def test_synthetic_written_and_opened_again(tmp_path: Path) -> None:
    made = coopseg.Dataset.synthetic(subjects=3, slices=2, size=[64, 48], seed=5)
    assert len(made) == 3 and [case.image for case in made] == [None] * 3
    made.write(tmp_path)
    opened = coopseg.Dataset.open(tmp_path)
    assert [case.name for case in opened] == [case.name for case in made]
    assert opened[0].image == str(tmp_path / opened[0].name / "image.nii.gz")
    assert opened[-1].labels == str(tmp_path / opened[2].name / "label.nii.gz")
    image, labels = opened.load(1, classes=4)
    assert image.voxels.shape == labels.voxels.shape == (2, 48, 64)
    by_nibabel = nibabel.load(opened[1].image)
    np.testing.assert_array_equal(image.voxels.T, by_nibabel.get_fdata(dtype=np.float32))
    np.testing.assert_allclose(image.affine, by_nibabel.affine, atol=1e-5)
    assert opened.info()["count"] == 3 and opened.info()["cases"][0]["has_labels"] is True


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        coopseg.Dataset.open(tmp_path / "nowhere")
    with pytest.raises(coopseg.InvalidDatasetError):
        coopseg.Dataset.open(tmp_path)
    with pytest.raises(coopseg.InvalidConfigError, match="scanners"):
        coopseg.Dataset.synthetic(scanners="A")


def test_selection_and_split() -> None:
    made = coopseg.Dataset.synthetic(subjects=5, slices=1, size=[32, 32])
    names = [case.name for case in made]
    assert [case.name for case in made[1:4:2]] == names[1:4:2]
    assert [case.name for case in made.select([-1, 0])] == [names[4], names[0]]
    for wrong in ([0, 0], [9], [], [-6]):
        with pytest.raises(coopseg.InvalidArgumentError):
            made.select(wrong)
    for index in (5, -6):
        with pytest.raises(IndexError):
            made[index]
        with pytest.raises(IndexError):
            made.load(index, 4)
    rest, held_out = made.split(held_out=[names[2]])
    assert [case.name for case in held_out] == [names[2]] and len(rest) == 4
    rest, held_out = made.split({"folds": 5}, fold=1)
    assert len(rest) == 4 and len(held_out) == 1
    with pytest.raises(coopseg.InvalidConfigError):
        made.split()
    assert coopseg.Dataset() and len(coopseg.Dataset()) == 0


@pytest.mark.parametrize("copy", [True, False])
def test_cases_from_memory(image, labels, copy: bool) -> None:
    made = coopseg.Dataset()
    made.add("plain", image, labels, spacing=SPACING, copy=copy)
    made.add("turned", image.T, labels.T.astype(np.int64), spacing=SPACING, axes="xyz", copy=copy)
    made.add("flipped", image[:, ::-1], labels[:, ::-1], spacing=SPACING, copy=copy)
    made.add("nibabel", nibabel.Nifti1Image(image.T, np.diag([*SPACING, 1.0])), labels.T, copy=copy)
    made.add("bare", image, spacing=SPACING, copy=copy)
    for index, flip in ((0, 1), (1, 1), (2, -1), (3, 1)):
        read, reference = made.load(index, 4)
        np.testing.assert_array_equal(read.voxels, image[:, ::flip])
        np.testing.assert_array_equal(reference.voxels, labels[:, ::flip])
        np.testing.assert_array_equal(read.spacing, SPACING)
    assert made.load(4, 4)[1] is None
    np.testing.assert_array_equal(made.load(3, 4)[0].direction, np.diag([-1, -1, 1]))
    with pytest.raises(coopseg.InvalidDatasetError, match="plain"):
        made.add("plain", image, labels, spacing=SPACING, copy=copy)
    with pytest.raises(coopseg.InvalidShapeError):
        made.add("other", image, labels[1:], spacing=SPACING, copy=copy)
    with pytest.raises(coopseg.InvalidGeometryError, match="no spacing"):
        made.add("other", image, labels, copy=copy)
    with pytest.raises(coopseg.InvalidLabelError):
        made.load(0, 2)
    for classes in (1, 256, 2**32 + 4):
        with pytest.raises(coopseg.InvalidArgumentError, match="expected 2 to 255"):
            made.load(0, classes)


def test_copied_voxels_are_copies_and_borrowed_ones_are_not(image, labels) -> None:
    mine = image.copy()
    made = coopseg.Dataset()
    made.add("copied", mine, labels, spacing=SPACING)
    made.add("borrowed", mine, labels, spacing=SPACING, copy=False)
    mine[0, 0, 0] = 777
    assert made.load(0, 4)[0].voxels[0, 0, 0] == image[0, 0, 0]
    assert made.load(1, 4)[0].voxels[0, 0, 0] == 777


def test_borrowed_arrays_live_until_the_last_user_is_gone(image, labels) -> None:
    class Watched(np.ndarray):
        pass

    gc.collect()
    before = len(module._borrowed)
    mine = image.copy().view(Watched)
    gone = weakref.ref(mine)
    made = coopseg.Dataset()
    made.add("case", mine, labels, spacing=SPACING, copy=False)
    with pytest.raises(coopseg.InvalidDatasetError):
        made.add("case", mine, labels, spacing=SPACING, copy=False)
    assert len(module._borrowed) == before + 1
    part = made.select([0])
    del mine
    made.close()
    gc.collect()
    assert gone() is not None
    np.testing.assert_array_equal(part.load(0, 4)[0].voxels, image)
    part.close()
    gc.collect()
    assert gone() is None and len(module._borrowed) == before


def test_what_an_interrupted_call_borrowed_stays(image, labels, monkeypatch) -> None:
    """A signal's handler may raise when the library has accepted the case already."""
    made, call = coopseg.Dataset(), module.call

    def interrupted(*arguments) -> None:
        call(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, "call", interrupted)
        with pytest.raises(KeyboardInterrupt):
            made.add("case", image.copy(), labels.copy(), spacing=SPACING, copy=False)
    gc.collect()
    np.testing.assert_array_equal(made.load(0, 4)[0].voxels, image)
    kept = len(module._borrowed)
    made.close()
    gc.collect()
    assert len(module._borrowed) == kept - 1


def test_channels(image, labels) -> None:
    made = coopseg.Dataset()
    made.add("list", [image, image + 1], labels, spacing=SPACING)
    made.add("stacked", np.stack([image, image + 1], -1), labels, spacing=SPACING, axes="zyxc")
    made.add("borrowed", np.stack([image, image + 1]), labels, spacing=SPACING, copy=False)
    assert len(made) == 3
    for case in range(3):
        channels, read = made.load_channels(case, 4)
        assert read is not None and len(channels) == 2
        np.testing.assert_array_equal(channels[0].voxels, image)
        np.testing.assert_array_equal(channels[1].voxels, image + 1)
        np.testing.assert_array_equal(read.voxels, labels)
        np.testing.assert_array_equal(channels[1].spacing, SPACING)
    with pytest.raises(coopseg.InvalidShapeError, match="2 channels"):
        made.load(0, 4)
    with pytest.raises(coopseg.InvalidShapeError):
        made.add("other", [image, image[1:]], labels, spacing=SPACING)
