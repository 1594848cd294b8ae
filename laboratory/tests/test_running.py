"""Experiments run to their end, whatever happens on the way."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import ROOT, laboratory, numbers, start, write_experiment

RESULTS = Path("docs/results/tiny")


def kill_when(folder: Path, ready: Callable[[str], bool], *arguments: object) -> str:
    """Starts a run and kills it as soon as `ready` is true of what it has said."""
    process = start(folder, "run", folder / "tiny.json", "--device", "cpu", *arguments)
    assert process.stdout is not None
    stream = process.stdout.fileno()
    os.set_blocking(stream, False)
    said = ""
    deadline = time.monotonic() + 60
    while not ready(said):
        assert process.poll() is None and time.monotonic() < deadline, said
        try:
            said += os.read(stream, 10_000).decode()
        except BlockingIOError:
            time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    return said


def test_cells_hold_no_places_and_all_scores(finished: Path) -> None:
    cells = numbers(finished / RESULTS)
    assert list(cells) == ["proposed.0.json", "proposed.1.json", "standard.0.json", "standard.1.json"]
    text = "".join(file.read_text() for file in (finished / RESULTS).iterdir())
    assert str(finished) not in text and os.uname().nodename not in text
    cell = cells["proposed.1.json"]
    assert {name: len(cases) for name, cases in cell["tests"].items()} == {"A": 2, "B": 2, "ghosting": 4}
    assert set(cell["tests"]["ghosting"]) == {"A000#1", "A000#2", "A001#1", "A001#2"}
    assert cell["settings"]["differs"]["mode"] == "cooperative"
    assert cell["training"]["steps"] == 30
    spoilt = cell["tests"]["ghosting"]
    assert spoilt["A000#1"] != spoilt["A000#2"] != cell["tests"]["A"]["A000"]
    assert cells["proposed.0.json"]["tests"] != cell["tests"] != cells["standard.1.json"]["tests"]


def test_finished_cells_are_not_made_again(finished: Path) -> None:
    before = {file.name: file.stat().st_mtime_ns for file in (finished / RESULTS).iterdir()}
    assert laboratory(finished, "run", finished / "tiny.json") == ""
    assert {file.name: file.stat().st_mtime_ns for file in (finished / RESULTS).iterdir()} == before
    told = laboratory(finished, "status", finished / "tiny.json")
    assert told.count("finished 20") == 4 and "nothing left to do" in told


def test_killed_in_the_middle_and_resumed(finished: Path, tmp_path: Path) -> None:
    write_experiment(tmp_path)
    often = ("--snapshot-minutes", 0.001)
    # In the first training, between two snapshots …
    snapshots = "build/laboratory/tiny/standard.0-*/snapshots/*"
    kill_when(tmp_path, lambda _: any(tmp_path.glob(snapshots)), *often)
    assert not list((tmp_path / RESULTS).glob("*.json"))
    assert list((tmp_path / RESULTS).glob("standard.0.claim"))
    assert "running" not in laboratory(tmp_path, "status", tmp_path / "tiny.json").splitlines()[0]
    # … while the test sets are worked on, and in a later training.
    kill_when(tmp_path, lambda said: "standard.0: testing on B" in said or "standard.0: finished" in said, *often)
    kill_when(tmp_path, lambda said: "standard.1: training" in said, *often)
    said = laboratory(tmp_path, "run", tmp_path / "tiny.json", "--device", "cpu")
    assert "proposed.1: finished" in said and "standard.0: training" not in said
    assert numbers(tmp_path / RESULTS) == numbers(finished / RESULTS)
    assert not list((tmp_path / RESULTS).glob("*.claim"))
    assert not list(tmp_path.glob("build/laboratory/tiny/*/snapshots"))


def test_ctrl_c_goes_on_later(finished: Path, tmp_path: Path) -> None:
    write_experiment(tmp_path, seeds=[0], methods=["proposed"])
    process = start(tmp_path, "run", tmp_path / "tiny.json", "--device", "cpu", "--snapshot-minutes", 0.001)
    while not list(tmp_path.glob("build/laboratory/tiny/proposed.0-*/snapshots/*")):
        assert process.poll() is None
        time.sleep(0.002)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130 and "the same command goes on" in errors
    assert not list((tmp_path / RESULTS).glob("*.claim"))
    laboratory(tmp_path, "run", tmp_path / "tiny.json", "--device", "cpu")
    assert numbers(tmp_path / RESULTS)["proposed.0.json"] == numbers(finished / RESULTS)["proposed.0.json"]


def test_a_moved_training_writes_where_it_is(finished: Path, tmp_path: Path) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    before.mkdir()
    write_experiment(before, seeds=[0], methods=["proposed"])
    often = ("--work", before / "work", "--snapshot-minutes", 0.001)
    kill_when(before, lambda _: any(before.glob("work/tiny/proposed.0-*/snapshots/*.coopseg")), *often)
    before.rename(after)
    moved = ("run", after / "tiny.json", "--device", "cpu", "--work", after / "work", "--snapshot-minutes", 0.001)
    laboratory(after, *moved)
    assert numbers(after / RESULTS)["proposed.0.json"] == numbers(finished / RESULTS)["proposed.0.json"]
    assert not before.exists() and not list(after.glob("work/tiny/*/snapshots"))


def test_two_processes_share_the_work(finished: Path, tmp_path: Path) -> None:
    write_experiment(tmp_path)
    processes = [start(tmp_path, "run", tmp_path / "tiny.json", "--device", "cpu") for _ in range(2)]
    said = [process.communicate(timeout=120) for process in processes]
    assert {process.returncode for process in processes} <= {0, 3}, said
    for cell in ("standard.0", "proposed.0", "standard.1", "proposed.1"):
        assert sum(out.count(f"{cell}: training") for out, _ in said) == 1
    assert numbers(tmp_path / RESULTS) == numbers(finished / RESULTS)
    assert not list((tmp_path / RESULTS).glob("*.claim"))


def test_processes_with_other_results_do_not_train_in_the_same_folder(finished: Path, tmp_path: Path) -> None:
    from laboratory.claims import claim
    from laboratory.experiment import read_experiment
    from laboratory.runner import training_claim_file

    experiment = read_experiment(write_experiment(tmp_path, seeds=[0]))
    arguments = ("run", tmp_path / "tiny.json", "--device", "cpu", "--results", "mine")
    work = tmp_path / "build/laboratory"
    with claim(training_claim_file(experiment.plans()[0], work)) as ours:
        assert ours
        process = start(tmp_path, *arguments)
        said, errors = process.communicate(timeout=120)
        assert (process.returncode, errors) == (3, "")
        assert f"standard.0: process {os.getpid()} of" in said and "standard.0: training" not in said
        assert "proposed.0: finished" in said and not list(work.glob("tiny/standard.0-*/*"))
    laboratory(tmp_path, *arguments)
    assert numbers(tmp_path / "mine/tiny") == {
        name: cell for name, cell in numbers(finished / RESULTS).items() if ".0." in name
    }
    assert not list(work.glob("tiny/*.claim"))
    # What is trained may be tested by many.
    with claim(training_claim_file(experiment.plans()[0], work)):
        shutil.rmtree(tmp_path / "mine")
        said = laboratory(tmp_path, *arguments)
    assert "standard.0: trained already" in said and "standard.0: finished" in said


def test_a_training_that_is_stopped_is_not_finished(tmp_path: Path) -> None:
    from laboratory.datasets import Roots
    from laboratory.experiment import read_experiment
    from laboratory.failure import LaboratoryError
    from laboratory.training import finished as trained
    from laboratory.training import train

    plan = read_experiment(write_experiment(tmp_path, seeds=[0], methods=["standard"])).plans()[0]
    with pytest.raises(LaboratoryError, match="standard.0 was stopped before the end"):
        train(plan, Roots({}), tmp_path, "cpu", 1.0, listen=lambda event: event.step == 7)
    assert trained(plan, tmp_path) is None and list(tmp_path.glob("tiny/*/snapshots/*"))
    assert train(plan, Roots({}), tmp_path, "cpu", 1.0).summary["steps"] == 30


def test_some_cells_only(finished: Path, tmp_path: Path) -> None:
    write_experiment(tmp_path)
    laboratory(tmp_path, "run", tmp_path / "tiny.json", "--methods", "standard", "--seeds", "1", "--device", "cpu")
    assert [file.name for file in (tmp_path / RESULTS).iterdir()] == ["standard.1.json"]
    assert numbers(tmp_path / RESULTS)["standard.1.json"] == numbers(finished / RESULTS)["standard.1.json"]


def test_trained_here_and_tested_there(finished: Path, tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
        write_experiment(folder, seeds=[1], methods=["standard"])
    train = ("run", here / "tiny.json", "--train-only", "--device", "cpu")
    assert "standard.1: trained in" in laboratory(here, *train)
    assert "standard.1: trained already" in laboratory(here, *train)
    assert not list(here.glob("docs/results/*/*.json"))
    shutil.copytree(here / "build/laboratory", there / "build/laboratory")
    laboratory(there, "run", there / "tiny.json", "--device", "cpu", "--report")
    assert (there / RESULTS / "report/report.html").exists()
    assert numbers(there / RESULTS)["standard.1.json"] == numbers(finished / RESULTS)["standard.1.json"]


def test_what_another_process_has_trained_is_not_waited_for(tmp_path: Path) -> None:
    from laboratory.cells import Cells
    from laboratory.claims import claim
    from laboratory.experiment import read_experiment
    from laboratory.runner import claim_file

    plan = read_experiment(write_experiment(tmp_path, seeds=[1], methods=["standard"])).plans()[0]
    train = ("run", tmp_path / "tiny.json", "--train-only", "--device", "cpu")
    with claim(claim_file(Cells(tmp_path / RESULTS), plan)):
        process = start(tmp_path, *train)
        assert "makes it" in process.communicate(timeout=60)[0] and process.returncode == 3
    laboratory(tmp_path, *train)
    with claim(claim_file(Cells(tmp_path / RESULTS), plan)):
        assert "makes it" in laboratory(tmp_path, *train)


def test_on_a_gpu_other_methods_are_trained_where_the_first_are_taken(tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts/gpu", tmp_path / "scripts")
    for folder in ("build/lib", "build/prefix/lib", "torch"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "libcoopseg.so.0").touch()
    python = tmp_path / "python"
    python.write_text(
        f'#!/bin/sh\n[ "$1" != -c ] || {{ echo {tmp_path}/torch; exit; }}\n'
        f'echo "$@" >>{tmp_path}/heard\nread -r status <{tmp_path}/status\nexit "$status"\n'
    )
    python.chmod(0o755)
    for status, runs, code in ((0, 2, 0), (3, 2, 0), (1, 1, 1), (130, 1, 0)):
        (tmp_path / "status").write_text(f"{status}\n")
        (tmp_path / "heard").unlink(missing_ok=True)
        done = subprocess.run(
            [tmp_path / "scripts/gpu", "train", "phantom", "1"], env={**os.environ, "PYTHON": str(python)}, timeout=30
        )
        heard = (tmp_path / "heard").read_text().splitlines()
        assert (done.returncode, len(heard)) == (code, runs), status
        assert "--methods standard,proposed" in heard[0] and "--methods" not in "".join(heard[1:])


def test_spoilt_copies_are_made_once_and_anew_for_other_data(tmp_path: Path) -> None:
    import coopseg

    data = tmp_path / "hearts"
    coopseg.Dataset.synthetic(scanner="A", subjects=2, slices=2, size=[40, 36]).write(data)
    source = {"folder": {"root": "hearts"}}
    tests = [
        {"name": "own", "data": source},
        {"name": "spike", "of": "own", "artefact": {"spike": {"number": 2}}, "copies": 2},
    ]
    write_experiment(tmp_path, training=source, validation=source, tests=tests, seeds=[0], methods=["standard"])
    arguments = ("run", tmp_path / "tiny.json", "--data", f"hearts={data}", "--device", "cpu")
    laboratory(tmp_path, *arguments)
    spoilt = tmp_path / "build/laboratory/spoilt"
    made = sorted(spoilt.glob("spike-*/*"))
    assert [file.name for file in made if file.suffix == ".gz"] == [
        "0-1.nii.gz", "0-2.nii.gz", "0-labels.nii.gz", "1-1.nii.gz", "1-2.nii.gz", "1-labels.nii.gz",
    ]  # fmt: skip
    image = coopseg.Image.read(made[0]).voxels
    assert (image.min(), image.max()) == (0.0, 1.0)
    first = json.loads((tmp_path / RESULTS / "standard.0.json").read_text())["tests"]
    times = {file: file.stat().st_mtime_ns for file in made}
    shutil.rmtree(tmp_path / RESULTS)
    laboratory(tmp_path, *arguments)
    assert json.loads((tmp_path / RESULTS / "standard.0.json").read_text())["tests"] == first
    assert {file: file.stat().st_mtime_ns for file in spoilt.glob("spike-*/*")} == times
    os.utime(next(data.glob("A000/image.nii.gz")))
    shutil.rmtree(tmp_path / RESULTS)
    laboratory(tmp_path, *arguments)
    folders = list(spoilt.glob("spike-*"))
    assert len(folders) == 2 and {folder.stat().st_mode & 0o777 for folder in folders} == {0o755}


def test_spoilt_copies_of_several_folders_are_made_anew_for_other_data(tmp_path: Path) -> None:
    import coopseg

    from laboratory.artefacts import open_artefact_set
    from laboratory.datasets import Roots
    from laboratory.experiment import ArtefactSet, read_experiment

    for scanner in "AB":
        coopseg.Dataset.synthetic(scanner=scanner, subjects=1, slices=2, size=[40, 36]).write(tmp_path / scanner)
    sources = [{"folder": {"path": scanner}} for scanner in "AB"]
    tests = [{"name": "own", "data": sources}, {"name": "spike", "of": "own", "artefact": {"spike": {}}}]
    experiment = read_experiment(write_experiment(tmp_path, tests=tests))
    spike = experiment.tests[1]
    assert isinstance(spike, ArtefactSet)

    def folders() -> int:
        with open_artefact_set(spike, experiment, Roots({}), tmp_path / "spoilt") as made:
            assert [case.name for case in made] == ["A000#1", "B000#1"]
        return len(list((tmp_path / "spoilt").iterdir()))

    assert (folders(), folders()) == (1, 1)
    os.utime(tmp_path / "B/B000/image.nii.gz")
    assert folders() == 2


def test_a_training_on_other_data_is_not_gone_on_with(tmp_path: Path) -> None:
    import coopseg

    data = tmp_path / "hearts"
    coopseg.Dataset.synthetic(scanner="A", subjects=2, slices=2, size=[40, 36]).write(data)
    source = {"folder": {"root": "hearts"}}
    write_experiment(tmp_path, training=source, validation=source, seeds=[0], methods=["standard"])
    arguments = ("run", tmp_path / "tiny.json", "--device", "cpu")
    laboratory(tmp_path, *arguments, "--data", f"hearts={data}")
    told = next(tmp_path.glob("build/laboratory/tiny/standard.0-*/data.json"))
    begun_with = told.read_text()
    assert str(tmp_path) not in begun_with
    # The same files elsewhere are the same data. Where nothing is told, as by earlier versions, it is written down;
    # and where the data is not, as on a machine that only tests, the model is taken as it is.
    copied = shutil.copytree(data, tmp_path / "copied", copy_function=shutil.copyfile)
    for places in (["--data", f"hearts={copied}"], ["--data", f"hearts={data}"], []):
        shutil.rmtree(tmp_path / RESULTS)
        said = laboratory(tmp_path, *arguments, *places)
        assert "standard.0: finished" in said and "epoch" not in said and told.read_text() == begun_with
        if str(copied) in str(places):
            told.unlink()
    shutil.rmtree(tmp_path / RESULTS)
    shutil.copyfile(copied / "A001/label.nii.gz", copied / "A000/label.nii.gz")
    process = start(tmp_path, *arguments, "--data", f"hearts={copied}")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "was begun with other data" in errors and "`training.A000.labels`" in errors


def test_cases_without_labels_are_refused_by_name_before_training(tmp_path: Path) -> None:
    import coopseg

    coopseg.Dataset.synthetic(scanner="A", subjects=2, slices=2, size=[40, 36]).write(tmp_path / "hearts")
    (tmp_path / "hearts/A001/label.nii.gz").unlink()
    coopseg.Model({"network": {"width": 2}}).save(tmp_path / "model.coopseg")
    tests = [
        {"name": "own", "data": {"folder": {"path": "hearts", "options": {"keep_unlabelled": True}}}},
        {"name": "spike", "of": "own", "artefact": {"spike": {}}},
    ]
    file = write_experiment(tmp_path, tests=tests, seeds=[0], methods=["standard"])
    for test, arguments in (
        ("own", ["run", file, "--device", "cpu"]),
        ("spike", ["figures", file, "--test", "spike", "--model", tmp_path / "model.coopseg"]),
    ):
        process = start(tmp_path, *arguments)
        said, errors = process.communicate(timeout=60)
        assert (process.returncode, said) == (1, "")
        assert errors == f'laboratory: A001 in the test set "{test}" has no labels; expected labels for every case\n'
    # A training alone leaves the tests to a later run.
    assert "standard.0: trained in" in laboratory(tmp_path, "run", file, "--device", "cpu", "--train-only")


@pytest.mark.parametrize("artefact", [{"goasting": {}}, {}])
def test_artefacts_are_refused_by_name(tmp_path: Path, artefact: dict[str, object]) -> None:
    tests = [
        {"name": "A", "data": {"phantom": {"subjects": 1, "slices": 2, "size": [40, 36]}}},
        {"name": "wrong", "of": "A", "artefact": artefact},
    ]
    write_experiment(tmp_path, tests=tests)
    process = start(tmp_path, "run", tmp_path / "tiny.json")
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 1 and "training" not in out
    assert ("goasting" if artefact else "no artefact") in errors and "wrong" in errors
