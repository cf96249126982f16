"""What the pickle of a state dict may call, and with what: nothing is called here, only looked at.

Torch allows more: `bytearray(n)` takes n bytes, `set(tensor)` goes over every value that a tensor of four bytes says it has, and
`OrderedDict(items)` can be asked for again and again with the same items. What is allowed here costs no more than what it is given, and
what it is given is counted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

__all__ = ["NAMES", "Dict", "Name", "Refused", "Thing", "Tuple", "Work", "called", "is_atom", "stored"]

WORK = 300_000  # units, which take a second or so; a tensor takes 63 of them, so this is 4,700 tensors
CALL = 4  # units that a call takes, with arguments of FEW entries each
FEW = 8
TENSOR = 8  # units that a tensor takes besides
LONGEST = 100  # characters of a device's name
PLAIN = ("_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_tensor_v3", "_rebuild_parameter", "_rebuild_meta_tensor_no_storage")
REBUILDS = frozenset(f"torch._utils.{name}" for name in PLAIN)
WITH_STATE, TYPED = "torch._utils._rebuild_parameter_with_state", "torch._tensor._rebuild_from_type_v2"
TENSORS = frozenset({"torch.Tensor", "torch.nn.parameter.Parameter"})


class Refused(Exception):
    """Why a pickle is not read, as what follows "The checkpoint net.pt"."""


@dataclass
class Work:
    """What may still be done to read a file.

    Attributes:
        size: bytes of the file.
        left: units of work: instructions, and the lengths of what calls are given.
    """

    size: int
    left: int = WORK

    def spend(self, units: int) -> None:
        """Take that much, or refuse the file."""
        self.left -= units
        if self.left < 0:
            raise Refused("cannot be read (its pickle asks for more work than a state dict of 4,700 tensors)")


@dataclass(frozen=True, eq=False)
class Name:
    """A function or class of NAMES."""

    name: str


@dataclass(frozen=True, eq=False)
class Tuple:
    """A tuple of marks, and how deep tuples lie in it."""

    items: Sequence[Any]
    depth: int


@dataclass(eq=False)
class Dict:
    """A dict, set or namespace of so many entries."""

    count: int = 0


class Thing:
    """A tensor, a storage or another value that cannot be gone over."""


def is_atom(value: object) -> bool:
    """Whether it is text, a number or nothing: what has a hash at once."""
    return value is None or isinstance(value, str | bytes | int | float)


def called(function: object, arguments: object, work: Work) -> object:
    """What a call of a pickle would give.

    Raises:
        Refused: a state dict needs no such call.
    """
    if not (isinstance(function, Name) and function.name in CALLS and isinstance(arguments, Tuple)):
        raise Refused("cannot be read (its pickle calls what no state dict needs)")
    work.spend(CALL + _length(arguments) + sum(map(_length, arguments.items)))
    made = CALLS[function.name](arguments.items, work)
    if made is None:
        raise Refused(f"cannot be read (its pickle calls {function.name} with what no state dict needs)")
    return made


def stored(place: object, work: Work) -> None:
    """Refuse a storage whose place in the file is not written as torch writes it, or that would be larger than the file."""
    work.spend(CALL)
    items = place.items if isinstance(place, Tuple) else ()
    as_written = len(items) in (5, 6) and items[0] == "storage" and isinstance(items[1], Name) and all(map(is_atom, items[2:5]))
    view = items[5] if len(items) == 6 else None
    if not as_written or not (view is None or (isinstance(view, Tuple) and all(map(is_atom, view.items)))):
        raise Refused("cannot be read (its pickle asks for something other than its own values)")
    if not (isinstance(items[4], int) and 0 <= items[4] <= work.size):
        raise Refused("cannot be read (it says that it has more values than it has bytes)")


def _length(value: object) -> int:
    """Units of work that it takes to go over it, beyond what every call takes."""
    if isinstance(value, str | bytes):
        return len(value) >> 6
    held = value.items if isinstance(value, Tuple) else value
    count = held.count if isinstance(held, Dict) else len(held) if isinstance(held, Sequence) else 0
    return max(count - FEW, 0)


def _held(items: Sequence[Any], fits: Callable[[Any], bool]) -> Dict | None:
    """A container of another's entries, each of which fits."""
    if len(items) > 1:
        return None
    given = items[0] if items else []
    if isinstance(given, Dict):
        return Dict(given.count)
    return Dict(len(given)) if isinstance(given, list) and all(map(fits, given)) else None


def _pair(value: Any) -> bool:
    inner = value.items if isinstance(value, Tuple) else value if isinstance(value, list) else ()
    return len(inner) == 2 and is_atom(inner[0])


def _text(items: Sequence[Any], work: Work) -> object:
    """Bytes, which protocol 2 writes as text."""
    return b"" if len(items) == 2 and isinstance(items[0], str) and items[1] in ("latin1", "latin-1") else None


def _device(items: Sequence[Any], work: Work) -> object:
    short = all(isinstance(item, int) or (isinstance(item, str) and len(item) <= LONGEST) for item in items)
    return Thing() if short and 1 <= len(items) <= 2 else None


def _size(items: Sequence[Any], work: Work) -> object:
    sides = items[0].items if len(items) == 1 and isinstance(items[0], Tuple) else items[0] if len(items) == 1 else None
    return Tuple(sides, 1) if isinstance(sides, list | tuple) and all(isinstance(side, int) for side in sides) else None


def _tensor(work: Work) -> object:
    work.spend(TENSOR)
    return Thing()


def _with_state(items: Sequence[Any], work: Work) -> object:
    return Thing() if len(items) == 4 and _is_state(items[3], work) else None


def _typed(items: Sequence[Any], work: Work) -> object:
    """A tensor of a kind of its own, or with attributes: the function that makes it and its arguments are arguments."""
    if len(items) != 4 or not (isinstance(items[0], Name) and isinstance(items[1], Name) and isinstance(items[2], Tuple)):
        return None
    if items[0].name not in REBUILDS or items[1].name not in TENSORS or not _is_state(items[3], work):
        return None
    return called(items[0], items[2], work)


def _is_state(state: Any, work: Work) -> bool:
    """Whether it is the attributes of an object: a dict, or two of them."""
    dicts = state.items if isinstance(state, Tuple) and len(state.items) == 2 else (state,)
    work.spend(sum(map(_length, dicts)))
    return all(each is None or isinstance(each, Dict) for each in dicts)


CALLS: dict[str, Callable[[Sequence[Any], Work], object]] = {
    **{name: lambda items, work: _tensor(work) for name in REBUILDS},
    WITH_STATE: _with_state,
    TYPED: _typed,
    "collections.OrderedDict": lambda items, work: _held(items, _pair),
    "collections.Counter": lambda items, work: _held(items, is_atom),
    "builtins.set": lambda items, work: _held(items, is_atom),
    "builtins.complex": lambda items, work: 0.0 if all(isinstance(item, int | float) for item in items) else None,
    "torch.Size": _size,
    "torch.device": _device,
    "_codecs.encode": _text,
}
STORAGES = {f"torch.{name}" for name in vars(torch) if name.endswith("Storage")} | {
    "torch.storage.UntypedStorage",
    "torch.storage.TypedStorage",
}
DTYPES = {str(value) for value in vars(torch).values() if isinstance(value, torch.dtype)}
NAMES = frozenset({*CALLS, *TENSORS, *STORAGES, *DTYPES, "argparse.Namespace"})
