"""What a detector learns from: which predictions are to find which box, and how far they are off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from sevis.nets.detection import corners, decode

__all__ = ["Matches", "detection_loss", "match"]

BOXES = 3.0  # weight of their loss: with 1, after 80 steps on four pictures the mean overlap was 0.77; with 3, it was 0.87
SPARE = (0.0, 0.0, 0.01, 0.01)  # pixels of size that every box is given: one that has shrunk to nothing has no aspect, and a loss of NaN
LARGEST_RATIO = 4.0  # of a box's side to its anchor's, either way: what (2 sigmoid(t))^2 can reach


@dataclass(frozen=True)
class Matches:
    """The predictions of one scale that are to find a box, and that box: each (P,) or (P, 4).

    Attributes:
        place: (picture, anchor, row, column) of the prediction, four tensors.
        boxes: left, top, right, bottom in pixels.
        labels: index into the classes.
    """

    place: tuple[Tensor, Tensor, Tensor, Tensor]
    boxes: Tensor
    labels: Tensor


def match(boxes: Tensor, labels: Tensor, anchors: Tensor, stride: int, cells: tuple[int, int]) -> Matches:
    """Every box with every anchor of like size, in its own cell and in the two that its centre is nearest to.

    A prediction's centre reaches half a cell beyond its own (see `decode`), so that the neighbours can find it too.

    Args:
        boxes: (N, T, 4) left, top, right, bottom in pixels.
        labels: (N, T); -1 where there is no box.
        anchors: (A, 2) width and height in pixels.
        stride: pixels a cell.
        cells: (H, W) of this scale.
    """
    picture, number = (labels >= 0).nonzero(as_tuple=True)
    chosen = boxes[picture, number]  # (B, 4)
    ratios = (chosen[:, 2:] - chosen[:, :2])[:, None] / anchors  # (B, A, 2)
    box, anchor = (torch.maximum(ratios, 1 / ratios).amax(dim=2) < LARGEST_RATIO).nonzero(as_tuple=True)
    near = _near_cells((chosen[:, :2] + chosen[:, 2:]) / 2 / stride)[box]  # (pairs, 3, 2)
    limits = torch.tensor([cells[1], cells[0]], device=boxes.device)
    pair, which = ((near >= 0) & (near < limits)).all(dim=2).nonzero(as_tuple=True)
    column, row = near[pair, which].unbind(dim=1)
    box, anchor = box[pair], anchor[pair]
    return Matches((picture[box], anchor, row, column), chosen[box], labels[picture[box], number[box]])


def _near_cells(centres: Tensor) -> Tensor:
    """The cell of each centre (B, 2), and its nearest neighbours along x and along y: (B, 3, 2), some of them outside."""
    own = centres.floor()
    aside = torch.where(centres - own < 0.5, -1, 1)
    steps = torch.stack([torch.zeros_like(aside), aside * aside.new_tensor([1, 0]), aside * aside.new_tensor([0, 1])], dim=1)
    return own.long()[:, None] + steps


def detection_loss(raw: Sequence[Tensor], boxes: Tensor, labels: Tensor, anchors: Tensor, strides: Sequence[int]) -> Tensor:
    """A scalar: complete IoU of the boxes (Zheng et al. 2020) and binary cross-entropies of objectness and classes, over the matches.

    Objectness is to be the overlap that the prediction has reached, so that a score tells how good its box is.

    Args:
        raw: a detector's predictions in training mode, (N, A, H, W, 5 + classes) for each scale.
        boxes: (N, T, 4) left, top, right, bottom in pixels.
        labels: (N, T); -1 where there is no box.
        anchors: (scales, A, 2) width and height in pixels.
        strides: pixels a cell of each scale.
    """
    losses, count = torch.zeros((), device=boxes.device), 0
    for scale, sizes, stride in zip(raw, anchors, strides, strict=True):
        height, width = scale.shape[2:4]
        matches = match(boxes, labels, sizes, stride, (height, width))
        losses = losses + _scale_loss(scale.float(), matches, sizes, stride)
        count += len(matches.labels)
    return losses / max(count, 1)


def _scale_loss(scale: Tensor, matches: Matches, anchors: Tensor, stride: int) -> Tensor:
    """One scale's losses, summed over its predictions."""
    from torchvision.ops import complete_box_iou_loss

    found = decode([scale], anchors[None], [stride]).view_as(scale)[matches.place]  # (P, 5 + classes)
    apart = complete_box_iou_loss(corners(found[:, :4] + found.new_tensor(SPARE)), matches.boxes)
    wanted = scale.new_zeros(scale.shape[:-1])  # contiguous, whatever the memory format of the maps
    places = torch.arange(wanted.numel(), device=scale.device).view_as(wanted)[matches.place]
    wanted.view(-1).scatter_reduce_(0, places, (1 - apart).detach().clamp(min=0), "amax")  # two boxes may want one place
    classes = F.one_hot(matches.labels, scale.shape[-1] - 5).to(scale.dtype)
    losses: Tensor = (
        BOXES * apart.sum()
        + F.binary_cross_entropy_with_logits(scale[..., 4], wanted, reduction="sum")
        + F.binary_cross_entropy_with_logits(found[:, 5:], classes, reduction="sum")
    )
    return losses
