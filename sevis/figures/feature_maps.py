"""What the gate did to single feature maps: before and after the multiplication."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from PIL import Image

from sevis.analysis.rank import channel_influence, strongest
from sevis.figures.theme import LIGHT, Theme, compose, plain, scale
from sevis.records import GateRecord, Inspection
from sevis.words import signed

__all__ = ["feature_maps"]

LONGEST = 48  # cells; a larger map is averaged down to it
TILE = 124  # px
HEAD, LEFT = 106, 66  # px for the numbers over the columns and the names beside the rows
BESIDE = {"x": -0.5, "xanchor": "right", "xshift": -6, "align": "right"}


def feature_maps(inspection: Inspection, depth: int, channels: Sequence[int] | None = None, *, theme: Theme = LIGHT) -> go.Figure:
    """A column a channel: the map of each branch before the gate and the map after it, on one colour scale in each column."""
    record = inspection.gates[depth]
    chosen = strongest(inspection, depth, "weight") if channels is None else tuple(channels)
    names = (*(f"{plain(name, 8)} before" if record.site.kind == "branch" else "before" for name in record.site.branches), "after")
    tiles = [tile for column, channel in enumerate(chosen) for tile in _column(record, channel, column, names, theme)]
    lines = len(names)
    return compose(
        tiles,
        (
            f"{record.site.name}: feature maps before and after the gate",
            "one colour scale in each column, from its lowest to its highest value",
        ),
        HEAD + TILE * lines,
        theme=theme,
        margin={"l": LEFT, "r": 2, "t": HEAD, "b": 2},
        annotations=[_caption(inspection, depth, channel, column, theme) for column, channel in enumerate(chosen)]
        + [_line(name, line) for line, name in enumerate(names)]
        + [{**BESIDE, "y": -0.5, "yanchor": "bottom", "text": "channel<br>weight<br>influence"}],
        xaxis={"visible": False, "range": [-0.5, len(chosen) - 0.5], "constrain": "domain", "constraintoward": "left"},
        yaxis={"visible": False, "range": [lines - 0.5, -0.5], "scaleanchor": "x", "constrain": "domain", "constraintoward": "top"},
    )


def _small(values: np.ndarray) -> np.ndarray:
    longest = max(values.shape)
    if longest <= LONGEST:
        return values.astype(np.float32)
    height, width = (max(1, round(side * LONGEST / longest)) for side in values.shape)
    image = Image.fromarray(np.ascontiguousarray(values, dtype=np.float32))
    return np.asarray(image.resize((width, height), Image.Resampling.BOX))


def _column(record: GateRecord, channel: int, column: int, names: Sequence[str], theme: Theme) -> list[dict[str, Any]]:
    if record.maps is None:
        raise ValueError(f"{record.site.path}: the feature maps were not recorded; inspect with maps=True")
    before = record.maps[0, :, channel].astype(np.float32)  # (M, H, W)
    after = np.einsum("m,mhw->hw", record.weights[0, :, channel], before)
    maps = [_small(each) for each in (*before, after)]
    span = {"zmin": min(0.0, *(float(each.min()) for each in maps)), "zmax": max(1e-6, *(float(each.max()) for each in maps))}
    return [
        _map(each, column, line, f"{record.site.name}, channel {channel}, {names[line]}", theme) | span for line, each in enumerate(maps)
    ]


def _map(values: np.ndarray, column: int, line: int, name: str, theme: Theme) -> dict[str, Any]:
    height, width = values.shape
    side = 0.94 / max(height, width)
    return {
        "type": "heatmap",
        "z": values,
        "x0": column - (width - 1) * side / 2,
        "dx": side,
        "y0": line - (height - 1) * side / 2,
        "dy": side,
        "colorscale": scale(theme.sequential),
        "showscale": False,
        "hovertemplate": f"{name}: activation %{{z:.2f}}<extra></extra>",
    }


def _caption(inspection: Inspection, depth: int, channel: int, column: int, theme: Theme) -> dict[str, Any]:
    weights = inspection.gates[depth].weights[0, :, channel]
    told = " : ".join(f"{each:.2f}" for each in weights)
    influence = channel_influence(inspection, depth)[channel]
    text = f"<b>{channel}</b><br>{told}<br>{signed(float(influence))}"
    return {"x": column, "y": -0.5, "yanchor": "bottom", "text": text, "font": {"size": 12, "color": theme.ink}}


def _line(name: str, line: int) -> dict[str, Any]:
    return {**BESIDE, "y": line, "text": name.replace(" ", "<br>")}
