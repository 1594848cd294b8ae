"""What README.md shows works as it is written, here with tiny experiments of the same names."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import coopseg
from conftest import ROOT, environment, write_experiment

README = (ROOT / "laboratory/README.md").read_text()


def test_the_commands(tmp_path: Path) -> None:
    experiments = tmp_path / "laboratory/experiments"
    experiments.mkdir(parents=True)
    write_experiment(experiments, "phantom", seeds=[0])
    coopseg.Dataset.synthetic(subjects=2, slices=2, size=[40, 36]).write(tmp_path / "DATA")
    source = {"folder": {"root": "acdc"}}
    write_experiment(experiments, "acdc", training=source, validation=source, seeds=[0])
    place = {**environment(), "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    blocks = (block.replace("\\\n", "") for block in re.findall(r"```sh\n(.*?)```", README, flags=re.S))
    lines = [line for block in blocks for line in block.splitlines() if not line.startswith("make ")]
    commands = {word for line in lines for word in shlex.split(line)}
    assert commands >= {"run", "status", "report", "figures", "--data", "--methods", "--seeds"}
    for line in lines:
        done = subprocess.run(line, shell=True, cwd=tmp_path, env=place, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, (line, done.stderr)
    results = tmp_path / "build/results"
    assert {file.stem for file in results.glob("acdc/*.json")} == {"standard.0", "proposed.0"}
    assert {file.name for file in results.glob("phantom/report/*")} >= {"report.html", "dice.csv", "hard_images.png"}


def test_every_method_and_protocol_is_explained() -> None:
    from laboratory.methods import METHODS
    from laboratory.protocols import PROTOCOLS

    assert all(f"`{name}`" in README for name in (*METHODS, *PROTOCOLS))
