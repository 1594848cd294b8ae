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
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import IO, NoReturn

import pytest
from conftest import environment

from laboratory import claims
from laboratory.claims import STALE_SECONDS, Owner, claim, living_owner, this_process

CONTENDER = """
import errno, os, sys, time
from pathlib import Path
from laboratory.claims import claim
def refuse(*paths):
    raise PermissionError(errno.EPERM, "Operation not permitted")
if sys.argv[3] == "no links":
    os.link = refuse
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


def json_owner(file: Path) -> Owner:
    return Owner(**json.loads(file.read_text()))


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


def test_a_machine_that_was_started_again_has_lost_its_claims(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "_machine", lambda: ["number"])
    monkeypatch.setattr(claims, "_booted", lambda: time.time() - 20)
    file = tmp_path / "cell.claim"
    here = this_process()
    boot, namespace, machine = here.system.split()
    assert machine == "number" and len(boot) == 36
    before = replace(here, system=f"another-boot {namespace} number", pid=1)
    for owner, seconds, lives in (
        (before, 90, False),
        # A machine of the same image that has the same name.
        (before, 70, True),
        (replace(before, host="elsewhere"), 90, True),
        (replace(before, system=f"another-boot {namespace} other"), 90, True),
        (replace(before, system=f"another-boot {namespace}"), 90, True),
        (replace(before, system=""), 90, True),
        (replace(before, system=f"{boot} another-namespace number"), 90, True),
    ):
        put(file, owner)
        then = time.time() - seconds
        os.utime(file, (then, then))
        assert (living_owner(file) is not None) is lives, owner
    monkeypatch.setattr(claims, "_machine", lambda: [])
    put(file, before)
    assert living_owner(file) is not None


def test_the_number_of_the_machine_is_not_told() -> None:
    for number in claims._machine():
        assert number not in Path("/etc/machine-id").read_text() and number == claims._machine()[0]
    assert 0 < claims._booted() < time.time()


def test_where_nothing_can_be_written_this_machine_s_clock_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: object) -> NoReturn:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("tempfile.NamedTemporaryFile", refuse)
    file = tmp_path / "cell.claim"
    put(file, replace(dead(), host="elsewhere"))
    assert living_owner(file) is not None
    long_ago = time.time() - STALE_SECONDS - 60
    os.utime(file, (long_ago, long_ago))
    assert living_owner(file) is None


@pytest.mark.parametrize("number", [errno.EPERM, errno.ENOSYS, errno.ENOTSUP])
def test_folders_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def refuse(*_: object) -> NoReturn:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", refuse)
    file = tmp_path / "cell.claim"
    for before in (None, dead()):
        if before is not None:
            put(file, before)
        with claim(file) as ours:
            assert ours and living_owner(file) == json_owner(file)
            with claim(file) as again:
                assert not again
        assert not list(tmp_path.iterdir())
    monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(OSError(errno.ENOSPC, "No space left")))
    with pytest.raises(OSError, match="No space left"), claim(file):
        pass
    assert not list(tmp_path.iterdir())


def test_a_claim_that_another_one_replaced_while_it_was_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def flock_after_another(stream: IO[str], operation: int) -> None:
        if not file.read_text():
            put(tmp_path / "another", replace(this_process(), host="elsewhere"))
            os.replace(tmp_path / "another", file)
        flock(stream, operation)

    def refuse(*_: object) -> NoReturn:
        raise OSError(errno.EPERM, "Operation not permitted")

    file = tmp_path / "cell.claim"
    flock = fcntl.flock
    monkeypatch.setattr(fcntl, "flock", flock_after_another)
    monkeypatch.setattr(os, "link", refuse)
    with claim(file) as ours:
        assert not ours
    assert json_owner(file).host == "elsewhere" and list(tmp_path.iterdir()) == [file]


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


@pytest.mark.parametrize("links", ["links", "no links"])
@pytest.mark.parametrize("before", [dead, None])
def test_of_many_one_takes_over(tmp_path: Path, links: str, before: Callable[[], Owner] | None) -> None:
    for attempt in range(3):
        folder = tmp_path / str(attempt)
        folder.mkdir()
        if before is not None:
            put(folder / "cell.claim", before())
        processes = [
            subprocess.Popen(
                [sys.executable, "-c", CONTENDER, folder, str(number), links],
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
