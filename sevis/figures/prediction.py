"""What the network thinks it sees."""

from __future__ import annotations

import plotly.graph_objects as go

from sevis.figures.theme import LIGHT, Theme, compose, plain
from sevis.records import Inspection

__all__ = ["prediction"]

SHOWN = 5


def prediction(inspection: Inspection, *, theme: Theme = LIGHT) -> go.Figure:
    """The most probable classes as bars; the explained class is coloured, and added below when it is not among them."""
    classes = inspection.predictions[:SHOWN]
    if inspection.target.index not in {each.index for each in classes}:
        classes = (*classes, inspection.target)
    explained = [each.index == inspection.target.index for each in classes]
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
            [each.index, plain(each.label, 60), " (explained)" if chosen else ""] for each, chosen in zip(classes, explained, strict=True)
        ],
        "hovertemplate": "%{customdata[1]}: probability %{x:.1%}%{customdata[2]}<extra></extra>",
    }
    return compose(
        [trace],
        ("Prediction", f"{plain(inspection.model)}; the coloured class is explained"),
        90 + 30 * len(classes),
        theme=theme,
        margin={"l": 8, "r": 52, "t": 56, "b": 8},
        bargap=0.35,
        xaxis={"title": {"text": "probability"}, "range": [0, 1], "tickformat": ".0%", "fixedrange": True, "showticklabels": False},
        yaxis={
            "range": [len(classes) - 0.5, -0.5],
            "tickvals": list(range(len(classes))),
            "ticktext": [
                f"<b>{plain(each.label, 24)}</b>" if chosen else plain(each.label, 24)
                for each, chosen in zip(classes, explained, strict=True)
            ],
            "tickfont": {"size": 13, "color": theme.ink},
            "title": {"text": "class"},
            "ticklabelstandoff": 8,
            "fixedrange": True,
        },
    )
