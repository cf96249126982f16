"""What the figures of the doctor and of the monitor share: scales over which a metric is read, and the thresholds drawn into them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, Literal

from plotly.colors import sample_colorscale

from sevis.analysis.limits import LIMITS, Limit
from sevis.analysis.metrics import METRICS
from sevis.analysis.thresholds import Thresholds
from sevis.figures.theme import Theme

__all__ = ["FLOOR", "by_depth", "limit_lines", "shown", "value_axis"]

FLOOR = 1e-6  # what is less stands here on a logarithmic axis
SPREADS = frozenset(("M1", "M2", "M12", "B4"))  # metrics that go over orders of magnitude
ENDS = {"light": (0.0, 0.82), "dark": (0.22, 1.0)}  # of the sequential scale: what can be seen on the page
ROOM = 0.12  # of the extent, above and below


def shown(metric: str, value: float) -> float:
    """Where a value stands on the metric's axis."""
    return max(value, FLOOR) if metric in SPREADS else value


def value_axis(metric: str, values: Iterable[float], limits: Thresholds) -> dict[str, Any]:
    """An axis that has room for the values and for the thresholds of the metric."""
    marks = [shown(metric, each) for each in (*values, *(limits[limit.name] for limit in LIMITS.get(metric, ())))]
    axis = {"title": {"text": _title(metric)}, "showgrid": True, "fixedrange": True}
    if metric in SPREADS:
        ends = [math.log10(min(marks)), math.log10(max(marks))]
        return {**axis, "type": "log", "range": _with_room(ends, least=0.3), "dtick": 1, "tickformat": "~g"}
    return {**axis, "range": _with_room([min(0.0, *marks), max(marks)], least=0.02), "tickformat": "~g"}


def _title(metric: str) -> str:
    known = METRICS[metric]
    return f"{known.name} ({known.unit})"


def _with_room(ends: Sequence[float], least: float) -> list[float]:
    more = max(ROOM * (ends[1] - ends[0]), least)
    return [ends[0] - (more if ends[0] < 0 else 0.0), ends[1] + more]


def limit_lines(metric: str, limits: Thresholds, theme: Theme, end: Literal["left", "right"] = "right") -> dict[str, list[dict[str, Any]]]:
    """The thresholds of a metric as dotted lines across the figure, each with its meaning at that end."""
    known = [(limit, limits[limit.name]) for limit in LIMITS.get(metric, ())]
    return {"shapes": [_line(value, theme) for _, value in known], "annotations": [_name(metric, *each, end, theme) for each in known]}


def _line(value: float, theme: Theme) -> dict[str, Any]:
    across = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "yref": "y", "y0": value, "y1": value}
    return {**across, "line": {"color": theme.ink, "width": 1.2, "dash": "dot"}}


def _name(metric: str, limit: Limit, value: float, end: str, theme: Theme) -> dict[str, Any]:
    """Beyond the line, on the side that it speaks of."""
    above = limit.side == "above"
    return {
        "xref": "paper",
        "x": float(end == "right"),
        "xanchor": end,
        "yref": "y",
        "y": math.log10(value) if metric in SPREADS else value,
        "yanchor": "bottom" if above else "top",
        "text": f"{limit.meaning} {'from' if above else 'below'} {value:g}{' up' if above else ''}",
        "font": {"size": 12, "color": theme.muted},
        "bgcolor": theme.background,
        "opacity": 0.85,
    }


def by_depth(count: int, theme: Theme) -> list[str]:
    """So many colours from the first gate to the last, all of which can be seen on the page."""
    low, high = ENDS[theme.name]
    places = [low + (high - low) * place / max(count - 1, 1) for place in range(count)]
    return list(sample_colorscale(list(theme.sequential), places))
