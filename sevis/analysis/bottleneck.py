"""What is alive in a gate's bottleneck, and how many dimensions its logits have."""

from __future__ import annotations

import numpy as np
from scipy.special import entr

from sevis.analysis.gate_statistics import ROUNDING, GateStatistics

__all__ = ["DORMANT", "dead", "dimensions", "dormant", "effective_rank", "width"]

DORMANT = 0.025  # the tau of Sokar et al. 2023, section 3, relative to the mean unit
VARIANCE = 0.99  # what the dimensions explain; delve's default


def _is_rectified(statistics: GateStatistics) -> bool:
    """Whether there is a bottleneck of some units, and none of their values was below 0.

    The record does not say which activation made them. A ReLU's are never negative; those of a SiLU, GELU, ELU or leaky ReLU are,
    as soon as a unit is switched off. Other activations without negative values (softplus, sigmoid) have no exact zero, so that
    their share of dead units comes out as 0, which is right.
    """
    return statistics.hidden_low.size > 0 and bool(statistics.hidden_low.min() >= 0)


def dead(statistics: GateStatistics) -> float | None:
    """The share of the bottleneck's units that were 0 on every picture; None unless the bottleneck is rectified."""
    return float((statistics.hidden_high <= 0).mean()) if _is_rectified(statistics) else None


def dormant(statistics: GateStatistics) -> float | None:
    """The share of the units whose mean is at most DORMANT times the mean over all units; None unless the bottleneck is rectified.

    The score is of |h|, which is h where nothing is negative. A bottleneck of zeros is dormant as a whole.
    """
    if statistics.hidden is None or not _is_rectified(statistics):
        return None
    mean = statistics.hidden.mean
    return float((mean <= DORMANT * mean.mean()).mean())


def width(statistics: GateStatistics) -> int:
    """The rank that the centred logits cannot exceed: the width of the bottleneck or of the logits, or the pictures less one.

    A softmax does not see what all branches have in common, so of M branches M - 1 are free. Nor can a rank be seen that exceeds
    the directions that were kept (sevis.analysis.moments).
    """
    branches, channels = len(statistics.site.branches), statistics.site.channels
    free = channels * (max(branches - 1, 1) if statistics.site.kind == "branch" else branches)
    units = free if statistics.hidden is None else len(statistics.hidden.mean)
    return min(free, units, int(statistics.logits.product.shape[1]), max(statistics.pictures - 1, 1))


def effective_rank(statistics: GateStatistics) -> float | None:
    """exp H(p) / `width`, in (0, 1], where p are the singular values of the centred logits over their sum; None without spread."""
    values = _singular_values(statistics)
    return None if values is None else float(np.exp(entr(values / values.sum()).sum()) / width(statistics))


def dimensions(statistics: GateStatistics) -> float | None:
    """How many directions explain 99 % of the variance of the logits, divided by `width`, in (0, 1]; None without spread."""
    values = _singular_values(statistics)
    if values is None:
        return None
    explained = np.cumsum(np.square(values)) / statistics.logits.total
    needed = min(int(np.searchsorted(explained, VARIANCE)) + 1, len(values))
    return needed / width(statistics)


def _singular_values(statistics: GateStatistics) -> np.ndarray | None:
    """Those of the centred logits; None where these vary by no more than rounding."""
    logits = statistics.logits
    rounding = ROUNDING**2 * logits.count * np.square(logits.mean).sum()
    return logits.singular_values if logits.total > rounding else None
