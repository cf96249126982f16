"""Gates over many pictures, made up from seeded numbers: their records, and the parts that these fall into."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from sevis.records import GateRecord, GateSite, Kind

CHANNELS, UNITS, CLASSES = 24, 6, 4


def site(kind: Kind = "channel", activation: str = "sigmoid", channels: int = CHANNELS, branches: int = 1) -> GateSite:
    names = ("gate",) if kind == "channel" else tuple(f"{2 * place + 3}x{2 * place + 3}" for place in range(branches))
    return GateSite("layer1.0.se", kind, activation, 2, 1, 0, channels, names)


ACTIVATIONS = {
    "sigmoid": lambda logits: 1 / (1 + np.exp(-logits)),
    "hardsigmoid": lambda logits: np.clip((logits + 3) / 6, 0, 1),
    "tanh": np.tanh,
    "relu": lambda logits: np.maximum(logits, 0),
    "softplus": lambda logits: np.log1p(np.exp(logits)),
    "softmax": lambda logits: np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True),
    "named": lambda logits: 1 / (1 + np.exp(-logits)),
}


def gate(
    count: int = 40, activation: str = "sigmoid", *, branches: int = 1, channels: int = CHANNELS, units: int = UNITS, silu: bool = False
) -> GateRecord:
    """A gate with a bottleneck of so many units, or with none of 0 units; float32, as the inspector records."""
    seeded = np.random.default_rng(count + channels)
    kind: Kind = "branch" if activation == "softmax" else "channel"
    squeeze = np.maximum(seeded.normal(0.4, 0.3, (count, channels)), 0)
    before = seeded.normal(0.1, 1, (count, max(units, 1)))
    hidden = before / (1 + np.exp(-before)) if silu else np.maximum(before, 0)
    if units:
        logits = 1.5 * hidden @ seeded.normal(0, 1, (units, branches * channels)) + seeded.normal(0, 0.5, branches * channels)
    else:
        logits = seeded.normal(0, 1.5, (count, branches * channels))
    logits = logits.reshape(count, branches, channels)
    arrays = [each.astype(np.float32) for each in (squeeze, hidden, logits, ACTIVATIONS[activation](logits))]
    return GateRecord(site(kind, activation, channels, branches), arrays[0], arrays[1] if units else None, arrays[2], arrays[3])


def of_weights(weights: np.ndarray, activation: str = "sigmoid") -> GateRecord:
    """A gate of these weights (N, M, C), with a squeeze and logits of ones."""
    count, branches, channels = weights.shape
    kind: Kind = "branch" if activation == "softmax" else "channel"
    squeeze = np.ones((count, channels), dtype=np.float32)
    return GateRecord(site(kind, activation, channels, branches), squeeze, None, np.ones_like(weights), weights)


def labels_of(count: int) -> np.ndarray:
    """A class for each picture; of some none is known, and the third class has no picture."""
    drawn = np.random.default_rng(count).integers(-1, CLASSES, count)
    return np.where(drawn == 2, 0, drawn)


def rows(record: GateRecord, places: np.ndarray | slice) -> GateRecord:
    """The same gate over some of the pictures."""
    hidden = None if record.hidden is None else record.hidden[places]
    return replace(record, squeeze=record.squeeze[places], hidden=hidden, logits=record.logits[places], weights=record.weights[places])


def slices(count: int, cuts: Sequence[int]) -> list[slice]:
    """The parts between the cuts; two equal cuts leave an empty one."""
    return [slice(start, stop) for start, stop in pairwise([0, *cuts, count])]


def with_hidden(hidden: np.ndarray) -> GateRecord:
    """A gate with this bottleneck (N, d)."""
    made = gate(len(hidden), units=hidden.shape[1])
    return replace(made, hidden=hidden)
