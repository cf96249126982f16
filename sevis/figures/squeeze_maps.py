"""A handful of a block's feature maps over the picture, each with the one number that the gate is told of it: its mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from sevis.analysis.squeeze import from_high_to_low, pooled_maps
from sevis.figures.overlay import beneath, overlay, shrunk
from sevis.figures.theme import LIGHT, Theme, compose, scale
from sevis.records import GateRecord, Inspection
from sevis.words import decimal

__all__ = ["SHOWN", "squeeze_maps"]

SHOWN = 5  # maps beside the picture
LONGEST = 240  # px of a tile
APART = 1.06  # from tile to tile, in widths of a tile
OPACITY = 0.7
HEAD, TILE, FOOT = 60, 134, 82  # px
OUTER = (1.0, 99.0)  # percentiles: beyond them the colours say no more


def squeeze_maps(inspection: Inspection, depth: int, channels: Sequence[int] | None = None, *, theme: Theme = LIGHT) -> go.Figure:
    """The picture, then the maps of the channels on one colour scale, with their squeeze (Hu et al. 2018, eq. 2) below.

    Unless channels are named, they are taken from the highest squeeze to the lowest, at equal steps.
    """
    record = inspection.gates[depth]
    chosen = from_high_to_low(record.squeeze[0], SHOWN) if channels is None else tuple(channels)
    maps, picture = pooled_maps(record, chosen), shrunk(inspection.image, LONGEST)
    low, high = (float(each) for each in np.percentile(maps, OUTER))
    span = (low, high if high > low else low + 1)
    height, width = picture.shape[:2]
    rows, columns = maps.shape[1:]
    return compose(
        [_values(values, place, record, channel, span, (height, width), theme) for place, (channel, values) in _placed(chosen, maps)],
        (
            f"{record.site.name}: a channel is a small picture, its squeeze is the mean",
            f"maps of {rows} × {columns} numbers over the picture, all on one scale from low to high",
        ),
        HEAD + TILE + FOOT,
        theme=theme,
        margin={"l": 2, "r": 2, "t": HEAD, "b": FOOT},
        images=[
            beneath(picture),
            *(_image(picture, (values - span[0]) / (span[1] - span[0]), place) for place, (_, values) in _placed(chosen, maps)),
        ],
        annotations=[
            _caption("the picture", "as seen", 0, (height, width), theme),
            *(
                _caption(f"channel {channel}", f"mean <b>{_mean(record, channel)}</b>", place, (height, width), theme)
                for place, (channel, _) in _placed(chosen, maps)
            ),
        ],
        xaxis={"visible": False, "range": [0, width * (1 + APART * len(chosen))], "constrain": "domain", "constraintoward": "left"},
        yaxis={"visible": False, "range": [height, 0], "scaleanchor": "x", "constrain": "domain", "constraintoward": "top"},
    )


def _placed(chosen: tuple[int, ...], maps: np.ndarray) -> list[tuple[int, tuple[int, np.ndarray]]]:
    """The place of each tile, from 1 on since the picture is the first, with its channel and its map."""
    return list(enumerate(zip(chosen, maps, strict=True), 1))


def _mean(record: GateRecord, channel: int) -> str:
    return decimal(float(record.squeeze[0, channel]))


def _values(
    values: np.ndarray, place: int, record: GateRecord, channel: int, span: tuple[float, float], size: tuple[int, int], theme: Theme
) -> dict[str, Any]:
    """Unseen numbers over a tile, which speak under the pointer."""
    (height, width), (rows, columns) = size, values.shape
    bar = {
        "orientation": "h",
        "x": 0,
        "xanchor": "left",
        "xpad": 0,
        "yref": "container",
        "y": 0,
        "yanchor": "bottom",
        "ypad": 4,
        "len": 0.32,
    }
    return {
        "type": "heatmap",
        "z": values,
        "x0": width * (APART * place + 0.5 / columns),
        "dx": width / columns,
        "y0": height / rows / 2,
        "dy": height / rows,
        "opacity": 0,
        "zmin": span[0],
        "zmax": span[1],
        "colorscale": scale(theme.sequential),
        "showscale": place == 1,
        "colorbar": {**bar, "thickness": 8, "outlinewidth": 0, "nticks": 4, "tickfont": {"size": 12, "color": theme.muted}},
        "hovertemplate": f"channel {channel} is %{{z:.2f}} here and {_mean(record, channel)} on average<extra></extra>",
    }


def _image(picture: np.ndarray, values: np.ndarray, place: int) -> dict[str, Any]:
    return beneath(overlay(picture, values, OPACITY), left=place * APART * picture.shape[1])


def _caption(name: str, below: str, place: int, size: tuple[int, int], theme: Theme) -> dict[str, Any]:
    height, width = size
    at = {"x": (place * APART + 0.5) * width, "xanchor": "center", "y": height, "yanchor": "top", "yshift": -4}
    return {**at, "text": f"{name}<br>{below}", "font": {"size": 13, "color": theme.ink}}
