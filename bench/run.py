"""Measures coopseg against the ways in which one would do the same in Python, on this machine.

    make bench
    .deps/bench/bin/python bench/run.py --only segment/both --rounds 5
"""

import argparse
import datetime
import json
import os
import sys
from pathlib import Path

import case_files
import case_process
import case_segment
import case_train
import machine
import report
from contest import Contest
from failure import BenchmarkFailed, Unavailable
from material import Material, whole
from workers import Workers

ROOT = Path(__file__).resolve().parent.parent
MODULES = (case_train, case_segment, case_files, case_process)
QUICK_ROUNDS = 3
# Peaks that differ more than this between start and end say that the machine was not quiet.
MOST_DRIFT = 0.15


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cpu", "cuda"), help="default: cpu, and cuda where both sides have it")
    parser.add_argument("--only", metavar="PREFIX", action="append", help="cases whose name starts so; repeatable")
    parser.add_argument("--rounds", type=int, default=9, help="rounds per case (9); long cases end after 3 or more")
    parser.add_argument("--quick", action="store_true", help="a few cases, 3 rounds, nothing compiled")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of every contestant (all cores)")
    parser.add_argument("--output", type=Path, default=ROOT / "build/bench.json", help="JSON file (build/bench.json)")
    parser.add_argument("--build", type=Path, default=ROOT / "build/bench", help="where CMake built the programs")
    return parser.parse_args()


def chosen_cases(options: argparse.Namespace) -> dict:
    """The cases to run, in their order."""
    cases = {}
    for module in MODULES:
        for name, run in module.CASES.items():
            wanted = options.only is None or any(name.startswith(prefix) for prefix in options.only)
            if wanted and (not options.quick or name in module.QUICK):
                cases[name] = run
    if not cases:
        raise BenchmarkFailed(f"no case starts with {' or '.join(options.only)}.")
    return cases


def offered_precisions(workers: Workers) -> list[str]:
    """What coopseg's segmenter has beside float32."""
    with workers.coopseg("schema") as worker:
        schema = worker.ask("schema", "segmenter")["schema"]
    text = json.dumps(schema["properties"].get("precision", {})) + json.dumps(schema.get("$defs", {}))
    return [precision for precision in case_segment.PRECISIONS if f'"{precision}"' in text]


def run(options: argparse.Namespace) -> dict:
    """All cases on all devices."""
    cases = chosen_cases(options)
    workers = Workers(options.build, options.threads)
    material = Material(workers)
    description = machine.describe(workers)
    precisions = offered_precisions(workers)
    rounds = QUICK_ROUNDS if options.quick else options.rounds
    record = {
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "machine": description,
        "peaks": {},
        "cases": [],
    }
    material.checkpoints()
    for device in [options.device] if options.device else machine.devices(description):
        peaks = machine.peaks(workers, device)
        record["peaks"][device] = {"start": peaks}
        print(report.peaks_text(device, peaks), flush=True)
        for name, case in cases.items():
            try:
                with Contest(workers, material, device, rounds, options.quick, peaks, precisions) as contest:
                    result = case(contest)
            except Unavailable as reason:
                result = {"case": name, "device": device, "failed": str(reason)}
            record["cases"].append(result)
            write(record, unfinished(options.output))
            print(f"\n{report.as_text(result)}", flush=True)
        at_end = machine.peaks(workers, device)
        print(f"\nat the end, {report.peaks_text(device, at_end)}", flush=True)
        # The copy's rate depends on the pages that the system happens to give; it tells nothing about quiet.
        drift = max(abs(at_end[name] / peaks[name] - 1) for name in peaks if name.endswith("gflops"))
        if drift > MOST_DRIFT:
            print(f"  up to {drift:.0%} from the start: was something else running? Measure again on a quiet machine.")
        record["peaks"][device]["end"] = at_end
    return record


def unfinished(output: Path) -> Path:
    """Where the record is until all cases have run."""
    return output.with_name(f"{output.stem}.unfinished{output.suffix}")


def write(record: dict, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole(path) as (new,):
        new.write_text(json.dumps(record, indent=1) + "\n")


def main() -> int:
    options = arguments()
    try:
        record = run(options)
    except (BenchmarkFailed, Unavailable) as failure:
        print(f"bench: {failure}", file=sys.stderr)
        return 1
    write(record, options.output)
    unfinished(options.output).unlink(missing_ok=True)
    print(f"==> {options.output}")
    failed = [result["case"] for result in record["cases"] if "failed" in result]
    if failed:
        print(f"bench: not measured: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
