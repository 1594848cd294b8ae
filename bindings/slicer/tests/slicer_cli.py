"""Finds, describes and runs command-line modules as Slicer does."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

DESCRIPTION_SECONDS = 5
FILE_KINDS = ("image", "geometry", "transform", "table", "measurement", "pointfile")
NOT_WRITTEN_WHEN_EMPTY = (
    "file", "directory", "string", "integer-vector", "float-vector", "double-vector", "string-vector",
)  # fmt: skip


def find_modules(folder: Path) -> list[Path]:
    """Executables whose name has no dot. Folders are not searched."""
    files = [file for file in sorted(folder.iterdir()) if file.is_file() and os.access(file, os.X_OK)]
    return [file for file in files if "." not in file.name]


def ask_for_description(executable: Path) -> str:
    """What `--xml` prints. It has five seconds, and a word on stderr is an error."""
    done = subprocess.run(
        [executable, "--xml"], capture_output=True, text=True, timeout=DESCRIPTION_SECONDS, cwd=executable.parent
    )
    if done.stderr:
        raise RuntimeError(done.stderr)
    if not done.stdout.startswith("<?xml"):
        raise RuntimeError(f"the description begins with {done.stdout[:20]!r}")
    return done.stdout


def read_description(executable: Path) -> str:
    file = executable.with_name(executable.name.partition(".")[0] + ".xml")
    return file.read_text() if file.exists() else ask_for_description(executable)


@dataclass
class Run:
    """A run that has ended.

    Attributes:
        values: Parameters that came back through the return parameter file.
        outputs: Files of the output nodes, by the parameter's name.
        progress: Every value, in its order.
    """

    exit_code: int
    output: str
    errors: str
    values: dict[str, str]
    outputs: dict[str, Path]
    progress: list[float] = field(default_factory=list)


class CommandLineModule:
    def __init__(self, executable: Path) -> None:
        self.executable = executable
        root = ElementTree.fromstring(read_description(executable).encode())
        self.parameters = root.findall("parameters/*[name]")

    def command(self, values: Mapping[str, object], folder: Path) -> tuple[list[str], dict[str, Path], Path | None]:
        """The command line for values of parameters. A `True` value of an output stands for a node."""
        files = {
            str(parameter.findtext("name")): folder / f"node_{parameter.findtext('name')}.nrrd"
            for parameter in self.parameters
            if parameter.tag in FILE_KINDS
            and parameter.findtext("channel") == "output"
            and values.get(str(parameter.findtext("name"))) is True
        }
        command = [str(self.executable)]
        returned = folder / "returned.params" if any(map(_is_returned, self.parameters)) else None
        if returned:
            command += ["--returnparameterfile", str(returned)]
        for parameter in self.parameters:
            flag = parameter.findtext("longflag")
            if flag is None:
                continue
            value = self._value(parameter, values, files)
            if parameter.tag == "boolean":
                command += [f"--{flag}"] if value == "true" else []
            elif value or parameter.tag not in (*FILE_KINDS, *NOT_WRITTEN_WHEN_EMPTY):
                command += [f"--{flag}", value]
        placed = [parameter for parameter in self.parameters if parameter.find("index") is not None]
        for parameter in sorted(placed, key=lambda parameter: int(parameter.findtext("index", ""))):
            value = self._value(parameter, values, files)
            if not value:
                raise RuntimeError(f"No value assigned to {parameter.findtext('label')}")
            command.append(value)
        return command, files, returned

    def run(
        self,
        values: Mapping[str, object],
        folder: Path,
        *,
        end: signal.Signals | None = None,
        end_when: Callable[[float], bool] = lambda progress: progress > 0,
        environment: Mapping[str, str] | None = None,
    ) -> Run:
        """Runs the module, and ends it by a signal as soon as its progress is such."""
        command, files, returned = self.command(values, folder)
        errors = folder / "stderr.txt"
        with errors.open("w+") as stderr:
            process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=stderr, text=True, cwd=folder, env=environment
            )
            assert process.stdout is not None
            output, progress = "", list[float]()
            for line in process.stdout:
                output += line
                told = re.findall(r"<filter-progress>(.*?)</filter-progress>", line)
                progress += map(float, told)
                if end is not None and progress and end_when(progress[-1]):
                    process.send_signal(end)
                    end = None
            exit_code = process.wait(60)
        said = errors.read_text()
        errors.unlink()
        values = _read_values(returned) if returned and exit_code == 0 else {}
        return Run(exit_code, output, said, values, files, progress)

    @staticmethod
    def _value(parameter: ElementTree.Element, values: Mapping[str, object], files: Mapping[str, Path]) -> str:
        name = str(parameter.findtext("name"))
        if name in files:
            return str(files[name])
        return str(values.get(name, parameter.findtext("default", "")))


def _is_returned(parameter: ElementTree.Element) -> bool:
    return (
        parameter.findtext("channel") == "output"
        and parameter.find("longflag") is None
        and parameter.find("flag") is None
        and parameter.find("index") is None
        and parameter.tag not in (*FILE_KINDS, "file", "directory")
    )


def _read_values(file: Path) -> dict[str, str]:
    values = {}
    for line in file.read_text().splitlines():
        name, _, value = line.partition("=")
        values[name.strip()] = value.strip()
    return values


def assert_failed(run: Run, *words: str, module: str = "CoopSegSegment") -> None:
    """One sentence on stderr, and no output."""
    assert run.exit_code == 1
    assert run.errors.startswith(f"{module}: ") and run.errors.count("\n") == 1, run.errors
    assert "ERROR" not in run.errors and "0x" not in run.errors, run.errors
    for word in words:
        assert word in run.errors, run.errors
    assert not any(file.exists() for file in run.outputs.values())


def wait_until(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
