"""The report of an experiment, from its cells alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from . import plots
from .cells import Cell, Cells
from .experiment import ArtefactSet, Experiment
from .failure import LaboratoryError
from .files import write_whole
from .methods import COMPARISON, PROPOSED, REFERENCE
from .page import Plot, html
from .tables import Results, comparisons, markdown, tables


def write_report(experiment: Experiment, cells: Cells, folder: Path) -> list[Path]:
    """Writes report.md with its pictures, report.html, dice.csv and wilcoxon.csv. The same cells give the same bytes.

    Returns:
        The files.

    Raises:
        LaboratoryError: No cell is finished; cells that do not fit the experiment or each other.
    """
    finished = cells.finished(experiment)
    if not finished:
        raise LaboratoryError(f"no cell of {experiment.name} is finished in {cells.folder}; run the experiment first")
    results = Results(experiment, finished)
    facts = _facts(experiment, finished)
    pictures = _plots(results)
    made = tables(results)
    text = f"# {experiment.title}\n\n" + "\n\n".join(facts) + "\n\n"
    text += "".join(f"## {plot.title}\n\n![{plot.title}]({plot.file})\n\n{plot.caption}\n\n" for plot in pictures)
    text += "\n".join(map(markdown, made))
    contents = {
        "report.md": text,
        "report.html": html(experiment.title, facts, pictures, made),
        "dice.csv": _csv(results.dice),
        "wilcoxon.csv": _csv(comparisons(results)),
        **{plot.file: plot.svg for plot in pictures},
    }
    for name, content in contents.items():
        write_whole(folder / name, content)
    return [folder / name for name in contents]


def _plots(results: Results) -> list[Plot]:
    names = [method.name for method in results.experiment.methods]
    boxes = (
        "Boxes span the quartiles, whiskers 1.5 times that range; the line is the median and the diamond the mean of "
        "the images, each with its mean over the seeds and over its spoilt copies."
    )
    made = []
    pair = [name for name in (REFERENCE, PROPOSED) if name in names]
    if len(pair) == 2:
        made.append(Plot("claim.svg", "Standard and cooperative training", boxes, plots.by_method(results, pair)))
    rows = [name for name in COMPARISON if name in names]
    ablation = [name for name in names if name not in COMPARISON]
    if rows:
        made.append(Plot("methods.svg", "Methods on every test set", boxes, plots.by_test_set(results, rows)))
    if ablation:
        rows = [*ablation, *(name for name in (PROPOSED,) if name in names)]
        made.append(Plot("parts.svg", "Parts of the method", boxes, plots.by_test_set(results, rows)))
    return made


def _facts(experiment: Experiment, cells: Sequence[Cell]) -> list[str]:
    """What a reader must know before the numbers."""
    plans = experiment.plans()
    done = {cell.plan.name for cell in cells}
    missing = [plan.name for plan in plans if plan.name not in done]
    facts = [
        f"{len(cells)} of {len(plans)} trainings are finished: {len(experiment.methods)} methods, seeds "
        f"{', '.join(map(str, experiment.seeds))}." + (f" Missing: {', '.join(missing)}." if missing else ""),
        f"Protocol {experiment.protocol.name}. {experiment.protocol.meaning}"
        + (f" Here with {_settings(experiment.overrides)}." if experiment.overrides else ""),
    ]
    spoilt = [test for test in experiment.tests if isinstance(test, ArtefactSet)]
    facts += [
        f"{test.name}: the images of {test.base.name}, each spoilt {test.copies} times ({_settings(test.artefact)}; "
        f"seed {test.seed}) and scaled to [0, 1]."
        for test in spoilt
    ]
    counts = ", ".join(f"{name} {len(cases)}" for name, cases in cells[0].tests.items())
    return [*facts, f"Cases: {counts}."]


def _settings(value: object) -> str:
    """Settings in one line: `a.b = 1, c = 2`."""
    if not isinstance(value, dict):
        return repr(value)
    rows = []
    for key, inner in value.items():
        told = _settings(inner)
        nested = isinstance(inner, dict)
        rows.append((f"{key} {told}" if told else str(key)) if nested else f"{key} = {told}")
    return ", ".join(rows)


def _csv(frame: pd.DataFrame) -> str:
    return str(frame.to_csv(index=False, float_format="%.6g", lineterminator="\n"))
