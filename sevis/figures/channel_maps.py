"""One channel's feature map over the picture: every branch before the gate, side by side, and what came out of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from sevis.analysis.channel import before_and_after
from sevis.figures.overlay import beneath, overlay, shrunk
from sevis.figures.theme import LIGHT, Theme, compose, plain, scale
from sevis.records import GateRecord, Inspection
from sevis.words import decimal

__all__ = ["channel_maps"]

LONGEST = 320  # px of a tile; more is not seen at this size
APART = 1.05  # from tile to tile, in widths of a tile
OPACITY = 0.65


@dataclass(frozen=True)
class _Tile:
    """A map (h, w), the extent of its colours, the name over it and the words of its hover."""

    values: np.ndarray
    span: tuple[float, float]
    name: str
    said: str


def channel_maps(inspection: Inspection, depth: int, channel: int, *, theme: Theme = LIGHT) -> go.Figure:
    """A tile a branch and one for what came out of the gate, on one colour scale, and the block's Grad-CAM to compare them with."""
    record, maps = inspection.gates[depth], before_and_after(inspection.gates[depth], channel)
    tiles = [*_maps(record, channel, maps), _cam(inspection, depth)]
    picture = shrunk(inspection.image, LONGEST)
    height, width = picture.shape[:2]
    rows, columns = maps.shape[1:]
    return compose(
        [_values(tile, place, (height, width), theme) for place, tile in enumerate(tiles)],
        (
            f"{record.site.name}, channel {channel}: before and after the gate",
            f"maps of {rows} × {columns} cells over the picture, on one scale from low to high",
        ),
        380 if len(tiles) < 4 else 330,
        theme=theme,
        margin={"l": 2, "r": 2, "t": 80, "b": 44},
        images=[_picture(picture, tile, place) for place, tile in enumerate(tiles)],
        annotations=[_name(tile.name, place, width, theme) for place, tile in enumerate(tiles)],
        xaxis={"visible": False, "range": [0, width * (1 + APART * (len(tiles) - 1))], "constrain": "domain", "constraintoward": "left"},
        yaxis={"visible": False, "range": [height, 0], "scaleanchor": "x", "constrain": "domain", "constraintoward": "top"},
    )


def _maps(record: GateRecord, channel: int, maps: np.ndarray) -> list[_Tile]:
    span = min(0.0, float(maps.min())), max(1e-6, float(maps.max()))
    said = [f"the activation {where} is %{{z:.2f}} here" for where in _where(record)]
    return [_Tile(each, span, name, words) for each, name, words in zip(maps, _names(record, channel), said, strict=True)]


def _cam(inspection: Inspection, depth: int) -> _Tile:
    cam = inspection.cams[depth]
    said = f"the {plain(cam.method)} of {plain(cam.name)} has %{{z:.0%}} of its peak here"
    return _Tile(cam.values[0], (0.0, 1.0), f"<b>{plain(cam.method)}</b> of the block", said)


def _names(record: GateRecord, channel: int) -> list[str]:
    """What is written over each map."""
    parts = record.weights[0, :, channel]
    if record.site.kind == "channel":
        return ["<b>before</b>", f"<b>after</b>: × {decimal(float(parts[0]))}"]
    return [f"<b>{plain(name, 12)}</b>: {part:.0%}" for name, part in zip(record.site.branches, parts, strict=True)] + ["<b>mixed</b>"]


def _where(record: GateRecord) -> list[str]:
    """What a hover calls the place of each map."""
    if record.site.kind == "channel":
        return ["before the gate", "after the gate"]
    return [*(f"in the {plain(name, 12)} branch" for name in record.site.branches), "in the mixture"]


def _values(tile: _Tile, place: int, size: tuple[int, int], theme: Theme) -> dict[str, Any]:
    (height, width), (rows, columns) = size, tile.values.shape
    return {
        "type": "heatmap",
        "z": tile.values.astype(np.float32),
        "x0": width * (APART * place + 0.5 / columns),
        "dx": width / columns,
        "y0": height / rows / 2,
        "dy": height / rows,
        "opacity": 0,
        "zmin": tile.span[0],
        "zmax": tile.span[1],
        "colorscale": scale(theme.sequential),
        "showscale": place == 0,
        "colorbar": _colorbar(theme),
        "hovertemplate": f"{tile.said}<extra></extra>",
    }


def _colorbar(theme: Theme) -> dict[str, Any]:
    place = {"orientation": "h", "x": 0, "xanchor": "left", "xpad": 0, "y": 0, "yanchor": "top", "ypad": 8}
    return {**place, "thickness": 8, "len": 0.32, "outlinewidth": 0, "nticks": 4, "tickfont": {"size": 12, "color": theme.muted}}


def _picture(picture: np.ndarray, tile: _Tile, place: int) -> dict[str, Any]:
    width, (low, high) = picture.shape[1], tile.span
    return beneath(overlay(picture, (tile.values - low) / (high - low), OPACITY), left=place * APART * width)


def _name(text: str, place: int, width: int, theme: Theme) -> dict[str, Any]:
    font = {"size": 13, "color": theme.ink}
    return {"x": place * APART * width, "xanchor": "left", "y": 0, "yanchor": "bottom", "yshift": 2, "text": text, "font": font}
