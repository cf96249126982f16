"""How the large kernel's share of one picture moves, block by block, as its centre is enlarged and as it is only blurred."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from sevis.analysis.zoomed import Zoomed
from sevis.figures.panels import legend
from sevis.figures.scale_sweep import COLOURS, MARKS
from sevis.figures.theme import LIGHT, Theme, compose, plain, told

__all__ = ["zoomed_shares"]

HEIGHT = 360
APART = 0.16  # of a block's width, from the picture as it is
SHIFT = 0.06  # of the shares, that there is room for above and below: the axis stays while the zoom changes
SAID = {False: "with the centre enlarged {:g} times", True: "with the whole picture as soft as {:g} times makes it"}


def zoomed_shares(zoomed: Zoomed, *, theme: Theme = LIGHT) -> go.Figure:
    """A ring a block where the mean share stands, and lines to where the zoom and the blur alone move it."""
    large = plain(zoomed.sites[0].branches[-1], 12)
    colours = theme.ink, theme.branches[COLOURS[False]], theme.branches[COLOURS[True]]
    named = zip(("as it is", "centre enlarged", "blur alone"), colours, "○●◇", strict=True)
    names = "&nbsp;&nbsp; ".join(legend([name], [colour], sign) for name, colour, sign in named)
    every = np.concatenate([zoomed.own - SHIFT, zoomed.own + SHIFT, zoomed.enlarged, zoomed.blurred])
    blocks = [site.name for site in zoomed.sites]
    return compose(
        [*_moved(zoomed, zoomed.blurred, True, theme), *_moved(zoomed, zoomed.enlarged, False, theme), _own(zoomed, theme)],
        (f"Share of {large} at zoom {zoomed.zoom:g}", names),
        HEIGHT,
        theme=theme,
        margin={"l": 8, "r": 16, "t": 62, "b": 8},
        xaxis={
            "title": {"text": "block, early to late"},
            "tickvals": list(range(len(blocks))),
            "ticktext": blocks,
            "range": [-0.5, len(blocks) - 0.5],
            "fixedrange": True,
        },
        yaxis={
            "title": {"text": f"mean share of {large}"},
            "range": [float(every.min()), float(every.max())],
            "tickformat": ".0%",
            "showgrid": True,
            "fixedrange": True,
        },
    )


def _own(zoomed: Zoomed, theme: Theme) -> dict[str, Any]:
    said = [_said(zoomed, place, float(share), "with the picture as it is") for place, share in enumerate(zoomed.own)]
    marker = {"symbol": "circle-open", "size": 9, "color": theme.ink, "line": {"width": 2}}
    return {"type": "scatter", "mode": "markers", "x": list(range(len(said))), "y": zoomed.own, "marker": marker, **_hover(said)}


def _moved(zoomed: Zoomed, shares: np.ndarray, blurred: bool, theme: Theme) -> list[dict[str, Any]]:
    """The marks of one view, and a line to each from the picture as it is."""
    colour, places = theme.branches[COLOURS[blurred]], np.arange(len(shares)) + (APART if blurred else -APART)
    x = [place for at, end in enumerate(places.tolist()) for place in (at, end, None)]
    y = [place for start, end in zip(zoomed.own.tolist(), shares.tolist(), strict=True) for place in (start, end, None)]
    said = [_said(zoomed, place, float(share), SAID[blurred].format(zoomed.zoom)) for place, share in enumerate(shares)]
    marker = {"symbol": MARKS[blurred], "size": 9, "color": colour, "line": {"width": 2, "color": colour}}
    return [
        {"type": "scatter", "mode": "lines", "x": x, "y": y, "line": {"width": 2, "color": colour}, "hoverinfo": "skip"},
        {"type": "scatter", "mode": "markers", "x": places, "y": shares, "marker": marker, **_hover(said)},
    ]


def _said(zoomed: Zoomed, place: int, share: float, shown: str) -> str:
    site = zoomed.sites[place]
    return f"{site.name}, {shown}: {plain(site.branches[-1], 12)} gets {share:.1%} on average"


def _hover(said: list[str]) -> dict[str, Any]:
    return {"customdata": told([said]), "hovertemplate": "%{customdata[0]}<extra></extra>"}
