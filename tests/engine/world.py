"""A network that is only arithmetic, and the engine that loads it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from threading import Barrier, Event

import numpy as np
import pytest

from sevis.edits import WhatIf
from sevis.engine import Engine, Ticket
from sevis.records import Inspection, Outcome, Prediction

PATIENCE = 20.0  # seconds until a test fails rather than hangs; no passing test waits for it
NBYTES = 100  # of every network here


def picture(number: int) -> np.ndarray:
    image = np.zeros((2, 2, 3), np.uint8)
    image[0, 0] = number % 256, number // 256, 7
    return image


def number_of(image: np.ndarray) -> int:
    return int(image[0, 0, 0]) + 256 * int(image[0, 0, 1])


def inspection(name: str, image: np.ndarray, target: int | str | None) -> Inspection:
    explained = Prediction(0, str(target), 1.0)
    return Inspection(name, "cpu", image, (), explained, float(number_of(image)), (), (), (), None)


class Arithmetic:
    """An inspector that records its batches, can be held in the middle of one, and fails as it is told."""

    input_shape = (3, 2, 2)

    def __init__(self, name: str, nbytes: int = NBYTES) -> None:
        self.name = name
        self.nbytes = nbytes
        self.batches: list[list[int]] = []
        self.before: Callable[[Sequence[int], Sequence[int | str | None]], None] = lambda numbers, targets: None
        self.entered = Event()
        self.released = Event()
        self.released.set()

    def inspect_batch(
        self, pictures: Sequence[np.ndarray], targets: Sequence[int | str | None], what_ifs: Sequence[WhatIf]
    ) -> tuple[Inspection, ...]:
        numbers = [number_of(image) for image in pictures]
        self.batches.append(numbers)
        self.entered.set()
        assert self.released.wait(PATIENCE)
        self.before(numbers, targets)
        answers = (inspection(self.name, image, target) for image, target in zip(pictures, targets, strict=True))
        return tuple(replace(each, edits=tuple(map(str, row.edits))) for each, row in zip(answers, what_ifs, strict=True))

    def effects(self, image: np.ndarray, target: int | str | None) -> tuple[Outcome, ...]:
        self.batches.append([number_of(image)])
        return (Outcome((), (), Prediction(0, str(target), 0.5), float(number_of(image))),)


class World:
    """An engine, the networks that it can load, and what was loaded in which order."""

    def __init__(self, names: str = "abcd", *, budget: int = 10 * NBYTES, **options: int) -> None:
        self.made = {name: Arithmetic(name) for name in names}
        self.loads: list[str] = []
        self.before_load: Callable[[str], None] = lambda name: None
        self.engine = Engine(self.load, budget=budget, **options)

    def load(self, name: str) -> Arithmetic:
        self.loads.append(name)
        self.before_load(name)
        if name not in self.made:
            raise ValueError(f"unknown network {name!r}")
        return self.made[name]

    def ask(self, name: str, *numbers: int) -> list[Ticket]:
        return [self.engine.ask(name, picture(number)) for number in numbers]

    def score(self, name: str, number: int) -> float:
        return self.engine.ask(name, picture(number)).result(timeout=PATIENCE).score

    def hold_loads(self) -> tuple[Event, Event]:
        """From now on every load sets the first event and waits for the second."""
        loading, loaded = Event(), Event()

        def before_load(name: str) -> None:
            loading.set()
            assert_set(loaded)

        self.before_load = before_load
        return loading, loaded

    @contextmanager
    def held(self, name: str = "a", number: int = 999) -> Iterator[Ticket]:
        """The worker stands still in the middle of a batch of one; what is asked meanwhile waits in the queue."""
        network = self.made[name]
        network.entered.clear()
        network.released.clear()
        ticket = self.engine.ask(name, picture(number))
        assert network.entered.wait(PATIENCE)
        try:
            yield ticket
        finally:
            network.released.set()


def scores(tickets: Sequence[Ticket]) -> list[float]:
    return [ticket.result(timeout=PATIENCE).score for ticket in tickets]


def fail_for(bad: set[int], error: BaseException) -> Callable[[Sequence[int], Sequence[int | str | None]], None]:
    def before(numbers: Sequence[int], targets: Sequence[int | str | None]) -> None:
        if bad & set(numbers):
            raise error

    return before


def assert_set(event: Event) -> None:
    assert event.wait(PATIENCE)


def error_of(ticket: Ticket) -> BaseException:
    with pytest.raises(BaseException) as caught:
        ticket.result(timeout=PATIENCE)
    return caught.value


def borrow_after(engine: Engine[Arithmetic], waiting: Barrier) -> Arithmetic:
    """Borrows network a, and meets the others at the barrier once it waits for it."""
    met: list[int] = []

    def check() -> None:
        if not met:
            met.append(waiting.wait(PATIENCE))

    with engine.borrow("a", check) as inspector:
        return inspector


def join_loader(name: str) -> None:
    for thread in threading.enumerate():
        if thread.name == f"sevis-load-{name}":
            thread.join(PATIENCE)
            assert not thread.is_alive()
