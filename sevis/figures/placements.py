"""Where the SE block stands in a residual unit: a small diagram for each arrangement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import plotly.graph_objects as go

from sevis.analysis.arranged import Arranged
from sevis.figures.theme import LIGHT, Theme, compose, plain, told
from sevis.words import percent

__all__ = ["placements"]

HEIGHT = 430
PITCH = 1.25  # from one diagram to the next; each is one unit wide and DEEP units deep
DEEP = 6.0
LEFT, RIGHT, ROUND = 0.3, 0.82, 0.09  # of the branch's track and of the shortcut's; half a round sign's width
WIDE, HIGH = 0.21, 0.32  # half a box's width and height

SAID = {
    "F": "the branch F: two 3 x 3 convolutions with their norms",
    "SE": "the SE block: every channel times its weight",
    "+": "the branch and the shortcut are added",
    "×": "the SE block's output times its own input once more",
    "ReLU": "what is below 0 becomes 0",
    "x": "what comes in",
    "y": "what goes out",
}
BOXES = ("F", "SE", "ReLU")
Part = tuple[str, float, float]  # what, across, down
Line = tuple[tuple[float, float], ...]  # its corners; an arrow at the last


@dataclass(frozen=True)
class _Diagram:
    title: str
    parts: tuple[Part, ...]
    lines: tuple[Line, ...]


def _column(*parts: tuple[str, float]) -> tuple[Part, ...]:
    """Parts on the branch's track, between what comes in and what goes out."""
    return tuple((what, LEFT, down) for what, down in (("x", 0.0), *parts, ("y", DEEP)))


def _down(parts: Sequence[Part]) -> tuple[Line, ...]:
    """An arrow from each part to the next below it."""
    return tuple(((LEFT, a + _half(one)), (LEFT, b - _half(other))) for (one, _, a), (other, _, b) in pairwise(parts))


def _half(what: str) -> float:
    return HIGH if what in BOXES else 0.24


def _shortcut(end: float) -> Line:
    return ((LEFT, 0.62), (RIGHT, 0.62), (RIGHT, end), (LEFT + ROUND, end))


def _usual(title: str, plus: float, *parts: tuple[str, float]) -> _Diagram:
    column = _column(*parts)
    return _Diagram(title, column, (*_down(column), _shortcut(plus)))


def _identity() -> _Diagram:
    column = _column(("F", 1.5), ("+", 3.9), ("ReLU", 4.9))
    lines = (((LEFT, 0.62), (RIGHT, 0.62), (RIGHT, 2.7 - HIGH)), ((RIGHT, 2.7 + HIGH), (RIGHT, 3.9), (LEFT + ROUND, 3.9)))
    return _Diagram("Identity", (*column, ("SE", RIGHT, 2.7)), (*_down(column), *lines))


def _doubled() -> _Diagram:
    column = _column(("F", 1.3), ("SE", 2.35), ("×", 3.18), ("+", 3.98), ("ReLU", 4.9))
    again = ((LEFT, 1.8), (-0.02, 1.8), (-0.02, 3.18), (LEFT - ROUND, 3.18))
    return _Diagram("Doubled", column, (*_down(column), _shortcut(3.98), again))


# Hu et al. 2018, figure 5, and document 000
DIAGRAMS = {
    "standard": _usual("Standard", 3.9, ("F", 1.5), ("SE", 2.7), ("+", 3.9), ("ReLU", 4.9)),
    "pre": _usual("Pre", 3.9, ("SE", 1.5), ("F", 2.7), ("+", 3.9), ("ReLU", 4.9)),
    "post": _usual("Post", 2.7, ("F", 1.5), ("+", 2.7), ("ReLU", 3.7), ("SE", 4.9)),
    "identity": _identity(),
    "doubled": _doubled(),
}


def placements(arranged: Sequence[Arranged], chosen: int = 0, *, theme: Theme = LIGHT) -> go.Figure:
    """The five units side by side, top to bottom, each with what the network says of the picture when all its units stand so."""
    names = [each.name for each in arranged]
    shapes, arrows, words = [], [], []
    for place, name in enumerate(names):
        ink = theme.ink if place == chosen else theme.muted
        for line in DIAGRAMS[name].lines:
            shapes.append(_path(line, place, ink))
            arrows.append(_arrow(line, place, ink))
        for what, across, down in DIAGRAMS[name].parts:
            if what not in "xy":
                shapes.append(_frame(what, across + PITCH * place, down, place == chosen, theme))
            words.append(_word(what, across + PITCH * place, down, place == chosen, theme))
        words += _heading(arranged[place], place, ink)
    return compose(
        [_speaking(names)],
        ("One residual unit, five arrangements", "F: the branch. Below: the answer for this picture, with the same weights"),
        HEIGHT,
        theme=theme,
        margin={"l": 4, "r": 4, "t": 56, "b": 4},
        shapes=shapes,
        annotations=[*arrows, *words],
        xaxis={"visible": False, "range": [-0.2, PITCH * (len(names) - 1) + 1.1], "fixedrange": True},
        yaxis={"visible": False, "range": [DEEP + 1.35, -0.95], "fixedrange": True},
    )


def _path(line: Line, place: int, ink: str) -> dict[str, Any]:
    corners = [f"{across + PITCH * place},{down}" for across, down in line]
    return {"type": "path", "path": "M" + " L".join(corners), "line": {"color": ink, "width": 1.4}, "layer": "below"}


def _arrow(line: Line, place: int, ink: str) -> dict[str, Any]:
    """The head alone, at the end of a line."""
    (from_x, _), (to_x, to_y) = line[-2:]
    back = (0.05 if from_x > to_x else -0.05 if from_x < to_x else 0.0, -0.2 if from_x == to_x else 0.0)
    return {
        **{"x": to_x + PITCH * place, "y": to_y, "ax": to_x + back[0] + PITCH * place, "ay": to_y + back[1]},
        **{"xref": "x", "yref": "y", "axref": "x", "ayref": "y", "text": "", "showarrow": True},
        **{"arrowhead": 2, "arrowsize": 1, "arrowwidth": 1.4, "arrowcolor": ink},
    }


def _frame(what: str, across: float, down: float, is_chosen: bool, theme: Theme) -> dict[str, Any]:
    wide, high = (WIDE, HIGH) if what in BOXES else (ROUND, 0.24)
    se = what in ("SE", "×")
    return {
        "type": "rect" if what in BOXES else "circle",
        **{"x0": across - wide, "x1": across + wide, "y0": down - high, "y1": down + high},
        "fillcolor": (theme.accent if is_chosen else theme.faint) if se else theme.background,
        "line": {"width": 1.4, "color": theme.accent if se and is_chosen else theme.ink if is_chosen else theme.muted},
    }


def _word(what: str, across: float, down: float, is_chosen: bool, theme: Theme) -> dict[str, Any]:
    on_colour = theme.background if what in ("SE", "×") and is_chosen else theme.ink
    return {"x": across, "y": down, "text": f"<i>{what}</i>" if what in "xyF" else what, "font": {"size": 13, "color": on_colour}}


def _heading(arranged: Arranged, place: int, ink: str) -> list[dict[str, Any]]:
    """The arrangement's name above its diagram, and below it what the network says."""
    middle = {"x": LEFT + PITCH * place, "font": {"size": 13, "color": ink}}
    answer = f"{plain(arranged.label, 16)}<br>{percent(arranged.probability)}"
    return [
        {**middle, "y": -0.65, "text": f"<b>{DIAGRAMS[arranged.name].title}</b>"},
        {**middle, "y": DEEP + 0.85, "text": answer},
    ]


def _speaking(names: Sequence[str]) -> dict[str, Any]:
    """An unseen mark on each part, which says what it is."""
    parts = [(place, name, part) for place, name in enumerate(names) for part in DIAGRAMS[name].parts]
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [across + PITCH * place for place, _, (_, across, _) in parts],
        "y": [down for *_, (_, _, down) in parts],
        "marker": {"size": 28, "opacity": 0},
        "customdata": told([[DIAGRAMS[name].title for _, name, _ in parts], [SAID[what] for *_, (what, _, _) in parts]]),
        "hovertemplate": "%{customdata[0]}: %{customdata[1]}<extra></extra>",
    }
