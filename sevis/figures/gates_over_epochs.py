"""How a metric of every gate went over a training."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from typing import Any

import plotly.graph_objects as go

from sevis.analysis.courses import Course, courses
from sevis.analysis.looks import Look
from sevis.analysis.metrics import METRICS
from sevis.analysis.thresholds import load_thresholds
from sevis.figures.limits import by_depth, limit_lines, shown, value_axis
from sevis.figures.theme import LIGHT, Theme, compose, plain, told
from sevis.words import amount

__all__ = ["gates_over_epochs"]

HEIGHT = 400
SYMBOLS = ("circle", "diamond", "square", "triangle-up", "cross")  # beside the colours: neighbours are told apart
POINTS = 60  # with more looks than that, the marks would hide the lines


def gates_over_epochs(looks: Sequence[Look], metric: str, *, theme: Theme = LIGHT) -> go.Figure:
    """A line a gate over the steps of the training, from dark (early) to bright (late); dotted, where a rule of the doctor begins."""
    found, limits = courses(looks, metric), load_thresholds()
    if not found:
        raise ValueError(f"no look has a number for {metric}; choose a metric that applies to the gates of the log")
    colours = by_depth(len(found), theme)
    return compose(
        [_line(each, metric, colour, symbol) for each, colour, symbol in zip(found, colours, cycle(SYMBOLS), strict=False)],
        (
            f"{METRICS[metric].name.capitalize()} over the training",
            f"{metric}; {len(looks):,} looks; the colours go with the depth; click a name to hide its line",
        ),
        HEIGHT,
        theme=theme,
        margin={"l": 8, "r": 8, "t": 58, "b": 8},
        showlegend=True,
        legend={"font": {"size": 12}, "x": 1.01, "y": 1, "tracegroupgap": 0, "itemsizing": "constant"},
        xaxis={"title": {"text": "step of the training"}, "fixedrange": True, "tickformat": ",~d"},
        yaxis=value_axis(metric, [value for each in found for value in each.values], limits),
        **limit_lines(metric, limits, theme, end="left"),
    )


def _line(course: Course, metric: str, colour: str, symbol: str) -> dict[str, Any]:
    said = [[f"{step:,}" for step in course.steps], [amount(value) for value in course.values]]
    return {
        "type": "scatter",
        "mode": "lines+markers" if len(course.steps) <= POINTS else "lines",
        "name": plain(course.gate, 12),
        "x": course.steps,
        "y": [shown(metric, value) for value in course.values],
        "line": {"width": 2, "color": colour},
        "marker": {"size": 7, "symbol": symbol, "color": colour},
        "customdata": told(said),
        "hovertemplate": f"{plain(course.gate)} after step %{{customdata[0]}}: {METRICS[metric].name} %{{customdata[1]}}<extra></extra>",
    }
