"""Wilcoxon's signed-rank test for pairs, two-sided.

Differences of zero are dropped. Up to `EXACT_PAIRS` pairs without ties or zeros the distribution is counted out; else
it is taken as normal, with correction for ties and none for continuity: the conventions of coopseg's own test, and of
scipy's with the methods "exact" and "asymptotic".
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

EXACT_PAIRS = 50

Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Comparison:
    """Paired values compared.

    Attributes:
        pairs: How many pairs have both values.
        difference: Mean of the second minus the first; NaN without pairs.
        p: Of Wilcoxon's test; NaN where every difference is zero.
    """

    pairs: int
    difference: float
    p: float


def compare(first: Values, second: Values) -> Comparison:
    """Compares two columns of pairs; pairs with a NaN are left out."""
    differences = np.asarray(second, np.float64) - np.asarray(first, np.float64)
    differences = differences[~np.isnan(differences)]
    if differences.size == 0:
        return Comparison(0, math.nan, math.nan)
    return Comparison(differences.size, float(differences.mean()), signed_rank_p(differences))


def signed_rank_p(differences: Values) -> float:
    """The two-sided p of Wilcoxon's signed-rank test; NaN where every difference is zero."""
    nonzero = differences[differences != 0.0]
    count = nonzero.size
    if count == 0:
        return math.nan
    ranks, ties = _ranks(np.abs(nonzero))
    positive = float(ranks[nonzero > 0.0].sum())
    lesser = min(positive, count * (count + 1) / 2 - positive)
    if count == differences.size and count <= EXACT_PAIRS and not ties.size:
        return min(1.0, 2.0 * _share_at_most(int(lesser), count))
    mean = count * (count + 1) / 4
    variance = count * (count + 1) * (2 * count + 1) / 24 - float((ties**3 - ties).sum()) / 48
    return math.erfc((mean - lesser) / math.sqrt(2.0 * variance))


def _ranks(values: Values) -> tuple[Values, Values]:
    """Ranks from 1, with their mean for equal values; and the sizes of the groups of equal values."""
    _, group, sizes = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(sizes)
    mean_ranks = last - (sizes - 1) / 2
    return mean_ranks[group], sizes[sizes > 1].astype(np.float64)


def _share_at_most(sum_of_ranks: int, count: int) -> float:
    """Share of the 2^count choices of signs whose positive ranks have at most this sum."""
    ways = np.zeros(count * (count + 1) // 2 + 1)
    ways[0] = 1.0
    for rank in range(1, count + 1):
        ways[rank:] = ways[rank:] + ways[:-rank]
    return float(ways[: sum_of_ranks + 1].sum() / 2.0**count)
