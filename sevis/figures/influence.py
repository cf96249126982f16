"""Which channels of one block spoke for the explained class, and which against it."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from sevis.analysis.rank import channel_influence, strongest
from sevis.figures.block import HEIGHT, MARGIN, customdata, sentence
from sevis.figures.theme import LIGHT, Theme, compose, plain
from sevis.records import Inspection
from sevis.words import signed

__all__ = ["influence"]


def influence(inspection: Inspection, depth: int, channel: int | None = None, count: int = 20, *, theme: Theme = LIGHT) -> go.Figure:
    """The strongest influences on the explained class, from most for it to most against it, and what the other channels add up to."""
    site, values = inspection.gates[depth].site, channel_influence(inspection, depth)
    chosen = np.array(strongest(inspection, depth, "influence", count))
    chosen = chosen[np.argsort(-values[chosen], kind="stable")]
    others = np.setdiff1d(np.arange(site.channels), chosen)
    target = plain(inspection.target.label)
    traces = [_bars(inspection, depth, chosen, channel, theme)] + ([_rest(values[others], site.name, target, theme)] if len(others) else [])
    return compose(
        traces,
        (
            f"{site.name}: influence on {target}",
            f"the {len(chosen)} strongest of {site.channels} channels; together they all add {signed(float(values.sum()))}",
        ),
        HEIGHT,
        theme=theme,
        margin=MARGIN,
        bargap=0.25,
        hovermode="x",
        xaxis={
            "title": {"text": "channel"},
            "type": "category",
            "tickangle": 0 if site.channels <= 1000 else -90,
            "tickfont": {"size": 11},
        },
        yaxis={"title": {"text": "added to the score (logits)"}, "showgrid": True, "zeroline": True},
    )


def _bars(inspection: Inspection, depth: int, chosen: np.ndarray, channel: int | None, theme: Theme) -> dict[str, Any]:
    values = channel_influence(inspection, depth)[chosen].astype(np.float32)
    ringed = [2.5 if channel == each else 0 for each in chosen]
    return {
        "type": "bar",
        "x": [str(each) for each in chosen],
        "y": values,
        "marker": {
            "color": [theme.positive if value >= 0 else theme.negative for value in values],
            "line": {"color": theme.accent, "width": ringed},
        },
        "unselected": {"marker": {"opacity": 0.5}},
        "customdata": customdata(inspection, depth, chosen),
        "hovertemplate": sentence(inspection, depth, f", adds %{{customdata[3]}} to {plain(inspection.target.label)}"),
    }


def _rest(values: np.ndarray, name: str, target: str, theme: Theme) -> dict[str, Any]:
    total = float(values.sum())
    return {
        "type": "bar",
        "x": ["rest"],
        "y": [total],
        "marker": {"color": theme.faint},
        "unselected": {"marker": {"opacity": 1}},
        "hovertemplate": f"{name}: the other {len(values)} channels together add {signed(total)} to {target}<extra></extra>",
    }
