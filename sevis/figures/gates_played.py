"""The gates side by side at one look after the other: a film of the training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from sevis.analysis.courses import Course, courses
from sevis.analysis.limits import LIMITS
from sevis.analysis.looks import Look
from sevis.analysis.metrics import METRICS
from sevis.analysis.thresholds import Thresholds, load_thresholds
from sevis.figures.limits import limit_lines, shown, value_axis
from sevis.figures.theme import CLEAR, LIGHT, Theme, compose, plain, told
from sevis.words import amount, listed

__all__ = ["gates_played"]

HEIGHT = 430
MOST_FRAMES = 120  # more would only make the film longer
MOST_TICKS = 16
LENGTH = 6000  # ms that the film takes, unless
PACE = (120, 700)  # a look would be shown shorter or longer than this
BUTTON = "#80858f"  # plotly lights a button up in white under the pointer on any page: readable on both


def gates_played(looks: Sequence[Look], metric: str, *, theme: Theme = LIGHT) -> go.Figure:
    """A bar a gate, early to late, at the last look; its frames go through all looks on the same axes."""
    found, limits = courses(looks, metric), load_thresholds()
    if not found:
        raise ValueError(f"no look has a number for {metric}; choose a metric that applies to the gates of the log")
    steps = _sampled(sorted({step for each in found for step in each.steps}))
    known = {each.gate: dict(zip(each.steps, each.values, strict=True)) for each in found}
    bars = {step: _bars({gate: values.get(step) for gate, values in known.items()}, step, metric, limits, theme) for step in steps}
    figure = compose(
        [bars[steps[-1]]],
        (f"The gates look by look: {METRICS[metric].name}", _legend(metric, theme)),
        HEIGHT,
        theme=theme,
        margin={"l": 8, "r": 8, "t": 58, "b": 8},
        bargap=0.3,
        xaxis=_gates(found),
        yaxis=value_axis(metric, [value for each in found for value in each.values], limits),
        updatemenus=[_buttons(len(steps))],
        sliders=[_slider(steps, theme)],
        **limit_lines(metric, limits, theme),
    )
    figure.frames = [{"name": str(step), "data": [made]} for step, made in bars.items()]
    return figure


def _sampled(steps: Sequence[int]) -> list[int]:
    """The steps, or so many of them at equal distances, the first and the last included."""
    count = min(len(steps), MOST_FRAMES)
    return [steps[round(place * (len(steps) - 1) / max(count - 1, 1))] for place in range(count)]


def _bars(values: Mapping[str, float | None], step: int, metric: str, limits: Thresholds, theme: Theme) -> dict[str, Any]:
    """The bars at one step, of every gate's value there."""
    states = [_state(value, metric, limits) for value in values.values()]
    said = [_said(gate, step, value, metric, limits) for gate, value in values.items()]
    return {
        "type": "bar",
        "x": list(range(len(values))),
        "y": [None if value is None else shown(metric, value) for value in values.values()],
        "marker": {
            "color": [_colours(theme)[state] for state in states],
            "pattern": {"shape": ["/" if state else "" for state in states], "fgcolor": theme.background, "size": 6},
        },
        "customdata": told([said]),
        "hovertemplate": "%{customdata[0]}<extra></extra>",
    }


def _state(value: float | None, metric: str, limits: Thresholds) -> bool | None:
    """Whether something is wrong, or False where it is said to be right; None where no threshold decides."""
    held = [limit.wrong for limit in LIMITS.get(metric, ()) if value is not None and limit.holds(value, limits[limit.name])]
    return any(held) if held else None


def _colours(theme: Theme) -> Mapping[bool | None, str]:
    return {True: theme.negative, False: theme.positive, None: theme.muted}


def _legend(metric: str, theme: Theme) -> str:
    """What the colours mean, of those that the metric has."""
    words = {wrong: listed([limit.meaning for limit in LIMITS.get(metric, ()) if limit.wrong is wrong]) for wrong in (False, True)}
    signs = {False: "■", True: "▨"}
    marks = [f"<span style='color:{_colours(theme)[wrong]}'>{signs[wrong]}</span> {said}" for wrong, said in words.items() if said]
    return "&nbsp;&nbsp; ".join([metric, *marks])


def _said(gate: str, step: int, value: float | None, metric: str, limits: Thresholds) -> str:
    if value is None:
        return f"{plain(gate)} after step {step:,}: not known"
    held = [limit.meaning for limit in LIMITS.get(metric, ()) if limit.holds(value, limits[limit.name])]
    return f"{plain(gate)} after step {step:,}: {METRICS[metric].name} {amount(value)}{', ' + listed(held) if held else ''}"


def _gates(found: Sequence[Course]) -> dict[str, Any]:
    places = list(range(0, len(found), -(-len(found) // MOST_TICKS)))
    return {
        "title": {"text": "gate, early to late"},
        "tickvals": places,
        "ticktext": [plain(found[place].gate, 12) for place in places],
        "tickangle": 0 if len(found) < 10 else -45,
        "range": [-0.6, len(found) - 0.4],
        "fixedrange": True,
    }


def _buttons(count: int) -> dict[str, Any]:
    """To play from where the film stands, and to stop it."""
    pace = min(max(LENGTH // count, PACE[0]), PACE[1])
    play = {"frame": {"duration": pace, "redraw": True}, "transition": {"duration": 0}, "fromcurrent": True, "mode": "immediate"}
    stop = {"frame": {"duration": 0, "redraw": False}, "mode": "immediate"}
    return {
        "type": "buttons",
        "direction": "left",
        "showactive": False,
        "x": 0,
        "xanchor": "left",
        "y": 0,
        "yanchor": "top",
        "pad": {"t": 66, "r": 10},
        "bgcolor": CLEAR,
        "bordercolor": BUTTON,
        "font": {"color": BUTTON, "size": 13},
        "buttons": [
            {"label": "▶ Play", "method": "animate", "args": [None, play]},
            {"label": "❚❚ Pause", "method": "animate", "args": [[None], stop]},
        ],
    }


def _slider(steps: Sequence[int], theme: Theme) -> dict[str, Any]:
    still = {"frame": {"duration": 0, "redraw": True}, "transition": {"duration": 0}, "mode": "immediate"}
    return {
        "active": len(steps) - 1,
        "x": 0.2,
        "len": 0.8,
        "y": 0,
        "yanchor": "top",
        "pad": {"t": 52},
        "bgcolor": theme.faint,
        "bordercolor": theme.faint,
        "tickcolor": theme.faint,
        "font": {"size": 11, "color": theme.muted},
        "minorticklen": 0,
        "currentvalue": {"prefix": "after step ", "xanchor": "left", "font": {"size": 13, "color": theme.ink}},
        "steps": [{"label": f"{step:,}", "method": "animate", "args": [[str(step)], still]} for step in steps],
    }
