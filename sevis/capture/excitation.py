"""The two layers of a gate's excitation, taken out of the network as matrices, if they explain what the gate did.

No list of class names is asked: whichever two layers of the gate's module turn the recorded squeeze into the recorded bottleneck and logits
are its excitation. Where a norm, a second squeeze or anything else stands between them, none do.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

import numpy as np
import torch
from torch import Tensor, nn

from sevis.capture.gates import CLIPS, Found, hidden_of
from sevis.excitation import BOTTLENECKS, GATES, Excitation
from sevis.records import GateRecord

__all__ = ["excitation_of"]

ROUNDING = {torch.float32: 1e-3}  # of what was added up: TF32 keeps ten bits; half precision gets 2e-2
RAMPS = CLIPS | {"hard_sigmoid"}  # relu6(x + 3) / 6 and its like: a hard sigmoid, if the proof says so

Layer = tuple[np.ndarray, np.ndarray]  # matrix and bias


def excitation_of(module: nn.Module, found: Found, record: GateRecord) -> Excitation | None:
    """The excitation of a gate as a pass recorded it; None unless exactly one pair of its module's layers explains the pass.

    Args:
        module: the network that ran.
        found: the gate, as the tape found it.
        record: what it did with N pictures, in the same pass.
    """
    hidden, names = record.hidden, _nonlinearities(found)
    if record.site.kind != "channel" or hidden is None or not hidden.size or names is None or not record.squeeze.any():
        return None  # a squeeze of zeros would prove no first layer
    seen = list(zip(record.squeeze, hidden, record.logits[:, 0], record.weights[:, 0], strict=True))
    layers = _pairs(module.get_submodule(record.site.path), hidden.shape[1], record.site.channels)
    tried = (Excitation(*first, *second, *names) for first, second in layers)
    proved = [each for each in tried if all(_gives(each, *picture, _rounding(module)) for picture in seen)]
    return proved[0] if len(proved) == 1 else None


def _nonlinearities(found: Found) -> tuple[str, str] | None:
    """What follows the first and the second layer; None where it is not one of the tables'."""
    first = found.products[0]
    hidden = hidden_of(first.activation, first.squeeze)
    gate = "hardsigmoid" if first.activation.op in RAMPS else first.activation.op
    return (hidden.op, gate) if hidden is not None and hidden.op in BOTTLENECKS and gate in GATES else None


def _pairs(owner: nn.Module, units: int, channels: int) -> Iterator[tuple[Layer, Layer]]:
    """Every two layers that lead from so many channels to so many units and back."""
    layers = [_matrix(part) for part in owner.modules() if _is_dense(part)]
    for first, second in permutations(layers, 2):
        if first[0].shape == (units, channels) and second[0].shape == (channels, units):
            yield first, second


def _is_dense(part: nn.Module) -> bool:
    """Whether a layer joins every channel with every unit."""
    if isinstance(part, nn.Conv1d | nn.Conv2d | nn.Conv3d):
        return part.groups == 1 and set(part.kernel_size) == {1}
    return isinstance(part, nn.Linear)


def _matrix(layer: nn.Module) -> Layer:
    """A layer's matrix (out, in) and bias (out,)."""
    weight, bias = torch.as_tensor(layer.weight), layer.bias
    rows = _numpy(weight.reshape(weight.shape[:2]))
    return rows, np.zeros(len(rows), np.float32) if bias is None else _numpy(torch.as_tensor(bias))


def _numpy(values: Tensor) -> np.ndarray:
    return values.detach().float().cpu().numpy()


def _rounding(module: nn.Module) -> float:
    first = next(module.parameters(), torch.zeros(()))
    return ROUNDING.get(first.dtype, 2e-2)


def _gives(
    excitation: Excitation, squeeze: np.ndarray, hidden: np.ndarray, logits: np.ndarray, weights: np.ndarray, rounding: float
) -> bool:
    """Whether one picture's numbers come out, each to within the rounding of what it was added up from."""
    told = excitation.answer(squeeze)
    summed = np.abs(excitation.w1) @ np.abs(squeeze) + np.abs(excitation.b1)
    added = np.abs(excitation.w2) @ np.abs(hidden) + np.abs(excitation.b2)
    return all(
        bool((np.abs(made - seen) <= rounding * largest).all())
        for made, seen, largest in (
            (told.hidden, hidden, summed.max()),
            (told.logits, logits, added.max()),
            (told.weights, weights, np.abs(weights).max()),
        )
    )
