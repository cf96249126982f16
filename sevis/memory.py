"""A device's memory that is full: how it is known, how it is told, and work that comes down to a size that fits."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

__all__ = ["NO_ROOM", "OutOfMemory", "aware_of_full_memory", "in_parts", "is_full"]

Made = TypeVar("Made")

# where torch has no OutOfMemoryError for it: the CPU's allocator, cuBLAS, MPS
FULL = ("can't allocate memory", "out of memory", "CUBLAS_STATUS_ALLOC_FAILED")
NO_ROOM = "The device's memory is full, however little is done at a time; try a smaller network, or again when others are done."


class OutOfMemory(RuntimeError):
    """The smallest piece of the work, mostly one picture, or one network did not fit in the device's memory."""


@contextmanager
def aware_of_full_memory() -> Iterator[None]:
    """Raise OutOfMemory in place of what torch raises where memory runs out, outside the block that raised."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_full(error):
            raise
    else:
        return
    raise OutOfMemory(NO_ROOM)


def in_parts(make: Callable[[Any], Made], items: Any) -> list[Made]:
    """What is made of all items (a sequence, or a tensor's rows) at once; where memory runs out, of halves of them and of halves of those.

    Raises:
        OutOfMemory: there is no room for a single one.
    """
    try:
        with aware_of_full_memory():
            return [make(items)]
    except OutOfMemory:
        if len(items) <= 1:
            raise
    # outside of the except block: inside, the failed frames and their tensors live on
    middle = len(items) // 2
    return in_parts(make, items[:middle]) + in_parts(make, items[middle:])


def is_full(outcome: object) -> bool:
    """Whether it is the exception of a full memory; where torch is not loaded, nobody can have raised torch's own."""
    torch_error: type[BaseException] = getattr(sys.modules.get("torch"), "OutOfMemoryError", MemoryError)
    told = isinstance(outcome, RuntimeError) and any(each in str(outcome) for each in FULL)
    return told or isinstance(outcome, MemoryError | torch_error)
