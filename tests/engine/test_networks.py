"""Networks in memory: loaded once, within the budget, and never gone while in use."""

from __future__ import annotations

import gc
import random
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event, Lock

import pytest

from sevis.engine import NoRoom
from sevis.networks_in_memory import NetworksInMemory
from tests.engine.world import NBYTES, PATIENCE, World, assert_set, borrow_after, error_of, join_loader, picture, scores


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


def test_an_unknown_network_is_the_loaders_error(world: World) -> None:
    with pytest.raises(ValueError, match="unknown network 'nowhere'"):
        world.score("nowhere", 1)
    assert world.score("a", 1) == 1
