"""From what a detector's heads say to boxes: decoding, and non-maximum suppression that remembers where each box came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

__all__ = ["Detections", "box_score", "corners", "decode", "detections"]

LEAST_SCORE, LARGEST_OVERLAP, MOST = 0.25, 0.45, 100


@dataclass(frozen=True)
class Detections:
    """The K boxes found on one picture, best first.

    Attributes:
        boxes: (K, 4) left, top, right, bottom in pixels of the picture that the network saw.
        labels: (K,) index into the classes.
        scores: (K,) probability that there is a thing, times that of its class.
        rows: (K,) row of the network's output that each box is: `box_score` takes it.
    """

    boxes: np.ndarray
    labels: np.ndarray
    scores: np.ndarray
    rows: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)


def decode(raw: Sequence[Tensor], anchors: Tensor, strides: Sequence[int]) -> Tensor:
    """Raw predictions of every scale as one tensor (N, rows, 5 + classes); rows go by scale, anchor, row and column of the cell.

    With t = sigmoid of a raw value: centre = (2 t - 0.5 + cell) stride, size = (2 t)^2 anchor (YOLOv5, version 6). Boxes
    are in pixels (centre x, centre y, width, height); objectness and classes stay logits.

    Args:
        raw: (N, A, H, W, 5 + classes) for each scale.
        anchors: (scales, A, 2) width and height in pixels.
        strides: pixels a cell of each scale.
    """
    return torch.cat(
        [_boxes(scale, boxes, stride).flatten(1, 3) for scale, boxes, stride in zip(raw, anchors, strides, strict=True)], dim=1
    )


def _boxes(scale: Tensor, anchors: Tensor, stride: int) -> Tensor:
    """One scale's predictions with their boxes in pixels, (N, A, H, W, 5 + classes)."""
    height, width = scale.shape[2:4]
    along = torch.arange(max(height, width), device=scale.device, dtype=scale.dtype)
    cells = torch.stack(torch.meshgrid(along[:width], along[:height], indexing="xy"), dim=-1)  # (H, W, 2)
    t = scale[..., :4].sigmoid()
    centres = (2 * t[..., :2] - 0.5 + cells) * stride
    # indexed to five axes at once: with four, whoever looks for the last feature map of a pass would take the anchors for it
    sizes = (2 * t[..., 2:]) ** 2 * anchors[None, :, None, None].to(scale.dtype)
    return torch.cat([centres, sizes, scale[..., 4:]], dim=-1)


def corners(boxes: Tensor) -> Tensor:
    """Boxes (..., 4) from centre and size to left, top, right, bottom."""
    centres, sizes = boxes[..., :2], boxes[..., 2:]
    return torch.cat([centres - sizes / 2, centres + sizes / 2], dim=-1)


def box_score(output: Tensor, picture: int, row: int, label: int) -> Tensor:
    """The score of one box as a scalar whose gradient can be asked for: objectness logit + class logit.

    Args:
        output: a detector's (N, rows, 5 + classes), as `decode` makes it.
        picture, row, label: of a box in `Detections`.
    """
    return output[picture, row, 4] + output[picture, row, 5 + label]


@torch.no_grad()
def detections(
    output: Tensor, *, least_score: float = LEAST_SCORE, largest_overlap: float = LARGEST_OVERLAP, most: int = MOST
) -> tuple[Detections, ...]:
    """What a detector found, one Detections a picture.

    Args:
        output: (N, rows, 5 + classes), as `decode` makes it.
        least_score: boxes below are dropped.
        largest_overlap: of two boxes of one class with a larger intersection over union, the lower is dropped.
        most: boxes a picture.
    """
    return tuple(_suppressed(rows.float(), least_score, largest_overlap, most) for rows in output)


def _suppressed(rows: Tensor, least_score: float, largest_overlap: float, most: int) -> Detections:
    """One picture's boxes."""
    from torchvision.ops import batched_nms

    probabilities = rows[:, 4:5].sigmoid() * rows[:, 5:].sigmoid()  # (rows, classes)
    scores, labels = probabilities.max(dim=1)
    likely = (scores >= least_score).nonzero().flatten()
    boxes = corners(rows[likely, :4])
    kept = likely[batched_nms(boxes, scores[likely], labels[likely], largest_overlap)[:most]]
    return Detections(*(part.cpu().numpy() for part in (corners(rows[kept, :4]), labels[kept], scores[kept], kept)))
