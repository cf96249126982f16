"""Watches one forward pass of one thread, finds its gates by data flow and records them; the network is not touched."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from sevis.capture import blind, gates, proofs
from sevis.capture.gates import Found, Product
from sevis.capture.head import Head
from sevis.capture.lineage import Lineage, Node
from sevis.capture.listening import Listener
from sevis.capture.named import NamedGates
from sevis.capture.operations import RESHAPES, by_position, op_name, reduced_axes
from sevis.capture.owner import owner
from sevis.capture.rewriting import Place, plan_of, rewritten
from sevis.capture.route import Calls, Route, route_of
from sevis.capture.sites import records_of, sites_of
from sevis.capture.unwrapping import refuse_hidden, unwrapped
from sevis.capture.watch import Edit, LastMap, Watch, edge_of
from sevis.host import Awaited, brought
from sevis.records import GateRecord, GateSite

__all__ = ["Tape", "Watch", "capture", "find_gates"]

MULTIPLICATIONS = frozenset({"mul"})
SUMS = frozenset({"add", "sum", "stack", "cat"})
RECORDS = Watch()


class Tape(TorchFunctionMode):
    """Records every gate of the forward passes that its `with` block runs, in this thread alone.

    Example:
        with sevis.capture(module) as tape:
            module(pictures)
        tape.records()
    """

    def __init__(self, module: nn.Module, watch: Watch = RECORDS) -> None:
        super().__init__()
        parts = tuple(module.named_modules())
        refuse_hidden(parts)
        self._module, self._watch = module, watch
        self._paths = {id(part): path for path, part in parts}
        self._lineage = Lineage()
        self._calls = Calls(closely=watch.route)
        self._found: list[Found] = []
        self._gated: dict[Node, Found] = {}
        self._unread: dict[tuple[str, str], None] = {}
        self._multiplied = 0
        self._softmaxes: dict[Node, Tensor] = {}  # with their graph; kept where branches are rewritten
        self._head = Head(self._lineage, watch, self._paths)
        self._named = NamedGates(module, watch, self._lineage, self._found)
        self._listener = self._by_part(parts) if watch.route else Listener(self._named.modules, self._named.before, self._named.after)

    def _by_part(self, parts: Sequence[tuple[str, nn.Module]]) -> Listener:
        """Notes which calls are made by which module; scripted ones make theirs unseen."""
        seen = frozenset(id(part) for _, part in parts if not isinstance(part, torch.jit.ScriptModule))
        paths, calls = self._paths, self._calls
        return Listener(seen, lambda part, _: calls.enters(paths[id(part)]), lambda part, _: calls.leaves(paths[id(part)]))

    def __enter__(self) -> Tape:
        self._listener.__enter__()
        TorchFunctionMode.__enter__(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        try:
            TorchFunctionMode.__exit__(self, kind, error, traceback)
        finally:
            self._listener.__exit__(kind, error, traceback)

    def __torch_function__(self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: dict[str, Any] | None = None) -> Any:
        kwargs = kwargs or {}
        name = op_name(func)
        product = None
        if name in MULTIPLICATIONS:
            args, kwargs = by_position(args, kwargs)
        self._calls.begins(func, (*args, *kwargs.values()))
        if name in MULTIPLICATIONS:
            product, args = self._multiplication(args)
        result = func(*args, **kwargs)
        self._calls.ends((*args, *kwargs.values()))
        made = (result,) if isinstance(result, Tensor) else result if isinstance(result, list | tuple) else ()
        for place, tensor in enumerate(made):
            if isinstance(tensor, Tensor):
                self._put(name, args, kwargs, tensor, product, place)
        return result

    def _multiplication(self, args: tuple[Any, ...]) -> tuple[Product | None, tuple[Any, ...]]:
        """The product that a call is about to make, if one side gates the other, and the arguments with the gate edited."""
        if len(args) < 2 or not isinstance(args[0], Tensor) or not isinstance(args[1], Tensor):
            return None, args
        for side, gate, features in ((0, args[0], args[1]), (1, args[1], args[0])):
            product = self._product(gate, features)
            if product is not None:
                product.call, product.side = self._calls.number, side
                self._calls.weighs(gate, features)
                used = self._used(gate, features, product)
                if self._watch.edit is not None or self._watch.rewrite is not None:
                    product.weights = gates.without_axes(used, features.shape, product.over).clone()
                return product, tuple(used if arg is gate else arg for arg in args[:2]) + tuple(args[2:])
        return None, args

    def _used(self, gate: Tensor, features: Tensor, product: Product) -> Tensor:
        """The gate that is multiplied: edited, and a root of the graph where nothing before it needs a gradient."""
        watch = self._watch
        place = watch.plan.get(product.number)
        if watch.rewrite is not None and place is not None:
            gate = rewritten(gate, features, product, place, watch.rewrite, self._softmaxes.get(product.activation))
        return watch.rooted(gate if watch.edit is None else watch.edit(gate))

    def _product(self, gate: Tensor, features: Tensor) -> Product | None:
        gate_node, features_node = self._lineage.of(gate), self._lineage.of(features)
        if gate_node is None or features_node is None or gate_node.value is None or features.ndim < 3:
            return None
        product = gates.product_of(gate, gate_node, features, features_node, owner(self._paths))
        if product is not None:
            product.number, self._multiplied = self._multiplied, self._multiplied + 1
        if product is not None and (self._watch.maps or self._watch.gradients or self._watch.proof):
            product.maps = gates.spatial(features, product.over).clone()  # whatever is written to it later
        return product

    def _put(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], made: Tensor, product: Product | None, place: int) -> None:
        """Enter a tensor that was just made into the lineage, and see whether it completes a gate."""
        parents = self._lineage.parents(name, args, kwargs)
        node = self._lineage.record(name, parents, args, kwargs, made)
        node.call = self._calls.number, place
        if node.value is not None:
            self._calls.makes(node.call, made)
        if name == "softmax" and self._watch.rewrite is not None:
            self._softmaxes[node] = made
        if product is not None:
            node.value, node.inherited, node.is_squeeze, node.sum_of = None, (), False, (product,)
            product.edge = edge_of(made, self._watch)
            if gates.is_whole(product):
                self._complete(Found((product,), edge=product.edge), node, made)
        elif name in SUMS:
            self._complete_branches(node, parents, args, kwargs, made)
        if self._watch.proof:
            self._look_closer(name, args, parents)
        if self._watch.head:
            self._head.keep(node, args, made)

    def _look_closer(self, name: str, args: tuple[Any, ...], parents: tuple[Node, ...]) -> None:
        """See what becomes of a gated map, and whether a gate meets its map where no multiplication is read."""
        if name in proofs.AFTER:
            for parent in parents:
                for found in (self._gated[node] for node in parent.back(RESHAPES) if node in self._gated):
                    said = proofs.what_follows(name, found, args, (other for other in parents if other is not parent))
                    found.warnings += [said] if said and said not in found.warnings else []
        elif name in blind.UNREAD and blind.meets_its_map(parents):
            self._unread[owner(self._paths), name] = None

    def _complete_branches(self, node: Node, parents: tuple[Node, ...], args: Any, kwargs: Any, made: Tensor) -> None:
        """Follow the products of one softmax until their sum is there."""
        products = tuple(dict.fromkeys(product for parent in parents for product in parent.sum_of))
        if not products or any(product.activation is not products[0].activation for product in products):
            return
        first, axis = products[0], None
        if node.op == "sum" and len(products) == 1 and first.activation.op == "softmax":
            axes = reduced_axes("sum", first.shape, args, kwargs)
            axis = next(iter(axes)) if len(axes) == 1 and not axes & set(first.over) else None
        # all weights of the softmax are used up: whatever axis it normalises, a wrong one is for the proof to find
        used_up = len(products) > 1 and sum(p.weights.numel() for p in products) == torch.Size(first.activation.shape).numel()
        if first.activation.op == "softmax" and (axis is not None or (used_up and node.op in {"add", "sum"})):
            self._complete(Found(products, axis=axis, edge=edge_of(made, self._watch)), node, made)
        else:
            node.sum_of = products

    def _complete(self, found: Found, node: Node, made: Tensor) -> None:
        """Enter a gate whose output was just made, with the proof of its identity."""
        found.call = node.call
        self._found.append(found)
        if self._watch.proof:
            self._gated[node] = found
            found.warnings += proofs.broken(found, made)
            if not self._watch.maps and not self._watch.gradients:
                for product in found.products:
                    product.maps = None

    def records(self) -> tuple[GateRecord, ...]:
        """One record a gate, in the order in which the pass met them; NumPy, float32."""
        return brought(self.awaited())[0]  # type: ignore[no-any-return]

    def awaited(self) -> Awaited[tuple[GateRecord, ...]]:
        """The records before they are on the host, for who brings more with them."""
        return records_of(self._found, self.sites(), self._watch)

    @property
    def found(self) -> tuple[Found, ...]:
        """The gates as tensors, for what needs their gradients."""
        return tuple(self._found)

    def plan(self) -> dict[int, Place]:
        """Which multiplication of the pass was which part of which gate: what a later pass needs to rewrite them."""
        return plan_of(self._found)

    def route(self, output: Tensor) -> Route | None:
        """Which calls of the pass made its gates and this output: what a Replay needs. None where some made them unseen."""
        return None if self._watch.gates else route_of(self._calls, self._found, self._head, output)

    def logits(self, output: Tensor) -> Tensor:
        """What the network's output was before a softmax of its own, where it has one."""
        return self._head.logits(output)

    def last_map(self, output: Tensor) -> LastMap | None:
        """The map that was pooled for the output; where none was, the last map of the pass."""
        return self._head.last_map(output)

    def sites(self) -> tuple[GateSite, ...]:
        """The gates' sites alone.

        Raises:
            ValueError: a module that was named as a gate did not run, or was none.
        """
        self._named.check()
        return sites_of(self._found)

    def blind_spots(self) -> tuple[str, ...]:
        """What the data flow did not show, one sentence each: scripted parts, and gates in einsum and its like."""
        return blind.blind_spots(self._module, self._unread, self._watch.gates)


@contextmanager
def as_evaluated(module: nn.Module) -> Iterator[None]:
    """The module in eval mode; every part's own mode comes back afterwards, on errors too."""
    training = [part for part in module.modules() if part.training]
    try:
        for part in training:
            part.training = False
        yield
    finally:
        for part in training:
            part.training = True


def capture(module: nn.Module, *, maps: bool = False, edit: Edit | None = None, gates: Sequence[str] = ()) -> Tape:
    """A tape that records the module's gates while its `with` block runs.

    Args:
        module: any network; it is neither changed nor hooked, so that other threads may use it at the same time.
        maps: whether the gated feature maps are kept in the records.
        edit: called with every gate tensor, gives what is multiplied in its place.
        gates: paths of modules that are gates although no data flow shows it (scripted, einsum inside), besides those that
            are found. A module that weighs its map is read as output over input, one that makes weights (N, C) as it stands;
            their logits and bottleneck are not seen.

    Raises:
        ValueError: there is no module of such a path; the nearest are listed.
        TypeError: a part is compiled, or spread over devices: see `unwrapped`.
    """
    return Tape(module, Watch(maps=maps, edit=edit, gates=(gates,) if isinstance(gates, str) else tuple(gates)))


def find_gates(module: nn.Module, example: Tensor, *, gates: Sequence[str] = ()) -> tuple[GateSite, ...]:
    """Every channel gate and branch selector of a network, in order of depth, each with its identity checked.

    What cannot be seen (scripted parts, a gate inside einsum) is said in a warning that names the way out.

    Args:
        module: any nn.Module; its training mode is as it was afterwards, and so are the running statistics of its norms.
            Data-parallel and compiled parts are watched without their wrappers.
        example: pictures (N, 3, H, W) as the module takes them.
        gates: paths of modules that are gates although no data flow shows it, as in `capture`.

    Returns:
        No site at all for a network without gates.
    """
    bare = unwrapped(module)
    if bare is not module:  # DataParallel would have moved the pictures
        example = example.to(next((p.device for p in bare.parameters()), example.device))
    tape = capture(bare, gates=gates)
    with torch.no_grad(), as_evaluated(bare), tape:
        bare(example)
    for said in tape.blind_spots():
        warnings.warn(said, stacklevel=2)
    return tape.sites()
