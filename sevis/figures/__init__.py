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
from sevis.figures.cam_difference import cam_difference
from sevis.figures.cam_row import cam_row
from sevis.figures.channel_classes import channel_classes
from sevis.figures.channel_maps import channel_maps
from sevis.figures.channel_samples import channel_samples
from sevis.figures.compare_blocks import compare_blocks
from sevis.figures.compare_channels import compare_channels
from sevis.figures.compare_moved import compare_moved
from sevis.figures.compare_predictions import compare_predictions
from sevis.figures.compare_similarity import compare_similarity
from sevis.figures.compare_sorted import compare_sorted
from sevis.figures.compare_strips import compare_strips
from sevis.figures.effects import effects
from sevis.figures.feature_maps import feature_maps
from sevis.figures.histogram import histogram
from sevis.figures.influence import influence
from sevis.figures.network import network
from sevis.figures.overlay import COLORMAPS, overlay
from sevis.figures.picture_channels import picture_channels
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
    "cam_difference",
    "cam_row",
    "channel_classes",
    "channel_maps",
    "channel_samples",
    "compare_blocks",
    "compare_channels",
    "compare_moved",
    "compare_predictions",
    "compare_similarity",
    "compare_sorted",
    "compare_strips",
    "effects",
    "feature_maps",
    "histogram",
    "influence",
    "network",
    "overlay",
    "picture_channels",
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
            inspection and a depth, "cam" with an inspection and a map, "channel" with an inspection, a depth and a channel,
            "samples" and "classes" with the weights on the samples or the names of the classes besides, "comparison" with a
            comparison, "pair" with a comparison and the place of a pair, "cams" with a picture and two maps, "effects" with outcomes,
            "batch" with a batch and a depth.
        needs: a property of the comparison without which it cannot be drawn; "" where it always can.
        kinds: the kinds of gate that it can draw.
    """

    name: str
    draw: Callable[..., Any]
    of: Literal["picture", "boxes", "block", "cam", "channel", "samples", "classes", "comparison", "pair", "cams", "effects", "batch"]
    kinds: tuple[Kind, ...] = BOTH
    needs: str = ""


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
    Entry("channel_maps", channel_maps, "channel"),
    Entry("channel_samples", channel_samples, "samples"),
    Entry("channel_classes", channel_classes, "classes"),
    Entry("compare_strips", compare_strips, "comparison"),
    Entry("compare_predictions", compare_predictions, "comparison"),
    Entry("compare_blocks", compare_blocks, "comparison", needs="has_distances"),
    Entry("compare_similarity", compare_similarity, "comparison", needs="one_to_one"),
    Entry("compare_moved", compare_moved, "comparison", needs="has_averages"),
    Entry("compare_channels", compare_channels, "pair", needs="one_to_one"),
    Entry("compare_sorted", compare_sorted, "pair"),
    Entry("picture_channels", picture_channels, "batch"),
    Entry("cam_difference", cam_difference, "cams"),
    Entry("effects", effects, "effects"),
)
