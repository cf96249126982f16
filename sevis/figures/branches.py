"""How one selection divided each channel among its branches."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from sevis.analysis.rank import descending, expected, weight
from sevis.figures.block import CROWDED, HEIGHT, MARGIN, ring
from sevis.figures.theme import LIGHT, Theme, compose, plain, told
from sevis.records import GateSite, Inspection

__all__ = ["branches"]


def branches(inspection: Inspection, depth: int, channel: int | None = None, *, theme: Theme = LIGHT) -> go.Figure:
    """The share of each branch in each channel, stacked, sorted by the last branch; a dashed line where an even split would be."""
    site, values = inspection.gates[depth].site, weight(inspection, depth)
    if site.kind != "branch":
        raise ValueError(f"{site.name} weighs channels, not branches; show it with sorted_weights")
    order = descending(values)
    traces = _areas(inspection, depth, order, theme)
    if channel is not None:
        traces.append(ring(float(np.flatnonzero(order == channel)[0]), float(values[channel]), theme))
    even = expected(inspection, depth)
    return compose(
        traces,
        (f"{site.name}: how the channels divide among the branches", _means(inspection, depth)),
        HEIGHT,
        theme=theme,
        margin={**MARGIN, "r": 64},
        hovermode="x",
        hoverdistance=-1,
        xaxis={"title": {"text": f"place of the channel, most {plain(site.branches[-1], 12)} first"}},
        yaxis={"title": {"text": "share of the branch"}, "range": [0, 1], "tickformat": ".0%"},
        shapes=[
            {
                "type": "line",
                "xref": "paper",
                "x0": 0,
                "x1": 1,
                "y0": even,
                "y1": even,
                "line": {"color": theme.ink, "width": 1.5, "dash": "dash"},
            }
        ],
        annotations=_names(site, theme),
    )


def _means(inspection: Inspection, depth: int) -> str:
    record = inspection.gates[depth]
    means = record.weights[0].mean(axis=1)
    return "mean share: " + ", ".join(f"{plain(name, 12)} {mean:.0%}" for name, mean in zip(record.site.branches, means, strict=True))


def _areas(inspection: Inspection, depth: int, order: np.ndarray, theme: Theme) -> list[dict[str, Any]]:
    """An area a branch; the last branch lies at the bottom, because the order and the even line are read there."""
    return [_area(inspection, depth, order, branch, theme) for branch in reversed(range(len(inspection.sites[depth].branches)))]


def _area(inspection: Inspection, depth: int, order: np.ndarray, branch: int, theme: Theme) -> dict[str, Any]:
    record = inspection.gates[depth]
    shares = record.weights[0, branch][order].astype(np.float32)
    name = plain(record.site.branches[branch], 12)
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "y": shares,
        "name": name,
        "stackgroup": "share",
        "line": {"width": 0, "shape": "hvh"},
        "fillcolor": theme.branches[branch % len(theme.branches)],
        "marker": {"size": 6, "opacity": 0, "color": theme.accent, "maxdisplayed": int(len(order) > CROWDED)},
        "selected": {"marker": {"opacity": 1, "size": 12}},
        "unselected": {"marker": {"opacity": 0}},
        "customdata": told([[depth] * len(order), order.tolist(), np.round(shares.astype(float), 4).tolist()]),
        "hovertemplate": f"{record.site.name}, channel %{{customdata[1]}}: %{{customdata[2]:.0%}} from the {name} branch<extra></extra>",
    }


def _names(site: GateSite, theme: Theme) -> list[dict[str, Any]]:
    """The branches' names beside the stack, where they need no legend."""
    count = len(site.branches)
    return [
        {
            "xref": "paper",
            "x": 1.01,
            "xanchor": "left",
            "y": (count - 0.5 - branch) / count,
            "text": f"<b>{plain(name, 8)}</b>",
            "font": {"color": theme.branches[branch % len(theme.branches)], "size": 13},
        }
        for branch, name in enumerate(site.branches)
    ]
