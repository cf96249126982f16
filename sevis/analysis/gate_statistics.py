"""What one gate did with any number of pictures, in arrays whose size does not depend on how many: parts add up to the whole.

Letters in the shapes as in sevis.records; besides, k groups of pictures, one for each class that was seen.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from sevis.analysis.moments import Covariance, Moments
from sevis.records import GateSite

__all__ = ["ABOVE", "EDGES", "ROUNDING", "UNKNOWN", "GateStatistics"]

ROUNDING = 1e-6  # relative to the value: what differs by less, differs by a few roundings of the float32 that made it
UNKNOWN = -1  # the label of a picture whose class is not known
ABOVE = np.finfo(np.float64).tiny  # the least normal number: a processor that flushes the others to zero still tells it from 0

# Between two edges lies one bin, its lower edge included, and one bin lies on either side of all: below 0, exactly 0, up to 0.01, ...,
# up to 1, exactly 1, above 1. A hard sigmoid reaches 0 and 1, so these count apart.
EDGES = np.concatenate([[0.0, ABOVE], np.arange(1, 100) / 100, [1.0, np.nextafter(1.0, 2.0)]])


@dataclass(frozen=True)
class GateStatistics:
    """One gate over N pictures.

    Attributes:
        classes: K, how many classes the labels are of; 0 without labels.
        pictures: N, without those that are not finite.
        not_finite: pictures whose squeeze, bottleneck, logits or weights hold a NaN or an infinity; they count nowhere else.
        labels: the k classes that were seen, ascending, (k,); UNKNOWN is one.
        weights: the moments of the weights by class, (k, M, C).
        low, high: the least and the greatest weight, (M, C); inf and -inf where there was no picture.
        histogram: how many weights fell into each bin of EDGES, (len(EDGES) + 1, M, C).
        directed: pictures whose weights differ from channel to channel.
        direction: sum over these of the weights, less their mean over the channels, scaled to length 1, (M, C).
        squeeze: the moments of the squeeze, (C,).
        squeeze_zeros: how often the squeeze was exactly 0, (C,).
        hidden: the moments of the bottleneck, (d,); None where there is none.
        hidden_low, hidden_high: its least and greatest values, (d,).
        logits: their covariance; of branches, that of the logits less their mean over the branches, which a softmax cannot see; D = M C.
        entropy: sum over the pictures of the entropy of the branches in nats, (C,); 0 for a channel gate.
        excess: how far the branches of any picture and channel are from a sum of 1, at most; 0 for a channel gate.

    Two sums that might be missed follow from these: that of G (1 - G) from the mean and the spread, and eta squared from `weights`.
    """

    site: GateSite
    classes: int
    pictures: int
    not_finite: int
    labels: np.ndarray
    weights: Moments
    low: np.ndarray
    high: np.ndarray
    histogram: np.ndarray
    directed: int
    direction: np.ndarray
    squeeze: Moments
    squeeze_zeros: np.ndarray
    hidden: Moments | None
    hidden_low: np.ndarray
    hidden_high: np.ndarray
    logits: Covariance
    entropy: np.ndarray
    excess: float

    @cached_property
    def overall(self) -> Moments:
        """The moments of the weights over all pictures, (M, C)."""
        return self.weights.pooled

    @cached_property
    def labelled(self) -> Moments:
        """The moments of the weights by class of the pictures whose class is known, (k, M, C)."""
        return self.weights.at(self.labels != UNKNOWN)

    def share(self, low: float, high: float) -> float | None:
        """The share of the weights, over pictures and channels, in the bins from one of EDGES up to another; None without pictures.

        Infinite limits count the outer bins.
        """
        first, last = (int(np.searchsorted(EDGES, edge, side="right")) for edge in (low, high))
        if not self.pictures:
            return None
        return float(self.histogram[first : last if np.isfinite(high) else None].sum() / self.histogram.sum())

    def __add__(self, other: GateStatistics) -> GateStatistics:
        """The statistics over the pictures of both.

        Raises:
            ValueError: they are of different gates, or of other classes.
        """
        if _what(self) != _what(other):
            raise ValueError(
                f"{self.site.path} of {self.classes} classes and {other.site.path} of {other.classes} classes are not the same gate; "
                "add statistics of one network, scanned with the same classes"
            )
        labels, weights = _by_class(self, other)
        return GateStatistics(
            max(self.site, other.site, key=lambda site: site.warning),
            self.classes,
            self.pictures + other.pictures,
            self.not_finite + other.not_finite,
            labels,
            weights,
            np.minimum(self.low, other.low),
            np.maximum(self.high, other.high),
            self.histogram + other.histogram,
            self.directed + other.directed,
            self.direction + other.direction,
            self.squeeze + other.squeeze,
            self.squeeze_zeros + other.squeeze_zeros,
            self.hidden + other.hidden if self.hidden is not None and other.hidden is not None else None,
            np.minimum(self.hidden_low, other.hidden_low),
            np.maximum(self.hidden_high, other.hidden_high),
            self.logits + other.logits,
            self.entropy + other.entropy,
            max(self.excess, other.excess),
        )


def _what(statistics: GateStatistics) -> tuple[object, ...]:
    """What two parts have in common; not the warning, which may be of one part's pictures."""
    return replace(statistics.site, warning=""), statistics.classes, statistics.hidden is None


def _by_class(one: GateStatistics, other: GateStatistics) -> tuple[np.ndarray, Moments]:
    """The classes of both and their moments."""
    labels = np.union1d(one.labels, other.labels)
    weights = one.weights if len(labels) == len(one.labels) else one.weights.spread_out(np.searchsorted(labels, one.labels), len(labels))
    return labels, weights.with_groups(np.searchsorted(labels, other.labels), other.weights)
