"""What both sides find most probable, a row a class: how far each class moved."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from sevis.analysis.compare import Comparison
from sevis.figures.sides import MARKS, legend, side_names
from sevis.figures.theme import LIGHT, Theme, compose, plain
from sevis.records import Inspection

__all__ = ["compare_predictions"]

SHOWN = 5  # of each side
HEAD, PITCH, FOOT = 58, 27, 30  # px


def compare_predictions(comparison: Comparison, *, theme: Theme = LIGHT) -> go.Figure:
    """The first five classes of either side and what is explained, the surest first; of a detector the surest box of each class."""
    sides = [_probabilities(side) for side in comparison.sides]
    classes = sorted(sides[0] | sides[1], key=lambda label: -max(side.get(label, 0.0) for side in sides))
    explained = {side.target.label for side in comparison.sides}
    return compose(
        [_moves(classes, sides, theme), *(_marks(comparison, place, classes, sides, theme) for place in range(2))],
        ("Prediction", legend(comparison, theme, 18)),
        HEAD + PITCH * max(len(classes), 3) + FOOT,
        theme=theme,
        margin={"l": 8, "r": 84, "t": HEAD, "b": FOOT},
        annotations=[_numbers(row, label, sides, theme) for row, label in enumerate(classes)],
        xaxis={"title": {"text": "probability"}, "range": [-0.03, 1.03], "tickformat": ".0%", "tickvals": [0, 0.5, 1], "fixedrange": True},
        yaxis={
            "range": [max(len(classes), 3) - 0.5, -0.5],
            "tickvals": list(range(len(classes))),
            "ticktext": [f"<b>{plain(label, 20)}</b>" if label in explained else plain(label, 20) for label in classes],
            "tickfont": {"size": 13, "color": theme.ink},
            "ticklabelstandoff": 8,
            "showgrid": True,
            "fixedrange": True,
        },
    )


def _probabilities(inspection: Inspection) -> dict[str, float]:
    """The probability of each class that is known; of boxes the surest of a class."""
    known: dict[str, float] = {}
    for each in (*inspection.predictions[:SHOWN], inspection.target):
        known.setdefault(each.label, each.probability)
    return known


def _moves(classes: list[str], sides: list[dict[str, float]], theme: Theme) -> dict[str, Any]:
    """A line between the two marks of a class."""
    x: list[float | None] = []
    y: list[int | None] = []
    for place, label in enumerate(classes):
        if all(label in side for side in sides):
            x += [sides[0][label], sides[1][label], None]
            y += [place, place, None]
    return {"type": "scatter", "mode": "lines", "x": x, "y": y, "line": {"width": 3, "color": theme.faint}, "hoverinfo": "skip"}


def _marks(comparison: Comparison, side: int, classes: list[str], sides: list[dict[str, float]], theme: Theme) -> dict[str, Any]:
    rows = [place for place, label in enumerate(classes) if label in sides[side]]
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [sides[side][classes[place]] for place in rows],
        "y": rows,
        "cliponaxis": False,
        "marker": {"symbol": MARKS[side], "size": 11, "color": theme.branches[side]},
        "customdata": [[plain(classes[place])] for place in rows],
        "hovertemplate": f"%{{customdata[0]}}: probability %{{x:.1%}} on {side_names(comparison)[side]}<extra></extra>",
    }


def _numbers(row: int, label: str, sides: list[dict[str, float]], theme: Theme) -> dict[str, Any]:
    """Both probabilities beside the row; a dash where the class is not among those that are known of a side."""
    first, second = (f"{side[label]:.0%}" if label in side else "–" for side in sides)
    return {
        "xref": "paper",
        "x": 1,
        "xanchor": "left",
        "xshift": 10,
        "y": row,
        "text": f"{first} → {second}",
        "font": {"size": 12, "color": theme.ink},
    }
