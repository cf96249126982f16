"""Where one Grad-CAM lies on the picture."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from sevis.figures.boxes import outlines
from sevis.figures.overlay import COLORMAPS, beneath, overlay, shrunk
from sevis.figures.theme import LIGHT, Theme, compose, plain, scale
from sevis.records import Cam, Inspection

__all__ = ["cam"]

LONGEST = 512  # px; more is not seen at this size and makes the page slow


def cam(
    inspection: Inspection, cam: Cam, *, opacity: float = 0.5, colormap: str = "cividis", height: int = 420, theme: Theme = LIGHT
) -> go.Figure:
    """The picture under one map, with the map's value under the pointer."""
    picture = shrunk(inspection.image, LONGEST)
    rows, columns = picture.shape[:2]
    target = plain(inspection.target.label)
    return compose(
        [_values(cam.values[0], columns, rows, colormap, theme)],
        (
            f"{plain(cam.name)}: {plain(cam.method)} for {target}",
            f"map of {cam.values.shape[1]} × {cam.values.shape[2]} cells over the picture",
        ),
        height,
        theme=theme,
        margin={"l": 2, "r": 8, "t": 56, "b": 40},
        images=[beneath(overlay(picture, cam.values[0], opacity, colormap))],
        shapes=outlines(inspection, columns, rows, theme),
        xaxis={"visible": False, "range": [0, columns], "constrain": "domain"},
        yaxis={"visible": False, "range": [rows, 0], "scaleanchor": "x", "constrain": "domain"},
    )


def _values(values: np.ndarray, width: int, height: int, colormap: str, theme: Theme) -> dict[str, Any]:
    rows, columns = values.shape
    return {
        "type": "heatmap",
        "z": values.astype(np.float32),
        "x0": width / columns / 2,
        "dx": width / columns,
        "y0": height / rows / 2,
        "dy": height / rows,
        "opacity": 0,
        "zmin": 0,
        "zmax": 1,
        "colorscale": scale(COLORMAPS[colormap]),
        "colorbar": {
            "orientation": "h",
            "thickness": 8,
            "len": 0.6,
            "y": 0,
            "yanchor": "top",
            "ypad": 8,
            "outlinewidth": 0,
            "tickvals": [0, 0.5, 1],
            "ticktext": ["0%", "50% of the peak", "100%"],
            "tickfont": {"size": 12, "color": theme.muted},
        },
        "hovertemplate": "the map has %{z:.0%} of its peak here<extra></extra>",
    }
