"""files/*: a compressed NIfTI file to a compressed NIfTI file of labels on the same grid, through both networks."""

import numpy

from contest import Contest
from failure import BenchmarkFailed, Unavailable
from material import NIFTI_SHAPE, compact
from operations import Operations
from rounds import Contestant, gather, take_turns

READERS = ("nibabel", "simpleitk")
LEAST_AGREEMENT = 0.999
SIZE = 192


def volume(contest: Contest) -> dict:
    """Compares the label files, then times."""
    name = "files/volume"
    material, device = contest.material, contest.device
    source = material.nifti()
    voxels = material.folder / "result.voxels"
    agreement = {}

    def target(contestant):
        return material.folder / f"labels.{contestant}.nii.gz"

    def compare(contestant):
        with contest.workers.peer("reader") as reader:
            try:
                reader.ask("read_labels", target(contestant), voxels)
            except Unavailable as reason:
                raise BenchmarkFailed(f"{name}: the labels of {contestant} cannot be read: {reason}") from None
        labels = numpy.fromfile(voxels, dtype=numpy.uint8)
        if contestant == "coopseg":
            compare.reference = labels
            return
        same = float((labels == compare.reference).mean())
        found = compare.reference > 0
        agreement[contestant] = {
            "same_labels": same,
            "same_labels_in_structures": float((labels == compare.reference)[found].mean()),
        }
        if same < LEAST_AGREEMENT:
            raise BenchmarkFailed(f"{name}: only {same:.2%} of the labels of {contestant} are those of coopseg.")

    def ready(contestant, worker):
        measure = "segment_file", source, target(contestant)
        worker.ask(*measure)
        compare(contestant)
        return Contestant(contestant, worker, measure)

    def coopseg():
        worker = contest.start_coopseg()
        worker.ask("load", material.model())
        worker.ask("segmenter", compact({"device": device}))
        return ready("coopseg", worker)

    def peer(reader):
        worker = contest.start_peer(reader)
        worker.ask("load", material.checkpoints())
        worker.ask("file_segmenter", reader, 1, device)
        return ready(reader, worker)

    makers = {"coopseg": coopseg} | {reader: lambda reader=reader: peer(reader) for reader in READERS}
    contestants, missing = gather(makers)
    take_turns(contestants, missing, contest.rounds)
    operations = Operations(SIZE, SIZE).inference(1, NIFTI_SHAPE[2])
    return contest.result(name, contestants, missing, operations, {"agreement with coopseg": agreement})


CASES = {"files/volume": volume}
QUICK = tuple(CASES)
