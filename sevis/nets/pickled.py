"""What a pickle would do, found out without doing any of it.

Even with `weights_only=True` torch runs the program that a pickle is: a few hundred bytes may ask it for gigabytes, or for the hash of a
tuple that takes hours. So the program is gone through first, with marks on the stack in place of tensors and dicts. Whatever would cost
more than its length, or calls what no state dict needs, is refused; only then may torch read it.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from sevis.nets.pickled_calls import NAMES, Dict, Name, Refused, Thing, Tuple, Work, called, is_atom, stored

__all__ = ["gone_through"]

DEEPEST = 8  # tuples in tuples: a tensor takes 3
CONTAINER = 1  # unit of work that a list, dict or tuple takes besides: Python's collector goes over all of them again and again
LARGEST = 1 << 63  # of a whole number: larger ones can be chosen so that they have one hash, and a dict of them takes hours
UNPLAIN = ("_rebuild_sparse_tensor", "_rebuild_qtensor", "_rebuild_nested_tensor", "_get_layout")
PUSHED = frozenset({"BININT", "BININT1", "BININT2", "BINFLOAT", "BINUNICODE", "SHORT_BINSTRING", "LONG1", "NONE", "NEWTRUE", "NEWFALSE"})


def gone_through(stream: BinaryIO, work: Work) -> object:
    """What the next pickle of a stream would give, as marks; the stream is left where the pickle ends.

    Raises:
        Refused: it asks for what a state dict does not need.
        Exception: it is damaged; of any kind.
    """
    walk, ops = _Walk(work), pickletools.genops(stream)
    for opcode, argument, _ in ops:
        work.spend(1)
        name = opcode.name
        if name in PUSHED:
            walk.push(argument)
        elif name == "GLOBAL":
            walk.stack.append(Name(_known(str(argument), ops)))
        elif name == "STOP":
            return walk.stack.pop()
        elif name in STEPS:
            STEPS[name](walk, argument)
        else:
            raise Refused(f"cannot be read (its pickle has the instruction {name})")
    raise EOFError("it was cut short")


def _known(asked: str, ops: Iterator[Any]) -> str:
    """The name of what the pickle imports, if a state dict needs it."""
    name = _full(asked)
    if name in NAMES:
        return name
    others = {_full(str(argument)) for opcode, argument, _ in ops if opcode.name == "GLOBAL"}
    unknown = sorted({name} | others - NAMES)
    listed = ", ".join(ascii(each)[1:-1][:200] for each in unknown[:3]) + ", ..." * (len(unknown) > 3)
    if all(each.rpartition(".")[2] in UNPLAIN for each in unknown):
        raise Refused(f"holds tensors that are sparse, quantized or nested ({listed}), which no network here takes")
    raise Refused(f"holds more than tensors ({listed}), and reading that could run a program")


def _full(asked: str) -> str:
    name = asked.replace(" ", ".")
    return f"builtins{name.removeprefix('__builtin__')}" if name.startswith("__builtin__.") else name  # as Python 2 called it


class _Walk:
    """The stack and the memo of one pickle, as torch's reader has them, with marks in place of what is large."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.stack: list[Any] = []
        self.below: list[list[Any]] = []  # what lies under each MARK
        self.memo: dict[int, Any] = {}

    def push(self, value: Any) -> None:
        if isinstance(value, int) and not -LARGEST <= value < LARGEST:
            raise Refused("cannot be read (it has a whole number of more than 64 bits)")
        self.stack.append(value)

    def mark(self) -> None:
        self.below.append(self.stack)
        self.stack = []

    def since_mark(self) -> list[Any]:
        items, self.stack = self.stack, self.below.pop()
        return items

    def tuple_of(self, items: list[Any]) -> None:
        depth = 1 + max((item.depth for item in items if isinstance(item, Tuple)), default=0)
        if depth > DEEPEST:
            raise Refused(f"cannot be read (it has tuples in tuples more than {DEEPEST} deep)")
        self.container(Tuple(items, depth))

    def tuple_of_last(self, count: int) -> None:
        items = self.stack[-count:]
        if len(items) < count:
            raise IndexError("too few values for a tuple")
        del self.stack[-count:]
        self.tuple_of(items)

    def container(self, made: object) -> None:
        self.work.spend(CONTAINER)
        self.stack.append(made)

    def append(self, items: list[Any]) -> None:
        self._last(list).extend(items)

    def set_items(self, items: list[Any]) -> None:
        held = self._last(Dict)
        if not all(map(is_atom, items[::2])):
            raise Refused("cannot be read (a dict has a key that is neither text nor a number)")
        held.count += len(items) // 2

    def remember(self, place: int) -> None:
        self.memo[place] = self.stack[-1]

    def reduce(self) -> None:
        arguments, function = self.stack.pop(), self.stack.pop()
        self.stack.append(called(function, arguments, self.work))

    def new_object(self) -> None:
        arguments, kind = self.stack.pop(), self.stack.pop()
        if not (isinstance(kind, Name) and kind.name == "argparse.Namespace" and isinstance(arguments, Tuple) and not arguments.items):
            raise Refused("cannot be read (its pickle makes an object that no state dict needs)")
        self.stack.append(Dict())

    def build(self) -> None:
        state = self.stack.pop()
        self._last(Dict)
        if not isinstance(state, Dict):
            raise Refused("cannot be read (its pickle sets the attributes of an object by something other than a dict)")
        self.work.spend(state.count)

    def stored(self) -> None:
        stored(self.stack.pop(), self.work)
        self.stack.append(Thing())

    def _last(self, kind: type[Any]) -> Any:
        if not isinstance(self.stack[-1], kind):
            raise Refused("cannot be read (its pickle adds to what cannot be added to)")
        return self.stack[-1]


STEPS: dict[str, Callable[[_Walk, Any], None]] = {
    "PROTO": lambda walk, _: None,
    "MARK": lambda walk, _: walk.mark(),
    "EMPTY_TUPLE": lambda walk, _: walk.tuple_of([]),
    "TUPLE1": lambda walk, _: walk.tuple_of_last(1),
    "TUPLE2": lambda walk, _: walk.tuple_of_last(2),
    "TUPLE3": lambda walk, _: walk.tuple_of_last(3),
    "TUPLE": lambda walk, _: walk.tuple_of(walk.since_mark()),
    "EMPTY_LIST": lambda walk, _: walk.container([]),
    "EMPTY_DICT": lambda walk, _: walk.container(Dict()),
    "EMPTY_SET": lambda walk, _: walk.container(Thing()),
    "APPEND": lambda walk, _: walk.append([walk.stack.pop()]),
    "APPENDS": lambda walk, _: walk.append(walk.since_mark()),
    "SETITEM": lambda walk, _: walk.set_items([walk.stack.pop(-2), walk.stack.pop()]),
    "SETITEMS": lambda walk, _: walk.set_items(walk.since_mark()),
    "BINPUT": lambda walk, place: walk.remember(place),
    "LONG_BINPUT": lambda walk, place: walk.remember(place),
    "BINGET": lambda walk, place: walk.stack.append(walk.memo[place]),
    "LONG_BINGET": lambda walk, place: walk.stack.append(walk.memo[place]),
    "REDUCE": lambda walk, _: walk.reduce(),
    "NEWOBJ": lambda walk, _: walk.new_object(),
    "BUILD": lambda walk, _: walk.build(),
    "BINPERSID": lambda walk, _: walk.stored(),
}
