"""Which calls of a pass make its gates, by their numbers: what a later pass of the same network needs to follow nothing else.

A network makes the same calls in every pass, unless its forward looks at its data. Nothing here runs one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from torch import Tensor

from sevis.capture.doors import Part, Stop, tour_of
from sevis.capture.gates import NAMED, Found, Product, hidden_of, logits_of
from sevis.capture.head import Head
from sevis.capture.lineage import Call, Node
from sevis.capture.operations import EXPANSIONS
from sevis.capture.rewriting import Place, plan_of
from sevis.capture.sites import sites_of
from sevis.records import GateSite

__all__ = ["Calls", "Factor", "Gate", "Route", "Vector", "route_of"]

T = TypeVar("T")
Function = Callable[..., Any]
GATE, MAP = "gate", "map"


class Calls:
    """The calls of a pass in their order, and what they overwrote.

    Args:
        closely: whether what is overwritten is looked for; maps and vectors are kept until the end then.
    """

    def __init__(self, closely: bool) -> None:
        self._closely = closely
        self.functions: list[Function] = []
        self.overwrites: dict[int, tuple[int, ...]] = {}
        self.parts: list[Part] = []
        self._entered: list[tuple[str, int]] = []
        self._versions: tuple[int, ...] = ()
        self._held: list[tuple[object, Tensor, int]] = []

    @property
    def number(self) -> int:
        """Of the call that is being made."""
        return len(self.functions) - 1

    def begins(self, function: Function, args: Sequence[Any]) -> None:
        """A call is about to be made; its arguments are those by place and then those by name."""
        self.functions.append(function)
        self._versions = _versions(args) if self._closely else ()

    def ends(self, args: Sequence[Any]) -> None:
        """The call was made."""
        if self._closely and (now := _versions(args)) != self._versions:
            self.overwrites[self.number] = tuple(n for n, pair in enumerate(zip(self._versions, now, strict=True)) if pair[0] != pair[1])

    def enters(self, path: str) -> None:
        """A module begins to run."""
        self._entered.append((path, len(self.functions)))

    def leaves(self, path: str) -> None:
        """A module has run; those inside it that raised are forgotten."""
        while self._entered:
            entered, first = self._entered.pop()
            if entered == path:
                self.parts.append(Part(path, first, len(self.functions)))
                return

    def weighs(self, gate: Tensor, features: Tensor) -> None:
        """The call that is about to be made weighs a map."""
        self._hold((self.number, GATE), gate)
        self._hold((self.number, MAP), features)

    def makes(self, call: Call, vector: Tensor) -> None:
        """A vector was made."""
        self._hold(call, vector)

    def _hold(self, what: object, tensor: Tensor) -> None:
        if self._closely and not tensor.is_inference():
            self._held.append((what, tensor, tensor._version))

    def overwritten(self) -> frozenset[object]:
        """What was written to after it was weighed or made: vectors by their call, (number, GATE) and (number, MAP) of a multiplication."""
        return frozenset(what for what, tensor, version in self._held if tensor._version != version)


def _versions(args: Sequence[Any]) -> tuple[int, ...]:
    """How often each argument was written to; -1 for what is no tensor."""
    return tuple(arg._version if isinstance(arg, Tensor) and not arg.is_inference() else -1 for arg in args)


@dataclass(frozen=True)
class Vector:
    """A tensor (N, ...) that is kept: what makes it, the axis that a softmax normalises, and whether it is written to later."""

    call: Call
    op: str
    axis: int | None
    overwritten: bool


@dataclass(frozen=True)
class Factor:
    """One multiplication of a map by a gate.

    Attributes:
        call: its number.
        side: which of its two factors is the gate.
        gate_is_overwritten, map_is_overwritten: whether it is written to by the call or after it.
        path, over, number: as in sevis.capture.gates.Product.
    """

    call: int
    side: int
    gate_is_overwritten: bool
    map_is_overwritten: bool
    path: str
    over: tuple[int, ...]
    number: int
    squeeze: Vector
    hidden: Vector | None
    logits: Vector
    activation: Vector

    @property
    def vectors(self) -> tuple[Vector, ...]:
        """What is kept for it."""
        return tuple(each for each in (self.squeeze, self.hidden, self.logits, self.activation) if each is not None)


@dataclass(frozen=True)
class Gate:
    """One gate: its multiplications, and the call that makes the gated map."""

    factors: tuple[Factor, ...]
    axis: int | None
    call: Call

    @property
    def numbers(self) -> tuple[int, ...]:
        """Of the calls that are read."""
        return (self.call[0], *(number for each in self.factors for number in (each.call, *(vector.call[0] for vector in each.vectors))))


@dataclass(frozen=True)
class Route:
    """The calls of a pass.

    Attributes:
        functions: what is called, in order.
        steps: each function, and whether its call is to be read.
        kept: of the vectors, by the number of the call: which of the tensors that it gives, and whether that is overwritten.
        factors: the multiplications, by their number among the calls.
        edges: the calls whose results may be asked for their gradient.
        head: the call of a softmax that the network ends in; None where it ends in logits.
        last: what makes the last map, with the path of its module.
        overwrites: which arguments a call overwrites.
        places: what every multiplication is of which gate, by its number among the multiplications.
        parts: every run of a module that can be looked at by itself.
        gate_tour, head_tour: those that show the gates, and those that show the logits and the last map too; none where it takes the whole
            pass.
    """

    functions: tuple[Function, ...]
    gates: tuple[Gate, ...]
    sites: tuple[GateSite, ...]
    head: int | None
    last: Call | None
    last_path: str
    overwrites: Mapping[int, tuple[int, ...]]
    places: Mapping[int, Place]
    parts: tuple[Part, ...] = ()
    gate_tour: tuple[Stop, ...] = field(init=False)
    head_tour: tuple[Stop, ...] = field(init=False)
    steps: Sequence[tuple[Function, bool]] = field(init=False)
    kept: Mapping[int, tuple[tuple[int, bool], ...]] = field(init=False)
    factors: Mapping[int, Factor] = field(init=False)
    edges: Mapping[int, tuple[int, ...]] = field(init=False)

    def __post_init__(self) -> None:
        factors = {factor.call: factor for gate in self.gates for factor in gate.factors}
        object.__setattr__(self, "factors", factors)
        vectors = dict.fromkeys(vector for factor in factors.values() for vector in factor.vectors)
        object.__setattr__(self, "kept", _by_number((number, (place, v.overwritten)) for v in vectors for number, place in [v.call]))
        ends = [gate.call for gate in self.gates] + ([] if self.last is None else [self.last])
        object.__setattr__(self, "edges", _by_number(ends))
        read = {*self.kept, *factors, *self.edges, self.head}
        object.__setattr__(self, "steps", [(function, number in read) for number, function in enumerate(self.functions)])
        gates = [gate.numbers for gate in self.gates]
        ends_in = (self.head, None if self.last is None else self.last[0])
        heads: list[tuple[int, ...]] = [(number,) for number in ends_in if number is not None]
        object.__setattr__(self, "gate_tour", tour_of(self.parts, gates))
        object.__setattr__(self, "head_tour", tour_of(self.parts, gates + heads))

    @property
    def first_calls(self) -> tuple[int, ...]:
        """The first multiplication of each gate, in order of depth."""
        return tuple(min(factor.call for factor in gate.factors) for gate in self.gates)


def _by_number(pairs: Iterable[tuple[int, T]]) -> dict[int, tuple[T, ...]]:
    """What there is of each call, by its number."""
    found: dict[int, tuple[T, ...]] = {}
    for number, of_call in dict.fromkeys(pairs):
        found[number] = (*found.get(number, ()), of_call)
    return found


def route_of(calls: Calls, found: Sequence[Found], head: Head, output: Tensor) -> Route | None:
    """The route of a pass that was watched closely; None where a part of a gate was made by no call that was seen."""
    overwritten = calls.overwritten()
    gates = [_gate(each, overwritten) for each in found]
    last, softmax = head.last_map(output), head.softmax(output)
    whole = [gate for gate in gates if gate is not None]
    if len(whole) < len(gates) or (last is not None and last.call is None):
        return None
    return Route(
        functions=tuple(calls.functions),
        gates=tuple(whole),
        sites=sites_of(found),
        head=None if softmax is None else softmax[0],
        last=None if last is None else last.call,
        last_path="" if last is None else last.path,
        overwrites=calls.overwrites,
        places=plan_of(found),
        parts=tuple(calls.parts),
    )


def _gate(found: Found, overwritten: frozenset[object]) -> Gate | None:
    factors = [_factor(product, overwritten) for product in found.products]
    if found.call is None or None in factors:
        return None
    return Gate(tuple(factor for factor in factors if factor is not None), found.axis, found.call)


def _factor(product: Product, overwritten: frozenset[object]) -> Factor | None:
    activation, squeeze = product.activation, product.squeeze
    if activation.op == NAMED or not activation.parents:
        return None
    hidden = hidden_of(activation, squeeze)
    known = [_vector(node, overwritten) for node in (squeeze, logits_of(activation), activation)]
    held = None if hidden is None else _vector(hidden, overwritten)
    if product.call is None or None in known or (hidden is not None and held is None):
        return None
    squeezed, logits, activated = (vector for vector in known if vector is not None)
    return Factor(
        call=product.call,
        side=product.side,
        gate_is_overwritten=(product.call, GATE) in overwritten,
        map_is_overwritten=(product.call, MAP) in overwritten,
        path=product.path,
        over=product.over,
        number=product.number,
        squeeze=squeezed,
        hidden=held,
        logits=logits,
        activation=activated,
    )


def _vector(node: Node, overwritten: frozenset[object]) -> Vector | None:
    """What makes a node's values; None where no call that was seen did."""
    while node.op in EXPANSIONS and node.parents:  # these keep the values of what they expand
        node = node.parents[0]
    return None if node.call is None or node.value is None else Vector(node.call, node.op, node.axis, node.call in overwritten)
