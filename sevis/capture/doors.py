"""Lets a replay look only at the parts of a network that make its gates; what runs between them runs as if nobody looked.

Between two convolutions every line of Python costs several times what it costs elsewhere, so that it pays to watch a few parts of a
network instead of all its calls.
"""

from __future__ import annotations

import copyreg
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, cast

from torch import nn

__all__ = ["Door", "Part", "Stop", "put_doors", "tour_of", "visited_by"]

Forward = Callable[..., Any]
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

    def visit(self, path: str, forward: Forward, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any: ...


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


class Door:
    """Mixed into the class of a part: its forward shows itself to whoever looks at this thread's passes. A copy of the part has none."""

    _door = ""  # the part's path

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        forward, visitor = super().forward, _HERE.visitor  # type: ignore[misc]  # of the class that this is mixed into
        return forward(*args, **kwargs) if visitor is None else visitor.visit(self._door, forward, args, kwargs)

    def __reduce_ex__(self, protocol: Any) -> Any:
        make, args, *more = cast(Any, super().__reduce_ex__(protocol))
        args = tuple(type(self).__bases__[1] if arg is type(self) else arg for arg in args)
        return _made if make is copyreg.__newobj__ else make, args, *more  # type: ignore[attr-defined]  # which pickle takes for the class's own


def _made(base: type, *args: Any) -> Any:
    return base.__new__(base, *args)


def put_doors(module: nn.Module, paths: Iterable[str]) -> None:
    """Give parts of a network a door; it is to be one of our own (see frozen_twin)."""
    for path in paths:
        part = module.get_submodule(path)
        part._door = path  # type: ignore[assignment]
        if not isinstance(part, Door) and not _hears_of_subclasses(type(part)):
            part.__class__ = _with_door(type(part))


def _with_door(base: type) -> type:
    """The class with a door: the same for every part of it, for as long as there is one."""
    others: list[type] = base.__subclasses__()
    known = next((other for other in others if other.__bases__ == (Door, base)), None)
    names = {"__module__": base.__module__, "__qualname__": base.__qualname__, "__doc__": base.__doc__}
    return known or type(base)(base.__name__, (Door, base), names)


def _hears_of_subclasses(base: type) -> bool:
    """Whether a class does something of its own where it is subclassed, such as to enter the new one into a list."""
    return hasattr(base.__init_subclass__, "__func__")
