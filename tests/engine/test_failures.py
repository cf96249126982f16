"""Failures: one picture's, one network's, a full memory."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Sequence

import numpy as np
import pytest
import torch

from sevis.attempts import attempt_each
from sevis.engine import OutOfMemory
from tests.engine.world import PATIENCE, World, error_of, fail_for, picture, scores


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
