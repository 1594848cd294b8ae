"""Scores of many cells as one table, and their means."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from .cells import STAGES, Cell
from .experiment import ArtefactSet, TestSet, image_of
from .sources import subject_of

#: What the mean over all test sets, each counting once, is called in place of a test set.
AVERAGE = "average"
#: What the mean over the classes is called in place of a class.
ALL_CLASSES = "mean"


def case_scores(cells: Sequence[Cell]) -> pd.DataFrame:
    """One row for each cell, test set, case, stage and class, and the mean over the case's classes.

    Columns: method, seed, test, case, image (the case that a spoilt copy was made of), subject (whom it shows), stage,
    class, dice.
    """
    rows = [
        (cell.plan.method.name, cell.plan.seed, test.name, case, image, subject, stage, name, dice)
        for cell in cells
        for test in cell.plan.experiment.tests
        for case, stages in cell.tests[test.name].items()
        for image, subject in [_shown(test, case)]
        for stage in STAGES
        for name, dice in zip(cell.classes, stages[stage], strict=True)
    ]
    columns = ["method", "seed", "test", "case", "image", "subject", "stage", "class", "dice"]
    single = pd.DataFrame(rows, columns=columns)
    keys = columns[:7]
    mean = _means(single, keys)
    mean["class"] = ALL_CLASSES
    return pd.concat([single, mean.loc[:, columns]], ignore_index=True)


def set_means(scores: pd.DataFrame) -> pd.DataFrame:
    """The mean over the cases of each test set, and over the test sets (`AVERAGE`).

    Columns: method, seed, test, stage, class, dice.
    """
    keys = ["method", "seed", "test", "stage", "class"]
    means = _means(scores, keys)
    rest = [key for key in keys if key != "test"]
    average = _means(means, rest)
    # A mean over some of the test sets would compare with nothing.
    undefined = means.groupby(rest, sort=False)["dice"].agg(lambda dice: bool(dice.isna().any())).to_numpy()
    average.loc[undefined, "dice"] = math.nan
    average["test"] = AVERAGE
    return pd.concat([means, average.loc[:, [*keys, "dice"]]], ignore_index=True)


def over_seeds(means: pd.DataFrame) -> pd.DataFrame:
    """Mean and deviation (of a sample; NaN of one seed) over the seeds.

    Columns: method, test, stage, class, seeds, mean, sd.
    """
    grouped = means.groupby(["method", "test", "stage", "class"], sort=False)["dice"]
    made: pd.DataFrame = grouped.agg(["count", "mean", "std"]).reset_index()
    return made.rename(columns={"count": "seeds", "std": "sd"})


def image_means(scores: pd.DataFrame, seeds: Sequence[int] | None = None) -> pd.DataFrame:
    """The mean over seeds and spoilt copies of each image, over the classes.

    Args:
        scores: Of `case_scores`.
        seeds: Only these.

    Columns: method, test, image, subject, stage, dice.
    """
    chosen = scores[scores["class"] == ALL_CLASSES]
    if seeds is not None:
        chosen = chosen[chosen["seed"].isin(seeds)]
    return _means(chosen, ["method", "test", "image", "subject", "stage"])


def subject_means(images: pd.DataFrame) -> pd.DataFrame:
    """The mean over the images of each subject in a test set, then over the test sets that show it: what is compared
    pair by pair.

    Args:
        images: Indexed by subject, test and image; any columns of Dice.
    """
    return images.groupby(level=["subject", "test"]).mean().groupby(level="subject").mean()


def _shown(test: TestSet, case: str) -> tuple[str, str]:
    """Image and subject of a case."""
    if isinstance(test, ArtefactSet):
        return _shown(test.base, image_of(case))
    return case, subject_of(test.data, case)


def _means(scores: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Mean Dice of the rows that have the same keys, in the order of their first appearance; NaN counts nowhere."""
    return scores.groupby(keys, sort=False)["dice"].mean().reset_index()
