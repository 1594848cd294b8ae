"""What a model makes of a dataset with labels."""

from __future__ import annotations

from collections.abc import Callable
from ctypes import byref, c_void_p
from typing import Any, NamedTuple

from . import _native
from ._call import Options, PathLike, call, call_handle, call_json, options, path
from ._handle import Handle
from ._interruption import Listener
from ._progress import Progress
from .dataset import Dataset
from .errors import CancelledError
from .model import Model


class CaseDone(NamedTuple):
    """What an evaluation tells of every case.

    Attributes:
        name: Name of the case.
        done: Cases done, this one included; of `cases`.
        refined_dice: Mean Dice of its classes without the background after correction; NaN where it was left out.
    """

    name: str
    done: int
    cases: int
    refined_dice: float


class Evaluation(Handle):
    """Dice, surface distances and volume errors per case, stage and class. Made by `evaluate`; never changes."""

    _noun = "evaluation"

    def __init__(self) -> None:
        raise TypeError("an Evaluation is made by coopseg.evaluate or Evaluation.load")

    @classmethod
    def load(cls, file: PathLike) -> Evaluation:
        """Reads a file of `save_json`.

        Raises:
            MissingFileError, FileIOError, FileFormatError.
        """
        return cls._adopt(call_handle("evaluation_load", path(file)))

    def to_dict(self) -> dict[str, Any]:
        """Everything: "classes" (without the background); "cases", each with "case", "subject" and, under "fast" and
        "refined", per class "dice", "hd95_mm", "assd_mm", "volume_error_ml", "volume_error_percent", "reference_ml",
        "predicted_ml" (None where not defined); "failures"; "summary" by stage, class or "mean", and metric: n, mean,
        sd, min, q1, median, q3, max."""
        return dict(call_json("evaluation_json", self._pointer))

    def save_json(self, file: PathLike) -> None:
        """Writes `to_dict` to a file, whole or not at all. Raises FileIOError."""
        call("evaluation_save_json", self._pointer, path(file))

    def save_csv(self, file: PathLike) -> None:
        """Writes one row per case, stage and class, whole or not at all. Raises FileIOError."""
        call("evaluation_save_csv", self._pointer, path(file))

    def compare(self, other: Evaluation | None = None) -> list[dict[str, Any]]:
        """Compares with another evaluation of the same cases, case by case; without one, the two stages of this one.

        Returns:
            For every stage, class (and "mean") and metric: "difference" (summary of the other minus this one) and
            "wilcoxon" (signed-rank test, two-sided: "n", "statistic", "p").

        Raises:
            InvalidArgumentError: Other classes or cases, by name.
        """
        second = self if other is None else other
        return list(call_json("evaluation_compare", self._pointer, second._pointer))


class _EvaluationProgress(Progress):
    def update(self, case: CaseDone) -> None:
        state = f"{case.name}: Dice {case.refined_dice:.3f}"
        self.show(case.done, case.cases, "evaluation", "case", state)


def evaluate(
    model: Model,
    dataset: Dataset,
    options: Options = None,
    *,
    callback: Callable[[CaseDone], object] | None = None,
    progress: bool = False,
    **keys: Any,
) -> Evaluation:
    """Segments every case of a dataset, with the fast-thinking network alone and with correction, and compares both
    with the labels on the images' own grids, over whole volumes and in mm.

    Args:
        model: The model.
        dataset: Cases with labels.
        options: A mapping or JSON text; see `coopseg.config.schema("evaluation")`.
        callback: Hears of every case, on this thread. A true value that it returns ends the evaluation with
            `CancelledError`; an exception ends it and is raised again here.
        progress: Whether to show a bar on stderr: tqdm's where that is installed.
        **keys: Single options: ``segmenter`` (as for `Segmenter`), ``surface_distances``, ``skip_failures``.

    Raises:
        KeyboardInterrupt: Ctrl-C, after the current case; so does what another signal's handler raises.
        InvalidDatasetError (no cases, or one without labels), InvalidLabelError, InvalidShapeError,
        InvalidGeometryError, InvalidArgumentError, InvalidConfigError, DeviceUnavailableError, OutOfMemoryError; what
        reading files raises.
    """
    with _EvaluationProgress() as shown:

        def hear(name: bytes, done: int, cases: int, refined_dice: float) -> object:
            case = CaseDone(name.decode("utf-8", "replace"), done, cases, refined_dice)
            if progress:
                shown.update(case)
            return callback(case) if callback is not None else None

        listener = Listener(hear)
        heard = _native.EvaluationCallback(lambda *told: listener.hear(*told[:4]))
        out = c_void_p()
        encoded = _json(options, keys)
        with listener:
            call("evaluation_run", model._pointer, dataset._pointer, encoded, heard, None, byref(out))
        made = None if out.value is None else Evaluation._adopt(out.value)
        listener.end()
        if made is None:
            raise CancelledError("the callback ended the evaluation", _native.CANCELLED)
        return made


# A function's own parameter has this name.
_json = options
