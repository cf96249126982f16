"""The weights of one block from highest to lowest."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from sevis.analysis.rank import descending, reference, weight
from sevis.figures.block import CROWDED, HEIGHT, MARGIN, customdata, heading, named, ring, sentence
from sevis.figures.theme import LIGHT, Theme, compose, plain
from sevis.records import Inspection

__all__ = ["sorted_weights"]


def sorted_weights(inspection: Inspection, depth: int, channel: int | None = None, *, theme: Theme = LIGHT) -> go.Figure:
    """The block's weights sorted, over the band in which the average picture has them; branch gates show every branch."""
    site, values = inspection.gates[depth].site, weight(inspection, depth)
    order = descending(values)
    traces = _band(inspection, depth, order, theme) + _curves(inspection, depth, order, theme)
    if channel is not None:
        traces.append(ring(float(np.flatnonzero(order == channel)[0]), float(values[channel]), theme))
    return compose(
        traces,
        _title(inspection, depth, theme),
        HEIGHT,
        theme=theme,
        margin=MARGIN,
        hovermode="x",
        hoverdistance=-1,
        xaxis={"title": {"text": "place of the channel in the order"}},
        yaxis={"title": {"text": "weight of each branch" if site.kind == "branch" else named(site)}, "showgrid": True},
    )


def _title(inspection: Inspection, depth: int, theme: Theme) -> tuple[str, str]:
    """The second line names the branches in their colours, so that the curves need no legend."""
    title, second = heading(inspection, depth, "weights from highest to lowest", "band: the average picture ± 1 spread")
    record = inspection.gates[depth]
    if record.site.kind == "channel":
        return title, second
    means = zip(record.site.branches, theme.branches, record.weights[0].mean(axis=1), strict=False)
    named = ", ".join(f"<b style='color:{colour}'>{plain(name, 12)}</b> {mean:.0%}" for name, colour, mean in means)
    return title, f"{record.site.channels} channels, mean share {named}"


def _curves(inspection: Inspection, depth: int, order: np.ndarray, theme: Theme) -> list[dict[str, Any]]:
    """A line a branch; the last one, which the order is made by, carries the marks that can be clicked."""
    record = inspection.gates[depth]
    colours = theme.branches if record.site.kind == "branch" else (theme.ink,)
    lines = [
        {
            "type": "scatter",
            "mode": "lines",
            "y": record.weights[0, branch][order].astype(np.float32),
            "name": plain(name),
            "line": {"color": colours[branch % len(colours)], "width": 2 if branch == len(record.site.branches) - 1 else 1, "shape": "hvh"},
            "hoverinfo": "skip",
        }
        for branch, name in enumerate(record.site.branches)
    ]
    lines[-1] |= {
        "mode": "lines+markers",
        "marker": {
            "size": 5,
            "color": lines[-1]["line"]["color"],
            "opacity": 0 if len(order) > 64 else 1,
            "maxdisplayed": int(len(order) > CROWDED),
        },
        "selected": {"marker": {"size": 12, "opacity": 1, "color": theme.accent}},
        "unselected": {"marker": {"opacity": 0}},
        "customdata": customdata(inspection, depth, order),
        "hovertemplate": sentence(inspection, depth),
    }
    del lines[-1]["hoverinfo"]
    return lines


def _band(inspection: Inspection, depth: int, order: np.ndarray, theme: Theme) -> list[dict[str, Any]]:
    usual = reference(inspection, depth)
    if usual is None:
        return []
    mean, spread = (each[order].astype(np.float32) for each in usual)
    line = {"type": "scatter", "mode": "lines", "hoverinfo": "skip", "name": "average picture"}
    band = [
        {**line, "y": mean - spread, "line": {"width": 0}},
        {**line, "y": mean + spread, "line": {"width": 0}, "fill": "tonexty", "fillcolor": theme.grid},
    ]
    middle = {**line, "y": mean, "line": {"width": 1, "color": theme.muted}}
    return band if len(order) > CROWDED else [*band, middle]
