"""The two layers between a squeeze and its gates as matrices: what they make of any squeeze, without the network. NumPy alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

__all__ = ["BOTTLENECKS", "CALLED", "GATES", "Answer", "Excitation"]


def _sigmoid(values: np.ndarray) -> np.ndarray:
    return np.asarray(0.5 * (1 + np.tanh(0.5 * values)))  # exp(-x) would overflow


def _ramp(values: np.ndarray) -> np.ndarray:
    return np.asarray(np.clip(values / 6 + 0.5, 0, 1))


def _relu(values: np.ndarray) -> np.ndarray:
    return np.asarray(np.maximum(values, 0))


# by torch's name: what follows the first layer, and what follows the second
BOTTLENECKS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "relu": _relu,
    "relu6": lambda values: np.clip(values, 0, 6),
    "silu": lambda values: values * _sigmoid(values),
    "hardswish": lambda values: values * _ramp(values),
    "tanh": np.tanh,
}
GATES: dict[str, Callable[[np.ndarray], np.ndarray]] = {"sigmoid": _sigmoid, "hardsigmoid": _ramp, "tanh": np.tanh, "relu": _relu}
# how a reader knows them
CALLED = {"relu": "ReLU", "relu6": "ReLU6", "silu": "SiLU", "hardswish": "hard swish", "hardsigmoid": "hard sigmoid"}


@dataclass(frozen=True)
class Answer:
    """What an excitation makes of one squeeze.

    Attributes:
        sums: what enters the bottleneck's nonlinearity, (d,).
        hidden: what comes out of it, (d,).
        logits: what enters the gates' nonlinearity, (C,).
        weights: the gates, (C,).
    """

    sums: np.ndarray
    hidden: np.ndarray
    logits: np.ndarray
    weights: np.ndarray


@dataclass(frozen=True)
class Excitation:
    """s = gate(W2 bottleneck(W1 z + b1) + b2); of the papers: s = sigmoid(W2 ReLU(W1 z)) (Hu et al. 2018, eq. 3).

    Attributes:
        w1: from C channels to d units, (d, C).
        b1: (d,); zeros where the layer has no bias.
        w2: back from d units to C channels, (C, d).
        b2: (C,); zeros where the layer has no bias.
        bottleneck: a name of BOTTLENECKS.
        gate: a name of GATES.
    """

    w1: np.ndarray
    b1: np.ndarray
    w2: np.ndarray
    b2: np.ndarray
    bottleneck: str = "relu"
    gate: str = "sigmoid"

    def __post_init__(self) -> None:
        units, channels = self.w1.shape
        if (self.b1.shape, self.w2.shape, self.b2.shape) != ((units,), (channels, units), (channels,)):
            shapes = [each.shape for each in (self.w1, self.b1, self.w2, self.b2)]
            raise ValueError(f"W1, b1, W2 and b2 have shapes {shapes}, expected (d, C), (d,), (C, d) and (C,)")
        for name, table in ((self.bottleneck, BOTTLENECKS), (self.gate, GATES)):
            if name not in table:
                raise ValueError(f"unknown nonlinearity {name!r}; choose from {', '.join(table)}")

    def answer(self, squeeze: np.ndarray) -> Answer:
        """What it makes of a squeeze z (C,)."""
        sums = self.w1 @ squeeze + self.b1
        hidden = BOTTLENECKS[self.bottleneck](sums)
        logits = self.w2 @ hidden + self.b2
        return Answer(sums, hidden, logits, self.weigh(logits))

    @property
    def called(self) -> tuple[str, str]:
        """How a reader knows the nonlinearities of the bottleneck and of the gates."""
        return CALLED.get(self.bottleneck, self.bottleneck), CALLED.get(self.gate, self.gate)

    def weigh(self, logits: np.ndarray) -> np.ndarray:
        """The gates of logits of any shape."""
        return GATES[self.gate](logits)
