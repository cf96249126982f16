"""How far each side moved from its own average picture, by depth: what even different kinds of gate have in common."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from sevis.analysis.compare import Comparison
from sevis.analysis.rank import moved
from sevis.figures.sides import HEIGHT, MARGIN, MARKS, legend, side_names
from sevis.figures.theme import LIGHT, Theme, compose

__all__ = ["compare_moved"]

ORDINARY = 0.8  # the mean absolute value of a standard normal number


def compare_moved(comparison: Comparison, *, theme: Theme = LIGHT) -> go.Figure:
    """The mean absolute spread over each block's channels, at the block's relative depth."""
    if not comparison.has_averages:
        raise ValueError("one side has no averages to move from; show the weights with compare_blocks or compare_sorted")
    return compose(
        [_line(comparison, place, theme) for place in range(2)],
        ("Distance from the average picture", legend(comparison, theme)),
        HEIGHT,
        theme=theme,
        margin=MARGIN,
        xaxis={
            "title": {"text": "depth of the block"},
            "range": [0, 1],
            "tickvals": [0.02, 0.5, 0.98],
            "ticktext": ["early", "middle", "late"],
            "fixedrange": True,
        },
        yaxis={"title": {"text": "spreads a channel"}, "rangemode": "tozero", "showgrid": True, "fixedrange": True},
        shapes=[
            {
                "type": "line",
                "xref": "paper",
                "x0": 0,
                "x1": 1,
                "y0": ORDINARY,
                "y1": ORDINARY,
                "line": {"color": theme.muted, "width": 1, "dash": "dot"},
            }
        ],
        annotations=[{"xref": "paper", "x": 1, "xanchor": "right", "y": ORDINARY, "yanchor": "bottom", "text": "ordinary"}],
    )


def _line(comparison: Comparison, side: int, theme: Theme) -> dict[str, Any]:
    inspection = comparison.sides[side]
    count = len(inspection.sites)
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "x": [(depth + 0.5) / count for depth in range(count)],
        "y": [moved(inspection, depth) for depth in range(count)],
        "line": {"width": 1.5, "color": theme.branches[side]},
        "marker": {"symbol": MARKS[side], "size": 9, "color": theme.branches[side]},
        "customdata": [[site.name] for site in inspection.sites],
        "hovertemplate": f"{side_names(comparison)[side]}: %{{customdata[0]}} lies %{{y:.2f}} spreads a channel from its average picture"
        "<extra></extra>",
    }
