"""Training."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from ctypes import POINTER, byref, c_float, c_int64, c_uint8
from typing import Any

import numpy as np

from . import _native
from ._call import Options, PathLike, call, call_handle, call_json, options, path
from ._handle import Handle
from ._interruption import Listener
from ._progress import TrainingProgress
from .dataset import Dataset
from .errors import InvalidLabelError, InvalidShapeError
from .events import Event, event_of
from .images import as_array
from .model import Model


class Trainer(Handle):
    """Networks in training, with their data and optimiser. One call at a time: a second one raises `BusyError`, except
    for `cancel`. Trainers may run at once."""

    _noun = "trainer"
    _failure: BaseException | None = None

    def __init__(
        self,
        config: Options = None,
        training: Dataset | None = None,
        validation: Dataset | None = None,
        start_from: Model | None = None,
        **keys: Any,
    ) -> None:
        """Prepares a training: reads and preprocesses the data, makes the networks.

        Args:
            config: Training configuration, a mapping or JSON text; see `coopseg.config`.
            training: Cases with labels; None where every batch comes through `step_batch`. May be closed afterwards.
            validation: Cases with labels that select the best model; None: the last state is the best.
            start_from: Model whose weights are the starting point.
            **keys: Single keys of the configuration, put over `config`.

        Raises:
            InvalidConfigError, InvalidDatasetError, InvalidLabelError, InvalidShapeError, InvalidArgumentError,
            DeviceUnavailableError, OutOfMemoryError; what reading files raises.
        """
        self._own(
            call_handle(
                "trainer_new",
                options(config, keys),
                _pointer(training),
                _pointer(validation),
                _pointer(start_from),
            )
        )

    @classmethod
    def resume(
        cls,
        snapshot: PathLike,
        training: Dataset | None = None,
        validation: Dataset | None = None,
        changes: Options = None,
        **keys: Any,
    ) -> Trainer:
        """The trainer of a snapshot, which goes on as if the training had never stopped.

        Args:
            snapshot: Path of a snapshot file, or of a folder of snapshots, of which the newest whole one is taken.
            training: The same training cases as before.
            validation: Validation cases.
            changes: Keys of the configuration that are to differ from now on, such as "epochs" or "device".
            **keys: Single keys of that.

        Raises:
            MissingFileError, FileIOError, FileFormatError, UnsupportedFileError, WeightsError, InvalidDatasetError
            (other cases); and what `Trainer` raises.
        """
        handle = call_handle(
            "trainer_resume", path(snapshot), options(changes, keys), _pointer(training), _pointer(validation)
        )
        return cls._adopt(handle)

    def run(self, callback: Callable[[Event], object] | None = None, *, progress: bool = False) -> bool:
        """Trains until the last epoch, the time limit or the end of patience. After it was stopped, calling it again
        goes on where it stopped.

        Args:
            callback: Hears every event, on this thread. A true value that it returns stops the training, and so does an
                exception, which is raised again here. It may not use this trainer, except for `cancel`.
            progress: Whether to show a bar on stderr: tqdm's where that is installed.

        Returns:
            Whether the training went to its end; False where the callback or `cancel` stopped it.

        Raises:
            KeyboardInterrupt: Ctrl-C, after the current step; so does what another signal's handler raises. The trainer
                stays usable and keeps its best model.
            InvalidStateError: The training has finished, or has no data.
            DivergedError: A loss is not finite; the message names the step, the cases and the last snapshot.
            BusyError, FileIOError, OutOfMemoryError, LibtorchError, InternalError, PoisonedError.
        """
        if not progress:
            return self._run(callback)
        with TrainingProgress() as shown:

            def show(event: Event) -> object:
                shown.update(event)
                return callback(event) if callback is not None else None

            return self._run(show)

    def _run(self, callback: Callable[[Event], object] | None, wake: Callable[[], None] | None = None) -> bool:
        listener = Listener(None if callback is None else lambda event: callback(event_of(event.contents)), wake)
        heard = _native.EventCallback(lambda event, _user_data: listener.hear(event))
        with listener:
            call("trainer_run", self._pointer, heard, None)
        return listener.end()

    def events(self) -> Iterator[Event]:
        """Trains, and gives the events one by one::

            for event in trainer.events():
                if event.kind == "validation" and event.refined_dice > 0.9:
                    break

        The training waits while the body of the loop runs, and stops when the loop is left: then `run` or `events` go
        on where it stopped. Within the loop the trainer itself is in use (`BusyError`).

        Raises:
            As `run`. What fails after the loop was left, such as the last snapshot, the trainer's next call raises.
        """
        heard: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        proceed = threading.Semaphore(0)
        left = ended = False
        failures: list[BaseException] = []

        def listen(event: Event) -> bool:
            heard.put(event)
            proceed.acquire()
            return left

        def train() -> None:
            try:
                self._run(listen, proceed.release)
            except BaseException as error:
                failures.append(error)
            finally:
                heard.put(None)

        # A daemon: a loop that is never finished must not keep the process from ending.
        thread = threading.Thread(target=train, name="coopseg training", daemon=True)
        thread.start()
        try:
            while (event := heard.get()) is not None:
                yield event
                proceed.release()
            ended = True
        finally:
            left = True
            proceed.release()
            thread.join()
            # Python would only print what is raised while it closes a generator.
            if failures and not ended:
                self._failure = failures[0]
        if failures:
            raise failures[0]

    @property
    def _pointer(self) -> int:
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure
        return super()._pointer

    def step(self) -> Event:
        """Does one step with the next batch of the training data, for loops of one's own. The epoch that ends with it
        is recorded, but `validate` is up to the caller.

        Raises:
            InvalidStateError: Made without training data, or a loss was not finite.
            DivergedError, BusyError, OutOfMemoryError, LibtorchError, PoisonedError.
        """
        event = _native.CEvent()
        call("trainer_step", self._pointer, byref(event))
        return event_of(event)

    def step_batch(self, images: Any, labels: Any) -> Event:
        """Does one step with a batch of one's own. Both are copied.

        Args:
            images: (N, C, H, W) values in [0, 1]; C is the networks' number of channels, H and W multiples of 16.
                (N, H, W) for one channel. An array or a CPU tensor of any real type.
            labels: (N, H, W) class indices, any integer type.

        Raises:
            InvalidShapeError, InvalidLabelError, InvalidArgumentError (a value that is not in [0, 1]); and what `step`
            raises.
        """
        given = as_array(images)
        if given.ndim == 3:
            given = given[:, None]
        classes = as_array(labels)
        if given.ndim != 4 or classes.shape != (given.shape[0], *given.shape[2:]):
            raise InvalidShapeError(
                f"images have shape {np.shape(images)} and labels {classes.shape}; expected (N, C, H, W) and (N, H, W)"
            )
        pixels = np.ascontiguousarray(given, np.float32)
        narrow = np.ascontiguousarray(classes.astype(np.uint8))
        if not np.array_equal(narrow, classes):
            raise InvalidLabelError("a label is no whole number from 0 to 255; expected class indices")
        event = _native.CEvent()
        call(
            "trainer_step_batch",
            self._pointer,
            pixels.ctypes.data_as(POINTER(c_float)),
            narrow.ctypes.data_as(POINTER(c_uint8)),
            (c_int64 * 4)(*pixels.shape),
            byref(event),
        )
        return event_of(event)

    def validate(self) -> dict[str, Any]:
        """Scores the networks on the validation cases now and keeps them where they are the best so far.

        Returns:
            "fast_dice" and "refined_dice" (mean per class), "fast_mean_iou", "mean_iou" (refined), "selection", "best"
            and "cases" (the same for each).

        Raises:
            InvalidStateError: Made without validation data. BusyError, OutOfMemoryError, LibtorchError, PoisonedError.
        """
        return dict(call_json("trainer_validate", self._pointer))

    def set_learning_rate(self, learning_rate: float) -> None:
        """Sets the learning rate from the next step on, more than 0 and at most 10; the schedule multiplies it.

        Raises:
            InvalidArgumentError, BusyError, PoisonedError.
        """
        call("trainer_set_learning_rate", self._pointer, learning_rate)

    def cancel(self) -> None:
        """Asks a run to stop after its current step: `run` then returns False. From any thread; does nothing where none
        runs."""
        call("trainer_cancel", self._pointer)

    def metrics(self) -> dict[str, Any]:
        """What was measured so far: "configuration", "seed", "device", "steps", "seconds", "finished", "data",
        "history" with "epochs" and "best_epoch".

        Raises:
            BusyError, PoisonedError.
        """
        return dict(call_json("trainer_metrics", self._pointer))

    def save_report(self, file: PathLike) -> None:
        """Writes a report of the training so far: one HTML file that needs no other.

        Raises:
            FileIOError, BusyError, PoisonedError.
        """
        call("trainer_save_report", self._pointer, path(file))

    def save_snapshot(self, file: PathLike) -> None:
        """Writes everything that the training needs to go on from here, for `resume`; whole or not at all.

        Raises:
            InvalidStateError (a loss was not finite), FileIOError, BusyError, PoisonedError, OutOfMemoryError.
        """
        call("trainer_save_snapshot", self._pointer, path(file))

    def best_model(self) -> Model:
        """The best networks so far: those of the best validation, or the present ones where there was none.

        Raises:
            BusyError, PoisonedError, OutOfMemoryError.
        """
        return Model._adopt(call_handle("trainer_best_model", self._pointer))

    def current_model(self) -> Model:
        """The networks as they are now, best or not.

        Raises:
            BusyError, PoisonedError, OutOfMemoryError.
        """
        return Model._adopt(call_handle("trainer_current_model", self._pointer))

    def save_best(self, file: PathLike) -> None:
        """Writes the best model so far to a file, for `Model.load`; whole or not at all.

        Raises:
            MissingFileError (no such folder), FileIOError, BusyError, PoisonedError, OutOfMemoryError.
        """
        call("trainer_save_best", self._pointer, path(file))


def _pointer(object: Handle | None) -> int | None:
    return None if object is None else object._pointer
