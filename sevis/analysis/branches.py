"""How a branch gate (SK) divides itself: softly or hard, evenly or not, by the picture or always alike. a[n, m, c] sum to 1 over m."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import entr

from sevis.analysis.gate_statistics import ROUNDING, GateStatistics

__all__ = ["entropy", "excess", "images_share", "information", "least_usage", "usage", "usage_entropy", "usage_variation"]


def _in_parts(statistics: GateStatistics, nats: float) -> float | None:
    """The nats over those of an even division; None for a gate of one branch, which has nothing to divide."""
    branches = len(statistics.site.branches)
    return nats / math.log(branches) if branches > 1 else None


def entropy(statistics: GateStatistics) -> float | None:
    """mean_{n,c} H(a) / log M, in [0, 1]: 0 where one branch takes all, 1 where all get the same."""
    return _in_parts(statistics, float(statistics.entropy.mean()) / statistics.pictures)


def usage(statistics: GateStatistics) -> np.ndarray:
    """The mean share of each branch over pictures and channels, u_m, (M,)."""
    return np.asarray(statistics.overall.mean.mean(axis=1))


def least_usage(statistics: GateStatistics) -> float:
    """The share of the branch that is used least, times M: 1 where all are used the same, 0 where one is never used."""
    return float(usage(statistics).min() * len(statistics.site.branches))


def usage_entropy(statistics: GateStatistics) -> float | None:
    """H(u) / log M, in [0, 1], which is 1 - KL(u, even) / log M."""
    return _in_parts(statistics, float(entr(usage(statistics)).sum()))


def usage_variation(statistics: GateStatistics) -> float:
    """The coefficient of variation of the branches' shares: std_m u / mean_m u."""
    shares = usage(statistics)
    return float(shares.std() / shares.mean())


def information(statistics: GateStatistics) -> float | None:
    """mean_c (H(mean_n a) - mean_n H(a)) / log M, in [0, 1]: what the picture tells of the branch that a channel takes.

    By channel: pooled over channels, a choice that differs between channels and never changes would look like information.
    """
    nats = entr(statistics.overall.mean).sum(axis=0) - statistics.entropy / statistics.pictures
    return _in_parts(statistics, max(float(nats.mean()), 0.0))


def images_share(statistics: GateStatistics) -> float | None:
    """The share of the variance of a over pictures and channels that lies between pictures, in [0, 1]; the rest lies between channels.

    The two add up to all of it, branch by branch (law of total variance). None where nothing varies.
    """
    overall = statistics.overall
    images, channels = float(np.square(overall.spread).mean()), float(overall.mean.var(axis=1).mean())
    return images / (images + channels) if images + channels > ROUNDING**2 else None


def excess(statistics: GateStatistics) -> float:
    """max_{n,c} |sum_m a - 1|: a softmax over another axis than the branches' shows here."""
    return statistics.excess
