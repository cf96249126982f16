"""How anything is timed here: all candidates in turn, round after round, in one process; medians, and never one absolute time."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from statistics import median

import torch

__all__ = ["Clock", "Work", "interleaved", "processor_seconds", "quiet"]

Work = Callable[[], object]
Clock = Callable[[Work], float]


def processor_seconds(work: Work) -> float:
    """The processor time that all threads of this process take for a piece of work: a machine shared with others stretches the rest."""
    before = time.process_time()
    work()
    return time.process_time() - before


def interleaved(works: Mapping[str, Work], rounds: int, clock: Clock = processor_seconds) -> dict[str, float]:
    """The median seconds of each work over so many rounds, each of which runs them all; a round before them is not counted."""
    for work in works.values():
        work()
    taken = [{name: clock(work) for name, work in works.items()} for _ in range(rounds)]
    return {name: median(each[name] for each in taken) for name in works}


def quiet() -> None:
    """One thread, and numbers too small for their type taken for 0: with random weights they make a pass several times slower."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
