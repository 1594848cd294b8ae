"""Python callbacks inside a native call: their exceptions, and those of signals' handlers, such as Ctrl-C's.

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
        self._handlers: dict[int, Callable[[int, FrameType | None], Any]] = {}

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
        try:
            if threading.current_thread() is threading.main_thread():
                self._divert_signals()
        except BaseException:
            # From the handler of a signal that was not diverted yet.
            self._leave()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self._leave()
        if not isinstance(error, Error):
            return False
        # `end` tells of it.
        self._cancelled = error.status == _native.CANCELLED
        if not self._cancelled:
            self._error = self._error or error
        return True

    def _divert_signals(self) -> None:
        for number in signal.valid_signals():
            handler = signal.getsignal(number)
            # Those of C and of the system, as of SIGKILL, are none.
            if callable(handler):
                self._handlers[number] = handler
                signal.signal(number, self._on_signal)

    def _leave(self) -> None:
        _running.discard(self)
        self._ended.set()
        try:
            for number, handler in self._handlers.items():
                # A callback may have set another one.
                if signal.getsignal(number) == self._on_signal:
                    signal.signal(number, handler)
        except BaseException as error:
            # From a handler that is back already.
            self._error = self._error or error
            self._leave()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        handler = self._handlers[number]
        if self._ended.is_set():
            handler(number, frame)
            return
        try:
            handler(number, frame)
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
