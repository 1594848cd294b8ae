"""The command ``python -m laboratory``: run, status, report, figures.

Exit code: 0 when everything worked, 1 when something failed (one sentence on stderr says what), 2 for arguments that
are not understood, 3 when everything that is left is being made by other processes, 130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import coopseg

from . import status
from .cells import Cells
from .datasets import Roots
from .experiment import Experiment, Plan, read_experiment
from .failure import LaboratoryError
from .methods import PROPOSED, method

_Named = TypeVar("_Named", str, int)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    given = _parser().parse_args(arguments)
    try:
        return int(given.command(given, read_experiment(Path(given.experiment))))
    except KeyboardInterrupt:
        print("laboratory: interrupted; the same command goes on from here", file=sys.stderr)
        return 130
    except (LaboratoryError, coopseg.Error, OSError) as error:
        print(f"laboratory: {error}", file=sys.stderr)
        return 1


def _run(given: argparse.Namespace, experiment: Experiment) -> int:
    from .runner import Workplace, run

    workplace = Workplace(
        _cells(given, experiment),
        Path(given.work),
        _roots(given),
        given.device,
        given.snapshot_minutes,
        sys.stderr.isatty(),
        lambda line: print(line, flush=True),
        given.train_only,
    )
    if run(experiment, _plans(given, experiment), workplace):
        return 3
    return _report(given, experiment) if given.report else 0


def _status(given: argparse.Namespace, experiment: Experiment) -> int:
    print(status.describe(experiment, status.statuses(experiment, _cells(given, experiment))))
    return 0


def _report(given: argparse.Namespace, experiment: Experiment) -> int:
    from .report import write_report

    for file in write_report(experiment, _cells(given, experiment), _output(given, experiment)):
        print(file)
    return 0


def _figures(given: argparse.Namespace, experiment: Experiment) -> int:
    from .figures import Subject, fullest_slice, write_figures
    from .testing import open_test_set

    test = next((test for test in experiment.tests if given.test in (None, test.name)), None)
    if test is None:
        raise LaboratoryError(f"there is no test set {given.test} in {experiment.file}")
    work = Path(given.work)
    with _model(given, experiment) as model, open_test_set(test, experiment, _roots(given), work) as dataset:
        names = [case.name for case in dataset]
        case = names[0] if given.case is None else given.case
        if case not in names:
            raise LaboratoryError(f'there is no case {case} in "{test.name}"; expected one such as {names[0]}')
        image, labels = dataset.load(names.index(case), len(model.class_names))
        if labels is None:
            raise LaboratoryError(f'{case} in "{test.name}" has no labels')
        subject = Subject(model, image, labels, fullest_slice(labels), seed=given.draw)
        for file in write_figures(subject, _output(given, experiment)):
            print(file)
    return 0


def _model(given: argparse.Namespace, experiment: Experiment) -> coopseg.Model:
    from .training import finished, folder_of

    if given.model is not None:
        return coopseg.Model.load(given.model)
    names = [chosen.name for chosen in experiment.methods]
    wanted = method(given.method or (PROPOSED if PROPOSED in names else names[0]))
    plan = Plan(experiment, wanted, experiment.seeds[0] if given.seed is None else given.seed)
    work = Path(given.work)
    trained = finished(plan, work)
    if trained is None:
        raise LaboratoryError(
            f"{plan.name} was not trained here: {folder_of(plan, work)} has no model; run the experiment, or name "
            "a model with --model"
        )
    return coopseg.Model.load(trained.model)


def _plans(given: argparse.Namespace, experiment: Experiment) -> list[Plan]:
    methods = [known.name for known in experiment.methods]
    seeds = list(experiment.seeds)
    if given.methods is not None:
        methods = _some("method", [method(name).name for name in given.methods.split(",")], methods, experiment)
    if given.seeds is not None:
        seeds = _some("seed", [_whole(text) for text in given.seeds.split(",")], seeds, experiment)
    return [plan for plan in experiment.plans() if plan.method.name in methods and plan.seed in seeds]


def _some(what: str, wanted: list[_Named], known: list[_Named], experiment: Experiment) -> list[_Named]:
    for one in wanted:
        if one not in known:
            raise LaboratoryError(
                f"{experiment.file} has no {what} {one}; expected some of {', '.join(map(str, known))}"
            )
    return wanted


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise LaboratoryError(f"--seeds has {text!r}; expected whole numbers with commas between them") from None


def _cells(given: argparse.Namespace, experiment: Experiment) -> Cells:
    return Cells(Path(given.results) / experiment.name)


def _output(given: argparse.Namespace, experiment: Experiment) -> Path:
    return Path(given.results) / experiment.name / "report" if given.output is None else Path(given.output)


def _roots(given: argparse.Namespace) -> Roots:
    places: dict[str, Path] = {}
    for text in given.data:
        name, equals, folder = text.partition("=")
        if not equals or not folder:
            raise LaboratoryError(f"--data {text}; expected NAME=FOLDER, such as acdc=/data/acdc")
        places[name] = Path(folder)
    return Roots(places)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m laboratory", description="Trains and compares methods on data with several test sets."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = _command(commands.add_parser("run", help="train and test what is missing"))
    _add_data(run)
    run.add_argument("--device", default="auto", help='such as "cpu" or "cuda:0" (a GPU where there is one)')
    run.add_argument("--methods", metavar="NAME,...", help="only these")
    run.add_argument("--seeds", metavar="N,...", help="only these")
    run.add_argument(
        "--snapshot-minutes", metavar="N", type=float, default=1.0, help="between snapshots of a training (1)"
    )
    run.add_argument(
        "--train-only", action="store_true", help="leave the tests to a later run with the same work folder"
    )
    run.add_argument("--report", action="store_true", help="write the report afterwards, where `report` writes it")
    run.set_defaults(command=_run, output=None)

    state = _command(commands.add_parser("status", help="what is finished, running and missing"))
    state.set_defaults(command=_status)

    report = _command(commands.add_parser("report", help="tables and pictures of what is finished"))
    _add_output(report)
    report.set_defaults(command=_report)

    figures = _command(commands.add_parser("figures", help="pictures of hard examples of a trained model"))
    _add_data(figures)
    _add_output(figures)
    figures.add_argument("--model", metavar="FILE", help="model file, instead of one that was trained here")
    figures.add_argument("--method", metavar="NAME", help="the method of the model that was trained here (proposed)")
    figures.add_argument("--seed", metavar="N", type=int, help="its seed (the experiment's first)")
    figures.add_argument("--test", metavar="NAME", help="test set of the image (the first)")
    figures.add_argument("--case", metavar="NAME", help="the image (the first)")
    figures.add_argument("--draw", metavar="N", type=int, default=0, help="seed of what is random in the pictures (0)")
    figures.set_defaults(command=_figures)
    return parser


def _command(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument("experiment", metavar="EXPERIMENT.json", help="the experiment")
    parser.add_argument(
        "--results", metavar="FOLDER", default="docs/results", help="for finished cells and reports (docs/results)"
    )
    return parser


def _add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data", metavar="NAME=FOLDER", action="append", default=[], help="where the data lies that is called NAME"
    )
    parser.add_argument(
        "--work",
        metavar="FOLDER",
        default="build/laboratory",
        help="for models, snapshots and spoilt images (build/laboratory)",
    )


def _add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--output", metavar="FOLDER", help="where to write (docs/results/EXPERIMENT/report)")
