"""A gate on its way to its map: read as weights (N, M, C), rewritten, and put back into the layout that the network multiplies by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from sevis.capture.gates import Found, Product, branch_axis, selection
from sevis.capture.watch import Rewrite

__all__ = ["Place", "plan_of", "rewritten"]


@dataclass(frozen=True)
class Place:
    """Which part of which gate one multiplication of a pass is.

    Attributes:
        depth: of the gate.
        branch: the one that is multiplied; None where it is all of them, or where there is but one.
        axis: the axis of all branches: of the softmax's output where one branch is multiplied, of the product's weights where all are;
            None for a channel gate.
    """

    depth: int
    branch: int | None = None
    axis: int | None = None


def plan_of(found: Sequence[Found]) -> dict[int, Place]:
    """The place of every multiplication of a pass, by its number: the same in every later pass of the network."""
    return {product.number: _place(gate, depth, branch) for depth, gate in enumerate(found) for branch, product in enumerate(gate.products)}


def _place(gate: Found, depth: int, branch: int) -> Place:
    if gate.axis is not None:
        return Place(depth, None, gate.axis - sum(over < gate.axis for over in gate.products[0].over))
    if len(gate.products) == 1:
        return Place(depth)
    return Place(depth, branch, branch_axis(gate.products[0].activation, selection(gate)[0]))


def rewritten(gate: Tensor, features: Tensor, product: Product, place: Place, rewrite: Rewrite, softmax: Tensor | None) -> Tensor:
    """What is multiplied in place of the gate, of a shape that broadcasts over the features.

    Gradients flow through the rewritten weights as far as they still depend on the gate.

    Args:
        softmax: the output of the softmax that the gate is a branch of.
    """
    narrow = _narrow(gate, features, product.over)
    held = narrow if place.branch is None else softmax
    if held is None:
        raise ValueError(f"{product.path}: the branches of this gate come from no softmax that was seen; it cannot be edited")
    ordered = held if place.axis is None else held.movedim(place.axis, 1)
    whole = ordered.reshape(product.pictures, 1 if place.axis is None else ordered.shape[1], -1)
    made = rewrite(place.depth, whole)
    if made is whole:
        return gate
    if place.branch is not None:
        back = made[:, place.branch].reshape(narrow.shape)
    else:
        back = made.reshape(ordered.shape) if place.axis is None else made.reshape(ordered.shape).movedim(1, place.axis)
    return _wide(back, product.over).to(gate.dtype)


def _narrow(gate: Tensor, features: Tensor, over: tuple[int, ...]) -> Tensor:
    """The gate without the axes that it is broadcast over, every other axis as long as the features'."""
    aligned = gate[(None,) * (features.ndim - gate.ndim)]
    for axis in reversed(over):
        aligned = aligned.select(axis, 0)
    return aligned


def _wide(weights: Tensor, over: tuple[int, ...]) -> Tensor:
    """Weights with an axis of one place where they are broadcast."""
    for axis in over:
        weights = weights.unsqueeze(axis)
    return weights
