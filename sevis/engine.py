"""One worker between many callers and the networks of one device: what servers call instead of the network itself.

    with Engine(load, budget=2_000_000_000) as engine:
        ticket = engine.ask("se_resnet50", picture)
        inspection = ticket.result(check)

Three kinds of thread meet in the engine, under its one lock. Callers ask and wait; those with long work of their own borrow a network and
take turns with the worker. The worker alone runs tickets and lets networks in and out, so none goes in the middle of a batch. A loader
brings one cold network at a time while the worker answers for the warm ones.

Neither torch nor Streamlit is imported here: the first is the inspectors' business, and of the second `check` is all that is needed.
"""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Condition, Thread
from types import TracebackType
from typing import Generic, Self, TypeVar, final

import numpy as np

from sevis.attempts import DeviceLost, attempt, attempt_each, attempt_twice, aware_of_loss
from sevis.edits import NOTHING, WhatIf
from sevis.memory import OutOfMemory, aware_of_full_memory
from sevis.networks_in_memory import NetworksInMemory, NoRoom
from sevis.tickets import KINDS, Busy, Inspector, Stopped, Target, Ticket, answers, is_settled, settle
from sevis.turns import Turns

__all__ = ["KINDS", "Busy", "DeviceLost", "Engine", "Inspector", "NoRoom", "OutOfMemory", "Stopped", "Ticket"]

logger = logging.getLogger(__name__)
Network_co = TypeVar("Network_co", bound=Inspector, covariant=True)


@dataclass(frozen=True)
class _Batch(Generic[Network_co]):
    """What runs next: the network, held in memory, and its tickets, those of equal work together."""

    inspector: Network_co
    groups: list[list[Ticket]]


@final
class Engine(Generic[Network_co]):
    """Answers for many callers from the networks of one device.

    Args:
        load: gives a network by its name; called on a loader thread, one call at a time.
        budget: bytes that the weights in memory may take together; the one network that is being loaded comes on top.
        capacity: how many tickets may wait before `ask` raises Busy.
        largest_batch: how many different pictures a batch may hold.
        on_lost: called once where the device is lost: the engine is closed by then, and only a new process can go on.
    """

    def __init__(
        self,
        load: Callable[[str], Network_co],
        *,
        budget: int,
        capacity: int = 256,
        largest_batch: int = 16,
        on_lost: Callable[[DeviceLost], None] = lambda error: None,
    ) -> None:
        if capacity < 1 or largest_batch < 1:
            raise ValueError(f"capacity is {capacity} and largest_batch is {largest_batch}; expected both to be 1 or more")
        self._load = load
        self._capacity = capacity
        self._largest_batch = largest_batch
        self._on_lost = on_lost
        self._changed = Condition()  # its lock guards everything below; the worker alone waits on it
        self._networks: NetworksInMemory[Network_co] = NetworksInMemory(budget)
        self._turns = Turns()  # of its own, and never waited for under the lock
        self._waiting: list[Ticket] = []  # oldest first
        self._running: list[Ticket] = []
        self._wanted: dict[str, Future[None]] = {}  # cold networks, in the order in which they are loaded
        self._loading = False
        self._arrived: tuple[str, Network_co | BaseException] | None = None
        self._worker: Thread | None = None
        self._ended: Stopped | None = None  # what whoever asks from now on is told

    # Callers' side

    def ask(self, network: str, picture: np.ndarray, target: Target = None, *, kind: str = "inspect", what_if: WhatIf = NOTHING) -> Ticket:
        """A ticket for one picture (H, W, 3) uint8 and its edits; raises Busy at once where the queue is full."""
        ticket = Ticket(self, network, picture, target, kind, what_if)
        with self._changed:
            if len(self._waiting) >= self._capacity:
                raise Busy(len(self._waiting))
            self._wake_worker()
            self._waiting.append(ticket)
        return ticket

    @contextmanager
    def borrow(self, name: str, check: Callable[[], None] = lambda: None) -> Iterator[Network_co]:
        """The network itself, in memory until the block ends; calls `check` every 0.1 s while it is loaded."""
        inspector = self._lend(name, check)
        try:
            yield inspector
        finally:
            with self._changed:
                self._networks.take_back(name)

    @contextmanager
    def turn(self, check: Callable[[], None] = lambda: None) -> Iterator[None]:
        """The device for one batch of a borrower's own: borrowers and the worker run their batches in turns, first come, first served.

        Their numbers would be right side by side too; but two batches at once take the memory of both, and each waits for the other's
        half of the processor. In turns a visitor's picture waits for one batch of each borrower at most, and a borrower for one of
        the worker's. Calls `check` every 0.1 s while it waits.
        """
        try:
            with self._turns.mine(check), aware_of_loss(), aware_of_full_memory():
                yield
        except DeviceLost as error:
            self._lose(error)
            raise

    def place(self, ticket: Ticket) -> int:
        """The ticket's place in the queue, from 1; 0 when it is not in it."""
        with self._changed:
            return self._waiting.index(ticket) + 1 if ticket in self._waiting else 0

    def cancel(self, ticket: Ticket) -> bool:
        """Take the ticket out of the queue; whether it never runs."""
        with self._changed:
            if ticket in self._waiting:
                self._waiting.remove(ticket)
            return ticket.answer.cancel()

    def close(self, timeout: float | None = 10.0) -> None:
        """Fail what waits, give the running batch `timeout` seconds to end, and let the networks go."""
        with self._changed:
            self._ended, worker = self._ended or Stopped("The engine is closed; ask a new one."), self._worker
            self._fail(self._waiting, Stopped("The engine was closed before this picture's turn; ask a new one."))
            self._changed.notify()
        if worker is not None:
            worker.join(timeout)
        with self._changed:
            self._networks.drop_unused()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    @property
    def waiting(self) -> int:
        """How many tickets are in the queue."""
        with self._changed:
            return len(self._waiting)

    @property
    def networks(self) -> tuple[str, ...]:
        """The names of the networks in memory, least recently used first."""
        with self._changed:
            return self._networks.names

    @property
    def nbytes(self) -> int:
        """The bytes of the networks in memory."""
        with self._changed:
            return self._networks.nbytes

    def _lend(self, name: str, check: Callable[[], None]) -> Network_co:
        while True:  # what has arrived may have had to go again before this thread woke up
            with self._changed:
                if name in self._networks:
                    return self._networks.lend(name)
                self._wake_worker()
                arrival = self._want(name)
            is_settled(arrival, check)
            arrival.result()

    def _wake_worker(self) -> None:
        """Have the worker look again; a new one where none has begun yet, or where the last one died."""
        if self._ended is not None:
            raise type(self._ended)(*self._ended.args)
        if self._worker is None or not self._worker.is_alive():
            self._worker = _start(self._work, "sevis-worker")
        self._changed.notify()

    # The worker's side

    def _work(self) -> None:
        try:
            while self._run_next():
                pass
        except DeviceLost as error:
            self._lose(error)
        except BaseException:
            logger.exception("the worker died; the next picture starts a new one")
        finally:
            self._leave()

    def _lose(self, error: DeviceLost) -> None:
        """End for good, and say so once."""
        with self._changed:
            is_first, self._ended = not isinstance(self._ended, DeviceLost), error
            self._fail(self._waiting, error)
            self._changed.notify()
        if is_first:
            logger.critical("the device is lost: %s", error)
            self._on_lost(error)

    def _leave(self) -> None:
        """Fail whatever is open, in one step with the worker's end: no ticket can come in between and wait for nobody."""
        with self._changed:
            error = self._ended or Stopped("The engine's worker stopped before the answer was there; ask again.")
            self._worker = None
            self._fail([*self._running, *self._waiting], error)
            for arrival in self._wanted.values():
                arrival.set_exception(error)
            self._wanted.clear()

    def _fail(self, tickets: Iterable[Ticket], error: BaseException) -> None:
        for ticket in tickets:
            if not ticket.answer.done():
                ticket.answer.set_exception(error)
        self._waiting = [ticket for ticket in self._waiting if not ticket.answer.done()]

    def _run_next(self) -> bool:
        """Run one batch, as soon as there is one; False when closed. No local may outlive the batch, or its network stays in memory."""
        batch = self._next_batch()
        if batch is not None:
            self._run(batch)
        return batch is not None

    def _next_batch(self) -> _Batch[Network_co] | None:
        with self._changed:
            self._running = []
            while self._ended is None:
                self._take_in()
                batch = self._take_batch()
                self._start_loading()
                if batch is not None:
                    return batch
                self._changed.wait()
        return None

    def _take_batch(self) -> _Batch[Network_co] | None:
        """The oldest ticket whose network is there, with all that can run beside it; the networks of older ones are wanted."""
        for ticket in self._waiting:
            if ticket.network in self._networks:
                return self._batch_around(ticket)
            self._want(ticket.network)
        return None

    def _batch_around(self, oldest: Ticket) -> _Batch[Network_co]:
        groups: dict[object, list[Ticket]] = {}
        for ticket in self._waiting:
            if ticket.batch == oldest.batch and (ticket.work in groups or len(groups) < self._largest_batch):
                groups.setdefault(ticket.work, []).append(ticket)
                ticket.answer.set_running_or_notify_cancel()
        self._running = [ticket for group in groups.values() for ticket in group]
        self._waiting = [ticket for ticket in self._waiting if not ticket.answer.running()]
        return _Batch(self._networks.lend(oldest.network), list(groups.values()))

    def _run(self, batch: _Batch[Network_co]) -> None:
        firsts = [group[0] for group in batch.groups]
        try:
            with self._turns.mine():
                outcomes = attempt_each(lambda some: answers(batch.inspector, some), firsts, self._free_memory)
            for group, outcome in zip(batch.groups, outcomes, strict=True):
                for ticket in group:
                    settle(ticket.answer, outcome)
        finally:
            with self._changed:
                self._networks.take_back(firsts[0].network)

    def _free_memory(self) -> None:
        """Let the networks go that nobody uses, even those that sit in a reference cycle."""
        with self._changed:
            dropped = self._networks.drop_unused()
        if dropped:
            gc.collect()  # 0.15 s with torch loaded: only here, where memory has run out

    # Cold networks

    def _want(self, name: str) -> Future[None]:
        """When the network arrives: done, or what its load raised."""
        return self._wanted.setdefault(name, Future())

    def _start_loading(self) -> None:
        """Load the network wanted longest, unless one is being loaded."""
        if self._wanted and not self._loading:
            name = next(iter(self._wanted))
            _start(lambda: self._bring(name), f"sevis-load-{name}")
            self._loading = True

    def _bring(self, name: str) -> None:
        """Load one network and leave it, or what its load raised, for the worker to take in."""
        try:
            outcome = attempt_twice(lambda: self._load(name), self._free_memory)
        except DeviceLost as error:
            self._lose(error)
            return
        with self._changed:
            self._arrived = None if self._ended else (name, outcome)
            self._changed.notify()

    def _take_in(self) -> None:
        """Let the network that was loaded into memory, or tell all who wait for it why it cannot be."""
        if self._arrived is None:
            return
        (name, outcome), self._arrived, self._loading = self._arrived, None, False
        error = outcome if isinstance(outcome, BaseException) else attempt(lambda: self._networks.keep(name, outcome, outcome.nbytes))
        if error is not None:
            self._fail((ticket for ticket in self._waiting if ticket.network == name), error)
        settle(self._wanted.pop(name, Future()), error)


def _start(target: Callable[[], None], name: str) -> Thread:
    """A running thread that does not keep the process alive."""
    thread = Thread(target=target, name=name, daemon=True)
    thread.start()
    return thread
