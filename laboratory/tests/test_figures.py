"""Pictures of hard examples exist and show something."""

from __future__ import annotations

from pathlib import Path

import matplotlib.image
import numpy as np
import numpy.typing as npt
import pytest

from laboratory.command import main

NAMES = ("augmentations.png", "hard_images.png", "hard_segmentations.png")


@pytest.fixture(autouse=True)
def in_the_finished_folder(finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(finished)


def panels(file: Path, rows: int, columns: int) -> list[npt.NDArray[np.float32]]:
    """The middles of the cells of a grid that fills most of the picture."""
    picture = matplotlib.image.imread(file)[..., :3]
    height, width = picture.shape[0] / rows, picture.shape[1] / columns
    middles = lambda count, size: [slice(int((place + 0.4) * size), int((place + 0.7) * size)) for place in range(count)]
    return [picture[down, across] for down in middles(rows, height) for across in middles(columns, width)]


def test_figures_are_not_blank_and_repeatable(tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert main(["figures", "tiny.json", "--output", str(tmp_path / name)]) == 0
    assert sorted(file.name for file in (tmp_path / "one").iterdir()) == list(NAMES)
    for name, rows, columns in zip(NAMES, (3, 5, 10), (8, 5, 5), strict=True):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
        shown = panels(tmp_path / "one" / name, rows, columns)
        assert sum(panel.std() > 0.01 for panel in shown) > 0.9 * len(shown), name


def test_another_image_method_and_draw(tmp_path: Path) -> None:
    common = ["figures", "tiny.json", "--test", "B", "--case", "B001", "--method", "standard", "--seed", "1"]
    for draw in ("0", "1"):
        assert main([*common, "--draw", draw, "--output", str(tmp_path / draw)]) == 0
    for name in NAMES:
        assert (tmp_path / "0" / name).read_bytes() != (tmp_path / "1" / name).read_bytes()


def test_what_is_missing_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, words in (
        (["--test", "C"], "no test set C"),
        (["--case", "X"], "no case X"),
        (["--seed", "7"], "proposed.7 was not trained here"),
        (["--model", str(tmp_path / "none.coopseg")], "none.coopseg"),
    ):
        assert main(["figures", "tiny.json", *arguments]) == 1
        assert words in capsys.readouterr().err
