"""The C interface as ctypes sees it: include/coopseg/coopseg.h, name by name."""

from __future__ import annotations

import ctypes
from ctypes import (
    CFUNCTYPE,
    POINTER,
    Structure,
    c_char_p,
    c_double,
    c_float,
    c_int32,
    c_int64,
    c_size_t,
    c_uint8,
    c_uint32,
    c_uint64,
    c_void_p,
)
from typing import Any

ABI_VERSION = 1

OK = 0
CANCELLED = 300
FILE_NOT_FOUND = 100

MEMORY_HOST, MEMORY_CUDA = 0, 1

LOG_ERROR, LOG_WARNING, LOG_INFO = 1, 2, 3

#: ``COOPSEG_U8`` to ``COOPSEG_F64`` by numpy's kind and size of the type.
DTYPES = {
    ("u", 1): 1,
    ("i", 1): 2,
    ("u", 2): 3,
    ("i", 2): 4,
    ("u", 4): 5,
    ("i", 4): 6,
    ("u", 8): 7,
    ("i", 8): 8,
    ("f", 4): 9,
    ("f", 8): 10,
}
DTYPE_NAMES = {1: "u1", 2: "i1", 3: "u2", 4: "i2", 5: "u4", 6: "i4", 7: "u8", 8: "i8", 9: "f4", 10: "f8"}

EVENT_KINDS = {1: "step", 2: "validation", 3: "finished", 4: "snapshot"}


class Sized(Structure):
    """A struct whose first field is its size."""

    struct_size: int

    def __init__(self, **fields: Any) -> None:
        super().__init__(struct_size=ctypes.sizeof(type(self)), **fields)


class CImage(Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("dtype", c_int32),
        ("ndim", c_int32),
        ("shape", c_int64 * 3),
        ("strides", c_int64 * 3),
        ("spacing", c_double * 3),
        ("origin", c_double * 3),
        ("direction", c_double * 9),
        ("data", c_void_p),
        ("data_size", c_size_t),
        ("memory", c_int32),
        ("device_index", c_int32),
    ]


class CBuffer(Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("dtype", c_int32),
        ("ndim", c_int32),
        ("shape", c_int64 * 4),
        ("strides", c_int64 * 4),
        ("data", c_void_p),
        ("data_size", c_size_t),
        ("memory", c_int32),
        ("device_index", c_int32),
    ]


class CEvent(Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("kind", c_int32),
        ("best", c_int32),
        ("epoch", c_uint64),
        ("epochs", c_uint64),
        ("step", c_uint64),
        ("steps_per_epoch", c_uint64),
        ("loss", c_double),
        ("loss_segmentation", c_double),
        ("loss_segmentation_dice", c_double),
        ("loss_reconstruction", c_double),
        ("loss_shape_from_prediction", c_double),
        ("loss_shape_from_label", c_double),
        ("loss_hard_segmentation", c_double),
        ("loss_hard_segmentation_dice", c_double),
        ("loss_hard_reconstruction", c_double),
        ("loss_hard_shape_from_prediction", c_double),
        ("loss_hard_shape_from_corrupted", c_double),
        ("learning_rate", c_double),
        ("gradient_norm", c_double),
        ("selection", c_double),
        ("mean_iou", c_double),
        ("fast_dice", c_double),
        ("refined_dice", c_double),
        ("fast_dice_per_class", POINTER(c_double)),
        ("refined_dice_per_class", POINTER(c_double)),
        ("classes", c_size_t),
        ("examples_per_second", c_double),
        ("waiting_share", c_double),
        ("memory_bytes", c_uint64),
        ("seconds_elapsed", c_double),
        ("seconds_left", c_double),
    ]


class CSegmentation(Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("labels", POINTER(CBuffer)),
        ("fast_labels", POINTER(CBuffer)),
        ("probabilities", POINTER(CBuffer)),
        ("entropy", POINTER(CBuffer)),
        ("disagreement", POINTER(CBuffer)),
    ]


class CSegmentationFiles(Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("labels", c_char_p),
        ("fast_labels", c_char_p),
        ("probabilities", c_char_p),
        ("entropy", c_char_p),
        ("disagreement", c_char_p),
    ]


class CHardExample(Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("input", POINTER(CBuffer)),
        ("image", POINTER(CBuffer)),
        ("segmentation", POINTER(CBuffer)),
        ("image_mask", POINTER(CBuffer)),
        ("shape_mask", POINTER(CBuffer)),
    ]


class COverviewRow(Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("title", c_char_p),
        ("image", POINTER(CImage)),
        ("reference", POINTER(CImage)),
        ("fast_labels", POINTER(CImage)),
        ("labels", POINTER(CImage)),
        ("entropy", POINTER(CImage)),
        ("slice", c_int64),
    ]


LogCallback = CFUNCTYPE(None, c_int32, c_char_p, c_void_p)
ReleaseCallback = CFUNCTYPE(None, c_void_p)
EventCallback = CFUNCTYPE(c_int32, POINTER(CEvent), c_void_p)
SegmentationCallback = CFUNCTYPE(c_int32, c_size_t, c_size_t, c_void_p)
EvaluationCallback = CFUNCTYPE(c_int32, c_char_p, c_size_t, c_size_t, c_double, c_void_p)

_Text = POINTER(c_char_p)
_Handle = POINTER(c_void_p)
_Image = POINTER(CImage)
_Images = POINTER(_Image)
#: A callback that hears of slices, and what it is given.
_Hearing = (SegmentationCallback, c_void_p)

#: Functions that return a status, with their parameters.
STATUS_FUNCTIONS: dict[str, list[Any]] = {
    "last_error": [c_char_p, c_size_t, POINTER(c_size_t)],
    "string_free": [c_char_p],
    "load_libtorch": [c_char_p],
    "build_info": [_Text],
    "devices": [_Text],
    "set_threads": [c_int32],
    "threads": [POINTER(c_int32)],
    "set_seed": [c_uint64],
    "set_log_callback": [LogCallback, c_int32, c_void_p],
    "cpu_cache_set_limit": [c_uint64],
    "cpu_cache_release": [],
    "cpu_cache_info": [_Text],
    "image_init": [c_int32, POINTER(c_int64), POINTER(c_double), c_void_p, _Image],
    "config_default": [c_char_p, _Text],
    "config_check": [c_char_p, _Text],
    "config_schema": [c_char_p, _Text],
    "model_new": [c_char_p, _Handle],
    "model_load": [c_char_p, _Handle],
    "model_import": [c_char_p, c_char_p, _Handle],
    "model_save": [c_void_p, c_char_p],
    "model_info": [c_void_p, _Text],
    "model_class_count": [c_void_p, POINTER(c_size_t)],
    "model_class_name": [c_void_p, c_size_t, _Text],
    "model_channel_count": [c_void_p, POINTER(c_size_t)],
    "model_clone": [c_void_p, _Handle],
    "model_free": [c_void_p],
    "volume_read": [c_char_p, _Handle],
    "volume_read_labels": [c_char_p, _Handle],
    "volume_image": [c_void_p, _Image],
    "image_write": [_Image, c_char_p],
    "volume_free": [c_void_p],
    "dataset_open": [c_char_p, c_char_p, _Handle],
    "dataset_new": [_Handle],
    "dataset_synthetic": [c_char_p, _Handle],
    "dataset_add": [c_void_p, c_char_p, _Image, _Image],
    "dataset_add_channels": [c_void_p, c_char_p, _Images, c_int32, _Image],
    "dataset_select": [c_void_p, POINTER(c_size_t), c_size_t, _Handle],
    "dataset_borrow": [c_void_p, c_char_p, _Images, c_int32, _Image, ReleaseCallback, c_void_p],
    "dataset_split": [c_void_p, c_char_p, _Handle, _Handle],
    "dataset_info": [c_void_p, _Text],
    "dataset_count": [c_void_p, POINTER(c_size_t)],
    "dataset_case": [c_void_p, c_size_t, _Text, _Text, _Text],
    "dataset_load": [c_void_p, c_size_t, c_int32, _Handle, _Handle],
    "dataset_load_channels": [c_void_p, c_size_t, c_int32, _Handle, c_size_t, POINTER(c_size_t), _Handle],
    "dataset_write": [c_void_p, c_char_p],
    "dataset_free": [c_void_p],
    "trainer_new": [c_char_p, c_void_p, c_void_p, c_void_p, _Handle],
    "trainer_resume": [c_char_p, c_char_p, c_void_p, c_void_p, _Handle],
    "trainer_save_snapshot": [c_void_p, c_char_p],
    "trainer_run": [c_void_p, EventCallback, c_void_p],
    "trainer_step": [c_void_p, POINTER(CEvent)],
    "trainer_step_batch": [c_void_p, POINTER(c_float), POINTER(c_uint8), POINTER(c_int64), POINTER(CEvent)],
    "trainer_validate": [c_void_p, _Text],
    "trainer_set_learning_rate": [c_void_p, c_double],
    "trainer_cancel": [c_void_p],
    "trainer_metrics": [c_void_p, _Text],
    "trainer_save_report": [c_void_p, c_char_p],
    "trainer_best_model": [c_void_p, _Handle],
    "trainer_current_model": [c_void_p, _Handle],
    "trainer_save_best": [c_void_p, c_char_p],
    "trainer_free": [c_void_p],
    "segmenter_new": [c_void_p, c_char_p, _Handle],
    "segmenter_run": [c_void_p, _Image, POINTER(CSegmentation), *_Hearing, _Text],
    "segmenter_run_channels": [c_void_p, _Images, c_int32, POINTER(CSegmentation), *_Hearing, _Text],
    "segmenter_run_file": [c_void_p, c_char_p, POINTER(CSegmentationFiles), *_Hearing, _Text],
    "segmenter_run_files": [c_void_p, POINTER(c_char_p), c_int32, POINTER(CSegmentationFiles), *_Hearing, _Text],
    "segmenter_free": [c_void_p],
    "model_hard_example": [c_void_p, _Image, _Image, c_char_p, POINTER(CHardExample)],
    "artefact_simulate": [_Image, c_char_p, c_uint64, POINTER(CBuffer), _Text],
    "dice": [_Image, _Image, c_int32, POINTER(c_double)],
    "surface_distances": [_Image, _Image, c_int32, POINTER(c_double), POINTER(c_double)],
    "evaluation_run": [c_void_p, c_void_p, c_char_p, EvaluationCallback, c_void_p, _Handle],
    "evaluation_load": [c_char_p, _Handle],
    "evaluation_json": [c_void_p, _Text],
    "evaluation_save_json": [c_void_p, c_char_p],
    "evaluation_save_csv": [c_void_p, c_char_p],
    "evaluation_compare": [c_void_p, c_void_p, _Text],
    "evaluation_free": [c_void_p],
    "overview_write": [POINTER(COverviewRow), c_size_t, POINTER(c_char_p), c_int32, c_char_p],
}

#: Functions that return something else: what, and their parameters.
OTHER_FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "status_name": (c_char_p, [c_int32]),
    "version": (c_char_p, []),
    "abi_version": (c_uint32, []),
    "live_handles": (c_size_t, []),
}


def declare(library: ctypes.CDLL) -> None:
    """Tells ctypes the types of every function, so that a wrong call is refused before it is made.

    Raises AttributeError for a function that the library does not have.
    """
    for name, parameters in STATUS_FUNCTIONS.items():
        function = getattr(library, f"coopseg_{name}")
        function.restype, function.argtypes = c_int32, parameters
    for name, (result, parameters) in OTHER_FUNCTIONS.items():
        function = getattr(library, f"coopseg_{name}")
        function.restype, function.argtypes = result, parameters
