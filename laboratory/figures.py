"""Pictures of what training shows the networks: hard examples by latent masking and by image-space augmentation."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import coopseg
import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.patches import Patch

from .files import write_whole

Picture = npt.NDArray[np.float32]

FRACTIONS = (0.0, 0.1, 0.3, 0.5)
#: Rows of the figures: title and options of `coopseg.Model.hard_example`.
_MASKS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("random dropout", {"scheme": "dropout"}),
    ("channel-wise,\nhard (a = 0)", {"scheme": "channel", "soft": False}),
    ("channel-wise,\nsoft", {"scheme": "channel", "soft": True}),
    ("spatial-wise,\nhard (a = 0)", {"scheme": "spatial", "soft": False}),
    ("spatial-wise,\nsoft", {"scheme": "spatial", "soft": True}),
)
_AUGMENTATIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("Rand MWM", {"hard_images": {"method": "multi_window_masking"}}),
    ("Rand Conv", {"hard_images": {"method": "random_convolution"}}),
    ("Adv Noise", {"hard_images": {"method": "adversarial_noise"}}),
    ("Adv Bias", {"hard_images": {"method": "adversarial_bias_field"}}),
    ("dropout\n(latent)", {"scheme": "dropout", "fraction": 0.5}),
    ("channel-wise\n(latent)", {"scheme": "channel", "fraction": 0.3, "soft": True}),
    ("spatial-wise\n(latent)", {"scheme": "spatial", "fraction": 0.3, "soft": True}),
)
#: Background, then Okabe and Ito's colours.
_CLASS_COLOURS = ("#000000", "#D55E00", "#009E73", "#56B4E9", "#F0E442", "#CC79A7", "#E69F00", "#0072B2")


@dataclass(frozen=True)
class Subject:
    """What is shown.

    Attributes:
        model: Whose hard examples.
        image: The whole image: its slices are one batch.
        labels: Class indices on its grid.
        slice: The slice that is shown.
        seed: Of what is random.
    """

    model: coopseg.Model
    image: coopseg.Image
    labels: coopseg.Image
    slice: int
    seed: int


def fullest_slice(labels: coopseg.Image) -> int:
    """The slice with most foreground."""
    return int(np.argmax((np.asarray(labels.voxels) > 0).sum(axis=(1, 2))))


def write_figures(subject: Subject, folder: Path) -> list[Path]:
    """Writes hard_images.png, hard_segmentations.png and augmentations.png.

    Raises:
        coopseg.Error: What making hard examples raises.
    """
    made: dict[str, Callable[[Subject], bytes]] = {
        "hard_images.png": hard_images,
        "hard_segmentations.png": hard_segmentations,
        "augmentations.png": augmentations,
    }
    for name, draw in made.items():
        write_whole(folder / name, draw(subject))
    return [folder / name for name in made]


def hard_images(subject: Subject) -> bytes:
    """Corrupted images of every masking scheme and fraction (paper, Fig. 3a and supplementary figure 1a)."""
    rows = [(title, [_hard(subject, options, fraction)[0] for fraction in FRACTIONS]) for title, options in _MASKS]
    with matplotlib.rc_context({"font.size": 8.0}):
        figure, grid = _grid(len(rows), len(FRACTIONS) + 1, "Images with masked codes, by the share p that is masked")
        original = _input(subject)
        for axes, (title, images) in zip(grid, rows, strict=True):
            _show(axes[0], original)
            for panel, image in zip(axes[1:], images, strict=True):
                _show(panel, image)
            axes[0].set_ylabel(title)
        _head(grid[0], ["image", *_percentages()])
        return _png(figure)


def hard_segmentations(subject: Subject) -> bytes:
    """Corrupted segmentations and their entropy (paper, Fig. 3b, supplementary figures 1b and 4)."""
    rows = [(title, [_hard(subject, options, fraction)[1] for fraction in FRACTIONS]) for title, options in _MASKS]
    classes = len(subject.model.class_names)
    colours = ListedColormap([_CLASS_COLOURS[index % len(_CLASS_COLOURS)] for index in range(classes)])
    with matplotlib.rc_context({"font.size": 8.0}):
        figure, grid = _grid(
            2 * len(rows),
            len(FRACTIONS) + 1,
            "Segmentations with masked codes, by the share p that is masked; below each its entropy in nats",
        )
        original, reference = _input(subject), _reference(subject)
        shown = None
        for row, (title, maps) in enumerate(rows):
            above, below = grid[2 * row], grid[2 * row + 1]
            above[0].imshow(reference, cmap=colours, vmin=-0.5, vmax=classes - 0.5, interpolation="nearest")
            _show(below[0], original)
            above[0].set_ylabel(title)
            for column, probabilities in enumerate(maps, start=1):
                labels = probabilities.argmax(axis=0)
                above[column].imshow(labels, cmap=colours, vmin=-0.5, vmax=classes - 0.5, interpolation="nearest")
                shown = below[column].imshow(_entropy(probabilities), cmap="magma", vmin=0.0, vmax=np.log(classes))
        _head(grid[0], ["reference", *_percentages()])
        if shown is not None:
            figure.colorbar(shown, ax=grid.ravel().tolist(), shrink=0.4, label="entropy (nats)", pad=0.01)
        handles = [
            Patch(color=colours(index), label=name)
            for index, name in enumerate(subject.model.class_names)
            if index > 0
        ]
        figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False)
        return _png(figure)


def augmentations(subject: Subject) -> bytes:
    """Image-space augmentations beside latent ones on the same slice, for several draws (supplementary figure 2)."""
    draws = 3
    with matplotlib.rc_context({"font.size": 8.0}):
        title = "Hard images of one slice: made in image space, and by masking codes"
        figure, grid = _grid(draws, len(_AUGMENTATIONS) + 1, title)
        original = _input(subject)
        for draw, axes in enumerate(grid):
            _show(axes[0], original)
            axes[0].set_ylabel(f"draw {draw + 1}")
            for panel, (_, options) in zip(axes[1:], _AUGMENTATIONS, strict=True):
                _show(panel, _hard(subject, {**options, "seed": subject.seed + draw}, None)[0])
        _head(grid[0], ["image", *(title for title, _ in _AUGMENTATIONS)])
        return _png(figure)


def _hard(subject: Subject, options: dict[str, Any], fraction: float | None) -> tuple[Picture, Picture]:
    """The hard image (H, W) and the hard segmentation's probabilities (classes, H, W) of the slice that is shown."""
    chosen = {"seed": subject.seed, **options, **({} if fraction is None else {"fraction": fraction})}
    made = subject.model.hard_example(subject.image, subject.labels, ["image", "segmentation"], options=chosen)
    assert made.image is not None and made.segmentation is not None
    return made.image[subject.slice], made.segmentation[:, subject.slice]


def _input(subject: Subject) -> Picture:
    made = subject.model.hard_example(subject.image, subject.labels, ["input"])
    assert made.input is not None
    shown: Picture = made.input[subject.slice]
    return shown


def _reference(subject: Subject) -> npt.NDArray[np.uint8]:
    """The slice's labels on the networks' grid, sampled about its centre."""
    preprocess = subject.model.info()["preprocess"]
    labels = np.asarray(subject.labels.voxels)[subject.slice]
    width, height = preprocess["crop"]
    own = subject.image.spacing[:2]
    wanted = preprocess["spacing"] or own
    across = _places(width, wanted[0], labels.shape[1], own[0])
    down = _places(height, wanted[1], labels.shape[0], own[1])
    inside = np.outer((down >= 0) & (down < labels.shape[0]), (across >= 0) & (across < labels.shape[1]))
    picked = labels[np.ix_(np.clip(down, 0, labels.shape[0] - 1), np.clip(across, 0, labels.shape[1] - 1))]
    return np.where(inside, picked, 0).astype(np.uint8)


def _places(count: int, step: float, size: int, own_step: float) -> npt.NDArray[np.int64]:
    """Nearest indices along one axis of a grid with another step and the same centre."""
    distances = (np.arange(count) - (count - 1) / 2) * step
    places: npt.NDArray[np.int64] = np.rint(distances / own_step + (size - 1) / 2).astype(np.int64)
    return places


def _entropy(probabilities: Picture) -> Picture:
    entropy: Picture = -(probabilities * np.log(np.maximum(probabilities, 1e-12))).sum(axis=0)
    return entropy


def _percentages() -> list[str]:
    return [f"p = {fraction:.0%}" for fraction in FRACTIONS]


def _grid(rows: int, columns: int, title: str) -> tuple[Figure, Any]:
    tight = ConstrainedLayoutEngine(w_pad=0.02, h_pad=0.02, wspace=0.0, hspace=0.0)
    figure = Figure(figsize=(1.25 * columns + 0.6, 1.25 * rows + 0.6), layout=tight)
    FigureCanvasAgg(figure)
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat:
        axes.set_xticks([])
        axes.set_yticks([])
        for spine in axes.spines.values():
            spine.set_visible(False)
    figure.suptitle(title, fontsize=9)
    return figure, grid


def _show(axes: Axes, image: Picture) -> None:
    axes.imshow(image, cmap="gray", vmin=0.0, vmax=1.0)


def _head(axes: Sequence[Axes], titles: Sequence[str]) -> None:
    for panel, title in zip(axes, titles, strict=True):
        panel.set_title(title, fontsize=8)


def _png(figure: Figure) -> bytes:
    written = io.BytesIO()
    figure.savefig(written, format="png", dpi=110, metadata={"Software": None})
    return written.getvalue()
