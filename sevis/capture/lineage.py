"""Where every tensor of a pass comes from: a graph of names and shapes that holds no feature map alive.

Two sorts of tensors are told apart. A *map* has places (H x W); a *vector* descends from a map that was pooled over all
its places, and may grow into a gate. Only vectors keep a copy of their values, since a later in-place operation may
overwrite them.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

__all__ = ["Lineage", "Node", "op_name", "reduced_axes", "tensors_in"]

# what pools a map; the number is how many trailing axes it pools where it takes no dim
REDUCTIONS: dict[str, int | None] = {
    "mean": None,
    "sum": None,
    "amax": None,
    "max": None,
    "adaptive_avg_pool1d": 1,
    "adaptive_avg_pool2d": 2,
    "adaptive_avg_pool3d": 3,
    "adaptive_max_pool1d": 1,
    "adaptive_max_pool2d": 2,
    "adaptive_max_pool3d": 3,
    "avg_pool1d": 1,
    "avg_pool2d": 2,
    "avg_pool3d": 3,
    "max_pool1d": 1,
    "max_pool2d": 2,
    "max_pool3d": 3,
}
# the same values in another shape
RESHAPES = frozenset(
    (
        "view reshape view_as reshape_as flatten unflatten squeeze unsqueeze permute transpose movedim moveaxis swapaxes contiguous "
        "chunk split unbind getitem tensor_split narrow select to float half bfloat16 type type_as clone detach expand expand_as "
        "broadcast_to stack cat concat concatenate dropout dropout2d identity"
    ).split()
)
EXPANSIONS = frozenset({"expand", "expand_as", "broadcast_to"})
# the second tensor lends these its shape or type, not its values
SHAPE_OF_ANOTHER = frozenset({"expand_as", "view_as", "reshape_as", "type_as", "to"})
# what leads from a map to one that holds the same values, summed or rearranged
JOINS = RESHAPES | {"add", "iadd", "radd", "sum", "mean", "sub"}
LARGEST_VECTOR = 1 << 17  # values a picture


def op_name(func: Callable[..., Any]) -> str:
    """The function's name as torch documents it: without underscores and without the traces of overloading."""
    name = getattr(func, "__name__", "").strip("_")
    name = name.removesuffix("_with_indices")
    return {
        "imul": "mul",
        "rmul": "mul",
        "multiply": "mul",
        "iadd": "add",
        "radd": "add",
        "itruediv": "div",
        "rtruediv": "rdiv",
        "truediv": "div",
    }.get(name, name)


def tensors_in(values: Any) -> Iterator[Tensor]:
    """Every tensor among the arguments or results of a call, inside lists and tuples too."""
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from tensors_in(value)


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
        scalar: whether all other arguments were numbers.
        sum_of: the gated branches that it is the sum of (see gates.py).
        path: the module that made it, where that was asked for.
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
    sum_of: tuple[Any, ...] = ()
    path: str = ""

    @property
    def squeezes(self) -> tuple[Node, ...]:
        """The pooled maps that a vector descends from, itself where it is one: a node that kept itself would outlive its pass."""
        return (self,) if self.is_squeeze else self.inherited

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


def reduced_axes(op: str, shape: tuple[int, ...], args: tuple[Any, ...], kwargs: dict[str, Any]) -> frozenset[int]:
    """The axes over which a call of REDUCTIONS pools its first argument."""
    trailing = REDUCTIONS[op]
    if trailing is not None:
        return frozenset(range(len(shape) - trailing, len(shape)))
    axes = kwargs.get("dim", kwargs.get("axis", args[1] if len(args) > 1 else None))
    if axes is None or isinstance(axes, Tensor):
        return frozenset()
    return frozenset(axis % len(shape) for axis in ([axes] if isinstance(axes, int) else axes))


def _kernel(op: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> int:
    """The side of a convolution's kernel with its dilation: 5 for a 3 x 3 with dilation 2; 0 for anything else."""
    if not op.startswith("conv"):
        return 0
    weight = kwargs.get("weight", args[1] if len(args) > 1 else None)
    dilation = kwargs.get("dilation", args[5] if len(args) > 5 else 1)
    side = weight.shape[-1] if isinstance(weight, Tensor) else 1
    return (side - 1) * (dilation if isinstance(dilation, int) else dilation[-1]) + 1


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
        """The nodes that a call's result descends from; of `expand_as(x)` and its like only the first gives values."""
        nodes = tuple(node for tensor in tensors_in((*args, *kwargs.values())) if (node := self.of(tensor)) is not None)
        return nodes[:1] if op in SHAPE_OF_ANOTHER else nodes

    def record(self, op: str, parents: tuple[Node, ...], args: tuple[Any, ...], kwargs: dict[str, Any], made: Tensor) -> Node:
        """The node of a tensor that a call has just made."""
        node = Node(op, parents, tuple(made.shape), kernel=_kernel(op, args, kwargs), scalar=sum(1 for _ in tensors_in(args)) == 1)
        if op in REDUCTIONS and parents and _is_squeeze(op, parents[0], args, kwargs, made):
            node.value, node.is_squeeze = made.detach().clone(), True
        elif op in EXPANSIONS and parents and parents[0].value is not None:
            node.value, node.inherited = parents[0].value, parents[0].squeezes  # its small form: expanding adds nothing
        elif _is_vector(parents, made):
            node.value = made.detach().clone()
            node.inherited = tuple(dict.fromkeys(squeeze for parent in parents for squeeze in parent.squeezes))
        if op == "softmax":
            axis = kwargs.get("dim", args[1] if len(args) > 1 else -1)
            node.axis = (axis if isinstance(axis, int) else -1) % max(made.ndim, 1)
        self.put(made, node)
        return node


def _is_squeeze(op: str, pooled: Node, args: tuple[Any, ...], kwargs: dict[str, Any], made: Tensor) -> bool:
    """Whether a map was pooled over all its places: the batch axis and one other are left."""
    if pooled.value is not None or len(pooled.shape) < 3:
        return False
    axes = reduced_axes(op, pooled.shape, args, kwargs)
    kept = [n for axis, n in enumerate(pooled.shape) if axis not in axes]
    return 0 not in axes and len(kept) == 2 and made.numel() == kept[0] * kept[1]


def _is_vector(parents: tuple[Node, ...], made: Tensor) -> bool:
    """Whether a tensor still descends from pooled maps alone: a map of its own size among its parents makes it a map."""
    largest = max((parent.value.numel() for parent in parents if parent.value is not None), default=0)
    if not largest or not made.ndim or not made.is_floating_point() or made.numel() > LARGEST_VECTOR * made.shape[0]:
        return False
    return not any(parent.value is None and torch.Size(parent.shape).numel() > largest for parent in parents)
