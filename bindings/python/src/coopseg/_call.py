"""Calls of the C interface: statuses become exceptions, texts become Python's."""

from __future__ import annotations

import json
import operator
import os
from collections.abc import Mapping
from ctypes import byref, c_char_p, c_size_t, c_void_p, create_string_buffer
from typing import Any

from . import _native
from ._library import library
from .errors import Error, InvalidArgumentError, InvalidConfigError, error_of

PathLike = str | bytes | os.PathLike[str] | os.PathLike[bytes]
Options = Mapping[str, Any] | str | None


def call(name: str, *arguments: Any) -> None:
    """Calls ``coopseg_<name>`` and raises what its status stands for."""
    status = getattr(library(), f"coopseg_{name}")(*arguments)
    if status != _native.OK:
        raise last_error(status)


def last_error(status: int) -> Error:
    """The exception of a call that returned `status` on this thread just now."""
    length = c_size_t()
    library().coopseg_last_error(None, 0, byref(length))
    buffer = create_string_buffer(length.value + 1)
    library().coopseg_last_error(buffer, len(buffer), None)
    return error_of(status, buffer.value.decode("utf-8", "replace"))


def take_text(pointer: c_char_p) -> str | None:
    """The text that a function returned, which is freed."""
    if pointer.value is None:
        return None
    try:
        return pointer.value.decode("utf-8", "surrogateescape")
    finally:
        library().coopseg_string_free(pointer)


def call_json(name: str, *arguments: Any) -> Any:
    """Calls a function whose last parameter receives JSON."""
    out = c_char_p()
    call(name, *arguments, byref(out))
    return json.loads(take_text(out) or "null")


def call_text(name: str, *arguments: Any) -> str:
    """Calls a function whose last parameter receives a text."""
    out = c_char_p()
    call(name, *arguments, byref(out))
    return take_text(out) or ""


def call_handle(name: str, *arguments: Any) -> int:
    """Calls a function whose last parameter receives a handle."""
    out = c_void_p()
    call(name, *arguments, byref(out))
    assert out.value is not None
    return out.value


def text(value: str, what: str) -> bytes:
    """A text as C takes it."""
    encoded = value.encode()
    if b"\0" in encoded:
        raise InvalidArgumentError(f"{what} is {value!r}; expected a text without zero bytes")
    return encoded


def path(value: PathLike) -> bytes:
    """A path as C takes it."""
    encoded = os.fsencode(value)
    if b"\0" in encoded:
        raise InvalidArgumentError(f"the path is {value!r}; expected one without zero bytes")
    return encoded


def unsigned(value: int, what: str) -> int:
    """A whole number as C takes it. ctypes would silently take others modulo 2^64."""
    if not 0 <= value < 2**64:
        raise InvalidArgumentError(f"{what} is {value}; expected a whole number from 0 to 2^64 − 1")
    return int(value)


def class_count(value: int) -> int:
    """A number of classes as C takes it. ctypes would silently take others modulo 2^32."""
    count = operator.index(value)
    if not 2 <= count <= 255:
        raise InvalidArgumentError(f"the number of classes is {count}; expected 2 to 255")
    return count


def options(given: Options, changes: Mapping[str, Any] | None = None) -> bytes | None:
    """Options as JSON: a mapping, or JSON text, and single keys that are put over it."""
    if isinstance(given, str):
        if not changes:
            return text(given, "the options")
        try:
            given = json.loads(given or "{}")
        except json.JSONDecodeError as error:
            raise InvalidConfigError(f"the options are no JSON: {error}") from None
    if given is not None and not isinstance(given, Mapping):
        raise InvalidConfigError(f"the options are a {type(given).__name__}; expected a mapping or JSON text")
    merged = {**(given or {}), **(changes or {})}
    if not merged:
        return None
    try:
        return json.dumps(merged, default=_plain, allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise InvalidConfigError(f"the options cannot be written as JSON: {error}") from None


def _plain(value: Any) -> Any:
    """What json does not know: paths, other mappings, numpy's numbers and arrays."""
    if isinstance(value, os.PathLike):
        return os.fsdecode(value)
    if isinstance(value, Mapping):
        return dict(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{value!r} is a {type(value).__name__}")
