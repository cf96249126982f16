"""How far the weights of every block of a network differ from picture to picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from sevis.analysis.gate_statistics import GateStatistics
from sevis.analysis.thresholds import load_thresholds
from sevis.figures.separation import block_axis
from sevis.figures.theme import LIGHT, Theme, compose, told
from sevis.words import amount

__all__ = ["spread_by_block"]


def spread_by_block(statistics: Sequence[GateStatistics], *, theme: Theme = LIGHT) -> go.Figure:
    """A bar a block: the standard deviation of its weights over the pictures, averaged over the channels; dotted, what is surely alive."""
    alive = load_thresholds()["M1.alive"]
    spreads = [float(each.overall.spread.mean()) for each in statistics]
    return compose(
        [_bars(statistics, spreads, theme)],
        (
            f"Every block over {statistics[0].pictures:,} pictures",
            f"how far its weights differ between pictures; dotted: {amount(alive)}, from where on a block is surely alive",
        ),
        300,
        theme=theme,
        margin={"l": 8, "r": 12, "t": 62, "b": 8},
        bargap=0.45,
        shapes=[
            {
                "type": "line",
                **{"xref": "paper", "x0": 0, "x1": 1, "y0": alive, "y1": alive},
                "line": {"color": theme.ink, "width": 1.2, "dash": "dot"},
            }
        ],
        xaxis=block_axis([each.site.name for each in statistics]),
        yaxis={"title": {"text": "standard deviation"}, "showgrid": True, "range": [0, 1.12 * max(*spreads, alive)], "fixedrange": True},
    )


def _bars(statistics: Sequence[GateStatistics], spreads: Sequence[float], theme: Theme) -> dict[str, Any]:
    means = [float(each.overall.mean[-1].mean()) for each in statistics]
    said = [f"{amount(mean)} ± {amount(spread)}" for mean, spread in zip(means, spreads, strict=True)]
    return {
        "type": "bar",
        "x": list(range(len(spreads))),
        "y": spreads,
        "marker": {"color": theme.positive},
        "customdata": told([[each.site.name for each in statistics], said]),
        "hovertemplate": "%{customdata[0]}: a weight is %{customdata[1]} over the pictures, on average over the channels<extra></extra>",
    }
