"""Options: their defaults, meanings and ranges, as the library tells them."""

from __future__ import annotations

from typing import Any

from ._call import Options, call_json, options, text


def default(preset: str | None = None) -> dict[str, Any]:
    """Every key of a training configuration with its default.

    Args:
        preset: "official" (what the published implementation does) or "paper" (the text read literally).

    Raises:
        InvalidArgumentError: Another preset.
    """
    return dict(call_json("config_default", None if preset is None else text(preset, "the preset")))


def check(config: Options = None, **keys: Any) -> dict[str, Any]:
    """Checks a training configuration and returns it with every key filled in.

    Args:
        config: The keys that differ from the preset's defaults; a mapping or JSON text.
        **keys: Single keys, put over `config`.

    Raises:
        InvalidConfigError: An unknown key, a wrong type or a value out of range, by name.
    """
    return dict(call_json("config_check", options(config, keys)))


def schema(kind: str) -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of one kind of options: every key with description, type, range and default.

    Args:
        kind: "training", "segmenter", "folder", "synthetic", "split", "evaluation", "hard_example" or
            "artefact".

    Raises:
        InvalidArgumentError: Another kind.
    """
    return dict(call_json("config_schema", text(kind, "the kind")))
