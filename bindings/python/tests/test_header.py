"""The declarations for ctypes are those of the C header."""

from __future__ import annotations

import ctypes
import re
from typing import Any

import coopseg
from coopseg import _native, errors
from conftest import PACKAGE, REPOSITORY

HEADER = re.sub(r"/\*.*?\*/|//[^\n]*", "", (REPOSITORY / "include/coopseg/coopseg.h").read_text(), flags=re.S)

SCALARS = {
    "size_t": ctypes.c_size_t,
    "int32_t": ctypes.c_int32,
    "coopseg_status": ctypes.c_int32,
    "uint32_t": ctypes.c_uint32,
    "int64_t": ctypes.c_int64,
    "uint64_t": ctypes.c_uint64,
    "uint8_t": ctypes.c_uint8,
    "float": ctypes.c_float,
    "double": ctypes.c_double,
}
STRUCTS = {
    "coopseg_image": _native.CImage,
    "coopseg_buffer": _native.CBuffer,
    "coopseg_event": _native.CEvent,
    "coopseg_segmentation": _native.CSegmentation,
    "coopseg_segmentation_files": _native.CSegmentationFiles,
    "coopseg_hard_example": _native.CHardExample,
    "coopseg_overview_row": _native.COverviewRow,
}
CALLBACKS = {
    "coopseg_log_callback": _native.LogCallback,
    "coopseg_release_callback": _native.ReleaseCallback,
    "coopseg_event_callback": _native.EventCallback,
    "coopseg_segmentation_callback": _native.SegmentationCallback,
    "coopseg_evaluation_callback": _native.EvaluationCallback,
}


def type_of(declared: str) -> Any:
    """What ctypes calls a C type."""
    words = [word for word in re.findall(r"\w+|\*", declared) if word not in ("const", "struct")]
    base, stars = words[0], words.count("*")
    if base in CALLBACKS:
        return CALLBACKS[base]
    if base == "char" and stars:
        found, stars = ctypes.c_char_p, stars - 1
    elif base in STRUCTS:
        found = STRUCTS[base]
    elif base in SCALARS:
        found = SCALARS[base]
    elif stars:
        found, stars = ctypes.c_void_p, stars - 1
    else:
        return None
    for _ in range(stars):
        found = ctypes.POINTER(found)
    return found


def split_parameter(parameter: str) -> str:
    """The type of "type name"."""
    return re.sub(r"\w+$", "", parameter.strip())


def functions() -> dict[str, tuple[Any, list[Any]]]:
    body = re.sub(r"(?m)^#.*$", "", HEADER.partition('extern "C" {')[2])
    found = {}
    for result, name, parameters in re.findall(r"([\w\s]+?[\s*]+)coopseg_(\w+)\(([^)]*)\);", body):
        listed = [] if parameters.strip() == "void" else [type_of(split_parameter(p)) for p in parameters.split(",")]
        found[name] = type_of(result), listed
    return found


def test_every_function_is_declared_with_its_types() -> None:
    declared = {name: (ctypes.c_int32, parameters) for name, parameters in _native.STATUS_FUNCTIONS.items()}
    declared |= _native.OTHER_FUNCTIONS
    assert len(declared) > 70
    assert functions() == declared


def test_every_struct_has_its_fields() -> None:
    found = dict(re.findall(r"typedef struct coopseg_\w+ \{(.*?)\} (coopseg_\w+);", HEADER, flags=re.S))
    assert {name: None for name in found.values()} == {name: None for name in STRUCTS}
    for body, name in found.items():
        fields = []
        for declaration in filter(None, map(str.strip, body.split(";"))):
            field, length = re.fullmatch(r".*?(\w+)(?:\[(\d+)\])?", declaration, flags=re.S).groups()
            kind = type_of(declaration[: declaration.rindex(field)])
            fields.append((field, kind * int(length) if length else kind))
        assert fields == [(field, kind) for field, kind in STRUCTS[name]._fields_], name


def test_constants_agree() -> None:
    numbers = {name: int(value) for name, value in re.findall(r"#define COOPSEG_(\w+) (\d+)", HEADER)}
    assert numbers["ABI_VERSION"] == _native.ABI_VERSION
    assert {numbers[f"EVENT_{kind.upper()}"]: kind for kind in _native.EVENT_KINDS.values()} == _native.EVENT_KINDS
    kinds = {"u": "U", "i": "I", "f": "F"}
    for (kind, size), number in _native.DTYPES.items():
        assert numbers[f"{kinds[kind]}{8 * size}"] == number
    assert (numbers["LOG_ERROR"], numbers["LOG_WARNING"], numbers["LOG_INFO"]) == (
        _native.LOG_ERROR,
        _native.LOG_WARNING,
        _native.LOG_INFO,
    )
    before_functions = HEADER.partition('extern "C" {')[0]
    statuses = re.findall(r"#define COOPSEG_(\w+) (\d+)", before_functions[before_functions.index("#define COOPSEG_OK") :])
    assert {int(value) for _, value in statuses} == {0, *errors.BY_STATUS}


def test_every_function_is_used() -> None:
    sources = "".join(file.read_text() for file in (PACKAGE / "src/coopseg").glob("*.py") if file.name != "_native.py")
    # Images are described from numpy's own numbers, an exception's class is its status's name, and one image is a list
    # of one.
    needless = {"image_init", "status_name", "segmenter_run", "segmenter_run_file"}
    for name in functions():
        # _handle.py frees by noun.
        used = f'"{name}"' in sources or f"coopseg_{name}" in sources or name.endswith("_free")
        assert used or name in needless, name


def test_versions_agree() -> None:
    assert coopseg.__version__ == coopseg.version()
