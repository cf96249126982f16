"""A brush over the picture: where it lies on a grid of cells, the picture with that part painted over, and what a network sees at all.

NumPy in, NumPy out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Grid", "Part", "brushed", "covered", "grid_over", "ramp", "window"]

CELLS = 8  # along the longer side


@dataclass(frozen=True)
class Grid:
    """A picture cut into cells, as nearly square as its sides allow."""

    rows: int
    columns: int


@dataclass(frozen=True)
class Part:
    """A rectangle: from the top and the left up to the bottom and the right, which are outside; in cells or in pixels."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def area(self) -> int:
        """How many cells or pixels it holds."""
        return (self.bottom - self.top) * (self.right - self.left)

    @property
    def slices(self) -> tuple[slice, slice]:
        """The part of an array of rows and columns."""
        return slice(self.top, self.bottom), slice(self.left, self.right)


def grid_over(height: int, width: int) -> Grid:
    """The grid of a picture of so many pixels: CELLS along its longer side."""
    longer = max(height, width)
    return Grid(max(1, round(CELLS * height / longer)), max(1, round(CELLS * width / longer)))


def brushed(cell: tuple[int, int], size: int, grid: Grid) -> Part:
    """The cells under a brush of size x size cells about a cell (row, column), moved inwards where it would leave the picture."""
    (top, height), (left, width) = (_span(*each, size) for each in zip(cell, (grid.rows, grid.columns), strict=True))
    return Part(top, left, top + height, left + width)


def _span(place: int, cells: int, size: int) -> tuple[int, int]:
    """Where a brush about a place begins, and how many of so many cells it takes."""
    taken = min(size, cells)
    return min(max(place - (taken - 1) // 2, 0), cells - taken), taken


def covered(pixels: np.ndarray, part: Part, grid: Grid) -> np.ndarray:
    """The picture (H, W, 3) uint8 with a part of its cells painted in its mean colour; a copy."""
    height, width = pixels.shape[:2]
    rows, columns = _edges(grid.rows, height), _edges(grid.columns, width)
    painted = pixels.copy()
    painted[rows[part.top] : rows[part.bottom], columns[part.left] : columns[part.right]] = np.rint(pixels.mean(axis=(0, 1)))
    return painted


def _edges(cells: int, side: int) -> np.ndarray:
    """Where each cell begins along a side of pixels, and where the last one ends: a pixel is in the cell that holds its middle."""
    return np.ceil(np.arange(cells + 1) * side / cells - 0.5).astype(int)


def ramp(height: int, width: int) -> np.ndarray:
    """A picture (H, W, 3) uint8 that tells where its pixels were: red grows to the right and green downwards, both from 0 to 255."""
    down, right = (np.rint((np.arange(side) + 0.5) / side * 255).astype(np.uint8) for side in (height, width))
    return np.stack(np.broadcast_arrays(right[None, :], down[:, None], np.uint8(0)), axis=-1)


def window(seen: np.ndarray, height: int, width: int) -> Part:
    """The part of a picture of height x width pixels that a network sees, from what it saw of such a ramp, (h, w, 3) uint8.

    To about a 255th of a side: what is cut off, a network's own preprocessing knows, and nothing else has to.
    """
    left, right = _extent(seen[..., 0], seen.shape[1], width)
    top, bottom = _extent(seen[..., 1], seen.shape[0], height)
    return Part(top, left, bottom, right)


def _extent(places: np.ndarray, pixels: int, side: int) -> tuple[int, int]:
    """From the colours along a side to its pixels; the colours are those of the middles of the outermost pixels."""
    low, high = float(places.min()) / 255, float(places.max()) / 255
    half = (high - low) / max(pixels - 1, 1) / 2
    first, last = round((low - half) * side), round((high + half) * side)
    return max(first, 0), max(min(last, side), max(first, 0) + 1)
