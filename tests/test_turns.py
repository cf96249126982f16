"""Turns come in the order in which they were asked for, and an engine's worker takes its turns like everybody else."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from sevis.turns import Turns
from tests.engine.world import PATIENCE, World, picture


def eventually(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_turns_come_in_order_and_one_at_a_time() -> None:
    turns, taken, inside = Turns(), [], []

    def take(number: int) -> None:
        with turns.mine():
            inside.append(number)
            assert len(inside) == 1
            taken.append(number)
            inside.remove(number)

    threads = []
    with turns.mine():
        for number in range(5):
            threads.append(threading.Thread(target=take, args=(number,)))
            threads[-1].start()
            eventually(lambda: len(turns._line) == number + 2)  # noqa: B023
        assert not taken
    for thread in threads:
        thread.join(PATIENCE)
    assert taken == [0, 1, 2, 3, 4] and not turns._line


def test_who_gives_up_leaves_the_line() -> None:
    turns = Turns()

    def check() -> None:
        raise InterruptedError

    with turns.mine():
        with pytest.raises(InterruptedError), turns.mine(check):
            pass
        assert len(turns._line) == 1
    with turns.mine(check):  # at once, so that nothing is checked
        pass


def test_a_turn_is_given_back_after_an_error() -> None:
    turns = Turns()
    with pytest.raises(ZeroDivisionError), turns.mine():
        raise ZeroDivisionError
    assert not turns._line


def test_a_borrower_and_the_worker_alternate() -> None:
    """A borrower that asks again at once after every batch does not keep the worker out, nor the other way round."""
    world = World()
    order: list[str] = []
    with world.engine as engine, engine.borrow("a"):
        world.made["a"].before = lambda numbers, targets: order.append("worker")
        with engine.turn():
            ticket = engine.ask("a", picture(1))
            eventually(lambda: len(engine._turns._line) == 2)
            assert not ticket.answer.done()
            order.append("borrower")
        with engine.turn():
            order.append("borrower")
        assert ticket.result(timeout=PATIENCE).score == 1
    assert order == ["borrower", "worker", "borrower"]
