"""Grad-CAM of every gate, and every gate's influence, from one backward pass."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from sevis.capture import gates
from sevis.capture.gates import Found, Product
from sevis.capture.watch import LastMap
from sevis.host import Awaited
from sevis.records import Cam

__all__ = ["Explanation", "explain"]


@dataclass(frozen=True)
class Explanation:
    """What one backward pass tells.

    Attributes:
        influence: one array a gate, (N, M, C): d score / d weight x weight.
        maps: one Grad-CAM a gate, (N, H, W), in units of the score.
        last: the same at the last feature map; None where the network has none.
    """

    influence: tuple[np.ndarray, ...]
    maps: tuple[np.ndarray, ...]
    last: np.ndarray | None


def explain(found: Sequence[Found], last: LastMap | None, scores: Tensor) -> Awaited[Explanation]:
    """Influences and maps of N pictures from their scores (N,), by a single call of autograd.

    Only the gated maps are asked for: the pass stops at the first gate and no parameter gets a gradient.
    """
    ends = [gate.edge for gate in found] + ([last.edge] if last is not None else [])
    products = [product for gate in found for product in gate.products]
    gradients = _gradients(scores, [*ends, *(product.gate_edge for product in products)])
    times = Counter(each.number for each in products)  # a product of several gates has the gradient of them all
    slopes = {each: None if times[each.number] > 1 else slope for each, slope in zip(products, gradients[len(ends) :], strict=True)}
    per_gate = [_gate(gate, gradient, slopes) for gate, gradient in zip(found, gradients, strict=False)]
    whole = None if last is None else grad_cam(last.values.detach().float(), _or_zeros(gradients[len(found)], last.values).float())
    return Awaited(
        [*(influence for influence, _ in per_gate), *(maps for _, maps in per_gate), whole],
        lambda arrays: Explanation(tuple(arrays[: len(found)]), tuple(arrays[len(found) : -1]), arrays[-1]),
    )


def _gradients(scores: Tensor, edges: list[object]) -> list[Tensor | None]:
    """The gradient of the scores' sum at each edge; None where the score does not depend on it."""
    asked = [edge for edge in edges if edge is not None]
    if not asked:
        return [None] * len(edges)
    given = iter(torch.autograd.grad(scores.sum(), cast(Any, asked), allow_unused=True))
    return [None if edge is None else next(given) for edge in edges]


def _gate(gate: Found, gradient: Tensor | None, of_gates: Mapping[Product, Tensor | None]) -> tuple[Tensor, Tensor]:
    """One gate's influence (N, M, C) and Grad-CAM (N, H, W).

    The gated map is the sum over the branches of weights x maps: Grad-CAM takes that sum and the one over channels at once.
    """
    weights, maps = gates.weights_of(gate), gates.maps_of(gate)
    if maps is None:
        raise ValueError("the gated maps were not kept")
    maps = maps.float()  # (N, M, C, H, W)
    slope = torch.zeros_like(maps[:, 0]) if gradient is None else gate.in_order(gradient).float().reshape(maps[:, 0].shape)
    spoken = slope.mean(dim=(2, 3))[:, None] * weights  # alpha x weights, (N, M, C)
    cam = torch.bmm(spoken.flatten(1)[:, None], maps.flatten(3).flatten(1, 2))  # einsum takes several times longer for it
    return _slope(gate, slope, maps, of_gates) * weights, cam.reshape(len(maps), *maps.shape[-2:]).relu()


def _slope(gate: Found, slope: Tensor, maps: Tensor, of_gates: Mapping[Product, Tensor | None]) -> Tensor:
    """d score / d weight, (N, M, C): as the backward pass came by it where that was in float32, else from the slope of the gated map."""
    passed = [of_gates[product] for product in gate.products]
    known = [gradient for gradient in passed if gradient is not None and gradient.dtype == torch.float32]
    if len(known) < len(passed):
        return torch.einsum("nchw,nmchw->nmc", slope, maps)
    summed = [gates.summed_over_axes(each, product.shape, product.over) for each, product in zip(known, gate.products, strict=True)]
    return gates.in_branches(gate, summed)


def grad_cam(features: Tensor, gradient: Tensor) -> Tensor:
    """relu(sum over channels of mean gradient x map), (N, C, H, W) twice -> (N, H, W) (Selvaraju et al. 2017, eq. 1 and 2)."""
    alpha = gradient.mean(dim=(2, 3))
    return torch.einsum("nc,nchw->nhw", alpha, features).relu()


def cam_of(path: str, name: str, target: int, values: np.ndarray) -> Cam:
    """A raw map (N, H, W) as a record: divided by its peak."""
    peak = values.max(axis=(1, 2))
    safe = np.where(peak > 0, peak, 1)[:, None, None]
    return Cam(path, name, target, values / safe, peak)


def _or_zeros(gradient: Tensor | None, like: Tensor) -> Tensor:
    return torch.zeros_like(like) if gradient is None else gradient
