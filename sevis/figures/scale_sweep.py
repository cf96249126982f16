"""How the large kernel's share moves in every block as the object grows (Li et al. 2019, figure 3), next to the blur alone."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from sevis.analysis.ablation import Effect
from sevis.analysis.zoom import GateSweep, Sweep, View
from sevis.figures.panels import legend
from sevis.figures.separation import block_axis
from sevis.figures.theme import LIGHT, Theme, compose, plain, told
from sevis.words import decimal

__all__ = ["COLOURS", "kernels", "scale_sweep"]

HEIGHT = 360
ROOM = 0.62  # of a block's width that its points take
COLOURS = {False: 0, True: 1}  # place in theme.branches, by whether a view is blurred
MARKS = {False: "circle", True: "diamond-open"}
DASHES = {False: "solid", True: "dash"}
SAID = {False: "with the centre enlarged {:g} times", True: "with the whole picture as soft as {:g} times makes it"}


def scale_sweep(sweep: Sweep, *, theme: Theme = LIGHT) -> go.Figure:
    """A short curve a block over the zooms: the mean share of the large kernel less that of the small one; dashed, the blur alone."""
    large, small = kernels(sweep)
    names = ["object enlarged", "blur alone"]
    zooms = ", ".join(f"{zoom:g}" for zoom in sweep.zooms)
    return compose(
        [_curve(gate, place, sweep, blurred, theme) for place, gate in enumerate(sweep.gates) for blurred in (True, False)],
        (
            f"{large} less {small} as the object grows",
            f"{legend(names, theme.branches[:2])}&nbsp;&nbsp; zoom {zooms} from left to right; {sweep.pictures:,} pictures",
        ),
        HEIGHT,
        theme=theme,
        margin={"l": 8, "r": 16, "t": 62, "b": 8},
        xaxis=block_axis([gate.site.name for gate in sweep.gates]),
        yaxis={"title": {"text": "difference of the mean shares"}, "showgrid": True, "zeroline": True, "fixedrange": True},
    )


def kernels(sweep: Sweep, longest: int = 12) -> tuple[str, str]:
    """The names of the large and the small kernel as plotly text."""
    branches = sweep.gates[0].site.branches
    return plain(branches[-1], longest), plain(branches[0], longest)


def _curve(gate: GateSweep, place: int, sweep: Sweep, blurred: bool, theme: Theme) -> dict[str, Any]:
    """One block's points; both curves start from the picture as it is."""
    seen = [(view, effect) for view, effect in zip(sweep.views, gate.difference, strict=True) if view.blurred == blurred or view.zoom == 1]
    span = sweep.zooms[-1] - sweep.zooms[0]
    errors = [effect.error for _, effect in seen]
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "x": [place + ROOM * ((view.zoom - 1) / span - 0.5) for view, _ in seen],
        "y": [effect.mean for _, effect in seen],
        "error_y": {"type": "data", "array": errors, "width": 0, "thickness": 1},
        "line": {"width": 2, "color": theme.branches[COLOURS[blurred]], "dash": DASHES[blurred]},
        "marker": {"size": 7, "symbol": MARKS[blurred]},
        "customdata": told([[_said(gate, view, effect) for view, effect in seen]]),
        "hovertemplate": "%{customdata[0]}<extra></extra>",
    }


def _said(gate: GateSweep, view: View, effect: Effect) -> str:
    large, small = plain(gate.site.branches[-1], 12), plain(gate.site.branches[0], 12)
    shown = "with the picture as it is" if view.zoom == 1 else SAID[view.blurred].format(view.zoom)
    return f"{gate.site.name}, {shown}: {large} less {small} is {decimal(effect.mean, 3)} ± {decimal(effect.error, 3)}"
