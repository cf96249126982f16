"""The picture under a grid of cells that can be clicked: where the brush lies."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from sevis.analysis.covering import Grid, Part
from sevis.figures.overlay import beneath, shrunk
from sevis.figures.theme import CLEAR, LIGHT, Theme, compose, told

__all__ = ["brush"]

LONGEST = 480  # px of the picture; more is not seen at this size
HEAD, PICTURE = 58, 356  # px
LINE = "rgba(255,255,255,0.28)"


def brush(picture: np.ndarray, grid: Grid, part: Part | None, *, theme: Theme = LIGHT) -> go.Figure:
    """The picture (H, W, 3) as the network gets it, with the covered part of its cells framed.

    A mark in the middle of every cell is there to be clicked: its customdata is (row, column).
    """
    return compose(
        [_cells(grid)],
        ("The picture", "click a cell to move the brush there" if part is None else "click the same cell again to uncover it"),
        HEAD + PICTURE,
        theme=theme,
        margin={"l": 2, "r": 2, "t": HEAD, "b": 2},
        images=[beneath(shrunk(picture, LONGEST), (grid.rows, grid.columns))],
        shapes=[*_lines(grid), *([] if part is None else [_frame(part, theme)])],
        hoverdistance=-1,  # a cell is its whole square, not the middle alone
        xaxis={"visible": False, "range": [0, grid.columns], "constrain": "domain", "constraintoward": "left", "fixedrange": True},
        yaxis={
            "visible": False,
            "range": [grid.rows, 0],
            "scaleanchor": "x",
            "scaleratio": picture.shape[0] / picture.shape[1] * grid.columns / grid.rows,
            "constrain": "domain",
            "constraintoward": "top",
            "fixedrange": True,
        },
    )


def _cells(grid: Grid) -> dict[str, Any]:
    rows, columns = (each.ravel().tolist() for each in np.indices((grid.rows, grid.columns)))
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [column + 0.5 for column in columns],
        "y": [row + 0.5 for row in rows],
        "marker": {"size": 24, "symbol": "square", "color": CLEAR},
        "customdata": told([rows, columns, [row + 1 for row in rows], [column + 1 for column in columns]]),
        "hovertemplate": "the cell in row %{customdata[2]}, column %{customdata[3]}<extra></extra>",
    }


def _lines(grid: Grid) -> list[dict[str, Any]]:
    """The lines between the cells."""
    line = {"type": "line", "line": {"color": LINE, "width": 1}}
    across = [{**line, "x0": 0, "x1": grid.columns, "y0": row, "y1": row} for row in range(1, grid.rows)]
    return across + [{**line, "x0": column, "x1": column, "y0": 0, "y1": grid.rows} for column in range(1, grid.columns)]


def _frame(part: Part, theme: Theme) -> dict[str, Any]:
    corners = {"x0": part.left, "x1": part.right, "y0": part.top, "y1": part.bottom}
    return {"type": "rect", **corners, "line": {"color": theme.accent, "width": 3}}
