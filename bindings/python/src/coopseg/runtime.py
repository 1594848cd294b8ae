"""The library and the libtorch of this process: versions, devices, threads, seed, memory."""

from __future__ import annotations

from ctypes import byref, c_int32
from typing import Any

from ._call import call, call_json, unsigned
from ._library import library


def version() -> str:
    """The library's version, such as "0.1.0"."""
    return str(library().coopseg_version().decode())


def build_info() -> dict[str, Any]:
    """Describes the library and the libtorch that it runs on: "version", "abi_version", "target", "libtorch" with
    expected and loaded version, folder and acceleration libraries."""
    return dict(call_json("build_info"))


def devices() -> dict[str, Any]:
    """The devices that can be used: "devices" (names), "auto" (what "auto" stands for), "cuda" with "available" and
    "reason"."""
    return dict(call_json("devices"))


def threads() -> int:
    """How many threads one operation on the CPU may use."""
    count = c_int32()
    call("threads", byref(count))
    return count.value


def set_threads(count: int) -> None:
    """Sets how many threads one operation on the CPU may use, 1 to 4096: in the whole process, and for torch too. As many
    read, preprocess and simulate artefacts (as many as there are processors, unless set). Not while another call of
    coopseg runs. Unless it is set, here or by OMP_NUM_THREADS or MKL_NUM_THREADS, libtorch has its own default, but no
    more than the processors that this process may use by its affinity and the limit of its container.

    Raises:
        InvalidArgumentError; InvalidStateError (more than 1 in a process that was forked from one that had used
        libtorch).
    """
    call("set_threads", count)


def set_seed(seed: int) -> None:
    """Sets the seed of models and trainings whose configuration has "seed": None. 0 until it is set.

    Raises:
        InvalidArgumentError: Not from 0 to 2^64 − 1.
    """
    call("set_seed", unsigned(seed, "the seed"))


def set_cpu_cache_limit(size: int) -> None:
    """Limits the memory, in bytes, that is kept for libtorch's next tensors on the CPU. 0 switches that off; called
    before everything else it leaves libtorch's allocator untouched. Half of the machine's memory until it is set."""
    call("cpu_cache_set_limit", unsigned(size, "the limit"))


def release_cpu_cache() -> None:
    """Gives the memory that is kept unused back to the system now."""
    call("cpu_cache_release")


def cpu_cache_info() -> dict[str, Any]:
    """Describes the cache of libtorch's memory on the CPU: "installed", "limit_bytes", "kept_bytes", "used_bytes",
    "hits" and "misses"."""
    return dict(call_json("cpu_cache_info"))


def live_handles() -> int:
    """How many objects of the library are alive: made and not yet closed. For tests that look for leaks."""
    return int(library().coopseg_live_handles())
