"""What a detector found and where: its boxes over the picture."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from sevis.figures.overlay import beneath, shrunk
from sevis.figures.theme import LIGHT, Theme, compose, plain
from sevis.records import Inspection, Prediction

__all__ = ["boxes", "outlines"]

LONGEST = 512  # px; more is not seen at this size and makes the page slow


def boxes(inspection: Inspection, *, theme: Theme = LIGHT) -> go.Figure:
    """The picture with a frame around every box; the explained one is coloured, and a click on a number chooses its box."""
    height, width = inspection.image.shape[:2]
    return compose(
        [_numbers(inspection, theme)],
        (f"Boxes: {len(inspection.predictions)}", "click a number to explain its box"),
        420,
        theme=theme,
        margin={"l": 2, "r": 8, "t": 56, "b": 8},
        images=[beneath(shrunk(inspection.image, LONGEST), (height, width))],
        shapes=outlines(inspection, width, height, theme),
        xaxis={"visible": False, "range": [0, width], "constrain": "domain"},
        yaxis={"visible": False, "range": [height, 0], "scaleanchor": "x", "constrain": "domain"},
    )


def _numbers(inspection: Inspection, theme: Theme) -> dict[str, Any]:
    """Each box's number at its upper left corner, which is hovered and clicked; a guess has a question mark."""
    target, found = inspection.target, list(inspection.predictions)
    numbers = [str(place + 1) for place in range(len(found))]
    if target not in found:
        found, numbers = [*found, target], [*numbers, "?"]
    corners = np.array([each.box for each in found])
    return {
        "type": "scatter",
        "mode": "markers+text",
        "x": corners[:, 0].clip(min=0),
        "y": corners[:, 1].clip(min=0),
        "text": numbers,
        "textfont": {"size": 13, "color": theme.background},
        "marker": {"size": 24, "symbol": "square", "color": [theme.positive if each == target else theme.ink for each in found]},
        "cliponaxis": False,
        "customdata": [[place, plain(each.label, 40), each.probability] for place, each in enumerate(found)],
        "hovertemplate": "box %{text}: %{customdata[1]}, %{customdata[2]:.0%} sure<extra></extra>",
    }


def outlines(inspection: Inspection, width: float, height: float, theme: Theme) -> list[dict[str, Any]]:
    """The frames of all boxes as shapes of a figure whose axes go to width and height; that of the target last, to lie on top."""
    across, down = width / inspection.image.shape[1], height / inspection.image.shape[0]
    framed = [each for each in inspection.predictions if each != inspection.target] + [inspection.target]
    return [_outline(each, across, down, theme.positive if each == inspection.target else theme.ink) for each in framed if each.box]


def _outline(found: Prediction, across: float, down: float, colour: str) -> dict[str, Any]:
    left, top, right, bottom = found.box or ()
    corners = {"x0": left * across, "x1": right * across, "y0": top * down, "y1": bottom * down}
    return {"type": "rect", **corners, "line": {"color": colour, "width": 3}, "fillcolor": "rgba(0,0,0,0)"}
