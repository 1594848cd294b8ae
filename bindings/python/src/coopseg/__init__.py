"""Robust medical image segmentation: two networks that learn together, trained and run by the library coopseg.

    import coopseg

    model = coopseg.Model.load("model.coopseg")
    segmenter = coopseg.Segmenter(model)
    result = segmenter.segment(image, spacing=(1.4, 1.4, 8.0))   # an array that is indexed [z, y, x]
    result.labels                                                # uint8, of the same shape

Images are numpy arrays, what offers DLPack or ``__array_interface__``, :class:`Image`, and images of nibabel and
SimpleITK, which are given back as the same kind. Arrays are indexed ``[z, y, x]`` unless ``axes`` says otherwise;
spacing is in mm and in the order x, y, z.

libcoopseg.so and libtorch are loaded when the first call needs them. Errors are subclasses of :class:`Error` and of
the built-in exception that one would expect.
"""

from . import config
from ._log import set_log_level
from .artefacts import SimulatedArtefact, simulate_artefact
from .dataset import Case, Dataset
from .errors import (
    BusyError,
    CancelledError,
    DeviceUnavailableError,
    DivergedError,
    Error,
    FileFormatError,
    FileIOError,
    InternalError,
    InvalidArgumentError,
    InvalidConfigError,
    InvalidDatasetError,
    InvalidGeometryError,
    InvalidHandleError,
    InvalidLabelError,
    InvalidShapeError,
    InvalidStateError,
    LibraryError,
    LibtorchError,
    LibtorchMismatchError,
    MissingFileError,
    OutOfMemoryError,
    PoisonedError,
    UnsupportedFileError,
    WeightsError,
)
from .evaluation import CaseDone, Evaluation, evaluate
from .events import Event
from .images import Image
from .metrics import SurfaceDistances, dice, surface_distances
from .model import HardExample, Model
from .overview import OverviewRow, write_overview
from .runtime import (
    build_info,
    cpu_cache_info,
    devices,
    live_handles,
    release_cpu_cache,
    set_cpu_cache_limit,
    set_seed,
    set_threads,
    threads,
    version,
)
from .segmenter import Segmentation, Segmenter
from .trainer import Trainer

__version__ = "0.1.0"

__all__ = [
    "BusyError",
    "CancelledError",
    "Case",
    "CaseDone",
    "Dataset",
    "DeviceUnavailableError",
    "DivergedError",
    "Error",
    "Evaluation",
    "Event",
    "FileFormatError",
    "FileIOError",
    "HardExample",
    "Image",
    "InternalError",
    "InvalidArgumentError",
    "InvalidConfigError",
    "InvalidDatasetError",
    "InvalidGeometryError",
    "InvalidHandleError",
    "InvalidLabelError",
    "InvalidShapeError",
    "InvalidStateError",
    "LibraryError",
    "LibtorchError",
    "LibtorchMismatchError",
    "MissingFileError",
    "Model",
    "OutOfMemoryError",
    "OverviewRow",
    "PoisonedError",
    "Segmentation",
    "Segmenter",
    "SimulatedArtefact",
    "SurfaceDistances",
    "Trainer",
    "UnsupportedFileError",
    "WeightsError",
    "build_info",
    "config",
    "cpu_cache_info",
    "devices",
    "dice",
    "evaluate",
    "live_handles",
    "release_cpu_cache",
    "set_cpu_cache_limit",
    "set_log_level",
    "set_seed",
    "set_threads",
    "simulate_artefact",
    "surface_distances",
    "threads",
    "version",
    "write_overview",
]
