"""Objects that stand for a handle of the C interface."""

from __future__ import annotations

import weakref
from types import TracebackType
from typing import NoReturn, SupportsIndex, TypeVar

from ._library import library
from .errors import InvalidHandleError

Self = TypeVar("Self", bound="Handle")


class Handle:
    """An object of the library. It is freed when it is closed, leaves its ``with`` block or is collected."""

    _noun: str
    _handle: int
    _finalizer: weakref.finalize[[str, int], Handle]

    @classmethod
    def _adopt(cls: type[Self], handle: int) -> Self:
        """The object of a handle that a function returned."""
        new = cls.__new__(cls)
        new._own(handle)
        return new

    def _own(self, handle: int) -> None:
        self._handle = handle
        self._finalizer = weakref.finalize(self, _free, self._noun, handle)

    @property
    def _pointer(self) -> int:
        if self.closed:
            raise InvalidHandleError(f"this {type(self).__name__} was closed")
        return self._handle

    @property
    def closed(self) -> bool:
        """Whether the object was closed and can be used no longer."""
        finalizer = getattr(self, "_finalizer", None)
        return finalizer is None or not finalizer.alive

    def close(self) -> None:
        """Frees what the library holds for this object. Closing twice does nothing; calls that run on other threads
        end normally."""
        if not self.closed:
            self._finalizer()

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        # What copy and pickle would make has the same handle and would free it, or has none.
        raise TypeError(
            f"this {type(self).__name__} belongs to its process and can be neither copied nor pickled; make another "
            "one where it is needed"
        )


def _free(noun: str, handle: int) -> None:
    getattr(library(), f"coopseg_{noun}_free")(handle)
