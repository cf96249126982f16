"""The Grad-CAM of every block side by side."""

from __future__ import annotations

from math import ceil
from typing import Any

import plotly.graph_objects as go

from sevis.figures.overlay import data_uri, overlay, shrunk
from sevis.figures.theme import CLEAR, LIGHT, Theme, compose, plain
from sevis.records import Cam, Inspection
from sevis.words import amount

__all__ = ["cam_row"]

WIDEST = 9  # eight blocks and the last feature map
TILE = 128  # px a row of tiles, with its names
PITCH = 1.3  # tiles from row to row: room for the names
HEAD = 74  # px
LONGEST = 160


def cam_row(inspection: Inspection, *, opacity: float = 0.5, colormap: str = "cividis", theme: Theme = LIGHT) -> go.Figure:
    """One small picture a block with its map over it, early first, the last feature map at the end."""
    cams = inspection.cams + (() if inspection.last_cam is None else (inspection.last_cam,))
    lines = ceil(len(cams) / WIDEST)
    across = ceil(len(cams) / lines)
    places = [(place % across, place // across) for place in range(len(cams))]
    picture = shrunk(inspection.image, LONGEST)
    return compose(
        [_touch(inspection, cams, places)],
        (f"Grad-CAM at every block for {plain(inspection.target.label)}", "each map is divided by its own peak"),
        HEAD + TILE * lines,
        theme=theme,
        margin={"l": 2, "r": 2, "t": HEAD, "b": 2},
        hoverdistance=100,
        images=[
            _tile(data_uri(overlay(picture, each.values[0], opacity, colormap)), *place) for each, place in zip(cams, places, strict=True)
        ],
        annotations=[_name(each, *place) for each, place in zip(cams, places, strict=True)],
        xaxis={"visible": False, "range": [-0.5, across - 0.5], "fixedrange": True, "constrain": "domain", "constraintoward": "left"},
        yaxis={
            "visible": False,
            "range": [(lines - 1) * PITCH + 0.5, -0.5],
            "fixedrange": True,
            "scaleanchor": "x",
            "constrain": "domain",
            "constraintoward": "top",
        },
    )


def _touch(inspection: Inspection, cams: tuple[Cam, ...], places: list[tuple[int, int]]) -> dict[str, Any]:
    depths = [*range(len(inspection.cams)), *[None] * (len(cams) - len(inspection.cams))]
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [column for column, _ in places],
        "y": [line * PITCH for _, line in places],
        "marker": {"size": 6, "color": CLEAR},
        "customdata": [[depth, None, plain(each.name), amount(float(each.peak[0]))] for depth, each in zip(depths, cams, strict=True)],
        "hovertemplate": "%{customdata[2]}: the map's peak is %{customdata[3]} in units of the score<extra></extra>",
    }


def _tile(source: str, column: int, line: int) -> dict[str, Any]:
    place = {"xref": "x", "yref": "y", "x": column, "y": line * PITCH, "xanchor": "center", "yanchor": "middle"}
    return {"source": source, "sizex": 0.95, "sizey": 0.95, "sizing": "contain", **place}


def _name(cam: Cam, column: int, line: int) -> dict[str, Any]:
    return {"x": column, "y": line * PITCH - 0.48, "yanchor": "bottom", "text": plain(cam.name, 14), "font": {"size": 11}}
