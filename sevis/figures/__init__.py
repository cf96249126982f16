"""Records in, plotly figures out: one pure function a file, and the table that lists them.

Nothing here imports streamlit or torch, and no page styles a chart.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from sevis.figures.ablation_bars import ablation_bars
from sevis.figures.activations import activations
from sevis.figures.answers import answers
from sevis.figures.boxes import boxes
from sevis.figures.branches import branches
from sevis.figures.brush import brush
from sevis.figures.cam import cam
from sevis.figures.cam_difference import cam_difference
from sevis.figures.cam_row import cam_row
from sevis.figures.channel_classes import channel_classes
from sevis.figures.channel_extremes import channel_extremes
from sevis.figures.channel_maps import channel_maps
from sevis.figures.channel_samples import channel_samples
from sevis.figures.class_profile import class_profile
from sevis.figures.class_spread import class_spread
from sevis.figures.compare_blocks import compare_blocks
from sevis.figures.compare_channels import compare_channels
from sevis.figures.compare_moved import compare_moved
from sevis.figures.compare_predictions import compare_predictions
from sevis.figures.compare_similarity import compare_similarity
from sevis.figures.compare_sorted import compare_sorted
from sevis.figures.compare_strips import compare_strips
from sevis.figures.effects import effects
from sevis.figures.excitation_narrowed import excitation_narrowed
from sevis.figures.excitation_network import excitation_network
from sevis.figures.feature_maps import feature_maps
from sevis.figures.gate_branches import gate_branches
from sevis.figures.gate_histogram import gate_histogram
from sevis.figures.gate_spectrum import gate_spectrum
from sevis.figures.gate_spread import gate_spread
from sevis.figures.gate_units import gate_units
from sevis.figures.gates_over_epochs import gates_over_epochs
from sevis.figures.gates_played import gates_played
from sevis.figures.histogram import histogram
from sevis.figures.influence import influence
from sevis.figures.network import network
from sevis.figures.numbers import numbers
from sevis.figures.overlay import COLORMAPS, overlay
from sevis.figures.picture_channels import picture_channels
from sevis.figures.placements import placements
from sevis.figures.prediction import prediction
from sevis.figures.scale_sweep import scale_sweep
from sevis.figures.scale_sweep_channels import scale_sweep_channels
from sevis.figures.scale_sweep_classes import scale_sweep_classes
from sevis.figures.scale_sweep_slopes import scale_sweep_slopes
from sevis.figures.separation import separation
from sevis.figures.sorted_weights import sorted_weights
from sevis.figures.spread_by_block import spread_by_block
from sevis.figures.squeeze_maps import squeeze_maps
from sevis.figures.squeeze_moved import squeeze_moved
from sevis.figures.squeeze_weight import squeeze_weight
from sevis.figures.theme import DARK, LIGHT, Theme
from sevis.figures.verdicts import verdicts
from sevis.figures.zoomed_shares import zoomed_shares
from sevis.records import Kind

__all__ = [
    "COLORMAPS",
    "DARK",
    "FIGURES",
    "LIGHT",
    "Entry",
    "Theme",
    "ablation_bars",
    "activations",
    "answers",
    "boxes",
    "branches",
    "brush",
    "cam",
    "cam_difference",
    "cam_row",
    "channel_classes",
    "channel_extremes",
    "channel_maps",
    "channel_samples",
    "class_profile",
    "class_spread",
    "compare_blocks",
    "compare_channels",
    "compare_moved",
    "compare_predictions",
    "compare_similarity",
    "compare_sorted",
    "compare_strips",
    "effects",
    "excitation_narrowed",
    "excitation_network",
    "feature_maps",
    "gate_branches",
    "gate_histogram",
    "gate_spectrum",
    "gate_spread",
    "gate_units",
    "gates_over_epochs",
    "gates_played",
    "histogram",
    "influence",
    "network",
    "numbers",
    "overlay",
    "picture_channels",
    "placements",
    "prediction",
    "scale_sweep",
    "scale_sweep_channels",
    "scale_sweep_classes",
    "scale_sweep_slopes",
    "separation",
    "sorted_weights",
    "spread_by_block",
    "squeeze_maps",
    "squeeze_moved",
    "squeeze_weight",
    "verdicts",
    "zoomed_shares",
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
            "samples", "classes" and
            "extremes" with the weights on the samples, the names of the classes or the pictures of a scan besides, "comparison" with a
            comparison, "pair" with a comparison and the place of a pair, "cams" with a picture and two maps, "effects" with outcomes,
            "batch" with a batch and a depth, "run" with a part of sevis.profiles.Profile, "evidence" with diagnoses, with
            one gate's statistics, or with its name and its ablations, "training" with a monitor's looks and a metric, "brush" with a
            picture, its grid and the part that is covered, "answers" with names and inspections of one picture,
            "arranged" with the arrangements of one network and the place of one, "gates" with the statistics of all gates,
            "excitation" with an excitation, its record and a channel or a number of units, "zoomed" with an analysis.zoomed.Zoomed.
        needs: a property of the comparison without which it cannot be drawn; "" where it always can.
        kinds: the kinds of gate that it can draw.
    """

    name: str
    draw: Callable[..., Any]
    of: Literal[
        "picture",
        "boxes",
        "block",
        "cam",
        "channel",
        "samples",
        "classes",
        "extremes",
        "comparison",
        "pair",
        "cams",
        "effects",
        "batch",
        "run",
        "evidence",
        "training",
        "arranged",
        "gates",
        "brush",
        "answers",
        "excitation",
        "zoomed",
    ]
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
    Entry("squeeze_maps", squeeze_maps, "block"),
    Entry("channel_maps", channel_maps, "channel"),
    Entry("channel_samples", channel_samples, "samples"),
    Entry("channel_classes", channel_classes, "classes"),
    Entry("channel_extremes", channel_extremes, "extremes"),
    Entry("compare_strips", compare_strips, "comparison"),
    Entry("compare_predictions", compare_predictions, "comparison"),
    Entry("compare_blocks", compare_blocks, "comparison", needs="has_distances"),
    Entry("compare_similarity", compare_similarity, "comparison", needs="one_to_one"),
    Entry("compare_moved", compare_moved, "comparison", needs="has_averages"),
    Entry("compare_channels", compare_channels, "pair", needs="one_to_one"),
    Entry("compare_sorted", compare_sorted, "pair"),
    Entry("squeeze_moved", squeeze_moved, "pair", needs="one_to_one"),
    Entry("brush", brush, "brush"),
    Entry("picture_channels", picture_channels, "batch"),
    Entry("cam_difference", cam_difference, "cams"),
    Entry("effects", effects, "effects"),
    Entry("answers", answers, "answers"),
    Entry("class_profile", class_profile, "run"),
    Entry("class_spread", class_spread, "run"),
    Entry("separation", separation, "run"),
    Entry("scale_sweep", scale_sweep, "run", ("branch",)),
    Entry("scale_sweep_slopes", scale_sweep_slopes, "run", ("branch",)),
    Entry("scale_sweep_channels", scale_sweep_channels, "run", ("branch",)),
    Entry("scale_sweep_classes", scale_sweep_classes, "run", ("branch",)),
    Entry("verdicts", verdicts, "evidence"),
    Entry("gate_histogram", gate_histogram, "evidence"),
    Entry("gate_spread", gate_spread, "evidence"),
    Entry("gate_units", gate_units, "evidence"),
    Entry("gate_spectrum", gate_spectrum, "evidence"),
    Entry("gate_branches", gate_branches, "evidence", ("branch",)),
    Entry("ablation_bars", ablation_bars, "evidence"),
    Entry("gates_over_epochs", gates_over_epochs, "training"),
    Entry("gates_played", gates_played, "training"),
    Entry("placements", placements, "arranged"),
    Entry("activations", activations, "arranged"),
    Entry("spread_by_block", spread_by_block, "gates"),
    Entry("excitation_network", excitation_network, "excitation", ("channel",)),
    Entry("excitation_narrowed", excitation_narrowed, "excitation", ("channel",)),
    Entry("zoomed_shares", zoomed_shares, "zoomed", ("branch",)),
)
