"""Finds and loads libtorch and libcoopseg.so, once, when the first call needs them.

A process can have one libtorch only: a second copy aborts it. So the one that is loaded already is taken, whoever
loaded it, and ``import torch`` later on finds the one that was loaded here.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import threading
from pathlib import Path

from . import _native
from .errors import LibraryError, LibtorchMismatchError, error_of

LIBTORCH_VERSION = "2.11"
_LIBTORCH_WORD = 0x020B
_BUNDLED = Path(__file__).with_name("libcoopseg.so")
_SONAME = "libcoopseg.so.0"

_lock = threading.Lock()
_loaded: ctypes.CDLL | None = None


def library() -> ctypes.CDLL:
    """libcoopseg.so, loaded at the first call.

    Raises:
        LibraryError: It, or libtorch, is not found.
        LibtorchMismatchError: libtorch is not 2.11.
    """
    global _loaded
    if _loaded is None:
        with _lock:
            if _loaded is None:
                _loaded = _load()
    return _loaded


def _load() -> ctypes.CDLL:
    libtorch = _libtorch_of_process() or _load_libtorch()
    if libtorch is not None:
        _check_version(libtorch)
    found = _load_coopseg()
    version = found.coopseg_abi_version
    version.restype = ctypes.c_uint32
    if version() != _native.ABI_VERSION:
        raise LibraryError(
            f"{found._name} has ABI version {version()}; this package was made for version {_native.ABI_VERSION}"
        )
    try:
        _native.declare(found)
    except AttributeError as error:
        raise LibraryError(f"{found._name} is older than this package: {error}") from None
    _open(found)
    from . import _log

    _log.listen(found)
    return found


def _libtorch_of_process() -> ctypes.CDLL | None:
    try:
        return ctypes.CDLL("libtorch_cpu.so", mode=os.RTLD_NOLOAD | os.RTLD_NOW)
    except OSError:
        return None


def _load_libtorch() -> ctypes.CDLL | None:
    """Loads libtorch from where COOPSEG_LIBTORCH or Python's torch package has it. None where there is neither:
    then libcoopseg.so looks for it by itself."""
    folder = _libtorch_folder()
    if folder is None:
        return None
    try:
        ctypes.CDLL(str(folder / "libc10.so"))
        return ctypes.CDLL(str(folder / "libtorch_cpu.so"))
    except OSError as error:
        raise LibraryError(f"libtorch in {folder} cannot be loaded: {error}") from None


def _libtorch_folder() -> Path | None:
    given = os.environ.get("COOPSEG_LIBTORCH")
    if given:
        for folder in (Path(given, "lib"), Path(given)):
            if (folder / "libtorch_cpu.so").exists():
                return folder
        raise LibraryError(f"COOPSEG_LIBTORCH is {given}, where neither lib/libtorch_cpu.so nor libtorch_cpu.so is")
    # Importing torch takes seconds and is not needed; its place is enough.
    torch = importlib.util.find_spec("torch")
    for package in (torch.submodule_search_locations or []) if torch else []:
        if Path(package, "lib", "libtorch_cpu.so").exists():
            return Path(package, "lib")
    return None


def _check_version(libtorch: ctypes.CDLL) -> None:
    try:
        version = libtorch.aoti_torch_abi_version
    except AttributeError:
        raise LibtorchMismatchError(
            f"the libtorch of this process is older than {LIBTORCH_VERSION}, which coopseg needs", 203
        ) from None
    version.restype = ctypes.c_uint64
    word = version()
    if word >> 48 != _LIBTORCH_WORD:
        found = f"{word >> 56}.{word >> 48 & 0xFF}.{word >> 40 & 0xFF}"
        raise LibtorchMismatchError(
            f"this process has libtorch {found}, but coopseg needs {LIBTORCH_VERSION}: install torch 2.11.0, or name a "
            "libtorch 2.11 with COOPSEG_LIBTORCH before anything loads another one",
            203,
        )


def _load_coopseg() -> ctypes.CDLL:
    given = os.environ.get("COOPSEG_LIBRARY")
    if given:
        name = given
    else:
        name = str(_BUNDLED) if _BUNDLED.exists() else _SONAME
    try:
        return ctypes.CDLL(name)
    except OSError as error:
        if given:
            advice = "COOPSEG_LIBRARY names it"
        else:
            advice = "name it with COOPSEG_LIBRARY, or install the package from its wheel"
        raise LibraryError(f"libcoopseg.so cannot be loaded: {error}; {advice}") from None


def _open(library: ctypes.CDLL) -> None:
    """Has the library load its core, and libtorch where none is loaded yet."""
    status = library.coopseg_load_libtorch(None)
    if status != _native.OK:
        message = ctypes.create_string_buffer(4096)
        library.coopseg_last_error(message, len(message), None)
        raise error_of(status, message.value.decode("utf-8", "replace"))
