"""Progress on stderr: tqdm's bar where tqdm is installed, else one line that is written over."""

from __future__ import annotations

import math
import sys
from types import TracebackType
from typing import Any

from .events import Event


class _Line:
    """What stands in for tqdm's bar."""

    def __init__(self, total: int, desc: str, unit: str) -> None:
        self.total, self.desc, self.unit = total, desc, unit
        self.n = 0
        self._width = 0

    def update(self, count: int) -> None:
        self.n += count

    def set_postfix_str(self, text: str, refresh: bool = True) -> None:
        line = f"{self.desc}: {self.n}/{self.total} {self.unit}" + (f", {text}" if text else "")
        sys.stderr.write("\r" + line.ljust(self._width))
        sys.stderr.flush()
        self._width = len(line)

    def close(self) -> None:
        if self._width:
            sys.stderr.write("\n")


def _bar(total: int, desc: str, unit: str) -> Any:
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return _Line(total, desc, unit)
    return tqdm(total=total, desc=desc, unit=unit)


class Progress:
    """A bar that is shown from the first update on, and closed at the end of the ``with`` block."""

    def __init__(self) -> None:
        self._shown: Any = None

    def show(self, done: int, total: int, desc: str, unit: str, state: str) -> None:
        if self._shown is None:
            self._shown = _bar(total, desc, unit)
        self._shown.update(done - self._shown.n)
        self._shown.set_postfix_str(state)

    def __enter__(self: Any) -> Any:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown is not None:
            self._shown.close()


class TrainingProgress(Progress):
    """The bar of a training, in steps."""

    def update(self, event: Event) -> None:
        state = f"epoch {event.epoch}, loss {event.loss:.3f}"
        if not math.isnan(event.refined_dice):
            state += f", Dice FTN {event.fast_dice:.3f} FTN+STN {event.refined_dice:.3f}"
        state += f", {event.seconds_left:.0f} s left"
        self.show(event.step, event.epochs * event.steps_per_epoch, "training", "step", state)
