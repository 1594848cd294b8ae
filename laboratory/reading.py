"""Reading JSON strictly: what is unknown, missing or of the wrong type is refused by name."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from .failure import LaboratoryError

T = TypeVar("T", str, int, float, dict[str, Any], list[Any])

_NAMES = {str: "a text", int: "a whole number", float: "a number", dict: "an object", list: "a list"}


def read_object(file: Path) -> dict[str, Any]:
    """The JSON object in a file."""
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise LaboratoryError(f"{file} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise LaboratoryError(f"{file} is no JSON: {error}") from None
    return typed(value, dict, str(file))


def only(value: Mapping[str, Any], keys: Sequence[str], where: str) -> None:
    """Refuses keys that are not among `keys`."""
    for key in value:
        if key not in keys:
            raise LaboratoryError(f"{where} has the unknown key `{key}`; expected some of `{'`, `'.join(keys)}`")


def typed(value: Any, kind: type[T], where: str) -> T:
    """The value, which must be of that type; a whole number passes for a number, true and false for none."""
    fits = isinstance(value, (int, float) if kind is float else kind) and not isinstance(value, bool)
    if not fits:
        raise LaboratoryError(f"{where} is {_short(value)}; expected {_NAMES[kind]}")
    return value  # type: ignore[no-any-return]


def required(value: Mapping[str, Any], key: str, kind: type[T], where: str) -> T:
    """The value of a key that must be there."""
    if key not in value:
        raise LaboratoryError(f"{where} has no `{key}`")
    return typed(value[key], kind, f"`{key}` of {where}")


def optional(value: Mapping[str, Any], key: str, kind: type[T], default: T, where: str) -> T:
    """The value of a key, or its default."""
    return required(value, key, kind, where) if key in value else default


def distinct(values: Sequence[Any], what: str, where: str) -> None:
    """Refuses an empty list and values that appear twice."""
    if not values:
        raise LaboratoryError(f"{where} has no {what}; expected at least one")
    for index, value in enumerate(values):
        if value in values[:index]:
            raise LaboratoryError(f"{where} has the {what} {_short(value)} twice")


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "..."
