"""train/*: one training step of the paper's network with its batch, from voxels in memory to new weights."""

from dataclasses import dataclass

from contest import Contest
from failure import BenchmarkFailed
from material import compact
from operations import Operations
from rounds import Contestant, gather, take_turns

SIZE = 192
SAMPLES = 20
STYLES = ("published", "eager", "compiled")
# A compiler that takes longer than this for one step is reported as unavailable.
PREPARATION_SECONDS = 420
# Losses of the first steps, and how far they may be apart, relatively: the first checks the networks and losses, the
# later ones the gradients and the update. (With channels last, PyTorch's own batch statistics differ by 1e-4; on a
# GPU, cuDNN rounds the factors of float32 convolutions to TF32.)
COMPARED_STEPS = 3
TOLERANCE = {"cpu": 2e-3, "cuda": 2e-2}


@dataclass(frozen=True)
class Randomness:
    """What is drawn at random. The draws differ between libraries: they are compared without and timed with."""

    input_noise: float
    largest_fraction: float


NOTHING = Randomness(0.0, 0.0)
OFFICIAL = Randomness(0.05, 0.5)


def coopseg_configuration(cooperative: bool, random: Randomness, device: str) -> str:
    """Both codes get targeted channel masks in every step, so that all steps are the same work for all."""
    return compact(
        {
            "mode": "cooperative" if cooperative else "standard",
            "device": device,
            "seed": 1,
            "input_noise": random.input_noise,
            "hard_examples": {"masks": ["channel"], "targeted_fraction": [0.0, random.largest_fraction]},
        }
    )


def peer_settings(cooperative: bool, random: Randomness) -> str:
    return compact(
        {
            "cooperative": cooperative,
            "input_noise": random.input_noise,
            "largest_fraction": random.largest_fraction,
        }
    )


def train(contest: Contest, name: str, cooperative: bool) -> dict:
    """Compares the losses of the first steps, then times steps."""
    material, device = contest.material, contest.device
    batch = material.batch(SAMPLES, SIZE)
    # On a GPU a step is short and the host runs ahead: several in a row are what a training does.
    steps = 1 if device == "cpu" else 10
    compared = 1 if contest.quick else COMPARED_STEPS
    differences = {}

    def coopseg():
        worker = contest.start_coopseg()
        worker.ask("import", material.checkpoints(), "{}")
        worker.ask("batch", *batch)
        worker.ask("trainer", coopseg_configuration(cooperative, NOTHING, device))
        coopseg.losses = [worker.ask("step", 1)["loss"] for _ in range(compared)]
        worker.ask("trainer", coopseg_configuration(cooperative, OFFICIAL, device))
        return Contestant("coopseg", worker, ("step", steps))

    def peer(style):
        worker = contest.start_peer(style)
        worker.ask("batch", *batch)

        def start(random):
            worker.ask("load", material.checkpoints())
            worker.ask("trainer", style, device, peer_settings(cooperative, random))

        start(NOTHING)
        losses = [worker.ask("step", 1, seconds=PREPARATION_SECONDS)["loss"] for _ in range(compared)]
        differences[style] = [abs(own / theirs - 1) for own, theirs in zip(losses, coopseg.losses)]
        if max(differences[style]) > TOLERANCE[device]:
            raise BenchmarkFailed(
                f"{name}: the losses of {style}, {losses}, are not those of coopseg, {coopseg.losses}."
            )
        start(OFFICIAL)
        return Contestant(style, worker, ("step", steps))

    styles = STYLES[:2] if contest.quick else STYLES
    makers = {"coopseg": coopseg} | {style: lambda style=style: peer(style) for style in styles}
    contestants, missing = gather(makers)
    take_turns(contestants, missing, contest.rounds)
    return contest.result(
        name, contestants, missing, Operations(SIZE, SIZE).training(cooperative, SAMPLES),
        {"relative difference of the first losses": differences},
    )


CASES = {
    "train/standard": lambda contest: train(contest, "train/standard", False),
    "train/cooperative": lambda contest: train(contest, "train/cooperative", True),
}
QUICK = tuple(CASES)
