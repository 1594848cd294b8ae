"""Python callbacks inside a native call: their exceptions, and Ctrl-C.

An exception cannot travel through native code, so it is kept, the native call is asked to stop, and the exception is
raised when the call has returned. A signal's handler needs the same care: Python runs it at the first instruction of
the callback, before any ``try`` there, and what it raises would be lost. And when the interpreter ends while a thread
is in native code, Python ends that thread at its next callback, through native frames, which aborts the process: so
such calls are stopped first.
"""

from __future__ import annotations

import atexit
import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

from . import _native
from .errors import Error

_GO_ON, _STOP = 0, 1

# How long the end of the interpreter waits for the native calls of other threads, which end with their current step.
_PATIENCE_SECONDS = 60.0
_running: set[Listener] = set()


class Listener:
    """Stands between a native call and a callback. A context manager: the native call is made in its block, whose Error
    `end` raises."""

    def __init__(self, callback: Callable[..., Any] | None, wake: Callable[[], None] | None = None) -> None:
        """Hears for a callback. `wake` lets a callback that waits for something return."""
        self._callback = callback
        self._wake = wake
        self._stopped = False
        self._cancelled = False
        self._inside = False
        self._ended = threading.Event()
        self._error: BaseException | None = None
        self._handler: Callable[[int, FrameType | None], Any] | None = None

    def hear(self, *arguments: Any) -> int:
        """Calls the callback. Returns what C is to be told."""
        try:
            if self._callback is not None and not self._must_stop():
                self._inside = True
                self._stopped = bool(self._callback(*arguments)) or self._stopped
        except BaseException as error:
            self._error = self._error or error
        finally:
            self._inside = False
        return _STOP if self._must_stop() else _GO_ON

    def _must_stop(self) -> bool:
        return self._stopped or self._error is not None

    def end(self) -> bool:
        """Raises what the callback raised, else the error of the native call. Returns whether the call went to its end
        instead of being asked to stop."""
        error, self._error = self._error, None
        if error is not None:
            try:
                raise error
            finally:
                # Else the exception would hold this frame, which holds it, and with it the caller's objects.
                del error
        return not self._cancelled

    def stop(self) -> None:
        """Has the native call end at the next chance."""
        self._stopped = True
        if self._wake is not None:
            self._wake()

    def __enter__(self) -> Listener:
        _running.add(self)
        if threading.current_thread() is threading.main_thread():
            handler = signal.getsignal(signal.SIGINT)
            if callable(handler):
                self._handler = handler
                signal.signal(signal.SIGINT, self._on_interrupt)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        _running.discard(self)
        self._ended.set()
        if self._handler is not None:
            signal.signal(signal.SIGINT, self._handler)
        if not isinstance(error, Error):
            return False
        # `end` tells of it.
        self._cancelled = error.status == _native.CANCELLED
        if not self._cancelled:
            self._error = self._error or error
        return True

    def _on_interrupt(self, number: int, frame: FrameType | None) -> None:
        assert self._handler is not None
        try:
            self._handler(number, frame)
        except BaseException as error:
            self._error = self._error or error
            # A callback that waits for something must not wait on.
            if self._inside:
                raise


@atexit.register
def _stop_all() -> None:
    listeners = list(_running)
    for listener in listeners:
        listener.stop()
    for listener in listeners:
        listener._ended.wait(_PATIENCE_SECONDS)
