"""Which weights a gate gave over all pictures of a scan."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from sevis.analysis.gate_statistics import GateStatistics
from sevis.analysis.saturation import HALF, at_half, closed, opened
from sevis.figures.theme import LIGHT, Theme, compose, plain, told
from sevis.words import percent

__all__ = ["EVIDENCE_HEIGHT", "EVIDENCE_MARGIN", "gate_histogram"]

EVIDENCE_HEIGHT = 300
EVIDENCE_MARGIN = {"l": 8, "r": 12, "t": 58, "b": 8}
OPEN, CLOSED = 0.95, 0.05
MARKED = "sigmoid softmax named".split()  # of others, only what lies exactly at the ends is open or closed


def gate_histogram(statistics: GateStatistics, *, theme: Theme = LIGHT) -> go.Figure:
    """The share of the weights in each hundredth, over pictures and channels; a line a branch of a selection.

    Dotted, where a weight counts as closed or open; shaded, where it is stuck at one half.
    """
    site, shares = statistics.site, _shares(statistics)
    is_selection = site.kind == "branch"
    traces = (
        [_line(statistics, shares, m, theme) for m in range(len(site.branches))] if is_selection else [_bars(statistics, shares, theme)]
    )
    return compose(
        traces,
        (
            f"{site.name}: {'shares' if is_selection else 'weights'} over {statistics.pictures:,} pictures",
            _second(statistics, theme),
        ),
        EVIDENCE_HEIGHT,
        theme=theme,
        margin=EVIDENCE_MARGIN,
        bargap=0,
        shapes=_marks(statistics, theme),
        xaxis={
            "title": {"text": "share of a branch" if is_selection else "weight"},
            "range": [-0.03, 1.03],
            "nticks": 7,
            "fixedrange": True,
        },
        yaxis={"title": {"text": "of all weights"}, "tickformat": "~%", "showgrid": True, "rangemode": "tozero", "fixedrange": True},
    )


def _shares(statistics: GateStatistics) -> np.ndarray:
    """By branch, the share of its weights below 0, in each hundredth of [0, 1] with both ends, and above 1: (M, 102)."""
    counts = statistics.histogram.sum(axis=2).T.astype(float)  # (M, bins)
    within = counts[:, 2:-2]
    within[:, 0] += counts[:, 1]
    within[:, -1] += counts[:, -2]
    whole = np.concatenate([counts[:, :1], within, counts[:, -1:]], axis=1)
    return np.asarray(whole / max(statistics.histogram.sum() / len(whole), 1))


def _middles() -> np.ndarray:
    return np.concatenate([[-0.015], (np.arange(100) + 0.5) / 100, [1.015]])


def _words(place: int) -> str:
    if place == 0:
        return "below 0"
    return f"from {(place - 1) / 100:.2f} to {place / 100:.2f}" if place <= 100 else "above 1"


def _said(statistics: GateStatistics, shares: np.ndarray) -> list[str]:
    return [
        f"{share:.1%} of the {'shares' if statistics.site.kind == 'branch' else 'weights'} lie {_words(n)}"
        for n, share in enumerate(shares)
    ]


def _bars(statistics: GateStatistics, shares: np.ndarray, theme: Theme) -> dict[str, Any]:
    return {
        "type": "bar",
        "x": _middles(),
        "y": shares[0],
        "width": 0.01,
        "marker": {"color": theme.positive, "line": {"width": 0}},
        "customdata": told([_said(statistics, shares[0])]),
        "hovertemplate": f"{statistics.site.name}: %{{customdata[0]}}<extra></extra>",
    }


def _line(statistics: GateStatistics, shares: np.ndarray, branch: int, theme: Theme) -> dict[str, Any]:
    name = plain(statistics.site.branches[branch], 12)
    return {
        "type": "scatter",
        "mode": "lines",
        "x": _middles(),
        "y": shares[branch],
        "line": {"shape": "hvh", "width": 2, "color": theme.branches[branch % len(theme.branches)], "dash": ("solid", "dash")[branch % 2]},
        "customdata": told([_said(statistics, shares[branch])]),
        "hovertemplate": f"{statistics.site.name}, {name}: %{{customdata[0]}}<extra></extra>",
    }


def _second(statistics: GateStatistics, theme: Theme) -> str:
    """The shares at the ends and at half, or of a selection its branches' colours."""
    if statistics.site.kind == "branch":
        names = [plain(name, 12) for name in statistics.site.branches]
        colours = [theme.branches[m % len(theme.branches)] for m in range(len(names))]
        marks = [
            f"<span style='color:{c}'>{'━━╍╍'[2 * (m % 2) :][:2]}</span> {n}" for m, (n, c) in enumerate(zip(names, colours, strict=True))
        ]
        return "&nbsp;&nbsp; ".join([*marks, "┊ an even share"])
    known = {"open": opened(statistics), "closed": closed(statistics), "at half": at_half(statistics)}
    said = [f"{name} {percent(value)}" for name, value in known.items() if value is not None]
    return ", ".join(said) or f"the ends of {plain(statistics.site.activation)} are not known"


def _marks(statistics: GateStatistics, theme: Theme) -> list[dict[str, Any]]:
    if statistics.site.kind == "branch":
        return [_mark(1 / len(statistics.site.branches), theme)]
    ends = [OPEN, CLOSED] if statistics.site.activation in MARKED and opened(statistics) is not None else []
    band = {"type": "rect", "yref": "paper", "y0": 0, "y1": 1, "x0": HALF[0], "x1": HALF[1], "layer": "below"}
    half = [] if at_half(statistics) is None else [{**band, "fillcolor": theme.grid, "line": {"width": 0}}]
    return [*half, *(_mark(end, theme) for end in ends)]


def _mark(place: float, theme: Theme) -> dict[str, Any]:
    line = {"color": theme.ink, "width": 1.2, "dash": "dot"}
    return {"type": "line", "yref": "paper", "y0": 0, "y1": 1, "x0": place, "x1": place, "line": line}
