"""How anything is timed here: all candidates in turn, round after round, in one process; the median over the rounds of how many times
as long as another each takes, and never one absolute time."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median, quantiles

import torch

__all__ = ["Clock", "Rounds", "Work", "interleaved", "processor_seconds", "quiet"]

Work = Callable[[], object]
Clock = Callable[[Work], float]


def processor_seconds(work: Work) -> float:
    """The processor time that all threads of this process take for a piece of work: a machine shared with others stretches the rest."""
    before = time.process_time()
    work()
    return time.process_time() - before


@dataclass(frozen=True)
class Rounds:
    """What each work took in each round, in seconds."""

    taken: tuple[Mapping[str, float], ...]

    @property
    def seconds(self) -> dict[str, float]:
        """The median of each."""
        return {name: median(each[name] for each in self.taken) for name in self.taken[0]}

    def quartiles(self, of: str, to: str) -> tuple[float, float, float]:
        """How many times as long one takes as another: a quarter, half and three quarters of the rounds stay below."""
        ratios = sorted(each[of] / each[to] for each in self.taken)
        return tuple(quantiles(ratios, n=4, method="inclusive")) if len(ratios) > 1 else (ratios[0],) * 3  # type: ignore[return-value]


def interleaved(works: Mapping[str, Work], rounds: int, clock: Clock = processor_seconds) -> Rounds:
    """Each work timed in each of so many rounds, right after a run that does not count.

    That run leaves the caches and the memory as the work itself leaves them, and what others left in circles is collected before it: each
    pays for what it leaves itself, and none for what another had put there.
    """
    return Rounds(tuple({name: _timed(work, clock) for name, work in works.items()} for _ in range(rounds)))


def _timed(work: Work, clock: Clock) -> float:
    gc.collect()
    work()
    return clock(work)


def quiet() -> None:
    """One thread, and numbers too small for their type taken for 0: with random weights they make a pass several times slower."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
