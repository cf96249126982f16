"""What a network answers under several treatments, side by side: the same rows of classes in each panel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from sevis.figures.theme import LIGHT, Theme, compose, plain
from sevis.records import Inspection

__all__ = ["answers"]

SHOWN = 3  # of each answer
HEAD, PITCH, FOOT = 84, 30, 34  # px
BETWEEN = 0.05  # of the width


def answers(told: Sequence[tuple[str, Inspection]], *, theme: Theme = LIGHT) -> go.Figure:
    """A panel for each name and inspection of one picture: the probability of the classes that any of them finds first."""
    known = [_probabilities(inspection) for _, inspection in told]
    firsts = [list(each)[:SHOWN] for each in known]
    classes = list(dict.fromkeys(label for rank in range(SHOWN) for labels in firsts for label in labels[rank : rank + 1]))
    return compose(
        [_bars(place, name, classes, each, theme) for place, ((name, _), each) in enumerate(zip(told, known, strict=True))],
        (
            "Three answers to one picture" if len(told) == 3 else "Answers to one picture",
            "bold: what comes first as it is; –: not among the first five",
        ),
        HEAD + PITCH * max(len(classes), 3) + FOOT,
        theme=theme,
        margin={"l": 8, "r": 12, "t": HEAD, "b": FOOT},
        bargap=0.35,
        annotations=[_name(name, place, len(told), theme) for place, (name, _) in enumerate(told)],
        yaxis={
            "range": [max(len(classes), 3) - 0.5, -0.5],
            "tickvals": list(range(len(classes))),
            "ticktext": [f"<b>{plain(each, 20)}</b>" if each == firsts[0][0] else plain(each, 20) for each in classes],
            "tickfont": {"size": 13, "color": theme.ink},
            "ticklabelstandoff": 8,
            "fixedrange": True,
        },
        **{f"xaxis{_end(place)}": _axis(place, len(told)) for place in range(len(told))},
    )


def _probabilities(inspection: Inspection) -> dict[str, float]:
    """The probability of each class that is known, the surest first; of boxes the surest of a class."""
    known: dict[str, float] = {}
    for each in (*inspection.predictions, inspection.target):
        known.setdefault(each.label, each.probability)
    return known


def _end(place: int) -> str:
    """How plotly ends the name of an axis: the first has no number."""
    return "" if place == 0 else str(place + 1)


def _span(place: int, count: int) -> tuple[float, float]:
    """From where to where a panel reaches, in widths of the figure."""
    width = (1 - BETWEEN * (count - 1)) / count
    return place * (width + BETWEEN), min(place * (width + BETWEEN) + width, 1.0)


def _axis(place: int, count: int) -> dict[str, Any]:
    """Room for the number beside a bar of 100 %."""
    ticks = {"tickformat": ".0%", "tickvals": [0, 0.5, 1], "fixedrange": True}
    return {"title": {"text": "probability"}, "range": [0, 1.32], **ticks, "domain": _span(place, count)}


def _bars(place: int, name: str, classes: list[str], known: dict[str, float], theme: Theme) -> dict[str, Any]:
    """The bars of one panel; a dash stands for a class that is not among the first of this answer."""
    first = next(iter(known))
    return {
        "type": "bar",
        "orientation": "h",
        "xaxis": f"x{_end(place)}",
        "x": [known.get(label, 0.0) for label in classes],
        "y": list(range(len(classes))),
        "text": [f"{known[label]:.0%}" if label in known else "–" for label in classes],
        "textposition": "outside",
        "textfont": {"size": 13, "color": theme.ink},
        "cliponaxis": False,
        "marker": {"color": [theme.positive if label == first else theme.faint for label in classes]},
        "customdata": [[plain(label), f"{known[label]:.1%}" if label in known else "not among the first"] for label in classes],
        "hovertemplate": f"{plain(name, 60)}: %{{customdata[0]}} %{{customdata[1]}}<extra></extra>",
    }


def _name(name: str, place: int, count: int, theme: Theme) -> dict[str, Any]:
    at = {"xref": "paper", "x": _span(place, count)[0], "xanchor": "left", "yref": "paper", "y": 1, "yanchor": "bottom", "yshift": 4}
    return {**at, "text": f"<b>{plain(name, 60)}</b>", "font": {"size": 13, "color": theme.ink}}
