"""How the large kernel's share moves in every class as the object grows (Li et al. 2019, figure 4)."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from sevis.analysis.zoom import GateSweep, Sweep
from sevis.figures.panels import FOOT, legend, panels
from sevis.figures.scale_sweep import kernels
from sevis.figures.scale_sweep_blocks import blocks, zoom_colours, zoom_places
from sevis.figures.theme import LIGHT, Theme, plain, told
from sevis.words import decimal

__all__ = ["scale_sweep_classes"]

NAMED = 16  # classes whose names have room below a panel
ROOM = 100  # px that these take


def scale_sweep_classes(sweep: Sweep, *, theme: Theme = LIGHT) -> go.Figure:
    """A panel for the last block of each stage, the classes side by side, a line a zoom."""
    if not sweep.seen:
        raise ValueError("no picture of the sweep has a known class; sweep a data set with class folders or a column of labels")
    shown, (large, small), colours = blocks(sweep), kernels(sweep), zoom_colours(sweep, theme)
    return panels(
        [[_line(gate, view, sweep, colour) for view, colour in zip(zoom_places(sweep), colours, strict=True)] for gate in shown],
        [gate.site.name for gate in shown],
        (f"{large} less {small} in every class", legend([f"zoom {zoom:g}" for zoom in sweep.zooms], colours)),
        [(_classes(sweep), {"title": {"text": "difference"}, "zeroline": True}) for _ in shown],
        theme=theme,
        foot=ROOM if len(sweep.seen) <= NAMED else FOOT,
    )


def _classes(sweep: Sweep) -> dict[str, Any]:
    """By name where there are few; else their number is enough, and the hover names them."""
    if len(sweep.seen) > NAMED:
        return {"title": {"text": "class"}, "fixedrange": True}
    names = [plain(sweep.classes[label], 15) for label in sweep.seen]
    return {"tickvals": list(range(len(names))), "ticktext": names, "tickangle": 90, "automargin": False, "fixedrange": True}


def _line(gate: GateSweep, view: int, sweep: Sweep, colour: str) -> dict[str, Any]:
    effects = [gate.of_class(label)[view] for label in sweep.seen]
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "x": list(range(len(effects))),
        "y": [effect.mean for effect in effects],
        "line": {"width": 1.6, "color": colour},
        "marker": {"size": 5},
        "customdata": told(
            [
                [plain(sweep.classes[label]) for label in sweep.seen],
                [decimal(effect.mean, 3) for effect in effects],
                [f"{int(gate.classes.count[label]):,}" for label in sweep.seen],
            ]
        ),
        "hovertemplate": f"{gate.site.name}, %{{customdata[0]}} at zoom {sweep.zooms[view]:g}: difference %{{customdata[1]}}"
        " over %{customdata[2]} pictures<extra></extra>",
    }
