"""What the figures of a comparison have in common: a colour and a mark for each side, and where the blocks' names stand."""

from __future__ import annotations

from typing import Any

from sevis.analysis.compare import Comparison
from sevis.figures.theme import Theme, plain
from sevis.records import GateSite

__all__ = ["HEIGHT", "MARGIN", "MARKS", "block_ticks", "legend", "number_named", "side_names"]

HEIGHT = 320
MARGIN = {"l": 8, "r": 12, "t": 58, "b": 8}
MARKS = ("circle", "diamond")  # beside the colours, for who cannot tell these apart
SIGNS = ("●", "◆")
MOST_TICKS = 9


def side_names(comparison: Comparison, longest: int = 22) -> tuple[str, str]:
    """The sides' names as plotly text."""
    return plain(comparison.names[0], longest), plain(comparison.names[1], longest)


def legend(comparison: Comparison, theme: Theme, longest: int = 22) -> str:
    """Both names behind their marks, for the second line of a title."""
    names = side_names(comparison, longest)
    parts = (f"<span style='color:{theme.branches[place]}'>{SIGNS[place]}</span> {name}" for place, name in enumerate(names))
    return "&nbsp;&nbsp; ".join(parts)


def number_named(site: GateSite) -> str:
    """What the number of a channel is called."""
    return f"share of {plain(site.branches[-1], 12)}" if site.kind == "branch" else "weight"


def block_ticks(comparison: Comparison) -> dict[str, Any]:
    """An axis of the pairs by depth, named after the first side's blocks; every other one where they would run into each other."""
    count = len(comparison.pairs)
    shown = list(range(0, count, -(-count // MOST_TICKS)))
    first = comparison.sides[0].sites
    return {
        "tickvals": shown,
        "ticktext": [first[comparison.pairs[place].first].name for place in shown],
        "tickangle": 0 if count < 7 else -45,
        "range": [-0.6, count - 0.4],
        "fixedrange": True,
    }
