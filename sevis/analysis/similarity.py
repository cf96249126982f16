"""Which pictures a gate treated alike, and which channels went together: rows of numbers in, an order and a tree out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.cluster.hierarchy import dendrogram, leaves_list, linkage, optimal_leaf_ordering
from scipy.spatial.distance import cdist

__all__ = ["Tree", "distances", "nearest", "order", "tree"]

EXACT = 1024  # rows whose neighbours are brought as close as can be: that takes 0.4 s for so many, and 2.3 s for twice as many


@dataclass(frozen=True)
class Tree:
    """How N rows join into ever larger groups.

    Attributes:
        order: the rows so that alike ones stand side by side, (N,).
        places: of each join, where its left foot, its two shoulders and its right foot stand among the ordered rows, (N - 1, 4).
        heights: of the same four points, how unlike what is joined there is, (N - 1, 4).
    """

    order: np.ndarray
    places: np.ndarray
    heights: np.ndarray


def _joins(rows: np.ndarray) -> np.ndarray:
    """Two rows or more joined by their mean Euclidean distance, the closest first, as scipy's linkage."""
    values = np.nan_to_num(rows.astype(float))  # linkage refuses what is not a number, and a broken network gives that
    joins = linkage(values, method="average")
    exact = len(values) <= EXACT
    return np.asarray(optimal_leaf_ordering(joins, values) if exact else joins)  # Bar-Joseph et al. 2001


def order(rows: np.ndarray) -> np.ndarray:
    """The places of the rows (N, D) so that alike ones stand side by side, (N,)."""
    return np.asarray(leaves_list(_joins(rows))) if len(rows) > 1 else np.arange(len(rows))


def tree(rows: np.ndarray) -> Tree:
    """The tree of a few hundred rows (N, D) at most: scipy walks down it by recursion."""
    if len(rows) < 2:
        return Tree(np.arange(len(rows)), np.empty((0, 4)), np.empty((0, 4)))
    drawn = dendrogram(_joins(rows), no_plot=True)
    places = (np.array(drawn["icoord"]) - 5) / 10  # scipy puts the rows at 5, 15, 25 and so on
    return Tree(np.array(drawn["leaves"]), places, np.array(drawn["dcoord"]))


def distances(rows: np.ndarray) -> np.ndarray:
    """How far the rows (N, D) lie from one another, (N, N): the root mean square of their differences."""
    values = np.nan_to_num(rows.astype(float))
    return np.asarray(cdist(values, values) / np.sqrt(max(values.shape[1], 1)))


def nearest(rows: np.ndarray) -> np.ndarray:
    """For each of two rows or more, the other row that is most like it, (N,)."""
    apart = distances(rows)
    np.fill_diagonal(apart, np.inf)
    return np.asarray(apart.argmin(axis=1))
