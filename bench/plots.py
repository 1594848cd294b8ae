"""Pictures of what bench/scale.py measured: one small SVG file per question."""

from pathlib import Path

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot, ticker

# Okabe and Ito's colours, told apart by everybody; markers differ too.
BLUE, ORANGE = "#0072B2", "#D55E00"
MIB = 2**20


def decorate(axis, title: str, x: str, y: str) -> None:
    axis.set_title(title, fontsize=10)
    axis.set_xlabel(x)
    axis.set_ylabel(y)
    axis.spines[["top", "right"]].set_visible(False)
    axis.grid(alpha=0.25)


def axes(title: str, x: str, y: str):
    figure, axis = pyplot.subplots(figsize=(4.4, 3.0), layout="constrained")
    decorate(axis, title, x, y)
    return figure, axis


def logarithmic(axis, values) -> None:
    """Both axes; the horizontal one is labelled with the values that were measured."""
    axis.set_xscale("log")
    axis.set_xticks(values, [str(value) for value in values])
    axis.set_yscale("log")
    axis.yaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
    axis.yaxis.set_major_formatter("{x:g}")
    axis.minorticks_off()


def time_and_memory(points, key, title, label):
    """Seconds on the left, peak of memory on the right."""
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(7.2, 3.0), layout="constrained")
    values = [point[key] for point in points]
    decorate(left, title, label, "time (s)")
    left.plot(values, [point["seconds"] for point in points], "o-", color=BLUE)
    logarithmic(left, values)
    decorate(right, title, label, "peak memory (MiB)")
    right.plot(values, [point["peak_bytes"] / MIB for point in points], "s-", color=ORANGE)
    right.set_ylim(bottom=0)
    return figure


def slices(points):
    return time_and_memory(points, "slices", "Segmenting slices of 192 × 192", "slices")


def size(points):
    return time_and_memory(points, "size", "Segmenting 10 square slices", "pixels along a side")


def batch(points, quantity, scale, label):
    figure, axis = axes("One training step, 192 × 192", "slices in the batch", label)
    for cooperative, name, style, colour in ((False, "standard", "o-", BLUE), (True, "cooperative", "s--", ORANGE)):
        chosen = [point for point in points if point["cooperative"] == cooperative]
        values = [point[quantity] / scale for point in chosen]
        axis.plot([point["samples"] for point in chosen], values, style, color=colour, label=name)
    axis.set_ylim(bottom=0)
    axis.legend(frameon=False)
    return figure


def threads(points):
    figure, axis = axes("Speed with more threads", "threads", "speed relative to one thread")
    counts = [point["threads"] for point in points]
    for kind, style, colour in (("segment", "o-", BLUE), ("train", "s--", ORANGE)):
        seconds = [point[kind]["seconds"] for point in points]
        axis.plot(counts, [seconds[0] / value for value in seconds], style, color=colour, label=kind)
    axis.plot(counts, counts, ":", color="black", label="ideal")
    axis.set_xticks(counts)
    axis.set_ylim(bottom=0)
    axis.legend(frameon=False)
    return figure


def segmenters(points):
    figure, axis = axes("Segmenters of one model sharing the cores", "segmenters (threads each)", "slices per second")
    names = [f"{point['segmenters']} ({point['threads_each']})" for point in points]
    axis.bar(names, [point["slices_per_second"] for point in points], color=BLUE, width=0.6)
    return figure


def volumes(points):
    figure, axis = axes("One process, volume after volume", "volumes segmented", "resident memory (MiB)")
    memory = [point["resident_bytes"] / MIB for point in points]
    axis.plot([point["volumes"] for point in points], memory, "o-", color=BLUE, markersize=3)
    axis.set_xlim(left=0)
    axis.set_ylim(0, 1.2 * max(memory))
    return figure


PICTURES = {
    "slices": {"slices": slices},
    "size": {"size": size},
    "batch": {
        "batch-time": lambda points: batch(points, "seconds", 1, "time (s)"),
        "batch-memory": lambda points: batch(points, "peak_bytes", MIB, "peak memory (MiB)"),
    },
    "threads": {"threads": threads},
    "segmenters": {"segmenters": segmenters},
    "volumes": {"volumes": volumes},
}


def draw(questions: dict, folder: Path) -> list[Path]:
    """Writes the pictures of all questions that were asked; the same points give the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    matplotlib.rcParams |= {"svg.hashsalt": "coopseg", "svg.fonttype": "none", "font.size": 9}
    written = []
    for question, points in questions.items():
        for name, picture in PICTURES[question].items():
            path = folder / f"{name}.svg"
            figure = picture(points)
            figure.savefig(path, metadata={"Date": None})
            pyplot.close(figure)
            written.append(path)
    return written
