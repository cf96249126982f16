"""A batch that survives a bad picture and a full memory: one outcome for each, an answer or an exception, and nothing is raised."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Sequence
from typing import TypeVar

__all__ = ["OutOfMemory", "attempt", "attempt_each", "attempt_twice"]

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class OutOfMemory(RuntimeError):
    """One picture alone, or one network, did not fit in the device's memory, not even after the unused networks had gone."""


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
    if not _is_out_of_memory(outcome):
        return outcome
    free_memory()
    outcome = attempt(action)
    if not _is_out_of_memory(outcome):
        return outcome
    return OutOfMemory("The device's memory is full, even for one picture alone; try a smaller network, or again when others are done.")


def attempt(action: Callable[[], Answer]) -> Answer | BaseException:
    """The action's result or exception, BaseException too: a SystemExit from one network must not take the others' answers along.

    It is returned, so that the caller goes on outside this except block: inside, the failed frames and their tensors live on
    (PyTorch FAQ, "My out of memory exception handler can't allocate memory").
    """
    try:
        return action()
    except BaseException as error:
        _turn_frames_into_text(error)
        return error


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


def _is_out_of_memory(outcome: object) -> bool:
    """Whether it is the exception of a full memory; where torch is not loaded, nobody can have raised torch's own."""
    torch_error: type[BaseException] = getattr(sys.modules.get("torch"), "OutOfMemoryError", MemoryError)
    return isinstance(outcome, MemoryError | torch_error)
