"""Images of every kind, and back."""

from __future__ import annotations

import copy
import ctypes
import pickle
from pathlib import Path
from typing import Any

import coopseg
import nibabel
import numpy as np
import pytest
import SimpleITK
from conftest import NX, NY, NZ, SMALL, SPACING
from coopseg.segmenter import OUTPUTS

ALL = tuple(OUTPUTS)


def oblique(mirror: bool = False) -> np.ndarray:
    """An affine to RAS with every axis turned and a spacing of its own."""
    a, b = 0.4, -0.7
    turn_z = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    turn_x = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    affine = np.eye(4)
    affine[:3, :3] = turn_z @ turn_x @ np.diag([1.0, -1.0 if mirror else 1.0, 1.0]) * SPACING
    affine[:3, 3] = -20.5, 33.25, 7.0
    return affine


@pytest.fixture(scope="module")
def expected(segmenter: coopseg.Segmenter, image: np.ndarray) -> coopseg.Segmentation:
    return segmenter.segment(image, ALL, spacing=SPACING)


def same(result: Any, expected: Any, reorder=lambda array: array) -> None:
    for name in ALL:
        found = getattr(result, name)
        found = reorder(np.asarray(found.dataobj if hasattr(found, "dataobj") else found))
        np.testing.assert_array_equal(found, getattr(expected, name), err_msg=name)


def test_outputs_have_their_shapes_and_meanings(expected: coopseg.Segmentation) -> None:
    assert expected.labels.shape == expected.entropy.shape == (NZ, NY, NX)
    assert expected.labels.dtype == expected.fast_labels.dtype == np.uint8
    assert expected.probabilities.shape == (4, NZ, NY, NX) and expected.probabilities.dtype == np.float32
    np.testing.assert_allclose(expected.probabilities.sum(0), 1, atol=1e-5)
    np.testing.assert_array_equal(expected.probabilities.argmax(0), expected.labels)
    p = expected.probabilities.astype(float)
    np.testing.assert_allclose(-(p * np.log(np.maximum(p, 1e-30))).sum(0), expected.entropy, atol=1e-5)
    assert 0 <= expected.disagreement.min() and expected.disagreement.max() <= 1.00001
    assert expected.report["slices"] == NZ and len(expected.report["change_per_pass"]) == 1
    # Slices along z differ, and so does the result along every axis.
    assert len(np.unique(expected.labels)) > 1


def test_only_what_is_asked_for_is_made(segmenter: coopseg.Segmenter, image: np.ndarray) -> None:
    result = segmenter.segment(image, "entropy", spacing=SPACING)
    assert result.labels is None and result.entropy.shape == image.shape
    with pytest.raises(coopseg.InvalidArgumentError, match="at least one"):
        segmenter.segment(image, (), spacing=SPACING)
    with pytest.raises(coopseg.InvalidArgumentError, match='no output "label"; expected some of labels'):
        segmenter.segment(image, ["label"], spacing=SPACING)


@pytest.mark.parametrize("axes", ["zyx", "xyz", "yxz", "zxy"])
def test_axes_mean_what_they_say(segmenter, image, expected, axes: str) -> None:
    given = image.transpose(["zyx".index(axis) for axis in axes])
    for array in (given, np.ascontiguousarray(given), np.asfortranarray(given)):
        result = segmenter.segment(array, ALL, spacing=SPACING, axes=axes)
        assert result.labels.shape == array.shape
        classes_first = axes.endswith("x")
        order = ("c" + axes) if classes_first else axes + "c"
        for name in ALL:
            named = order if name == "probabilities" else axes
            wanted = "czyx" if name == "probabilities" else "zyx"
            found = getattr(result, name).transpose([named.index(axis) for axis in wanted])
            np.testing.assert_array_equal(found, getattr(expected, name))


def test_an_array_that_is_said_to_have_other_axes_gives_another_result(segmenter, image, expected) -> None:
    swapped = segmenter.segment(image, spacing=SPACING, axes="zxy").labels
    assert (swapped != expected.labels).any()


def test_two_dimensions(segmenter, image) -> None:
    slice_ = image[1]
    result = segmenter.segment(slice_, ALL, spacing=SPACING[:2])
    assert result.labels.shape == (NY, NX) and result.probabilities.shape == (4, NY, NX)
    volume = segmenter.segment(slice_[None], ALL, spacing=SPACING)
    for name in ALL:
        found = np.squeeze(getattr(volume, name), -3)
        np.testing.assert_array_equal(found, getattr(result, name))
    turned = segmenter.segment(slice_.T, ALL, spacing=SPACING[:2], axes="xy")
    assert turned.probabilities.shape == (NX, NY, 4)
    np.testing.assert_array_equal(turned.labels.T, result.labels)
    np.testing.assert_array_equal(turned.probabilities.T, result.probabilities)


@pytest.mark.parametrize("dtype", "b B h H i I q Q e f d >i2 >f8 <u4".split())
def test_every_scalar_type(segmenter, labels, dtype: str) -> None:
    whole = labels * 20 + np.arange(NX, dtype=np.uint8)
    reference = segmenter.segment(whole.astype(np.float32), spacing=SPACING).labels
    np.testing.assert_array_equal(segmenter.segment(whole.astype(dtype), spacing=SPACING).labels, reference)


def test_bool_is_a_number(segmenter, labels) -> None:
    found = segmenter.segment(labels > 0, spacing=SPACING).labels
    np.testing.assert_array_equal(found, segmenter.segment((labels > 0).astype(np.uint8), spacing=SPACING).labels)


@pytest.mark.parametrize("dtype", ["c8", "g", "U3", "O", "M8[s]"])
def test_other_types_are_refused(segmenter, dtype: str) -> None:
    with pytest.raises(coopseg.InvalidArgumentError, match="expected integers"):
        segmenter.segment(np.zeros((2, 32, 32), dtype), spacing=SPACING)


def test_strides_of_all_kinds(segmenter, image, expected) -> None:
    wide = np.zeros((2 * NZ, NY + 5, 3 * NX), np.float32)
    window = wide[::2, 2 : 2 + NY, 1::3]
    window[...] = image
    same(segmenter.segment(window, ALL, spacing=SPACING), expected)
    same(segmenter.segment(image[::-1, ::-1, ::-1].copy()[::-1, ::-1, ::-1], ALL, spacing=SPACING), expected)
    unaligned = np.frombuffer(b"\0" + image.tobytes(), np.uint8)[1:].view(np.float32).reshape(image.shape)
    assert not unaligned.flags.aligned
    same(segmenter.segment(unaligned, ALL, spacing=SPACING), expected)
    repeated = np.broadcast_to(image[0], (4, NY, NX))
    np.testing.assert_array_equal(
        segmenter.segment(repeated, spacing=SPACING).labels, segmenter.segment(repeated.copy(), spacing=SPACING).labels
    )
    with pytest.raises(coopseg.InvalidArgumentError, match="constant"):
        segmenter.segment(np.broadcast_to(np.float32(3), (3, 32, 32)), spacing=SPACING)


def test_layouts_that_c_reads_are_not_copied(image) -> None:
    for array in (image, image.T, np.asfortranarray(image), image[:, ::2, ::3], np.broadcast_to(image[0], (4, NY, NX))):
        described = coopseg.Image(array, SPACING)._describe()
        assert described.data == array.ctypes.data
        assert list(described.strides) == list(array.strides[::-1])
    for array in (image[::-1], image.astype(np.float16), image.astype(">f4")):
        assert not np.shares_memory(coopseg.Image(array, SPACING)._xyz, array)


def test_read_only_memory_is_read(segmenter, image, expected) -> None:
    frozen = image.copy()
    frozen.flags.writeable = False
    same(segmenter.segment(frozen, ALL, spacing=SPACING), expected)


def test_results_into_memory_of_ones_own(segmenter, image, expected) -> None:
    block = np.full((NZ, NY, 2 * NX), -1, np.int64)
    mine = {
        "labels": block[..., ::2],
        "probabilities": np.empty((4, NZ, NY, NX), np.float64),
        "entropy": np.asfortranarray(np.empty((NZ, NY, NX))),
    }
    result = segmenter.segment(image, ["fast_labels"], spacing=SPACING, into=mine)
    assert result.labels is mine["labels"] and (block[..., 1::2] == -1).all()
    np.testing.assert_array_equal(mine["labels"], expected.labels)
    np.testing.assert_array_equal(result.fast_labels, expected.fast_labels)
    np.testing.assert_allclose(mine["probabilities"], expected.probabilities, atol=1e-7)
    np.testing.assert_allclose(mine["entropy"], expected.entropy, atol=1e-6)


def test_memory_that_cannot_receive_results(segmenter, image) -> None:
    def refuse(error: type, words: str, **into: Any) -> None:
        with pytest.raises(error, match=words):
            segmenter.segment(image, (), spacing=SPACING, into=into)

    refuse(coopseg.InvalidShapeError, "shape", labels=np.empty((NZ, NY, NX - 1), np.uint8))
    refuse(coopseg.InvalidShapeError, "axes", labels=np.empty((NY, NX), np.uint8))
    refuse(coopseg.InvalidShapeError, "negative", labels=np.empty((NZ, NY, NX), np.uint8)[::-1])
    refuse(coopseg.InvalidShapeError, "overlap", labels=np.lib.stride_tricks.as_strided(
        np.empty(9999, np.uint8), (NZ, NY, NX), (1, 1, 1)))  # fmt: skip
    refuse(coopseg.InvalidArgumentError, "read-only", labels=np.broadcast_to(np.uint8(0), (NZ, NY, NX)))
    refuse(coopseg.InvalidArgumentError, "byte order", labels=np.empty((NZ, NY, NX), ">i4"))
    refuse(coopseg.InvalidArgumentError, "f32", entropy=np.empty((NZ, NY, NX), np.int16))
    refuse(coopseg.InvalidArgumentError, "numpy array", labels=[1])
    shared = np.empty((NZ, NY, NX), np.uint8)
    refuse(coopseg.InvalidShapeError, "overlaps", labels=shared, fast_labels=shared)
    before = image.copy()
    refuse(coopseg.InvalidShapeError, "overlaps", entropy=image)
    np.testing.assert_array_equal(image, before)


def test_torch_tensors(segmenter, image, expected, torch) -> None:
    tensor = torch.from_numpy(image.copy())
    same(segmenter.segment(tensor, ALL, spacing=SPACING), expected)
    turned = tensor.permute(2, 1, 0)
    same(segmenter.segment(turned, ALL, spacing=SPACING, axes="xyz"), expected, lambda array: array.T)
    with pytest.raises(coopseg.InvalidArgumentError, match="Tensor cannot be read"):
        segmenter.segment(tensor.clone().requires_grad_(), spacing=SPACING)
    with pytest.raises(coopseg.InvalidArgumentError, match="cannot be read"):
        segmenter.segment(tensor.to(torch.bfloat16), spacing=SPACING)
    with pytest.raises(coopseg.InvalidArgumentError, match="meta"):
        segmenter.segment(torch.empty(2, 32, 32, device="meta"), spacing=SPACING)
    assert coopseg.Image(tensor, SPACING)._describe().data == tensor.data_ptr()


def test_memory_of_other_devices_is_refused(segmenter) -> None:
    class OnOpenCl:
        def __dlpack_device__(self) -> tuple[int, int]:
            return 4, 0

    with pytest.raises(coopseg.InvalidArgumentError, match="another device .*4:0.*copy it to the CPU"):
        segmenter.segment(OnOpenCl(), spacing=SPACING)


def test_array_interface(segmenter, image, expected) -> None:
    class Foreign:
        __array_interface__ = image.__array_interface__

    same(segmenter.segment(Foreign(), ALL, spacing=SPACING), expected)
    assert coopseg.Image(Foreign(), SPACING)._describe().data == image.ctypes.data


def test_what_is_no_image_is_refused(segmenter, image) -> None:
    with pytest.raises(coopseg.InvalidArgumentError, match="str is no image.*segment_file"):
        segmenter.segment("image.nii.gz", spacing=SPACING)
    with pytest.raises(coopseg.InvalidArgumentError, match="dict is no image"):
        segmenter.segment({}, spacing=SPACING)
    with pytest.raises(coopseg.InvalidArgumentError, match="masked"):
        segmenter.segment(np.ma.masked_array(image, image > 5), spacing=SPACING)
    with pytest.raises(coopseg.InvalidArgumentError, match="empty"):
        segmenter.segment([], spacing=SPACING)
    with pytest.raises(coopseg.InvalidShapeError, match="1 axes"):
        segmenter.segment(np.zeros(5), spacing=SPACING)
    for axes, words in (("xy", "names 2"), ("zzx", "each of"), ("abc", "each of"), ("zyc", "each of")):
        with pytest.raises(coopseg.InvalidShapeError, match=words):
            segmenter.segment(image, spacing=SPACING, axes=axes)
    with pytest.raises(coopseg.InvalidGeometryError, match="no spacing"):
        segmenter.segment(image)
    with pytest.raises(coopseg.InvalidGeometryError, match="along z is 0"):
        segmenter.segment(image, spacing=(1, 1, 0))
    with pytest.raises(coopseg.InvalidGeometryError, match="spacing is 1.5"):
        segmenter.segment(image, spacing=1.5)
    with pytest.raises(coopseg.InvalidArgumentError, match="nan|NaN|finite"):
        segmenter.segment(np.where(image == image[0, 0, 0], np.nan, image), spacing=SPACING)
    with pytest.raises(coopseg.InvalidShapeError, match="along x is 0"):
        segmenter.segment(np.zeros((2, 3, 0)), spacing=SPACING)
    with pytest.raises(coopseg.InvalidArgumentError, match="with its own"):
        segmenter.segment(coopseg.Image(image, SPACING), spacing=SPACING)


@pytest.mark.parametrize("mirror", [False, True])
def test_affines_are_turned_into_lps_and_back(image, mirror: bool) -> None:
    affine = oblique(mirror)
    described = coopseg.Image.from_affine(image.T, affine)
    np.testing.assert_allclose(described.spacing, SPACING, rtol=1e-12)
    np.testing.assert_allclose(described.affine, affine, rtol=0, atol=1e-12)
    # SimpleITK is LPS and knows nothing of affines: it must place every voxel where nibabel does.
    itk = SimpleITK.GetImageFromArray(image)
    itk.SetSpacing(described.spacing.tolist())
    itk.SetOrigin(described.origin.tolist())
    itk.SetDirection(described.direction.ravel().tolist())
    for index in ((0, 0, 0), (5, 0, 0), (0, 7, 0), (0, 0, 2), (NX - 1, NY - 1, NZ - 1)):
        x, y, z = itk.TransformIndexToPhysicalPoint(index)
        np.testing.assert_allclose((-x, -y, z), (affine @ (*index, 1))[:3], atol=1e-9)
    with pytest.raises(coopseg.InvalidGeometryError, match="axis y the length 0"):
        coopseg.Image.from_affine(image.T, np.diag([1, 0, 1, 1]))
    with pytest.raises(coopseg.InvalidGeometryError, match="4, 4"):
        coopseg.Image.from_affine(image.T, np.eye(3))


def test_files_keep_voxels_and_geometry(image, labels, tmp_path: Path) -> None:
    described = coopseg.Image.from_affine(image.T, oblique(True))
    described.write(tmp_path / "image.nii.gz")
    by_nibabel = nibabel.load(tmp_path / "image.nii.gz")
    np.testing.assert_array_equal(by_nibabel.get_fdata(), image.T)
    np.testing.assert_allclose(by_nibabel.affine, oblique(True), atol=1e-5)
    again = coopseg.Image.read(tmp_path / "image.nii.gz")
    assert again.axes == "zyx" and again.voxels.dtype == np.float32 and not again.voxels.flags.writeable
    np.testing.assert_array_equal(again.voxels, image)
    np.testing.assert_array_equal(
        coopseg.Image.from_affine(image.T, by_nibabel.affine).direction, again.direction
    )
    nibabel.save(nibabel.Nifti1Image(labels.T, oblique()), tmp_path / "labels.nii")
    read = coopseg.Image.read_labels(tmp_path / "labels.nii")
    assert read.voxels.dtype == np.int32
    np.testing.assert_array_equal(read.voxels, labels)
    with pytest.raises(coopseg.InvalidLabelError):
        coopseg.Image(image + 0.5, SPACING).write(tmp_path / "half.nii")
        coopseg.Image.read_labels(tmp_path / "half.nii")
    with pytest.raises(coopseg.FileFormatError):
        (tmp_path / "text.nii").write_text("no image" * 100)
        coopseg.Image.read(tmp_path / "text.nii")


def test_voxels_of_a_file_outlive_their_image(image, tmp_path: Path) -> None:
    coopseg.Image(image, SPACING).write(tmp_path / "image.nii")
    before = coopseg.live_handles()
    part = coopseg.Image.read(tmp_path / "image.nii").voxels[1:, ::2]
    assert coopseg.live_handles() == before + 1
    np.testing.assert_array_equal(part, image[1:, ::2])
    del part
    assert coopseg.live_handles() == before


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda given: pickle.loads(pickle.dumps(given))])
def test_copies_of_an_image_are_whole(image, tmp_path: Path, duplicate) -> None:
    for array in (image, image[::-1], image.astype(">f4"), image.astype(np.float16)):
        given = coopseg.Image(array.T.copy(), SPACING, (1, 2, 3), axes="xyz")
        made = duplicate(given)
        assert made.axes == "xyz" and made.size == given.size
        for name in ("voxels", "spacing", "origin", "direction"):
            np.testing.assert_array_equal(getattr(made, name), getattr(given, name))
            assert not np.shares_memory(getattr(made, name), getattr(given, name))
        made.write(tmp_path / "made.nii")
        np.testing.assert_array_equal(coopseg.Image.read(tmp_path / "made.nii").voxels, array)
    given = coopseg.Image(image.copy(), SPACING)
    made = duplicate(given)
    made.voxels[...] += 1
    # C reads what is written here, and the other image has none of it.
    for written, expected in ((made, image + 1), (given, image)):
        written.write(tmp_path / "written.nii")
        np.testing.assert_array_equal(coopseg.Image.read(tmp_path / "written.nii").voxels, expected)


def test_a_copy_of_a_file_s_image_can_be_written(image, tmp_path: Path) -> None:
    coopseg.Image(image, SPACING).write(tmp_path / "image.nii")
    read = coopseg.Image.read(tmp_path / "image.nii")
    made = copy.deepcopy(read)
    made.voxels[...] = 7
    assert (made._xyz == 7).all() and made.voxels.flags.writeable
    np.testing.assert_array_equal(read.voxels, image)
    assert copy.copy(read).voxels is read.voxels


def test_what_c_would_not_hear_of_cannot_be_assigned(image) -> None:
    given = coopseg.Image(image, SPACING)
    for name, value in (("voxels", image + 1), ("axes", "xyz"), ("size", (1, 1, 1)), ("affine", np.eye(4))):
        with pytest.raises(AttributeError):
            setattr(given, name, value)
    assert given.voxels is image and given.axes == "zyx"
    given.spacing = np.array([1.0, 2.0, 3.0])
    assert list(given._describe().spacing) == [1, 2, 3]


def test_image_objects_come_back_with_their_geometry(segmenter, image, expected) -> None:
    given = coopseg.Image.from_affine(image.T, oblique())
    result = segmenter.segment(given, ALL)
    assert isinstance(result.labels, coopseg.Image) and result.labels.axes == "xyz"
    np.testing.assert_array_equal(result.labels.affine, given.affine)
    np.testing.assert_array_equal(result.labels.voxels.T, expected.labels)
    assert result.probabilities.shape == (NX, NY, NZ, 4)
    assert "40×36×3" in repr(given)


@pytest.mark.parametrize("dtype", [np.float32, np.int16, np.float64, ">i2"])
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_an_oblique_nifti_gives_what_the_c_interface_gives(model, image, tmp_path: Path, dtype, suffix: str) -> None:
    """In memory through nibabel and SimpleITK, and file to file: the same bits, on the same grid."""
    # With a spacing of its own the model resamples, so that the geometry matters.
    config = {**SMALL, "preprocess": {"spacing": [2.1, 1.3], "pad": [48, 48], "crop": [32, 32]}}
    segmenter = coopseg.Segmenter(coopseg.Model(config), device="cpu")
    header = nibabel.Nifti1Header(endianness=">" if dtype == ">i2" else "<")
    source = nibabel.Nifti1Image(image.T.astype(dtype), oblique(), header)
    source.header.set_xyzt_units("mm", "sec")
    source.set_sform(oblique(), code=1)
    source.set_qform(oblique(), code=1)
    if np.dtype(dtype).kind == "i":
        source.header.set_slope_inter(0.37, -11.25)
    file = tmp_path / f"image{suffix}"
    nibabel.save(source, file)
    written = {name: tmp_path / f"{name}.nii.gz" for name in ALL}
    report = segmenter.segment_file(file, **written)
    assert report["slices"] == NZ

    loaded = nibabel.load(file)
    result = segmenter.segment(loaded, ALL)
    by_itk = segmenter.segment(SimpleITK.ReadImage(str(file)), ALL)
    for name in ALL:
        of_c = nibabel.load(written[name])
        found = getattr(result, name)
        assert type(found) is nibabel.Nifti1Image
        assert found.get_data_dtype() == of_c.get_data_dtype().newbyteorder(found.header.endianness)
        np.testing.assert_array_equal(np.asarray(found.dataobj), np.asarray(of_c.dataobj), err_msg=name)
        np.testing.assert_array_equal(found.affine, of_c.affine)
        for field in ("sform_code", "qform_code", "xyzt_units", "srow_x", "quatern_b"):
            assert found.header[field] == pytest.approx(of_c.header[field]), field
        nibabel.save(found, tmp_path / "again.nii.gz")
        again = nibabel.load(tmp_path / "again.nii.gz")
        np.testing.assert_array_equal(np.asarray(again.dataobj), np.asarray(of_c.dataobj), err_msg=name)
        np.testing.assert_array_equal(again.affine, of_c.affine)
        other = getattr(by_itk, name)
        array = SimpleITK.GetArrayFromImage(other)
        array = array.transpose(2, 1, 0, 3) if name == "probabilities" else array.T
        # ITK takes the spacing from pixdim, which is rounded otherwise than the affine.
        np.testing.assert_allclose(array, np.asarray(of_c.dataobj), atol=0 if "labels" in name else 1e-4)
        written_by_c = SimpleITK.ReadImage(str(written[name]))
        if name != "probabilities":
            for get in ("GetSpacing", "GetOrigin", "GetDirection"):
                np.testing.assert_allclose(getattr(other, get)(), getattr(written_by_c, get)(), atol=1e-6)


def test_simpleitk_images_come_back_on_their_grid(segmenter, image, expected) -> None:
    given = SimpleITK.GetImageFromArray(image)
    given.SetSpacing(SPACING)
    given.SetOrigin((5.0, -6.0, 7.5))
    given.SetDirection(coopseg.Image.from_affine(image.T, oblique()).direction.ravel().tolist())
    result = segmenter.segment(given, ALL)
    for name in ALL:
        found = getattr(result, name)
        assert isinstance(found, SimpleITK.Image) and found.GetSize() == (NX, NY, NZ)
        assert (found.GetSpacing(), found.GetOrigin(), found.GetDirection()) == (
            given.GetSpacing(), given.GetOrigin(), given.GetDirection(),
        )  # fmt: skip
    assert result.labels.GetPixelID() == SimpleITK.sitkUInt8
    assert result.probabilities.GetNumberOfComponentsPerPixel() == 4
    np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(result.labels), expected.labels)
    probabilities = np.moveaxis(SimpleITK.GetArrayFromImage(result.probabilities), -1, 0)
    np.testing.assert_array_equal(probabilities, expected.probabilities)
    flat = segmenter.segment(given[:, :, 1], ALL)
    assert flat.labels.GetSize() == (NX, NY) and flat.probabilities.GetNumberOfComponentsPerPixel() == 4
    with pytest.raises(coopseg.InvalidShapeError, match="4 dimensions"):
        segmenter.segment(SimpleITK.Image([4, 4, 4, 2], SimpleITK.sitkFloat32))
    with pytest.raises(coopseg.InvalidArgumentError, match="complex"):
        segmenter.segment(SimpleITK.Image([4, 4, 4], SimpleITK.sitkComplexFloat32))


def test_other_images_of_nibabel(segmenter, image, expected) -> None:
    mgh = segmenter.segment(nibabel.MGHImage(image.T.copy(), oblique().astype(np.float32)), ("labels", "entropy"))
    assert type(mgh.labels) is nibabel.MGHImage
    np.testing.assert_array_equal(np.asarray(mgh.labels.dataobj).T, expected.labels)
    flat = segmenter.segment(nibabel.Nifti1Image(image[1].T, oblique()), ALL)
    assert flat.labels.shape == (NX, NY) and flat.probabilities.shape == (NX, NY, 4)
    metres = oblique()
    metres[:3] /= 1000
    with_units = nibabel.Nifti1Image(image.T, metres)
    with_units.header.set_xyzt_units("meter")
    assert type(segmenter.segment(with_units).labels) is nibabel.Nifti1Image
    with pytest.raises(coopseg.InvalidShapeError, match="5 axes"):
        segmenter.segment(nibabel.Nifti1Image(np.zeros((4, 4, 4, 2, 2), np.float32), oblique()))


def test_several_channels_in_every_form(image, labels, tmp_path: Path) -> None:
    config = {**SMALL, "network": {"width": 2, "channels": 2}}
    segmenter = coopseg.Segmenter(coopseg.Model(config), device="cpu")
    second = np.sqrt(image)
    expected = segmenter.segment([image, second], ALL, spacing=SPACING)
    stacked = np.stack([image, second])
    same(segmenter.segment(stacked, ALL, spacing=SPACING), expected)
    same(segmenter.segment((image, second), ALL, spacing=SPACING), expected)
    interleaved = np.moveaxis(stacked, 0, -1).copy()
    last = segmenter.segment(interleaved, ALL, spacing=SPACING, axes="zyxc")
    np.testing.assert_array_equal(last.labels, expected.labels)
    np.testing.assert_array_equal(np.moveaxis(last.probabilities, -1, 0), expected.probabilities)

    vector = SimpleITK.GetImageFromArray(interleaved, isVector=True)
    vector.SetSpacing(SPACING)
    by_itk = segmenter.segment(vector, ALL)
    np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(by_itk.labels), expected.labels)
    np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(by_itk.probabilities), last.probabilities)

    affine = np.diag([*SPACING, 1.0])
    four = nibabel.Nifti1Image(stacked.T.copy(), affine)
    by_nibabel = segmenter.segment(four, ALL)
    same(by_nibabel, expected, lambda array: array.T)
    assert by_nibabel.labels.shape == (NX, NY, NZ)

    files = [tmp_path / "first.nii.gz", tmp_path / "second.nii.gz"]
    for array, file in zip((image, second), files):
        nibabel.save(nibabel.Nifti1Image(array.T, affine), file)
    segmenter.segment_file(files, labels=tmp_path / "labels.nii.gz")
    np.testing.assert_array_equal(coopseg.Image.read_labels(tmp_path / "labels.nii.gz").voxels, expected.labels)
    same(segmenter.segment([nibabel.load(file) for file in files], ALL), expected, lambda array: array.T)

    with pytest.raises(coopseg.InvalidShapeError, match="channel"):
        segmenter.segment(image, spacing=SPACING)
    with pytest.raises(coopseg.InvalidShapeError, match="5 channels; expected 1 to 4"):
        segmenter.segment(np.stack([image] * 5), spacing=SPACING)
    with pytest.raises(coopseg.InvalidShapeError):
        segmenter.segment([image, second[:, :-1]], spacing=SPACING)


def test_the_image_of_simpleitk_stays_alive_while_it_is_read(model, image, labels) -> None:
    def itk(array: np.ndarray) -> SimpleITK.Image:
        made = SimpleITK.GetImageFromArray(array)
        made.SetSpacing(SPACING)
        return made

    dataset = coopseg.Dataset()
    dataset.add("case", itk(image), itk(labels), copy=False)
    rubbish = [np.full(image.shape, 99.0, np.float32) for _ in range(20)]
    read, reference = dataset.load(0, 4)
    np.testing.assert_array_equal(read.voxels, image)
    np.testing.assert_array_equal(reference.voxels, labels)
    assert len(rubbish) == 20


def test_structs_have_the_sizes_that_the_library_expects(image, segmenter) -> None:
    described = coopseg.Image(image, SPACING)._describe()
    assert described.struct_size == ctypes.sizeof(described)
