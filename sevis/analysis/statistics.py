"""What the gates did with a set of pictures, batch by batch: sums of bounded size that add up to the whole.

    parts = [collect(records, labels, classes) for records, labels in batches]
    whole = total(parts)
    np.savez(path, **to_arrays(whole))

Adding to a sum over a thousand classes costs as much for a small batch as for a large one: let a Growing add them.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Sequence
from functools import reduce

import numpy as np
from scipy.special import entr

from sevis.analysis.gate_statistics import EDGES, ROUNDING, UNKNOWN, GateStatistics
from sevis.analysis.moments import Covariance, Moments
from sevis.analysis.storing import from_arrays, to_arrays
from sevis.records import GateRecord

__all__ = ["EDGES", "UNKNOWN", "GateStatistics", "Growing", "collect", "from_arrays", "to_arrays", "total"]


def total(parts: Iterable[Sequence[GateStatistics]]) -> tuple[GateStatistics, ...]:
    """The statistics over the pictures of all parts, one a gate, in whatever order they come.

    Raises:
        ValueError: the parts are not of the same gates and classes.
    """
    return tuple(reduce(operator.add, gate) for gate in zip(*parts, strict=True))


class Growing:
    """A total that grows batch by batch: parts of like size are added first, so that the sum over all classes is touched seldom.

    It holds as many parts as the number of batches has binary digits.
    """

    def __init__(self, begun: Sequence[GateStatistics] = ()) -> None:
        self._parts: list[tuple[float, tuple[GateStatistics, ...]]] = [(math.inf, tuple(begun))] if begun else []

    def add(self, part: Sequence[GateStatistics]) -> None:
        """One batch more; nothing where no picture was read."""
        size, grown = 1.0, tuple(part)
        while grown and self._parts and self._parts[-1][0] <= size:
            held, before = self._parts.pop()
            size, grown = size + held, total([before, grown])
        self._parts += [(size, grown)] if grown else []

    @property
    def whole(self) -> tuple[GateStatistics, ...]:
        """All of it, one a gate; () where there is none."""
        if self._parts[1:]:
            whole = reduce(lambda later, earlier: total([earlier, later]), (part for _, part in reversed(self._parts)))
            self._parts = [(math.inf, whole)]
        return self._parts[0][1] if self._parts else ()


def collect(records: Sequence[GateRecord], labels: np.ndarray | None = None, classes: int = 0) -> tuple[GateStatistics, ...]:
    """The statistics of one batch, one a record.

    Args:
        labels: the class of each picture, (N,) from 0 to classes - 1, or UNKNOWN; None where no class is known.
        classes: how many classes there are; the same for all parts that will be added.

    Raises:
        ValueError: the labels do not fit the pictures or the classes.
    """
    count = len(records[0].weights) if records else 0
    known = np.full(count, UNKNOWN) if labels is None else _checked(labels, count, classes)
    return tuple(_of(record, known, classes) for record in records)


def _checked(labels: np.ndarray, count: int, classes: int) -> np.ndarray:
    if labels.shape != (count,):
        raise ValueError(f"labels have shape {labels.shape}, expected ({count},): one a picture")
    if count and not UNKNOWN <= labels.min() <= labels.max() < classes:
        raise ValueError(f"labels go from {labels.min()} to {labels.max()}, expected {UNKNOWN} to {classes - 1}")
    return labels


def _of(record: GateRecord, labels: np.ndarray, classes: int) -> GateStatistics:
    finite = _finite(record)
    squeeze, logits, weights = (each[finite].astype(np.float64) for each in (record.squeeze, record.logits, record.weights))
    hidden = np.empty((len(weights), 0)) if record.hidden is None else record.hidden[finite].astype(np.float64)
    directions = _directions(weights)
    seen, groups = np.unique(labels[finite], return_inverse=True)
    rank = weights.shape[1] * weights.shape[2] if record.hidden is None else hidden.shape[1]
    is_branch = record.site.kind == "branch"
    return GateStatistics(
        record.site,
        classes,
        len(weights),
        int((~finite).sum()),
        seen,
        Moments.by(groups, len(seen), weights),
        weights.min(axis=0, initial=np.inf),
        weights.max(axis=0, initial=-np.inf),
        _histogram(weights),
        int(directions.any(axis=(1, 2)).sum()),
        directions.sum(axis=0),
        Moments.of(squeeze),
        (squeeze == 0).sum(axis=0),
        None if record.hidden is None else Moments.of(hidden),
        hidden.min(axis=0, initial=np.inf),
        hidden.max(axis=0, initial=-np.inf),
        Covariance.of(logits - logits.mean(axis=1, keepdims=True) if is_branch else logits, rank),
        entr(weights.clip(0)).sum(axis=(0, 1)) if is_branch else np.zeros(record.site.channels),
        float(np.abs(weights.sum(axis=1) - 1).max(initial=0)) if is_branch else 0.0,
    )


def _finite(record: GateRecord) -> np.ndarray:
    """Which pictures have numbers only, (N,)."""
    arrays = [each for each in (record.squeeze, record.hidden, record.logits, record.weights) if each is not None]
    return np.asarray(np.all([np.isfinite(each).all(axis=tuple(range(1, each.ndim))) for each in arrays], axis=0))


def _directions(weights: np.ndarray) -> np.ndarray:
    """The weights of each picture, less their mean over the channels, scaled to length 1, (N, M, C); 0 where all channels are equal."""
    centred = weights - weights.mean(axis=2, keepdims=True)
    lengths = np.sqrt(np.square(centred).sum(axis=(1, 2), keepdims=True))
    rounding = ROUNDING * np.sqrt(np.square(weights).sum(axis=(1, 2), keepdims=True))
    return np.asarray(np.divide(centred, lengths, out=np.zeros_like(centred), where=lengths > rounding))


def _histogram(weights: np.ndarray) -> np.ndarray:
    """How many of the weights (N, M, C) fell into each bin of EDGES, (len(EDGES) + 1, M, C)."""
    shape = (len(EDGES) + 1, *weights.shape[1:])
    cells = np.arange(math.prod(shape[1:])).reshape(shape[1:])
    places = _bins(weights) * cells.size + cells
    return np.bincount(places.ravel(), minlength=math.prod(shape)).reshape(shape)


def _bins(weights: np.ndarray) -> np.ndarray:
    """The bin of EDGES that each weight falls into; what a search in EDGES finds for a float32, in a tenth of its time."""
    hundredths = (100 * weights.clip(0, 1)).astype(np.int64)
    return np.asarray(hundredths + 1 + (weights > 0) + (weights > 1) - (weights < 0))
