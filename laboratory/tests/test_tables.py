"""Tables of cells whose numbers are known."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import pandas as pd
import pytest
from conftest import make_cells

from laboratory.report import write_report
from laboratory.scores import AVERAGE
from laboratory.sources import Folder, Phantom, subject_of
from laboratory.status import seconds_left, statuses
from laboratory.tables import Results, Table, tables


@pytest.fixture()
def results(tmp_path: Path) -> Results:
    experiment, cells = make_cells(tmp_path)
    return Results(experiment, cells.finished(experiment))


def table(results: Results, title: str) -> Table:
    return next(made for made in tables(results) if made.title == title)


def test_means_and_deviations_over_seeds(results: Results) -> None:
    # Cases 0 to 3 add 0.015 on average, seed 1 adds 0.02: 0.515 and 0.535.
    for test in ("A", "B", "ghosting", AVERAGE):
        mean, deviation = results.mean("standard", test, "fast")
        assert mean == pytest.approx(0.525) and deviation == pytest.approx(0.02 / math.sqrt(2))
        assert results.mean("proposed", test, "refined")[0] == pytest.approx(0.525 + 0.115 + 0.05)


def test_the_comparison_has_the_papers_columns(results: Results) -> None:
    made = table(results, "Methods on every test set, FTN")
    assert made.header == ("method", "A", "B", "ghosting", "average (FTN)", "average (FTN+STN)")
    assert [row[0] for row in made.rows] == ["Standard training", "Proposed, x̂ and p̂"]
    assert made.rows[0][1:] == ("0.5250 ± 0.0141",) * 4 + ("0.5750 ± 0.0141",)


def test_the_ablation_ends_with_the_whole_method(results: Results) -> None:
    made = table(results, "Parts of the method")
    assert made.header == ("method", "FTN", "FTN+STN")
    assert [row[0] for row in made.rows] == ["Separate training", "Proposed, x̂ and p̂"]
    assert made.rows[1][2] == "0.6900 ± 0.0141"


def test_pairs_are_subjects(tmp_path: Path) -> None:
    experiment, cells = make_cells(tmp_path, ("/ED", "/ES"))
    results = Results(experiment, cells.finished(experiment))
    # Two spoilt copies of two frames of each of four subjects are four pairs; all differences are positive: p = 2 / 2⁴.
    # All sets show the same four: spoilt, and on another scanner.
    for test in ("A", "ghosting", None):
        against = results.against_reference("proposed", test, "fast")
        assert against is not None and against.pairs == 4
        assert against.difference == pytest.approx(0.115) and against.p == pytest.approx(0.125)
    assert results.against_reference("standard", "A", "fast") is None
    made = table(results, "Against standard training, FTN")
    assert [row[0] for row in made.rows] == ["Proposed, x̂ and p̂", "Separate training"]
    assert made.rows[0][1] == "+0.1150 (p = 0.125)"
    assert made.rows[1][1] == "+0.0000 (no difference)"


def test_subjects_are_those_of_their_data() -> None:
    folders = [Folder("acdc", path, {}) for path in ("one", "two")]
    hearts = [Phantom({"scanner": scanner, "seed": seed}) for scanner, seed in (("A", 3), ("B", 3), ("B", 4))]
    assert subject_of((folders[0],), "007/ED") == subject_of((folders[0],), "007/ES")
    assert subject_of((folders[0],), "007/ED") != subject_of((folders[1],), "007/ED")
    assert subject_of((hearts[0],), "A001") == subject_of((hearts[1],), "B001") != subject_of((hearts[0],), "A002")
    assert subject_of((hearts[1],), "B001") != subject_of((hearts[2],), "B001")
    both = (folders[0], hearts[0])
    assert subject_of(both, "007/ED") == subject_of(both, "007/ES") != subject_of(both, "A001")


def test_images_without_a_partner_count_nowhere() -> None:
    rows = [
        ("standard", "A", "1/ED", "1", "fast", 0.5),
        ("proposed", "A", "1/ED", "1", "fast", 0.6),
        ("standard", "A", "1/ES", "1", "fast", math.nan),
        ("proposed", "A", "1/ES", "1", "fast", 0.9),
    ]
    means = pd.DataFrame(rows, columns=["method", "test", "image", "subject", "stage", "dice"])
    made = Results._compare(means, "method", "standard", "proposed", None)
    assert made.pairs == 1 and made.difference == pytest.approx(0.1)
    assert Results._compare(means[2:], "method", "standard", "proposed", None).pairs == 0


def test_stages_are_compared(results: Results) -> None:
    made = table(results, "FTN+STN against FTN")
    assert [row[1].split()[0] for row in made.rows] == ["+0.0500"] * 3


def test_only_seeds_that_both_have_are_compared(tmp_path: Path) -> None:
    experiment, cells = make_cells(tmp_path)
    (cells.folder / "standard.0.json").unlink()
    results = Results(experiment, cells.finished(experiment))
    against = results.against_reference("proposed", "A", "fast")
    # Both with seed 1: the seed's own 0.02 must not show.
    assert against is not None and against.difference == pytest.approx(0.115)
    assert table(results, "Methods on every test set, FTN").rows[0][1] == "0.5350"


def test_missing_methods_leave_gaps(tmp_path: Path) -> None:
    experiment, cells = make_cells(tmp_path)
    for seed in (0, 1):
        (cells.folder / f"proposed.{seed}.json").unlink()
    results = Results(experiment, cells.finished(experiment))
    assert set(table(results, "Methods on every test set, FTN").rows[1][1:]) == {"–"}
    assert set(table(results, "Against standard training, FTN").rows[0][1:]) == {"–"}
    files = write_report(experiment, cells, tmp_path / "report")
    assert "4 of 6 trainings are finished" in files[0].read_text()
    assert "Missing: proposed.0, proposed.1." in files[0].read_text()


@pytest.mark.parametrize(
    ("methods", "titles"),
    [
        (["separate"], ["FTN+STN against FTN", "Trainings"]),
        (["proposed", "separate"], ["Methods", "Methods", "Parts of the method", "FTN+STN against FTN", "Trainings"]),
    ],
)
def test_experiments_without_the_reference(tmp_path: Path, methods: list[str], titles: list[str]) -> None:
    experiment, cells = make_cells(tmp_path, methods=methods)
    made = tables(Results(experiment, cells.finished(experiment)))
    assert len(made) == len(titles)
    assert all(one.title.startswith(title) for one, title in zip(made, titles, strict=True))
    assert write_report(experiment, cells, tmp_path / "report")


def test_numbers_in_csv(tmp_path: Path) -> None:
    experiment, cells = make_cells(tmp_path)
    write_report(experiment, cells, tmp_path / "report")
    with (tmp_path / "report/dice.csv").open() as file:
        rows = {(row["method"], row["test"], row["stage"], row["class"]): row for row in csv.DictReader(file)}
    assert len(rows) == 3 * 4 * 2 * 4
    row = rows["proposed", "average", "refined", "RV"]
    assert (row["seeds"], float(row["mean"]), float(row["sd"])) == ("2", 0.69, pytest.approx(0.0141421))
    with (tmp_path / "report/wilcoxon.csv").open() as file:
        tests = list(csv.DictReader(file))
    assert len(tests) == 2 * 4 * 2 + 3 * 4
    assert {row["comparison"] for row in tests} == {"against standard", "refined against fast"}


def test_time_left(tmp_path: Path) -> None:
    experiment, cells = make_cells(tmp_path)
    assert seconds_left(statuses(experiment, cells)) == 0.0
    (cells.folder / "proposed.0.json").unlink()
    assert seconds_left(statuses(experiment, cells)) == 120.0
