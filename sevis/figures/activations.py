"""How strongly a network's maps vary, unit by unit, for several arrangements of the same weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from sevis.analysis.arranged import Arranged
from sevis.figures.separation import block_axis
from sevis.figures.theme import LIGHT, Theme, compose, told
from sevis.words import amount, start

__all__ = ["activations"]

HEIGHT = 340
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "x")
SIGNS = "●■◆▲✕"
LEAST = 1e-3  # what is less than that is drawn there


def activations(arranged: Sequence[Arranged], chosen: int = 0, *, theme: Theme = LIGHT) -> go.Figure:
    """A line an arrangement: the standard deviation of every unit's output, on a logarithmic axis; the chosen one is thick and on top."""
    order = [*(place for place in range(len(arranged)) if place != chosen), chosen]
    marks = zip(arranged, SIGNS, theme.branches, strict=False)
    legend = "&nbsp;&nbsp; ".join(f"<span style='color:{colour}'>{sign}</span> {start(each.name)}" for each, sign, colour in marks)
    return compose(
        [_line(arranged[place], place, place == chosen, theme) for place in order],
        ("Spread of the activations by depth", legend),
        HEIGHT,
        theme=theme,
        margin={"l": 8, "r": 16, "t": 64, "b": 8},
        xaxis=block_axis(list(arranged[0].blocks)),
        yaxis={
            "title": {"text": "standard deviation"},
            "type": "log",
            "dtick": "D2",
            "tickformat": "~g",
            "showgrid": True,
            "fixedrange": True,
        },
    )


def _line(arranged: Arranged, place: int, is_chosen: bool, theme: Theme) -> dict[str, Any]:
    colour = theme.branches[place % len(theme.branches)]
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "x": list(range(len(arranged.blocks))),
        "y": np.maximum(arranged.spreads, LEAST),  # a logarithm has no 0
        "line": {"width": 3 if is_chosen else 1.3, "color": colour},
        "marker": {"size": 10 if is_chosen else 7, "symbol": SYMBOLS[place % len(SYMBOLS)], "color": colour},
        "opacity": 1 if is_chosen else 0.75,
        "cliponaxis": False,
        "customdata": told([arranged.blocks, [amount(float(each)) for each in arranged.spreads]]),
        "hovertemplate": f"{start(arranged.name)}: behind %{{customdata[0]}} the maps spread by %{{customdata[1]}}<extra></extra>",
    }
