"""How much the weights of a gate differ: from picture to picture, from channel to channel, from class to class."""

from __future__ import annotations

import numpy as np

from sevis.analysis.gate_statistics import ROUNDING, GateStatistics
from sevis.analysis.moments import Moments

__all__ = ["alike", "between_channels", "between_pictures", "class_null", "class_share", "squeeze_spread", "squeeze_zeros"]


def between_pictures(statistics: GateStatistics) -> float:
    """The standard deviation of a weight over the pictures, meant over branches and channels: mean_c std_n G."""
    return float(statistics.overall.spread.mean())


def between_channels(statistics: GateStatistics) -> float:
    """The standard deviation over the channels of their mean weight, meant over the branches: std_c mean_n G."""
    return float(statistics.overall.mean.std(axis=1).mean())


def alike(statistics: GateStatistics) -> float | None:
    """The mean over all pairs of pictures of the cosine between their weights, each less its own mean over the channels, in [-1, 1].

    Less the mean over the channels it is a correlation: 1 where every picture draws the same pattern, up to a change in scale and
    shift. Less the mean over the pictures it would tell nothing: deviations from their own mean sum to 0, so the mean cosine of N
    of equal length is -1 / (N - 1) whatever they are. Of unit vectors u_n, the sum over the pairs is |sum of u_n|^2 - N, so the
    sum of the vectors is enough. None with fewer than two pictures whose weights differ from channel to channel.
    """
    count = statistics.directed
    if count < 2:
        return None
    return float((np.square(statistics.direction).sum() - count) / (count * (count - 1)))


def class_share(statistics: GateStatistics) -> float | None:
    """The share of a weight's variance over the pictures that lies between their classes, meant over branches and channels.

    Channels that never vary are left out: they have no variance to share. None with fewer than two classes, or nothing that varies.
    """
    labelled = statistics.labelled
    total = labelled.pooled
    varies = _varies(total)
    if len(labelled.count) < 2 or not varies.any():
        return None
    return float(1 - (labelled.m2.sum(axis=0)[varies] / total.m2[varies]).mean())


def _varies(moments: Moments) -> np.ndarray:
    """Whose spread is more than rounding."""
    return np.asarray(moments.spread > ROUNDING * np.abs(moments.mean))


def class_null(statistics: GateStatistics) -> float | None:
    """What `class_share` is on average when the labels are shuffled: (K - 1) / (N - 1) for K classes seen on N labelled pictures.

    Exact for any weights and classes of any sizes: under shuffling the n_k pictures of a class are drawn without replacement, so
    n_k (mean_k - mean)^2 is (1 - n_k / N) SS_total / (N - 1) on average, and that sums over the classes to (K - 1) / (N - 1).
    None with fewer than two classes.
    """
    count = statistics.labelled.count
    return float((len(count) - 1) / (count.sum() - 1)) if len(count) > 1 else None


def squeeze_spread(statistics: GateStatistics) -> float:
    """The standard deviation of the squeeze over the pictures, meant over the channels."""
    return float(statistics.squeeze.spread.mean())


def squeeze_zeros(statistics: GateStatistics) -> float:
    """The share of the squeeze, over pictures and channels, that is exactly 0."""
    return float(statistics.squeeze_zeros.mean() / statistics.pictures)
