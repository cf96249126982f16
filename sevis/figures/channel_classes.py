"""One channel's mean weight over the pictures of each class (Hu et al. 2018, section 7.2, of a single channel)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from sevis.analysis.channel import class_means
from sevis.analysis.rank import descending, weight
from sevis.figures.block import named
from sevis.figures.theme import LIGHT, Theme, compose, plain
from sevis.records import Inspection
from sevis.words import decimal

__all__ = ["channel_classes"]

ROW = 26  # px
EACH_END = 8  # classes of the highest and of the lowest mean that are shown, where there are many


def channel_classes(inspection: Inspection, depth: int, channel: int, classes: Sequence[str], *, theme: Theme = LIGHT) -> go.Figure:
    """A bar a class, the highest mean on top, the explained class marked; the line is this picture's weight.

    Args:
        classes: names in the order of the network's classes.

    Raises:
        ValueError: there are no means by class.
    """
    means = class_means(inspection, depth, channel)
    if means is None:
        raise ValueError(f"{inspection.model} has no means by class; measure its averages anew")
    site, shown = inspection.sites[depth], _shown(means, inspection.target.index)
    own = float(weight(inspection, depth)[channel])
    left_out = len(means) - len(shown)
    return compose(
        [_bars(means, shown, classes, inspection.target.index, named(site), theme)],
        (
            f"{site.name}, channel {channel}: its mean weight by class",
            "the line is this picture's weight" + (f"; {left_out} classes in between are left out" if left_out else ""),
        ),
        94 + ROW * len(shown),
        theme=theme,
        margin={"l": 8, "r": 34, "t": 58, "b": 8},
        bargap=0.35,
        shapes=[{"type": "line", "x0": own, "x1": own, "yref": "paper", "y0": 0, "y1": 1, "line": {"color": theme.accent, "dash": "dot"}}],
        xaxis={"title": {"text": f"mean {named(site)}"}, "showgrid": True, "nticks": 6},
        yaxis={
            "tickvals": list(range(len(shown))),
            "ticktext": [_name(classes[each], each == inspection.target.index) for each in shown],
            "range": [-0.6, len(shown) - 0.4],
        },
    )


def _shown(means: np.ndarray, target: int) -> list[int]:
    """The classes from the lowest mean to the highest; of many, those at both ends and the explained one."""
    order = [int(each) for each in descending(means)[::-1]]
    if len(order) <= 2 * EACH_END + 1:
        return order
    ends = {*order[:EACH_END], *order[-EACH_END:], target}
    return [each for each in order if each in ends]


def _name(label: str, marked: bool) -> str:
    return f"<b>{plain(label)}</b>" if marked else plain(label)


def _bars(means: np.ndarray, shown: Sequence[int], classes: Sequence[str], target: int, name: str, theme: Theme) -> dict[str, Any]:
    values = [float(means[each]) for each in shown]
    return {
        "type": "bar",
        "orientation": "h",
        "x": values,
        "y": list(range(len(shown))),
        "marker": {"color": [theme.accent if each == target else theme.faint for each in shown]},
        "text": [decimal(value) for value in values],
        "textposition": "inside",
        "insidetextanchor": "start",
        "constraintext": "none",
        "textangle": 0,
        "insidetextfont": {"size": 12, "color": theme.ink},
        "customdata": [[plain(classes[each], 60), decimal(value)] for each, value in zip(shown, values, strict=True)],
        "hovertemplate": f"pictures of %{{customdata[0]}} have a mean {name} of %{{customdata[1]}}<extra></extra>",
    }
