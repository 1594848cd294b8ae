"""The processes that are measured: they obey lines on standard input and answer each with one line of JSON."""

import json
import os
import selectors
import subprocess
import sys
import time
from pathlib import Path

from failure import BenchmarkFailed, Unavailable

PEER = Path(__file__).parent / "peers" / "worker.py"


class Worker:
    """One process. Close it, or use it in a `with` statement."""

    def __init__(self, name: str, command: list[str], threads: int, log_folder: Path):
        self.name = name
        self.log = log_folder / f"{name}.log"
        environment = os.environ | {"OMP_NUM_THREADS": str(threads), "PYTHONUNBUFFERED": "1"}
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=environment
            )
        self.buffer = b""
        self.ask("threads", threads)

    def ask(self, *fields, seconds: float = 1800) -> dict:
        """Sends a command and returns the answer. Raises `Unavailable` when it reports an error, dies, or takes
        longer than `seconds`."""
        line = "\t".join(str(field) for field in fields) + "\n"
        try:
            self.process.stdin.write(line.encode())
            self.process.stdin.flush()
            answer = json.loads(self.read_line(time.monotonic() + seconds))
        except (BrokenPipeError, EOFError):
            raise Unavailable(f"the process of {self.name} ended; {self.log} has its words") from None
        if "error" in answer:
            raise Unavailable(" ".join(answer["error"].split()))
        return answer

    def read_line(self, deadline: float) -> bytes:
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while b"\n" not in self.buffer:
                if not selector.select(max(0, deadline - time.monotonic())):
                    self.close()
                    raise Unavailable("it was not ready within the time limit")
                part = os.read(self.process.stdout.fileno(), 65536)
                if not part:
                    raise EOFError
                self.buffer += part
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line

    def forget_peak_memory(self):
        """From now on the peak is counted anew (see proc(5), clear_refs)."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def memory(self) -> dict[str, int]:
        """Resident memory now and at its peak, in bytes."""
        status = dict(
            line.split(":", 1) for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        )
        return {name: int(status[key].split()[0]) * 1024 for name, key in (("now", "VmRSS"), ("peak", "VmHWM"))}

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Workers:
    """Starts workers of both kinds."""

    def __init__(self, build: Path, threads: int):
        self.build, self.threads = build, threads
        self.logs = build / "logs"
        self.logs.mkdir(parents=True, exist_ok=True)

    def coopseg(self, name: str = "coopseg") -> Worker:
        return Worker(name, self.coopseg_command(), self.threads, self.logs)

    def peer(self, name: str) -> Worker:
        return Worker(name, self.peer_command(), self.threads, self.logs)

    def coopseg_command(self) -> list[str]:
        program = self.build / "coopseg_worker"
        if not program.exists():
            raise BenchmarkFailed(f"{program} is missing; `make bench` builds it.")
        return [str(program)]

    def peer_command(self) -> list[str]:
        return [sys.executable, str(PEER)]
