"""Many pictures through the engine, a few at a time, so that other visitors' pictures find room between them. Nothing here draws."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from sevis.app.gathering import Brought
from sevis.batch import Batch, Seen
from sevis.engine import Busy, OutOfMemory, Ticket
from sevis.figures.overlay import shrunk
from sevis.records import GateAverage, GateSite, Inspection

__all__ = ["IN_FLIGHT", "Answers", "answers"]

IN_FLIGHT = 8  # half of the engine's largest batch: the other half is open to everybody else
THUMBNAIL = 160  # px

Key = TypeVar("Key")


@dataclass
class Answers:
    """What one network said of the pictures of a batch so far; its session owns it and fills it.

    Attributes:
        network: the engine's name for it.
        seen: what is kept of each picture, by the digest of its file.
        failed: the sentence on each picture that could not be answered, by digest.
    """

    network: str
    model: str = ""
    sites: tuple[GateSite, ...] = ()
    averages: tuple[GateAverage, ...] = ()
    seen: dict[str, Seen] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def take(self, digest: str, answer: Inspection | OutOfMemory) -> None:
        """Keep the little of an answer that the page needs; its maps are let go."""
        if isinstance(answer, OutOfMemory):
            self.failed[digest] = str(answer)
            return
        self.model, self.sites, self.averages = answer.model, answer.sites, answer.averages
        self.seen[digest] = Seen.of(answer, shrunk(answer.image, THUMBNAIL))

    def missing(self, pictures: Sequence[Brought]) -> list[Brought]:
        """The pictures without an answer, each file once."""
        known = self.seen.keys() | self.failed.keys()
        return list({picture.digest: picture for picture in pictures if picture.digest not in known}.values())

    def batch(self, pictures: Sequence[Brought]) -> tuple[Batch, tuple[Brought, ...]]:
        """The batch of the pictures that were answered, and those pictures."""
        answered = tuple(picture for picture in pictures if picture.digest in self.seen)
        seen = tuple(self.seen[picture.digest] for picture in answered)
        return Batch(self.model, self.sites, self.averages, tuple(picture.title for picture in answered), seen), answered


def answers(
    pictures: Iterable[tuple[Key, np.ndarray]], ask: Callable[[np.ndarray], Ticket], check: Callable[[], None]
) -> Generator[tuple[Key, Inspection | OutOfMemory], None, None]:
    """One answer a picture (key, pixels), in their order; what still waits is cancelled when the caller stops or an answer raises.

    Args:
        ask: gives the ticket for a picture; when it raises Busy, one answer is waited for before it is asked again.
        check: called every 0.1 s while waiting; whatever it raises ends everything.
    """
    waiting: deque[tuple[Key, Ticket]] = deque()
    try:
        for key, pixels in pictures:
            if len(waiting) == IN_FLIGHT:
                yield _settled(*waiting.popleft(), check)
            ticket = _ticket(pixels, ask)
            while ticket is None and waiting:
                yield _settled(*waiting.popleft(), check)
                ticket = _ticket(pixels, ask)
            waiting.append((key, ticket or ask(pixels)))
        while waiting:
            yield _settled(*waiting.popleft(), check)
    finally:
        for _, ticket in waiting:
            ticket.cancel()


def _ticket(pixels: np.ndarray, ask: Callable[[np.ndarray], Ticket]) -> Ticket | None:
    try:
        return ask(pixels)
    except Busy:
        return None


def _settled(key: Key, ticket: Ticket, check: Callable[[], None]) -> tuple[Key, Inspection | OutOfMemory]:
    """A picture's answer; that it alone did not fit into memory is an answer too."""
    try:
        return key, ticket.result(check)
    except OutOfMemory as error:
        return key, error
