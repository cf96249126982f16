"""Records the gates of a pass whose route is known: every call but a few goes by unread.

The numbers are those that a Tape would find. A pass that makes other calls has strayed: what was recorded of it means nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import TracebackType
from typing import Any, Protocol

from torch import Tensor
from torch.overrides import TorchFunctionMode

from sevis.capture import gates
from sevis.capture.doors import Part, Stop, visited_by
from sevis.capture.gates import Found, Product
from sevis.capture.lineage import UNSEEN, Call, Node
from sevis.capture.operations import by_position, tensors_in
from sevis.capture.rewriting import rewritten
from sevis.capture.route import Factor, Gate, Route, Vector
from sevis.capture.sites import records_of
from sevis.capture.watch import LastMap, Watch, edge_of
from sevis.host import Awaited, brought
from sevis.records import GateRecord

__all__ = ["Replay"]

BETWEEN, WITHIN, PAST = "between the parts", "within one", "past one within it"  # where a pass is on its tour
UNFOLLOWED = Node(UNSEEN, (), ())  # stands for the maps, of which nothing is asked


class Answers(Protocol):
    """Makes the calls of a pass, or answers them with what it knows."""

    def call(self, number: int, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any] | None) -> Any: ...


@dataclass(frozen=True, eq=False)
class Weighed:
    """One multiplication as it was made: the gate that was multiplied, the map if it is to be kept, and the edges of product and gate."""

    gate: Tensor
    features: Tensor | None
    shape: tuple[int, ...]
    version: int = -1
    edge: object = None
    gate_edge: object = None


class Replay(TorchFunctionMode):
    """What a Tape is, for a pass whose calls are those of a route.

    While the pass runs, references are all that is kept: between two convolutions each small operation costs several times what it
    costs afterwards. Copies are made of what the route says is overwritten later.

    Args:
        answers: what makes the calls, where they are not simply made.
        tour: the parts of the pass that are looked at or passed by, in their order; their modules have a door. None: the whole pass.
    """

    def __init__(self, route: Route, watch: Watch, answers: Answers | None = None, tour: Sequence[Stop] = ()) -> None:
        super().__init__()
        self._route, self._watch, self._answers = route, watch, answers
        self._tour, self._stops = tour, 0
        self._doors = {state: frozenset(stop.part.path for stop in tour if stop.looks is (state == BETWEEN)) for state in (BETWEEN, WITHIN)}
        self._state = BETWEEN
        self._open: list[Part] = []
        self._wants_maps = watch.maps or watch.gradients
        self._next = 0
        self._strayed = False
        self._values: dict[Call, Tensor] = {}
        self._edges: dict[Call, object] = {}
        self._weighed: dict[int, Weighed] = {}
        self._last: Tensor | None = None
        self._logits: Tensor | None = None

    @property
    def strayed(self) -> bool:
        """Whether the records mean nothing, since the pass made other calls, or wrote to a map that was to stay; ask once it is over."""
        whole = self._stops == len(self._tour) if self._tour else self._next == len(self._route.steps)
        return self._strayed or not whole or not all(map(self._is_as_before, self._route.factors.values()))

    def __enter__(self) -> Replay:
        if self._tour:
            self._look = visited_by(self)
            self._look.__enter__()
        else:
            TorchFunctionMode.__enter__(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        if self._tour:
            self._look.__exit__(kind, error, traceback)
            del self._look  # it holds on to this
        if not self._tour or self._state == WITHIN:  # a part that was broken off did not leave
            TorchFunctionMode.__exit__(self, kind, error, traceback)

    def enters(self, path: str) -> None:
        """A module that has a door begins: it is looked at, or passed by, where it is what comes next on the tour."""
        if path not in self._doors.get(self._state, ()):
            return
        stop = self._tour[self._stops] if self._stops < len(self._tour) else None
        self._stops += 1
        if stop is None or stop.part.path != path or stop.looks is not (self._state == BETWEEN):
            self._strayed = True
            return
        self._open.append(stop.part)
        if stop.looks:
            self._next, self._state = stop.part.first, WITHIN
            TorchFunctionMode.__enter__(self)
        else:
            self._strayed |= self._next != stop.part.first
            self._next, self._state = stop.part.end, PAST
            TorchFunctionMode.__exit__(self, None, None, None)

    def leaves(self, path: str) -> None:
        """A module that has a door ends."""
        if not self._open or self._open[-1].path != path:
            return
        part = self._open.pop()
        if self._state == PAST:
            TorchFunctionMode.__enter__(self)
            self._state = WITHIN
        else:
            TorchFunctionMode.__exit__(self, None, None, None)
            self._state = BETWEEN
            self._strayed |= self._next != part.end

    def _is_as_before(self, factor: Factor) -> bool:
        """Whether a multiplication had a gate of the known form, and its map is what it was."""
        made = self._weighed.get(factor.call)
        if made is None or any(vector.call not in self._values for vector in factor.vectors):
            return False
        untouched = made.features is None or made.version < 0 or made.features._version == made.version
        return untouched and gates.matches(made.gate, made.shape) == factor.over

    def __torch_function__(self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: dict[str, Any] | None = None) -> Any:
        number = self._next
        self._next = number + 1
        expected, read = self._route.steps[number] if number < len(self._route.steps) else (None, False)
        if func is not expected and func != expected:  # a property's getter is another object at every call, and equal
            self._strayed, read = True, False
        if read and not self._strayed:
            return self._read(number, func, args, kwargs or {})
        if self._answers is not None and not self._strayed:
            return self._answers.call(number, func, args, kwargs)
        return func(*args, **kwargs) if kwargs else func(*args)

    def _read(self, number: int, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Make a call that is a part of a gate or of the head."""
        route = self._route
        if number == route.head:
            self._logits = next(tensors_in((*args, *kwargs.values())), None)
        if number in route.factors:
            return self._multiplied(number, func, *by_position(args, kwargs))
        result = self._called(number, func, args, kwargs)
        for place, overwritten in route.kept.get(number, ()):
            made = _among(result, place)
            self._values[number, place] = made.clone() if overwritten else made
        self._end(number, result)
        return result

    def _called(self, number: int, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return func(*args, **kwargs) if self._answers is None else self._answers.call(number, func, args, kwargs)

    def _end(self, number: int, result: Any) -> None:
        """Keep what may be asked of a gated or of the last map; the maps themselves are memory that the pass uses again."""
        for place in self._route.edges.get(number, ()):
            made = _among(result, place)
            self._edges[number, place] = edge_of(made, self._watch)
            if (number, place) == self._route.last and self._watch.head:
                self._last = made

    def _multiplied(self, number: int, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Make a multiplication with the gate edited, and keep what it multiplied."""
        factor = self._route.factors[number]
        gate, features = args[factor.side], args[1 - factor.side]
        used = self._used(factor, gate, features)
        used = used if factor.gate_is_overwritten else self._watch.aliased(used)
        copied = factor.map_is_overwritten or features.is_inference()
        kept = None if not self._wants_maps else features.clone() if copied else features
        version = -1 if copied else features._version
        weights = used.detach().clone() if factor.gate_is_overwritten else used
        result = self._called(number, func, tuple(used if arg is gate else arg for arg in args[:2]) + tuple(args[2:]), kwargs)
        overwritten = factor.map_is_overwritten or factor.gate_is_overwritten  # its gradient needs what was multiplied
        gate_edge = None if overwritten else edge_of(used, self._watch)
        self._weighed[number] = Weighed(weights, kept, tuple(features.shape), version, edge_of(result, self._watch), gate_edge)
        self._end(number, result)
        return result

    def _used(self, factor: Factor, gate: Tensor, features: Tensor) -> Tensor:
        """The gate that is multiplied: edited, and a root of the graph where nothing before it needs a gradient."""
        watch = self._watch
        if watch.rewrite is not None and gates.matches(gate, features.shape) == factor.over:
            product = self._product(factor, Weighed(gate, None, tuple(features.shape)))
            softmax = self._values.get(factor.activation.call)
            gate = rewritten(gate, features, product, self._route.places[factor.number], watch.rewrite, softmax)
        return watch.rooted(gate if watch.edit is None else watch.edit(gate))

    def _product(self, factor: Factor, made: Weighed) -> Product:
        nodes = self._nodes(factor)
        return Product(
            factor.path,
            nodes[factor.squeeze],
            nodes[factor.activation],
            UNFOLLOWED,
            factor.over,
            gates.without_axes(made.gate, made.shape, factor.over),
            made.shape,
            maps=None if made.features is None else gates.spatial(made.features, factor.over),
            edge=made.edge,
            gate_edge=made.gate_edge,
            number=factor.number,
        )

    def _nodes(self, factor: Factor) -> dict[Vector, Node]:
        """The nodes of a factor's vectors, each with its values, in the order in which the data flowed."""
        found: dict[Vector, Node] = {}
        parents: tuple[Node, ...] = ()
        for vector in dict.fromkeys(factor.vectors):
            value = self._values[vector.call].detach()
            found[vector] = Node(vector.op, parents, tuple(value.shape), value, is_squeeze=not parents, axis=vector.axis)
            parents = (found[vector],)
        return found

    @cached_property
    def found(self) -> tuple[Found, ...]:
        """The gates as tensors, in order of depth."""
        return tuple(map(self._found, self._route.gates))

    def _found(self, gate: Gate) -> Found:
        products = tuple(self._product(factor, self._weighed[factor.call]) for factor in gate.factors)
        return Found(products, gate.axis, self._edges[gate.call])

    def records(self) -> tuple[GateRecord, ...]:
        """One record a gate, in order of depth; NumPy, float32."""
        return brought(self.awaited())[0]  # type: ignore[no-any-return]

    def awaited(self) -> Awaited[tuple[GateRecord, ...]]:
        """The records before they are on the host, for who brings more with them."""
        return records_of(self.found, self._route.sites, self._watch)

    def logits(self, output: Tensor) -> Tensor:
        """What the network's output was before a softmax of its own, where it has one."""
        return output if self._logits is None else self._logits

    def last_map(self, output: Tensor) -> LastMap | None:
        """The map that was pooled for the output; where none was, the last map of the pass."""
        last = self._route.last
        if last is None or self._last is None:
            return None
        return LastMap(self._route.last_path, self._last, self._edges[last])


def _among(result: Any, place: int) -> Any:
    """One of the tensors that a call gave."""
    return result if isinstance(result, Tensor) else result[place]
