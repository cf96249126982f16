"""How much every channel's weight of a gate varies from picture to picture."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from sevis.analysis.gate_statistics import GateStatistics
from sevis.analysis.rank import descending
from sevis.analysis.thresholds import load_thresholds
from sevis.figures.gate_histogram import EVIDENCE_HEIGHT, EVIDENCE_MARGIN
from sevis.figures.limits import limit_lines, shown, value_axis
from sevis.figures.theme import LIGHT, Theme, compose, told
from sevis.words import amount

__all__ = ["gate_spread"]


def gate_spread(statistics: GateStatistics, *, theme: Theme = LIGHT) -> go.Figure:
    """A point a channel, the most varied first: the standard deviation of its weight over the pictures; dotted, the thresholds."""
    site, limits = statistics.site, load_thresholds()
    metric = "M1" if site.kind == "channel" else "B4"
    spreads = statistics.overall.spread.mean(axis=0)  # (C,)
    axis = value_axis(metric, spreads.tolist(), limits)
    return compose(
        [_points(statistics, spreads, metric, theme)],
        (f"{site.name}: spread between pictures", f"{site.channels} channels, {amount(float(spreads.mean()))} on average ({metric})"),
        EVIDENCE_HEIGHT,
        theme=theme,
        margin=EVIDENCE_MARGIN,
        xaxis={
            "title": {"text": "channel, most varied first"},
            "fixedrange": True,
            "range": [-0.02 * site.channels - 0.5, 1.02 * site.channels],
        },
        yaxis={**axis, "title": {"text": "standard deviation"}},
        **limit_lines(metric, limits, theme),
    )


def _points(statistics: GateStatistics, spreads: np.ndarray, metric: str, theme: Theme) -> dict[str, Any]:
    order = descending(spreads)
    means, number = statistics.overall.mean[-1], "share" if statistics.site.kind == "branch" else "weight"
    said = [f"channel {n}: its {number} is {amount(float(means[n]))} ± {amount(float(spreads[n]))} over the pictures" for n in order]
    return {
        "type": "scatter",
        "mode": "markers",
        "x": list(range(len(order))),
        "y": [shown(metric, float(each)) for each in spreads[order]],
        "marker": {"size": 5 if len(order) > 100 else 7, "color": theme.positive},
        "customdata": told([said]),
        "hovertemplate": f"{statistics.site.name}, %{{customdata[0]}}<extra></extra>",
    }
