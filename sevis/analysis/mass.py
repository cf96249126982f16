"""Where the mass of a map lies: its share in each ninth of the picture, and how little area holds half of it."""

from __future__ import annotations

import numpy as np

__all__ = ["NINTHS", "half_area", "ninths"]

NINTHS = ("upper left", "upper middle", "upper right", "middle left", "centre", "middle right", "lower left", "lower middle", "lower right")


def ninths(values: np.ndarray) -> np.ndarray:
    """The share of the mass of a map (H, W) in each ninth of the picture, (9,) in the order of `NINTHS`; all 0 for an empty map.

    A cell that lies in two ninths is divided by area: otherwise a map of 7 x 7 cells would have nine cells in its centre and four
    in each corner.
    """
    height, width = values.shape
    mass = _overlap(height) @ values.astype(float) @ _overlap(width).T
    total = mass.sum()
    return np.asarray(mass.ravel() / total if total > 0 else mass.ravel())


def _overlap(cells: int) -> np.ndarray:
    """How much of each cell lies in each third of a side, (3, cells)."""
    edges = np.arange(cells + 1) / cells * 3
    third = np.arange(3)[:, None]
    inside = np.minimum(edges[1:], third + 1) - np.maximum(edges[:-1], third)
    return np.asarray(inside.clip(0) * cells / 3)


def half_area(values: np.ndarray) -> float:
    """The smallest part of the map's cells that holds half of its mass: 0.5 for an even map, small for a concentrated one."""
    falling = np.sort(values.astype(float).ravel())[::-1].cumsum()
    return float((np.searchsorted(falling, falling[-1] / 2) + 1) / values.size)
