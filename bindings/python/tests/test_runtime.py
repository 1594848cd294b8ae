"""Configuration, devices, threads, memory, log."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import coopseg
import numpy as np
import pytest
from conftest import SMALL


def test_configuration_comes_from_the_library() -> None:
    default = coopseg.config.default()
    assert default["preset"] == "official" and coopseg.config.default("paper")["preset"] == "paper"
    assert coopseg.config.check() == default
    assert coopseg.config.check({"epochs": 3}, seed=np.int64(5)) == {**default, "epochs": 3, "seed": 5}
    assert coopseg.config.check('{"epochs": 3}')["epochs"] == 3
    assert coopseg.config.check('{"epochs": 3}', epochs=4)["epochs"] == 4
    spacing = coopseg.config.check({"preprocess": {"spacing": np.array([1.0, 2.0])}})["preprocess"]["spacing"]
    assert spacing == [1.0, 2.0]
    folder = coopseg.config.check(snapshots={"folder": Path("/tmp/x")})["snapshots"]["folder"]
    assert folder == "/tmp/x"
    for kind in ("training", "segmenter", "folder", "synthetic", "split", "evaluation", "hard_example", "artefact"):
        assert coopseg.config.schema(kind)["properties"]


def test_configurations_that_are_refused() -> None:
    with pytest.raises(coopseg.InvalidArgumentError, match="preset"):
        coopseg.config.default("best")
    with pytest.raises(coopseg.InvalidArgumentError):
        coopseg.config.schema("cheese")
    with pytest.raises(coopseg.InvalidConfigError, match="epochs"):
        coopseg.config.check(epochs=-1)
    with pytest.raises(coopseg.InvalidConfigError, match="no JSON"):
        coopseg.config.check("{", epochs=1)
    with pytest.raises(coopseg.InvalidConfigError, match="JSON"):
        coopseg.config.check("{")
    with pytest.raises(coopseg.InvalidConfigError, match="JSON"):
        coopseg.config.check(seed=object())
    with pytest.raises(coopseg.InvalidConfigError, match="JSON"):
        coopseg.config.check(input_noise=float("nan"))
    with pytest.raises(coopseg.InvalidConfigError, match="expected a mapping"):
        coopseg.config.check([1])  # type: ignore[arg-type]


def test_devices_and_build() -> None:
    told = coopseg.devices()
    assert "cpu" in told["devices"] and (told["cuda"]["available"] or told["cuda"]["reason"])
    assert coopseg.build_info()["libtorch"]["loaded"].startswith("2.11")
    with pytest.raises(coopseg.DeviceUnavailableError, match="cuda:77"):
        coopseg.Segmenter(coopseg.Model(SMALL), device="cuda:77")


def test_threads() -> None:
    before = coopseg.threads()
    try:
        coopseg.set_threads(1)
        assert coopseg.threads() == 1
        with pytest.raises(coopseg.InvalidArgumentError):
            coopseg.set_threads(0)
    finally:
        coopseg.set_threads(before)


def test_the_seed_of_the_process(tmp_path: Path) -> None:
    def weights(name: str) -> bytes:
        coopseg.Model({**SMALL, "seed": None}).save(tmp_path / name)
        return (tmp_path / name).read_bytes()

    try:
        coopseg.set_seed(2**64 - 1)
        first = weights("first")
        assert weights("again") == first
        coopseg.set_seed(1)
        assert weights("other") != first
    finally:
        coopseg.set_seed(0)
    for seed in (-1, 2**64):
        with pytest.raises(coopseg.InvalidArgumentError):
            coopseg.set_seed(seed)


def test_the_memory_cache() -> None:
    before = coopseg.cpu_cache_info()
    try:
        coopseg.set_cpu_cache_limit(1 << 30)
        assert coopseg.cpu_cache_info()["limit_bytes"] == 1 << 30
        coopseg.release_cpu_cache()
        assert coopseg.cpu_cache_info()["kept_bytes"] == 0
        with pytest.raises(coopseg.InvalidArgumentError):
            coopseg.set_cpu_cache_limit(-1)
    finally:
        coopseg.set_cpu_cache_limit(before["limit_bytes"])


def test_messages_go_to_logging(python) -> None:
    code = (
        "import logging, sys\n"
        "logging.basicConfig(level=logging.DEBUG, stream=sys.stdout, format='%(name)s %(levelname)s')\n"
        "import coopseg; coopseg.set_log_level({level}); coopseg.devices()\n"
        "coopseg.Model({{'network': {{'width': 1}}}})"
    )
    told = python(code.format(level="logging.INFO"))
    assert told.returncode == 0 and "coopseg INFO" in told.stdout, told
    for level in ("logging.WARNING", "logging.ERROR", "None"):
        told = python(code.format(level=level))
        assert (told.returncode, told.stdout, told.stderr) == (0, "", "")


def test_the_logger_prints_nothing_by_itself() -> None:
    assert any(isinstance(handler, logging.NullHandler) for handler in logging.getLogger("coopseg").handlers)


FORK = """
import json, multiprocessing, sys
import coopseg, numpy as np

config = json.loads(sys.argv[1])
coopseg.set_threads(2)
hearts = coopseg.Dataset.synthetic(scanner="A", subjects=3, slices=4)
segmenter = coopseg.Segmenter(coopseg.Model(config))

def segment(index):
    image, _ = hearts.load(index, classes=4)
    return segmenter.segment(image).labels.voxels, coopseg.threads()

def train(seed):
    return coopseg.Trainer(config, hearts, seed=seed).run()

expected = [segment(index)[0] for index in range(3)]
assert train(1)
with multiprocessing.get_context("fork").Pool(2) as pool:
    found = pool.map_async(segment, range(3)).get(timeout=60)
    assert all(threads == 1 for _, threads in found)
    assert all(np.mean(a == b) > 0.999 for (a, _), b in zip(found, expected))
    assert all(pool.map_async(train, [1, 2]).get(timeout=60))
assert coopseg.threads() == 2 and train(2)
"""


def test_processes_that_are_forked(python: Callable[..., CompletedProcess[str]]) -> None:
    done = python(FORK, json.dumps(SMALL))
    assert done.returncode == 0, done.stderr
