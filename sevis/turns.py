"""Turns at something that only one thread should use at a time: first come, first served. Nothing here knows what it is."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition
from typing import final

from sevis.tickets import SLICE

__all__ = ["Turns"]


@final
class Turns:
    """A lock that is passed on in the order in which it was asked for.

    Python's own lock goes to whoever is quickest: a thread that gives it back and asks again at once keeps the others out.
    """

    def __init__(self) -> None:
        self._changed = Condition()
        self._line: deque[object] = deque()  # the first has its turn

    @contextmanager
    def mine(self, check: Callable[[], None] = lambda: None) -> Iterator[None]:
        """This thread's turn until the block ends; `check` is called every 0.1 s before it comes, and gives up by raising."""
        place = object()
        with self._changed:
            self._line.append(place)
        try:
            self._wait(place, check)
            yield
        finally:
            with self._changed:
                self._line.remove(place)
                self._changed.notify_all()

    def _wait(self, place: object, check: Callable[[], None]) -> None:
        while not self._is_first(place):
            check()

    def _is_first(self, place: object) -> bool:
        """Whether the place comes to the head of the line within SLICE seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: self._line[0] is place, SLICE)
