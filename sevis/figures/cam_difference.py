"""What an edit changed of where the network looked: one Grad-CAM less another, over the picture."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from sevis.figures.overlay import LUMA, beneath, shrunk
from sevis.figures.theme import LIGHT, Theme, compose, plain, scale
from sevis.records import Cam
from sevis.words import decimal

__all__ = ["cam_difference"]

LONGEST = 512  # px
FAINTEST = 1e-6  # of the score: a smaller difference is rounding


def cam_difference(image: np.ndarray, before: Cam, after: Cam, *, height: int = 420, theme: Theme = LIGHT) -> go.Figure:
    """The second map less the first in units of the score, over the picture in grey; what did not change keeps the picture's grey.

    Args:
        image: (H, W, 3) uint8.
        before, after: maps of the same place of one network.

    Raises:
        ValueError: the maps are not of one size.
    """
    if before.values.shape != after.values.shape:
        raise ValueError(f"maps of {before.values.shape[1:]} and {after.values.shape[1:]} cells have no difference; compare one place")
    change = in_score(after) - in_score(before)
    most = max(float(np.abs(change).max()), FAINTEST)
    picture = shrunk(image, LONGEST)
    rows, columns = picture.shape[:2]
    return compose(
        [_values(change, most, columns, rows, theme)],
        (f"{plain(before.name)}: what changed", f"Grad-CAM after less before, up to {decimal(most)} of the score"),
        height,
        theme=theme,
        margin={"l": 2, "r": 8, "t": 56, "b": 40},
        images=[beneath(_grey(picture))],
        xaxis={"visible": False, "range": [0, columns], "constrain": "domain"},
        yaxis={"visible": False, "range": [rows, 0], "scaleanchor": "x", "constrain": "domain"},
    )


def in_score(cam: Cam) -> np.ndarray:
    """The map (H, W) in units of the score."""
    return np.asarray(cam.values[0] * cam.peak[0], dtype=np.float32)


def _grey(picture: np.ndarray) -> np.ndarray:
    grey = (picture @ LUMA).round().astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def _values(change: np.ndarray, most: float, width: int, height: int, theme: Theme) -> dict[str, Any]:
    rows, columns = change.shape
    return {
        "type": "heatmap",
        "z": change,
        "x0": width / columns / 2,
        "dx": width / columns,
        "y0": height / rows / 2,
        "dy": height / rows,
        "zsmooth": "best",
        "opacity": 0.72,
        "zmin": -most,
        "zmax": most,
        "colorscale": scale(theme.diverging),
        "colorbar": {
            "orientation": "h",
            "thickness": 8,
            "len": 0.6,
            "y": 0,
            "yanchor": "top",
            "ypad": 8,
            "outlinewidth": 0,
            "tickvals": [-most, 0, most],
            "ticktext": ["less", "as before", "more"],
            "tickfont": {"size": 12, "color": theme.muted},
        },
        "hovertemplate": "the map changed by %{z:.3f} here<extra></extra>",
    }
