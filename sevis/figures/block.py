"""What the figures of one block have in common: its channels' numbers, the words of a hover, and the ring round a channel."""

from __future__ import annotations

from typing import Any

import numpy as np

from sevis.analysis.rank import channel_influence, deviation, weight
from sevis.figures.theme import Theme, plain, told
from sevis.records import GateSite, Inspection
from sevis.words import decimal, side, signed

__all__ = ["CROWDED", "HEIGHT", "MARGIN", "customdata", "heading", "named", "ring", "sentence"]

HEIGHT = 320
CROWDED = 512  # with more channels than that, what goes with each single channel is left away
MARGIN = {"l": 8, "r": 12, "t": 58, "b": 8}


def named(site: GateSite) -> str:
    """What the number of a channel is called."""
    return f"weight of the {plain(site.branches[-1], 12)} branch" if site.kind == "branch" else "weight"


def heading(inspection: Inspection, depth: int, title: str, usual: str = "") -> tuple[str, str]:
    """Title and second line of a figure about one block; `usual` says how the average picture is drawn, where it is known."""
    site, values = inspection.gates[depth].site, weight(inspection, depth)
    second = f"{site.channels} channels, mean {named(site)} {decimal(float(values.mean()))}"
    return f"{site.name}: {title}", f"{second}; {usual}" if usual and inspection.averages else second


def customdata(inspection: Inspection, depth: int, channels: np.ndarray) -> np.ndarray:
    """Depth, channel, weight, influence and the words about the average picture, one row a channel."""
    values, influence, spreads = weight(inspection, depth), channel_influence(inspection, depth), deviation(inspection, depth)
    numbers = [round(value, 4) for value in values[channels].tolist()]
    adds = [signed(value) for value in influence[channels].tolist()]
    return told([[depth] * len(channels), channels.tolist(), numbers, adds, [_against(spreads, channel) for channel in channels]])


def _against(spreads: np.ndarray | None, channel: int) -> str:
    return "" if spreads is None else f", {side(float(spreads[channel]))} the average picture"


def sentence(inspection: Inspection, depth: int, more: str = "") -> str:
    """The hover of a channel; `more` is put before its end, on a line of its own: half a page is not wide enough for all."""
    site, below = inspection.gates[depth].site, more.replace(", ", ",<br>", 1)
    return f"{site.name}, channel %{{customdata[1]}}: {named(site)} %{{customdata[2]:.2f}}%{{customdata[4]}}{below}<extra></extra>"


def ring(x: float, y: float, theme: Theme) -> dict[str, Any]:
    """A ring round the selected channel."""
    marker = {"symbol": "circle-open", "size": 16, "color": theme.accent, "line": {"width": 2.5, "color": theme.accent}}
    return {"type": "scatter", "mode": "markers", "x": [x], "y": [y], "marker": marker, "hoverinfo": "skip", "cliponaxis": False}
