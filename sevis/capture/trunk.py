"""Passes that branch off one pass: each makes anew only the calls from its first edited gate on.

The network's forward runs whole every time, but a call before the branch is answered with what it gave in the first pass. What calls after
the branch wrote to its results is undone before the next pass branches off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from sevis.capture.replay import Replay
from sevis.capture.route import Route
from sevis.capture.watch import Watch

__all__ = ["Branch", "Trunk", "branched"]

Branch = tuple[int | None, Watch]  # the number of the first call that is to be made anew; None where none is


class Trunk:
    """What the calls of a pass gave, as long as others branch off it.

    Args:
        cuts: the numbers of the calls from which on a pass will be made anew.

    Attributes:
        is_sound: whether every tensor that was written to came from a call that was seen.
    """

    def __init__(self, overwrites: Mapping[int, tuple[int, ...]], cuts: Sequence[int]) -> None:
        self.is_sound = True
        self._overwrites, self._cuts = overwrites, tuple(cuts)
        self._results: list[Any] = []
        self._grows = True
        self._born: dict[int, int] = {}  # storage -> the call that made it
        self._before: list[tuple[int, Tensor, Tensor]] = []  # what a call wrote to, and what had been there

    def call(self, number: int, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any] | None) -> Any:
        """What a call gives: made now, unless the trunk has it."""
        if number < len(self._results):
            return self._results[number]
        if number in self._overwrites:
            given = (*args, *(kwargs or {}).values())
            for place in self._overwrites[number]:
                self._save(number, given[place])
        result = func(*args, **(kwargs or {}))
        if self._grows:
            self._results.append(result)
            for made in result if isinstance(result, list | tuple) else (result,):
                if isinstance(made, Tensor):
                    self._born.setdefault(_storage(made), number)
        return result

    def _save(self, number: int, written: Tensor) -> None:
        """Keep what a call is about to overwrite, where a pass will branch off before it that needs it."""
        born = self._born.get(_storage(written))
        self.is_sound &= born is not None or not self._grows
        if born is not None and any(born < cut <= number for cut in self._cuts):
            self._before.append((number, written, written.clone()))

    @contextmanager
    def branch(self, cut: int) -> Iterator[None]:
        """A pass that branches off before that call; they come from the last to the first."""
        self._grows = False
        del self._results[cut:]
        self._born = {storage: born for storage, born in self._born.items() if born < cut}
        self._undo(cut)
        try:
            yield
        finally:
            self._undo(cut)

    def _undo(self, cut: int) -> None:
        while self._before and self._before[-1][0] >= cut:
            _, written, before = self._before.pop()
            written.copy_(before)


def _storage(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


def branched(run: Callable[[Replay], Tensor], route: Route, branches: Sequence[Branch]) -> list[Tensor] | None:
    """What a run gives for each branch, without gradients; None where its passes leave the route, or where they cannot share one.

    Args:
        run: runs the network once with a replay, and gives a tensor of its own.
    """
    cuts = sorted({cut for cut, _ in branches if cut is not None}, reverse=True)
    trunk, made = Trunk(route.overwrites, cuts), {}
    with torch.no_grad():
        plain = Replay(route, Watch(head=True, proof=False), trunk)
        whole = run(plain)
        if plain.strayed or not trunk.is_sound:
            return None
        for cut, places in ((cut, [n for n, branch in enumerate(branches) if branch[0] == cut]) for cut in cuts):
            for place in places:
                replay = Replay(route, branches[place][1], trunk)
                with trunk.branch(cut):
                    made[place] = run(replay)
                if replay.strayed:
                    return None
    return [made.get(place, whole) for place in range(len(branches))]
