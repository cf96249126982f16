"""What every figure shows, in one sentence for a reader who has never met SE or SK."""

from __future__ import annotations

__all__ = ["WHAT"]

WHAT: dict[str, str] = {
    "network": "Each row is one block and each cell one of its channels; the colour says how strongly the block let that channel through.",
    "prediction": "What the network finds most probable for this picture.",
    "boxes": "A frame around each thing that the network found, numbered from the surest on.",
    "cam_row": "Grad-CAM marks the places of the picture that spoke for the explained class, seen from each block in turn.",
    "cam": "Grad-CAM marks the places of the picture that spoke for the explained class; 100% is the strongest place, if any spoke.",
    "squeeze_weight": "Each point is a channel: to the right the mean of its feature map (the squeeze), upwards the weight it got for it.",
    "sorted_weights": "The block's weights from highest to lowest; each weight multiplies one feature map.",
    "histogram": "How many of the block's channels have which weight.",
    "influence": "What each channel's weight added to the score of the explained class: the weight times the slope of the score by it.",
    "branches": "A selection mixes branches that look at smaller and larger surroundings; every channel has its own mixture.",
    "feature_maps": "Feature maps before and after the gate, which multiplies each whole map by one number and adds up its branches.",
}
