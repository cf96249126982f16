"""Two inspections side by side: which gate of one belongs to which of the other, and how alike their weights are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats

from sevis.analysis.rank import deviation, weight
from sevis.records import GateRecord, Inspection

__all__ = ["Comparison", "Pair", "Scale", "compare", "cosine", "difference", "matched", "rank_correlation", "row"]

Scale = Literal["average", "absolute"]


@dataclass(frozen=True)
class Pair:
    """Two gates that stand side by side, and how far apart the numbers of their channels are.

    Attributes:
        first: the gate's depth on the first side.
        second: the gate's depth on the second side.
        place: relative depth, above 0 (early) and below 1 (late).
        shift: mean of the second less mean of the first; None where the numbers do not mean the same (a weight and a share).
        distance: mean absolute difference of a channel; where the channels do not pair up, of the sorted weights (the first
            Wasserstein distance); None as above.
        cosine: of the two rows of weights, in [-1, 1]; None where channels do not pair up, or one row is 0.
        rank: Spearman's correlation of the two rows, in [-1, 1]; None where channels do not pair up, or one row is constant.
    """

    first: int
    second: int
    place: float
    shift: float | None
    distance: float | None
    cosine: float | None
    rank: float | None


@dataclass(frozen=True)
class Comparison:
    """Two inspections and their gates in pairs.

    Attributes:
        sides: the two inspections.
        names: what each side is called; they differ.
        one_to_one: whether the architectures are the same, so that blocks and channels pair up by number.
        pairs: early ones first; every gate of either side is in at least one, unless the other side has no gate.
    """

    sides: tuple[Inspection, Inspection]
    names: tuple[str, str]
    one_to_one: bool
    pairs: tuple[Pair, ...]

    @property
    def blocks(self) -> tuple[str, ...]:
        """The names of the pairs: the block's, or both blocks' where these are not the same."""
        return tuple(_name(self, pair) for pair in self.pairs)

    @property
    def has_averages(self) -> bool:
        """Whether both sides can be read against their average picture."""
        return all(side.averages for side in self.sides)

    @property
    def has_distances(self) -> bool:
        """Whether the numbers of some pair mean the same, so that one can be taken from the other."""
        return any(pair.distance is not None for pair in self.pairs)

    @property
    def is_one_network(self) -> bool:
        """Whether both sides went through the same weights."""
        first, second = self.sides
        return first.model == second.model


def compare(first: Inspection, second: Inspection, names: tuple[str, str]) -> Comparison:
    """The two sides with their gates aligned: one to one in the same architecture, by relative depth in others."""
    one_to_one = bool(first.gates) and _shape(first) == _shape(second)
    depths = matched(len(first.gates), len(second.gates))
    pairs = tuple(_pair(first, second, pair, (place + 0.5) / len(depths), channels_pair_up=one_to_one) for place, pair in enumerate(depths))
    if names[0] == names[1]:
        names = (names[0], f"{names[1]} (2)")
    return Comparison((first, second), names, one_to_one, pairs)


def _name(comparison: Comparison, pair: Pair) -> str:
    first, second = comparison.sides
    names = (first.sites[pair.first].name, second.sites[pair.second].name)
    return names[0] if comparison.one_to_one else f"{names[0]} and {names[1]}"


def matched(first: int, second: int) -> tuple[tuple[int, int], ...]:
    """So many gates against so many, in pairs of equal relative depth; one pair for each gate of the longer side.

    Gate i of n reaches from i/n to (i + 1)/n of the depth and goes with the gate that holds its middle.
    """
    longer = max(first, second) if first and second else 0
    return tuple(((2 * place + 1) * first // (2 * longer), (2 * place + 1) * second // (2 * longer)) for place in range(longer))


def difference(comparison: Comparison, place: int, scale: Scale = "absolute") -> np.ndarray | None:
    """What each channel of a pair has more on the second side, (C,), in weight or in spreads; None where channels do not pair up."""
    if not comparison.one_to_one:
        return None
    pair = comparison.pairs[place]
    rows = [row(side, depth, scale) for side, depth in zip(comparison.sides, (pair.first, pair.second), strict=True)]
    return np.asarray(rows[1] - rows[0])


def row(inspection: Inspection, depth: int, scale: Scale) -> np.ndarray:
    """The numbers of a gate's channels, (C,): in spreads above the average picture if they are asked for and known, else as they are."""
    spreads = deviation(inspection, depth) if scale == "average" else None
    return (weight(inspection, depth) if spreads is None else spreads).astype(float)


def cosine(first: np.ndarray, second: np.ndarray) -> float | None:
    """The cosine of the angle between two rows (C,); None where one has no direction."""
    lengths = float(np.linalg.norm(first) * np.linalg.norm(second))
    return float(first @ second) / lengths if lengths > 0 else None


def rank_correlation(first: np.ndarray, second: np.ndarray) -> float | None:
    """Spearman's correlation of two rows (C,); None where one is constant."""
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return None
    return float(stats.spearmanr(first, second).statistic)


def _shape(inspection: Inspection) -> list[tuple[object, ...]]:
    """What two networks of the same architecture have in common, whoever wrote them."""
    return [(site.kind, site.stage, site.block, site.channels, len(site.branches)) for site in inspection.sites]


def _pair(first: Inspection, second: Inspection, depths: tuple[int, int], place: float, *, channels_pair_up: bool) -> Pair:
    one, other = weight(first, depths[0]).astype(float), weight(second, depths[1]).astype(float)
    if not _means_the_same(first.gates[depths[0]], second.gates[depths[1]]):
        return Pair(*depths, place, None, None, None, None)
    shift = float(other.mean() - one.mean())
    if not channels_pair_up:
        return Pair(*depths, place, shift, float(stats.wasserstein_distance(one, other)), None, None)
    return Pair(*depths, place, shift, float(np.abs(other - one).mean()), cosine(one, other), rank_correlation(one, other))


def _means_the_same(one: GateRecord, other: GateRecord) -> bool:
    """A weight is compared with a weight, and a share with one of as many branches."""
    return (one.site.kind, len(one.site.branches)) == (other.site.kind, len(other.site.branches))
