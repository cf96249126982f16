"""Where every tensor of a pass comes from: a graph of names and shapes that holds no feature map alive.

Two sorts of tensors are told apart. A *map* has places (H x W); a *vector* descends from a map that was pooled over all
its places, and may grow into a gate. Only vectors keep a copy of their values, since a later in-place operation may
overwrite them.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter

from sevis.capture.operations import EXPANSIONS, FIRST_ALONE, REDUCTIONS, RESHAPES, kernel_side, reduced_axes, tensors_in

__all__ = ["UNSEEN", "Call", "Lineage", "Node"]

Call = tuple[int, int]  # number of a call in its pass, and which of the tensors that it gave

FROM_MAP_TO_MAP = frozenset("conv1d conv2d conv3d batch_norm relu".split())  # of one tensor of data: a map of a map
PRODUCTS = frozenset({"matmul", "bmm"})
SCALINGS = frozenset({"mul", "div"})
UNSEEN = "unseen"  # the operation of a map that no watched operation made
LARGEST_VECTOR = 1 << 17  # values a picture


@dataclass(eq=False, slots=True)
class Node:
    """One tensor of the pass.

    Attributes:
        op: the function that made it.
        parents: what it was made from, as far as that was made in this pass.
        shape: its shape.
        value: a copy of a vector's values; None for a map.
        inherited: the squeezes that a vector's parents descend from.
        is_squeeze: whether it is a map that was just pooled.
        kernel: side of the kernel's receptive field, where a convolution made it.
        axis: the axis that a softmax normalises.
        scalar: whether all other arguments were numbers or weights.
        is_constant: whether it descends from weights alone.
        sum_of: the gated branches that it is the sum of (see gates.py).
        call: that made it; None where no watched call did.
    """

    op: str
    parents: tuple[Node, ...]
    shape: tuple[int, ...]
    value: Tensor | None = None
    inherited: tuple[Node, ...] = ()
    is_squeeze: bool = False
    kernel: int = 0
    axis: int | None = None
    scalar: bool = False
    is_constant: bool = False
    sum_of: tuple[Any, ...] = ()
    call: Call | None = None

    @property
    def squeezes(self) -> tuple[Node, ...]:
        """The pooled maps that a vector descends from, itself where it is one: a node that kept itself would outlive its pass."""
        return (self, *self.inherited) if self.is_squeeze else self.inherited

    def back(self, through: frozenset[str]) -> Iterator[Node]:
        """This node and what it descends from by operations of that set alone, nearest first."""
        seen, waiting = {id(self)}, [self]
        while waiting:
            node = waiting.pop(0)
            yield node
            for parent in node.parents if node.op in through else ():
                if id(parent) not in seen:
                    seen.add(id(parent))
                    waiting.append(parent)


@dataclass
class Lineage:
    """The nodes of one pass, found by tensor; it lives as long as the pass."""

    _nodes: dict[int, tuple[weakref.ref[Tensor], Node]] = field(default_factory=dict)

    def of(self, tensor: Tensor) -> Node | None:
        """The tensor's node, if this pass made it (an id may be taken again by a later tensor)."""
        entry = self._nodes.get(id(tensor))
        return entry[1] if entry is not None and entry[0]() is tensor else None

    def put(self, tensor: Tensor, node: Node) -> None:
        """Remember where a tensor comes from."""
        self._nodes[id(tensor)] = (weakref.ref(tensor), node)

    def parents(self, op: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Node, ...]:
        """The nodes of the data that a call's result descends from: weights, and what is computed from them alone, are none."""
        tensors = tensors_in((*args, *kwargs.values()))
        data = islice(tensors, 1) if op in FIRST_ALONE else tensors
        return tuple(node for tensor in data if (node := self._parent(tensor)) is not None)

    def _parent(self, tensor: Tensor) -> Node | None:
        """The node of a call's data; None where it is a weight. Most are known: asking what is a Parameter takes longer than to look."""
        node = self.of(tensor)
        if node is None:
            node = None if isinstance(tensor, Parameter) else self.enter(tensor)
        return None if node is None or node.is_constant else node

    def enter(self, tensor: Tensor) -> Node:
        """The node of a tensor; one that no watched operation made (an input, a scripted part's output) is entered as it stands."""
        node = self.of(tensor)
        if node is None:
            node = Node(UNSEEN, (), tuple(tensor.shape))
            self.put(tensor, node)
        return node

    def record(self, op: str, parents: tuple[Node, ...], args: tuple[Any, ...], kwargs: dict[str, Any], made: Tensor) -> Node:
        """The node of a tensor that a call has just made."""
        node = Node(op, parents, tuple(made.shape), kernel=kernel_side(op, args, kwargs), scalar=len(parents) == 1)
        self.put(made, node)
        if op in FROM_MAP_TO_MAP and parents and parents[0].value is None:
            return node  # most calls of a pass: nothing of them can grow into a gate
        if not parents:
            node.is_constant = any(True for _ in tensors_in((*args, *kwargs.values())))
            node.op = op if node.is_constant else UNSEEN  # made of nothing, it is as good as from outside
        if op in REDUCTIONS and parents and _is_squeeze(op, parents[0], args, kwargs, made):
            node.value, node.is_squeeze, node.inherited = made.detach().clone(), True, parents[0].squeezes
        elif op in PRODUCTS and (pooled := _weighed_pool(parents, made)) is not None:
            node.value, node.is_squeeze, node.parents = made.detach().clone(), True, (pooled,)
        elif op in SCALINGS and node.scalar and _is_sum(parents[0]) and any(isinstance(arg, int | float) for arg in args):
            node.value, node.is_squeeze, node.parents = made.detach().clone(), True, parents[0].parents  # a mean, written out
        elif op in EXPANSIONS and parents and parents[0].value is not None:
            node.value, node.inherited = parents[0].value, parents[0].squeezes  # its small form: expanding adds nothing
        elif _is_vector(parents, made):
            node.value = made.detach().clone()
            node.inherited = tuple(dict.fromkeys(squeeze for parent in parents for squeeze in parent.squeezes))
        if op == "softmax":
            axis = kwargs.get("dim", args[1] if len(args) > 1 else -1)
            node.axis = (axis if isinstance(axis, int) else -1) % max(made.ndim, 1)
        return node


def _is_squeeze(op: str, pooled: Node, args: tuple[Any, ...], kwargs: dict[str, Any], made: Tensor) -> bool:
    """Whether a map was pooled over all its places: the batch axis and one other are left.

    What a pooling layer left of 1 x 1 is a vector already, and a map all the same: it may be pooled for a gate of its own.
    """
    if len(pooled.shape) < 3 or (pooled.value is not None and pooled.value.numel() != made.numel()):
        return False
    axes = reduced_axes(op, pooled.shape, args, kwargs)
    kept = [n for axis, n in enumerate(pooled.shape) if axis not in axes]
    return 0 not in axes and len(kept) == 2 and made.numel() == kept[0] * kept[1]


def _weighed_pool(parents: tuple[Node, ...], made: Tensor) -> Node | None:
    """The map that a softmax over its places pooled (Cao et al. 2019, GCNet, eq. 2); None where it is another product."""
    if len(parents) != 2:
        return None
    shares = [next((part for part in parent.back(RESHAPES) if part.op == "softmax" and part.value is None), None) for parent in parents]
    for share, pooled in ((shares[1], parents[0]), (shares[0], parents[1])):
        places = share.shape[share.axis] if share is not None and share.axis is not None else 1
        if places > 1 and pooled.value is None and made.numel() * places == torch.Size(pooled.shape).numel():
            return pooled
    return None


def _is_sum(node: Node) -> bool:
    return node.is_squeeze and node.op == "sum"


def _is_vector(parents: tuple[Node, ...], made: Tensor) -> bool:
    """Whether a tensor still descends from pooled maps alone: a map among its parents makes it a map.

    A tensor from outside the pass that is no larger than the vectors is taken for a weight. A vector may be empty: a bottleneck of
    channels // reduction = 0 units is a fault that is to be seen.
    """
    if not any(parent.value is not None for parent in parents):
        return False
    largest = max(parent.value.numel() for parent in parents if parent.value is not None)
    if not made.ndim or not made.is_floating_point() or made.numel() > LARGEST_VECTOR * made.shape[0]:
        return False
    maps = (parent for parent in parents if parent.value is None)
    return all(parent.op == UNSEEN and torch.Size(parent.shape).numel() <= largest for parent in maps)
