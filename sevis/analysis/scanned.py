"""What a scan tells of one gate and one channel: its average over the scan's pictures, and the pictures that open it most and least.

NumPy in, NumPy out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from sevis.analysis.gate_statistics import GateStatistics
from sevis.records import GateAverage

__all__ = ["Extremes", "Ranked", "average", "extremes"]

QUANTILES = 21  # every fifth percentile, as on a checkpoint's card
SAMPLE = 5000  # pictures that the quantiles are read off: every beginning of a scan is a random sample
EACH = 6  # pictures of each kind


@dataclass(frozen=True)
class Ranked:
    """One picture of a scan by what it made of a channel.

    Attributes:
        name: its path in the data set.
        weight: of the channel; the share of the last branch.
        label: the name of its class; None where nobody says.
        predicted: what the network took it for; None where it found nothing.
        probability: of that.
        thumbnail: the picture, small, (h, w, 3) uint8; None where it is out of reach.
    """

    name: str
    weight: float
    label: str | None = None
    predicted: str | None = None
    probability: float = 0.0
    thumbnail: np.ndarray | None = None


@dataclass(frozen=True)
class Extremes:
    """The pictures of a scan that open a channel most, the highest first, and least, the lowest first; none is in both.

    Attributes:
        weights: of all pictures, ascending, (N,).
    """

    most: tuple[Ranked, ...]
    least: tuple[Ranked, ...]
    weights: np.ndarray

    @property
    def names(self) -> tuple[str, ...]:
        """The pictures that are shown."""
        return tuple(each.name for each in (*self.most, *self.least))

    def place(self, weight: float) -> int:
        """Which place a weight would take among those of the scan, from the highest, which is 1."""
        return 1 + len(self.weights) - int(np.searchsorted(self.weights, weight, side="right"))

    def pictured(self, thumbnails: Mapping[str, np.ndarray]) -> Extremes:
        """The same with those thumbnails, by name."""
        most, least = (tuple(replace(each, thumbnail=thumbnails.get(each.name)) for each in side) for side in (self.most, self.least))
        return replace(self, most=most, least=least)


def average(statistics: GateStatistics, weights: np.ndarray | None = None) -> GateAverage:
    """A gate's average over the pictures of a scan; its classes are the labels that were seen, in the order of `labels`.

    Args:
        weights: of the single pictures, (N, M, C); without them the quantiles are unknown.
    """
    known, whole = statistics.labelled, statistics.overall
    quantiles = None
    if weights is not None and len(finite := _finite(weights[:SAMPLE])):
        quantiles = np.quantile(finite.astype(np.float32), np.linspace(0, 1, QUANTILES), axis=0)
    by_class = known.mean if len(known.count) else None
    return GateAverage(statistics.site.path, whole.mean, whole.spread, statistics.pictures, quantiles, by_class)


def extremes(weights: np.ndarray, pictures: Mapping[str, np.ndarray], each: int = EACH) -> Extremes:
    """The pictures that open a channel most and least; of equal ones those that the scan met first.

    Args:
        weights: the channel's, of the pictures that were read, (N,).
        pictures: their columns as in sevis.tables.COLUMNS, (N,) each.
        each: how many of either kind at most.
    """
    found = np.flatnonzero(np.isfinite(weights))
    values = weights[found].astype(float)
    most = np.argsort(-values, kind="stable")[: min(each, (len(found) + 1) // 2)]
    least = np.argsort(values, kind="stable")
    least = least[~np.isin(least, most)][: min(each, len(found) // 2)]
    first, last = (tuple(_ranked(int(found[n]), float(values[n]), pictures) for n in places) for places in (most, least))
    return Extremes(first, last, np.sort(values))


def _ranked(row: int, weight: float, pictures: Mapping[str, np.ndarray]) -> Ranked:
    label, predicted = pictures["label"][row], pictures["predicted"][row]
    return Ranked(pictures["path"][row], weight, label, predicted, 0.0 if predicted is None else float(pictures["probability"][row]))


def _finite(weights: np.ndarray) -> np.ndarray:
    """Those of the weights (N, M, C) whose picture has numbers only, as in the statistics."""
    return np.asarray(weights[np.isfinite(weights).all(axis=(1, 2))])
