"""Training: runs, events, interruption, snapshots, one's own batches."""

from __future__ import annotations

import json
import math
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import coopseg
import numpy as np
import pytest
from conftest import SMALL

LONG = {**SMALL, "epochs": 100000}


def test_a_run_tells_what_happens(dataset, tmp_path: Path) -> None:
    heard: list[coopseg.Event] = []
    with coopseg.Trainer(SMALL, dataset, dataset) as trainer:
        assert trainer.run(heard.append) is True
        assert [event.kind for event in heard] == [*["step"] * 3, "validation"] * 2 + ["finished"]
        first, validation = heard[0], heard[3]
        assert (first.epoch, first.epochs, first.step, first.steps_per_epoch) == (1, 2, 1, 3)
        assert math.isfinite(first.loss) and math.isnan(first.mean_iou) and first.refined_dice_per_class is None
        assert validation.best and len(validation.fast_dice_per_class) == len(validation.refined_dice_per_class) == 4
        assert validation.refined_dice == pytest.approx(np.mean(validation.refined_dice_per_class[1:]))
        with pytest.raises(coopseg.InvalidStateError):
            trainer.run()
        metrics = trainer.metrics()
        assert metrics["steps"] == 6 and metrics["finished"] and len(metrics["history"]["epochs"]) == 2
        trainer.save_best(tmp_path / "best.coopseg")
        trainer.save_report(tmp_path / "report.html")
        assert "</html>" in (tmp_path / "report.html").read_text().lower()
        current = trainer.current_model()
        best = trainer.best_model()
    loaded = coopseg.Model.load(tmp_path / "best.coopseg")
    assert loaded.info()["training"] and current.class_names == best.class_names == loaded.class_names
    with pytest.raises(FileNotFoundError):
        loaded.save(tmp_path / "nowhere" / "model.coopseg")


def test_events_are_those_of_a_run(dataset) -> None:
    """On a thread of its own, with the same bits."""
    heard: list[coopseg.Event] = []
    coopseg.Trainer(SMALL, dataset, dataset).run(heard.append)
    given = list(coopseg.Trainer(SMALL, dataset, dataset).events())
    assert [(event.kind, event.step, event.best) for event in given] == [(e.kind, e.step, e.best) for e in heard]
    for mine, other in zip(given, heard):
        np.testing.assert_array_equal(
            [mine.loss, mine.loss_hard_segmentation, mine.refined_dice],
            [other.loss, other.loss_hard_segmentation, other.refined_dice],
        )


def test_a_loop_may_be_left_and_gone_on_with(dataset) -> None:
    trainer = coopseg.Trainer(SMALL, dataset, dataset)
    for event in trainer.events():
        with pytest.raises(coopseg.BusyError):
            trainer.metrics()
        if event.step == 2:
            break
    assert trainer.metrics()["steps"] == 2
    for event in trainer.events():
        assert event.step == 3
        with pytest.raises(ZeroDivisionError):
            raise ZeroDivisionError
        break
    assert trainer.run() is True and trainer.metrics()["steps"] == 6
    with pytest.raises(coopseg.InvalidStateError):
        next(trainer.events())


def test_what_fails_after_a_loop_was_left_is_told_by_the_next_call(dataset, tmp_path: Path) -> None:
    folder = tmp_path / "snapshots"
    trainer = coopseg.Trainer({**LONG, "snapshots": {"folder": folder}}, dataset)
    for _ in trainer.events():
        # Here the snapshot of the stop is to be written.
        if folder.exists():
            folder.rmdir()
        folder.write_text("")
        break
    with pytest.raises(OSError, match="snapshots"):
        trainer.metrics()
    assert trainer.metrics()["steps"] == 1


def test_a_true_answer_stops(dataset) -> None:
    trainer = coopseg.Trainer(LONG, dataset)
    assert trainer.run(lambda event: event.step == 2) is False
    assert trainer.metrics()["steps"] == 2
    # None, which a callback without return gives, goes on.
    seen = []
    assert trainer.run(lambda event: seen.append(event.step) or event.step == 4) is False
    assert seen == [3, 4]


def test_cancel_from_the_callback_and_from_another_thread(dataset) -> None:
    trainer = coopseg.Trainer(LONG, dataset)
    trainer.cancel()
    assert trainer.run(lambda event: trainer.cancel()) is False
    assert trainer.metrics()["steps"] == 1
    timer = threading.Timer(0.3, trainer.cancel)
    timer.start()
    assert trainer.run() is False
    timer.join()
    assert trainer.metrics()["steps"] > 1


def test_exceptions_in_callbacks_are_raised_again(dataset) -> None:
    class OfMine(Exception):
        pass

    def fail(event: coopseg.Event) -> None:
        if event.step == 2:
            raise OfMine("at step 2")

    trainer = coopseg.Trainer(SMALL, dataset, dataset)
    with pytest.raises(OfMine, match="at step 2"):
        trainer.run(fail)
    with pytest.raises(SystemExit):
        trainer.run(lambda event: exec("raise SystemExit"))
    with pytest.raises(coopseg.BusyError):
        trainer.run(lambda event: trainer.metrics())
    # The event after step 3 is the validation.
    assert trainer.metrics()["steps"] == 3
    assert trainer.run() is True and trainer.metrics()["steps"] == 6


@pytest.mark.parametrize("how", ["run", "callback", "waiting callback", "events", "progress"])
def test_ctrl_c_stops_cleanly(dataset, how: str) -> None:
    trainer = coopseg.Trainer(LONG, dataset)
    handler = signal.getsignal(signal.SIGINT)
    threading.Timer(0.3, lambda: signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)).start()
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        if how == "run":
            trainer.run()
        elif how == "callback":
            trainer.run(lambda event: time.sleep(0.001))
        elif how == "waiting callback":
            trainer.run(lambda event: time.sleep(100))
        elif how == "progress":
            trainer.run(progress=True)
        else:
            for _ in trainer.events():
                pass
    assert time.monotonic() - start < 5
    assert signal.getsignal(signal.SIGINT) is handler
    done = trainer.metrics()["steps"]
    assert done > 0
    assert trainer.run(lambda event: event.step == done + 2) is False and trainer.metrics()["steps"] == done + 2


def test_ctrl_c_is_never_lost(dataset) -> None:
    """Whenever it comes: mostly it finds the main thread in native code, and its handler then runs at the very first
    instruction of the callback."""
    trainer = coopseg.Trainer(LONG, dataset)
    for attempt in range(40):
        timer = threading.Timer(
            0.01 + attempt * 0.0007, lambda: signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        )
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            trainer.run()
        timer.join()


def test_a_handler_of_ones_own_is_kept(dataset) -> None:
    trainer = coopseg.Trainer(LONG, dataset)
    seen = []
    before = signal.signal(signal.SIGINT, lambda number, frame: seen.append(number))
    try:
        threading.Timer(0.1, lambda: signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)).start()
        start = time.monotonic()
        assert trainer.run(lambda event: time.monotonic() - start > 0.4) is False
        assert seen == [signal.SIGINT]
    finally:
        signal.signal(signal.SIGINT, before)


class OfMine(Exception):
    pass


@pytest.fixture()
def handled() -> Iterator[list[tuple[int, object]]]:
    """What a handler of SIGALRM, which raises, and one of SIGUSR1, which does not, have heard."""
    heard: list[tuple[int, object]] = []

    def ring(number: int, frame: FrameType | None) -> None:
        heard.append((number, frame))
        raise OfMine("time is over")

    before = signal.signal(signal.SIGALRM, ring), signal.signal(signal.SIGUSR1, lambda *told: heard.append(told))
    handlers = [signal.getsignal(number) for number in (signal.SIGALRM, signal.SIGUSR1)]
    yield heard
    signal.setitimer(signal.ITIMER_REAL, 0)
    assert [signal.getsignal(number) for number in (signal.SIGALRM, signal.SIGUSR1)] == handlers
    for number, handler in zip((signal.SIGALRM, signal.SIGUSR1), before):
        signal.signal(number, handler)


def test_what_another_handler_raises_is_never_lost(dataset, handled) -> None:
    trainer = coopseg.Trainer(LONG, dataset)
    for attempt in range(20):
        with pytest.raises(OfMine, match="time is over"):
            signal.setitimer(signal.ITIMER_REAL, 0.01 + attempt * 0.0007)
            trainer.run(None if attempt % 2 else lambda event: None)
        (number, frame) = handled.pop()
        assert number == signal.SIGALRM and isinstance(frame, FrameType) and not handled
    with pytest.raises(OfMine):
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        trainer.run(lambda event: time.sleep(100))


def test_a_handler_that_raises_nothing_is_called_and_training_goes_on(dataset, handled) -> None:
    trainer = coopseg.Trainer(LONG, dataset)
    assert trainer.run(lambda event: signal.raise_signal(signal.SIGUSR1) or event.step == 3) is False
    assert [number for number, _ in handled] == [signal.SIGUSR1] * 3


def test_handlers_that_a_callback_sets_stay(dataset, handled) -> None:
    trainer = coopseg.Trainer(LONG, dataset)
    before, diverted, seen = signal.getsignal(signal.SIGUSR1), [], []

    def set_another(event: coopseg.Event) -> bool:
        diverted.append(signal.signal(signal.SIGALRM, signal.SIG_IGN))
        signal.signal(signal.SIGUSR1, lambda number, frame: seen.append(number))
        return True

    assert trainer.run(set_another) is False
    assert signal.getsignal(signal.SIGALRM) is signal.SIG_IGN
    signal.raise_signal(signal.SIGUSR1)
    assert seen == [signal.SIGUSR1] and not handled
    signal.signal(signal.SIGUSR1, before)
    # What was found during the run and is set again later raises as ever.
    signal.signal(signal.SIGALRM, diverted[0])
    with pytest.raises(OfMine):
        signal.raise_signal(signal.SIGALRM)
    handled.clear()
    signal.signal(signal.SIGALRM, diverted[0].__self__._handlers[signal.SIGALRM])


def test_a_training_within_a_callback_passes_signals_on(dataset, handled) -> None:
    inner, outer = (coopseg.Trainer(LONG, dataset) for _ in range(2))

    def train(event: coopseg.Event) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        inner.run()

    with pytest.raises(OfMine):
        outer.run(train)
    assert len(handled) == 1 and outer.metrics()["steps"] == 1


def test_a_signal_while_the_handlers_are_put_back(dataset, handled, monkeypatch) -> None:
    def put_back(number: int, handler: object) -> object:
        replaced = put(number, handler)
        if number == signal.SIGALRM and handler is ring and not handled:
            signal.raise_signal(signal.SIGALRM)
        return replaced

    put, ring = signal.signal, signal.getsignal(signal.SIGALRM)
    monkeypatch.setattr(signal, "signal", put_back)
    with pytest.raises(OfMine):
        coopseg.Trainer(LONG, dataset).run(lambda event: True)
    # The fixture sees that all are back.
    assert len(handled) == 1


def test_sigterm_may_end_a_program_cleanly(python) -> None:
    done = python(
        "import coopseg, json, os, signal, sys, threading\n"
        "signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(7))\n"
        "data = coopseg.Dataset.synthetic(subjects=2, slices=2)\n"
        "trainer = coopseg.Trainer(json.loads(sys.argv[1]), data)\n"
        "threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGTERM)).start()\n"
        "try: trainer.run()\n"
        "finally: print(trainer.metrics()['steps'] > 0)\n",
        json.dumps(LONG),
    )
    assert (done.returncode, done.stdout, done.stderr) == (7, "True\n", "")


def test_snapshots(dataset, tmp_path: Path) -> None:
    trainer = coopseg.Trainer(SMALL, dataset, dataset)
    trainer.step()
    trainer.save_snapshot(tmp_path / "one.snapshot")
    resumed = coopseg.Trainer.resume(tmp_path / "one.snapshot", dataset, dataset)
    first, second = trainer.step(), resumed.step()
    assert first.step == second.step == 2 and first.loss == second.loss
    longer = coopseg.Trainer.resume(tmp_path / "one.snapshot", dataset, dataset, {"epochs": 3})
    assert longer.metrics()["configuration"]["epochs"] == 3
    with pytest.raises(coopseg.InvalidConfigError, match="seed"):
        coopseg.Trainer.resume(tmp_path / "one.snapshot", dataset, seed=8)
    with pytest.raises(coopseg.InvalidDatasetError):
        coopseg.Trainer.resume(tmp_path / "one.snapshot")
    with pytest.raises(FileNotFoundError):
        coopseg.Trainer.resume(tmp_path / "other.snapshot", dataset)
    kinds = []
    config = {**SMALL, "snapshots": {"folder": tmp_path / "kept", "every_steps": 2}}
    coopseg.Trainer(config, dataset).run(lambda event: kinds.append(event.kind))
    assert "snapshot" in kinds and list((tmp_path / "kept").iterdir())


def test_batches_of_ones_own() -> None:
    trainer = coopseg.Trainer(SMALL)
    labels = np.zeros((2, 32, 32), np.int64)
    labels[:, 16:] = 1
    images = np.where(labels[:, None] == 1, 0.75, 0.25)
    trainer.set_learning_rate(0.01)
    first = trainer.step_batch(images, labels)
    assert first.step == 1 and first.learning_rate == 0.01
    for _ in range(20):
        last = trainer.step_batch(images, labels)
    assert last.loss_segmentation < first.loss_segmentation
    trainer.step_batch(np.asfortranarray(images[:, 0].astype(np.float32)), labels.astype(np.uint8))
    with pytest.raises(coopseg.InvalidShapeError, match=r"expected \(N, C, H, W\)"):
        trainer.step_batch(images, labels[:1])
    with pytest.raises(coopseg.InvalidShapeError):
        trainer.step_batch(images[..., :30], labels[..., :30])
    for wrong in (-1, 4, 300, 256):
        with pytest.raises(coopseg.InvalidLabelError):
            trainer.step_batch(images, np.where(labels == 1, wrong, 0))
    with pytest.raises(coopseg.InvalidArgumentError, match="1.5"):
        trainer.step_batch(images * 2, labels)
    with pytest.raises(coopseg.InvalidArgumentError):
        trainer.set_learning_rate(0)
    with pytest.raises(coopseg.InvalidStateError):
        trainer.step()
    with pytest.raises(coopseg.InvalidStateError):
        trainer.validate()


def test_batches_of_torch(torch) -> None:
    images, labels = torch.rand(2, 1, 32, 32, dtype=torch.float64), torch.randint(4, (2, 32, 32))
    by_torch = coopseg.Trainer(SMALL).step_batch(images, labels)
    assert by_torch.loss == coopseg.Trainer(SMALL).step_batch(images.numpy(), labels.numpy()).loss


def test_validation_on_demand_and_going_on_from_a_model(dataset, model) -> None:
    trainer = coopseg.Trainer(SMALL, dataset, dataset, start_from=model)
    scores = trainer.validate()
    assert len(scores["cases"]) == 2 and scores["best"] is True
    with pytest.raises(coopseg.InvalidConfigError):
        coopseg.Trainer({**SMALL, "network": {"width": 3}}, dataset, start_from=model)


def test_data_that_cannot_be_trained_with(dataset, image) -> None:
    with pytest.raises(coopseg.InvalidDatasetError):
        coopseg.Trainer(SMALL, coopseg.Dataset())
    with pytest.raises(coopseg.InvalidHandleError):
        with coopseg.Dataset.synthetic(subjects=2) as closed:
            pass
        coopseg.Trainer(SMALL, closed)


def test_borrowed_data_trains_like_copied_data(image, labels) -> None:
    losses = []
    for copy in (True, False):
        made = coopseg.Dataset()
        made.add("case", image.copy(), labels.copy(), spacing=(1, 1, 1), copy=copy)
        trainer = coopseg.Trainer({**SMALL, "slices_per_step": 3}, made)
        made.close()
        losses.append(trainer.step().loss)
    assert losses[0] == losses[1]


def test_a_bar_of_tqdm_and_a_line_without_it(dataset, capfd, monkeypatch) -> None:
    coopseg.Trainer(SMALL, dataset, dataset).run(progress=True)
    told = capfd.readouterr()
    assert told.out == "" and "training" in told.err and "6/6" in told.err and "Dice FTN" in told.err
    monkeypatch.setitem(__import__("sys").modules, "tqdm.auto", None)
    heard = []
    coopseg.Trainer(SMALL, dataset, dataset).run(heard.append, progress=True)
    told = capfd.readouterr()
    assert "training: 6/6 step" in told.err and told.err.endswith("\n") and len(heard) == 9


def test_nothing_is_left(dataset) -> None:
    before = coopseg.live_handles()
    with coopseg.Trainer(SMALL, dataset, dataset) as trainer:
        for _ in trainer.events():
            break
    assert coopseg.live_handles() == before
