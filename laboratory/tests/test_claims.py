"""A cell belongs to one living process."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import stat
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import IO

import pytest
from conftest import environment

from laboratory.claims import STALE_SECONDS, Owner, claim, living_owner, this_process

CONTENDER = """
import sys, time
from pathlib import Path
from laboratory.claims import claim
folder = Path(sys.argv[1])
(folder / f"ready.{sys.argv[2]}").touch()
while not (folder / "go").exists():
    time.sleep(0.0005)
with claim(folder / "cell.claim") as ours:
    print(ours, flush=True)
    while not (folder / "end").exists():
        time.sleep(0.01)
"""


def dead() -> Owner:
    """A process of this machine that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return replace(this_process(), pid=process.pid)


def put(file: Path, owner: Owner) -> None:
    file.write_text(json.dumps(asdict(owner)))


def test_a_claim_is_ours_until_the_end(tmp_path: Path) -> None:
    file = tmp_path / "cell.claim"
    with claim(file) as ours:
        assert ours
        owner = living_owner(file)
        assert owner is not None and owner.pid == os.getpid()
        with claim(file) as again:
            assert not again
        assert file.exists()
    assert not list(tmp_path.iterdir())


def test_the_dead_lose_their_claim(tmp_path: Path) -> None:
    file = tmp_path / "cell.claim"
    put(file, dead())
    assert living_owner(file) is None
    with claim(file) as ours:
        assert ours
    # A later process that got the same number is another one.
    put(file, replace(this_process(), started=1))
    with claim(file) as ours:
        assert ours
    file.write_text("{")
    with claim(file) as ours:
        assert ours
    assert not list(tmp_path.iterdir())


def test_elsewhere_the_silent_lose_their_claim(tmp_path: Path) -> None:
    file = tmp_path / "cell.claim"
    put(file, replace(dead(), host="elsewhere"))
    assert living_owner(file) is not None
    with claim(file) as ours:
        assert not ours
    long_ago = time.time() - STALE_SECONDS - 60
    os.utime(file, (long_ago, long_ago))
    assert living_owner(file) is None
    with claim(file) as ours:
        assert ours


def test_folders_of_several_machines_and_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def flock_of_nfs(stream: IO[str], operation: int) -> None:
        if not stream.writable():
            raise OSError(errno.EBADF, "Bad file descriptor")
        flock(stream, operation)

    flock = fcntl.flock
    monkeypatch.setattr(fcntl, "flock", flock_of_nfs)
    file = tmp_path / "cell.claim"
    put(file, dead())
    with claim(file) as ours:
        assert ours and stat.S_IMODE(file.stat().st_mode) == 0o644
        # Nobody needs the lock to see that the owner lives.
        monkeypatch.setattr(fcntl, "flock", None)
        with claim(file) as again:
            assert not again


def test_of_many_one_takes_over(tmp_path: Path) -> None:
    for attempt in range(3):
        folder = tmp_path / str(attempt)
        folder.mkdir()
        put(folder / "cell.claim", dead())
        processes = [
            subprocess.Popen(
                [sys.executable, "-c", CONTENDER, folder, str(number)],
                env=environment(),
                stdout=subprocess.PIPE,
                text=True,
            )
            for number in range(6)
        ]
        while len(list(folder.glob("ready.*"))) < len(processes):
            time.sleep(0.01)
        (folder / "go").touch()
        told = [process.stdout.readline().strip() for process in processes if process.stdout]
        (folder / "end").touch()
        for process in processes:
            process.communicate(timeout=30)
        assert sorted(told) == ["False"] * 5 + ["True"]
        assert not list(folder.glob("*.claim")) and not list(folder.glob(".*"))
