"""Worlds whose engines are closed behind each test."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from tests.engine.world import PATIENCE, World


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
