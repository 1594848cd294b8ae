"""Intensities of a volume as the networks want them (docs/METHOD.md §5)."""

import numpy
import torch


def window(image: numpy.ndarray) -> tuple[float, float]:
    """The 2nd and the 98th percentile of a volume."""
    low, high = numpy.percentile(image, (2, 98))
    return float(low), float(high)


def windowed(image: numpy.ndarray) -> torch.Tensor:
    """A volume clipped to its window and scaled to [0, 1]."""
    low, high = window(image)
    return torch.from_numpy(image).sub(low).div_(high - low).clamp_(0, 1)


def min_max(slices: torch.Tensor) -> torch.Tensor:
    """Each slice (the last two axes) scaled from its least and greatest value to [0, 1]."""
    low = slices.amin(dim=(-2, -1), keepdim=True)
    span = slices.amax(dim=(-2, -1), keepdim=True) - low
    return (slices - low) / torch.where(span > 0, span, 1)
