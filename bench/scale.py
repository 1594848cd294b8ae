"""Measures how coopseg's time and memory grow, and draws one picture per question.

    make scale
    .deps/bench/bin/python bench/scale.py --only slices --plots /tmp/plots
"""

import argparse
import datetime
import json
import os
import statistics
import sys
import time
from pathlib import Path

import machine
import plots
from case_train import OFFICIAL, coopseg_configuration
from failure import BenchmarkFailed, Unavailable
from material import Material, compact, own_grid
from rounds import PAUSE_SECONDS
from workers import Worker, Workers

ROOT = Path(__file__).resolve().parent.parent
REPETITIONS = 3
MOST_SEGMENTERS = 4
VOLUMES = 1000
EVERY_VOLUMES = 50


class Scaling:
    """The questions; each is a method that returns its points. Every point has a fresh process, so that its peak of
    memory is its own."""

    def __init__(self, workers: Workers, device: str, quick: bool):
        self.workers, self.device, self.quick = workers, device, quick
        self.material = Material(workers)

    def some(self, values):
        """All values, or the first, the middle and the last but one of a quick run."""
        values = list(values)
        return values[: len(values) // 2 + 1 : 2] if self.quick else values

    def segmenting(self, worker: Worker, slices: int, size: int) -> None:
        worker.ask("import", self.material.checkpoints(), compact(own_grid(size, size)))
        worker.ask("image", *self.material.image(size, size, slices))
        worker.ask("segmenter", compact({"device": self.device}))

    def repeated(self, worker: Worker, *command) -> dict:
        """Median seconds after a first time that does not count, and the peak of memory."""
        worker.ask(*command)
        seconds = []
        for _ in range(REPETITIONS):
            time.sleep(PAUSE_SECONDS)
            seconds.append(worker.ask(*command)["seconds"])
        return {"seconds": statistics.median(seconds), "rounds": seconds, "peak_bytes": worker.memory()["peak"]}

    def segment_point(self, slices: int, size: int, workers: Workers | None = None) -> dict:
        with (workers or self.workers).coopseg() as worker:
            self.segmenting(worker, slices, size)
            return {"slices": slices, "size": size} | self.repeated(worker, "segment")

    def train_point(self, samples: int, cooperative: bool, workers: Workers | None = None) -> dict:
        with (workers or self.workers).coopseg() as worker:
            worker.ask("import", self.material.checkpoints(), "{}")
            worker.ask("batch", *self.material.batch(samples, 192))
            worker.ask("trainer", coopseg_configuration(cooperative, OFFICIAL, self.device))
            return {"samples": samples, "cooperative": cooperative} | self.repeated(worker, "step", 1)

    def slices(self) -> list[dict]:
        return [self.segment_point(slices, 192) for slices in self.some((1, 2, 5, 10, 20, 50, 100, 200))]

    def size(self) -> list[dict]:
        return [self.segment_point(10, size) for size in self.some((64, 128, 192, 256, 384, 512))]

    def batch(self) -> list[dict]:
        sizes = self.some((2, 5, 10, 20, 40))
        return [self.train_point(samples, mode) for mode in (False, True) for samples in sizes]

    def threads(self) -> list[dict]:
        most = self.workers.threads
        counts = sorted({2**power for power in range(most.bit_length()) if 2**power <= most} | {most})
        points = []
        for count in counts:
            workers = Workers(self.workers.build, count)
            segmenting, training = self.segment_point(10, 192, workers), self.train_point(10, False, workers)
            points.append({"threads": count, "segment": segmenting, "train": training})
        return points

    def segmenters(self) -> list[dict]:
        """Several segmenters of one model, each on its own host thread, share the cores."""
        volumes, slices = (2 if self.quick else 8), 10
        points = []
        for count in range(1, MOST_SEGMENTERS + 1):
            threads = max(1, self.workers.threads // count)
            with Workers(self.workers.build, threads).coopseg() as worker:
                self.segmenting(worker, slices, 192)
                point = self.repeated(worker, "concurrent", count, volumes)
                rate = count * volumes * slices / point["seconds"]
                points.append({"segmenters": count, "threads_each": threads, "slices_per_second": rate} | point)
        return points

    def volumes(self) -> list[dict]:
        """One process segments volumes of three lengths in turn."""
        images = [self.material.image(128, 128, slices) for slices in (3, 5, 8)]
        points = []
        with self.workers.coopseg() as worker:
            self.segmenting(worker, 3, 128)
            for count in range(VOLUMES // 10 if self.quick else VOLUMES):
                worker.ask("image", *images[count % len(images)])
                worker.ask("segment")
                if (count + 1) % EVERY_VOLUMES == 0:
                    points.append({"volumes": count + 1, "resident_bytes": worker.memory()["now"]})
        return points


QUESTIONS = ("slices", "size", "batch", "threads", "segmenters", "volumes")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="cpu")
    parser.add_argument("--only", choices=QUESTIONS, action="append", help="one question; repeatable")
    parser.add_argument("--quick", action="store_true", help="fewer and smaller points")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="most threads (all cores)")
    parser.add_argument("--output", type=Path, default=ROOT / "build/scale.json", help="JSON file (build/scale.json)")
    parser.add_argument("--plots", type=Path, default=ROOT / "build/scale", help="folder of pictures (build/scale)")
    parser.add_argument("--build", type=Path, default=ROOT / "build/bench", help="where CMake built the programs")
    return parser.parse_args()


def run(options: argparse.Namespace) -> dict:
    workers = Workers(options.build, options.threads)
    scaling = Scaling(workers, options.device, options.quick)
    record = {
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "machine": machine.describe(workers),
        "device": options.device,
        "questions": {},
    }
    for question in options.only or QUESTIONS:
        points = getattr(scaling, question)()
        record["questions"][question] = points
        for point in points:
            print(question, json.dumps({key: value for key, value in point.items() if key != "rounds"}), flush=True)
    return record


def main() -> int:
    options = arguments()
    try:
        record = run(options)
    except (BenchmarkFailed, Unavailable) as failure:
        print(f"scale: {failure}", file=sys.stderr)
        return 1
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(record, indent=1) + "\n")
    print(f"==> {options.output}")
    for path in plots.draw(record["questions"], options.plots):
        print(f"==> {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
