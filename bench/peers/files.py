"""A NIfTI file to a NIfTI file of labels, with the same steps as coopseg: once with nibabel, once with SimpleITK.

Steps (docs/METHOD.md §5 and §6): percentiles, in-plane resampling to 1.36719 mm, padding, crop, both networks, and
back: crop and padding undone, probabilities resampled to the file's grid, class of the highest one.
"""

import numpy
import torch

from inference import Eager, stages
from intensities import min_max, window, windowed
from segmentation import BATCH, classes

SPACING = 1.36719
PAD, CROP = 224, 192


def resampled_size(size: int, spacing: float) -> int:
    return round(size * spacing / SPACING)


def interpolation(size_in: int, spacing_in: float, size_out: int, spacing_out: float) -> torch.Tensor:
    """The matrix that interpolates linearly along one axis between grids with a common centre."""
    positions = torch.arange(size_out, dtype=torch.float64) - (size_out - 1) / 2
    positions = ((size_in - 1) / 2 + positions * spacing_out / spacing_in).clamp(0, size_in - 1)
    low = positions.floor().long()
    high = (low + 1).clamp(max=size_in - 1)
    rows = torch.arange(size_out)
    matrix = torch.zeros(size_out, size_in, dtype=torch.float64)
    matrix.index_put_((rows, low), 1 - (positions - low), accumulate=True)
    matrix.index_put_((rows, high), positions - low, accumulate=True)
    return matrix.float()


def margin(inner: int, outer: int) -> int:
    """Elements before `inner` elements that are centred in `outer`; the larger half comes first."""
    return (max(outer - inner, 0) + 1) // 2


class NetworkGrid:
    """Padding and crop of slices of one size, and their inverse."""

    def __init__(self, height: int, width: int):
        self.size = (height, width)
        self.padded = [max(size, PAD) for size in self.size]
        self.before = [margin(size, padded) for size, padded in zip(self.size, self.padded)]
        self.cut = [margin(CROP, padded) for padded in self.padded]

    def to_network(self, slices: torch.Tensor) -> torch.Tensor:
        """N×H×W to N×1×192×192: padded with each slice's minimum."""
        padded = slices.amin(dim=(1, 2), keepdim=True).repeat(1, *self.padded)
        (y, x), (height, width) = self.before, self.size
        padded[:, y : y + height, x : x + width] = slices
        (y, x) = self.cut
        return min_max(padded[:, None, y : y + CROP, x : x + CROP])

    def from_network(self, probabilities: torch.Tensor) -> torch.Tensor:
        """N×C×192×192 to N×C×H×W: background where the networks saw nothing."""
        count, classes = probabilities.shape[:2]
        padded = torch.zeros(count, classes, *self.padded, device=probabilities.device)
        padded[:, 0] = 1
        (y, x) = self.cut
        padded[:, :, y : y + CROP, x : x + CROP] = probabilities
        (y, x), (height, width) = self.before, self.size
        return padded[:, :, y : y + height, x : x + width]


class FileSegmenter:
    """What both ways have in common."""

    def __init__(self, networks, iterations, device):
        self.device = torch.device(device)
        self.network = Eager(stages(networks, iterations), None, self.device, None)

    @torch.inference_mode()
    def probabilities(self, slices: torch.Tensor) -> torch.Tensor:
        """Resampled slices N×H×W in [0, 1] to probabilities N×C×H×W."""
        grid = NetworkGrid(*slices.shape[1:])
        batches = grid.to_network(slices.to(self.device)).split(BATCH)
        return grid.from_network(torch.cat([torch.softmax(self.network(batch), 1) for batch in batches]))


class NibabelSegmenter(FileSegmenter):
    """nibabel reads and writes, PyTorch resamples: by a matrix along each axis."""

    @torch.inference_mode()
    def run(self, source: str, target: str):
        import nibabel

        file = nibabel.load(source)
        # Axes x, y, z in the file; z, y, x here.
        image = numpy.ascontiguousarray(file.get_fdata(dtype=numpy.float32).T)
        x_spacing, y_spacing, _ = file.header.get_zooms()
        _, height, width = image.shape
        rows = self.matrices(height, float(y_spacing))
        columns = self.matrices(width, float(x_spacing))
        slices = windowed(image).to(self.device)
        probabilities = self.probabilities(rows[0] @ slices @ columns[0].T)
        probabilities = rows[1] @ probabilities @ columns[1].T
        labels = classes(probabilities).cpu().numpy()
        result = nibabel.Nifti1Image(labels.T, file.affine, file.header)
        result.set_data_dtype(numpy.uint8)
        nibabel.save(result, target)

    def matrices(self, size: int, spacing: float):
        """There and back along one axis."""
        there = resampled_size(size, spacing)
        forward = interpolation(size, spacing, there, SPACING)
        backward = interpolation(there, SPACING, size, spacing)
        return forward.to(self.device), backward.to(self.device)


class SimpleItkSegmenter(FileSegmenter):
    """SimpleITK reads, resamples and writes."""

    @torch.inference_mode()
    def run(self, source: str, target: str):
        import SimpleITK as sitk

        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(torch.get_num_threads())
        file = sitk.ReadImage(source, sitk.sitkFloat32)
        low, high = window(sitk.GetArrayViewFromImage(file))
        scaled = sitk.Clamp(sitk.ShiftScale(file, -low, 1 / (high - low)), sitk.sitkFloat32, 0, 1)
        grid = self.network_grid(file)
        resampled = sitk.Resample(scaled, grid, sitk.Transform(), sitk.sitkLinear)
        slices = torch.from_numpy(sitk.GetArrayFromImage(resampled))
        probabilities = self.probabilities(slices).permute(0, 2, 3, 1).cpu().contiguous().numpy()
        maps = sitk.GetImageFromArray(probabilities, isVector=True)
        maps.CopyInformation(grid)
        maps = sitk.Resample(maps, file, sitk.Transform(), sitk.sitkLinear)
        labels = sitk.GetArrayViewFromImage(maps).argmax(-1).astype(numpy.uint8)
        result = sitk.GetImageFromArray(labels)
        result.CopyInformation(file)
        sitk.WriteImage(result, target)

    @staticmethod
    def network_grid(image):
        """An image of the networks' spacing in the plane, with the centre of `image`."""
        import SimpleITK as sitk

        size, spacing = list(image.GetSize()), list(image.GetSpacing())
        centre = image.TransformContinuousIndexToPhysicalPoint([(count - 1) / 2 for count in size])
        for axis in (0, 1):
            size[axis], spacing[axis] = resampled_size(size[axis], spacing[axis]), SPACING
        grid = sitk.Image(size, sitk.sitkFloat32)
        grid.SetSpacing(spacing)
        grid.SetDirection(image.GetDirection())
        middle = grid.TransformContinuousIndexToPhysicalPoint([(count - 1) / 2 for count in size])
        grid.SetOrigin([wanted - found for wanted, found in zip(centre, middle)])
        return grid


READERS = {"nibabel": NibabelSegmenter, "simpleitk": SimpleItkSegmenter}
