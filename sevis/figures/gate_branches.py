"""How a selection divides itself among its branches over all pictures of a scan, as a whole and channel by channel."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from sevis.analysis.branches import entropy, least_usage, usage
from sevis.analysis.gate_statistics import GateStatistics
from sevis.analysis.rank import descending
from sevis.analysis.thresholds import Thresholds, load_thresholds
from sevis.figures.gate_histogram import EVIDENCE_HEIGHT, EVIDENCE_MARGIN
from sevis.figures.theme import LIGHT, Theme, compose, plain, told
from sevis.words import amount, decimal, percent

__all__ = ["gate_branches"]

LEFT, RIGHT = [0.0, 0.4], [0.54, 1.0]  # of the width: usage, entropy


def gate_branches(statistics: GateStatistics, *, theme: Theme = LIGHT) -> go.Figure:
    """At the left the mean share of each branch, dotted how little is too little; at the right every channel's entropy.

    Raises:
        ValueError: the gate is no selection of two branches or more.
    """
    site, even = statistics.site, entropy(statistics)
    if site.kind != "branch" or even is None:
        raise ValueError(f"{site.name} weighs channels, not branches; draw its weights instead")
    limits, shares = load_thresholds(), usage(statistics)
    return compose(
        [_shares(statistics, shares, theme), _entropies(statistics, theme)],
        (
            f"{site.name}: use of the branches",
            f"least used branch {decimal(least_usage(statistics))} times an even share (B2); entropy {decimal(even)} of log M (B1)",
        ),
        EVIDENCE_HEIGHT,
        theme=theme,
        margin=EVIDENCE_MARGIN,
        bargap=0.4,
        shapes=_lines(limits, len(site.branches), theme),
        xaxis={"title": {"text": "branch"}, "domain": LEFT, "type": "category", "fixedrange": True},
        yaxis={"title": {"text": "mean share"}, "range": [0, 1.05 * max(float(shares.max()), 0.5)], "tickformat": "~%", "fixedrange": True},
        xaxis2={"title": {"text": "channel, most even first"}, "domain": RIGHT, "anchor": "y2", "fixedrange": True},
        yaxis2={"title": {"text": "entropy / log M"}, "range": [0, 1.05], "showgrid": True, "anchor": "x2", "fixedrange": True},
    )


def _shares(statistics: GateStatistics, shares: np.ndarray, theme: Theme) -> dict[str, Any]:
    names = [plain(name, 12) for name in statistics.site.branches]
    return {
        "type": "bar",
        "x": names,
        "y": shares,
        "marker": {"color": [theme.branches[m % len(theme.branches)] for m in range(len(names))]},
        "text": [percent(float(share)) for share in shares],
        "customdata": told([[f"{name} gets {share:.1%}" for name, share in zip(names, shares, strict=True)]]),
        "hovertemplate": f"{statistics.site.name}: %{{customdata[0]}} on average over pictures and channels<extra></extra>",
    }


def _entropies(statistics: GateStatistics, theme: Theme) -> dict[str, Any]:
    values = statistics.entropy / statistics.pictures / np.log(len(statistics.site.branches))
    order = descending(values)
    return {
        "type": "scatter",
        "mode": "markers",
        "xaxis": "x2",
        "yaxis": "y2",
        "x": list(range(len(order))),
        "y": values[order],
        "marker": {"size": 5, "color": theme.positive},
        "customdata": told([[f"channel {n}: entropy {amount(float(values[n]))}" for n in order]]),
        "hovertemplate": f"{statistics.site.name}, %{{customdata[0]}} of log M on average over the pictures<extra></extra>",
    }


def _lines(limits: Thresholds, branches: int, theme: Theme) -> list[dict[str, Any]]:
    """The least share that a branch may have, and the ends of the entropy."""
    heights = [("x", "y", limits["B2.usage"] / branches), ("x2", "y2", limits["B1.hard"]), ("x2", "y2", limits["B1.uniform"])]
    line = {"color": theme.ink, "width": 1.2, "dash": "dot"}
    return [
        {"type": "line", "xref": f"{x} domain", "x0": 0, "x1": 1, "yref": y, "y0": height, "y1": height, "line": line}
        for x, y, height in heights
    ]
