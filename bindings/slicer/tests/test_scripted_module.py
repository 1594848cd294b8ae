"""The panel, with the command-line module behind it and a stand-in for Slicer around it."""

from __future__ import annotations

import importlib
import os
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import coopseg
import fake_slicer
import numpy as np
import pytest
from fake_slicer import Node
from slicer_cli import wait_until
from volumes import disc


@pytest.fixture()
def temporary(tmp_path: Path) -> Path:
    folder = tmp_path / "Slicer"
    folder.mkdir()
    return folder


def import_module(monkeypatch: pytest.MonkeyPatch, modules: Path, executable: Path | None, temporary: Path) -> Any:
    """CoopSeg.py as it is installed, imported into a new Slicer."""
    for name, module in fake_slicer.make_modules(executable, temporary).items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.syspath_prepend(str(modules))
    monkeypatch.delitem(sys.modules, "CoopSeg", raising=False)
    imported = importlib.import_module("CoopSeg")
    assert Path(imported.__file__).parent == modules
    return imported


@pytest.fixture()
def panel(monkeypatch: pytest.MonkeyPatch, modules: Path, executable: Path, temporary: Path) -> Iterator[Any]:
    """The panel, set up."""
    module = import_module(monkeypatch, modules, executable, temporary)
    widget = module.CoopSegWidget()
    widget.setup()
    yield widget
    widget.cleanup()


@pytest.fixture()
def volume() -> Node:
    """A volume; `choose` puts it into the scene."""
    node = Node("heart")
    node.voxels = disc().T
    node.SetSpacing(1.5, 1.25, 8.0)
    node.transform = "transform 1"
    return node


def messages() -> list[str]:
    return list(sys.modules["slicer"].messages)  # type: ignore[attr-defined]


def scene() -> fake_slicer.Scene:
    return sys.modules["slicer"].mrmlScene  # type: ignore[attr-defined, no-any-return]


def segmentations() -> list[Node]:
    return [node for node in scene().nodes if node.segments]


def choose(panel: Any, model: Path, *volumes: Node) -> None:
    scene().nodes += volumes
    for selector, node in zip(panel.volume_selectors, volumes):
        selector.setCurrentNode(node)
    panel.model_selector.currentPath = str(model)


def wait(panel: Any) -> None:
    """Lets the timer run until the segmentation has ended."""

    def ended() -> bool:
        panel.timer.fire()
        return not panel.timer.active

    wait_until(ended)


def expected_labels(model: Path, volume: Node, **options: Any) -> np.ndarray:
    segmenter = coopseg.Segmenter(coopseg.Model.load(model), {"device": "cpu", **options})
    return np.asarray(segmenter.segment(volume.voxels, spacing=(1.5, 1.25, 8.0)).labels)


def test_a_segmentation_node_is_made(panel: Any, small: Path, volume: Node, temporary: Path) -> None:
    choose(panel, small, volume)
    panel.segment_button.click()
    assert not panel.segment_button.enabled and panel.cancel_button.enabled and panel.progress_bar.visible
    wait(panel)
    volume_again, segmentation = scene().nodes
    assert volume_again is volume
    assert [segment["name"] for segment in segmentation.segments] == ["LV", "MYO", "RV"]
    np.testing.assert_array_equal(segmentation.voxels, expected_labels(small, volume))
    np.testing.assert_allclose(segmentation.affine, volume.affine)
    assert segmentation.name == "heart segmentation" and segmentation.displayed
    assert segmentation.transform == "transform 1" and segmentation.reference is volume
    # Its file is gone, so it must not be known by it.
    assert segmentation.storage is None and os.listdir(temporary) == []
    assert "3 slices" in panel.message.text and "LV: " in panel.message.text and " ml" in panel.message.text
    assert panel.segment_button.enabled and not panel.cancel_button.enabled and not panel.progress_bar.visible
    assert panel.model_selector.history == [str(small)] and messages() == []


def test_options_come_from_the_command_line_module(panel: Any, small: Path, volume: Node) -> None:
    rows = {label: widget for label, widget in panel.options_form.rows}
    assert set(rows) == {"Device:", "Corrections:", "Precision:"}
    assert rows["Device:"].items == ["auto", "cpu", "cuda"] and rows["Device:"].currentText == "auto"
    assert rows["Corrections:"].range == (0, 100) and rows["Corrections:"].value == 1
    assert "slow-thinking network" in rows["Corrections:"].toolTip
    rows["Corrections:"].setValue(0)
    choose(panel, small, volume)
    panel.segment_button.click()
    wait(panel)
    fast = expected_labels(small, volume, iterations=0)
    np.testing.assert_array_equal(segmentations()[0].voxels, fast)
    assert (fast != expected_labels(small, volume)).any()


def test_channels(panel: Any, models: Path, volume: Node) -> None:
    second = Node("second")
    second.voxels, second.affine = volume.voxels[:, ::-1].copy(), volume.affine
    choose(panel, models / "two.coopseg", volume, second)
    panel.segment_button.click()
    wait(panel)
    segmenter = coopseg.Segmenter(coopseg.Model.load(models / "two.coopseg"), device="cpu")
    expected = segmenter.segment([volume.voxels, second.voxels], spacing=(1.5, 1.25, 8.0)).labels
    np.testing.assert_array_equal(segmentations()[0].voxels, expected)


def test_what_is_missing_is_told(panel: Any, small: Path, volume: Node, tmp_path: Path) -> None:
    panel.segment_button.click()
    choose(panel, tmp_path / "none.coopseg", volume)
    panel.segment_button.click()
    assert messages() == [
        "choose a volume for each channel of the model, 1 to 4",
        f'choose a model file; there is none at "{tmp_path}/none.coopseg"',
    ]
    assert panel.segment_button.enabled and not panel.timer.active


def test_failures_are_told(panel: Any, small: Path, volume: Node, temporary: Path) -> None:
    volume.voxels = np.zeros_like(volume.voxels)
    choose(panel, small, volume)
    panel.segment_button.click()
    wait(panel)
    (message,) = messages()
    assert "constant" in message
    assert panel.segment_button.enabled and scene().nodes == [volume] and os.listdir(temporary) == []


def test_progress_and_cancelling(panel: Any, slow: Path, volume: Node, temporary: Path) -> None:
    volume.voxels = disc((192, 192, 100)).T
    choose(panel, slow, volume)
    panel.segment_button.click()
    wait_until(lambda: panel.timer.fire() or panel.progress_bar.value > 0)
    assert panel.progress_bar.value < 70
    panel.cancel_button.click()
    assert panel.message.text == "Cancelling …"
    wait(panel)
    assert panel.message.text == "Cancelled." and messages() == []
    assert scene().nodes == [volume] and os.listdir(temporary) == []
    assert panel.segment_button.enabled


def test_closing_the_panel_ends_the_segmentation(panel: Any, slow: Path, volume: Node, temporary: Path) -> None:
    volume.voxels = disc((192, 192, 100)).T
    choose(panel, slow, volume)
    panel.segment_button.click()
    assert os.listdir(temporary) != []
    panel.cleanup()
    assert not panel.timer.active and os.listdir(temporary) == []


def test_closing_the_scene_ends_the_segmentation(
    panel: Any, slow: Path, small: Path, volume: Node, temporary: Path
) -> None:
    scene().Clear()
    assert panel.message.text == ""
    volume.voxels = disc((192, 192, 100)).T
    choose(panel, slow, volume)
    panel.segment_button.click()
    scene().Clear()
    assert not panel.timer.active and os.listdir(temporary) == []
    assert panel.message.text == "The scene was closed." and messages() == []
    assert panel.segment_button.enabled and not panel.cancel_button.enabled and not panel.progress_bar.visible
    panel.timer.fire()
    assert scene().nodes == []
    # In the next scene the panel works as before.
    volume.voxels = disc().T
    choose(panel, small, volume)
    panel.segment_button.click()
    wait(panel)
    assert len(segmentations()) == 1
    panel.cleanup()
    assert scene().observers == {}


def test_a_volume_that_was_deleted_meanwhile(panel: Any, small: Path, volume: Node, temporary: Path) -> None:
    choose(panel, small, volume)
    panel.segment_button.click()
    scene().RemoveNode(volume)
    wait(panel)
    assert messages() == ["the volume heart is no longer in the scene, so its segmentation was discarded"]
    assert scene().nodes == [] and os.listdir(temporary) == [] and panel.segment_button.enabled


def test_a_script_that_closes_the_scene(
    monkeypatch: pytest.MonkeyPatch, modules: Path, executable: Path, temporary: Path, small: Path, volume: Node
) -> None:
    module = import_module(monkeypatch, modules, executable, temporary)
    scene().nodes.append(volume)
    monkeypatch.setattr(sys.modules["slicer"].app, "processEvents", scene().Clear)  # type: ignore[attr-defined]
    with pytest.raises(module.SegmentationError, match="heart is no longer in the scene"):
        module.CoopSegLogic().segment([volume], str(small))
    assert scene().nodes == [] and os.listdir(temporary) == []


def test_without_the_command_line_module(
    monkeypatch: pytest.MonkeyPatch, modules: Path, temporary: Path, small: Path, volume: Node
) -> None:
    module = import_module(monkeypatch, modules, None, temporary)
    panel = module.CoopSegWidget()
    panel.setup()
    assert panel.message.text.startswith("the module CoopSegSegment is not loaded")
    choose(panel, small, volume)
    panel.segment_button.click()
    assert messages() == [panel.message.text] and os.listdir(temporary) == []


def test_the_modules_own_test(
    monkeypatch: pytest.MonkeyPatch, modules: Path, executable: Path, temporary: Path, small: Path
) -> None:
    module = import_module(monkeypatch, modules, executable, temporary)
    monkeypatch.setenv("COOPSEG_TEST_MODEL", str(small))
    module.CoopSegTest().runTest()
    monkeypatch.delenv("COOPSEG_TEST_MODEL")
    with pytest.raises(AssertionError, match="COOPSEG_TEST_MODEL"):
        module.CoopSegTest().runTest()


def test_what_slicer_lists(
    monkeypatch: pytest.MonkeyPatch, modules: Path, executable: Path, temporary: Path
) -> None:
    module = import_module(monkeypatch, modules, executable, temporary)
    parent = Node("parent")
    module.CoopSeg(parent)
    assert vars(parent)["title"] == "CoopSeg" and vars(parent)["categories"] == ["Segmentation"]
    icon = (modules / "Resources/Icons/CoopSeg.png").read_bytes()
    assert icon[:8] == b"\x89PNG\r\n\x1a\n" and struct.unpack(">II", icon[16:24]) == (128, 128)
