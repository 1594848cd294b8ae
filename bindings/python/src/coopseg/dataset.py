"""Datasets: lists of cases, in files, in memory, or synthetic."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from ctypes import POINTER, byref, c_char_p, c_size_t, c_void_p, pointer
from dataclasses import dataclass
from typing import Any, overload

from . import _native
from ._call import Options, PathLike, call, call_handle, call_json, class_count, options, path, take_text, text
from ._handle import Handle
from ._kinds import given_image, given_labels
from .errors import Error
from .images import Image, image_of_volume

# What borrowed cases need to stay alive, until the library says that it needs them no longer.
_borrowed: dict[int, Any] = {}
_tokens = itertools.count(1)


def _forget(token: int | None) -> None:
    _borrowed.pop(token or 0, None)


_release = _native.ReleaseCallback(_forget)


@dataclass(frozen=True)
class Case:
    """One case of a dataset.

    Attributes:
        name: "subject" or "subject/frame".
        image: Path of the image; None for a case in memory.
        labels: Path of the label map; None where there is none or the case is in memory.
    """

    name: str
    image: str | None
    labels: str | None


class Dataset(Handle):
    """A list of cases: images with (or without) their label maps. ``len``, iteration and indexing give `Case`; a slice
    or `select` gives a dataset."""

    _noun = "dataset"

    def __init__(self) -> None:
        """Makes an empty dataset, for `add`."""
        self._own(call_handle("dataset_new"))

    @classmethod
    def open(cls, folder: PathLike, options: Options = None, **keys: Any) -> Dataset:
        """Finds the cases of a folder of NIfTI files, or of a JSON or CSV list. Files are read when they are needed.

        Args:
            folder: Path of the folder or list.
            options: A mapping or JSON text; see `coopseg.config.schema("folder")`.
            **keys: Single options: ``layout``, ``image`` and ``label`` (patterns), ``label_map``, ``keep_unlabelled``,
                ``subjects``.

        Raises:
            MissingFileError, FileIOError, InvalidConfigError; InvalidDatasetError: no match, a missing label or
            subject, by name.
        """
        return cls._adopt(call_handle("dataset_open", path(folder), _json(options, keys)))

    @classmethod
    def synthetic(cls, options: Options = None, **keys: Any) -> Dataset:
        """Makes synthetic short-axis hearts as different scanners would show them (1 LV cavity, 2 myocardium, 3 RV).

        Args:
            options: A mapping or JSON text; see `coopseg.config.schema("synthetic")`.
            **keys: Single options: ``subjects``, ``scanner``, ``seed``, ``slices``, ``size``, ``spacing``,
                ``artefact``.

        Raises:
            InvalidConfigError, OutOfMemoryError.
        """
        return cls._adopt(call_handle("dataset_synthetic", _json(options, keys)))

    def add(
        self,
        name: str,
        image: Any,
        labels: Any = None,
        *,
        spacing: Sequence[float] | None = None,
        axes: str | None = None,
        copy: bool = True,
    ) -> None:
        """Adds a case from memory.

        Args:
            name: Unique in the dataset: "subject" or "subject/frame".
            image: As for `Segmenter.segment`, of one or several channels.
            labels: Class indices 0 to 254 on the image's grid, any integer type; an array has the image's axes and
                geometry. None where there are none.
            spacing: Of an array, along x, y, z in mm.
            axes: Of arrays.
            copy: Whether the voxels are copied. If not, the dataset and the trainers made from it read the arrays where
                they lie and keep them alive: they must not change. Label values are then looked at when the case is
                used.

        Raises:
            InvalidDatasetError: The name is taken.
            InvalidShapeError, InvalidGeometryError, InvalidArgumentError, InvalidLabelError, BusyError.
        """
        given = given_image(image, spacing, axes)
        reference = None if labels is None else given_labels(labels, given)
        channels = [channel._describe() for channel in given.channels]
        pointers = (POINTER(_native.CImage) * len(channels))(*map(pointer, channels))
        labels_pointer = None if reference is None else byref(reference._describe())
        encoded = text(name, "the name")
        if not copy:
            token = next(_tokens)
            _borrowed[token] = (given, image, reference, labels)
            try:
                call(
                    "dataset_borrow",
                    self._pointer, encoded, pointers, len(channels), labels_pointer, _release, c_void_p(token),
                )  # fmt: skip
            except Error:
                # After anything else, such as Ctrl-C as the call returns, the library may have the case.
                _borrowed.pop(token, None)
                raise
        elif len(channels) == 1:
            call("dataset_add", self._pointer, encoded, byref(channels[0]), labels_pointer)
        else:
            call("dataset_add_channels", self._pointer, encoded, pointers, len(channels), labels_pointer)

    def select(self, indices: Iterable[int]) -> Dataset:
        """A dataset of some cases, in the order of their indices from 0. Images in memory are shared.

        Raises:
            InvalidArgumentError: An index that is outside or named twice, or none.
        """
        count = len(self)
        wanted = [index + count if index < 0 else index for index in indices]
        array = (c_size_t * len(wanted))(*wanted)
        return type(self)._adopt(call_handle("dataset_select", self._pointer, array, len(wanted)))

    def split(self, options: Options = None, **keys: Any) -> tuple[Dataset, Dataset]:
        """Splits in two, with all cases of a subject on one side.

        Args:
            options: A mapping or JSON text; see `coopseg.config.schema("split")`.
            **keys: Single options, among them one of ``held_out`` (subjects), ``fraction`` and ``folds`` (with
                ``fold``); ``seed``.

        Returns:
            What is left to train with, and the held-out part.

        Raises:
            InvalidConfigError; InvalidDatasetError: a subject that is not there, or an empty part.
        """
        held_out = c_void_p()
        encoded = _json(options, keys)
        first = c_void_p()
        call("dataset_split", self._pointer, encoded, byref(first), byref(held_out))
        assert first.value is not None and held_out.value is not None
        return type(self)._adopt(first.value), type(self)._adopt(held_out.value)

    def info(self) -> dict[str, Any]:
        """Describes the dataset: "count" and "cases", each with "name", "subject", "attributes", "has_labels", "image" and
        "label" (paths, or None) and "frame" (which volume of a 4-D file, or None)."""
        return dict(call_json("dataset_info", self._pointer))

    def load(self, index: int, classes: int) -> tuple[Image, Image | None]:
        """Reads one case, whose image has one channel.

        Args:
            index: From 0; negative ones count from the end.
            classes: Number of classes, 2 to 255; label values beyond are refused.

        Returns:
            The image (float32) and the class indices after the dataset's label map (uint8; None where the case has
            none), both indexed [z, y, x].

        Raises:
            IndexError; InvalidArgumentError (number of classes); InvalidLabelError; InvalidShapeError (several channels,
            or labels of another shape); InvalidGeometryError (image and labels on different grids); what reading files
            raises.
        """
        image, labels = c_void_p(), c_void_p()
        call("dataset_load", self._pointer, self._index(index), class_count(classes), byref(image), byref(labels))
        assert image.value is not None
        return image_of_volume(image.value), None if labels.value is None else image_of_volume(labels.value)

    def load_channels(self, index: int, classes: int) -> tuple[list[Image], Image | None]:
        """Reads one case, whose image has any number of channels.

        Args:
            index, classes: As for `load`.

        Returns:
            The channels in their order (float32, on one grid) and the class indices as `load` gives them.

        Raises:
            What `load` raises, but for several channels.
        """
        # No case has more channels.
        received, labels = (c_void_p * 4)(), c_void_p()
        call(
            "dataset_load_channels",
            self._pointer,
            self._index(index),
            class_count(classes),
            received,
            len(received),
            None,
            byref(labels),
        )
        # NULL, which is None, stands beyond the channels.
        channels = [image_of_volume(volume) for volume in received if volume is not None]
        return channels, None if labels.value is None else image_of_volume(labels.value)

    def write(self, folder: PathLike) -> None:
        """Writes every case as ``<folder>/<name>/image.nii.gz`` and, where it has labels, ``label.nii.gz``, with "_" for
        every "/" of a name, and the list ``cases.json``, by which `open` finds them.

        Raises:
            InvalidDatasetError: Two cases would share a folder.
            FileFormatError: A ``cases.json`` that is no list is there.
            FileIOError; what reading the cases raises.
        """
        call("dataset_write", self._pointer, path(folder))

    def __len__(self) -> int:
        count = c_size_t()
        call("dataset_count", self._pointer, byref(count))
        return count.value

    def __bool__(self) -> bool:
        return True

    @overload
    def __getitem__(self, index: int) -> Case: ...

    @overload
    def __getitem__(self, index: slice) -> Dataset: ...

    def __getitem__(self, index: int | slice) -> Case | Dataset:
        if isinstance(index, slice):
            return self.select(range(*index.indices(len(self))))
        name, image, labels = c_char_p(), c_char_p(), c_char_p()
        call("dataset_case", self._pointer, self._index(index), byref(name), byref(image), byref(labels))
        return Case(take_text(name) or "", take_text(image), take_text(labels))

    def __iter__(self) -> Iterator[Case]:
        return (self[index] for index in range(len(self)))

    def _index(self, index: int) -> int:
        count = len(self)
        if not -count <= index < count:
            raise IndexError(f"case {index} of a dataset of {count}")
        return index % count


# Methods have a parameter of this name.
_json = options
