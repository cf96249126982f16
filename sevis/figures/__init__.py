"""Records in, plotly figures out: one pure function a file, and the table that lists them.

Nothing here imports streamlit or torch, and no page styles a chart.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from sevis.figures.boxes import boxes
from sevis.figures.branches import branches
from sevis.figures.cam import cam
from sevis.figures.cam_row import cam_row
from sevis.figures.feature_maps import feature_maps
from sevis.figures.histogram import histogram
from sevis.figures.influence import influence
from sevis.figures.network import network
from sevis.figures.overlay import COLORMAPS, overlay
from sevis.figures.prediction import prediction
from sevis.figures.sorted_weights import sorted_weights
from sevis.figures.squeeze_weight import squeeze_weight
from sevis.figures.theme import DARK, LIGHT, Theme
from sevis.records import Kind

__all__ = [
    "COLORMAPS",
    "DARK",
    "FIGURES",
    "LIGHT",
    "Entry",
    "Theme",
    "boxes",
    "branches",
    "cam",
    "cam_row",
    "feature_maps",
    "histogram",
    "influence",
    "network",
    "overlay",
    "prediction",
    "sorted_weights",
    "squeeze_weight",
]

BOTH: tuple[Kind, ...] = ("channel", "branch")


@dataclass(frozen=True)
class Entry:
    """One figure of the table.

    Attributes:
        name: what it is called.
        draw: the function; every one takes `theme=` and returns a figure.
        of: what it draws: "picture" is called with an inspection, "boxes" with that of a detector, "block" with an
            inspection and a depth, "cam" with an inspection and a map.
        kinds: the kinds of gate that it can draw.
    """

    name: str
    draw: Callable[..., Any]
    of: Literal["picture", "boxes", "block", "cam"]
    kinds: tuple[Kind, ...] = BOTH


FIGURES: tuple[Entry, ...] = (
    Entry("network", network, "picture"),
    Entry("prediction", prediction, "picture"),
    Entry("boxes", boxes, "boxes"),
    Entry("cam_row", cam_row, "picture"),
    Entry("cam", cam, "cam"),
    Entry("squeeze_weight", squeeze_weight, "block"),
    Entry("sorted_weights", sorted_weights, "block"),
    Entry("histogram", histogram, "block"),
    Entry("influence", influence, "block"),
    Entry("branches", branches, "block", ("branch",)),
    Entry("feature_maps", feature_maps, "block"),
)
