"""Files that are written whole or not at all."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

_WIDTH = 100


def write_whole(file: Path, content: str | bytes) -> None:
    """Writes beside the place, then renames; an existing file is replaced. The folder is made."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content.encode() if isinstance(content, str) else content)
            stream.flush()
            os.fsync(stream.fileno())
            # mkstemp's files are for their owner alone.
            os.fchmod(stream.fileno(), 0o644)
        os.replace(temporary, file)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def as_json(value: Any) -> str:
    """JSON for people and version control: indented, with what fits on a line on one line."""
    return _indented(value, "") + "\n"


def _indented(value: Any, margin: str) -> str:
    line = _plain(value)
    inner = margin + " "
    if len(margin) + len(line) <= _WIDTH or not isinstance(value, (dict, list)):
        return line
    if isinstance(value, dict):
        rows = (f"{_plain(str(key))}: {_indented(item, inner)}" for key, item in value.items())
        return "{\n" + ",\n".join(inner + row for row in rows) + "\n" + margin + "}"
    return "[\n" + ",\n".join(inner + _indented(item, inner) for item in value) + "\n" + margin + "]"


def _plain(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
