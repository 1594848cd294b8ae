"""segment/*: an image in memory to its label map, through the fast-thinking network alone or through both."""

import numpy

from contest import Contest
from failure import BenchmarkFailed
from material import CLASSES, compact, own_grid
from operations import Operations
from rounds import Contestant, gather, take_turns

RUNTIMES = ("eager", "torchscript", "onnxruntime", "folded", "folded-bf16")
SLICES = (1, 10, 200)
SIZES = (192, 256)
STAGES = {"fast": 0, "both": 1}
# Of coopseg, beside float32: the name of the contestant, and whether it takes a GPU.
PRECISIONS = {"bfloat16": ("bf16", False), "float16": ("fp16", True), "tensorfloat32": ("tf32", True)}
# Largest difference of a probability. (On a GPU, cuDNN rounds the factors of float32 convolutions to TF32.)
TOLERANCE = {"cpu": 1e-4, "cuda": 2e-2}
# Share of labels that are coopseg's in float32; all that is asked of bfloat16, whose probabilities are its own.
LEAST_AGREEMENT = 0.99
PREPARATION_SECONDS = 300


def read_results(paths, shape):
    labels = numpy.fromfile(paths[0], dtype=numpy.uint8).reshape(shape)
    return labels, numpy.fromfile(paths[1], dtype=numpy.float32).reshape(CLASSES, *shape)


def segment(contest: Contest, name: str, iterations: int, slices: int, size: int) -> dict:
    """Compares labels and probabilities, then times."""
    material, device = contest.material, contest.device
    shape = (slices, size, size)
    agreement = {}
    paths = [material.folder / f"result.{kind}" for kind in ("labels", "probabilities")]

    def compare(contestant, worker):
        worker.ask("results", *paths, seconds=PREPARATION_SECONDS)
        labels, probabilities = read_results(paths, shape)
        if contestant == "coopseg":
            compare.reference = labels, probabilities
            return
        expected_labels, expected = compare.reference
        same = float((labels == expected_labels).mean())
        apart = float(numpy.abs(probabilities - expected).max())
        agreement[contestant] = {"same_labels": same, "largest_probability_difference": apart}
        low_precision = contestant.endswith(("bf16", "fp16"))
        if same < LEAST_AGREEMENT or (apart > TOLERANCE[device] and not low_precision):
            raise BenchmarkFailed(
                f"{name}: {contestant} and coopseg differ: {same:.2%} of the labels agree, and probabilities are up to "
                f"{apart:.1e} apart."
            )

    def coopseg(contestant, options):
        worker = contest.start_coopseg(contestant)
        worker.ask("import", material.checkpoints(), compact(own_grid(size, size)))
        worker.ask("image", *material.image(size, size, slices))
        worker.ask("segmenter", compact({"device": device, "iterations": iterations} | options))
        compare(contestant, worker)
        return Contestant(contestant, worker, ("segment",))

    def peer(runtime):
        worker = contest.start_peer(runtime)
        worker.ask("load", material.checkpoints())
        worker.ask("image", *material.image(size, size, slices))
        worker.ask("segmenter", runtime, iterations, device, material.folder, seconds=PREPARATION_SECONDS)
        compare(runtime, worker)
        return Contestant(runtime, worker, ("segment",))

    makers = {"coopseg": lambda: coopseg("coopseg", {})}
    for precision in contest.precisions:
        short, on_gpu = PRECISIONS[precision]
        if device != "cpu" or not on_gpu:
            makers[f"coopseg-{short}"] = lambda name=f"coopseg-{short}", precision=precision: coopseg(
                name, {"precision": precision}
            )
    makers |= {runtime: lambda runtime=runtime: peer(runtime) for runtime in RUNTIMES}
    contestants, missing = gather(makers)
    take_turns(contestants, missing, contest.rounds)
    operations = Operations(size, size).inference(iterations, slices)
    return contest.result(name, contestants, missing, operations, {"agreement with coopseg": agreement})


def case(stage: str, slices: int, size: int):
    name = f"segment/{stage}/{slices}x{size}"
    return name, lambda contest: segment(contest, name, STAGES[stage], slices, size)


CASES = dict(case(stage, slices, size) for stage in STAGES for slices in SLICES for size in SIZES)
QUICK = ("segment/fast/10x192", "segment/both/1x192", "segment/both/10x192")
