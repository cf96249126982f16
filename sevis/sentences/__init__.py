"""What the figures say, in words for a reader who has never met SE or SK: computed from the records, never canned.

Every figure has a fixed sentence on what it shows (`WHAT`) and a function for what it shows of this picture (`TOLD`). Influence is
a first-order estimate, hence "about". One picture proves nothing about a network, so no sentence speaks of its health.
"""

from __future__ import annotations

from collections.abc import Callable

from sevis.analysis.rank import strongest
from sevis.sentences.batch import batch_sentence, picture_channels_sentence
from sevis.sentences.block import (
    block_sentence,
    branches_sentence,
    histogram_sentence,
    influence_sentence,
    maps_sentence,
    squeeze_sentence,
)
from sevis.sentences.channel import (
    channel_classes_sentence,
    channel_maps_sentence,
    channel_samples_sentence,
    channel_sentence,
    channel_sentences,
    share_sentence,
)
from sevis.sentences.compare import (
    compare_blocks_sentence,
    compare_cams_sentence,
    compare_channels_sentence,
    compare_moved_sentence,
    compare_predictions_sentence,
    compare_similarity_sentence,
    compare_sorted_sentence,
    compare_strips_sentence,
    differing,
)
from sevis.sentences.standing_out import standouts
from sevis.sentences.what import WHAT
from sevis.sentences.what_if import cam_difference_sentence, changes, effects_sentence
from sevis.sentences.whole import boxes_sentence, cam_row_sentence, cam_sentence, network_sentence, prediction_sentence

__all__ = [
    "TOLD",
    "WHAT",
    "batch_sentence",
    "block_sentence",
    "boxes_sentence",
    "branches_sentence",
    "cam_difference_sentence",
    "cam_row_sentence",
    "cam_sentence",
    "changes",
    "channel_classes_sentence",
    "channel_maps_sentence",
    "channel_samples_sentence",
    "channel_sentence",
    "channel_sentences",
    "compare_blocks_sentence",
    "compare_cams_sentence",
    "compare_channels_sentence",
    "compare_moved_sentence",
    "compare_predictions_sentence",
    "compare_similarity_sentence",
    "compare_sorted_sentence",
    "compare_strips_sentence",
    "differing",
    "effects_sentence",
    "histogram_sentence",
    "influence_sentence",
    "maps_sentence",
    "network_sentence",
    "picture_channels_sentence",
    "prediction_sentence",
    "share_sentence",
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
    "channel_maps": channel_maps_sentence,
    "channel_samples": channel_samples_sentence,
    "channel_classes": channel_classes_sentence,
    "compare_strips": compare_strips_sentence,
    "compare_predictions": compare_predictions_sentence,
    "compare_blocks": compare_blocks_sentence,
    "compare_similarity": compare_similarity_sentence,
    "compare_moved": compare_moved_sentence,
    "compare_channels": compare_channels_sentence,
    "compare_sorted": compare_sorted_sentence,
    "picture_channels": picture_channels_sentence,
    "cam_difference": cam_difference_sentence,
    "effects": effects_sentence,
}
