"""What is heard of a segmentation under way, and how it ends early."""

from __future__ import annotations

import gc
import signal
import threading
from pathlib import Path

import coopseg
import numpy as np
import pytest
from conftest import NZ, SPACING


def test_every_slice_is_heard_of(segmenter, image, tmp_path: Path) -> None:
    heard: list[tuple[int, int]] = []
    expected = segmenter.segment(image, spacing=SPACING).labels
    found = segmenter.segment(image, spacing=SPACING, callback=lambda *told: heard.append(told))
    assert heard == [(z + 1, NZ) for z in range(NZ)]
    np.testing.assert_array_equal(found.labels, expected)
    coopseg.Image(image, spacing=SPACING).write(tmp_path / "image.nii")
    segmenter.segment_file(
        tmp_path / "image.nii", labels=tmp_path / "labels.nii", callback=lambda *told: heard.append(told)
    )
    assert len(heard) == 2 * NZ and (tmp_path / "labels.nii").exists()


def test_a_callback_ends_it(segmenter, image, tmp_path: Path) -> None:
    coopseg.Image(image, spacing=SPACING).write(tmp_path / "image.nii")
    files = {"labels": tmp_path / "labels.nii", "entropy": tmp_path / "entropy.nii.gz"}
    with pytest.raises(coopseg.CancelledError) as caught:
        segmenter.segment(image, spacing=SPACING, callback=lambda done, slices: done == 2)
    assert caught.value.status == 300
    with pytest.raises(coopseg.CancelledError):
        segmenter.segment_file(tmp_path / "image.nii", **files, callback=lambda done, slices: done == slices)
    with pytest.raises(ZeroDivisionError):
        segmenter.segment_file(tmp_path / "image.nii", **files, callback=lambda done, slices: done // 0)
    assert [file.name for file in tmp_path.iterdir()] == ["image.nii"]
    assert segmenter.segment(image, spacing=SPACING).labels.shape == image.shape


def test_ctrl_c_ends_it(segmenter, image) -> None:
    many = np.concatenate([image] * 400)
    threading.Timer(0.1, lambda: signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)).start()

    with pytest.raises(KeyboardInterrupt):
        while True:
            segmenter.segment(many, spacing=SPACING)
    assert segmenter.segment(image, spacing=SPACING).labels.shape == image.shape


def test_what_another_signal_s_handler_raises_ends_it(segmenter, image) -> None:
    def ring(number: int, frame: object) -> None:
        raise TimeoutError("time is over")

    many = np.concatenate([image] * 400)
    before = signal.signal(signal.SIGALRM, ring)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        with pytest.raises(TimeoutError, match="time is over"):
            for _ in range(100):
                segmenter.segment(many, spacing=SPACING)
        assert signal.getsignal(signal.SIGALRM) is ring
    finally:
        signal.signal(signal.SIGALRM, before)
    assert segmenter.segment(image, spacing=SPACING).labels.shape == image.shape


def test_a_bar(segmenter, image, capfd) -> None:
    segmenter.segment(image, spacing=SPACING, progress=True)
    assert f"{NZ}/{NZ}" in capfd.readouterr().err
    segmenter.segment(image, spacing=SPACING)
    assert capfd.readouterr().err == ""


def test_an_exception_holds_nothing(model, image) -> None:
    before = coopseg.live_handles()
    gc.disable()
    try:
        for callback in (lambda done, slices: 1 // 0, lambda done, slices: True):
            with pytest.raises((ZeroDivisionError, coopseg.CancelledError)):
                coopseg.Segmenter(model).segment(image, spacing=SPACING, callback=callback)
        with pytest.raises(coopseg.InvalidGeometryError):
            coopseg.Segmenter(model).segment(image, spacing=(-1, 1, 1))
        assert coopseg.live_handles() == before
    finally:
        gc.enable()
