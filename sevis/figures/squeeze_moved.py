"""The channels of a block whose squeeze moved most from one side to the other."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from sevis.analysis.compare import Comparison
from sevis.analysis.squeeze import most_moved
from sevis.figures.sides import MARKS, legend, side_names
from sevis.figures.theme import LIGHT, Theme, compose
from sevis.words import decimal

__all__ = ["squeeze_moved"]

SHOWN = 12
HEAD, PITCH, FOOT = 58, 27, 48  # px


def squeeze_moved(comparison: Comparison, place: int, *, theme: Theme = LIGHT) -> go.Figure:
    """A row a channel, those that moved furthest first: its squeeze on both sides. Where nothing moved, the largest squeezes."""
    if not comparison.one_to_one:
        raise ValueError("channels pair up in the same architecture alone; show other networks with compare_sorted")
    pair = comparison.pairs[place]
    sides = [side.gates[depth].squeeze[0] for side, depth in zip(comparison.sides, (pair.first, pair.second), strict=True)]
    shown, still = most_moved(sides[0], sides[1], SHOWN), np.array_equal(sides[0], sides[1])
    said = f"the {len(shown)} largest squeezes" if still else f"the squeeze of the {len(shown)} channels that move most"
    return compose(
        [_moves(shown, sides, theme), *(_marks(comparison, side, shown, sides[side], theme) for side in range(1 if still else 2))],
        (f"{comparison.blocks[place]}: {said}", legend(comparison, theme)),
        HEAD + PITCH * max(len(shown), 5) + FOOT,
        theme=theme,
        margin={"l": 8, "r": 104, "t": HEAD, "b": FOOT},
        annotations=[_numbers(row, [side[channel] for side in sides[still:]], theme) for row, channel in enumerate(shown)],
        xaxis={"title": {"text": "squeeze: the mean of the channel's map"}, "zeroline": True, "showgrid": True, "fixedrange": True},
        yaxis={
            "range": [max(len(shown), 5) - 0.4, -0.6],
            "tickvals": list(range(len(shown))),
            "ticktext": [f"channel {channel}" for channel in shown],
            "tickfont": {"size": 13, "color": theme.ink},
            "ticklabelstandoff": 8,
            "fixedrange": True,
        },
    )


def _moves(shown: tuple[int, ...], sides: list[np.ndarray], theme: Theme) -> dict[str, Any]:
    """A line between the two marks of a channel."""
    x = [value for channel in shown for value in (float(sides[0][channel]), float(sides[1][channel]), None)]
    y = [value for row in range(len(shown)) for value in (row, row, None)]
    return {"type": "scatter", "mode": "lines", "x": x, "y": y, "line": {"width": 3, "color": theme.faint}, "hoverinfo": "skip"}


def _marks(comparison: Comparison, side: int, shown: tuple[int, ...], squeeze: np.ndarray, theme: Theme) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [float(squeeze[channel]) for channel in shown],
        "y": list(range(len(shown))),
        "marker": {"symbol": MARKS[side], "size": 11, "color": theme.branches[side]},
        "customdata": [[channel] for channel in shown],
        "hovertemplate": f"channel %{{customdata[0]}}: squeeze %{{x:.2f}} on {side_names(comparison)[side]}<extra></extra>",
    }


def _numbers(row: int, squeezes: list[np.ndarray], theme: Theme) -> dict[str, Any]:
    """The numbers beside the row."""
    place = {"xref": "paper", "x": 1, "xanchor": "left", "xshift": 8, "y": row}
    return {**place, "text": " → ".join(decimal(float(each)) for each in squeezes), "font": {"size": 12, "color": theme.ink}}
