"""Following a process, with processes that do what is told here."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest
from CoopSegLib.description import read_options
from CoopSegLib.errors import SegmentationCancelled, SegmentationError
from CoopSegLib.results import Results, read_results
from CoopSegLib.run import SECONDS_TO_CLEAN_UP, ChildProcess, ModuleRun
from slicer_cli import wait_until


class ScriptedProcess:
    """Says and does what a test tells it to."""

    def __init__(self) -> None:
        self.output: list[str] = []
        self.errors = ""
        self.code: int | None = None
        self.signals: list[str] = []
        self.closed = False

    def read_output(self) -> str:
        said, self.output = "".join(self.output), []
        return said

    def read_errors(self) -> str:
        return self.errors

    def exit_code(self) -> int | None:
        return self.code

    def terminate(self) -> None:
        self.signals.append("terminate")

    def kill(self) -> None:
        self.signals.append("kill")

    def close(self) -> None:
        self.closed = True


def test_progress_in_pieces() -> None:
    process = ScriptedProcess()
    run = ModuleRun(process)
    assert not run.poll() and run.progress == 0
    for piece, progress in [
        ("<filter-start>\n<filter-prog", 0.0),
        ("ress>0.25</filter-progress>\n<filter-progress>0.5</filter-", 0.25),
        ("progress>\n", 0.5),
        ("<filter-progress>7</filter-progress>", 1.0),
        ("<filter-progress>1e-05</filter-progress>", 1e-05),
    ]:
        process.output.append(piece)
        assert not run.poll()
        assert run.progress == progress


def test_the_last_words_count() -> None:
    process = ScriptedProcess()
    run = ModuleRun(process)
    process.output.append("<filter-progress>1</filter-progress>")
    process.code = 0
    assert run.poll() and run.poll() and run.progress == 1 and process.closed
    run.check()


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("CoopSegSegment: the image is constant\n", "CoopSegSegment: the image is constant"),
        ("", "the module ended with exit code -11 and said nothing"),
    ],
)
def test_a_failure(said: str, told: str) -> None:
    process = ScriptedProcess()
    run = ModuleRun(process)
    process.errors, process.code = said, -11
    assert run.poll()
    with pytest.raises(SegmentationError) as raised:
        run.check()
    assert str(raised.value) == told and not isinstance(raised.value, SegmentationCancelled)


def test_cancelling_asks_first() -> None:
    process, now = ScriptedProcess(), [100.0]
    run = ModuleRun(process, lambda: now[0])
    run.cancel()
    run.cancel()
    assert not run.poll() and process.signals == ["terminate"]
    now[0] += SECONDS_TO_CLEAN_UP + 0.1
    assert not run.poll() and process.signals == ["terminate", "kill"]
    process.code = -9
    assert run.poll()
    with pytest.raises(SegmentationCancelled):
        run.check()


def python(code: str) -> ChildProcess:
    return ChildProcess([sys.executable, "-c", code])


def test_a_child_that_says_much() -> None:
    child = python("import sys\nfor n in range(20000): print('x' * 20); print('y' * 20, file=sys.stderr)\nsys.exit(3)")
    said = ""

    def ended() -> bool:
        nonlocal said
        code = child.exit_code()
        said += child.read_output()
        return code is not None

    wait_until(ended)
    assert child.exit_code() == 3
    assert said == ("x" * 20 + "\n") * 20000
    assert child.read_errors() == ("y" * 20 + "\n") * 20000
    child.close()


def test_a_child_that_does_not_want_to_end() -> None:
    child = python(
        "import signal, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print('ready', flush=True)\n"
        "time.sleep(60)"
    )
    wait_until(lambda: "ready" in child.read_output())
    now = [0.0]
    run = ModuleRun(child, lambda: now[0])
    run.cancel()
    assert not run.poll()
    now[0] = SECONDS_TO_CLEAN_UP + 1
    wait_until(run.poll)
    assert child.exit_code() == -signal.SIGKILL


def test_a_program_that_is_missing() -> None:
    with pytest.raises(SegmentationError, match="/nowhere/module cannot be started: No such file"):
        ChildProcess(["/nowhere/module"])


def test_results(tmp_path: Path) -> None:
    file = tmp_path / "results"
    file.write_text("seconds = 1.5\nslices = 10\nclasses = LV,left a = b\nvolumes = 93.25,0\n")
    assert read_results(file) == Results(1.5, 10, {"LV": 93.25, "left a = b": 0.0})


def test_a_description_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(SegmentationError, match="Module.xml, cannot be read"):
        read_options(tmp_path / "Module")
