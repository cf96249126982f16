"""What the network thinks it sees: the most probable classes, or the boxes that it found."""

from __future__ import annotations

import plotly.graph_objects as go

from sevis.figures.theme import LIGHT, Theme, compose, plain
from sevis.records import Inspection, Prediction

__all__ = ["prediction"]

SHOWN = 5


def prediction(inspection: Inspection, *, theme: Theme = LIGHT) -> go.Figure:
    """The most probable classes, or boxes, as bars; what is explained is coloured, and added below when it is not among them."""
    classes = inspection.predictions[:SHOWN]
    if inspection.target not in classes:
        classes = (*classes, inspection.target)
    what = "class" if inspection.target.box is None else "box"
    names = _names(inspection, classes)
    explained = [each == inspection.target for each in classes]
    trace = {
        "type": "bar",
        "orientation": "h",
        "x": [each.probability for each in classes],
        "y": list(range(len(classes))),
        "text": [f"{each.probability:.1%}" for each in classes],
        "textposition": "outside",
        "textfont": {"size": 13, "color": theme.ink},
        "cliponaxis": False,
        "marker": {"color": [theme.positive if chosen else theme.faint for chosen in explained]},
        "customdata": [
            [each.index, name, " (explained)" if chosen else ""] for each, name, chosen in zip(classes, names, explained, strict=True)
        ],
        "hovertemplate": "%{customdata[1]}: probability %{x:.1%}%{customdata[2]}<extra></extra>",
    }
    return compose(
        [trace],
        ("Prediction", f"the coloured {what} is explained"),
        max(90 + 30 * len(classes), 150),
        theme=theme,
        margin={"l": 8, "r": 52, "t": 56, "b": 8},
        bargap=0.35,
        xaxis={"title": {"text": "probability"}, "range": [0, 1], "tickformat": ".0%", "fixedrange": True, "showticklabels": False},
        yaxis={
            "range": [len(classes) - 0.5, -0.5],
            "tickvals": list(range(len(classes))),
            "ticktext": [f"<b>{name}</b>" if chosen else name for name, chosen in zip(names, explained, strict=True)],
            "tickfont": {"size": 13, "color": theme.ink},
            "title": {"text": what},
            "ticklabelstandoff": 8,
            "fixedrange": True,
        },
    )


def _names(inspection: Inspection, shown: tuple[Prediction, ...]) -> list[str]:
    """Classes by their labels; boxes by their numbers too, since two may hold the same thing."""
    numbers = {each: f"{place}. " for place, each in enumerate(inspection.predictions, 1) if each.box is not None}
    return [numbers.get(each, "") + plain(each.label, 24) for each in shown]
