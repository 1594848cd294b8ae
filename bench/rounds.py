"""Taking turns: every contestant once per round, so that slow changes of the machine meet all of them alike."""

import statistics
import time
from dataclasses import dataclass, field
from typing import Callable

from failure import BenchmarkFailed, Unavailable
from workers import Worker

# OpenMP threads spin for a while after their work is done; they are asleep when the next one starts.
PAUSE_SECONDS = 0.1
FEWEST_ROUNDS = 3
# A case ends after the round in which this is used up.
CASE_SECONDS = 90
REFERENCE = "coopseg"


@dataclass
class Contestant:
    """One side of a case: its process, and how it is told to do the work once."""

    name: str
    worker: Worker
    measure: tuple
    seconds: list[float] = field(default_factory=list)
    memory: dict = field(default_factory=dict)


def gather(makers: dict[str, Callable[[], Contestant]]) -> tuple[list[Contestant], dict[str, str]]:
    """Prepares the contestants. Those that cannot take part are returned with the reason; coopseg must."""
    ready, missing = [], {}
    for name, make in makers.items():
        try:
            ready.append(make())
        except Unavailable as reason:
            if name == REFERENCE:
                raise BenchmarkFailed(f"coopseg cannot take part: {reason}") from None
            missing[name] = str(reason)
    return ready, missing


def take_turns(contestants: list[Contestant], missing: dict[str, str], rounds: int) -> None:
    """Measures all contestants round by round, after each has done its work once unmeasured. One that fails moves
    from `contestants` to `missing`, with the reason."""
    for contestant in list(contestants):
        if attempt(contestant, contestants, missing) is not None:
            contestant.worker.forget_peak_memory()
    start = time.monotonic()
    for count in range(rounds):
        for contestant in list(contestants):
            time.sleep(PAUSE_SECONDS)
            seconds = attempt(contestant, contestants, missing)
            if seconds is not None:
                contestant.seconds.append(seconds)
        if count + 1 >= FEWEST_ROUNDS and time.monotonic() - start > CASE_SECONDS:
            break
    for contestant in contestants:
        contestant.memory = contestant.worker.memory()


def attempt(contestant: Contestant, contestants: list[Contestant], missing: dict[str, str]) -> float | None:
    """Seconds of one turn; None for a contestant that has dropped out."""
    try:
        return contestant.worker.ask(*contestant.measure)["seconds"]
    except Unavailable as reason:
        if contestant.name == REFERENCE:
            raise BenchmarkFailed(f"coopseg failed while it was measured: {reason}") from None
        contestants.remove(contestant)
        missing[contestant.name] = str(reason)
        return None


def spread(values: list[float]) -> dict[str, float]:
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def summary(contestant: Contestant, reference: Contestant) -> dict:
    """Times, and their ratio to coopseg's round by round: above 1, coopseg is faster."""
    ratios = [own / theirs for own, theirs in zip(contestant.seconds, reference.seconds)]
    return {
        "seconds": spread(contestant.seconds),
        "rounds": contestant.seconds,
        "ratio": spread(ratios),
        "peak_memory_bytes": contestant.memory["peak"],
    }
