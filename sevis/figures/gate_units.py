"""The units of a gate's bottleneck: how strongly each fires, and which never do."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from sevis.analysis.bottleneck import dead
from sevis.analysis.gate_statistics import GateStatistics
from sevis.analysis.moments import Moments
from sevis.analysis.rank import descending
from sevis.figures.gate_histogram import EVIDENCE_HEIGHT, EVIDENCE_MARGIN
from sevis.figures.theme import LIGHT, Theme, compose, told
from sevis.words import amount, counted

__all__ = ["gate_units"]


def gate_units(statistics: GateStatistics, *, theme: Theme = LIGHT) -> go.Figure:
    """A bar a unit, the strongest first: its mean over the pictures; a cross where it was 0 on every one.

    Raises:
        ValueError: the gate has no bottleneck.
    """
    if statistics.hidden is None:
        raise ValueError(f"{statistics.site.name} has no bottleneck; draw its weights instead")
    order = descending(statistics.hidden.mean)
    silent = statistics.hidden_high[order] <= 0 if dead(statistics) is not None else np.zeros(len(order), dtype=bool)
    return compose(
        [
            _bars(statistics.site.name, statistics.hidden, order, theme),
            *([_crosses(statistics, order, silent, theme)] if silent.any() else []),
        ],
        (f"{statistics.site.name}: units of the bottleneck", _second(statistics, int(silent.sum()))),
        EVIDENCE_HEIGHT,
        theme=theme,
        margin=EVIDENCE_MARGIN,
        bargap=0.25,
        xaxis={"title": {"text": "unit, strongest first"}, "fixedrange": True, "range": [-0.7, len(order) - 0.3]},
        yaxis={"title": {"text": "mean activation"}, "showgrid": True, "rangemode": "tozero", "fixedrange": True},
    )


def _second(statistics: GateStatistics, silent: int) -> str:
    count = len(statistics.hidden_high)
    if dead(statistics) is None:
        return counted(count, "unit")
    return (
        f"{counted(silent, 'unit', count)} never {'fires' if silent == 1 else 'fire'} (M6)"
        if silent
        else f"all {counted(count, 'unit')} fire (M6)"
    )


def _bars(name: str, hidden: Moments, order: np.ndarray, theme: Theme) -> dict[str, Any]:
    means, spreads = hidden.mean[order], hidden.spread[order]
    said = [f"unit {n}: {amount(float(mean))} ± {amount(float(spread))}" for n, mean, spread in zip(order, means, spreads, strict=True)]
    return {
        "type": "bar",
        "x": list(range(len(order))),
        "y": means,
        "marker": {"color": theme.positive},
        "customdata": told([said]),
        "hovertemplate": f"{name}, %{{customdata[0]}} over the pictures<extra></extra>",
    }


def _crosses(statistics: GateStatistics, order: np.ndarray, silent: np.ndarray, theme: Theme) -> dict[str, Any]:
    places = np.flatnonzero(silent)
    return {
        "type": "scatter",
        "mode": "markers",
        "x": places,
        "y": [0.0] * len(places),
        "marker": {"symbol": "x", "size": 9, "color": theme.negative},
        "cliponaxis": False,
        "customdata": told([[int(order[place]) for place in places]]),
        "hovertemplate": f"{statistics.site.name}, unit %{{customdata[0]}} is 0 on every picture<extra></extra>",
    }
