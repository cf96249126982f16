"""One channel's weight on the sample pictures, next to this one's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from sevis.analysis.rank import reference, weight
from sevis.figures.block import named
from sevis.figures.theme import LIGHT, Theme, compose, plain
from sevis.records import Inspection
from sevis.words import decimal

__all__ = ["channel_samples"]

OWN = "this picture"
ROW = 26  # px


def channel_samples(
    inspection: Inspection, depth: int, channel: int, samples: Sequence[tuple[str, np.ndarray]], *, theme: Theme = LIGHT
) -> go.Figure:
    """A line a picture, the highest weight on top, over the band in which the average picture has it.

    Args:
        samples: title and weights (M, C) of each sample picture.
    """
    own = float(weight(inspection, depth)[channel])
    rows = sorted([(title, float(weights[-1, channel])) for title, weights in samples] + [(OWN, own)], key=lambda row: row[1])
    site, usual = inspection.sites[depth], reference(inspection, depth)
    return compose(
        [_points(rows, named(site), theme)],
        (
            f"{site.name}, channel {channel}: its weight on the samples",
            "the highest on top" + ("; band: the average picture ± 1 spread" if usual is not None else ""),
        ),
        94 + ROW * len(rows),
        theme=theme,
        margin={"l": 8, "r": 34, "t": 58, "b": 8},
        shapes=[] if usual is None else [_band(float(usual[0][channel]), float(usual[1][channel]), theme)],
        xaxis={"title": {"text": named(site)}, "showgrid": True, "nticks": 6},
        yaxis={
            "tickvals": list(range(len(rows))),
            "ticktext": [f"<b>{title}</b>" if title == OWN else plain(title) for title, _ in rows],
            "range": [-0.6, len(rows) - 0.4],
        },
    )


def _points(rows: Sequence[tuple[str, float]], name: str, theme: Theme) -> dict[str, Any]:
    own = [title == OWN for title, _ in rows]
    return {
        "type": "scatter",
        "mode": "markers+text",
        "x": [value for _, value in rows],
        "y": list(range(len(rows))),
        "marker": {"size": 10, "color": [theme.accent if mine else theme.positive for mine in own]},
        "text": [decimal(value) for _, value in rows],
        "textposition": "middle right",
        "textfont": {"size": 12, "color": theme.muted},
        "cliponaxis": False,
        "customdata": [[plain(title, 60), decimal(value)] for title, value in rows],
        "hovertemplate": f"%{{customdata[0]}}: {name} %{{customdata[1]}}<extra></extra>",
    }


def _band(mean: float, spread: float, theme: Theme) -> dict[str, Any]:
    sides = {"x0": mean - spread, "x1": mean + spread, "yref": "paper", "y0": 0, "y1": 1}
    return {"type": "rect", **sides, "layer": "below", "fillcolor": theme.grid, "line": {"width": 0}}
