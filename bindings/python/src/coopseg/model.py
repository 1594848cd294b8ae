"""Models: the two networks with their class names and preprocessing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ctypes import byref, c_size_t, pointer
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import _native
from ._call import Options, PathLike, call, call_handle, call_json, call_text, options, path
from ._handle import Handle
from ._kinds import given_image, given_labels
from .errors import InvalidArgumentError, InvalidShapeError
from .images import Array, describe_output


@dataclass
class HardExample:
    """What latent masking makes of an image. N is its number of slices, H×W the networks' size ("preprocess", "crop"
    of `Model.info`), c the number of "code_channels". All are float32, None where not asked for.

    Attributes:
        input: (N, H, W): the preprocessed image that the networks saw, in [0, 1].
        image: (N, H, W): what the image decoder makes of the masked image code, in (0, 1).
        segmentation: (classes, N, H, W): probabilities of what the segmentation decoder makes of the masked shape code.
        image_mask: (c, N, H/16, W/16): the factors of the image code's mask.
        shape_mask: (c, N, H/16, W/16): the factors of the shape code's mask.
    """

    input: Array | None = None
    image: Array | None = None
    segmentation: Array | None = None
    image_mask: Array | None = None
    shape_mask: Array | None = None


class Model(Handle):
    """The two networks with their class names and preprocessing. A model never changes once made: any number of
    segmenters, trainers and threads may use it at once."""

    _noun = "model"

    def __init__(self, config: Options = None, **keys: Any) -> None:
        """Makes a model with initial weights, which depend on the configuration's seed alone.

        Args:
            config: Training configuration, a mapping or JSON text; "network", "preprocess" and "seed" matter here.
            **keys: Single keys of it, put over `config`.

        Raises:
            InvalidConfigError, OutOfMemoryError.
        """
        self._own(call_handle("model_new", options(config, keys)))

    @classmethod
    def load(cls, file: PathLike) -> Model:
        """Loads a model file written by `Model.save` or `Trainer.save_best`.

        Raises:
            MissingFileError, FileIOError, FileFormatError, UnsupportedFileError (written by a later version),
            WeightsError, OutOfMemoryError.
        """
        return cls._adopt(call_handle("model_load", path(file)))

    @classmethod
    def import_checkpoint(cls, directory: PathLike, config: Options = None, **keys: Any) -> Model:
        """Imports a checkpoint directory of the published PyTorch code (image_encoder.pth and so on). Nothing in the
        files is executed; width and number of classes come from them.

        Args:
            directory: Path of the directory.
            config: What the files do not hold: "network.classes" (names), "network.code_sharing" and "preprocess".
            **keys: Single keys of it, put over `config`.

        Raises:
            InvalidConfigError, MissingFileError, FileIOError, FileFormatError, UnsupportedFileError, WeightsError.
        """
        return cls._adopt(call_handle("model_import", path(directory), options(config, keys)))

    def save(self, file: PathLike) -> None:
        """Writes the model to one file, whole or not at all; an existing file is replaced.

        Raises:
            MissingFileError (no such folder), FileIOError.
        """
        call("model_save", self._pointer, path(file))

    def info(self) -> dict[str, Any]:
        """Describes the model: "architecture", "parameters" (their number), "class_names", "preprocess" and "training"
        (configuration and history, or None)."""
        return dict(call_json("model_info", self._pointer))

    @property
    def class_names(self) -> list[str]:
        """Names of the classes in the order of their label values, background first."""
        count = c_size_t()
        call("model_class_count", self._pointer, byref(count))
        return [call_text("model_class_name", self._pointer, index) for index in range(count.value)]

    @property
    def channel_count(self) -> int:
        """How many channels the model's images have."""
        count = c_size_t()
        call("model_channel_count", self._pointer, byref(count))
        return count.value

    def clone(self) -> Model:
        """A second object for the same model, closed on its own. The weights are shared."""
        return type(self)._adopt(call_handle("model_clone", self._pointer))

    def hard_example(
        self,
        image: Any,
        labels: Any,
        outputs: Iterable[str] = ("input", "image", "segmentation"),
        *,
        spacing: Sequence[float] | None = None,
        axes: str | None = None,
        options: Options = None,
        **keys: Any,
    ) -> HardExample:
        """Makes the hard examples that training would make of an image: masks both latent codes of every slice and
        decodes them. The slices form one batch, whose statistics normalise it as in training.

        Args:
            image: As for `Segmenter.segment`; of one channel.
            labels: Class indices on the image's grid, any integer type; an array has the image's axes.
            outputs: Names of the attributes of `HardExample`.
            spacing: Of an array, along x, y, z in mm.
            axes: Of arrays.
            options: A mapping or JSON text; see `coopseg.config.schema("hard_example")`.
            **keys: Single options: ``scheme``, ``fraction``, ``soft``, ``seed``, ``threshold``, ``rescale``.

        Raises:
            InvalidArgumentError, InvalidShapeError, InvalidGeometryError, InvalidLabelError, InvalidConfigError.
        """
        given = given_image(image, spacing, axes)
        if len(given.channels) != 1:
            raise InvalidShapeError(f"the image has {len(given.channels)} channels; expected one")
        reference = given_labels(labels, given)
        arrays = self._hard_outputs(outputs, slices=(*given.first.size, 1)[2])
        described = {
            name: describe_output(array, "czyx"[4 - array.ndim :], array.ndim) for name, array in arrays.items()
        }
        maps = _native.CHardExample(**{name: pointer(buffer) for name, buffer in described.items()})
        call(
            "model_hard_example",
            self._pointer,
            byref(given.first._describe()),
            byref(reference._describe()),
            _json(options, keys),
            byref(maps),
        )
        return HardExample(**arrays)

    def _hard_outputs(self, outputs: Iterable[str], slices: int) -> dict[str, Array]:
        info = self.info()
        width, height = info["preprocess"]["crop"]
        code = info["architecture"]["code_channels"], slices, height // 16, width // 16
        shapes = {
            "input": (slices, height, width),
            "image": (slices, height, width),
            "segmentation": (len(info["class_names"]), slices, height, width),
            "image_mask": code,
            "shape_mask": code,
        }
        wanted = [outputs] if isinstance(outputs, str) else list(outputs)
        for name in wanted:
            if name not in shapes:
                raise InvalidArgumentError(f'there is no output "{name}"; expected some of {", ".join(shapes)}')
        return {name: np.empty(shapes[name], np.float32) for name in wanted}


# A method's own parameter has this name.
_json = options
