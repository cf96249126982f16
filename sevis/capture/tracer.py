"""Watches one forward pass of one thread, finds its gates by data flow and records them; the network is not touched."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.graph import get_gradient_edge
from torch.overrides import TorchFunctionMode

from sevis.capture import gates
from sevis.capture.gates import Found, Product
from sevis.capture.lineage import Lineage, Node, op_name, reduced_axes, tensors_in
from sevis.records import GateRecord, GateSite

__all__ = ["Tape", "capture", "find_gates"]

MULTIPLICATIONS = frozenset({"mul"})
SUMS = frozenset({"add", "sum", "stack", "cat"})
TOLERANCE = {torch.float32: 1e-4, torch.float64: 1e-6}  # of the largest value; half precision gets 2e-2

Edit = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Watch:
    """What a tape keeps beside the records.

    Attributes:
        maps: the gated feature maps.
        gradients: the places where gradients can be asked for, and the gated maps.
        head: the logits before a softmax, and the last feature map.
        proof: whether each gate's identity is checked.
        roots: whether the first gates start the graph, so that nothing before them is kept for the backward pass.
        edit: what replaces every gate before it is multiplied; None leaves it alone.
    """

    maps: bool = False
    gradients: bool = False
    head: bool = False
    proof: bool = True
    roots: bool = False
    edit: Edit | None = None


@dataclass(frozen=True, eq=False)
class LastMap:
    """A feature map (N, C, H, W): the module that made it (if gates are proved), its values, and where its gradient can be asked for."""

    path: str
    values: Tensor
    edge: object


class Tape(TorchFunctionMode):
    """Records every gate of the forward passes that its `with` block runs, in this thread alone.

    Example:
        with sevis.capture(module) as tape:
            module(pictures)
        tape.records()
    """

    def __init__(self, module: nn.Module, watch: Watch = Watch()) -> None:
        super().__init__()
        self._paths = {id(part): path for path, part in module.named_modules()}
        self._watch = watch
        self._lineage = Lineage()
        self._found: list[Found] = []
        self._logits: dict[Node, Tensor] = {}
        self._pooled: dict[Node, LastMap] = {}
        self._last: LastMap | None = None

    def __torch_function__(self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: dict[str, Any] | None = None) -> Any:
        kwargs = kwargs or {}
        name = op_name(func)
        product = None
        if name in MULTIPLICATIONS:
            product, args = self._multiplication(args)
        result = func(*args, **kwargs)
        made = (result,) if isinstance(result, Tensor) else result if isinstance(result, list | tuple) else ()
        for tensor in made:
            if isinstance(tensor, Tensor):
                self._put(name, args, kwargs, tensor, product)
        return result

    def _multiplication(self, args: tuple[Any, ...]) -> tuple[Product | None, tuple[Any, ...]]:
        """The product that a call is about to make, if one side gates the other, and the arguments with the gate edited."""
        if len(args) < 2 or not isinstance(args[0], Tensor) or not isinstance(args[1], Tensor):
            return None, args
        for gate, features in ((args[0], args[1]), (args[1], args[0])):
            product = self._product(gate, features)
            if product is not None:
                used = self._used(gate)
                if self._watch.edit is not None:
                    product.weights = gates.without_axes(used, features, product.over)
                return product, tuple(used if arg is gate else arg for arg in args[:2]) + tuple(args[2:])
        return None, args

    def _used(self, gate: Tensor) -> Tensor:
        """The gate that is multiplied: edited, and a root of the graph where nothing before it needs a gradient."""
        used = gate if self._watch.edit is None else self._watch.edit(gate)
        return used.detach().requires_grad_() if self._watch.roots and not used.requires_grad else used

    def _product(self, gate: Tensor, features: Tensor) -> Product | None:
        gate_node, features_node = self._lineage.of(gate), self._lineage.of(features)
        if gate_node is None or features_node is None or gate_node.value is None or features_node.value is not None:
            return None
        product = gates.product_of(gate, gate_node, features, features_node, self._owner())
        if product is not None and (self._watch.maps or self._watch.gradients or self._watch.proof):
            product.maps = gates.spatial(features, product.over)
        return product

    def _owner(self) -> str:
        """The path of the innermost module whose forward is running: read off the stack, so that no module needs a hook."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            if frame.f_code.co_argcount and frame.f_code.co_varnames[0] == "self":
                path: str | None = self._paths.get(id(frame.f_locals.get("self")))
                if path is not None:
                    return path
            frame = frame.f_back
        return ""

    def _put(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], made: Tensor, product: Product | None) -> None:
        """Enter a tensor that was just made into the lineage, and see whether it completes a gate."""
        parents = self._lineage.parents(name, args, kwargs)
        node = self._lineage.record(name, parents, args, kwargs, made)
        if product is not None:
            node.value, node.inherited, node.is_squeeze, node.sum_of = None, (), False, (product,)
            product.edge = self._edge(made)
            self._complete_channel(product, made)
        elif name in SUMS:
            self._complete_branches(node, parents, args, kwargs, made)
        if self._watch.head:
            self._keep_for_the_head(node, args, made)

    def _edge(self, made: Tensor) -> object:
        return get_gradient_edge(made) if self._watch.gradients and made.requires_grad else None

    def _complete_channel(self, product: Product, made: Tensor) -> None:
        if product.activation.op != "softmax" or product.activation.axis is None:
            self._found.append(self._prove(Found((product,), edge=product.edge), made))

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
            self._found.append(self._prove(Found(products, axis=axis, edge=self._edge(made)), made))
        else:
            node.sum_of = products

    def _keep_for_the_head(self, node: Node, args: tuple[Any, ...], made: Tensor) -> None:
        """Keep what the score and the usual Grad-CAM need: a softmax's logits, the map behind each squeeze, the last map."""
        if node.op in {"softmax", "log_softmax"}:
            self._logits[node] = next(tensors_in(args))
        if made.ndim == 4 and node.value is None and made.shape[-1] * made.shape[-2] > 1:
            self._last = LastMap(self._owner() if self._watch.proof else "", made, self._edge(made))
        if node.is_squeeze and self._last is not None and node.parents[0] is self._lineage.of(self._last.values):
            self._pooled[node] = self._last

    def _prove(self, found: Found, made: Tensor) -> Found:
        """Compare what was read off the gate with what the network computed: the site's identity."""
        if self._watch.proof:
            weights, _, maps = gates.selection(found)
            if maps is not None:
                gated = torch.einsum("nmc,nmchw->nchw", weights, maps.float())
                found.warnings += _broken(found, weights, gated, found.in_order(made).reshape(gated.shape).float(), made.dtype)
            if not self._watch.maps and not self._watch.gradients:
                for product in found.products:
                    product.maps = None
        return found

    def records(self) -> tuple[GateRecord, ...]:
        """One record a gate, in the order in which the pass met them; NumPy, float32."""
        return tuple(self._record(found, site) for found, site in zip(self._found, self.sites(), strict=True))

    @property
    def found(self) -> tuple[Found, ...]:
        """The gates as tensors, for what needs their gradients."""
        return tuple(self._found)

    def logits(self, output: Tensor) -> Tensor:
        """What the network's output was before a softmax of its own, where it has one."""
        node = self._lineage.of(output)
        return self._logits.get(node, output) if node is not None else output

    def last_map(self, output: Tensor) -> LastMap | None:
        """The map that was pooled for the output; where none was, the last map of the pass."""
        node = self._lineage.of(output)
        pooled = [self._pooled[squeeze] for squeeze in (node.squeezes if node is not None else ()) if squeeze in self._pooled]
        return pooled[-1] if pooled else self._last

    def sites(self) -> tuple[GateSite, ...]:
        """The gates' sites alone."""
        kept = [_kept_size(found) for found in self._found]
        stages = [_stage(found.products[0].path, size, kept) for found, size in zip(self._found, kept, strict=True)]
        return tuple(
            self._site(found, depth, stages[depth], 1 + stages[:depth].count(stages[depth])) for depth, found in enumerate(self._found)
        )

    def _site(self, found: Found, depth: int, stage: int, block: int) -> GateSite:
        weights, _, _ = gates.selection(found)
        first, count = found.products[0], weights.shape[1]
        branch = first.activation.op == "softmax"
        return GateSite(
            path=first.path,
            kind="branch" if branch else "channel",
            activation=first.activation.op,
            stage=stage,
            block=block,
            depth=depth,
            channels=weights.shape[2],
            branches=gates.kernel_names(found.products, count) if branch else ("gate",),
            warning=" ".join(found.warnings),
        )

    def _record(self, found: Found, site: GateSite) -> GateRecord:
        weights, logits, maps = gates.selection(found)
        first = found.products[0]
        hidden = gates.hidden_of(first.activation, first.squeeze)
        n = len(weights)
        return GateRecord(
            site=site,
            squeeze=_array(first.squeeze.value, n),
            hidden=None if hidden is None or hidden.value is None else _array(hidden.value, n),
            logits=_numpy(logits),
            weights=_numpy(weights),
            maps=_numpy(maps) if self._watch.maps and maps is not None else None,
        )


def _broken(found: Found, weights: Tensor, gated: Tensor, made: Tensor, dtype: torch.dtype) -> list[str]:
    """Which identities a gate fails, one sentence each."""
    tolerance = TOLERANCE.get(dtype, 2e-2)
    said = []
    gap = (gated - made).abs().max().item()
    if not gap <= tolerance * max(1.0, made.abs().max().item()):
        said.append(f"The block's output differs from input x weights by up to {gap:.2g}.")
    off = (weights.sum(dim=1) - 1).abs().max().item() if found.products[0].activation.op == "softmax" else 0.0
    if not off <= tolerance:
        said.append(f"The weights of its branches sum to 1 only to within {off:.2g}.")
    return said


def _kept_size(found: Found) -> int:
    """How many places the gated map has."""
    first = found.products[0]
    return int(np.prod([first.shape[axis] for axis in first.over], dtype=int)) if first.over else 1


def _stage(path: str, size: int, sizes: list[int]) -> int:
    """The papers' stage: layer1 of a ResNet is stage 2; elsewhere a stage is a size of map, the largest being 2."""
    named = re.search(r"(?:^|\.)layer(\d+)(?:\.|$)", path)
    return int(named[1]) + 1 if named else 2 + sorted(set(sizes), reverse=True).index(size)


def _numpy(values: Tensor) -> np.ndarray:
    return values.detach().float().cpu().numpy()


def _array(values: Tensor | None, pictures: int) -> np.ndarray:
    if values is None:
        raise ValueError("a gate's vector was not recorded")
    return _numpy(values).reshape(pictures, -1)


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


def capture(module: nn.Module, *, maps: bool = False, edit: Edit | None = None) -> Tape:
    """A tape that records the module's gates while its `with` block runs.

    Args:
        module: any network; it is neither changed nor hooked, so that other threads may use it at the same time.
        maps: whether the gated feature maps are kept in the records.
        edit: called with every gate tensor, gives what is multiplied in its place.
    """
    return Tape(module, Watch(maps=maps, edit=edit))


def find_gates(module: nn.Module, example: Tensor) -> tuple[GateSite, ...]:
    """Every channel gate and branch selector of a network, in order of depth, each with its identity checked.

    Args:
        module: any nn.Module; its training mode is as it was afterwards, and so are the running statistics of its norms.
        example: pictures (N, 3, H, W) as the module takes them.

    Returns:
        No site at all for a network without gates. Not seen: einsum, scripted modules.
    """
    tape = capture(module)
    with torch.no_grad(), as_evaluated(module), tape:
        module(example)
    return tape.sites()
