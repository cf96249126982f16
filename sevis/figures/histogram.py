"""How the weights of one block are spread out."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from sevis.analysis.rank import reference, weight
from sevis.figures.block import HEIGHT, MARGIN, heading, named
from sevis.figures.theme import LIGHT, Theme, compose
from sevis.records import Inspection
from sevis.words import counted, decimal

__all__ = ["histogram"]

BINS = 40


def histogram(inspection: Inspection, depth: int, *, theme: Theme = LIGHT) -> go.Figure:
    """How many channels have which weight, from 0 to 1 or as far as the weights go; the average picture as an outline."""
    site, values = inspection.gates[depth].site, weight(inspection, depth)
    edges = np.linspace(min(0.0, float(values.min())), max(1.0, float(values.max())), BINS + 1)
    counts = np.histogram(values, edges)[0]
    usual = reference(inspection, depth)
    mean = float(values.mean())
    return compose(
        [_bars(counts, edges, site.name, theme)] + ([] if usual is None else [_outline(usual[0], edges, theme)]),
        heading(inspection, depth, "distribution of the weights", "outline: the average picture"),
        HEIGHT,
        theme=theme,
        margin=MARGIN,
        bargap=0.08,
        hovermode="x",
        xaxis={"title": {"text": named(site)}, "range": [edges[0], edges[-1]], "nticks": 7, "hoverformat": ".2f"},
        yaxis={"title": {"text": "channels"}, "showgrid": True, "rangemode": "tozero"},
        shapes=[
            {
                "type": "line",
                "x0": mean,
                "x1": mean,
                "yref": "paper",
                "y0": 0,
                "y1": 1,
                "line": {"color": theme.ink, "width": 1.5, "dash": "dot"},
            }
        ],
    )


def _bars(counts: np.ndarray, edges: np.ndarray, name: str, theme: Theme) -> dict[str, Any]:
    told = [
        f"{counted(int(count), 'channel')} {'has' if count == 1 else 'have'} a weight from {decimal(low)} to {decimal(high)}"
        for count, low, high in zip(counts, edges[:-1].tolist(), edges[1:].tolist(), strict=True)
    ]
    return {
        "type": "bar",
        "x": (edges[:-1] + edges[1:]) / 2,
        "y": counts,
        "marker": {"color": theme.muted, "opacity": 0.7},
        "customdata": told,
        "hovertemplate": f"{name}: %{{customdata}}<extra></extra>",
    }


def _outline(mean: np.ndarray, edges: np.ndarray, theme: Theme) -> dict[str, Any]:
    counts = np.histogram(mean.clip(edges[0], edges[-1]), edges)[0]
    return {
        "type": "scatter",
        "mode": "lines",
        "x": edges,
        "y": np.append(counts, counts[-1]),
        "line": {"shape": "hv", "width": 1.5, "color": theme.ink},
        "name": "average picture",
        "hoverinfo": "skip",
    }
