"""The paired test agrees with scipy's."""

from __future__ import annotations

import math

import numpy as np
import pytest

from laboratory.wilcoxon import compare, signed_rank_p

stats = pytest.importorskip("scipy.stats")


@pytest.mark.parametrize("count", [1, 2, 5, 6, 20, 49, 50, 51, 200])
@pytest.mark.parametrize("kind", ["continuous", "ties", "zeros", "shifted"])
def test_scipy_agrees(count: int, kind: str) -> None:
    random = np.random.default_rng(count)
    differences = random.normal(0.1, 1.0, count)
    if kind == "ties":
        differences = np.round(differences, 1) + 0.05
    elif kind == "zeros":
        differences[: max(1, count // 5)] = 0.0
    elif kind == "shifted":
        differences = np.abs(differences)
    if not differences.any():
        assert math.isnan(signed_rank_p(differences))
    else:
        exact = count <= 50 and 0.0 not in differences and np.unique(np.abs(differences)).size == count
        expected = stats.wilcoxon(differences, method="exact" if exact else "asymptotic").pvalue
        assert signed_rank_p(differences) == pytest.approx(expected, rel=1e-9)


def test_pairs_with_a_gap_are_left_out() -> None:
    made = compare(np.array([0.1, math.nan, 0.3, 0.2]), np.array([0.2, 0.5, 0.5, math.nan]))
    assert made.pairs == 2
    assert made.difference == pytest.approx(0.15)
    assert made.p == pytest.approx(0.5)
    assert compare(np.array([math.nan]), np.array([1.0])).pairs == 0
