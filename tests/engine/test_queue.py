"""Tickets: a place in the queue, a way out of it, and a full one."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import CancelledError

import numpy as np
import pytest

from sevis.engine import Busy
from tests.engine.world import PATIENCE, World, fail_for, picture, scores


def test_a_ticket_knows_its_place(world: World) -> None:
    with world.held("a") as running:
        first, second, third = world.ask("a", 1, 2, 3)
        assert (running.place, first.place, second.place, third.place, world.engine.waiting) == (0, 1, 2, 3, 3)
        assert first.cancel()
        assert (first.place, second.place, third.place, world.engine.waiting) == (0, 1, 2, 2)
    assert scores([running, second, third]) == [999, 2, 3]
    assert third.place == 0


def test_a_cancelled_ticket_never_runs(world: World) -> None:
    with world.held("a") as running:
        tickets = world.ask("a", 1, 2, 3)
        assert tickets[1].cancel()
        assert not running.cancel()  # too late: it gets its answer
    assert scores([running, tickets[0], tickets[2]]) == [999, 1, 3]
    with pytest.raises(CancelledError):
        tickets[1].result(timeout=PATIENCE)
    assert world.made["a"].batches == [[999], [1, 3]]
    assert not tickets[0].cancel()  # done


def test_one_of_several_equal_questions_can_be_cancelled(world: World) -> None:
    with world.held("a"):
        tickets = world.ask("a", 7, 7, 7)
        tickets[0].cancel()
    assert scores(tickets[1:]) == [7, 7]


class Rerun(BaseException):
    """As Streamlit's own: no Exception."""


@pytest.mark.parametrize("error", [Rerun, ValueError, KeyboardInterrupt])
def test_what_check_raises_frees_the_place(world: World, error: type[BaseException]) -> None:
    calls: list[int] = []
    raised = error("the visitor left")

    def check() -> None:
        calls.append(tickets[0].place)
        if len(calls) == 2:
            raise raised

    with world.held("a"):
        tickets = world.ask("a", 1, 2)
        with pytest.raises(error) as caught:
            tickets[0].result(check, timeout=PATIENCE)
        assert caught.value is raised
        assert calls == [1, 1]
        assert (tickets[0].place, tickets[1].place, world.engine.waiting) == (0, 1, 1)
    assert scores(tickets[1:]) == [2]
    assert world.made["a"].batches == [[999], [2]]


def test_check_is_not_called_for_an_answer_that_is_there(world: World) -> None:
    tickets = world.ask("a", 1)
    scores(tickets)
    assert tickets[0].result(lambda: pytest.fail("called"), timeout=PATIENCE).score == 1


def test_check_may_ask_the_ticket_and_the_engine(world: World) -> None:
    seen: list[tuple[int, int]] = []

    def check() -> None:
        seen.append((ticket.place, world.engine.waiting))
        world.made["a"].released.set()

    with world.held("a"):
        (ticket,) = world.ask("a", 1)
        assert ticket.result(check, timeout=PATIENCE).score == 1
    assert seen[0] == (1, 1)


def test_a_ticket_keeps_its_place_after_a_timeout(world: World) -> None:
    with world.held("a"):
        (ticket,) = world.ask("a", 1)
        with pytest.raises(TimeoutError, match=r"network 'a' after 0.01 s \(place 1\)"):
            ticket.result(timeout=0.01)
        assert ticket.place == 1
    assert scores([ticket]) == [1]


def test_a_timeout_that_the_network_raises_is_an_answer(world: World) -> None:
    world.made["a"].before = fail_for({1}, TimeoutError("the network's own"))
    with pytest.raises(TimeoutError, match="the network's own"):
        world.score("a", 1)


@pytest.mark.parametrize(("capacity", "sentence"), [(1, "1 picture is waiting before yours"), (5, "5 pictures are waiting before yours")])
def test_a_full_queue_says_so_at_once(make: Callable[..., World], capacity: int, sentence: str) -> None:
    world = make(capacity=capacity)
    with world.held("a"):
        tickets = world.ask("a", *range(capacity))
        with pytest.raises(Busy, match=sentence) as caught:
            world.ask("a", 100)
        assert caught.value.waiting == capacity == world.engine.waiting
        tickets[0].cancel()
        tickets += world.ask("a", 101)  # its place is free
        with pytest.raises(Busy):
            world.ask("b", 102)
    assert scores(tickets[1:]) == [*range(1, capacity), 101]


@pytest.mark.parametrize(
    ("question", "error", "message"),
    [
        ({"kind": "guess"}, ValueError, r"unknown kind 'guess'; choose from \('inspect', 'effects'\)"),
        ({"network": 3}, TypeError, "network is 3; expected its name"),
        ({"target": 1.5}, TypeError, "target is 1.5; expected a class's index or label"),
        ({"picture": [[0, 0, 0]]}, TypeError, r"picture is a list; expected uint8 of shape \(H, W, 3\)"),
        ({"picture": np.zeros((2, 2, 3))}, ValueError, "picture is float64 of shape"),
        ({"picture": np.zeros((2, 2), np.uint8)}, ValueError, r"of shape \(2, 2\); expected"),
        ({"picture": np.zeros((2, 2, 4), np.uint8)}, ValueError, r"of shape \(2, 2, 4\); expected"),
        ({"picture": np.zeros((0, 2, 3), np.uint8)}, ValueError, r"of shape \(0, 2, 3\); expected"),
    ],
)
def test_what_nobody_could_answer_is_refused_at_once(
    world: World, question: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        world.engine.ask(**{"network": "a", "picture": picture(1), **question})  # type: ignore[arg-type]
    assert world.engine.waiting == 0 and world.loads == []


@pytest.mark.parametrize("options", [{"budget": 0}, {"capacity": 0}, {"largest_batch": 0}])
def test_an_engine_that_could_do_nothing_is_refused(options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="is 0"):
        World(**options)
