"""A peer of the benchmark: obeys the same line protocol as bench/coopseg_worker.c.

A line on standard input is a command and its arguments with tabs between; each is answered with one line of JSON.
What is timed is the work itself: from voxels in the host's memory to the result in the host's memory.
"""

import json
import sys
import time

import numpy
import torch

from weights import load_checkpoints, write_checkpoints


class Worker:
    """State that commands make and use; every command is a method."""

    def about(self):
        import platform

        return {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "cuda": torch.cuda.is_available(),
            "cpu_capability": torch.backends.cpu.get_cpu_capability(),
            "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        }

    def threads(self, count):
        torch.set_num_threads(int(count))

    def checkpoints(self, model_file, folder):
        write_checkpoints(model_file, folder)

    def load(self, folder):
        self.networks = load_checkpoints(folder)

    def image(self, file, x, y, z):
        self.voxels = numpy.fromfile(file, dtype=numpy.float32).reshape(int(z), int(y), int(x))

    def segmenter(self, runtime, iterations, device, folder):
        from segmentation import Segmenter

        self.segmenting = Segmenter(runtime, self.networks, int(iterations), self.voxels, device, folder)

    def segment(self):
        start = time.perf_counter()
        self.segmenting.labels()
        return {"seconds": time.perf_counter() - start}

    def results(self, labels, probabilities):
        self.segmenting.labels().tofile(labels)
        numpy.ascontiguousarray(self.segmenting.probabilities()).tofile(probabilities)

    def write_nifti(self, x_spacing, y_spacing, z_spacing, file):
        import nibabel

        scaled = self.voxels * (1000 / self.voxels.max())
        # LPS to RAS: the first two axes run the other way.
        affine = numpy.diag([-float(x_spacing), -float(y_spacing), float(z_spacing), 1.0])
        nibabel.save(nibabel.Nifti1Image(scaled.astype(numpy.int16).T, affine), file)

    def read_labels(self, nifti, file):
        import nibabel

        numpy.asarray(nibabel.load(nifti).dataobj).T.astype(numpy.uint8).tofile(file)

    def file_segmenter(self, reader, iterations, device):
        from files import READERS

        self.reading = READERS[reader](self.networks, int(iterations), device)

    def segment_file(self, source, target):
        start = time.perf_counter()
        self.reading.run(source, target)
        return {"seconds": time.perf_counter() - start}

    def trainer(self, style, device, settings):
        from training_step import STEPS, Settings

        self.device = torch.device(device)
        self.training = STEPS[style](self.networks.to(self.device), Settings(**json.loads(settings)))

    def batch(self, images, labels, samples, height, width):
        shape = int(samples), 1, int(height), int(width)
        self.images = numpy.fromfile(images, dtype=numpy.float32).reshape(shape)
        self.labels = numpy.fromfile(labels, dtype=numpy.uint8).reshape(shape[0], *shape[2:])

    def step(self, count):
        from machine import synchronise

        synchronise(self.device)
        start = time.perf_counter()
        for _ in range(int(count)):
            images = torch.from_numpy(self.images).to(self.device)
            labels = torch.from_numpy(self.labels).to(self.device).long()
            loss = self.training.run(images, labels)
        synchronise(self.device)
        return {"seconds": (time.perf_counter() - start) / int(count), "loss": loss}

    def peaks(self, device):
        from machine import peaks

        return peaks(torch.device(device))


def main():
    # Whatever libraries print goes to standard error, so that answers stay alone.
    answers, sys.stdout = sys.stdout, sys.stderr
    worker = Worker()
    for line in sys.stdin:
        name, *arguments = line.rstrip("\n").split("\t")
        try:
            answer = getattr(worker, name)(*arguments) or {}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)


main()
