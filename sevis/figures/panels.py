"""Several small charts of one kind under one title, a panel a block: where they lie, and what they share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from sevis.figures.theme import Theme, compose

__all__ = ["FOOT", "legend", "panels"]

HEAD, PANEL, FOOT, NAME = 92, 176, 50, 28  # px: title, a panel, its ticks and axis title, its name
COLUMNS = 3
BETWEEN = 0.09  # of the width
LEFT = 62  # px


def panels(
    groups: Sequence[Sequence[Mapping[str, Any]]],
    names: Sequence[str],
    title: tuple[str, str],
    axes: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]],
    *,
    theme: Theme,
    foot: int = FOOT,
) -> go.Figure:
    """The groups of traces, each in a panel under its name; the panels have one scale upwards.

    Args:
        axes: what a panel's horizontal and vertical axis say.
        foot: px below a panel.
    """
    columns = min(len(groups), COLUMNS) if len(groups) != COLUMNS + 1 else 2
    rows = -(-len(groups) // columns)
    whole = rows * PANEL + (rows - 1) * (foot + NAME)
    spans = [_span(place, columns, (PANEL / whole, (foot + NAME) / whole)) for place in range(len(groups))]
    placed: dict[str, Any] = {}
    for place, (x, y) in enumerate(axes):
        end = _end(place)
        across, down = spans[place]
        same = {} if place == 0 else {"matches": "y"}
        placed[f"xaxis{end}"] = {**x, "domain": across, "anchor": f"y{end}"}
        placed[f"yaxis{end}"] = {
            "showgrid": True,
            "fixedrange": True,
            "automargin": False,
            **y,
            "domain": down,
            "anchor": f"x{end}",
            **same,
        }
    return compose(
        [{**trace, "xaxis": f"x{_end(place)}", "yaxis": f"y{_end(place)}"} for place, group in enumerate(groups) for trace in group],
        title,
        HEAD + whole + foot,
        theme=theme,
        margin={"l": LEFT, "r": 16, "t": HEAD, "b": foot},
        annotations=[_name(name, *span, theme) for name, span in zip(names, spans, strict=True)],
        **placed,
    )


def legend(names: Sequence[str], colours: Sequence[str], sign: str = "●") -> str:
    """Each name behind a mark in its colour, for the second line of a title."""
    return "&nbsp;&nbsp; ".join(f"<span style='color:{colour}'>{sign}</span> {name}" for name, colour in zip(names, colours, strict=True))


def _end(place: int) -> str:
    """How plotly ends the name of an axis: the first has no number."""
    return "" if place == 0 else str(place + 1)


def _span(place: int, columns: int, parts: tuple[float, float]) -> tuple[list[float], list[float]]:
    """Where a panel lies, the first at the upper left; of the height, a panel takes the first part and what is between two the second."""
    row, column = divmod(place, columns)
    width = (1 - BETWEEN * (columns - 1)) / columns
    left, top = column * (width + BETWEEN), 1 - row * sum(parts)
    return [left, min(left + width, 1.0)], [max(top - parts[0], 0.0), top]


def _name(name: str, across: Sequence[float], down: Sequence[float], theme: Theme) -> dict[str, Any]:
    place = {"xref": "paper", "x": across[0], "xanchor": "left", "yref": "paper", "y": down[1], "yanchor": "bottom"}
    return {**place, "text": f"<b>{name}</b>", "font": {"size": 13, "color": theme.ink}, "yshift": 2}
