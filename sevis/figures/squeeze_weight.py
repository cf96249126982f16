"""What went into a gate against what came out of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from sevis.analysis.rank import channel_influence, reference, weight
from sevis.figures.block import CROWDED, HEIGHT, MARGIN, customdata, heading, named, ring, sentence
from sevis.figures.theme import LIGHT, Theme, compose, plain, scale, told
from sevis.records import Inspection

__all__ = ["squeeze_weight"]


def squeeze_weight(inspection: Inspection, depth: int, channel: int | None = None, *, theme: Theme = LIGHT) -> go.Figure:
    """One point a channel: its squeeze z against its weight, coloured by its influence on the explained class."""
    record = inspection.gates[depth]
    squeeze, values = record.squeeze[0].astype(np.float32), weight(inspection, depth).astype(np.float32)
    traces = [*_usual(inspection, depth, squeeze, values, theme), _points(inspection, depth, squeeze, values, theme)]
    if channel is not None:
        traces.append(ring(float(squeeze[channel]), float(values[channel]), theme))
    return compose(
        traces,
        heading(inspection, depth, "squeeze against weight", "stems: from the average picture" if len(values) <= CROWDED else ""),
        HEIGHT,
        theme=theme,
        margin=MARGIN,
        hoverdistance=30,
        xaxis={"title": {"text": "squeeze z, mean activation of the channel"}, "zeroline": True},
        yaxis={"title": {"text": named(record.site)}, "showgrid": True},
        coloraxis=_influence_axis(inspection, depth, theme),
    )


def _points(inspection: Inspection, depth: int, squeeze: np.ndarray, values: np.ndarray, theme: Theme) -> dict[str, Any]:
    adds = f", z %{{x:.2f}}, adds %{{customdata[3]}} to {plain(inspection.target.label)}"
    return {
        "type": "scatter",
        "mode": "markers",
        "x": squeeze,
        "y": values,
        "customdata": customdata(inspection, depth, np.arange(len(values))),
        "hovertemplate": sentence(inspection, depth, adds),
        "marker": {
            "size": 8 if len(values) <= CROWDED else 5,
            "color": channel_influence(inspection, depth).astype(np.float32),
            "coloraxis": "coloraxis",
            "line": {"width": 1 if len(values) <= CROWDED else 0.5, "color": theme.muted},
        },
        "selected": {"marker": {"size": 13}},
        "unselected": {"marker": {"opacity": 0.6}},
    }


def _usual(inspection: Inspection, depth: int, squeeze: np.ndarray, values: np.ndarray, theme: Theme) -> list[dict[str, Any]]:
    """A stem from each channel's average weight to its weight for this picture."""
    usual = reference(inspection, depth)
    if usual is None or len(values) > CROWDED:
        return []
    gap = np.full_like(values, np.nan)
    y = np.stack([usual[0].astype(np.float32), values, gap], axis=1).ravel()
    line = {"color": theme.faint, "width": 1}
    stems = told([[None if np.isnan(each) else each for each in y.tolist()]])[:, 0]
    return [{"type": "scatter", "mode": "lines", "x": squeeze.repeat(3), "y": stems, "line": line, "hoverinfo": "skip", "name": "average"}]


def _influence_axis(inspection: Inspection, depth: int, theme: Theme) -> dict[str, Any]:
    peak = float(np.abs(channel_influence(inspection, depth)).max()) or 1.0
    colours = (theme.negative, theme.background, theme.positive)
    bar = {
        "title": {"text": "influence", "side": "top", "font": {"size": 12}},
        "thickness": 8,
        "outlinewidth": 0,
        "nticks": 5,
        "len": 0.9,
        "tickfont": {"size": 12},
    }
    return {"colorscale": scale(colours), "cmin": -peak, "cmax": peak, "colorbar": bar}
