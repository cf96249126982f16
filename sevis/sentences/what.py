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
    "channel_maps": "One channel's feature map over the picture: what the channel answers to, before and after the gate.",
    "channel_samples": "The weight that the same channel gets on the sample pictures.",
    "channel_classes": "The weight that the same channel gets on average over the pictures of each class.",
    "compare_strips": "Each row is one block and each cell one of its channels, on both sides in the same colours.",
    "compare_predictions": "What either side finds most probable; bold is the class that the other figures explain.",
    "compare_blocks": "How far the weights of the second side lie from those of the first, block by block.",
    "compare_similarity": "How alike the weights of all channels are in each block; 1 is the same, 0 unrelated.",
    "compare_moved": "How far each block's weights lie from those of the average picture, counted in their usual spread.",
    "compare_channels": "Each point is a channel: to the right its weight on the first side, upwards on the second.",
    "compare_sorted": "The channels of both sides from the highest to the lowest, so that blocks of any width can be laid over each other.",
    "picture_channels": "Each row is one picture and each cell one channel; the tree joins pictures that the block treated alike.",
    "cam_difference": "Where the edited network speaks more for the class than before, and where less.",
    "effects": "How the class's score changes when one block at a time is changed and all others are left to compute their own weights.",
}
