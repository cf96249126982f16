"""What the figures say, in words for a reader who has never met SE or SK: computed from the records, never canned.

Every figure has a fixed sentence on what it shows (`WHAT`) and a function for what it shows of this picture (`TOLD`). Influence is
a first-order estimate, hence "about". One picture proves nothing about a network, so no sentence speaks of its health.
"""

from __future__ import annotations

from collections.abc import Callable

from sevis.analysis.rank import strongest
from sevis.sentences.block import (
    block_sentence,
    branches_sentence,
    channel_sentence,
    histogram_sentence,
    influence_sentence,
    maps_sentence,
    squeeze_sentence,
)
from sevis.sentences.standing_out import standouts
from sevis.sentences.what import WHAT
from sevis.sentences.whole import boxes_sentence, cam_row_sentence, cam_sentence, network_sentence, prediction_sentence

__all__ = [
    "TOLD",
    "WHAT",
    "block_sentence",
    "boxes_sentence",
    "branches_sentence",
    "cam_row_sentence",
    "cam_sentence",
    "channel_sentence",
    "histogram_sentence",
    "influence_sentence",
    "maps_sentence",
    "network_sentence",
    "prediction_sentence",
    "squeeze_sentence",
    "standouts",
]

TOLD: dict[str, Callable[..., str]] = {
    "network": network_sentence,
    "prediction": prediction_sentence,
    "boxes": boxes_sentence,
    "cam_row": cam_row_sentence,
    "cam": cam_sentence,
    "squeeze_weight": squeeze_sentence,
    "sorted_weights": block_sentence,
    "histogram": histogram_sentence,
    "influence": influence_sentence,
    "branches": branches_sentence,
    "feature_maps": lambda inspection, depth: maps_sentence(inspection, depth, strongest(inspection, depth)),
}
