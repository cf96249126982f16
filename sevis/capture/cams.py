"""Grad-CAM of every gate, and every gate's influence, from one backward pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from sevis.capture import gates
from sevis.capture.gates import Found
from sevis.capture.watch import LastMap
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


def explain(found: Sequence[Found], last: LastMap | None, scores: Tensor) -> Explanation:
    """Influences and maps of N pictures from their scores (N,), by a single call of autograd.

    Only the gated maps are asked for: the pass stops at the first gate and no parameter gets a gradient.
    """
    edges = [gate.edge for gate in found] + ([last.edge] if last is not None else [])
    gradients = _gradients(scores, edges)
    per_gate = [_gate(gate, gradient) for gate, gradient in zip(found, gradients, strict=False)]
    whole = None if last is None else _numpy(grad_cam(last.values.detach().float(), _or_zeros(gradients[-1], last.values).float()))
    return Explanation(tuple(i for i, _ in per_gate), tuple(m for _, m in per_gate), whole)


def _gradients(scores: Tensor, edges: list[object]) -> list[Tensor | None]:
    """The gradient of the scores' sum at each edge; None where the score does not depend on it."""
    asked = [edge for edge in edges if edge is not None]
    if not asked:
        return [None] * len(edges)
    given = iter(torch.autograd.grad(scores.sum(), cast(Any, asked), allow_unused=True))
    return [None if edge is None else next(given) for edge in edges]


def _gate(gate: Found, gradient: Tensor | None) -> tuple[np.ndarray, np.ndarray]:
    """One gate's influence (N, M, C) and Grad-CAM (N, H, W)."""
    weights, _, maps = gates.selection(gate)
    if maps is None:
        raise ValueError("the gated maps were not kept")
    maps = maps.float()  # (N, M, C, H, W)
    slope = torch.zeros_like(maps[:, 0]) if gradient is None else gate.in_order(gradient).float().reshape(maps[:, 0].shape)
    influence = torch.einsum("nchw,nmchw->nmc", slope, maps) * weights
    return _numpy(influence), _numpy(grad_cam(torch.einsum("nmc,nmchw->nchw", weights, maps), slope))


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


def _numpy(values: Tensor) -> np.ndarray:
    return values.detach().cpu().numpy()
