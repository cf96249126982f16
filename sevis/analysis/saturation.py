"""Where the weights of a gate lie within the reach of its nonlinearity: open, closed, at half, and how much slope is left.

What the nonlinearity can reach depends on which it is. A sigmoid comes close to 0 and 1; a hard sigmoid (also written as a clamp or as
relu6(x + 3) / 6) reaches them, so only exact values count; a ReLU is closed at 0 and never open. Others have no open or closed end.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sevis.analysis.gate_statistics import ABOVE, GateStatistics

__all__ = ["at_half", "closed", "opened", "slope"]

SOFT = frozenset("sigmoid softmax named".split())
HARD = frozenset("hardsigmoid hard_sigmoid relu6 hardtanh clamp".split())
HALVES = frozenset("relu clamp_min".split())
HALF = (0.48, 0.52)


def _bounded(statistics: GateStatistics) -> bool:
    """Whether every weight was in [0, 1], as a clamp's or a module's that the user named need not be."""
    return bool(statistics.low.min() >= 0 and statistics.high.max() <= 1)


def opened(statistics: GateStatistics) -> float | None:
    """The share of the weights above 0.95, or of a hard sigmoid that are 1; None for a gate that knows no open end."""
    starts = dict.fromkeys(SOFT, 0.95) | dict.fromkeys(HARD, 1.0)
    start = starts.get(statistics.site.activation)
    return None if start is None or not _bounded(statistics) else statistics.share(start, np.inf)


def closed(statistics: GateStatistics) -> float | None:
    """The share of the weights below 0.05, or of a hard sigmoid or ReLU that are 0; None for a gate that knows no closed end."""
    ends = dict.fromkeys(SOFT, 0.05) | dict.fromkeys(HARD | HALVES, ABOVE)
    end = ends.get(statistics.site.activation)
    fits = statistics.site.activation in HALVES or _bounded(statistics)
    return None if end is None or not fits else statistics.share(-np.inf, end)


def at_half(statistics: GateStatistics) -> float | None:
    """The share of the weights within 0.02 of 0.5, which a sigmoid makes of a logit of 0; None for other nonlinearities."""
    made_of_zero = statistics.site.activation in SOFT | HARD and _bounded(statistics)
    return statistics.share(*HALF) if made_of_zero else None


def slope(statistics: GateStatistics) -> float | None:
    """How steep the nonlinearity was on average: G (1 - G) of a sigmoid or a softmax, 1 - G^2 of a tanh, the share within a clamp's ends.

    None for a nonlinearity that does not saturate, or that is not known.
    """
    activation = statistics.site.activation
    return SLOPES[activation](statistics) if activation in SLOPES else None


def _product(statistics: GateStatistics) -> float | None:
    """The mean of G (1 - G): of the mean less that of the square."""
    mean = float(statistics.overall.mean.mean())
    return mean - _square(statistics) if _bounded(statistics) else None


def _square(statistics: GateStatistics) -> float:
    """The mean of G^2: the variance and the squared mean of each channel."""
    overall = statistics.overall
    return float((np.square(overall.spread) + np.square(overall.mean)).mean())


SLOPES: dict[str, Callable[[GateStatistics], float | None]] = {
    **dict.fromkeys(SOFT, _product),
    **dict.fromkeys(HARD, lambda statistics: statistics.share(ABOVE, 1.0) if _bounded(statistics) else None),
    **dict.fromkeys(HALVES, lambda statistics: statistics.share(ABOVE, np.inf)),
    "tanh": lambda statistics: 1 - _square(statistics),
}
