"""The command ``coopseg``."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import coopseg
import nibabel
import numpy as np
import pytest
from conftest import PACKAGE, SMALL
from coopseg.command import main

SETTINGS = ["network.width=2", "device=cpu", "slices_per_step=2", "seed=7"]
SETTINGS += ["preprocess.spacing=null", "preprocess.pad=[48, 48]", "preprocess.crop=[32, 32]"]
SET = [word for setting in SETTINGS for word in ("--set", setting)]


@pytest.fixture(scope="module")
def subjects(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("subjects")
    coopseg.Dataset.synthetic(subjects=5, slices=2, size=[40, 36]).write(folder)
    return folder


def test_train_evaluate_segment_info(subjects: Path, tmp_path: Path, capfd) -> None:
    run = tmp_path / "run"
    assert main(["train", str(subjects), str(run), *SET, "--set", "epochs=2"]) == 0
    told = capfd.readouterr()
    assert f"in {run}" in told.out and "training" in told.err
    for name in ("model.coopseg", "training.csv", "training.jsonl", "report.html", "snapshots"):
        assert (run / name).exists(), name
    model = str(run / "model.coopseg")
    info = coopseg.Model.load(model).info()
    assert info["architecture"]["width"] == 2 and info["training"]["configuration"]["seed"] == 7

    assert main(["evaluate", model, str(subjects), "--json", str(tmp_path / "a.json"), "--csv", str(tmp_path / "a.csv"),
                 "--device", "cpu", "--quiet"]) == 0  # fmt: skip
    told = capfd.readouterr()
    lines = told.out.splitlines()
    assert lines[0].split() == ["Dice", "FTN", "FTN+STN"] and told.err == ""
    assert {line.split()[0] for line in lines[1:]} == {"LV", "MYO", "RV", "mean"}
    assert len(json.loads((tmp_path / "a.json").read_text())["cases"]) == 5 and (tmp_path / "a.csv").exists()

    image = next(subjects.glob("*/image.nii.gz"))
    labels = tmp_path / "labels.nii.gz"
    assert main(["segment", model, str(image), "--labels", str(labels), "--entropy", str(tmp_path / "e.nii"),
                 "--iterations", "0", "--device", "cpu"]) == 0  # fmt: skip
    assert "2 slices in" in capfd.readouterr().out
    expected = coopseg.Segmenter(coopseg.Model.load(model), iterations=0).segment(nibabel.load(image)).labels
    np.testing.assert_array_equal(nibabel.load(labels).dataobj, expected.dataobj)

    assert main(["info", model]) == 0 and json.loads(capfd.readouterr().out) == info
    assert main(["info"]) == 0 and "cpu" in json.loads(capfd.readouterr().out)["devices"]["devices"]


def test_configuration_from_a_file_and_going_on(subjects: Path, tmp_path: Path, capfd) -> None:
    file = tmp_path / "config.json"
    file.write_text(json.dumps({**SMALL, "epochs": 1, "recording": {"csv": str(tmp_path / "mine.csv")}}))
    arguments = ["train", str(subjects), str(tmp_path / "run"), "--config", str(file), "--quiet"]
    assert main([*arguments, "--set", "snapshots.every_steps=1"]) == 0
    assert (tmp_path / "mine.csv").exists() and not (tmp_path / "run" / "training.csv").exists()
    capfd.readouterr()
    assert main(arguments) == 0
    told = capfd.readouterr()
    assert "going on from the newest snapshot" in told.out and told.err == ""
    assert main([*arguments, "--set", "epochs=2"]) == 0
    rows = (tmp_path / "mine.csv").read_text().splitlines()
    assert len(rows) > 2


def test_a_moved_output_is_gone_on_with_where_it_is(subjects: Path, tmp_path: Path, capfd) -> None:
    first, moved = tmp_path / "first", tmp_path / "moved"
    arguments = [*SET, "--set", "snapshots.every_steps=1", "--quiet"]
    assert main(["train", str(subjects), str(first), *arguments, "--set", "epochs=1"]) == 0
    first.rename(moved)
    rows = (moved / "training.csv").read_text().splitlines()
    assert main(["train", str(subjects), str(moved), *arguments, "--set", "epochs=2"]) == 0
    assert "going on from" in capfd.readouterr().out and not first.exists()
    assert len((moved / "training.csv").read_text().splitlines()) == 2 * len(rows) - 1


def test_a_whole_configuration_and_a_folder_of_ones_own_for_snapshots(subjects: Path, tmp_path: Path, capfd) -> None:
    file = tmp_path / "config.json"
    file.write_text(json.dumps(coopseg.config.check({**SMALL, "epochs": 1})))
    arguments = ["train", str(subjects), str(tmp_path / "run"), "--config", str(file), "--quiet"]
    arguments += ["--set", f"snapshots.folder={tmp_path / 'mine'}", "--set", "snapshots.every_steps=1"]
    assert main(arguments) == 0
    for name in ("run/training.csv", "run/training.jsonl", "run/report.html", "mine"):
        assert (tmp_path / name).exists(), name
    assert not (tmp_path / "run/snapshots").exists()
    capfd.readouterr()
    assert main([*arguments, "--set", "epochs=2"]) == 0
    assert f"going on from the newest snapshot in {tmp_path / 'mine'}" in capfd.readouterr().out


def test_what_is_set_to_null_is_not_written(subjects: Path, tmp_path: Path) -> None:
    off = [word for key in ("snapshots.folder", "recording.csv") for word in ("--set", f"{key}=null")]
    run = tmp_path / "run"
    assert main(["train", str(subjects), str(run), *SET, *off, "--set", "epochs=1", "--quiet"]) == 0
    assert {file.name for file in run.iterdir()} == {"model.coopseg", "training.jsonl", "report.html"}


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["segment", "nothing.coopseg", "image.nii.gz", "--labels", "labels.nii"], 1, "nothing.coopseg"),
        (["segment", "nothing.coopseg", "image.nii.gz"], 2, "at least one output: --labels, --fast-labels"),
        (["info", "nothing.coopseg"], 1, "nothing.coopseg"),
        (["evaluate", "nothing.coopseg", "."], 1, "nothing.coopseg"),
        (["train", "/nowhere", "run"], 1, "/nowhere"),
        (["train", "/nowhere", "run", "--layout", "cheese"], 1, "cheese"),
        (["train", "DATA", "run", "--set", "epochs"], 1, "expected KEY=VALUE"),
        (["train", "DATA", "run", "--set", "epoch=1"], 1, "epoch"),
        (["train", "DATA", "run", "--config", "/nowhere.json"], 1, "/nowhere.json"),
        (["train", "DATA", "run", "--config", "list.json"], 1, "expected a JSON object"),
        (["train", "DATA", "run", "--config", "half.json"], 1, "is no JSON"),
        (["train", "DATA", "half.json"], 1, "half.json"),
        (["fly"], 2, "invalid choice"),
        ([], 2, "required"),
    ],
)
def test_failures_are_one_sentence(
    subjects: Path, tmp_path: Path, capfd, monkeypatch, arguments: list[str], code: int, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("list.json").write_text("[1]")
    Path("half.json").write_text('{"epochs"')
    arguments = [str(subjects) if argument == "DATA" else argument for argument in arguments]
    try:
        found = main(arguments)
    except SystemExit as left:
        found = left.code
    told = capfd.readouterr()
    assert found == code and words in told.err and "Traceback" not in told.err and told.out == ""
    assert code == 2 or len(told.err.splitlines()) == 1


def test_an_output_folder_that_is_no_utf_8_is_refused_first(subjects: Path, tmp_path: Path, capfd) -> None:
    run = os.fsdecode(os.fsencode(tmp_path / "run") + b"\xff")
    assert main(["train", str(subjects), run, *SET]) == 1
    told = capfd.readouterr()
    assert "the output folder" in told.err and "run\\udcff' is no UTF-8; expected another name" in told.err
    assert len(told.err.splitlines()) == 1 and os.listdir(tmp_path) == []


def test_paths_that_are_no_utf_8_are_printed(subjects: Path, tmp_path: Path, capfd, monkeypatch) -> None:
    model, labels = tmp_path / "model.coopseg", os.fsdecode(os.fsencode(tmp_path / "labels") + b"\xff.nii")
    coopseg.Model(SMALL).save(model)
    image = next(subjects.glob("*/image.nii.gz"))
    command = ["segment", str(model), str(image), "--labels", labels, "--quiet"]
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE / "src"), "PYTHONIOENCODING": "utf-8:strict"}
    done = subprocess.run([sys.executable, "-m", "coopseg", *command], env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "") and done.stdout.endswith("labels\\udcff.nii\n")
    assert os.path.exists(labels)
    # A stream that somebody else put there has no errors to choose.
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert main(["info", str(model)]) == 0 and "LV" in sys.stdout.getvalue()


def test_ctrl_c_leaves_a_model_and_the_same_command_goes_on(subjects: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "coopseg", "train", str(subjects), str(tmp_path / "run"), *SET, "--quiet"]
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE / "src")}
    running = subprocess.Popen([*command, "--set", "epochs=100000"], env=environment, text=True, stderr=subprocess.PIPE)
    steps = tmp_path / "run" / "training.csv"
    while not (steps.exists() and len(steps.read_text().splitlines()) > 2):
        assert running.poll() is None, running.stderr.read()
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    _, told = running.communicate(timeout=30)
    assert (running.returncode, told) == (130, "coopseg: interrupted\n")
    done = coopseg.Model.load(tmp_path / "run" / "model.coopseg").info()["training"]["history"]["epochs"]
    again = subprocess.run(
        [*command, "--set", f"epochs={len(done) + 2}"], env=environment, text=True, capture_output=True, timeout=60
    )
    assert again.returncode == 0 and "going on" in again.stdout, again.stderr
