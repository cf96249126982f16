"""The rows of the network view: a strip of coloured channels a block, and the marks over it that can be hovered and clicked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from sevis.analysis.rank import descending, deviation, weight
from sevis.figures.theme import CLEAR, SPREADS_SHOWN, Theme, plain, scale, told
from sevis.records import Inspection
from sevis.words import decimal

__all__ = ["ORDERS", "Order", "Row", "Scale", "color_axes", "column", "rows", "strip", "touch", "worded_bar"]

Scale = Literal["average", "absolute"]
Order = Literal["sorted", "network"]
# Above so many channels the unseen marks stay out of the page (they answer all the same), and only `selected` shows what was clicked:
# 15,104 of them took Chromium 1.3 s to draw, none of them 0.15 s.
CROWDED = 2000
STRIP_HEIGHT = 0.78  # of a row; the rest is the gap that tells the rows apart

ORDERS: dict[Order, Callable[[np.ndarray], np.ndarray]] = {"sorted": descending, "network": lambda values: np.arange(len(values))}


@dataclass(frozen=True)
class Row:
    """One block as it is drawn.

    Attributes:
        depth: the block's place.
        channels: channel numbers from left to right, (C,).
        values: what the colours show, in the same order, (C,).
        axis: the colour axis that the values are read on.
    """

    depth: int
    channels: np.ndarray
    values: np.ndarray
    axis: str

    @property
    def places(self) -> np.ndarray:
        """The middle of each channel's cell on the row, from 0 to 1, (C,)."""
        return ((np.arange(len(self.channels)) + 0.5) / len(self.channels)).astype(np.float32)


def rows(inspection: Inspection, scaling: Scale, order: Order) -> tuple[Row, ...]:
    """The blocks as rows; without averages they are shown on the absolute scale."""
    if order not in ORDERS:
        raise ValueError(f"unknown order {order!r}; choose from {tuple(ORDERS)}")
    return tuple(_row(inspection, depth, scaling, order) for depth in range(len(inspection.gates)))


def _row(inspection: Inspection, depth: int, scaling: Scale, order: Order) -> Row:
    against = deviation(inspection, depth) if scaling == "average" else None
    values = weight(inspection, depth) if against is None else against
    absolute = "coloraxis2" if inspection.gates[depth].site.kind == "branch" else "coloraxis"
    channels = ORDERS[order](values)
    return Row(depth, channels, values[channels], absolute if against is None else "coloraxis3")


def strip(row: Row) -> dict[str, Any]:
    """The colours of a row: C cells over the width that all rows share."""
    count = len(row.channels)
    return {
        "type": "heatmap",
        "z": row.values.astype(np.float32)[None, :],
        "x0": 0.5 / count,
        "dx": 1 / count,
        "y": [row.depth - STRIP_HEIGHT / 2, row.depth + STRIP_HEIGHT / 2],
        "coloraxis": row.axis,
        "hoverinfo": "skip",
    }


def _sentence(inspection: Inspection, depth: int) -> str:
    site = inspection.gates[depth].site
    subject = f"weight of {plain(site.branches[-1])}" if site.kind == "branch" else "weight"
    ending = ", %{customdata[3]:.1f} spreads %{text} the average picture" if inspection.averages else ""
    return f"{site.name}, channel %{{customdata[1]}}: {subject} %{{customdata[2]:.2f}}{ending}<extra></extra>"


def touch(inspection: Inspection, row: Row, height: int, theme: Theme) -> dict[str, Any]:
    """Unseen marks in the middle of the cells: they speak, and they can be clicked, which a heatmap cannot in Streamlit.

    The marks are small, because plotly picks the first of overlapping marks and not the nearest; the figure's hover distance does the rest.
    """
    many = sum(site.channels for site in inspection.sites) > CROWDED
    spreads = deviation(inspection, row.depth)
    numbers = [weight(inspection, row.depth)] + ([] if spreads is None else [np.abs(spreads)])
    columns = [np.round(values[row.channels].astype(float), 3).tolist() for values in numbers]
    mark = {
        "type": "scatter",
        "mode": "markers",
        "x": row.places,
        # not y0 with dy=0: plotly.js takes 0 for missing and counts upwards
        "y": np.full(len(row.channels), row.depth, dtype=np.float32),
        "customdata": told([[row.depth] * len(row.channels), row.channels.tolist(), *columns]),
        "hovertemplate": _sentence(inspection, row.depth),
        "marker": {
            "symbol": "line-ns-open",
            "size": 4,
            "opacity": 0,
            "color": theme.accent,
            "line": {"width": 2},
            "maxdisplayed": int(many),
        },
        "selected": {"marker": {"opacity": 1, "size": height, "color": theme.accent}},
        "unselected": {"marker": {"opacity": 0}},
    }
    if spreads is not None:
        mark["text"] = np.where(spreads[row.channels] < 0, "below", "above")
    return mark


def column(title: str, domain: tuple[float, float], span: list[float | None], theme: Theme, **options: Any) -> dict[str, Any]:
    """An axis along a part of the figure's width, with its name above and no numbers."""
    return {
        "domain": domain,
        "range": span,
        "side": "top",
        "anchor": "y",
        "title": {"text": title, "font": {"size": 12, "color": theme.muted}, "standoff": 4},
        "showticklabels": False,
        "fixedrange": True,
        "automargin": False,
        **options,
    }


def worded_bar(ticks: dict[float, str], theme: Theme) -> dict[str, Any]:
    """A thin bar whose ticks say in words what the colours mean, so that it needs no title."""
    return {
        "orientation": "h",
        "thickness": 8,
        "outlinewidth": 0,
        "xpad": 0,
        "ypad": 0,
        "tickfont": {"size": 12, "color": theme.muted},
        "tickcolor": theme.faint,
        "bgcolor": CLEAR,
        "tickangle": 0,
        "tickvals": list(ticks),
        "ticktext": list(ticks.values()),
    }


def _average_axis(inspection: Inspection, theme: Theme) -> dict[str, Any]:
    ticks = {-3.0: "3 spreads below", -2.0: "", -1.0: "", 0.0: "average", 1.0: "", 2.0: "", 3.0: "3 spreads above"}
    return {"colorscale": scale(theme.diverging), "cmin": -SPREADS_SHOWN, "cmax": SPREADS_SHOWN, "colorbar": worded_bar(ticks, theme)}


def _weight_axis(inspection: Inspection, theme: Theme) -> dict[str, Any]:
    weights = [record.weights for record in inspection.gates if record.site.kind == "channel"]
    high = max(1.0, *(float(np.abs(each).max()) for each in weights))
    # a gate that turns signs round (tanh) is read from its zero
    low, colours = (-high, theme.diverging) if min(float(each.min()) for each in weights) < 0 else (0.0, theme.sequential)
    middle = (low + high) / 2
    ticks = {low: decimal(low, 1), middle: f"weight {decimal(middle, 1)}", high: decimal(high, 1)}
    return {"colorscale": scale(colours), "cmin": low, "cmax": high, "colorbar": worded_bar(ticks, theme)}


def _share_axis(inspection: Inspection, theme: Theme) -> dict[str, Any]:
    site = next(site for site in inspection.sites if site.kind == "branch")
    middle = 1 / len(site.branches)
    name = plain(site.branches[-1], 12)
    ticks = {0.0: f"no {name}", middle: "even", 2 * middle: f"{2 * middle:.0%} {name}"}
    return {"colorscale": scale(theme.diverging), "cmin": 0, "cmax": 2 * middle, "colorbar": worded_bar(ticks, theme)}


AXES: dict[str, Callable[[Inspection, Theme], dict[str, Any]]] = {
    "coloraxis": _weight_axis,
    "coloraxis2": _share_axis,
    "coloraxis3": _average_axis,
}


def color_axes(inspection: Inspection, drawn: tuple[Row, ...], width: float, foot: float, theme: Theme) -> dict[str, Any]:
    """The colour axes that the rows use, their bars side by side along the bottom of the strips."""
    used = sorted({row.axis for row in drawn})
    axes = {name: AXES[name](inspection, theme) for name in used}
    room = width / len(used)
    for place, axis in enumerate(axes.values()):
        axis["colorbar"] |= {
            "x": place * room,
            "xanchor": "left",
            "len": room * (1 if len(used) == 1 else 0.7),
            "y": foot,
            "yref": "container",
            "yanchor": "bottom",
        }
    return axes
