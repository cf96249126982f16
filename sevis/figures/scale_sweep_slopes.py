"""How fast the large kernel's share grows with the object (metric B5), with and without what the blur alone does."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from sevis.analysis.zoom import SLOPES, Sweep
from sevis.figures.panels import legend
from sevis.figures.scale_sweep import kernels
from sevis.figures.separation import block_axis
from sevis.figures.theme import LIGHT, Theme, compose, told
from sevis.words import decimal

__all__ = ["scale_sweep_slopes"]

HEIGHT = 340
SURE = 1.96  # standard errors to either side hold 95 %
NAMES = {"zoom": "object enlarged", "blur": "blur alone", "size": "first less second"}


def scale_sweep_slopes(sweep: Sweep, *, theme: Theme = LIGHT) -> go.Figure:
    """Three bars a block: the slope over the zoom, that of the blur alone, and the rest, which is the object's."""
    large, small = kernels(sweep)
    return compose(
        [_bars(sweep, name, theme.branches[place], theme) for place, name in enumerate(SLOPES)],
        (
            f"Slope of {large} less {small} over the zoom",
            f"{legend([NAMES[name] for name in SLOPES], theme.branches[: len(SLOPES)], '■')}&nbsp;&nbsp; whiskers: 95% over the pictures",
        ),
        HEIGHT,
        theme=theme,
        margin={"l": 8, "r": 16, "t": 62, "b": 8},
        bargap=0.3,
        xaxis=block_axis([gate.site.name for gate in sweep.gates]),
        yaxis={"title": {"text": "change of the share a unit of zoom"}, "showgrid": True, "zeroline": True, "fixedrange": True},
    )


def _bars(sweep: Sweep, name: str, colour: str, theme: Theme) -> dict[str, Any]:
    slopes = [gate.slope[name] for gate in sweep.gates]
    return {
        "type": "bar",
        "x": list(range(len(slopes))),
        "y": [slope.mean for slope in slopes],
        "error_y": {"type": "data", "array": [SURE * slope.error for slope in slopes], "width": 3, "thickness": 1.2, "color": theme.ink},
        "marker": {"color": colour},
        "customdata": told(
            [
                [gate.site.name for gate in sweep.gates],
                [decimal(slope.mean, 3) for slope in slopes],
                [decimal(SURE * slope.error, 3) for slope in slopes],
            ]
        ),
        "hovertemplate": f"%{{customdata[0]}}: %{{customdata[1]}} ± %{{customdata[2]}} a unit of zoom, {SLOPES[name]}<extra></extra>",
    }
