"""Experiments: files in JSON, validated.

::

    {
      "title": "Phantom",                            what tables and pages are called
      "training": SOURCE or [SOURCE, …],
      "validation": SOURCE or [SOURCE, …],
      "tests": [
        {"name": "A", "data": SOURCE or [SOURCE, …]},
        {"name": "motion", "of": "A",                 a test set, every image spoilt some times
         "artefact": {"motion": {"degrees": 30}},     as for `coopseg.simulate_artefact`
         "copies": 3, "seed": 1}                      1 and 0 unless given
      ],
      "methods": ["standard", …],                     laboratory/methods.py
      "seeds": [0, 1, 2],
      "protocol": "small",                            laboratory/protocols.py
      "overrides": {"epochs": 56}                     keys of the training's configuration; {} unless given
    }

SOURCE is {"phantom": options of `coopseg.Dataset.synthetic`} or {"folder": {"root": "acdc", "path": "below/it",
"options": options of `coopseg.Dataset.open`}}. Where a root lies is told by ``--data acdc=/where`` or by the environment variable
COOPSEG_DATA_ACDC; without a root the path is relative to the experiment's file. Unknown keys are refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .configuration import Configuration, merged
from .failure import LaboratoryError
from .methods import Method, method
from .protocols import Protocol, protocol
from .reading import distinct, only, optional, read_object, required, typed
from .sources import Sources, read_sources, settings_of

_KEYS = ["title", "training", "validation", "tests", "methods", "seeds", "protocol", "overrides"]
#: What the laboratory sets itself.
_RESERVED = ["device", "seed", "snapshots", "recording"]
_NAME = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class PlainSet:
    """A test set as it is."""

    name: str
    data: Sources

    def settings(self) -> dict[str, Any]:
        """As in the experiment's file."""
        return {"name": self.name, "data": settings_of(self.data)}


@dataclass(frozen=True)
class ArtefactSet:
    """A test set whose images are spoilt.

    Attributes:
        name: Its name.
        base: The test set that is spoilt.
        artefact: For `coopseg.simulate_artefact`.
        copies: How many times every image is spoilt, each time otherwise.
        seed: Of what is drawn.
    """

    name: str
    base: PlainSet
    artefact: Mapping[str, Any]
    copies: int
    seed: int

    def settings(self) -> dict[str, Any]:
        """As in the experiment's file."""
        return {
            "name": self.name,
            "of": self.base.name,
            "artefact": dict(self.artefact),
            "copies": self.copies,
            "seed": self.seed,
        }


TestSet = PlainSet | ArtefactSet

#: Between the name of an image and the number of its spoilt copy.
_COPY = "#"


def copy_name(image: str, number: int) -> str:
    """Name of a case that is a spoilt copy."""
    return f"{image}{_COPY}{number}"


def image_of(case: str) -> str:
    """Name of the image that a case of an `ArtefactSet` is a copy of."""
    return case.rpartition(_COPY)[0]


@dataclass(frozen=True)
class Plan:
    """One cell that an experiment asks for."""

    experiment: Experiment
    method: Method
    seed: int

    @property
    def name(self) -> str:
        """Unique in the experiment; also the stem of its file."""
        return f"{self.method.name}.{self.seed}"

    def configuration(self) -> Configuration:
        """The training's configuration, as far as it differs from the library's defaults."""
        return merged(self.experiment.configuration(), self.method.overrides)

    def training_settings(self) -> dict[str, Any]:
        """Everything that the trained model depends on, except for the seed."""
        experiment = self.experiment
        protocol = {"name": experiment.protocol.name, "configuration": dict(experiment.protocol.configuration)}
        return {
            "training": settings_of(experiment.training),
            "validation": settings_of(experiment.validation),
            "protocol": protocol,
            "differs": merged(experiment.overrides, self.method.overrides),
        }

    def settings(self) -> dict[str, Any]:
        """Everything that the cell's numbers depend on, except for the seed."""
        return {**self.training_settings(), "tests": [test.settings() for test in self.experiment.tests]}


@dataclass(frozen=True)
class Experiment:
    """An experiment.

    Attributes:
        file: Where it was read.
        title: What tables and pages are called.
        overrides: What differs from the protocol in every cell.
    """

    file: Path
    title: str
    training: Sources
    validation: Sources
    tests: tuple[TestSet, ...]
    methods: tuple[Method, ...]
    seeds: tuple[int, ...]
    protocol: Protocol
    overrides: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Name of the file without its ending, and of the folder of its results."""
        return self.file.stem

    def configuration(self) -> Configuration:
        """What all cells have in common."""
        return merged(self.protocol.configuration, self.overrides)

    def classes(self) -> tuple[str, ...]:
        """Names of the classes, background first."""
        network = self.configuration().get("network", {})
        return tuple(network.get("classes", ("background", "LV", "MYO", "RV")))

    def plans(self) -> list[Plan]:
        """All cells, seed by seed, so that every method has its first result early."""
        return [Plan(self, method, seed) for seed in self.seeds for method in self.methods]


def read_experiment(file: Path) -> Experiment:
    """Reads an experiment's file.

    Raises:
        LaboratoryError: What is wrong with it, by name.
    """
    where = str(file)
    given = read_object(file)
    if not _NAME.fullmatch(file.stem):
        raise LaboratoryError(f"the experiment is called {file.stem!r}; expected letters, digits, - and _ in {where}")
    only(given, _KEYS, where)
    methods = required(given, "methods", list, where)
    distinct(methods, "method", where)
    seeds = required(given, "seeds", list, where)
    distinct(seeds, "seed", where)
    for seed in seeds:
        if typed(seed, int, f"a seed in {where}") < 0:
            raise LaboratoryError(f"a seed in {where} is {seed}; expected at least 0")
    overrides = optional(given, "overrides", dict, {}, where)
    for key in _RESERVED:
        if key in overrides:
            raise LaboratoryError(f"`overrides` of {where} has the key `{key}`, which the laboratory sets itself")
    if "training" not in given or "validation" not in given:
        raise LaboratoryError(f"{where} has no `{'validation' if 'training' in given else 'training'}`")
    return Experiment(
        file,
        required(given, "title", str, where),
        read_sources(given["training"], f"`training` of {where}"),
        read_sources(given["validation"], f"`validation` of {where}"),
        _read_tests(required(given, "tests", list, where), where),
        tuple(method(typed(name, str, f"a method in {where}")) for name in methods),
        tuple(seeds),
        protocol(required(given, "protocol", str, where)),
        overrides,
    )


def _read_tests(values: list[Any], where: str) -> tuple[TestSet, ...]:
    plain: dict[str, PlainSet] = {}
    tests: list[TestSet] = []
    for value in values:
        given = typed(value, dict, f"a test set in {where}")
        name = required(given, "name", str, f"a test set in {where}")
        inner = f'the test set "{name}" in {where}'
        if "data" in given:
            only(given, ["name", "data"], inner)
            plain[name] = PlainSet(name, read_sources(given["data"], inner))
            tests.append(plain[name])
        else:
            only(given, ["name", "of", "artefact", "copies", "seed"], inner)
            base = required(given, "of", str, inner)
            if base not in plain:
                expected = f'one of "{", ".join(plain)}", before it' if plain else "a test set with `data` before it"
                raise LaboratoryError(f'`of` of {inner} is "{base}"; expected {expected}')
            artefact = required(given, "artefact", dict, inner)
            copies = optional(given, "copies", int, 1, inner)
            if not 1 <= copies <= 1000:
                raise LaboratoryError(f"`copies` of {inner} is {copies}; expected 1 to 1000")
            tests.append(ArtefactSet(name, plain[base], artefact, copies, optional(given, "seed", int, 0, inner)))
    distinct([test.name for test in tests], "test set", where)
    return tuple(tests)
