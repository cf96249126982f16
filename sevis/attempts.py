"""A batch that survives a bad picture and a full memory: one outcome for each, an answer or an exception.

Nothing is raised but DeviceLost: what no later attempt can survive either.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from sevis.memory import NO_ROOM, OutOfMemory, is_full
from sevis.tickets import Stopped

__all__ = ["DeviceLost", "attempt", "attempt_each", "attempt_twice", "aware_of_loss"]

Item = TypeVar("Item")
Answer = TypeVar("Answer")


# What CUDA and ROCm say of a fault after which every later call of the process fails too; torch raises an AcceleratorError with these
# words, and RuntimeError before 2.9 (CUDA Runtime API, cudaError: "The process must be terminated and relaunched").
LOST = (
    "device-side assert",
    "illegal memory access",
    "illegal instruction",
    "misaligned address",
    "unspecified launch failure",
    "uncorrectable ECC error",
    "hardware stack error",
)


class DeviceLost(Stopped):
    """The device answers nothing any more in this process; a new process can use it again."""


def attempt_each(
    run: Callable[[Sequence[Item]], Sequence[Answer]], items: Sequence[Item], free_memory: Callable[[], None]
) -> list[Answer | BaseException]:
    """The answer or the exception of each item, from as few runs as it takes.

    A batch that raises is halved until it succeeds or a single item is left. One rule serves both reasons to raise: too many pictures
    for the memory come down to a size that fits, and one bad picture fails alone (one of 16: 9 runs; each of them alone: 17).
    """
    if len(items) == 1:
        only = attempt_twice(lambda: run(items), free_memory)
        return [only] if isinstance(only, BaseException) else list(only)
    outcome = attempt(lambda: run(items))
    if not isinstance(outcome, BaseException):
        return list(outcome)
    middle = len(items) // 2
    return attempt_each(run, items[:middle], free_memory) + attempt_each(run, items[middle:], free_memory)


def attempt_twice(action: Callable[[], Answer], free_memory: Callable[[], None]) -> Answer | BaseException:
    """The action's result or exception; where memory runs out, once more after `free_memory()`, and then OutOfMemory."""
    outcome = attempt(action)
    if not _found_no_room(outcome):
        return outcome
    free_memory()
    outcome = attempt(action)
    if not _found_no_room(outcome):
        return outcome
    return OutOfMemory(NO_ROOM)


def _found_no_room(outcome: object) -> bool:
    """Whether the memory was full, for the action or for the smallest part that it came down to."""
    return isinstance(outcome, OutOfMemory) or is_full(outcome)


def attempt(action: Callable[[], Answer]) -> Answer | BaseException:
    """The action's result or exception, BaseException too: a SystemExit from one network must not take the others' answers along.

    It is returned, so that the caller goes on outside this except block: inside, the failed frames and their tensors live on
    (PyTorch FAQ, "My out of memory exception handler can't allocate memory").
    """
    try:
        with aware_of_loss():
            return action()
    except DeviceLost:
        raise
    except BaseException as error:
        _turn_frames_into_text(error)
        return error


@contextmanager
def aware_of_loss() -> Iterator[None]:
    """Raise DeviceLost in place of what torch raises where the device is lost."""
    try:
        yield
    except RuntimeError as error:
        if not _says(error, LOST):
            raise
        told = str(error).partition("\n")[0]
    else:
        return
    raise DeviceLost(f"The device failed ({told}) and the server starts anew; try again in a minute.")


def _turn_frames_into_text(error: BaseException) -> None:
    """Keep of the traceback what it says and not what it holds.

    Every frame holds its locals and, through f_back, its callers': an exception that a visitor's page keeps would keep the network.
    """
    if not hasattr(error, "__notes__"):  # one exception may be raised again and again
        error.add_note("Raised in the engine:\n" + "".join(traceback.format_tb(error.__traceback__)))
    link: BaseException | None = error
    while link is not None:
        link.__traceback__ = None
        link = link.__cause__ or link.__context__


def _says(error: BaseException, words: Sequence[str]) -> bool:
    return any(each in str(error) for each in words)
