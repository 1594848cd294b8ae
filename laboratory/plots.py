"""Box plots of Dice, as vector pictures that are the same, byte for byte, for the same numbers."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from typing import Any

import matplotlib
from matplotlib.colors import to_rgb
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from .methods import METHODS
from .tables import STAGE_TITLES, Results

#: Light for the first stage and dark for both, of one hue for each method: Okabe and Ito's blue, orange, and others.
_HUES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_LIGHT = {"fast": 0.55, "refined": 0.0}
_STYLE: dict[Any, Any] = {
    "font.size": 8.0,
    "svg.hashsalt": "coopseg",
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def by_test_set(results: Results, methods: Sequence[str]) -> str:
    """One panel for each test set, with two boxes for each method: FTN, and FTN+STN darker beside it."""
    tests = [test.name for test in results.experiment.tests]
    columns = 2 if len(tests) > 1 else 1
    rows = math.ceil(len(tests) / columns)
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(10.0, 1.1 + 2.1 * rows), layout="constrained")
        panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        values = _values(results)
        for panel, test in zip(panels.flat, tests, strict=False):
            panel.set_title(test, fontsize=9, loc="left")
            for place, method in enumerate(methods):
                _pair(panel, place, [values.get((method, test, stage), []) for stage in STAGE_TITLES], _HUES[0])
            _finish(panel, [METHODS[method].title for method in methods], rotation=30)
        _finish_grid(figure, panels, len(tests))
        _legend(figure, _HUES[:1], [""])
        return _svg(figure)


def by_method(results: Results, methods: Sequence[str]) -> str:
    """One panel with a group for each test set, of two boxes for each method, as in the paper's Fig. 2."""
    tests = [test.name for test in results.experiment.tests]
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(10.0, 3.2), layout="constrained")
        panel = figure.subplots()
        values = _values(results)
        width = len(methods) + 0.6
        for group, test in enumerate(tests):
            for place, method in enumerate(methods):
                pair = [values.get((method, test, stage), []) for stage in STAGE_TITLES]
                _pair(panel, group * width + place, pair, _HUES[place % len(_HUES)])
        _finish(panel, tests, places=[group * width + (len(methods) - 1) / 2 for group in range(len(tests))])
        titles = [METHODS[method].title + ", " for method in methods]
        _legend(figure, [_HUES[place % len(_HUES)] for place in range(len(methods))], titles)
        return _svg(figure)


def _values(results: Results) -> dict[tuple[str, str, str], list[float]]:
    """Dice of every image by method, test set and stage."""
    means = results.images().dropna(subset="dice")
    return {
        (str(method), str(test), str(stage)): [float(dice) for dice in group["dice"]]
        for (method, test, stage), group in means.groupby(["method", "test", "stage"], sort=False)
    }


def _pair(panel: Axes, place: float, pair: Sequence[list[float]], hue: str) -> None:
    for side, (stage, values) in enumerate(zip(STAGE_TITLES, pair, strict=True)):
        if not values:
            continue
        panel.boxplot(
            [values],
            positions=[place + 0.36 * (side - 0.5)],
            widths=0.3,
            patch_artist=True,
            medianprops={"color": "black", "linewidth": 1.0},
            boxprops={"facecolor": _lighter(hue, _LIGHT[stage]), "linewidth": 0.6},
            whiskerprops={"linewidth": 0.6},
            capprops={"linewidth": 0.6},
            flierprops={"marker": "o", "markersize": 1.5, "markeredgewidth": 0.3},
            showmeans=True,
            meanprops={"marker": "D", "markersize": 2.5, "markerfacecolor": "white", "markeredgecolor": "black",
                       "markeredgewidth": 0.5},
            manage_ticks=False,
        )  # fmt: skip


def _finish(panel: Axes, labels: Sequence[str], places: Sequence[float] | None = None, rotation: float = 0.0) -> None:
    panel.set_xticks(
        list(range(len(labels))) if places is None else list(places),
        list(labels),
        rotation=rotation,
        ha="right" if rotation else "center",
        rotation_mode="anchor" if rotation else None,
    )
    panel.set_ylim(-0.02, 1.02)
    panel.grid(axis="y", alpha=0.25)
    panel.set_ylabel("Dice")


def _finish_grid(figure: Figure, grid: Any, used: int) -> None:
    """Takes away the panel that is left over, and gives the one above it its labels."""
    for index, panel in enumerate(grid.flat):
        if index >= used:
            grid.flat[index - grid.shape[1]].tick_params(labelbottom=True)
            figure.delaxes(panel)
    for panel in grid[:, 1:].flat:
        panel.set_ylabel("")


def _legend(figure: Figure, hues: Sequence[str], prefixes: Sequence[str]) -> None:
    patches = [
        Patch(facecolor=_lighter(hue, _LIGHT[stage]), edgecolor="black", linewidth=0.6, label=prefix + title)
        for hue, prefix in zip(hues, prefixes, strict=True)
        for stage, title in STAGE_TITLES.items()
    ]
    figure.legend(handles=patches, loc="outside upper right", ncols=len(patches), frameon=False)


def _lighter(colour: str, by: float) -> tuple[float, float, float]:
    red, green, blue = to_rgb(colour)
    return red + (1 - red) * by, green + (1 - green) * by, blue + (1 - blue) * by


def _svg(figure: Figure) -> str:
    FigureCanvasSVG(figure)
    written = io.StringIO()
    figure.savefig(written, format="svg", metadata={"Date": None, "Creator": None})
    return written.getvalue()
