"""Evaluation, metrics, hard examples, pictures, models."""

from __future__ import annotations

import gc
import signal
import threading
from pathlib import Path

import coopseg
import nibabel
import numpy as np
import pytest
import SimpleITK
from conftest import NX, NY, NZ, REPOSITORY, SMALL, SPACING


@pytest.fixture(scope="module")
def hearts() -> coopseg.Dataset:
    return coopseg.Dataset.synthetic(subjects=5, slices=2, size=[40, 36])


def test_an_evaluation(model, hearts, tmp_path: Path) -> None:
    heard = []
    made = coopseg.evaluate(model, hearts, callback=heard.append, segmenter={"device": "cpu"})
    assert [(case.name, case.done, case.cases) for case in heard] == [
        (case.name, index + 1, 5) for index, case in enumerate(hearts)
    ]
    told = made.to_dict()
    assert told["classes"] == ["LV", "MYO", "RV"] and len(told["cases"]) == 5
    made.save_json(tmp_path / "scores.json")
    made.save_csv(tmp_path / "scores.csv")
    assert len((tmp_path / "scores.csv").read_text().splitlines()) == 1 + 5 * 2 * 3
    assert coopseg.Evaluation.load(tmp_path / "scores.json").to_dict() == told
    stages = made.compare()
    assert {row["stage"] for row in stages} == {"refined - fast"} and "p" in stages[0]["wilcoxon"]
    against = made.compare(coopseg.evaluate(model, hearts, surface_distances=False))
    assert all(row["difference"]["mean"] in (0, None) for row in against if row["metric"] == "dice")
    with pytest.raises(coopseg.InvalidArgumentError):
        made.compare(coopseg.evaluate(model, hearts[:2]))
    with pytest.raises(TypeError):
        coopseg.Evaluation()


def test_an_evaluation_that_ends_early(model, hearts) -> None:
    with pytest.raises(coopseg.CancelledError) as caught:
        coopseg.evaluate(model, hearts, callback=lambda case: case.done == 2)
    assert caught.value.status == 300
    with pytest.raises(ZeroDivisionError):
        coopseg.evaluate(model, hearts, callback=lambda case: 1 // 0)
    with pytest.raises(coopseg.InvalidDatasetError):
        coopseg.evaluate(model, coopseg.Dataset())
    with pytest.raises(coopseg.InvalidConfigError, match="distances"):
        coopseg.evaluate(model, hearts, distances=True)
    gc.collect()
    before = coopseg.live_handles()
    many = coopseg.Dataset()
    image, labels = hearts.load(0, 4)
    for index in range(300):
        many.add(str(index), image, labels, copy=False)
    threading.Timer(0.2, lambda: signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        while True:
            coopseg.evaluate(model, many)
    many.close()
    del image, labels
    gc.collect()
    assert coopseg.live_handles() == before


def test_what_another_signal_s_handler_raises_ends_an_evaluation(model, hearts) -> None:
    def ring(number: int, frame: object) -> None:
        raise TimeoutError("time is over")

    many, heard = coopseg.Dataset(), []
    image, labels = hearts.load(0, 4)
    for index in range(300):
        many.add(str(index), image, labels, copy=False)

    def hear(case: coopseg.evaluation.CaseDone) -> None:
        if not heard:
            signal.setitimer(signal.ITIMER_REAL, 0.05)
        heard.append(case.done)

    before = signal.signal(signal.SIGALRM, ring)
    try:
        with pytest.raises(TimeoutError, match="time is over"):
            for _ in range(100):
                coopseg.evaluate(model, many, callback=hear)
        assert 0 < len(heard) < 30000 and signal.getsignal(signal.SIGALRM) is ring
    finally:
        signal.signal(signal.SIGALRM, before)


def test_progress_of_an_evaluation(model, hearts, capfd) -> None:
    coopseg.evaluate(model, hearts, progress=True)
    assert "5/5" in capfd.readouterr().err


def test_dice(labels) -> None:
    moved = np.roll(labels, 1, axis=2)
    expected = [2 * ((labels == c) & (moved == c)).sum() / ((labels == c).sum() + (moved == c).sum()) for c in range(4)]
    np.testing.assert_allclose(coopseg.dice(labels, moved, 4), expected, rtol=1e-12)
    np.testing.assert_allclose(coopseg.dice(labels.T, moved.T.astype(np.int32), 4, axes="xyz"), expected, rtol=1e-12)
    np.testing.assert_allclose(coopseg.dice(labels[:, ::-1], moved[:, ::-1], 4), expected, rtol=1e-12)
    of_nibabel = nibabel.Nifti1Image(labels.T, np.eye(4))
    of_itk = SimpleITK.GetImageFromArray(moved)
    np.testing.assert_allclose(coopseg.dice(of_nibabel, of_itk, 4), expected, rtol=1e-12)
    np.testing.assert_allclose(coopseg.dice(of_nibabel, moved.T, 4, axes="xyz"), expected, rtol=1e-12)
    assert np.isnan(coopseg.dice(labels, moved, 5)[4])
    assert coopseg.dice(np.zeros_like(labels), labels, 4)[1] == 0
    with pytest.raises(coopseg.InvalidLabelError):
        coopseg.dice(labels, moved, 3)
    with pytest.raises(coopseg.InvalidShapeError):
        coopseg.dice(labels, moved.T, 4)
    for classes in (1, 0, -5, 256, 100000, 2**32 + 4):
        with pytest.raises(coopseg.InvalidArgumentError):
            coopseg.dice(labels, moved, classes)
        with pytest.raises(coopseg.InvalidArgumentError):
            coopseg.surface_distances(labels, moved, classes, spacing=SPACING)
    assert len(coopseg.dice(labels, moved, np.int64(4))) == 4


def test_surface_distances_are_in_mm_along_the_right_axes() -> None:
    reference = np.zeros((7, 9, 11), np.uint8)
    reference[3, 4, 5] = 1
    for axis, expected in zip((2, 1, 0), (1.5, 1.25, 8.0)):
        moved = np.roll(reference, 1, axis=axis)
        found = coopseg.surface_distances(reference, moved, 2, spacing=(1.5, 1.25, 8.0))
        assert found.hd95[1] == found.assd[1] == expected
        turned = coopseg.surface_distances(reference.T, moved.T, 2, spacing=(1.5, 1.25, 8.0), axes="xyz")
        assert turned.hd95[1] == expected
        by_nibabel = nibabel.Nifti1Image(reference.T, np.diag([-1.5, 1.25, 8.0, 1.0]))
        assert coopseg.surface_distances(by_nibabel, moved.T, 2, axes="xyz").assd[1] == expected
    with pytest.raises(coopseg.InvalidGeometryError, match="no spacing"):
        coopseg.surface_distances(reference, reference, 2)
    with pytest.raises(coopseg.InvalidArgumentError, match="with its own"):
        coopseg.surface_distances(by_nibabel, reference.T, 2, spacing=(1, 1, 1), axes="xyz")


def test_hard_examples(model, image, labels) -> None:
    names = ("input", "image", "segmentation", "image_mask", "shape_mask")
    made = model.hard_example(image, labels, names, spacing=SPACING, scheme="spatial", fraction=0.5)
    assert made.input.shape == made.image.shape == (NZ, 32, 32)
    assert made.segmentation.shape == (4, NZ, 32, 32) and made.image_mask.shape == (16, NZ, 2, 2)
    assert 0 <= made.input.min() and made.input.max() <= 1
    np.testing.assert_allclose(made.segmentation.sum(0), 1, atol=1e-5)
    # Half of the positions, in every channel alike.
    assert (made.shape_mask == made.shape_mask[:1]).all() and (made.image_mask == 0).mean() == 0.5
    turned = model.hard_example(
        image.T, labels.T, "image", spacing=SPACING, axes="xyz", options={"scheme": "spatial"}, fraction=0.5
    )
    np.testing.assert_array_equal(turned.image, made.image)
    assert turned.input is None
    flat = model.hard_example(image[0], labels[0], spacing=SPACING[:2])
    assert flat.image.shape == (1, 32, 32)
    with pytest.raises(coopseg.InvalidConfigError, match="scheme"):
        model.hard_example(image, labels, spacing=SPACING, scheme="row")
    with pytest.raises(coopseg.InvalidArgumentError, match="no output"):
        model.hard_example(image, labels, ["mask"], spacing=SPACING)
    with pytest.raises(coopseg.InvalidLabelError):
        model.hard_example(image, labels + 4, spacing=SPACING)


def test_hard_examples_of_networks_that_are_not_square(image, labels) -> None:
    wide = coopseg.Model({**SMALL, "preprocess": {"spacing": None, "pad": [64, 48], "crop": [48, 32]}})
    made = wide.hard_example(image, labels, ["input", "shape_mask"], spacing=SPACING)
    assert made.input.shape == (NZ, 32, 48) and made.shape_mask.shape == (16, NZ, 2, 3)


def test_a_picture(model, image, labels, segmenter, tmp_path: Path) -> None:
    result = segmenter.segment(image, ("labels", "fast_labels", "entropy"), spacing=SPACING)
    full = coopseg.OverviewRow("full", image, labels, result.fast_labels, result.labels, result.entropy, slice=1)
    turned = coopseg.OverviewRow("turned", image.T, nibabel.Nifti1Image(labels.T, np.eye(4)), axes="xyz")
    coopseg.write_overview([full, turned], model.class_names, tmp_path / "picture.png")
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(coopseg.InvalidArgumentError):
        coopseg.write_overview([], model.class_names, tmp_path / "none.png")
    with pytest.raises(coopseg.InvalidShapeError):
        coopseg.write_overview(
            [coopseg.OverviewRow("other", image, labels[1:])], model.class_names, tmp_path / "none.png"
        )
    assert not (tmp_path / "none.png").exists()


def test_models(model, tmp_path: Path) -> None:
    assert model.class_names == ["background", "LV", "MYO", "RV"] and model.channel_count == 1
    model.save(tmp_path / "model.coopseg")
    again = coopseg.Model.load(tmp_path / "model.coopseg")
    assert again.info() == model.info()
    with pytest.raises(coopseg.FileFormatError):
        (tmp_path / "model.coopseg").write_bytes(b"nothing")
        coopseg.Model.load(tmp_path / "model.coopseg")
    assert coopseg.Model({**SMALL, "seed": 1}, seed=7).info() == model.info()


def test_a_published_checkpoint(image) -> None:
    checkpoint = REPOSITORY / "tests/golden/tiny/checkpoints"
    imported = coopseg.Model.import_checkpoint(checkpoint, preprocess=SMALL["preprocess"])
    assert imported.info()["architecture"]["width"] == 4
    assert coopseg.Segmenter(imported).segment(image, spacing=SPACING).labels.shape == (NZ, NY, NX)
    with pytest.raises(coopseg.InvalidConfigError):
        coopseg.Model.import_checkpoint(checkpoint, {"network": {"classes": "four"}})


def test_many_threads_on_one_segmenter(segmenter, image) -> None:
    expected = segmenter.segment(image, spacing=SPACING).labels
    found: list[np.ndarray] = []
    threads = [
        threading.Thread(target=lambda: found.append(segmenter.segment(image, spacing=SPACING).labels))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6 and all((labels == expected).all() for labels in found)
