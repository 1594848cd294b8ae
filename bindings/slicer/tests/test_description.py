"""The modules' descriptions: what Slicer makes a panel and a command line from."""

from __future__ import annotations

import logging
import os
import re
import shutil
import subprocess
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest
from ctk_cli import CLIModule
from slicer_cli import ask_for_description, find_modules

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

#: Arguments, options and results of each module.
PARAMETERS = {
    "CoopSegSegment": (
        ["model", "image", "labels"],
        {"entropy", "device", "iterations", "precision", "channel2", "channel3", "channel4"},
        ["seconds", "slices", "classes", "volumes"],
    ),
    "CoopSegArtefact": (
        ["image", "spoiled"],
        {"artefact", "severity", "seed", "json"},
        ["seconds", "applied"],
    ),
}


@pytest.fixture(scope="module", params=PARAMETERS)
def executable(modules: Path, request: pytest.FixtureRequest) -> Path:
    """Each module in turn."""
    return modules / str(request.param)


@pytest.fixture(scope="module")
def root(executable: Path) -> ElementTree.Element:
    return ElementTree.fromstring(ask_for_description(executable).encode())


def test_the_folder_holds_the_modules(modules: Path) -> None:
    assert [file.name for file in find_modules(modules)] == sorted(PARAMETERS)
    for name in PARAMETERS:
        assert (modules / f"{name}.worker").exists()


def test_file_and_answer_are_the_same(executable: Path) -> None:
    assert executable.with_suffix(".xml").read_text() == ask_for_description(executable)


def test_the_answer_needs_nothing_but_the_executable(executable: Path, tmp_path: Path) -> None:
    alone = shutil.copy2(executable, tmp_path)
    needed = subprocess.run(["readelf", "-d", alone], capture_output=True, text=True, check=True).stdout
    assert not re.search("torch|coopseg|ITK", needed)
    start = time.monotonic()
    done = subprocess.run([alone, "--xml"], capture_output=True, text=True, env={}, check=True)
    assert time.monotonic() - start < 0.5
    assert done.stdout.startswith("<?xml") and done.stderr == ""


def test_help_and_version(executable: Path, root: ElementTree.Element) -> None:
    told = subprocess.run([executable, "--help"], capture_output=True, text=True, check=True).stdout
    for parameter in root.iterfind("parameters/*[name]"):
        assert re.search(rf"^ +(--)?{parameter.findtext('name')}\b", told, flags=re.M)
        assert str(parameter.findtext("description")) in told
    version = subprocess.run([executable, "--version"], capture_output=True, text=True, check=True).stdout
    assert version.strip() == root.findtext("version")


def test_an_independent_parser_takes_it(executable: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        parsed = CLIModule(str(executable))
    arguments, options, outputs = parsed.classifyParameters()
    assert PARAMETERS[executable.name] == (
        [argument.name for argument in arguments],
        {option.name for option in options},
        [output.name for output in outputs],
    )
    # It does not know results, nor the attribute that puts an output beside the image.
    unknown = [record.getMessage() for record in caplog.records]
    assert all("cannot be passed" in message or "'reference' attribute" in message for message in unknown), unknown


def test_rules_of_slicers_parser(root: ElementTree.Element) -> None:
    parameters = root.findall("parameters/*[name]")
    names = [str(parameter.findtext("name")) for parameter in parameters]
    assert len(set(names)) == len(names)
    for name in (*names, *(flag.text or "" for flag in root.iter("longflag"))):
        assert NAME.fullmatch(name)
    for element in ("title", "category", "description", "version"):
        assert root.findtext(element)
    for parameter in parameters:
        assert parameter.findtext("label") and parameter.findtext("description")
        assert parameter.findtext("channel") in ("input", "output")
        assert parameter.find("index") is None or parameter.find("longflag") is None
        if parameter.tag.endswith("-enumeration"):
            assert parameter.findtext("default") in [choice.text for choice in parameter.iterfind("element")]
        if parameter.tag == "integer" and parameter.find("constraints") is not None:
            low, high = (int(parameter.findtext(f"constraints/{end}", "")) for end in ("minimum", "maximum"))
            assert low <= int(parameter.findtext("default", "")) <= high
        allowed = {"image": {"type", "reference", "fileExtensions"}, "file": {"fileExtensions"}}
        assert set(parameter.keys()) <= allowed.get(parameter.tag, set())
    places = sorted(int(index.text or "") for index in root.iter("index"))
    assert places == list(range(len(places)))
    # Without one of these Slicer gives no return parameter file.
    assert any(
        parameter.findtext("channel") == "output"
        and parameter.find("index") is None
        and parameter.find("longflag") is None
        for parameter in parameters
    )


def test_a_missing_worker_is_told(executable: Path, tmp_path: Path) -> None:
    alone = shutil.copy2(executable, tmp_path)
    done = subprocess.run([alone, "a", "b", "c"], capture_output=True, text=True, env=dict(os.environ))
    assert done.returncode == 1
    assert done.stderr == f"{executable.name}: {alone}.worker cannot be started: No such file or directory\n"
