"""Pictures whose boxes are known: photographs pasted on a blurred background, for detectors to learn from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from sevis.nets.photographs import Photographs

__all__ = ["MOST", "Composition", "Compositions", "compose", "composed"]

MOST = 4  # photographs on one picture
NOBODY = -1  # label of a place that is not taken
TRIES = 12  # to find room for one photograph
SMALLEST, LARGEST, ALONE = 0.25, 0.6, 1.0  # side of a pasted photograph, in sides of the picture; ALONE: where it has no neighbour
COVERED = 0.15  # a photograph may cover that share of another
BLUR = 6  # the background is another photograph brought down to that many pixels a side


@dataclass(frozen=True)
class Composition:
    """One picture and what was pasted on it.

    Attributes:
        pixels: (3, S, S) uint8.
        boxes: (MOST, 4) float32: left, top, right, bottom in pixels; zeros where nothing was pasted.
        labels: (MOST,) int64, index into the classes; -1 where nothing was pasted.
    """

    pixels: Tensor
    boxes: Tensor
    labels: Tensor


@dataclass(frozen=True)
class Compositions:
    """Many pictures: pixels (N, 3, S, S), boxes (N, MOST, 4) and labels (N, MOST), as in Composition."""

    pixels: np.ndarray
    boxes: np.ndarray
    labels: np.ndarray


def composed(photographs: Photographs, side: int, seed: int = 0) -> Compositions:
    """One picture a photograph, always the same ones for a seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        made = [compose(photographs, index, side) for index in range(len(photographs))]
    return Compositions(
        np.stack([each.pixels.numpy() for each in made]),
        np.stack([each.boxes.numpy() for each in made]),
        np.stack([each.labels.numpy() for each in made]),
    )


def compose(photographs: Photographs, index: int, side: int) -> Composition:
    """One to four photographs, that of the index among them, on a picture of `side` pixels.

    Draws from torch's global generator, as torchvision's transforms do.
    """
    canvas = _resized(_pixels(photographs, _any(photographs)), BLUR, BLUR)
    canvas = _resized(canvas, side, side)
    count = int(torch.randint(1, MOST + 1, ()))
    boxes, labels = torch.zeros(MOST, 4), torch.full((MOST,), NOBODY)
    for place, chosen in enumerate([index, *(_any(photographs) for _ in range(count - 1))]):
        box = _room(boxes[:place], side, ALONE if count == 1 else LARGEST)
        if box is not None:
            left, top, right, bottom = box
            pasted = _flipped(_resized(_pixels(photographs, chosen), bottom - top, right - left))
            canvas[:, top:bottom, left:right] = pasted
            boxes[place], labels[place] = torch.tensor(box, dtype=torch.float32), int(photographs.labels[chosen])
    return Composition(canvas, boxes, labels)


def _any(photographs: Photographs) -> int:
    return int(torch.randint(len(photographs), ()))


def _pixels(photographs: Photographs, index: int) -> Tensor:
    return torch.from_numpy(photographs.pixels[index])


def _resized(pixels: Tensor, height: int, width: int) -> Tensor:
    return F.interpolate(pixels[None], (height, width), mode="bilinear", antialias=True)[0]


def _flipped(pixels: Tensor) -> Tensor:
    return pixels.flip(-1) if torch.rand(()) < 0.5 else pixels


def _room(taken: Tensor, side: int, largest: float) -> tuple[int, int, int, int] | None:
    """Left, top, right and bottom of a place that hardly covers another's; None where a dozen tries find none."""
    for _ in range(TRIES):
        size, stretch = torch.empty(()).uniform_(SMALLEST, largest), torch.empty(()).uniform_(-0.25, 0.25).exp()
        width, height = (min(int(side * size * factor), side) for factor in (stretch.sqrt(), 1 / stretch.sqrt()))
        left, top = int(torch.randint(side - width + 1, ())), int(torch.randint(side - height + 1, ()))
        box = (left, top, left + width, top + height)
        if _covered(box, taken) <= COVERED:
            return box
    return None


def _covered(box: tuple[int, int, int, int], taken: Tensor) -> float:
    """The largest share of a taken place, or of the box, that the two have in common."""
    mine = torch.tensor(box, dtype=torch.float32)
    common = (torch.minimum(mine[2:], taken[:, 2:]) - torch.maximum(mine[:2], taken[:, :2])).clamp(min=0).prod(dim=1)
    areas = torch.minimum((taken[:, 2:] - taken[:, :2]).prod(dim=1), (mine[2:] - mine[:2]).prod())
    return float((common / areas.clamp(min=1)).max()) if len(taken) else 0.0
