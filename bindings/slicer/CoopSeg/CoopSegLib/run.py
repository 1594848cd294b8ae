"""One run of the command-line module: a process that tells its progress on stdout and can be ended."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from .errors import SegmentationCancelled, SegmentationError

SECONDS_TO_CLEAN_UP = 5.0
"""How long a run may take to end by itself when it is cancelled."""

_PROGRESS = re.compile(r"<filter-progress>([0-9.e+-]+)</filter-progress>")


class Process(Protocol):
    """A process that was started. No method waits."""

    def read_output(self) -> str:
        """What has arrived on stdout since the last call."""

    def read_errors(self) -> str:
        """All that has arrived on stderr."""

    def exit_code(self) -> int | None:
        """How it ended; None while it runs."""

    def terminate(self) -> None:
        """Asks it to end."""

    def kill(self) -> None:
        """Ends it."""

    def close(self) -> None:
        """Gives back what is kept of it, once it has ended."""


Launch = Callable[[Sequence[str]], Process]
"""Starts a command."""


class ChildProcess:
    """A child of this process, with the same environment, as Slicer starts its modules."""

    def __init__(self, command: Sequence[str]) -> None:
        # A file instead of a pipe: it cannot fill up, so nobody need read it meanwhile.
        self._errors = tempfile.TemporaryFile()
        try:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._errors
            )
        except OSError as error:
            self._errors.close()
            raise SegmentationError(f"{command[0]} cannot be started: {error.strerror}") from None
        assert self._process.stdout is not None
        self._output = self._process.stdout
        os.set_blocking(self._output.fileno(), False)

    def read_output(self) -> str:
        pieces = []
        try:
            while piece := os.read(self._output.fileno(), 65536):
                pieces.append(piece)
        except BlockingIOError:
            pass
        return b"".join(pieces).decode("utf-8", "replace")

    def read_errors(self) -> str:
        size = os.fstat(self._errors.fileno()).st_size
        return os.pread(self._errors.fileno(), size, 0).decode("utf-8", "replace")

    def exit_code(self) -> int | None:
        return self._process.poll()

    def terminate(self) -> None:
        self._process.terminate()

    def kill(self) -> None:
        self._process.kill()

    def close(self) -> None:
        self._output.close()
        self._errors.close()


class ModuleRun:
    """Follows a process of the command-line module.

    Attributes:
        progress: 0 to 1.
    """

    def __init__(self, process: Process, clock: Callable[[], float] = time.monotonic) -> None:
        self.progress = 0.0
        self._process = process
        self._clock = clock
        self._unread = ""
        self._cancelled_at: float | None = None
        self._exit_code: int | None = None
        self._said = ""

    def poll(self) -> bool:
        """Takes in what has happened, without waiting. Whether the run has ended."""
        if self._exit_code is None:
            # Asked first: what a process has said is complete once it has ended.
            self._exit_code = self._process.exit_code()
            self._follow(self._process.read_output())
            if self._exit_code is not None:
                self._said = " ".join(self._process.read_errors().split())
                self._process.close()
            elif self._is_overdue():
                self._process.kill()
        return self._exit_code is not None

    def cancel(self) -> None:
        """Asks the run to end; `poll` tells when it has."""
        if self._cancelled_at is None and self._exit_code is None:
            self._cancelled_at = self._clock()
            self._process.terminate()

    def check(self) -> None:
        """To be called once the run has ended.

        Raises:
            SegmentationCancelled: It was cancelled.
            SegmentationError: It failed; the message is what it said.
        """
        if self._cancelled_at is not None:
            raise SegmentationCancelled("the segmentation was cancelled")
        if self._exit_code != 0:
            raise SegmentationError(self._said or f"the module ended with exit code {self._exit_code} and said nothing")

    def _follow(self, output: str) -> None:
        told = list(_PROGRESS.finditer(self._unread + output))
        self._unread = (self._unread + output)[told[-1].end() if told else 0 :]
        if told:
            self.progress = min(max(float(told[-1][1]), 0.0), 1.0)

    def _is_overdue(self) -> bool:
        return self._cancelled_at is not None and self._clock() - self._cancelled_at > SECONDS_TO_CLEAN_UP
