"""The tables of a report."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from .cells import Cell
from .experiment import Experiment
from .methods import ABLATION, COMPARISON, METHODS, REFERENCE
from .scores import ALL_CLASSES, AVERAGE, case_scores, image_means, over_seeds, set_means, subject_means
from .wilcoxon import Comparison, compare

STAGE_TITLES = {"fast": "FTN", "refined": "FTN+STN"}
#: Where a number is missing or not defined.
NOTHING = "–"


@dataclass(frozen=True)
class Table:
    """A table of texts.

    Attributes:
        title: What it shows, in a few words.
        caption: What its numbers are.
        header: Of the columns; the first column names the rows.
        rows: As many texts as the header has.
    """

    title: str
    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Results:
    """The numbers of an experiment's finished cells."""

    def __init__(self, experiment: Experiment, cells: Sequence[Cell]) -> None:
        self.experiment = experiment
        self.cells = cells
        self.scores = case_scores(cells)
        #: Columns: method, test, stage, class, seeds, mean, sd.
        self.dice = over_seeds(set_means(self.scores))
        whole = self.dice[self.dice["class"] == ALL_CLASSES]
        keys = zip(whole["method"], whole["test"], whole["stage"], strict=True)
        self._dice: dict[tuple[str, str, str], tuple[float, float]] = dict(
            zip(keys, zip(whole["mean"].astype(float), whole["sd"].astype(float), strict=True), strict=True)
        )
        self._image_means: dict[tuple[int, ...] | None, pd.DataFrame] = {}

    def seeds(self, method: str) -> tuple[int, ...]:
        """Seeds with which a method has been trained."""
        return tuple(sorted(cell.plan.seed for cell in self.cells if cell.plan.method.name == method))

    def mean(self, method: str, test: str, stage: str) -> tuple[float, float]:
        """Mean and deviation of Dice over the seeds; NaN where there is none."""
        return self._dice.get((method, test, stage), (math.nan, math.nan))

    def images(self, seeds: tuple[int, ...] | None = None) -> pd.DataFrame:
        """As `image_means`, over some seeds or all."""
        if seeds not in self._image_means:
            self._image_means[seeds] = image_means(self.scores, seeds)
        return self._image_means[seeds]

    def against_reference(self, method: str, test: str | None, stage: str) -> Comparison | None:
        """A method against standard training, subject by subject, over the seeds that both have.

        Args:
            method: Another method.
            test: A test set; None: all together.
            stage: Of both.
        """
        seeds = tuple(sorted(set(self.seeds(method)) & set(self.seeds(REFERENCE))))
        if not seeds or method == REFERENCE:
            return None
        means = self.images(seeds)
        means = means[means["stage"] == stage]
        return self._compare(means, "method", REFERENCE, method, test)

    def between_stages(self, method: str, test: str | None) -> Comparison | None:
        """FTN+STN against FTN of the same method, subject by subject."""
        means = self.images()
        means = means[means["method"] == method]
        return self._compare(means, "stage", "fast", "refined", test) if len(means) else None

    @staticmethod
    def _compare(means: pd.DataFrame, column: str, first: str, second: str, test: str | None) -> Comparison:
        if test is not None:
            means = means[means["test"] == test]
        images = means.pivot(index=["subject", "test", "image"], columns=column, values="dice")
        # Images of one subject, and test sets that show it, are not independent of each other.
        paired = subject_means(images[[first, second]].dropna())
        return compare(paired[first].to_numpy(), paired[second].to_numpy())


def tables(results: Results) -> list[Table]:
    """All tables whose methods the experiment has."""
    names = {method.name for method in results.experiment.methods}
    made = []
    comparison = [name for name in COMPARISON if name in names]
    if comparison:
        made += [_comparison(results, comparison, stage) for stage in STAGE_TITLES]
    ablation = [name for name in ABLATION if name in names]
    if len(ablation) > 1:
        made.append(_ablation(results, ablation))
    every = [method.name for method in results.experiment.methods]
    others = [name for name in every if name != REFERENCE]
    if others and REFERENCE in names:
        made += [_against_reference(results, others, stage) for stage in STAGE_TITLES]
    made.append(_between_stages(results, every))
    made.append(_cells(results))
    return made


def _comparison(results: Results, methods: Sequence[str], stage: str) -> Table:
    """Like the paper's Table 1, which shows the test sets for FTN."""
    tests = [test.name for test in results.experiment.tests]
    rows = [
        (
            METHODS[method].title,
            *(_dice(results.mean(method, test, stage)) for test in tests),
            *(_dice(results.mean(method, AVERAGE, stage)) for stage in STAGE_TITLES),
        )
        for method in methods
    ]
    averages = (f"average ({title})" for title in STAGE_TITLES.values())
    return Table(
        f"Methods on every test set, {STAGE_TITLES[stage]}",
        f"Dice of {STAGE_TITLES[stage]}, mean over cases and classes; mean ± deviation over seeds. The averages count "
        "every test set once.",
        ("method", *tests, *averages),
        tuple(rows),
    )


def _ablation(results: Results, methods: Sequence[str]) -> Table:
    """Like the paper's Table 2."""
    rows = [
        (METHODS[method].title, *(_dice(results.mean(method, AVERAGE, stage)) for stage in STAGE_TITLES))
        for method in methods
    ]
    caption = "Dice, average over the test sets; mean ± deviation over seeds."
    return Table("Parts of the method", caption, ("method", *STAGE_TITLES.values()), tuple(rows))


def _against_reference(results: Results, methods: Sequence[str], stage: str) -> Table:
    tests = [test.name for test in results.experiment.tests]
    rows = [
        (
            METHODS[method].title,
            *(_comparison_text(results.against_reference(method, test, stage)) for test in [*tests, None]),
        )
        for method in methods
    ]
    return Table(
        f"Against standard training, {STAGE_TITLES[stage]}",
        "Mean difference of Dice, method minus standard training, and p of Wilcoxon's signed-rank test, two-sided, not "
        "corrected for the number of tests. Pairs are subjects; each has its mean over its images, over their spoilt "
        "copies, and over the seeds that both methods have; over all test sets together, over those that show it. "
        "(Synthetic hearts of one seed are the same subjects on every scanner.)",
        ("method", *tests, "all"),
        tuple(rows),
    )


def _between_stages(results: Results, methods: Sequence[str]) -> Table:
    tests = [test.name for test in results.experiment.tests]
    rows = [
        (
            METHODS[method].title,
            *(_comparison_text(results.between_stages(method, test)) for test in [*tests, None]),
        )
        for method in methods
    ]
    return Table(
        "FTN+STN against FTN",
        "The same for the two stages of each method: what the correction by the second network changes.",
        ("method", *tests, "all"),
        tuple(rows),
    )


def _cells(results: Results) -> Table:
    rows = [
        (
            cell.plan.method.title,
            str(cell.plan.seed),
            str(cell.training.get("best_epoch") or NOTHING),
            _number(cell.training.get("fast_dice")),
            _number(cell.training.get("refined_dice")),
            str(cell.training["steps"]),
            f"{cell.seconds['training']:.0f} + {cell.seconds['testing']:.0f}",
            cell.device,
            cell.library,
            cell.date,
        )
        for cell in results.cells
    ]
    header = (
        "method", "seed", "best epoch", "validation FTN", "validation FTN+STN", "steps", "training + testing (s)",
        "device", "coopseg", "date",
    )  # fmt: skip
    caption = "One row for each training. Validation is Dice at the epoch whose model was kept."
    return Table("Trainings", caption, header, tuple(rows))


def comparisons(results: Results) -> pd.DataFrame:
    """All tests of the report as numbers. Columns: comparison, method, test, stage, pairs, difference, p."""
    rows: list[tuple[object, ...]] = []
    for method in results.experiment.methods:
        for test in [*(test.name for test in results.experiment.tests), None]:
            for stage in STAGE_TITLES:
                made = results.against_reference(method.name, test, stage)
                if made is not None:
                    rows.append((f"against {REFERENCE}", method.name, test or "all", stage, *_values(made)))
            between = results.between_stages(method.name, test)
            if between is not None:
                rows.append(("refined against fast", method.name, test or "all", "", *_values(between)))
    return pd.DataFrame(rows, columns=["comparison", "method", "test", "stage", "pairs", "difference", "p"])


def _values(made: Comparison) -> tuple[int, float, float]:
    return made.pairs, made.difference, made.p


def markdown(table: Table) -> str:
    """The table in Markdown, with its title and caption."""
    lines = [_line(table.header), _line(["---"] + ["---:"] * (len(table.header) - 1)), *map(_line, table.rows)]
    return f"## {table.title}\n\n{table.caption}\n\n" + "\n".join(lines) + "\n"


def _line(texts: Sequence[str]) -> str:
    return "| " + " | ".join(text.replace("|", "\\|") for text in texts) + " |"


def _dice(values: tuple[float, float]) -> str:
    mean, deviation = values
    if math.isnan(mean):
        return NOTHING
    return f"{mean:.4f}" if math.isnan(deviation) else f"{mean:.4f} ± {deviation:.4f}"


def _number(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.4f}"


def _comparison_text(made: Comparison | None) -> str:
    if made is None or made.pairs == 0:
        return NOTHING
    if math.isnan(made.p):
        return f"{made.difference:+.4f} (no difference)"
    return f"{made.difference:+.4f} (p {'< 0.001' if made.p < 0.001 else f'= {made.p:.3f}'})"
