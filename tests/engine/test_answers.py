"""Answers are the network's own, and what waits for one network runs together."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import numpy as np
import pytest

from sevis.edits import WhatIf, parse
from tests.engine.world import NBYTES, PATIENCE, World, picture, scores


def test_an_answer_is_the_networks_own(world: World) -> None:
    answer = world.engine.ask("a", picture(513), 5).result(timeout=PATIENCE)
    assert (answer.model, answer.score, answer.target.label) == ("a", 513.0, "5")
    np.testing.assert_array_equal(answer.image, picture(513))
    assert world.engine.waiting == 0 and world.engine.networks == ("a",) and world.engine.nbytes == NBYTES


def test_what_waits_for_one_network_runs_together_and_oldest_first(world: World) -> None:
    scores([*world.ask("b", 0), *world.ask("c", 0)])  # warm
    with world.held("a"):
        tickets = [world.ask(name, number)[0] for name, number in [("b", 1), ("a", 2), ("b", 3), ("c", 4), ("a", 5), ("b", 6)]]
    assert scores(tickets) == [1, 2, 3, 4, 5, 6]
    assert [ticket.result().model for ticket in tickets] == ["b", "a", "b", "c", "a", "b"]
    assert world.made["a"].batches == [[999], [2, 5]]
    assert world.made["b"].batches == [[0], [1, 3, 6]]
    assert world.made["c"].batches == [[0], [4]]


def test_the_network_of_the_oldest_ticket_goes_first(world: World) -> None:
    order: list[str] = []
    for name in "abcd":
        world.score(name, 0)
        world.made[name].before = lambda numbers, targets, name=name: order.append(name)
    with world.held("a"):
        tickets = [world.ask(name, number)[0] for number, name in enumerate("dbacdbacdddd")]
    scores(tickets)
    assert order == ["a", "d", "b", "a", "c"]


def test_a_batch_holds_at_most_sixteen_pictures_in_the_order_of_asking(world: World) -> None:
    with world.held("a"):
        tickets = world.ask("a", *range(40))
    assert scores(tickets) == list(range(40))
    assert world.made["a"].batches == [[999], list(range(16)), list(range(16, 32)), list(range(32, 40))]


def test_equal_questions_in_one_batch_are_computed_once(world: World) -> None:
    explained: list[Sequence[int | str | None]] = []
    with world.held("a"):
        same = world.ask("a", *[7] * 30)
        other_target = world.engine.ask("a", picture(7), "cat")
        other_shape = world.engine.ask("a", picture(7).reshape(4, 1, 3))
        others = world.ask("a", *range(20, 33))
        world.made["a"].before = lambda numbers, targets: explained.append(targets)
    assert scores([*same, other_target, other_shape, *others]) == [7.0] * 32 + list(range(20, 33))
    assert world.made["a"].batches == [[999], [7, 7, 7, *range(20, 33)]]
    assert explained[-1] == [None, "cat", *[None] * 14]
    assert other_target.result().target.label == "cat" and other_shape.result().image.shape == (4, 1, 3)


def test_an_equal_question_rides_along_in_a_full_batch(world: World) -> None:
    with world.held("a"):
        tickets = world.ask("a", *range(17), 3, 16)
    assert scores(tickets) == [*range(17), 3, 16]
    assert world.made["a"].batches == [[999], list(range(16)), [16]]


def test_an_idle_engine_keeps_no_picture(world: World) -> None:
    (ticket,) = world.ask("a", 1)
    scores([ticket])
    alive = weakref.ref(ticket)
    del ticket
    eventually(lambda: alive() is None)


def eventually(is_true: Callable[[], bool]) -> None:
    """Wait for what another thread does right after the answer, which no event tells."""
    for _ in range(int(PATIENCE * 1000)):
        if is_true():
            return
        Event().wait(0.001)
    pytest.fail("it never became true")


def test_a_picture_that_its_owner_changes_later_changes_nobodys_answer(world: World) -> None:
    mine = picture(7)
    with world.held("a"):
        tickets = [world.engine.ask("a", mine), *world.ask("a", 7)]
        mine[:] = 0
    assert scores(tickets) == [7.0, 7.0]
    assert not tickets[0].result().image.flags.writeable  # nor can the network change it


def test_a_picture_may_be_any_view(world: World) -> None:
    wide = np.zeros((2, 4, 3), np.uint8)
    wide[:, ::2] = picture(300)
    assert world.engine.ask("a", wide[:, ::2]).result(timeout=PATIENCE).score == 300


def test_sixteen_threads_get_their_own_answers(world: World) -> None:
    def session(number: int) -> tuple[str, float, str]:
        answer = world.engine.ask("abcd"[number % 4], picture(number), number % 3).result(timeout=PATIENCE)
        return answer.model, answer.score, answer.target.label

    with ThreadPoolExecutor(16) as sessions:
        answers = list(sessions.map(session, range(200)))
    assert answers == [("abcd"[number % 4], float(number), str(number % 3)) for number in range(200)]
    assert sorted(world.loads) == ["a", "b", "c", "d"]


def what_if(text: str) -> WhatIf:
    return WhatIf((parse(text),))


def test_equal_edits_of_an_equal_picture_run_once_and_others_beside_them(world: World) -> None:
    with world.held():
        asked = [world.engine.ask("a", picture(7), what_if=what_if(f"all:set={value}")) for value in (1, 0, 1)]
        asked.append(world.engine.ask("a", picture(7)))
    told = [ticket.result(timeout=PATIENCE).edits for ticket in asked]
    assert told == [("all:set=1",), ("all:set=0",), ("all:set=1",), ()]
    assert world.made["a"].batches[1:] == [[7, 7, 7]]


def test_two_visitors_edits_at_once_never_meet(world: World) -> None:
    """Each of many threads asks with an edit of its own, many times; every answer carries that edit and no other."""

    def visit(visitor: int) -> list[tuple[str, ...]]:
        return [world.engine.ask("ab"[visitor % 2], picture(n), what_if=what_if(f"all:set={visitor}")).result().edits for n in range(20)]

    with ThreadPoolExecutor(8) as threads:
        told = list(threads.map(visit, range(8)))
    assert told == [[(f"all:set={visitor}",)] * 20 for visitor in range(8)]


def test_effects_are_a_kind_of_question(world: World) -> None:
    with world.held():
        tickets = [world.engine.ask("a", picture(n), "cat", kind="effects") for n in (3, 4, 3)]
        plain = world.engine.ask("a", picture(3), "cat")
    (first,), (second,), again = (ticket.result(timeout=PATIENCE) for ticket in tickets)
    assert (first.score, second.score, again[0].score) == (3.0, 4.0, 3.0) and first.target.label == "cat"
    assert plain.result(timeout=PATIENCE).target.label == "cat"
    assert world.made["a"].batches[1:3] == [[3], [4]]
