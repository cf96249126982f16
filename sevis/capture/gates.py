"""What a gate looks like in the data flow, and what is read off it.

A map X is pooled (the squeeze), passes through layers to a nonlinearity (the gate), and X, or the branches that X is the
sum of, is multiplied by the result, broadcast over space. Nothing here knows any network's class.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from sevis.capture.lineage import Call, Node
from sevis.capture.operations import JOINS, RESHAPES

__all__ = ["Found", "Product", "activation_of", "matches", "product_of"]

NAMED = "named"  # what made the weights of a module that the user named
GATES = frozenset(
    "sigmoid hardsigmoid hard_sigmoid softmax tanh softsign relu relu6 hardtanh clamp clamp_min clamp_max softplus exp".split()
)
GATES |= {NAMED}
HIDDEN = GATES | frozenset("silu gelu leaky_relu elu selu hardswish mish prelu".split())
CLIPS = frozenset("relu6 hardtanh clamp clamp_min clamp_max".split())
AFFINE = frozenset("add sub mul div rdiv rsub reciprocal neg".split())
STACKS = frozenset("stack cat concat concatenate".split())
MAX_STEPS = 64


@dataclass(eq=False)
class Product:
    """One multiplication of a map by a gate.

    Attributes:
        path: the module that multiplies.
        squeeze: node of the pooled map.
        activation: node of the gate's nonlinearity.
        features: node of the map.
        over: the map's axes over which the gate is broadcast, in order.
        weights: the gate as multiplied, without those axes.
        maps: a copy of the map in the order (kept axes, space); None where maps are not wanted.
        edge: where the product's gradient can be asked for.
        gate_edge: where the gradient of the gate as it was multiplied here can be asked for; None where nobody kept it.
        shape: of the product.
        number: place among all multiplications of the pass that are read as a gate's.
        call: its number among all calls of the pass.
        side: which of the two factors is the gate.
    """

    path: str
    squeeze: Node
    activation: Node
    features: Node
    over: tuple[int, ...]
    weights: Tensor
    shape: tuple[int, ...]
    maps: Tensor | None = None
    edge: object = None
    gate_edge: object = None
    number: int = -1
    call: int | None = None
    side: int = 0

    @property
    def pictures(self) -> int:
        """N, as the squeeze has it: a gate may have its branches first."""
        return self.squeeze.shape[0]


@dataclass(eq=False)
class Found:
    """A gate: one product (channel), or the products whose sum a softmax weighs (branch).

    Attributes:
        axis: the axis of the products' maps that the sum removes, where one product holds all branches.
        edge: where the gradient of the gated map can be asked for.
        call: that makes the gated map.
        warnings: which identities it fails.
    """

    products: tuple[Product, ...]
    axis: int | None = None
    edge: object = None
    call: Call | None = None
    warnings: list[str] = field(default_factory=list)

    @property
    def is_branch(self) -> bool:
        """Whether it weighs branches against each other."""
        return self.axis is not None or len(self.products) > 1

    def in_order(self, gated: Tensor) -> Tensor:
        """The gated map, or its gradient, as (N, C, H, W), whatever order the network keeps its axes in."""
        first = self.products[0]
        over = tuple(axis - (self.axis is not None and axis > self.axis) for axis in first.over)
        maps = spatial(gated, over)
        return maps.reshape(first.pictures, -1, *maps.shape[-2:])


def matches(gate: Tensor, shape: Sequence[int]) -> tuple[int, ...]:
    """The axes of a map of that shape over which a gate is broadcast; empty when it is none."""
    lead = len(shape) - gate.ndim
    if lead < 0 or len(shape) < 3:
        return ()
    narrow = [axis < lead or gate.shape[axis - lead] == 1 or gate.stride(axis - lead) == 0 for axis in range(len(shape))]
    return tuple(axis for axis, n in enumerate(shape) if narrow[axis] and n > 1 and axis > 0)


def without_axes(gate: Tensor, shape: Sequence[int], over: tuple[int, ...]) -> Tensor:
    """The gate's values, of the shape of its map without the axes that it is broadcast over; the same memory where it is float32."""
    aligned = gate.detach()[(None,) * (len(shape) - gate.ndim)]
    for axis in reversed(over):
        aligned = aligned.select(axis, 0)
    return aligned.float()


def summed_over_axes(gradient: Tensor, shape: Sequence[int], over: tuple[int, ...]) -> Tensor:
    """The gradient of a gate's values, in the shape that `without_axes` gives them; that of an expanded gate is spread over the map."""
    aligned = gradient[(None,) * (len(shape) - gradient.ndim)]
    return aligned.sum(over) if over else aligned


def activation_of(gate: Node) -> Node | None:
    """The nonlinearity that a gate ends in, but for reshapes and arithmetic with numbers; None when there is none."""
    for node in gate.back(RESHAPES | AFFINE):
        if node.op in GATES:
            return node
        if node.op in AFFINE and not node.scalar:
            return None
    return None


def depends(squeeze: Node, features: Node) -> bool:
    """Whether the gate is the features' own: their pooled map is them, a sum that they are part of, or a reshape of them."""
    pooled = {id(node) for parent in squeeze.parents[:1] for node in parent.back(JOINS)}
    return any(id(node) in pooled for node in features.back(RESHAPES))


def _has_one_place(squeeze: Node) -> bool:
    """Whether the pooled map was 1 x 1, so that nothing is left to broadcast its gate over."""
    pooled = squeeze.parents[0]
    return squeeze.value is not None and torch.Size(pooled.shape).numel() == squeeze.value.numel()


def product_of(gate: Tensor, gate_node: Node, features: Tensor, features_node: Node, path: str) -> Product | None:
    """The multiplication as a gate's, or None when it is not one."""
    activation = activation_of(gate_node)
    over = matches(gate, features.shape)
    own = next((squeeze for squeeze in gate_node.squeezes if depends(squeeze, features_node)), None)
    if activation is None or own is None or not (over or _has_one_place(own)):
        return None
    return Product(path, own, activation, features_node, over, without_axes(gate, features.shape, over).clone(), tuple(features.shape))


def is_whole(product: Product) -> bool:
    """Whether a product is a channel gate by itself: no softmax over branches, whose other products and sum are still to come."""
    activation, n = product.activation, product.pictures
    if activation.op != "softmax" or activation.axis is None:
        return True
    wide = [axis for axis, size in enumerate(product.shape) if axis and size > 1 and axis not in product.over]
    values = torch.Size(activation.shape).numel()
    return len(wide) == 1 and activation.shape[activation.axis] * n == values == product.weights.numel()


def logits_of(activation: Node) -> Node:
    """What enters the nonlinearity; a clipped ramp such as relu6(x + 3) / 6 is read as what the ramp is built on."""
    node = activation.parents[0]
    while activation.op in CLIPS and node.op in AFFINE and node.scalar and node.parents:
        node = node.parents[0]
    return node


def hidden_of(activation: Node, squeeze: Node) -> Node | None:
    """The bottleneck: the last activation between the squeeze and the logits; None where there is none."""
    node = activation.parents[0]
    for _ in range(MAX_STEPS):
        if node is squeeze or not node.parents:
            return None
        if node.op in HIDDEN:
            return node
        node = next((parent for parent in node.parents if parent.value is not None), node.parents[0])
    return None


def spatial(maps: Tensor, over: tuple[int, ...]) -> Tensor:
    """A map as (other axes..., H, W); one axis of space becomes (1, L), three become (D H, W)."""
    kept = [axis for axis in range(maps.ndim) if axis not in over]
    side = maps.shape[over[-1]] if over else 1
    ordered = maps.detach().permute(*kept, *over)
    return ordered.reshape(*ordered.shape[: len(kept)], -1, side)


def kernel_names(products: tuple[Product, ...], count: int) -> tuple[str, ...]:
    """What the branches are called: by their kernels ("3x3", "5x5") where these differ, else by number."""
    features = products if len(products) == count else ()
    nodes = [product.features for product in features] or _stacked(products[0].features, count)
    kernels = [next((node.kernel for node in _ancestors(node) if node.kernel > 1), 0) for node in nodes]
    if len(set(kernels)) == count and all(kernels):
        return tuple(f"{kernel}x{kernel}" for kernel in kernels)
    return tuple(f"branch {number}" for number in range(count))


def _ancestors(node: Node) -> list[Node]:
    """A node and its first parents, nearest first."""
    line = [node]
    while line[-1].parents and len(line) < MAX_STEPS:
        line.append(line[-1].parents[0])
    return line


def _stacked(features: Node, count: int) -> list[Node]:
    """The branches that a map was stacked from; empty where it was not."""
    return next((list(node.parents) for node in features.back(RESHAPES) if node.op in STACKS and len(node.parents) == count), [])


def by_branch(values: Tensor, axis: int, pictures: int) -> Tensor:
    """Values with the branches on any axis as (N, M, C)."""
    return values.detach().float().movedim(axis, 1).reshape(pictures, values.shape[axis], -1)


def selection(found: Found) -> tuple[Tensor, Tensor, Tensor | None]:
    """The weights (N, M, C), logits (N, M, C) and maps (N, M, C, H, W) of a gate of either kind."""
    weights = weights_of(found)
    return weights, logits_in_order(found.products[0].activation, weights), maps_of(found)


def weights_of(found: Found) -> Tensor:
    """The weights of a gate of either kind, (N, M, C)."""
    return in_branches(found, [product.weights for product in found.products])


def in_branches(found: Found, values: Sequence[Tensor]) -> Tensor:
    """What there is of each product, in the shape of its weights, as (N, M, C)."""
    first = found.products[0]
    if found.axis is not None:
        return by_branch(values[0], _kept_axis(found), first.pictures)
    return torch.stack([each.reshape(first.pictures, -1) for each in values], dim=1)


def maps_of(found: Found) -> Tensor | None:
    """The maps that it weighs, (N, M, C, H, W); copied only where each branch was multiplied by itself."""
    n, kept = found.products[0].pictures, [product.maps for product in found.products if product.maps is not None]
    if not kept:
        return None
    if found.axis is not None:
        ordered = kept[0].movedim(_kept_axis(found), 1)
        return ordered.reshape(n, ordered.shape[1], -1, *kept[0].shape[-2:])
    whole = [maps.reshape(n, 1, -1, *maps.shape[-2:]) for maps in kept]
    return whole[0] if len(whole) == 1 else torch.cat(whole, dim=1)


def _kept_axis(found: Found) -> int:
    """The axis of the branches among those that the gate is not broadcast over, where one product holds all branches."""
    axis = found.axis or 0
    return axis - sum(over < axis for over in found.products[0].over)


def logits_in_order(activation: Node, weights: Tensor) -> Tensor:
    """The logits in the order of the weights (N, M, C); not a number where the nonlinearity was not seen."""
    if activation.op == NAMED:
        return torch.full_like(weights, torch.nan)
    value = logits_of(activation).value
    if value is None or value.numel() != weights.numel():
        raise ValueError(
            f"the {activation.op} of a gate with weights {tuple(weights.shape)} is fed by {None if value is None else tuple(value.shape)}"
        )
    if activation.op == "softmax" and weights.shape[1] > 1:
        return by_branch(value, branch_axis(activation, weights), len(weights))
    return value.float().reshape(weights.shape)


def branch_axis(activation: Node, weights: Tensor) -> int:
    """The axis of a softmax that holds the branches: the normalised one, unless the network normalises over a wrong one."""
    value, (n, count, _) = activation.value, weights.shape
    axes = dict.fromkeys((activation.axis or 0, *range(len(activation.shape))))
    held = [axis for axis in axes if activation.shape[axis] == count]
    if len(held) < 2 or value is None:  # nearly always; to compare values makes the host wait for the device
        return next(iter(held), activation.axis or 0)
    same = [axis for axis in held if torch.equal(by_branch(value, axis, n), weights)]
    return int((same or held)[0])
