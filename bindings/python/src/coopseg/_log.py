"""The library's messages go to Python's logger "coopseg"."""

from __future__ import annotations

import atexit
import ctypes
import logging

from . import _native
from ._call import call

_logger = logging.getLogger("coopseg")
_logger.addHandler(logging.NullHandler())

_PYTHON_LEVEL = {
    _native.LOG_ERROR: logging.ERROR,
    _native.LOG_WARNING: logging.WARNING,
    _native.LOG_INFO: logging.INFO,
}


def _hear(level: int, message: bytes, _user_data: int | None) -> None:
    _logger.log(_PYTHON_LEVEL.get(level, logging.ERROR), "%s", message.decode("utf-8", "replace"))


# C holds it as long as the process lives.
_pass_on = _native.LogCallback(_hear)


def _library_level(level: int) -> int:
    if level >= logging.ERROR:
        return _native.LOG_ERROR
    return _native.LOG_WARNING if level >= logging.WARNING else _native.LOG_INFO


def listen(library: ctypes.CDLL) -> None:
    """Hears of what is amiss, from the loading of the library on."""
    library.coopseg_set_log_callback(_pass_on, _native.LOG_WARNING, None)
    # No thread of the library may call into an interpreter that has ended.
    atexit.register(library.coopseg_set_log_callback, _native.LogCallback(), _native.LOG_ERROR, None)


def set_log_level(level: int | None) -> None:
    """Sets which messages the library passes to the logger ``coopseg``.

    Args:
        level: Of the module ``logging``: ``INFO``, ``WARNING`` (the state at the start) or ``ERROR``. None: no
            messages at all. What is passed on is still subject to the logger's own level and handlers.
    """
    if level is None:
        call("set_log_callback", _native.LogCallback(), _native.LOG_ERROR, None)
    else:
        call("set_log_callback", _pass_on, _library_level(level), None)
