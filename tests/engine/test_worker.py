"""The worker's life: its death, and its end."""

from __future__ import annotations

import subprocess
import sys
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import pytest

from sevis.engine import Engine, Stopped
from tests.engine.world import PATIENCE, Arithmetic, World, assert_set, borrow_after, error_of, join_loader, picture


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
