"""Training configurations as nested mappings, as far as the laboratory itself looks into them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Configuration = dict[str, Any]


def merged(first: Mapping[str, Any], second: Mapping[str, Any]) -> Configuration:
    """Both; where they differ, the second."""
    result = dict(first)
    for key, value in second.items():
        before = result.get(key)
        result[key] = merged(before, value) if isinstance(before, Mapping) and isinstance(value, Mapping) else value
    return result


def first_difference(first: Any, second: Any, where: str = "") -> str | None:
    """The first key in which two JSON values differ, with both values; None where they are equal."""
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        for key in [*first, *(key for key in second if key not in first)]:
            place = f"{where}.{key}" if where else str(key)
            if (key in first) != (key in second):
                return f"`{place}` is only in {'the first' if key in first else 'the second'}"
            found = first_difference(first[key], second[key], place)
            if found is not None:
                return found
        return None
    return None if first == second else f"`{where}` is {first!r} and {second!r}"
