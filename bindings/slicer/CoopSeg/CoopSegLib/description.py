"""The command-line module's own description, so that the panel repeats neither its options nor their defaults."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from .errors import SegmentationError


@dataclass(frozen=True)
class Option:
    """An option of the command-line module that the panel offers: a choice or a whole number."""

    name: str
    label: str
    description: str
    default: str
    choices: tuple[str, ...] = ()
    minimum: int = 0
    maximum: int = 0


def read_options(executable: Path) -> list[Option]:
    """The options of the module whose description lies beside its executable.

    Raises:
        SegmentationError: The description is missing or is none.
    """
    file = executable.with_suffix(".xml")
    try:
        root = ElementTree.parse(file).getroot()
    except (OSError, ElementTree.ParseError) as error:
        raise SegmentationError(f"the description of the module, {file}, cannot be read: {error}") from None
    kinds = ("string-enumeration", "integer")
    return [_option(element) for element in root.iterfind("parameters/*[longflag]") if element.tag in kinds]


def _option(element: ElementTree.Element) -> Option:
    return Option(
        name=element.findtext("longflag", ""),
        label=element.findtext("label", ""),
        description=element.findtext("description", ""),
        default=element.findtext("default", ""),
        choices=tuple(choice.text or "" for choice in element.iterfind("element")),
        minimum=int(element.findtext("constraints/minimum", "0")),
        maximum=int(element.findtext("constraints/maximum", "0")),
    )
