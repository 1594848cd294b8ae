"""process/*: what a program pays for coopseg beside the networks: loading, the first result, one call."""

import json
import re
import subprocess
import time
from pathlib import Path

from contest import Contest
from failure import BenchmarkFailed
from material import compact, own_grid
from rounds import spread
from workers import Worker

SIZE = 192
CALLS = 1_000_000


def result(contest: Contest, name: str, values: dict[str, list[float]], unit: str) -> dict:
    return {
        "case": name,
        "device": contest.device,
        "unit": unit,
        "values": {what: spread(numbers) | {"rounds": numbers} for what, numbers in values.items()},
    }


def libtorch_of(coopseg: Path) -> str:
    """The libtorch that the library's core finds."""
    (core,) = coopseg.parent.glob("libcoopseg-core.so.*")
    told = subprocess.run(["ldd", core], capture_output=True, text=True, check=True).stdout
    found = re.search(r"libtorch_cpu\.so => (\S+)", told)
    if found is None or found[1] == "not":
        raise BenchmarkFailed(f"process/load: {core} finds no libtorch.")
    return found[1]


def load(contest: Contest) -> dict:
    """Fresh processes that open libtorch, then coopseg, and make a first call."""
    build = contest.workers.build
    coopseg = Path(json.loads((build / "libraries.json").read_text())["coopseg"])
    command = [build / "load_time", libtorch_of(coopseg), coopseg]
    names = {"libtorch": "libtorch alone", "coopseg": "coopseg on top", "first_call": "first call"}
    values = {name: [] for name in names.values()}
    for count in range(contest.rounds + 1):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise BenchmarkFailed(f"process/load: {done.stderr.strip()}.")
        # The first run fills the system's cache of files.
        if count > 0:
            for key, seconds in json.loads(done.stdout).items():
                values[names[key]].append(seconds)
    return result(contest, "process/load", values, "s")


def first_result(contest: Contest) -> dict:
    """Fresh processes from their start to the first label map: load libraries and model, segment one slice."""
    material, workers, device = contest.material, contest.workers, contest.device
    image = material.image(SIZE, SIZE, 1)
    model = material.folder / "first.coopseg"
    with workers.coopseg("importer") as worker:
        worker.ask("import", material.checkpoints(), compact(own_grid(SIZE, SIZE)))
        worker.ask("save", model)
    commands = {
        "coopseg": (
            workers.coopseg_command(),
            [("load", model), ("image", *image), ("segmenter", compact({"device": device})), ("segment",)],
        ),
        "PyTorch eager": (
            workers.peer_command(),
            [
                ("load", material.checkpoints()),
                ("image", *image),
                ("segmenter", "eager", 1, device, material.folder),
                ("segment",),
            ],
        ),
    }
    values = {name: [] for name in commands}
    for count in range(contest.rounds + 1):
        for name, (command, lines) in commands.items():
            start = time.perf_counter()
            with Worker("first", command, workers.threads, workers.logs) as worker:
                for line in lines:
                    worker.ask(*line)
                if count > 0:
                    values[name].append(time.perf_counter() - start)
    return result(contest, "process/first_result", values, "s")


def call(contest: Contest) -> dict:
    """A million calls each of three kinds."""
    names = {
        "plain_ns": "constant (coopseg_abi_version)",
        "handle_ns": "handle looked up (coopseg_dataset_count)",
        "libtorch_ns": "libtorch asked (coopseg_threads)",
    }
    worker = contest.start_coopseg()
    answers = [worker.ask("calls", CALLS) for _ in range(contest.rounds + 1)][1:]
    values = {name: [answer[key] for answer in answers] for key, name in names.items()}
    return result(contest, "process/call", values, "ns")


CASES = {"process/load": load, "process/first_result": first_result, "process/call": call}
QUICK = tuple(CASES)
