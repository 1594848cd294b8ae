"""Experiments are read strictly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, TINY, laboratory, phantom, start, write_experiment

from laboratory.experiment import ArtefactSet, read_experiment
from laboratory.failure import LaboratoryError
from laboratory.methods import ABLATION, COMPARISON, METHODS


def test_the_experiments_that_come_with_it_are_valid() -> None:
    files = sorted((ROOT / "laboratory/experiments").glob("*.json"))
    assert {"phantom", "acdc", "acdc_published", "acdc_fine"} == {file.stem for file in files}
    for file in files:
        experiment = read_experiment(file)
        assert experiment.name == file.stem
        artefacts = [test for test in experiment.tests if isinstance(test, ArtefactSet)]
        assert [list(test.artefact) for test in artefacts] == [["bias_field"], ["ghosting"], ["motion"], ["spike"]]
        assert all(test.copies == 3 for test in artefacts)
        if experiment.name != "acdc_fine":
            assert [method.name for method in experiment.methods] == list(METHODS)
            assert len(experiment.plans()) == 3 * len(METHODS)


def test_the_tables_know_every_method() -> None:
    assert set(COMPARISON) | set(ABLATION) == set(METHODS)


def test_the_cells_are_made_seed_by_seed(tmp_path: Path) -> None:
    experiment = read_experiment(write_experiment(tmp_path))
    assert [plan.name for plan in experiment.plans()] == ["standard.0", "proposed.0", "standard.1", "proposed.1"]


def test_methods_come_over_overrides_and_these_over_the_protocol(tmp_path: Path) -> None:
    file = write_experiment(tmp_path, methods=["shared_code_a"], overrides={"network": {"width": 3}})
    configuration = read_experiment(file).plans()[0].configuration()
    assert configuration["network"] == {"width": 3, "code_sharing": "image"}
    assert configuration["schedule"]["decay"] == "cosine"


A, B = ({"name": name, "data": phantom(name, 1, 3)} for name in "AB")
GHOSTS = {"name": "g", "of": "A", "artefact": {"ghosting": {}}}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"metods": []}, "unknown key `metods`"),
        ({"methods": ["standard", "proposd"]}, 'no method "proposd"; expected some of standard'),
        ({"methods": ["standard", "standard"]}, 'the method "standard" twice'),
        ({"methods": []}, "has no method"),
        ({"methods": "standard"}, '`methods` of .* is "standard"; expected a list'),
        ({"seeds": [0, 1.5]}, "1.5; expected a whole number"),
        ({"seeds": [True]}, "true; expected a whole number"),
        ({"seeds": [-1]}, "-1; expected at least 0"),
        ({"title": 3}, "`title` of .* is 3; expected a text"),
        ({"protocol": "tiny"}, 'no protocol "tiny"; expected published or small'),
        ({"overrides": {"device": "cpu"}}, "`device`, which the laboratory sets itself"),
        ({"training": {"fantom": {}}}, "unknown key `fantom`"),
        ({"training": {}}, r"is \[\]; expected either `folder` or `phantom`"),
        ({"training": []}, "has no source"),
        ({"training": {"folder": {"path": "/data"}}}, "is /data; expected a relative one"),
        ({"training": {"folder": {"rot": "acdc"}}}, "unknown key `rot`"),
        ({"validation": 5}, "a source of `validation` of .* is 5; expected an object"),
        ({"tests": []}, "has no test set"),
        ({"tests": [A, A]}, 'the test set "A" twice'),
        ({"tests": [GHOSTS]}, "expected a test set with `data` before it"),
        ({"tests": [B, GHOSTS]}, 'is "A"; expected one of "B"'),
        ({"tests": [A, {**GHOSTS, "copies": 0}]}, "is 0; expected 1 to 1000"),
        ({"tests": [A, {**GHOSTS, "times": 3}]}, "unknown key `times`"),
        ({"tests": [A, {"name": "g", "of": "A"}]}, "has no `artefact`"),
        ({"tests": [{"name": "A", "data": phantom("A", 1, 3), "seed": 1}]}, "unknown key `seed`"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(LaboratoryError, match=words) as raised:
        read_experiment(write_experiment(tmp_path, **changes))
    assert "tiny.json" in str(raised.value) or "no method" in str(raised.value) or "no protocol" in str(raised.value)


@pytest.mark.parametrize("key", ["title", "training", "validation", "tests", "methods", "seeds", "protocol"])
def test_missing_keys_are_named(tmp_path: Path, key: str) -> None:
    file = tmp_path / "tiny.json"
    file.write_text(json.dumps({name: value for name, value in TINY.items() if name != key}))
    with pytest.raises(LaboratoryError, match=f"tiny.json has no `{key}`"):
        read_experiment(file)


def test_files_that_are_none(tmp_path: Path) -> None:
    for content, words in (("{", "is no JSON"), ("[]", "expected an object")):
        (tmp_path / "e.json").write_text(content)
        with pytest.raises(LaboratoryError, match=words):
            read_experiment(tmp_path / "e.json")
    with pytest.raises(LaboratoryError, match="cannot be read"):
        read_experiment(tmp_path / "none.json")
    with pytest.raises(LaboratoryError, match="called 'a b'"):
        read_experiment(write_experiment(tmp_path, "a b"))


@pytest.mark.parametrize(
    ("changes", "arguments", "words"),
    [
        ({"overrides": {"optimiser": {}}}, [], "optimiser"),
        ({"overrides": {"epochs": 0}}, [], "epochs"),
        ({"training": {"phantom": {"scanner": "Z"}}}, [], "scanner"),
        ({"training": {"folder": {"root": "hearts"}}}, [], "Say --data hearts=/folder, or set COOPSEG_DATA_HEARTS"),
        ({"training": {"folder": {"root": "hearts"}}}, ["--data", "hearts=/nowhere"], "no such folder"),
        ({}, ["--data", "hearts"], "expected NAME=FOLDER"),
        ({}, ["--methods", "standard,separate"], "has no method separate; expected some of standard, proposed"),
        ({}, ["--seeds", "0,7"], "has no seed 7; expected some of 0, 1"),
        ({}, ["--seeds", "one"], "expected whole numbers"),
        ({"training": [phantom("A", 1, 1), phantom("A", 1, 2)]}, [], "A000"),
    ],
)
def test_runs_are_refused_in_a_sentence(
    tmp_path: Path, changes: dict[str, Any], arguments: list[str], words: str
) -> None:
    process = start(tmp_path, "run", write_experiment(tmp_path, **changes), *arguments)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert words in errors and errors.startswith("laboratory: ") and len(errors.splitlines()) == 1


def test_a_report_needs_a_cell(tmp_path: Path) -> None:
    process = start(tmp_path, "report", write_experiment(tmp_path))
    assert "no cell of tiny is finished" in process.communicate(timeout=60)[1]
    assert process.returncode == 1


def test_status_without_any_cell(tmp_path: Path) -> None:
    told = laboratory(tmp_path, "status", write_experiment(tmp_path))
    assert "0 of 4 finished, 0 running, 4 missing" in told and "no cell is finished" in told
