"""Records the gates of a pass whose route is known: every call but a few goes by unread.

The numbers are those that a Tape would find. A pass that makes other calls has strayed: what was recorded of it means nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from torch import Tensor
from torch.overrides import TorchFunctionMode

from sevis.capture import gates
from sevis.capture.gates import Found, Product
from sevis.capture.lineage import UNSEEN, Call, Node
from sevis.capture.operations import by_position, tensors_in
from sevis.capture.rewriting import rewritten
from sevis.capture.route import Factor, Gate, Route, Vector
from sevis.capture.sites import records_of
from sevis.capture.watch import LastMap, Watch, edge_of
from sevis.records import GateRecord

__all__ = ["Replay"]

UNFOLLOWED = Node(UNSEEN, (), ())  # stands for the maps, of which nothing is asked


class Answers(Protocol):
    """Makes the calls of a pass, or answers them with what it knows."""

    def call(self, number: int, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any] | None) -> Any: ...


class Replay(TorchFunctionMode):
    """What a Tape is, for a pass whose calls are those of a route.

    Args:
        answers: what makes the calls, where they are not simply made.

    Attributes:
        strayed: whether the pass made other calls, or wrote to a map that was to stay: ask once it is over.
    """

    def __init__(self, route: Route, watch: Watch, answers: Answers | None = None) -> None:
        super().__init__()
        self._route, self._watch, self._answers = route, watch, answers
        self._wants_maps = watch.maps or watch.gradients
        self._next = 0
        self._strayed = False
        self._values: dict[Call, Tensor] = {}  # copies: a later call may write to what it was given
        self._made: dict[Call, tuple[Tensor, object]] = {}  # with their edges
        self._products: dict[int, Product] = {}
        self._untouched: list[tuple[Tensor, int]] = []
        self._softmaxes: dict[Call, Tensor] = {}  # with their graph
        self._logits: Tensor | None = None
        read = {*route.kept, *route.factors, *route.edges, route.head}
        self._steps = [(function, number in read) for number, function in enumerate(route.functions)]

    @property
    def strayed(self) -> bool:
        """Whether the records mean nothing."""
        changed = any(features._version != version for features, version in self._untouched)
        return self._strayed or changed or self._next != len(self._steps)

    def __torch_function__(self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: dict[str, Any] | None = None) -> Any:
        number = self._next
        self._next = number + 1
        expected, read = self._steps[number] if number < len(self._steps) else (None, False)
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
        factor = route.factors.get(number)
        if factor is not None:
            args, kwargs = by_position(args, kwargs)
            args = self._multiplied(factor, args)
        result = func(*args, **kwargs) if self._answers is None else self._answers.call(number, func, args, kwargs)
        for place in route.kept.get(number, ()):
            self._keep((number, place), _among(result, place))
        for place in route.edges.get(number, ()):
            made = _among(result, place)
            self._made[number, place] = made, edge_of(made, self._watch)
        if factor is not None:
            self._products[number].edge = edge_of(result, self._watch)
        return result

    def _keep(self, call: Call, made: Tensor) -> None:
        self._values[call] = made.detach().clone()
        if self._watch.rewrite is not None:
            self._softmaxes[call] = made

    def _multiplied(self, factor: Factor, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The arguments of a multiplication with the gate edited, and the product entered."""
        gate, features = args[factor.side], args[1 - factor.side]
        if gates.matches(gate, features) != factor.over or any(vector.call not in self._values for vector in factor.vectors):
            self._strayed = True
            return args
        product = self._product(factor, gate, features)
        used = self._used(factor, gate, features, product)
        if used is not gate:
            product.weights = gates.without_axes(used, features, factor.over)
        self._products[factor.call] = product
        return tuple(used if arg is gate else arg for arg in args[:2]) + tuple(args[2:])

    def _product(self, factor: Factor, gate: Tensor, features: Tensor) -> Product:
        nodes = self._nodes(factor)
        weights = gates.without_axes(gate, features, factor.over)
        product = Product(
            factor.path, nodes[factor.squeeze], nodes[factor.activation], UNFOLLOWED, factor.over, weights, tuple(features.shape)
        )
        product.number = factor.number
        if self._wants_maps and (factor.overwritten or features.is_inference()):
            product.maps = gates.spatial(features, factor.over).clone()
        elif self._wants_maps:
            product.maps = gates.spatial(features, factor.over)
            self._untouched.append((features, features._version))
        return product

    def _nodes(self, factor: Factor) -> dict[Vector, Node]:
        """The nodes of a factor's vectors, each with its values, in the order in which the data flowed."""
        found: dict[Vector, Node] = {}
        parents: tuple[Node, ...] = ()
        for vector in dict.fromkeys(factor.vectors):
            value = self._values[vector.call]
            found[vector] = Node(vector.op, parents, tuple(value.shape), value, is_squeeze=not parents, axis=vector.axis)
            parents = (found[vector],)
        return found

    def _used(self, factor: Factor, gate: Tensor, features: Tensor, product: Product) -> Tensor:
        """The gate that is multiplied: edited, and a root of the graph where nothing before it needs a gradient."""
        watch = self._watch
        if watch.rewrite is not None:
            softmax = self._softmaxes.get(factor.activation.call)
            gate = rewritten(gate, features, product, self._route.places[factor.number], watch.rewrite, softmax)
        return watch.rooted(gate if watch.edit is None else watch.edit(gate))

    @property
    def found(self) -> tuple[Found, ...]:
        """The gates as tensors, in order of depth."""
        return tuple(self._found(gate) for gate in self._route.gates)

    def _found(self, gate: Gate) -> Found:
        products = tuple(self._products[factor.call] for factor in gate.factors)
        return Found(products, gate.axis, self._made[gate.call][1])

    def records(self) -> tuple[GateRecord, ...]:
        """One record a gate, in order of depth; NumPy, float32."""
        return records_of(self.found, self._route.sites, self._watch)

    def logits(self, output: Tensor) -> Tensor:
        """What the network's output was before a softmax of its own, where it has one."""
        return output if self._logits is None else self._logits

    def last_map(self, output: Tensor) -> LastMap | None:
        """The map that was pooled for the output; where none was, the last map of the pass."""
        last = self._route.last
        return None if last is None else LastMap(self._route.last_path, *self._made[last])


def _among(result: Any, place: int) -> Any:
    """One of the tensors that a call gave."""
    return result if isinstance(result, Tensor) else result[place]
