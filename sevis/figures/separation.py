"""How much of the weights' variance lies between classes, by depth, next to what chance gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from sevis.analysis.profile_separation import Separation
from sevis.figures.theme import LIGHT, Theme, compose, told
from sevis.words import decimal

__all__ = ["block_axis", "separation"]

HEIGHT = 340
MOST_TICKS = 16


def separation(separations: Sequence[Separation], *, theme: Theme = LIGHT) -> go.Figure:
    """A point a block, early to late; below, the share that shuffled labels reach, and its mean (K - 1) / (N - 1)."""
    known = [each for each in separations if each.share is not None]
    if not known:
        raise ValueError("no gate has two classes and weights that vary; scan a data set with class folders or a column of labels")
    first = known[0]
    kept = any(each.chance is not None for each in known)
    chance = "95% of the shuffled labels stay below the dash, " if kept else ""
    return compose(
        [*([_shuffled(known, theme)] if kept else []), _null(known, theme), _shares(known, theme)],
        (
            "How far the gates keep the classes apart",
            f"{first.classes} classes, {first.pictures:,} pictures; {chance}dotted: chance on average, {_percent(first.null)}",
        ),
        HEIGHT,
        theme=theme,
        margin={"l": 8, "r": 16, "t": 62, "b": 8},
        xaxis=block_axis([each.site.name for each in known]),
        yaxis={
            "title": {"text": "share of variance between classes"},
            "showgrid": True,
            "rangemode": "tozero",
            "tickformat": ".0%",
            "fixedrange": True,
        },
    )


def block_axis(names: Sequence[str]) -> dict[str, Any]:
    """The blocks by depth, every other name where they would run into each other."""
    shown = list(range(0, len(names), -(-len(names) // MOST_TICKS)))
    return {
        "title": {"text": "block, early to late"},
        "tickvals": shown,
        "ticktext": [names[place] for place in shown],
        "tickangle": 0 if len(names) < 10 else -45,
        "range": [-0.6, len(names) - 0.4],
        "fixedrange": True,
    }


def _percent(share: float) -> str:
    return f"{decimal(100 * share, 1)}%"


def _shares(known: Sequence[Separation], theme: Theme) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "x": list(range(len(known))),
        "y": [each.share for each in known],
        "line": {"width": 1.5, "color": theme.faint},
        "marker": {"size": 10, "color": theme.positive},
        "customdata": told(
            [[each.site.name for each in known], [_percent(each.share or 0.0) for each in known], [_by_chance(each) for each in known]]
        ),
        "hovertemplate": "%{customdata[0]}: %{customdata[1]} of the variance lies between classes, %{customdata[2]}<extra></extra>",
    }


def _by_chance(separation: Separation) -> str:
    mean = f"by chance {_percent(separation.null)} on average"
    return (
        mean
        if separation.chance is None
        else f"{mean} and up to {_percent(separation.chance)} in 95% of {len(separation.shuffled)} shuffles"
    )


def _null(known: Sequence[Separation], theme: Theme) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines",
        "x": list(range(len(known))),
        "y": [each.null for each in known],
        "line": {"width": 1.5, "color": theme.ink, "dash": "dot"},
        "hoverinfo": "skip",
    }


def _shuffled(known: Sequence[Separation], theme: Theme) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [place for place, each in enumerate(known) if each.chance is not None],
        "y": [each.chance for each in known if each.chance is not None],
        "marker": {"symbol": "line-ew-open", "size": 14, "color": theme.muted, "line": {"width": 2}},
        "hoverinfo": "skip",
    }
