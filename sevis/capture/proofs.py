"""Every gate proves itself: its output is its input times its weights. Where not, its site says so, and why where that shows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from sevis.capture import gates
from sevis.capture.gates import Found
from sevis.capture.lineage import Node
from sevis.capture.operations import RESHAPES

__all__ = ["AFTER", "broken", "gap", "what_follows"]

TOLERANCE = {torch.float32: 1e-4, torch.float64: 1e-6}  # of the largest value; half precision gets 2e-2
AFTER = frozenset({"mul", "div", "add"})  # the operations on a gated map that change what its weights mean

GAIN = "The gated map is multiplied by {0:g} right after the gate: the weights that act are {0:g} x those shown."
SQUARED = (
    "The gate's product is multiplied by its own input again: out * SE(out) is out^2 x s, which loses the map's sign. Write out = SE(out)."
)
RESIDUAL = "The gate's input is added to its product: x + x * g acts as a weight of 1 + g."
OTHER_AXIS = "Its softmax runs over axis {0} of {1}, which does not hold the branches."


def gap(gated: Tensor, made: Tensor) -> float:
    """How far two maps lie apart, at most; 0 where that is within the tolerance of their type."""
    apart = (gated.float() - made.float()).abs().max().item()
    return 0.0 if apart <= _tolerance(made) * max(1.0, made.abs().max().item()) else apart


def broken(found: Found, made: Tensor) -> list[str]:
    """Which identities a gate fails, one sentence each."""
    weights, _, maps = gates.selection(found)
    if maps is None:
        return []
    gated = torch.einsum("nmc,nmchw->nchw", weights, maps.float())
    apart = gap(gated, found.in_order(made).reshape(gated.shape))
    said = [f"The block's output differs from input x weights by up to {apart:.2g}."] if apart else []
    off = (weights.sum(dim=1) - 1).abs().max().item() if found.is_branch else 0.0
    return said if off <= _tolerance(made) else said + _uneven(found, weights, off)


def _tolerance(made: Tensor) -> float:
    return TOLERANCE.get(made.dtype, 2e-2)


def _uneven(found: Found, weights: Tensor, off: float) -> list[str]:
    """That the weights of the branches do not sum to 1, and whether their softmax is to blame."""
    activation = found.products[0].activation
    axis = gates.branch_axis(activation, weights)
    reason = [] if axis == activation.axis else [OTHER_AXIS.format(activation.axis, activation.shape)]
    return [f"The weights of its branches sum to 1 only to within {off:.2g}.", *reason]


def what_follows(op: str, found: Found, args: Iterable[Any], others: Iterable[Node]) -> str:
    """What an operation of AFTER makes of a gated map, if its weights do not mean what they show then; else "".

    Args:
        args: of the operation, the number among them if there is one.
        others: the nodes of the other maps among them.
    """
    number = next((float(arg) for arg in args if isinstance(arg, int | float)), None)
    if op == "add":
        return RESIDUAL if _is_input(found, others) else ""
    if number:
        gain = number if op == "mul" else 1 / number
        return "" if gain == 1 else GAIN.format(gain)
    return SQUARED if op == "mul" and _is_input(found, others) else ""


def _is_input(found: Found, nodes: Iterable[Node]) -> bool:
    """Whether one of the nodes is the map that a channel gate weighed."""
    features = found.products[0].features
    return not found.is_branch and any(node is features for other in nodes for node in other.back(RESHAPES))
