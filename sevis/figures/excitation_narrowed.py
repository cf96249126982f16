"""The gates of a bottleneck with fewer units, against those with all of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from sevis.analysis.excitation import Narrowing, narrowing
from sevis.excitation import Excitation
from sevis.figures.theme import LIGHT, Theme, compose, told
from sevis.records import GateRecord
from sevis.words import amount, counted, decimal

__all__ = ["excitation_narrowed"]

HEIGHT = 360
LEAST = 0.02  # that the axis of changes goes up to: less is to look like nothing


def excitation_narrowed(excitation: Excitation, record: GateRecord, kept: int, *, theme: Theme = LIGHT) -> go.Figure:
    """Left, each channel's gate with all units (to the right) and with those that are kept (upwards); right, the mean change by number."""
    narrowed = narrowing(excitation, record.squeeze[0])
    low, high = min(0.0, float(narrowed.weights.min())), max(1.0, float(narrowed.weights.max()))
    span = [low - 0.04 * (high - low), high + 0.04 * (high - low)]
    units = len(narrowed.order)
    return compose(
        [_even(span, theme), _gates(narrowed, kept, theme), _course(narrowed, theme), _here(narrowed, kept, theme)],
        (
            f"{record.site.name}: the bottleneck narrowed to {kept} of {counted(units, 'unit')}",
            f"left: a point a channel, unmoved on the line; right: how far the {record.site.channels} gates move on average",
        ),
        HEIGHT,
        theme=theme,
        margin={"l": 8, "r": 12, "t": 66, "b": 8},
        xaxis={"title": {"text": f"gate with all {units} units"}, "domain": [0, 0.44], "range": span, "fixedrange": True},
        yaxis={"title": {"text": f"gate with {counted(kept, 'unit')}"}, "range": span, "showgrid": True, "fixedrange": True},
        xaxis2={"title": {"text": "units kept"}, "domain": [0.58, 1], "anchor": "y2", "fixedrange": True, "tickformat": "d", "nticks": 8},
        yaxis2={
            "title": {"text": "mean change of a gate"},
            "anchor": "x2",
            "range": [0, 1.06 * max(float(narrowed.moved.max()), LEAST)],
            "showgrid": True,
            "fixedrange": True,
            "nticks": 6,
        },
    )


def _even(span: list[float], theme: Theme) -> dict[str, Any]:
    """Where nothing has moved."""
    return {"type": "scatter", "mode": "lines", "x": span, "y": span, "line": {"width": 1.5, "color": theme.faint}, "hoverinfo": "skip"}


def _gates(narrowed: Narrowing, kept: int, theme: Theme) -> dict[str, Any]:
    whole, some = narrowed.weights[-1], narrowed.weights[kept]
    said = [
        f"channel {channel}: {decimal(float(after))} with {counted(kept, 'unit')}, {decimal(float(before))} with all"
        for channel, (before, after) in enumerate(zip(whole, some, strict=True))
    ]
    return {
        "type": "scatter",
        "mode": "markers",
        "x": whole,
        "y": some,
        "marker": {"size": 7, "color": theme.positive, "opacity": 0.7},
        "customdata": told([said]),
        "hovertemplate": "%{customdata[0]}<extra></extra>",
    }


def _course(narrowed: Narrowing, theme: Theme) -> dict[str, Any]:
    counts = range(len(narrowed.moved))
    said = [f"with {counted(kept, 'unit')} a gate moves by {amount(float(narrowed.moved[kept]))} on average" for kept in counts]
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "x": list(counts),
        "y": narrowed.moved,
        "xaxis": "x2",
        "yaxis": "y2",
        "line": {"width": 2, "color": theme.muted},
        "marker": {"size": 6},
        "customdata": told([said]),
        "hovertemplate": "%{customdata[0]}<extra></extra>",
    }


def _here(narrowed: Narrowing, kept: int, theme: Theme) -> dict[str, Any]:
    marker = {"size": 13, "color": theme.positive, "line": {"width": 2, "color": theme.background}}
    here = {"x": [kept], "y": np.array([narrowed.moved[kept]]), "xaxis": "x2", "yaxis": "y2"}
    return {"type": "scatter", "mode": "markers", "marker": marker, "hoverinfo": "skip", "cliponaxis": False, **here}
