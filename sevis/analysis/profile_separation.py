"""How far a gate keeps the classes apart: the share of its weights' variance that lies between classes, next to what chance gives.

The share is eta squared (Kelley 1935), the numbers behind figure 6 of Hu et al. 2018. Chance gives it (K - 1) / (N - 1) on average, for K
classes on N pictures; where every picture's weights were kept, shuffled labels show how far chance goes at most.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from sevis.analysis.gate_statistics import ROUNDING, GateStatistics
from sevis.analysis.profile import Row
from sevis.analysis.spread import class_null, class_share
from sevis.records import GateSite

__all__ = ["SHUFFLES", "Separation", "separated", "separation_rows", "shuffled_shares"]

SHUFFLES = 99  # the least p is then 0.01
MOST = 5_000  # pictures that are shuffled: the first ones of a scan are a random sample
UPPER = 0.95  # quantile of the shuffled shares up to which a share may be chance


@dataclass(frozen=True)
class Separation:
    """One gate's class share.

    Attributes:
        classes: K that were seen.
        pictures: N whose class is known.
        share: eta squared, meant over the channels that vary; None where none does.
        null: what it is on average for shuffled labels, (K - 1) / (N - 1).
        shuffled: the shares with shuffled labels, one a shuffle; none where no picture's weights were kept.
    """

    site: GateSite
    classes: int
    pictures: int
    share: float | None
    null: float
    shuffled: np.ndarray

    @property
    def chance(self) -> float | None:
        """The share that 95 % of the shuffles stay below; None without shuffles."""
        return float(np.quantile(self.shuffled, UPPER)) if len(self.shuffled) else None

    @property
    def p(self) -> float | None:
        """How probable such a share is by chance: (shuffles that reach it + 1) / (shuffles + 1); None without shuffles."""
        if self.share is None or not len(self.shuffled):
            return None
        return float(((self.shuffled >= self.share).sum() + 1) / (len(self.shuffled) + 1))

    @property
    def is_above_chance(self) -> bool:
        """Whether the share is more than 95 % of the shuffles give; without shuffles, more than their mean."""
        return self.share is not None and self.share > (self.null if self.chance is None else self.chance)


def separated(statistics: GateStatistics, shuffled: np.ndarray | None = None) -> Separation | None:
    """The class share of one gate, with shares of shuffled labels if there are any; None with fewer than two classes."""
    null, counts = class_null(statistics), statistics.labelled.count
    if null is None:
        return None
    shares = np.empty(0) if shuffled is None else shuffled
    return Separation(statistics.site, len(counts), int(counts.sum()), class_share(statistics), null, shares)


def shuffled_shares(weights: np.ndarray, labels: np.ndarray, *, times: int = SHUFFLES, seed: int = 0) -> np.ndarray:
    """The class share of weights (N, M, C) with their labels (N,) shuffled so many times.

    Pictures with a negative label or a weight that is no number are left out, and so are those after the first MOST.
    """
    flat = weights[:MOST].reshape(len(weights[:MOST]), math.prod(weights.shape[1:])).astype(np.float32)
    counted = (labels[:MOST] >= 0) & np.isfinite(flat).all(axis=1)
    values, (_, known, counts) = flat[counted], np.unique(labels[:MOST][counted], return_inverse=True, return_counts=True)
    if len(counts) < 2:
        return np.empty(0)
    mean = values.mean(axis=0, dtype=np.float64)
    centred = values - mean.astype(np.float32)
    total = np.square(centred, dtype=np.float64).sum(axis=0)
    varies = np.sqrt(total / len(known)) > ROUNDING * np.abs(mean)
    if not varies.any():
        return np.empty(0)
    random, varying = np.random.default_rng(seed), centred[:, varies]
    pictures = np.arange(len(known))

    def dealt() -> csr_array:
        """Which class each picture got, (K, N): the sums by class are then a product of matrices."""
        return csr_array((np.ones(len(known), np.float32), (known[random.permutation(len(known))], pictures)))

    return np.array([_share(dealt() @ varying, counts, total[varies]) for _ in range(times)])


def _share(sums: np.ndarray, counts: np.ndarray, total: np.ndarray) -> float:
    """Eta squared from the sums by class (K, V) of centred values."""
    return float(((np.square(sums, dtype=np.float64) / counts[:, None]).sum(axis=0) / total).mean())


def separation_rows(separations: Iterable[Separation]) -> tuple[Row, ...]:
    """The numbers of the separations, a row a gate; what is unknown is left empty."""
    return tuple(
        {
            "gate": each.site.name,
            "path": each.site.path,
            "classes": each.classes,
            "pictures": each.pictures,
            "class_share": "" if each.share is None else each.share,
            "null": each.null,
            "shuffles": len(each.shuffled),
            "shuffled_mean": float(each.shuffled.mean()) if len(each.shuffled) else "",
            "shuffled_95": "" if each.chance is None else each.chance,
            "p": "" if each.p is None else each.p,
        }
        for each in separations
    )
