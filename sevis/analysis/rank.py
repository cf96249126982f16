"""Which channels matter: the one number a channel is shown by, its influence, and the strongest channels of a block.

NumPy in, NumPy out. Figures and sentences both ask here, so that a drawing and the words beside it can never disagree.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np

from sevis.records import Inspection

__all__ = ["By", "channel_influence", "descending", "deviation", "expected", "moved", "reference", "strongest", "weight"]

By = Literal["weight", "influence", "deviation"]


def weight(inspection: Inspection, depth: int) -> np.ndarray:
    """The number that stands for each channel, (C,): its weight, or the share of the last branch."""
    return np.asarray(inspection.gates[depth].weights[0, -1])


def reference(inspection: Inspection, depth: int) -> tuple[np.ndarray, np.ndarray] | None:
    """Mean and spread of that number over the average pictures, each (C,); None without averages."""
    if not inspection.averages:
        return None
    average = inspection.averages[depth]
    return average.mean[-1], average.spread[-1]


def deviation(inspection: Inspection, depth: int) -> np.ndarray | None:
    """How many spreads that number lies above the average picture, (C,); None without averages."""
    spreads = inspection.deviation(depth)
    return None if spreads is None else spreads[0, -1]


def expected(inspection: Inspection, depth: int) -> float:
    """The share that each branch gets when no branch is preferred: 1/M."""
    return 1.0 / len(inspection.gates[depth].site.branches)


def channel_influence(inspection: Inspection, depth: int) -> np.ndarray:
    """What each channel added to the score, (C,): influence is linear in the weights, so its branches add up."""
    return np.asarray(inspection.influence[depth][0].sum(axis=0))


def moved(inspection: Inspection, depth: int) -> float | None:
    """How far the block moved from the average picture: the mean absolute spread over its channels; None without averages."""
    spreads = deviation(inspection, depth)
    return None if spreads is None else float(np.abs(spreads).mean())


def descending(values: np.ndarray) -> np.ndarray:
    """The places of the values from highest to lowest; equal values keep their order."""
    return np.argsort(-values, kind="stable")


def _by_deviation(inspection: Inspection, depth: int) -> np.ndarray:
    spreads = deviation(inspection, depth)
    if spreads is None:
        raise ValueError(f"{inspection.model} has no averages to deviate from; rank by 'weight' or 'influence'")
    return np.asarray(np.abs(spreads))


RANKINGS: dict[str, Callable[[Inspection, int], np.ndarray]] = {
    "weight": weight,
    "influence": lambda inspection, depth: np.abs(channel_influence(inspection, depth)),
    "deviation": _by_deviation,
}


def strongest(inspection: Inspection, depth: int, by: By = "weight", count: int = 6) -> tuple[int, ...]:
    """The channels of a block that come first by weight, by absolute influence or by absolute deviation."""
    if by not in RANKINGS:
        raise ValueError(f"unknown ranking {by!r}; choose from {tuple(RANKINGS)}")
    return tuple(int(channel) for channel in descending(RANKINGS[by](inspection, depth))[:count])
