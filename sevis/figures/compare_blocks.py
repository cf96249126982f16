"""How far apart the two sides' weights are, block by block."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from sevis.analysis.compare import Comparison, Pair
from sevis.figures.sides import HEIGHT, MARGIN, block_ticks
from sevis.figures.theme import LIGHT, Theme, compose
from sevis.words import signed

__all__ = ["compare_blocks"]


def compare_blocks(comparison: Comparison, *, theme: Theme = LIGHT) -> go.Figure:
    """A bar a pair: the mean absolute difference of a channel; a mark where the second side's mean lies above or below the first's."""
    known = [place for place, pair in enumerate(comparison.pairs) if pair.distance is not None]
    if not known:
        raise ValueError("no pair of blocks has numbers that mean the same; show it with compare_moved or compare_sorted")
    return compose(
        [_bars(comparison, known, theme), _shifts(comparison, known, theme)],
        ("Difference of every block", "bar: a channel's difference on average; diamond: that of the mean"),
        HEIGHT,
        theme=theme,
        margin=MARGIN,
        bargap=0.35,
        xaxis={**block_ticks(comparison), "title": {"text": "block, early to late"}},
        yaxis={"title": {"text": "difference in weight"}, "showgrid": True, "zeroline": True, "rangemode": "tozero"},
    )


def _pairs(comparison: Comparison, known: list[int]) -> list[Pair]:
    return [comparison.pairs[place] for place in known]


def _told(comparison: Comparison, known: list[int]) -> list[list[Any]]:
    """Depth and channel for a click, then the words."""
    return [
        [pair.first, None, comparison.blocks[place], signed(pair.shift or 0.0)]
        for place, pair in zip(known, _pairs(comparison, known), strict=True)
    ]


def _bars(comparison: Comparison, known: list[int], theme: Theme) -> dict[str, Any]:
    whose = "a channel" if comparison.one_to_one else "a channel of the same rank"
    return {
        "type": "bar",
        "x": known,
        "y": [pair.distance for pair in _pairs(comparison, known)],
        "marker": {"color": theme.faint},
        "unselected": {"marker": {"opacity": 1}},
        "customdata": _told(comparison, known),
        "hovertemplate": f"%{{customdata[2]}}: {whose} differs by %{{y:.3f}} on average<extra></extra>",
    }


def _shifts(comparison: Comparison, known: list[int], theme: Theme) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "x": known,
        "y": [pair.shift for pair in _pairs(comparison, known)],
        "marker": {"symbol": "diamond", "size": 9, "color": theme.ink},
        "unselected": {"marker": {"opacity": 1}},
        "customdata": _told(comparison, known),
        "hovertemplate": "%{customdata[2]}: the mean differs by %{customdata[3]}<extra></extra>",
    }
