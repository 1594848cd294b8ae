"""The command ``coopseg``: segment, train, evaluate, artefact, info.

Exit code: 0 when everything worked, 1 when something failed (one sentence on stderr says what), 2 for arguments that
are not understood, 130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import config, evaluation, runtime
from .artefacts import simulate_artefact
from .dataset import Dataset
from .errors import Error, InvalidArgumentError, InvalidConfigError, MissingFileError
from .images import Image
from .model import Model
from .segmenter import OUTPUTS, Segmenter
from .trainer import Trainer


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    given = _parser().parse_args(arguments)
    # Paths that are no UTF-8 must not end a run that has worked.
    if hasattr(sys.stdout, "reconfigure") and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        given.run(given)
    except KeyboardInterrupt:
        print("coopseg: interrupted", file=sys.stderr)
        return 130
    except (Error, OSError) as error:
        print(f"coopseg: {error}", file=sys.stderr)
        return 1
    return 0


def _segment(given: argparse.Namespace) -> None:
    files = {name: getattr(given, name) for name in OUTPUTS if getattr(given, name) is not None}
    if not files:
        given.parser.error(f"name at least one output: {', '.join(map(_flag, OUTPUTS))}")
    with Model.load(given.model) as model, Segmenter(model, _segmenter_options(given)) as segmenter:
        report = segmenter.segment_file(given.images, progress=not given.quiet, **files)
    print(f"{report['slices']} slices in {report['seconds']:.2f} s: {', '.join(files.values())}")


def _train(given: argparse.Namespace) -> None:
    output = _output(given.output)
    output.mkdir(parents=True, exist_ok=True)
    training, validation = _open(given).split(fraction=given.validation, seed=given.split_seed)
    told = _training_config(given, output)
    trainer = _resumed(given, told, training, validation) or Trainer(told, training, validation)
    if not trainer.metrics()["finished"]:
        try:
            trainer.run(progress=not given.quiet)
        except KeyboardInterrupt:
            # The snapshot that was written lets the same command go on.
            trainer.save_best(output / "model.coopseg")
            raise
    trainer.save_best(output / "model.coopseg")
    print(f"model, records and report are in {output}")


def _output(folder: str) -> Path:
    """The output folder, which the training's configuration, a JSON object, must be able to name."""
    try:
        folder.encode()
    except UnicodeEncodeError:
        raise InvalidArgumentError(f"the output folder {folder!r} is no UTF-8; expected another name") from None
    return Path(folder)


def _resumed(
    given: argparse.Namespace, told: dict[str, Any], training: Dataset, validation: Dataset
) -> Trainer | None:
    """The trainer of the newest snapshot of an earlier run; None where there is none."""
    snapshots = config.check(told)["snapshots"]["folder"]
    if snapshots is None or not Path(snapshots).is_dir():
        return None
    # The output may have been moved since: what is written from now on goes where this run was told.
    places = {part: told[part] for part in ("snapshots", "recording")}
    try:
        trainer = Trainer.resume(snapshots, training, validation, {**_settings(given.set), **places})
    except MissingFileError:
        return None
    print(f"going on from the newest snapshot in {snapshots}, with its configuration")
    return trainer


def _training_config(given: argparse.Namespace, output: Path) -> dict[str, Any]:
    places = _places(output)
    read = _read_json(given.config)
    for part, paths in places.items():
        if isinstance(read.get(part), dict):
            # A whole configuration has null for every path, which says nothing about this run's.
            read[part] = {key: value for key, value in read[part].items() if value is not None or key not in paths}
    return _merged(_merged(places, read), _settings(given.set))


def _places(output: Path) -> dict[str, dict[str, str]]:
    """Where a training writes, as parts of its configuration."""
    return {
        "snapshots": {"folder": str(output / "snapshots")},
        "recording": {
            "csv": str(output / "training.csv"),
            "json_lines": str(output / "training.jsonl"),
            "report": str(output / "report.html"),
        },
    }


def _evaluate(given: argparse.Namespace) -> None:
    with Model.load(given.model) as model, _open(given) as dataset:
        made = evaluation.evaluate(
            model, dataset, segmenter=_segmenter_options(given), progress=not given.quiet
        )
    if given.json:
        made.save_json(given.json)
    if given.csv:
        made.save_csv(given.csv)
    summary = made.to_dict()["summary"]
    print(f"{'Dice':24} {'FTN':>8} {'FTN+STN':>8}")
    for name in summary["refined"]:
        means = [summary[stage][name]["dice"]["mean"] for stage in ("fast", "refined")]
        print(f"{name:24} " + " ".join("       –" if mean is None else f"{mean:8.4f}" for mean in means))


def _artefact(given: argparse.Namespace) -> None:
    image = Image.read(given.image)
    spoiled = simulate_artefact(image, given.artefact, seed=given.seed)
    spoiled.image.write(given.output)
    print(json.dumps(spoiled.parameters))


def _info(given: argparse.Namespace) -> None:
    if given.file is None:
        told: dict[str, Any] = {**runtime.build_info(), "devices": runtime.devices(), "threads": runtime.threads()}
    else:
        with Model.load(given.file) as model:
            told = model.info()
    print(json.dumps(told, indent=2, ensure_ascii=False))


def _open(given: argparse.Namespace) -> Dataset:
    return Dataset.open(given.data, _read_json(given.data_options), **_named(given, "layout"))


def _segmenter_options(given: argparse.Namespace) -> dict[str, Any]:
    return _named(given, "device", "iterations", "precision")


def _named(given: argparse.Namespace, *names: str) -> dict[str, Any]:
    """The options that were given; the library knows the others' defaults."""
    return {name: getattr(given, name) for name in names if getattr(given, name) is not None}


def _read_json(file: str | None) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        read = json.loads(Path(file).read_text(encoding="utf-8"))
    except ValueError as error:
        raise InvalidConfigError(f"{file} is no JSON: {error}") from None
    if not isinstance(read, dict):
        raise InvalidConfigError(f"{file} holds a {type(read).__name__}; expected a JSON object")
    return read


def _settings(settings: Sequence[str]) -> dict[str, Any]:
    """The configuration of texts such as optimizer.learning_rate=0.001."""
    merged: dict[str, Any] = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals:
            raise InvalidConfigError(f"--set {setting}; expected KEY=VALUE, such as optimizer.learning_rate=0.001")
        try:
            nested = json.loads(value)
        except ValueError:
            nested = value
        for part in reversed(key.split(".")):
            nested = {part: nested}
        merged = _merged(merged, nested)
    return merged


def _merged(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """Both configurations; where they differ, the second."""
    merged = dict(first)
    for key, value in second.items():
        before = merged.get(key)
        merged[key] = _merged(before, value) if isinstance(before, dict) and isinstance(value, dict) else value
    return merged


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="coopseg", description="Robust medical image segmentation.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    segment = commands.add_parser("segment", help="segment a NIfTI file", description="Segments a NIfTI file.")
    segment.add_argument("model", metavar="MODEL", help="model file")
    segment.add_argument("images", metavar="IMAGE", nargs="+", help="the image; several files are its channels")
    for name in OUTPUTS:
        segment.add_argument(_flag(name), metavar="FILE", help="where to write this map (.nii, .nii.gz)")
    _add_segmenter_options(segment)
    segment.add_argument("--quiet", action="store_true", help="show no progress bar")
    segment.set_defaults(run=_segment, parser=segment)

    train = commands.add_parser(
        "train",
        help="train on a dataset",
        description="Trains on a dataset. Started again with the same arguments, it goes on from the newest snapshot.",
    )
    train.add_argument("data", metavar="DATA", help="folder or list of cases with labels")
    train.add_argument("output", metavar="OUTPUT", help="folder for model, snapshots, records and report")
    _add_data_options(train)
    train.add_argument("--config", metavar="FILE", help="training configuration (JSON)")
    train.add_argument(
        "--set", metavar="KEY=VALUE", action="append", default=[], help="one key of it, such as network.width=8"
    )
    train.add_argument(
        "--validation", metavar="SHARE", type=float, default=0.2, help="share of the subjects to validate with (0.2)"
    )
    train.add_argument("--split-seed", metavar="N", type=int, default=0, help="which subjects these are (0)")
    train.add_argument("--quiet", action="store_true", help="show no progress bar")
    train.set_defaults(run=_train)

    evaluate = commands.add_parser(
        "evaluate", help="compare a model with labels", description="Scores a model on a dataset with labels."
    )
    evaluate.add_argument("model", metavar="MODEL", help="model file")
    evaluate.add_argument("data", metavar="DATA", help="folder or list of cases with labels")
    _add_data_options(evaluate)
    evaluate.add_argument("--json", metavar="FILE", help="where to write all scores as JSON")
    evaluate.add_argument("--csv", metavar="FILE", help="where to write all scores as CSV")
    _add_segmenter_options(evaluate)
    evaluate.add_argument("--quiet", action="store_true", help="show no progress bar")
    evaluate.set_defaults(run=_evaluate)

    artefact = commands.add_parser(
        "artefact",
        help="spoil an image",
        description="Spoils a NIfTI file with one artefact of magnetic resonance, and prints what was applied, as JSON.",
    )
    artefact.add_argument("image", metavar="IMAGE", help="the image (.nii, .nii.gz)")
    artefact.add_argument("output", metavar="OUTPUT", help="where to write the spoiled image (.nii, .nii.gz)")
    artefact.add_argument(
        "--artefact",
        metavar="JSON",
        required=True,
        help='a name, or an object such as {"ghosting": {"severity": 3}}',
    )
    artefact.add_argument("--seed", metavar="N", type=int, default=0, help="of what is drawn (0)")
    artefact.set_defaults(run=_artefact)

    info = commands.add_parser(
        "info", help="describe this installation or a model", description="Describes this installation, or a model."
    )
    info.add_argument("file", metavar="MODEL", nargs="?", help="model file")
    info.set_defaults(run=_info)
    return parser


def _add_data_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--layout", help='how the files lie, such as "acdc" or "nnunet" (default: detected)')
    parser.add_argument("--data-options", metavar="FILE", help="options of the dataset (JSON)")


def _add_segmenter_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", help='such as "cpu" or "cuda:0"')
    parser.add_argument("--iterations", metavar="N", type=int, help="passes of the slow-thinking network")
    parser.add_argument("--precision", help='"float32", "bfloat16", or on GPUs "float16" or "tensorfloat32"')
