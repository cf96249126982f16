"""What a caller may ask the engine, and the ticket that it gets for it. Nothing here runs a network."""

from __future__ import annotations

import concurrent.futures
import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, Protocol, TypeAlias, TypeVar, final

import numpy as np

from sevis.edits import NOTHING, WhatIf
from sevis.records import Inspection, Outcome

__all__ = ["KINDS", "Busy", "Inspector", "Stopped", "Target", "Ticket", "answers", "is_settled", "settle"]

SLICE = 0.1  # seconds between two calls of `check`; Streamlit's own caches look for a rerun as often

T = TypeVar("T")
Target: TypeAlias = int | str | None


class Inspector(Protocol):
    """A network with its preprocessing: pictures of any size in, one inspection each out."""

    @property
    def name(self) -> str: ...

    @property
    def nbytes(self) -> int:
        """The bytes of the weights in memory."""

    @property
    def input_shape(self) -> tuple[int, ...]:
        """What the network crops every picture to; as it is one shape, all pictures of one network can share a batch."""

    def inspect_batch(
        self, pictures: Sequence[np.ndarray], targets: Sequence[Target], what_ifs: Sequence[WhatIf]
    ) -> tuple[Inspection, ...]: ...

    def effects(self, picture: np.ndarray, target: Target) -> tuple[Outcome, ...]: ...


def _inspect(inspector: Inspector, tickets: Sequence[Ticket]) -> Sequence[Inspection]:
    return inspector.inspect_batch(
        [ticket.picture for ticket in tickets], [ticket.target for ticket in tickets], [ticket.what_if for ticket in tickets]
    )


def _effects(inspector: Inspector, tickets: Sequence[Ticket]) -> Sequence[tuple[Outcome, ...]]:
    """One picture fills a batch by itself: every edit of it is a row."""
    return [inspector.effects(ticket.picture, ticket.target) for ticket in tickets]


# A new kind of question is one function and its entry here.
KINDS: dict[str, Callable[[Inspector, Sequence[Ticket]], Sequence[Any]]] = {"inspect": _inspect, "effects": _effects}


class _Line(Protocol):
    """The queue as a ticket knows it: the engine."""

    def place(self, ticket: Ticket) -> int: ...

    def cancel(self, ticket: Ticket) -> bool: ...


class Busy(RuntimeError):
    """The queue is full; `waiting` says how many are in it."""

    def __init__(self, waiting: int) -> None:
        super().__init__(f"{waiting} {'picture is' if waiting == 1 else 'pictures are'} waiting before yours; try again in a moment.")
        self.waiting = waiting


class Stopped(RuntimeError):
    """The engine was closed, or its worker died, before the answer was there."""


@final
class Ticket:
    """One caller's place in the queue, and later its answer.

    Attributes:
        batch: tickets that are equal in this may run together: network and kind (and so the input shape).
        work: tickets of one batch that are equal in this run once: target, edits and picture.
    """

    def __init__(
        self,
        line: _Line,
        network: str,
        picture: np.ndarray,
        target: Target = None,
        kind: str = "inspect",
        what_if: WhatIf = NOTHING,
    ) -> None:
        _check_question(network, picture, target, kind)
        # A copy: the answer is shared with whoever asks about an equal picture, so later changes by this caller must not reach it.
        pixels = picture.tobytes()
        hash(pixels)  # bytes keep their hash: paid here by the caller (2 ms for 1024 x 1024) and not by the worker
        self.network = network
        self.picture = np.frombuffer(pixels, np.uint8).reshape(picture.shape)  # read-only, as np.asarray(image) is
        self.target = target
        self.kind = kind
        self.batch = (network, kind)
        self.what_if = what_if
        self.work = (target, what_if, picture.shape, pixels)
        self.answer: Future[Any] = Future()  # the engine alone settles or cancels it
        self._line = line

    @property
    def place(self) -> int:
        """The place in the queue, from 1; 0 when running or done."""
        return self._line.place(self)

    def cancel(self) -> bool:
        """Leave the queue; whether that was in time, so that the ticket never runs."""
        return self._line.cancel(self)

    def result(self, check: Callable[[], None] = lambda: None, timeout: float | None = None) -> Any:
        """The answer, as soon as it is there.

        Args:
            check: called every 0.1 s while waiting; whatever it raises cancels the ticket and goes on to the caller.
            timeout: seconds until TimeoutError; the ticket keeps its place, so wait again or cancel it.
        """
        try:
            settled = is_settled(self.answer, check, timeout)
        except BaseException:
            self.cancel()
            raise
        if not settled:
            raise TimeoutError(
                f"no answer from network {self.network!r} after {timeout} s (place {self.place}); wait again, or cancel the ticket"
            )
        return self.answer.result()


def answers(inspector: Inspector, tickets: Sequence[Ticket]) -> Sequence[Any]:
    """One answer a ticket, from one batch; all tickets have equal `batch`."""
    made = KINDS[tickets[0].kind](inspector, tickets)
    if len(made) != len(tickets):
        raise ValueError(f"network {tickets[0].network!r} gave {len(made)} answers to {len(tickets)} pictures; expected one each")
    return made


def settle(future: Future[T], outcome: T | BaseException) -> None:
    """Give the future its result, or its exception."""
    if isinstance(outcome, BaseException):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)


def is_settled(future: Future[T], check: Callable[[], None], timeout: float | None = None) -> bool:
    """Whether the future has its result or exception within `timeout` seconds; calls `check` between slices of the wait."""
    end = math.inf if timeout is None else time.monotonic() + timeout
    while not future.done():
        left = end - time.monotonic()
        if left <= 0:
            return False
        if not concurrent.futures.wait([future], min(SLICE, left)).done:
            check()
    return True


def _check_question(network: str, picture: np.ndarray, target: Target, kind: str) -> None:
    """Raise TypeError or ValueError for what no network could answer; the class itself is the network's to check."""
    if kind not in KINDS:
        raise ValueError(f"unknown kind {kind!r}; choose from {tuple(KINDS)}")
    if not isinstance(network, str):
        raise TypeError(f"network is {network!r}; expected its name, a string")
    if not (target is None or isinstance(target, int | str)):
        raise TypeError(f"target is {target!r}; expected a class's index or label, or None for the most probable class")
    way_out = "expected uint8 of shape (H, W, 3), as from np.asarray(image.convert('RGB'))"
    if not isinstance(picture, np.ndarray):
        raise TypeError(f"picture is a {type(picture).__name__}; {way_out}")
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3 or not picture.size:
        raise ValueError(f"picture is {picture.dtype} of shape {picture.shape}; {way_out}")
