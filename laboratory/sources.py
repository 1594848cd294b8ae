"""Where images come from, as an experiment names them: folders and synthetic hearts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from .failure import LaboratoryError
from .reading import distinct, only, optional, required, typed


@dataclass(frozen=True)
class Folder:
    """Images with labels in files.

    Attributes:
        root: Name of a folder that every machine has elsewhere; "" stands for the experiment's own folder.
        path: Below that.
        options: For `coopseg.Dataset.open`.
    """

    root: str
    path: str
    options: Mapping[str, Any]

    def settings(self) -> dict[str, Any]:
        """As in the experiment's file."""
        place = {"root": self.root} if self.root else {}
        return {"folder": {**place, "path": self.path, "options": dict(self.options)}}


@dataclass(frozen=True)
class Phantom:
    """Synthetic hearts.

    Attributes:
        options: For `coopseg.Dataset.synthetic`.
    """

    options: Mapping[str, Any]

    def settings(self) -> dict[str, Any]:
        """As in the experiment's file."""
        return {"phantom": dict(self.options)}


Source = Folder | Phantom
#: Cases of several sources, one after the other.
Sources = tuple[Source, ...]


def read_sources(value: Any, where: str) -> Sources:
    """Reads one source or a list of them."""
    given = value if isinstance(value, list) else [value]
    distinct(given, "source", where)
    return tuple(_read(one, where) for one in given)


def settings_of(sources: Sources) -> list[dict[str, Any]]:
    """As in the experiment's file."""
    return [source.settings() for source in sources]


def subject_of(sources: Sources, name: str) -> str:
    """Whom a case of the sources shows: the same text for every image of the same subject, whatever set it is in."""
    subject = name.partition("/")[0]
    if len(sources) > 1:
        return f"{settings_of(sources)}: {subject}"
    source = sources[0]
    if isinstance(source, Folder):
        return f"{source.root}/{source.path}: {subject}"
    # Hearts of one seed are the same on every scanner, whose letter comes before their number.
    return f"phantom {source.options.get('seed', 0)}: {subject[1:]}"


def _read(value: Any, where: str) -> Source:
    given = typed(value, dict, f"a source of {where}")
    only(given, ["folder", "phantom"], where)
    if len(given) != 1:
        raise LaboratoryError(f"a source of {where} is {sorted(given)}; expected either `folder` or `phantom`")
    if "phantom" in given:
        return Phantom(required(given, "phantom", dict, where))
    inner = f"`folder` of {where}"
    folder = required(given, "folder", dict, where)
    only(folder, ["root", "path", "options"], inner)
    path = optional(folder, "path", str, ".", inner)
    if PurePosixPath(path).is_absolute():
        raise LaboratoryError(
            f"`path` of {inner} is {path}; expected a relative one, below the experiment's folder or a `root`, "
            "because results must not name places of one machine"
        )
    return Folder(optional(folder, "root", str, "", inner), path, optional(folder, "options", dict, {}, inner))
