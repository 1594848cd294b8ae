"""The machine: what it is, and what it can do at most."""

import os
import platform
from pathlib import Path

from failure import BenchmarkFailed, Unavailable
from workers import Workers


def field(path: str, key: str) -> str | None:
    """The first value of a key in a file of /proc."""
    for line in Path(path).read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == key:
            return value.strip()
    return None


def describe(workers: Workers) -> dict:
    """Processor, memory, system and the versions of both sides."""
    with workers.coopseg("about") as coopseg, workers.peer("about-peer") as peer:
        build, devices, versions = coopseg.ask("about")["build"], coopseg.ask("devices")["devices"], peer.ask("about")
    return {
        "processor": field("/proc/cpuinfo", "model name"),
        "cores": os.cpu_count(),
        "memory": field("/proc/meminfo", "MemTotal"),
        "system": platform.platform(),
        "threads": workers.threads,
        "coopseg": build,
        "coopseg_devices": devices["devices"],
        "peers": versions,
    }


def devices(description: dict) -> list[str]:
    """The CPU, and CUDA where both sides have it."""
    both = description["peers"]["cuda"] and any(name.startswith("cuda") for name in description["coopseg_devices"])
    return ["cpu", "cuda"] if both else ["cpu"]


def peaks(workers: Workers, device: str) -> dict[str, float]:
    """Rates of large matrix products and a large copy."""
    try:
        with workers.peer("peaks") as worker:
            return worker.ask("peaks", device)
    except Unavailable as reason:
        raise BenchmarkFailed(f"the peak of {device} cannot be measured: {reason}") from None
