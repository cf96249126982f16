"""One block on both sides, channel against channel."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from sevis.analysis.compare import Comparison
from sevis.analysis.rank import weight
from sevis.figures.block import ring
from sevis.figures.sides import HEIGHT, MARGIN, number_named, side_names
from sevis.figures.theme import LIGHT, Theme, compose, told
from sevis.words import signed

__all__ = ["compare_channels"]


def compare_channels(comparison: Comparison, place: int, channel: int | None = None, *, theme: Theme = LIGHT) -> go.Figure:
    """A point a channel: to the right its weight on the first side, upwards on the second; on the line nothing changed."""
    if not comparison.one_to_one:
        raise ValueError("channels pair up in the same architecture alone; show other networks with compare_sorted")
    pair, (first, second) = comparison.pairs[place], comparison.sides
    site, x, y = first.sites[pair.first], weight(first, pair.first), weight(second, pair.second)
    low, high = float(min(x.min(), y.min())), float(max(x.max(), y.max()))
    edge = 0.06 * (high - low) or 0.05
    names = side_names(comparison)
    axis = {"range": [low - edge, high + edge], "showgrid": True, "nticks": 6}
    return compose(
        [_points(comparison, place, theme), *([] if channel is None else [ring(float(x[channel]), float(y[channel]), theme)])],
        (f"{site.name}: every channel on both sides", "on the dashed line nothing changed; above it the second side has more"),
        HEIGHT,
        theme=theme,
        margin=MARGIN,
        xaxis={**axis, "title": {"text": f"{number_named(site)} on {names[0]}"}},
        yaxis={**axis, "title": {"text": f"{number_named(site)} on {names[1]}"}},
        shapes=[_even(low - edge, high + edge, theme)],
    )


def _points(comparison: Comparison, place: int, theme: Theme) -> dict[str, Any]:
    pair, (first, second) = comparison.pairs[place], comparison.sides
    x, y = weight(first, pair.first), weight(second, pair.second)
    site, names = first.sites[pair.first], side_names(comparison)
    more = (y - x).astype(float).tolist()
    said = f"{number_named(site)} %{{x:.2f}} on {names[0]}, %{{y:.2f}} on {names[1]},<br>a difference of %{{customdata[2]}}"
    return {
        "type": "scatter",
        "mode": "markers",
        "x": x.astype(np.float32),
        "y": y.astype(np.float32),
        "customdata": told([[pair.first] * len(x), list(range(len(x))), [signed(value) for value in more]]),
        "marker": {
            "size": 7,
            "opacity": 0.75,
            "color": [theme.positive if value >= 0 else theme.negative for value in more],
        },
        "unselected": {"marker": {"opacity": 0.75}},
        "hovertemplate": f"{site.name}, channel %{{customdata[1]}}: {said}<extra></extra>",
    }


def _even(low: float, high: float, theme: Theme) -> dict[str, Any]:
    return {
        "type": "line",
        "x0": low,
        "y0": low,
        "x1": high,
        "y1": high,
        "layer": "below",
        "line": {"color": theme.muted, "width": 1, "dash": "dash"},
    }
