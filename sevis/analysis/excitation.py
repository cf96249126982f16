"""What one channel's squeeze and each unit of the bottleneck do to the gates of a block: an excitation asked again and again.

NumPy in, NumPy out. Figures and sentences both ask here. z is the squeeze (C,) of one picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sevis.analysis.rank import descending
from sevis.excitation import BOTTLENECKS, Excitation

__all__ = ["STEPS", "Narrowing", "Part", "Reach", "changed", "narrowing", "part", "reach", "telling"]

FARTHEST = 3  # times its value: how far a squeeze can be moved
STEPS = 20  # from nothing to its value
CHANNELS, UNITS = 12, 16  # of a block that are told apart


def changed(squeeze: np.ndarray, channel: int, value: float) -> np.ndarray:
    """The squeeze with one channel at another value, (C,)."""
    other = squeeze.astype(float)
    other[channel] = value
    return other


@dataclass(frozen=True)
class Reach:
    """From where to where one squeeze can be moved, in steps, its own value among them."""

    low: float
    high: float
    own: float
    step: float


def reach(squeeze: np.ndarray, channel: int) -> Reach:
    """From nothing to a few times the channel's value; where that is nothing, to the largest of the block."""
    own = float(squeeze[channel])
    unit = own or float(np.abs(squeeze).max()) / FARTHEST or 1.0
    low, high = sorted((0.0, FARTHEST * unit))
    return Reach(low, high, own, abs(unit) / STEPS)


def telling(excitation: Excitation, squeeze: np.ndarray) -> np.ndarray:
    """How far each channel can move the gates: their mean change from one end of its reach to the other, (C,)."""
    sums = excitation.w1 @ squeeze + excitation.b1
    ends = np.array([_ends(squeeze, channel) for channel in range(len(squeeze))]) - squeeze[:, None]  # (C, 2)
    low, high = (excitation.weigh(_logits(excitation, sums + each[:, None] * excitation.w1.T)) for each in ends.T)
    return np.asarray(np.abs(high - low).mean(axis=1))


def _logits(excitation: Excitation, sums: np.ndarray) -> np.ndarray:
    """The logits (n, C) of what enters the bottleneck (n, d)."""
    return np.asarray(BOTTLENECKS[excitation.bottleneck](sums) @ excitation.w2.T + excitation.b2)


@dataclass(frozen=True)
class Part:
    """What is told apart of a block; everything else is one more node. The same for every value of the channel.

    Attributes:
        channels: whose squeeze says most to the bottleneck, in the order of the block; the channel among them.
        units: that say most to the gates.
        gates: that the channel can move most; its own among them.
    """

    channels: tuple[int, ...]
    units: tuple[int, ...]
    gates: tuple[int, ...]


def part(excitation: Excitation, squeeze: np.ndarray, channel: int) -> Part:
    """The channels, units and gates of a block that matter most for this picture and this channel."""
    says = np.abs(excitation.w1 * squeeze).sum(axis=0)
    answers = np.abs(excitation.w2 * excitation.answer(squeeze).hidden).sum(axis=0)
    ends = (excitation.answer(changed(squeeze, channel, end)).weights for end in _ends(squeeze, channel))
    moves = np.abs(np.subtract(*ends))
    says[channel] = moves[channel] = np.inf
    return Part(_first(says, CHANNELS), _first(answers, UNITS), _first(moves, CHANNELS))


def _ends(squeeze: np.ndarray, channel: int) -> tuple[float, float]:
    reached = reach(squeeze, channel)
    return reached.low, reached.high


def _first(values: np.ndarray, count: int) -> tuple[int, ...]:
    """The places of the highest values, in order of place."""
    return tuple(sorted(int(place) for place in descending(values)[:count]))


@dataclass(frozen=True)
class Narrowing:
    """The gates of a bottleneck that is narrowed from d units to none.

    Attributes:
        order: the units, the one whose absence alone would move the gates most first, (d,).
        weights: the gates with the first k units of that order, (d + 1, C), k from 0.
        moved: how far these lie from the gates with all units, meant over the channels, (d + 1,).
    """

    order: np.ndarray
    weights: np.ndarray
    moved: np.ndarray


def narrowing(excitation: Excitation, squeeze: np.ndarray) -> Narrowing:
    """The gates with ever fewer units, the least important for this picture taken out first; a unit that is out says 0."""
    whole = excitation.answer(squeeze)
    said = excitation.w2.T * whole.hidden[:, None]  # (d, C)
    alone = np.abs(excitation.weigh(whole.logits - said) - whole.weights).mean(axis=1)
    order = descending(alone)
    logits = excitation.b2 + np.concatenate([np.zeros((1, len(whole.logits))), np.cumsum(said[order], axis=0)])
    weights = excitation.weigh(logits)
    return Narrowing(order, weights, np.abs(weights - whole.weights).mean(axis=1))
