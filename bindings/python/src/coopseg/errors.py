"""What can go wrong. Every class is a :class:`Error` and the built-in exception that one would expect."""

from __future__ import annotations


class Error(Exception):
    """Base of everything that coopseg raises.

    Attributes:
        message: What was wrong, with which value, and what was expected.
        status: The number of the C interface's ``coopseg_status``, or None for errors that arise in Python.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.status = status

    def __reduce__(self) -> tuple[type[Error], tuple[str, int | None]]:
        return type(self), (self.message, self.status)


class InvalidArgumentError(Error, ValueError):
    """An argument is outside what the function accepts."""


class InvalidHandleError(Error, ValueError):
    """An object that was closed is used again."""


class InvalidShapeError(Error, ValueError):
    """Shapes, axes or strides do not fit each other."""


class InvalidGeometryError(Error, ValueError):
    """Spacing, origin and direction describe no image grid, or are missing."""


class InvalidLabelError(Error, ValueError):
    """A label value is outside the classes."""


class InvalidConfigError(Error, ValueError):
    """A configuration key is unknown, of the wrong type or out of range."""


class BusyError(Error, RuntimeError):
    """The object is in use by another call."""


class InvalidStateError(Error, RuntimeError):
    """The object cannot do this in its present state."""


class InvalidDatasetError(Error, ValueError):
    """A dataset cannot be used as asked; the message names the case."""


class DivergedError(Error, ArithmeticError):
    """Training reached a loss that is not a finite number."""


class MissingFileError(Error, FileNotFoundError):
    """A file or folder does not exist."""


class FileIOError(Error, OSError):
    """The operating system refused to read or write a file."""


class FileFormatError(Error, ValueError):
    """A file is truncated, corrupt or not of the expected kind."""


class UnsupportedFileError(Error, ValueError):
    """A sound file needs something this version does not have."""


class WeightsError(Error, ValueError):
    """Weights do not fit the networks by name or shape."""


class DeviceUnavailableError(Error, RuntimeError):
    """The device that was asked for cannot be used; the message says why."""


class OutOfMemoryError(Error, MemoryError):
    """Memory ran out, on the host or on the device. The objects involved stay usable."""


class LibtorchError(Error, RuntimeError):
    """libtorch reported an error."""


class LibraryError(Error, ImportError):
    """libcoopseg.so or libtorch cannot be found or loaded."""


class LibtorchMismatchError(LibraryError):
    """The process has loaded another libtorch than coopseg was built for."""


class CancelledError(Error, RuntimeError):
    """A callback asked to stop, or the process is ending. Everything stays usable."""


class InternalError(Error, RuntimeError):
    """A fault of the library; the object that was being changed is unusable from now on."""


class PoisonedError(Error, RuntimeError):
    """The object is unusable after an earlier internal error; it can only be closed."""


BY_STATUS: dict[int, type[Error]] = {
    1: InvalidArgumentError,
    2: InvalidArgumentError,
    3: InvalidHandleError,
    4: InvalidArgumentError,
    5: InvalidShapeError,
    6: InvalidGeometryError,
    7: InvalidLabelError,
    8: InvalidConfigError,
    9: BusyError,
    10: InvalidStateError,
    11: InvalidDatasetError,
    12: DivergedError,
    100: MissingFileError,
    101: FileIOError,
    102: FileFormatError,
    103: UnsupportedFileError,
    104: WeightsError,
    200: DeviceUnavailableError,
    201: OutOfMemoryError,
    202: LibtorchError,
    203: LibtorchMismatchError,
    204: LibraryError,
    300: CancelledError,
    900: InternalError,
    901: PoisonedError,
}


def error_of(status: int, message: str) -> Error:
    """The exception for a status that is not 0."""
    return BY_STATUS.get(status, Error)(message, status)
