"""Who works on a cell: a file beside the cells, so that no two processes make the same one, on one machine or on
several that share the folder.

A claim is made whole or not at all, and touched again and again while its owner lives. It is lost when its owner is
dead: on the same machine when that process is gone or the machine was started again, elsewhere when it was not touched
for `STALE_SECONDS`.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO

TOUCH_SECONDS = 30.0
#: Long enough for a machine that swaps or a share that hangs.
STALE_SECONDS = 600.0

#: What folders answer that have no hard links.
_NO_LINKS = (errno.EPERM, errno.ENOSYS, errno.ENOTSUP)


@dataclass(frozen=True)
class Owner:
    """A process, told apart from later ones with the same number.

    Attributes:
        host: Name of its machine.
        system: Which run of that machine, which numbering of its processes and, where it is known, which machine:
            words that say nothing to people.
        pid: Its number there.
        started: When it started, in the machine's own ticks.
        since: When the claim was made, in seconds since 1970.
    """

    host: str
    system: str
    pid: int
    started: int
    since: float


def this_process() -> Owner:
    """The process that asks."""
    return Owner(socket.gethostname(), _system(), os.getpid(), _started(os.getpid()) or 0, round(time.time(), 1))


@contextmanager
def claim(file: Path) -> Iterator[bool]:
    """Claims a cell for the body of a ``with``, which is told whether it worked: not where a living owner has it."""
    owner = this_process()
    if not _take(file, owner):
        yield False
        return
    ended = threading.Event()
    toucher = threading.Thread(target=_touch, args=(file, owner, ended), name="claim", daemon=True)
    toucher.start()
    try:
        yield True
    finally:
        ended.set()
        toucher.join()
        if _read(file) == owner:
            file.unlink(missing_ok=True)


def living_owner(file: Path) -> Owner | None:
    """Who has a claim; None where nobody has or its owner is dead."""
    owner = _read(file)
    return owner if owner is not None and _lives(file, owner) else None


def _take(file: Path, owner: Owner) -> bool:
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    try:
        with os.fdopen(handle, "w") as stream:
            json.dump(asdict(owner), stream)
            # mkstemp's files are for their owner alone.
            os.fchmod(stream.fileno(), 0o644)
        while True:
            try:
                if _put(temporary, file):
                    return True
            except FileExistsError:
                pass
            if living_owner(file) is not None:
                return False
            # Of several that find the same dead owner, the one with the lock on its file takes over; the others then
            # find another file in its place.
            try:
                with _open_for_lock(file) as found:
                    fcntl.flock(found, fcntl.LOCK_EX)
                    if os.fstat(found.fileno()).st_ino != file.stat().st_ino:
                        continue
                    if living_owner(file) is not None:
                        return False
                    os.replace(temporary, file)
                    return True
            except FileNotFoundError:
                continue
    finally:
        Path(temporary).unlink(missing_ok=True)


def _put(temporary: str, file: Path) -> bool:
    """Gives the claim its name. Returns False where another one came between.

    Raises:
        FileExistsError: There is one.
    """
    try:
        os.link(temporary, file)
        return True
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
    with file.open("x") as made:
        # Whoever finds it unfinished takes it for a dead owner's, and waits for the lock or is first.
        fcntl.flock(made, fcntl.LOCK_EX)
        try:
            if os.fstat(made.fileno()).st_ino != file.stat().st_ino:
                return False
        except FileNotFoundError:
            return False
        made.write(Path(temporary).read_text())
    return True


def _open_for_lock(file: Path) -> TextIO:
    """Opens for writing, which NFS asks of who wants the lock for itself; another user's claim for reading."""
    try:
        return file.open("r+")
    except PermissionError:
        return file.open()


def _touch(file: Path, owner: Owner, ended: threading.Event) -> None:
    while not ended.wait(TOUCH_SECONDS):
        # A claim that was lost after a long pause is another's.
        if _read(file) == owner:
            try:
                os.utime(file)
            except OSError:
                continue


def _read(file: Path) -> Owner | None:
    try:
        return Owner(**json.loads(file.read_text()))
    except (OSError, ValueError, TypeError):
        return None


def _lives(file: Path, owner: Owner) -> bool:
    here = this_process()
    if (owner.host, owner.system) == (here.host, here.system):
        return _started(owner.pid) == owner.started
    try:
        touched = file.stat().st_mtime
    except FileNotFoundError:
        return False
    # Two machines made from one image may share name and number, but a living owner touches its claim.
    if _is_an_earlier_run(owner, here) and touched < _booted() - 2 * TOUCH_SECONDS:
        return False
    return _now(file.parent) - touched < STALE_SECONDS


def _now(folder: Path) -> float:
    """By the folder's own clock, since machines' clocks differ; by ours where nothing can be written there."""
    try:
        with tempfile.NamedTemporaryFile(prefix=".clock.", dir=folder) as now:
            return Path(now.name).stat().st_mtime
    except OSError:
        return time.time()


def _system() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return " ".join([boot, os.readlink("/proc/self/ns/pid"), *_machine()])
    except OSError:
        return ""


def _machine() -> list[str]:
    """A number of this machine that outlives its boots; empty where it has none."""
    try:
        number = Path("/etc/machine-id").read_text().strip()
    except OSError:
        return []
    # The number itself is to be kept secret. During the first boot there is a word in its place.
    return [hashlib.sha256(f"laboratory {number}".encode()).hexdigest()[:16]] if len(number) == 32 else []


def _is_an_earlier_run(owner: Owner, here: Owner) -> bool:
    before, now = owner.system.split(), here.system.split()
    if len(before) != 3 or len(now) != 3:
        return False
    return (owner.host, before[2]) == (here.host, now[2]) and before[0] != now[0]


def _booted() -> float:
    """When this machine started, in seconds since 1970."""
    try:
        return time.time() - float(Path("/proc/uptime").read_text().split()[0])
    except OSError:
        return 0.0


def _started(pid: int) -> int | None:
    """When a process of this machine started, in ticks since the boot; None where there is none."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    # A zombie has ended; its parent has only not looked yet.
    return None if fields[0] == "Z" else int(fields[19])
