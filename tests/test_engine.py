"""The engine against a network that is only arithmetic: every picture carries a number, and the answer's score is that number."""

from __future__ import annotations

import gc
import random
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from threading import Barrier, Event, Lock

import numpy as np
import pytest
import torch

from sevis.attempts import attempt_each
from sevis.edits import WhatIf, parse
from sevis.engine import Busy, Engine, NoRoom, OutOfMemory, Stopped, Ticket
from sevis.networks_in_memory import NetworksInMemory
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


@pytest.fixture
def make() -> Iterator[Callable[..., World]]:
    worlds: list[World] = []

    def build(names: str = "abcd", **options: int) -> World:
        worlds.append(World(names, **options))
        return worlds[-1]

    yield build
    for world in worlds:
        world.engine.close(PATIENCE)
    gone = [thread.name for thread in threading.enumerate() if thread.name == "sevis-worker"]
    assert gone == []


@pytest.fixture
def world(make: Callable[..., World]) -> World:
    return make()


def scores(tickets: Sequence[Ticket]) -> list[float]:
    return [ticket.result(timeout=PATIENCE).score for ticket in tickets]


# Answers and batches


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


# Tickets and the queue


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


# Networks in memory


def test_thirty_threads_load_a_cold_network_once(world: World) -> None:
    asked, loaded = Barrier(31), Event()
    world.before_load = lambda name: assert_set(loaded)

    def session(number: int) -> float:
        ticket = world.engine.ask("a", picture(number))
        asked.wait(PATIENCE)
        return ticket.result(timeout=PATIENCE).score

    with ThreadPoolExecutor(30) as sessions:
        answers = sessions.map(session, range(30))
        asked.wait(PATIENCE)
        loaded.set()
        assert list(answers) == list(range(30))
    assert world.loads == ["a"]


def test_thirty_borrowers_load_a_cold_network_once(world: World) -> None:
    waiting, loaded = Barrier(31), Event()
    world.before_load = lambda name: assert_set(loaded)
    with ThreadPoolExecutor(30) as sessions:
        borrowed = [sessions.submit(borrow_after, world.engine, waiting) for _ in range(30)]
        waiting.wait(PATIENCE)
        loaded.set()
        assert {future.result(PATIENCE) for future in borrowed} == {world.made["a"]}
    assert world.loads == ["a"]


def borrow_after(engine: Engine[Arithmetic], waiting: Barrier) -> Arithmetic:
    """Borrows network a, and meets the others at the barrier once it waits for it."""
    met: list[int] = []

    def check() -> None:
        if not met:
            met.append(waiting.wait(PATIENCE))

    with engine.borrow("a", check) as inspector:
        return inspector


def assert_set(event: Event) -> None:
    assert event.wait(PATIENCE)


def test_one_network_is_loaded_while_the_others_answer(world: World) -> None:
    world.score("a", 0)
    loading, loaded = world.hold_loads()
    (cold,) = world.ask("b", 1)
    assert loading.wait(PATIENCE)
    (later,) = world.ask("c", 2)
    assert [world.score("a", number) for number in (3, 4, 5)] == [3, 4, 5]
    assert (cold.place, later.place, world.engine.networks) == (1, 2, ("a",))
    loaded.set()
    assert scores([cold, later]) == [1, 2]
    assert world.loads == ["a", "b", "c"]


def test_the_budget_is_never_exceeded(make: Callable[..., World]) -> None:
    names = "abcdefghijklmnopqrst"
    world = make(names, budget=3 * NBYTES)
    seen, lock = set[int](), Lock()

    def look(*_: object) -> None:
        with lock:
            seen.add(world.engine.nbytes)
            assert len(world.engine.networks) <= 3

    world.before_load = look
    for network in world.made.values():
        network.before = look

    def session(seed: int) -> None:
        chosen = random.Random(seed)
        for number in range(25):
            name = chosen.choice(names)
            assert world.score(name, number) == number
            look()

    with ThreadPoolExecutor(4) as sessions:
        list(sessions.map(session, range(4)))
    assert max(seen) == 3 * NBYTES
    assert len(world.loads) > 20  # some came back


def test_the_least_recently_used_network_goes(make: Callable[..., World]) -> None:
    world = make(budget=3 * NBYTES)
    for name in "abcad":
        world.score(name, 1)
    assert world.engine.networks == ("c", "a", "d")
    with world.engine.borrow("c"):
        pass
    world.score("b", 1)
    assert world.engine.networks == ("d", "c", "b")


def test_a_borrowed_network_stays(make: Callable[..., World]) -> None:
    world = make("abcdefgh", budget=2 * NBYTES)
    with world.engine.borrow("a") as inspector:
        assert inspector is world.made["a"]
        for name in "bcdefgh":
            assert world.score(name, 1) == 1
            assert world.engine.networks == ("a", name)
    for name in "bc":
        world.score(name, 1)
    assert world.engine.networks == ("b", "c")
    assert world.loads.count("a") == 1


def test_a_running_network_stays(make: Callable[..., World]) -> None:
    world = make(budget=NBYTES)
    world.score("a", 0)
    arrived = Event()
    with world.held("a") as running:
        (other,) = world.ask("b", 1)
        # The worker is busy, so a loader can only have started for b once the batch of a is over.
        world.before_load = lambda name: arrived.set()
        assert world.engine.networks == ("a",)
    assert scores([running, other]) == [999, 1]
    assert arrived.is_set() and world.engine.networks == ("b",)


def test_a_network_that_arrives_in_the_middle_of_a_batch_waits_for_its_end(make: Callable[..., World]) -> None:
    world = make(budget=NBYTES)
    world.score("a", 0)
    loading, loaded = world.hold_loads()
    (other,) = world.ask("b", 1)
    assert loading.wait(PATIENCE)
    with world.held("a") as running:
        loaded.set()
        join_loader("b")
        assert world.engine.networks == ("a",) and other.place == 1
    assert scores([running, other]) == [999, 1]
    assert world.engine.networks == ("b",)


def join_loader(name: str) -> None:
    for thread in threading.enumerate():
        if thread.name == f"sevis-load-{name}":
            thread.join(PATIENCE)
            assert not thread.is_alive()


def test_a_network_that_went_is_freed_at_once(make: Callable[..., World]) -> None:
    world = make(budget=NBYTES)
    world.score("a", 1)
    alive = weakref.ref(world.made.pop("a"))
    gc.disable()
    try:
        world.score("b", 1)
        assert world.engine.networks == ("b",)
        assert alive() is None
    finally:
        gc.enable()


def test_a_network_larger_than_the_budget_is_refused_with_the_numbers(make: Callable[..., World]) -> None:
    world = make(budget=3 * NBYTES)
    world.score("a", 1)
    world.made["b"].nbytes = 3 * NBYTES + 1
    alive = weakref.ref(world.made["b"])
    ticket = world.engine.ask("b", picture(1))
    with pytest.raises(NoRoom, match="network 'b' takes 301 bytes, more than the whole budget of 300 bytes; choose a smaller network"):
        ticket.result(timeout=PATIENCE)
    assert world.engine.networks == ("a",)  # nothing went for it
    assert world.score("a", 2) == 2
    del world.made["b"]
    join_loader("b")
    assert alive() is None  # though the ticket still holds the exception


def test_a_network_that_fits_only_without_the_borrowed_ones_is_refused_until_they_are_back(make: Callable[..., World]) -> None:
    world = make(budget=2 * NBYTES)
    with (
        world.engine.borrow("a"),
        world.engine.borrow("b"),
        pytest.raises(NoRoom, match="'c' takes 100 bytes, but networks in use take 200 bytes of the budget of 200 bytes; try again"),
    ):
        world.score("c", 1)
    assert world.score("c", 1) == 1


def test_sizes_are_told_in_a_readers_unit() -> None:
    networks: NetworksInMemory[str] = NetworksInMemory(100_000_000)
    with pytest.raises(NoRoom, match=r"takes 1,234\.6 MB, more than the whole budget of 100\.0 MB"):
        networks.keep("a", "weights", 1_234_567_890)


def test_a_failed_load_reaches_all_who_wait_as_it_is_and_is_tried_again(world: World) -> None:
    waiting, loaded = Barrier(6), Event()
    broken = OSError("the disk is gone")

    def before_load(name: str) -> None:
        assert_set(loaded)
        if world.loads == ["b", "a"]:
            raise broken

    world.score("b", 0)
    world.before_load = before_load
    tickets = world.ask("a", *range(25))
    (other,) = world.ask("c", 30)
    with ThreadPoolExecutor(5) as sessions:
        borrowed = [sessions.submit(borrow_after, world.engine, waiting) for _ in range(5)]
        waiting.wait(PATIENCE)
        loaded.set()
        errors = [future.exception(PATIENCE) for future in borrowed]
    errors += [error_of(ticket) for ticket in tickets]
    assert len(errors) == 30 and all(error is broken for error in errors)
    assert scores([other]) == [30]
    assert world.loads == ["b", "a", "c"] and world.engine.waiting == 0
    assert world.score("b", 1) == 1 and world.score("a", 2) == 2
    assert world.loads == ["b", "a", "c", "a"]


def error_of(ticket: Ticket) -> BaseException:
    with pytest.raises(BaseException) as caught:
        ticket.result(timeout=PATIENCE)
    return caught.value


def test_an_unknown_network_is_the_loaders_error(world: World) -> None:
    with pytest.raises(ValueError, match="unknown network 'nowhere'"):
        world.score("nowhere", 1)
    assert world.score("a", 1) == 1


# Failures


def fail_for(bad: set[int], error: BaseException) -> Callable[[Sequence[int], Sequence[int | str | None]], None]:
    def before(numbers: Sequence[int], targets: Sequence[int | str | None]) -> None:
        if bad & set(numbers):
            raise error

    return before


@pytest.mark.parametrize("error", [ValueError("bad picture"), SystemExit(3), AssertionError()])
def test_one_bad_picture_fails_alone(world: World, error: BaseException) -> None:
    with world.held("a"):
        tickets = world.ask("a", *range(16))
        world.made["a"].before = fail_for({5}, error)
    assert scores(tickets[:5] + tickets[6:]) == [*range(5), *range(6, 16)]
    assert error_of(tickets[5]) is error
    assert world.made["a"].batches[1] == list(range(16))
    assert sum(5 in batch for batch in world.made["a"].batches) == 5  # 16, 8, 4, 2 and alone
    assert world.score("a", 20) == 20


def test_one_bad_target_fails_alone(world: World) -> None:
    def before(numbers: Sequence[int], targets: Sequence[int | str | None]) -> None:
        if "unicorn" in targets:
            raise ValueError("no class 'unicorn'")

    with world.held("a"):
        tickets = [world.engine.ask("a", picture(1), target) for target in ("cat", "unicorn", 3, None)]
        world.made["a"].before = before
    assert [tickets[i].result(timeout=PATIENCE).target.label for i in (0, 2, 3)] == ["cat", "3", "None"]
    assert str(error_of(tickets[1])) == "no class 'unicorn'"


def test_all_bad_pictures_fail(world: World) -> None:
    broken = RuntimeError("bad pictures")
    with world.held("a"):
        tickets = world.ask("a", *range(16))
        world.made["a"].before = fail_for(set(range(16)), broken)
    assert [error_of(ticket) for ticket in tickets] == [broken] * 16


def test_a_network_that_gives_too_few_answers_is_named(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world.made["a"], "inspect_batch", lambda pictures, targets, what_ifs: ())
    with pytest.raises(ValueError, match="network 'a' gave 0 answers to 1 pictures"):
        world.score("a", 1)


OUT_OF_MEMORY = [torch.OutOfMemoryError("CUDA out of memory"), MemoryError()]


@pytest.mark.parametrize("error", OUT_OF_MEMORY)
def test_a_batch_too_large_for_the_memory_is_halved(world: World, error: BaseException) -> None:
    def before(numbers: Sequence[int], targets: Sequence[int | str | None]) -> None:
        if len(numbers) > 4:
            raise error

    with world.held("a"):
        tickets = world.ask("a", *range(16))
        world.made["a"].before = before
    assert scores(tickets) == list(range(16))
    assert [len(batch) for batch in world.made["a"].batches] == [1, 16, 8, 4, 4, 8, 4, 4]


@pytest.mark.parametrize("error", OUT_OF_MEMORY)
def test_a_memory_too_small_for_one_picture_is_told_and_survived(world: World, error: BaseException) -> None:
    world.score("b", 0)
    with world.held("a"):
        tickets = world.ask("a", *range(8))
        world.made["a"].before = fail_for(set(range(8)), error)
    errors = [error_of(ticket) for ticket in tickets]
    assert {type(raised) for raised in errors} == {OutOfMemory}
    assert str(errors[0]).count(".") == 1  # one sentence
    assert world.engine.networks == ("a",)  # b went to make room
    assert world.score("a", 100) == 100 and world.score("b", 1) == 1


@pytest.mark.parametrize("error", OUT_OF_MEMORY)
def test_a_full_memory_in_a_borrower_s_turn_is_told_and_survived(world: World, error: BaseException) -> None:
    with pytest.raises(OutOfMemory, match="The device's memory is full"), world.engine.borrow("a"), world.engine.turn():
        raise error
    with pytest.raises(RuntimeError, match="another"), world.engine.borrow("a"), world.engine.turn():
        raise RuntimeError("another")
    assert world.score("a", 1) == 1


def test_unused_networks_go_before_a_picture_is_given_up(world: World) -> None:
    def before(numbers: Sequence[int], targets: Sequence[int | str | None]) -> None:
        if len(world.engine.networks) > 2:
            raise torch.OutOfMemoryError

    for name in "abcd":
        world.score(name, 0)
    world.made["a"].before = before
    with world.engine.borrow("d"):
        assert world.score("a", 1) == 1
        assert set(world.engine.networks) == {"a", "d"}


def test_an_unused_network_in_a_reference_cycle_goes_too(world: World) -> None:
    world.score("b", 0)
    cyclic = world.made.pop("b")
    cyclic.before = lambda numbers, targets, itself=cyclic: None  # type: ignore[misc]
    alive = weakref.ref(cyclic)
    del cyclic

    def before(numbers: Sequence[int], targets: Sequence[int | str | None]) -> None:
        if alive() is not None:
            raise torch.OutOfMemoryError

    world.made["a"].before = before
    gc.disable()
    try:
        assert world.score("a", 1) == 1
    finally:
        gc.enable()


def test_unused_networks_go_before_a_load_is_given_up(world: World) -> None:
    def before_load(name: str) -> None:
        if world.engine.networks:
            raise torch.OutOfMemoryError

    world.score("a", 0)
    world.before_load = before_load
    assert world.score("b", 1) == 1
    assert world.engine.networks == ("b",) and world.loads == ["a", "b", "b"]


def test_a_failed_run_holds_no_memory_in_the_next() -> None:
    """Neither while the halves run nor in the exception that its caller gets: its frames' locals were the tensors."""
    allocated: list[weakref.ref[np.ndarray]] = []

    def run(items: Sequence[int]) -> Sequence[int]:
        assert [ref() for ref in allocated] == [None] * len(allocated)
        activations = np.zeros(1000)
        allocated.append(weakref.ref(activations))
        if 3 in items:
            raise torch.OutOfMemoryError if len(items) > 1 else ValueError(activations.size)
        return items

    gc.disable()
    try:
        outcomes = attempt_each(run, range(8), lambda: None)
        assert [ref() for ref in allocated] == [None] * len(allocated)
    finally:
        gc.enable()
    assert outcomes[:3] + outcomes[4:] == [0, 1, 2, 4, 5, 6, 7]
    assert isinstance(outcomes[3], ValueError)
    assert "raise torch.OutOfMemoryError if len(items) > 1" in outcomes[3].__notes__[0]  # where it was raised is still told


# The worker's life


class Death(BaseException):
    """Raised in the worker itself, outside every network."""


def test_when_the_worker_dies_between_batches_nobody_hangs(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def die_when_asked(engine: Engine[Arithmetic]) -> None:
        if engine.waiting:
            raise Death

    world.score("a", 1)
    with monkeypatch.context() as patched:
        patched.setattr(Engine, "_take_batch", die_when_asked)
        (ticket,) = world.ask("a", 2)
        assert isinstance(error_of(ticket), Stopped)
    assert world.score("a", 3) == 3
    assert "the worker died" in caplog.text and world.loads == ["a"]


def test_when_the_worker_dies_in_a_batch_nobody_hangs(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*_: object) -> None:
        raise Death

    loading, loaded = Event(), Event()

    def before_load(name: str) -> None:
        loading.set()
        assert_set(loaded)

    world.score("a", 1)
    world.before_load = before_load
    (cold,) = world.ask("b", 2)
    assert loading.wait(PATIENCE)
    with monkeypatch.context() as patched:
        patched.setattr("sevis.engine.attempt_each", die)
        tickets = [cold, *world.ask("a", 3)]
        assert {type(error_of(ticket)) for ticket in tickets} == {Stopped}
    assert world.engine.waiting == 0
    assert world.score("a", 4) == 4  # a new worker, while b is still being loaded
    loaded.set()
    assert world.score("b", 5) == 5
    assert world.loads == ["a", "b"]


def test_closing_fails_what_waits_and_lets_the_running_batch_end(world: World) -> None:
    with ThreadPoolExecutor(1) as closer, world.held("a") as running:
        waiting = world.ask("a", 1) + world.ask("b", 2)
        closing = closer.submit(world.engine.close, PATIENCE)
        assert {type(error_of(ticket)) for ticket in waiting} == {Stopped}
        with pytest.raises(Stopped, match="closed"):
            world.ask("a", 3)
        with pytest.raises(Stopped, match="closed"), world.engine.borrow("b"):
            pass
        world.made["a"].released.set()
        closing.result(PATIENCE)
        assert running.result(timeout=PATIENCE).score == 999
    assert world.engine.networks == () and world.engine.waiting == 0 and world.engine.nbytes == 0
    assert world.made["a"].batches == [[999]]
    world.engine.close()  # again


def test_closing_does_not_wait_for_a_load_and_fails_its_borrowers(world: World) -> None:
    waiting, loaded = Barrier(2), Event()
    world.before_load = lambda name: assert_set(loaded)
    with ThreadPoolExecutor(1) as sessions:
        borrowed = sessions.submit(borrow_after, world.engine, waiting)
        waiting.wait(PATIENCE)
        world.engine.close(PATIENCE)
        assert isinstance(borrowed.exception(PATIENCE), Stopped)
    alive = weakref.ref(world.made["a"])
    loaded.set()
    join_loader("a")
    del world.made["a"]
    assert world.engine.networks == () and alive() is None


def test_an_engine_is_closed_by_its_block() -> None:
    world = World()
    with world.engine as engine:
        assert world.score("a", 1) == 1
        (worker,) = (thread for thread in threading.enumerate() if thread.name == "sevis-worker")
        assert worker.daemon
    assert not worker.is_alive()
    with pytest.raises(Stopped):
        engine.ask("a", picture(1))


def test_importing_the_engine_loads_neither_torch_nor_streamlit() -> None:
    code = "import sys, sevis.engine; sys.exit(bool({'torch', 'streamlit'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def what_if(text: str) -> WhatIf:
    return WhatIf((parse(text),))


def test_equal_edits_of_an_equal_picture_run_once_and_others_beside_them() -> None:
    world = World()
    with world.held():
        asked = [world.engine.ask("a", picture(7), what_if=what_if(f"all:set={value}")) for value in (1, 0, 1)]
        asked.append(world.engine.ask("a", picture(7)))
    told = [ticket.result(timeout=PATIENCE).edits for ticket in asked]
    assert told == [("all:set=1",), ("all:set=0",), ("all:set=1",), ()]
    assert world.made["a"].batches[1:] == [[7, 7, 7]]


def test_two_visitors_edits_at_once_never_meet() -> None:
    """Each of many threads asks with an edit of its own, many times; every answer carries that edit and no other."""
    world = World()

    def visit(visitor: int) -> list[tuple[str, ...]]:
        return [world.engine.ask("ab"[visitor % 2], picture(n), what_if=what_if(f"all:set={visitor}")).result().edits for n in range(20)]

    with ThreadPoolExecutor(8) as threads:
        told = list(threads.map(visit, range(8)))
    assert told == [[(f"all:set={visitor}",)] * 20 for visitor in range(8)]


def test_effects_are_a_kind_of_question() -> None:
    world = World()
    with world.held():
        tickets = [world.engine.ask("a", picture(n), "cat", kind="effects") for n in (3, 4, 3)]
        plain = world.engine.ask("a", picture(3), "cat")
    (first,), (second,), again = (ticket.result(timeout=PATIENCE) for ticket in tickets)
    assert (first.score, second.score, again[0].score) == (3.0, 4.0, 3.0) and first.target.label == "cat"
    assert plain.result(timeout=PATIENCE).target.label == "cat"
    assert world.made["a"].batches[1:3] == [[3], [4]]
