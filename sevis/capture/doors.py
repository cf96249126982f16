"""Lets a replay look only at the parts of a network that make its gates; what runs between them runs as if nobody looked.

Between two convolutions every line of Python costs several times what it costs elsewhere, so that it pays to watch a few parts of a
network instead of all its calls.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from torch import nn

__all__ = ["Door", "Part", "Stop", "put_doors", "tour_of", "visited_by"]

WORTH_A_DOOR = 3  # calls; a door costs about as much as one or two of them


@dataclass(frozen=True)
class Part:
    """One run of a module's forward in a pass: the module's path, and its calls from the first to the one after the last."""

    path: str
    first: int
    end: int

    def holds(self, numbers: Iterable[int]) -> bool:
        """Whether all these calls are its own."""
        return all(self.first <= number < self.end for number in numbers)

    def is_in(self, other: Part) -> bool:
        return self is not other and other.first <= self.first and self.end <= other.end


@dataclass(frozen=True)
class Stop:
    """A part that comes up in a pass: it is looked at, or passed by within one that is."""

    part: Part
    looks: bool


def tour_of(parts: Sequence[Part], needed: Sequence[Sequence[int]]) -> tuple[Stop, ...]:
    """The parts that are looked at so that all that is needed is seen, and those within them that are passed by, in their order.

    None at all where no module holds what belongs together.

    Args:
        parts: every run of a module, an inner one before those that it is in.
        needed: the calls that belong together, by their numbers: a gate's, a last map's.
    """
    seen = _looked_at(parts, needed)
    passed = _passed_by([part for part in parts if any(map(part.is_in, seen))], {number for together in needed for number in together})
    return tuple(sorted([Stop(part, True) for part in seen] + [Stop(part, False) for part in passed], key=_in_order))


def _in_order(stop: Stop) -> tuple[int, bool]:
    return stop.part.first, not stop.looks


def _looked_at(parts: Sequence[Part], needed: Sequence[Sequence[int]]) -> tuple[Part, ...]:
    """All runs of the smallest modules that hold what belongs together: a door cannot tell one run from another."""
    holding = [[part for part in parts if part.holds(together)] for together in needed]
    if not all(holding):
        return ()
    paths = {min(each, key=lambda part: part.end - part.first).path for each in holding}
    return _outermost(part for part in parts if part.path in paths)


def _passed_by(inside: Sequence[Part], needed: Collection[int]) -> tuple[Part, ...]:
    """The runs of those modules that never make a call that is needed, where they are long enough to be worth it."""
    busy = {part.path for part in inside if any(part.first <= number < part.end for number in needed)}
    return _outermost(part for part in inside if part.path not in busy and part.end - part.first >= WORTH_A_DOOR)


def _outermost(parts: Iterable[Part]) -> tuple[Part, ...]:
    """Those that are in no other, in their order."""
    kept: list[Part] = []
    for _, part in sorted(enumerate(parts), key=lambda numbered: (numbered[1].first, -numbered[1].end, -numbered[0])):
        if not kept or part.first >= kept[-1].end:
            kept.append(part)
    return tuple(kept)


class Visitor(Protocol):
    """Looks at parts of the passes that its thread makes."""

    def enters(self, path: str) -> None: ...

    def leaves(self, path: str) -> None: ...


class _Here(threading.local):
    """Who looks at this thread's passes."""

    visitor: Visitor | None = None


_HERE = _Here()


@contextmanager
def visited_by(visitor: Visitor) -> Iterator[None]:
    """The parts that have a door are shown to the visitor, in this thread."""
    before, _HERE.visitor = _HERE.visitor, visitor
    try:
        yield
    finally:
        _HERE.visitor = before


@dataclass(frozen=True)
class Door:
    """A part's two hooks, which tell whoever looks at this thread's passes that it begins and ends. A copy of the part has them too."""

    path: str

    def enters(self, part: nn.Module, arguments: Any) -> None:
        if _HERE.visitor is not None:
            _HERE.visitor.enters(self.path)

    def leaves(self, part: nn.Module, arguments: Any, made: Any) -> None:
        if _HERE.visitor is not None:
            _HERE.visitor.leaves(self.path)


def put_doors(module: nn.Module, paths: Iterable[str]) -> None:
    """Give these parts of a network a door, and no others; it is to be one of our own (see frozen_twin)."""
    for part in module.modules():
        for hooks in (part._forward_pre_hooks, part._forward_hooks):
            for number in [number for number, hook in hooks.items() if isinstance(getattr(hook, "__self__", None), Door)]:
                del hooks[number]
                part._forward_hooks_always_called.pop(number, None)
    for path in paths:
        door, part = Door(path), module.get_submodule(path)
        part.register_forward_pre_hook(door.enters)
        part.register_forward_hook(door.leaves, always_call=True)
