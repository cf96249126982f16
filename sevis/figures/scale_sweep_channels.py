"""How the large kernel's share moves along the channels as the object grows (Li et al. 2019, figure 3)."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from sevis.analysis.zoom import GateSweep, Sweep
from sevis.analysis.zoom_rows import grouped
from sevis.figures.panels import legend, panels
from sevis.figures.scale_sweep import kernels
from sevis.figures.scale_sweep_blocks import blocks, zoom_colours, zoom_places
from sevis.figures.theme import LIGHT, Theme, told
from sevis.words import decimal

__all__ = ["scale_sweep_channels"]


def scale_sweep_channels(sweep: Sweep, *, theme: Theme = LIGHT) -> go.Figure:
    """A panel for the last block of each stage, a line a zoom; a point is the mean over some consecutive channels."""
    shown, (large, small), colours = blocks(sweep), kernels(sweep), zoom_colours(sweep, theme)
    return panels(
        [[_line(gate, view, sweep, colour) for view, colour in zip(zoom_places(sweep), colours, strict=True)] for gate in shown],
        [gate.site.name for gate in shown],
        (
            f"{large} less {small} along the channels",
            f"{legend([f'zoom {zoom:g}' for zoom in sweep.zooms], colours)}&nbsp;&nbsp; each point a mean over consecutive channels",
        ),
        [({"title": {"text": "channel"}, "fixedrange": True}, {"title": {"text": "difference"}, "zeroline": True}) for _ in shown],
        theme=theme,
    )


def _line(gate: GateSweep, view: int, sweep: Sweep, colour: str) -> dict[str, Any]:
    firsts, lasts, values = zip(*grouped(gate, view), strict=True)
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "x": [(first + last) / 2 for first, last in zip(firsts, lasts, strict=True)],
        "y": list(values),
        "line": {"width": 1.6, "color": colour},
        "marker": {"size": 5},
        "customdata": told([list(firsts), list(lasts), [decimal(value, 3) for value in values]]),
        "hovertemplate": f"{gate.site.name}, channels %{{customdata[0]}} to %{{customdata[1]}}: difference %{{customdata[2]}}"
        f" at zoom {sweep.zooms[view]:g}<extra></extra>",
    }
