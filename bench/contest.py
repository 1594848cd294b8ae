"""What every case gets: where it runs, what it works on, and how its result is put together."""

from contextlib import ExitStack
from dataclasses import dataclass, field

from material import Material
from rounds import REFERENCE, Contestant, summary
from workers import Worker, Workers


@dataclass
class Contest:
    """One case on one device. Workers that it starts live until it is closed."""

    workers: Workers
    material: Material
    device: str
    rounds: int
    quick: bool
    peaks: dict[str, float]
    precisions: list[str]  # that coopseg's segmenter offers beside float32
    open: ExitStack = field(default_factory=ExitStack)

    def start_coopseg(self, name: str = REFERENCE) -> Worker:
        return self.open.enter_context(self.workers.coopseg(name))

    def start_peer(self, name: str) -> Worker:
        return self.open.enter_context(self.workers.peer(name))

    def result(self, name, contestants: list[Contestant], missing, operations, checks) -> dict:
        """The case as it is printed and written."""
        reference = next(contestant for contestant in contestants if contestant.name == REFERENCE)
        entries = {}
        for contestant in contestants:
            entry = summary(contestant, reference)
            rate = operations["flops"] / entry["seconds"]["median"] / 1e9
            # GPUs compute with both 16-bit types at the same rate.
            kind = "bfloat16" if contestant.name.endswith(("bf16", "fp16")) else "float32"
            entry["gflops"] = rate
            entry["share_of_peak"] = rate / max(
                self.peaks[f"{kind}_matrix_product_gflops"], self.peaks[f"{kind}_convolution_gflops"]
            )
            least_bytes = operations["bytes"] / (2 if kind == "bfloat16" else 1)
            entry["gbps"] = least_bytes / entry["seconds"]["median"] / 1e9
            entry["share_of_copy"] = entry["gbps"] / self.peaks["copy_gbps"]
            entries[contestant.name] = entry
        return {
            "case": name,
            "device": self.device,
            "operations": operations["flops"],
            "least_bytes": operations["bytes"],
            "contestants": entries,
            "unavailable": missing,
            "checks": checks,
        }

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.open.close()
