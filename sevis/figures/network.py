"""The whole network at a glance: a row a block, its channels, how far it moved, what it added to the score, and its Grad-CAM."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from sevis.analysis.rank import weight
from sevis.figures.columns import STRONGEST, influence_sizes, influences, maps, movements, thumbnails
from sevis.figures.strips import STRIP_HEIGHT, Order, Row, Scale, color_axes, column, rows, strip, touch
from sevis.figures.theme import LIGHT, Theme, compose, plain
from sevis.records import Inspection
from sevis.words import decimal

__all__ = ["network"]

PITCH = 42  # px a row
HEAD, FOOT, LEFT, RIGHT = 84, 44, 118, 6  # px around the rows
STRIPS, MOVED, BARS, CAMS = (0.0, 0.59), (0.615, 0.67), (0.715, 0.86), (0.935, 1.0)  # of the width


# the heading of the blocks' names; a title of their axis would stand on its side
BLOCKS: dict[str, Any] = {
    "text": "block",
    "font": {"size": 12},
    "xref": "paper",
    "x": 0,
    "xanchor": "right",
    "xshift": -6,
    "yref": "paper",
    "y": 1,
    "yanchor": "bottom",
    "yshift": 2,
}


def network(
    inspection: Inspection,
    *,
    scale: Scale = "average",
    order: Order = "sorted",
    selected: tuple[int, int | None] | None = None,
    theme: Theme = LIGHT,
) -> go.Figure:
    """All gates of the network for one picture; customdata of every mark starts with depth and channel."""
    drawn = rows(inspection, scale, order)
    height = HEAD + PITCH * len(drawn) + FOOT
    traces = [strip(row) for row in drawn] + [touch(inspection, row, round(PITCH * STRIP_HEIGHT), theme) for row in drawn]
    traces += [movements(inspection, theme), influences(inspection, theme), maps(inspection), *_chosen(drawn, selected, theme)]
    return compose(
        traces,
        _title(inspection, drawn),
        height,
        theme=theme,
        margin={"l": LEFT, "r": RIGHT, "t": HEAD, "b": FOOT},
        hovermode="closest",
        hoverdistance=_reach(drawn),
        dragmode=False,
        barmode="overlay",
        images=thumbnails(inspection, CAMS),
        annotations=[BLOCKS, *influence_sizes(inspection, BARS[1])],
        shapes=_marks(drawn, selected, theme),
        **_axes(inspection, order, theme),
        **color_axes(inspection, drawn, STRIPS[1], 4 / height, theme),
    )


def _title(inspection: Inspection, drawn: tuple[Row, ...]) -> tuple[str, str]:
    against = drawn and drawn[0].axis == "coloraxis3"
    what = "Weights against the average picture" if against else "Weights of every block"
    return what, f"bars: the {STRONGEST} channels of each block that spoke most for or against {plain(inspection.target.label, 24)}"


def _reach(drawn: tuple[Row, ...]) -> int:
    """How far from its mark a channel answers, in px: to the corner of the widest cell on a wide screen."""
    widest = 720 / min(len(row.channels) for row in drawn)
    return int(np.ceil(np.hypot(widest / 2, PITCH / 2)))


def _label(inspection: Inspection, depth: int, theme: Theme) -> str:
    site, mean = inspection.gates[depth].site, float(weight(inspection, depth).mean())
    which = plain(site.branches[-1], 8) if site.kind == "branch" else "mean"
    small = f"<span style='font-size:11px;color:{theme.muted}'>{site.channels} ch, {which} {decimal(mean)}</span>"
    return f"<b>{site.name}</b><br>{small}"


def _axes(inspection: Inspection, order: Order, theme: Theme) -> dict[str, Any]:
    count = len(inspection.gates)
    named = {"sorted": "channels, highest first", "network": "channels, in the network's order"}[order]
    blocks = {
        "range": [count - 0.5, -0.5],
        "tickvals": list(range(count)),
        "ticktext": [_label(inspection, depth, theme) for depth in range(count)],
        "tickfont": {"size": 13, "color": theme.ink},
        "automargin": False,
        "fixedrange": True,
    }
    return {
        "xaxis": column(named, STRIPS, [0, 1], theme),
        "xaxis2": column("moved" if inspection.averages else "differ", MOVED, [0, None], theme, rangemode="tozero"),
        "xaxis3": column("influence", BARS, [-0.6, STRONGEST - 0.4], theme),
        "xaxis4": column("Grad-<br>CAM", CAMS, [0, 1], theme),
        "yaxis": blocks,
    }


def _marks(drawn: tuple[Row, ...], selected: tuple[int, int | None] | None, theme: Theme) -> list[dict[str, Any]]:
    if selected is None:
        return []
    depth = selected[0]
    half = STRIP_HEIGHT / 2 + 0.06
    return [
        {
            "type": "rect",
            "xref": "x",
            "yref": "y",
            "x0": 0,
            "x1": 1,
            "y0": depth - half,
            "y1": depth + half,
            "line": {"color": theme.accent, "width": 1.5},
        }
    ]


def _chosen(drawn: tuple[Row, ...], selected: tuple[int, int | None] | None, theme: Theme) -> list[dict[str, Any]]:
    """A pointer over the selected channel."""
    if selected is None or selected[1] is None:
        return []
    row = drawn[selected[0]]
    place = float(row.places[np.flatnonzero(row.channels == selected[1])[0]])
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "x": [place],
            "y": [row.depth - STRIP_HEIGHT / 2],
            "cliponaxis": False,
            "marker": {"symbol": "triangle-down", "size": 12, "color": theme.accent, "line": {"width": 1, "color": theme.background}},
            "hoverinfo": "skip",
        }
    ]
