"""What the figures say, in words for a reader who has never met SE or SK: computed from the records, never canned.

Every figure has a fixed sentence on what it shows (`WHAT`) and a function for what it shows of this picture (`TOLD`). Influence is
a first-order estimate, hence "about". One picture proves nothing about a network, so no sentence speaks of its health.
"""

from __future__ import annotations

from collections.abc import Callable

from sevis.analysis.rank import strongest
from sevis.sentences.answers import answers_sentence
from sevis.sentences.arranged import activations_sentence, placements_sentence, spread_by_block_sentence
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
from sevis.sentences.doctor import (
    ablation_bars_sentence,
    doctor_sentence,
    finding_sentence,
    gate_branches_sentence,
    gate_histogram_sentence,
    gate_spectrum_sentence,
    gate_spread_sentence,
    gate_units_sentence,
    verdicts_sentence,
)
from sevis.sentences.excitation import excitation_narrowed_sentence, excitation_network_sentence
from sevis.sentences.monitor import gates_over_epochs_sentence, gates_played_sentence
from sevis.sentences.profile import (
    class_profile_sentence,
    class_spread_sentence,
    scale_sweep_channels_sentence,
    scale_sweep_classes_sentence,
    scale_sweep_sentence,
    scale_sweep_slopes_sentence,
    separation_sentence,
)
from sevis.sentences.scanned import channel_extremes_sentence, scan_classes_sentence
from sevis.sentences.selection import selection_formula
from sevis.sentences.squeeze import brush_sentence, squeeze_maps_sentence, squeeze_moved_sentence
from sevis.sentences.standing_out import standouts
from sevis.sentences.what import WHAT
from sevis.sentences.what_if import cam_difference_sentence, changes, effects_sentence
from sevis.sentences.whole import boxes_sentence, cam_row_sentence, cam_sentence, network_sentence, prediction_sentence
from sevis.sentences.zoomed import zoomed_shares_sentence

__all__ = [
    "TOLD",
    "WHAT",
    "ablation_bars_sentence",
    "activations_sentence",
    "answers_sentence",
    "batch_sentence",
    "block_sentence",
    "boxes_sentence",
    "branches_sentence",
    "brush_sentence",
    "cam_difference_sentence",
    "cam_row_sentence",
    "cam_sentence",
    "changes",
    "channel_classes_sentence",
    "channel_extremes_sentence",
    "channel_maps_sentence",
    "channel_samples_sentence",
    "channel_sentence",
    "channel_sentences",
    "class_profile_sentence",
    "class_spread_sentence",
    "compare_blocks_sentence",
    "compare_cams_sentence",
    "compare_channels_sentence",
    "compare_moved_sentence",
    "compare_predictions_sentence",
    "compare_similarity_sentence",
    "compare_sorted_sentence",
    "compare_strips_sentence",
    "differing",
    "doctor_sentence",
    "effects_sentence",
    "excitation_narrowed_sentence",
    "excitation_network_sentence",
    "finding_sentence",
    "gate_branches_sentence",
    "gate_histogram_sentence",
    "gate_spectrum_sentence",
    "gate_spread_sentence",
    "gate_units_sentence",
    "gates_over_epochs_sentence",
    "gates_played_sentence",
    "histogram_sentence",
    "influence_sentence",
    "maps_sentence",
    "network_sentence",
    "picture_channels_sentence",
    "placements_sentence",
    "prediction_sentence",
    "scale_sweep_channels_sentence",
    "scale_sweep_classes_sentence",
    "scale_sweep_sentence",
    "scale_sweep_slopes_sentence",
    "scan_classes_sentence",
    "selection_formula",
    "separation_sentence",
    "share_sentence",
    "spread_by_block_sentence",
    "squeeze_maps_sentence",
    "squeeze_moved_sentence",
    "squeeze_sentence",
    "standouts",
    "verdicts_sentence",
    "zoomed_shares_sentence",
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
    "squeeze_maps": squeeze_maps_sentence,
    "channel_maps": channel_maps_sentence,
    "channel_samples": channel_samples_sentence,
    "channel_classes": channel_classes_sentence,
    "channel_extremes": channel_extremes_sentence,
    "compare_strips": compare_strips_sentence,
    "compare_predictions": compare_predictions_sentence,
    "compare_blocks": compare_blocks_sentence,
    "compare_similarity": compare_similarity_sentence,
    "compare_moved": compare_moved_sentence,
    "compare_channels": compare_channels_sentence,
    "compare_sorted": compare_sorted_sentence,
    "squeeze_moved": squeeze_moved_sentence,
    "brush": brush_sentence,
    "picture_channels": picture_channels_sentence,
    "cam_difference": cam_difference_sentence,
    "effects": effects_sentence,
    "answers": answers_sentence,
    "class_profile": class_profile_sentence,
    "class_spread": class_spread_sentence,
    "separation": separation_sentence,
    "scale_sweep": scale_sweep_sentence,
    "scale_sweep_slopes": scale_sweep_slopes_sentence,
    "scale_sweep_channels": scale_sweep_channels_sentence,
    "scale_sweep_classes": scale_sweep_classes_sentence,
    "verdicts": verdicts_sentence,
    "gate_histogram": gate_histogram_sentence,
    "gate_spread": gate_spread_sentence,
    "gate_units": gate_units_sentence,
    "gate_spectrum": gate_spectrum_sentence,
    "gate_branches": gate_branches_sentence,
    "ablation_bars": ablation_bars_sentence,
    "gates_over_epochs": gates_over_epochs_sentence,
    "gates_played": gates_played_sentence,
    "placements": placements_sentence,
    "activations": activations_sentence,
    "spread_by_block": spread_by_block_sentence,
    "excitation_network": excitation_network_sentence,
    "excitation_narrowed": excitation_narrowed_sentence,
    "zoomed_shares": zoomed_shares_sentence,
}
