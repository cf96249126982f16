"""One pair of blocks as two falling curves: how many channels are as open as that, whatever their number."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from sevis.analysis.compare import Comparison, Scale, row
from sevis.analysis.rank import descending
from sevis.figures.sides import HEIGHT, MARGIN, legend, number_named, side_names
from sevis.figures.theme import LIGHT, Theme, compose, told
from sevis.words import decimal

__all__ = ["compare_sorted"]


def compare_sorted(comparison: Comparison, place: int, *, scale: Scale = "absolute", theme: Theme = LIGHT) -> go.Figure:
    """Each side's channels from the highest to the lowest, over the share of the channels; against average where both sides have one."""
    scale = scale if comparison.has_averages else "absolute"
    title = "against average, sorted" if scale == "average" else "weights, sorted"
    return compose(
        [_curve(comparison, place, side, scale, theme) for side in range(2)],
        (f"{comparison.blocks[place]}: {title}", legend(comparison, theme)),
        HEIGHT,
        theme=theme,
        margin={**MARGIN, "r": 24},  # room for the last of the percentages
        xaxis={"title": {"text": "share of the channels, highest first"}, "range": [0, 1], "tickformat": ".0%", "dtick": 0.25},
        yaxis={"title": {"text": _named(comparison, place, scale)}, "showgrid": True, "zeroline": scale == "average"},
    )


def _named(comparison: Comparison, place: int, scale: Scale) -> str:
    if scale == "average":
        return "spreads above average"
    pair = comparison.pairs[place]
    names = [number_named(side.sites[depth]) for side, depth in zip(comparison.sides, (pair.first, pair.second), strict=True)]
    return " or ".join(dict.fromkeys(names))


def _curve(comparison: Comparison, place: int, side: int, scale: Scale, theme: Theme) -> dict[str, Any]:
    inspection, pair = comparison.sides[side], comparison.pairs[place]
    depth = (pair.first, pair.second)[side]
    site, values = inspection.sites[depth], row(inspection, depth, scale)
    order = descending(values)
    number = "%{customdata[1]} spreads from its average" if scale == "average" else f"{number_named(site)} %{{customdata[1]}}"
    return {
        "type": "scatter",
        "mode": "lines",
        "x": ((np.arange(len(order)) + 0.5) / len(order)).astype(np.float32),
        "y": values[order].astype(np.float32),
        "line": {"width": 2.5, "color": theme.branches[side], "dash": ("solid", "dash")[side]},
        "customdata": told([order.tolist(), [decimal(value) for value in values[order].tolist()]]),
        "hovertemplate": f"{side_names(comparison)[side]}: {site.name}, channel %{{customdata[0]}}: {number}<extra></extra>",
    }
