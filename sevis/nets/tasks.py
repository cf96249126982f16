"""What a network can be trained for: where its examples come from, and what it is told of its answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import Dataset

from sevis.nets.compositions import compose
from sevis.nets.detection_loss import detection_loss
from sevis.nets.photographs import Photographs
from sevis.nets.recipes import Recipe

__all__ = ["CLASSIFICATION", "DETECTION", "TASKS", "Task"]


@dataclass(frozen=True)
class Task:
    """What a network is trained for.

    Attributes:
        examples: (photographs, recipe, side) -> data set of (pixels uint8 (3, side, side), targets...).
        loss: (the network's output, a batch of the targets, recipe, the network) -> scalar.
    """

    examples: Callable[[Photographs, Recipe, int], Dataset[tuple[Tensor, ...]]]
    loss: Callable[[Any, tuple[Tensor, ...], Recipe, nn.Module], Tensor]


class _Labelled(Dataset[tuple[Tensor, ...]]):
    """The training photographs, each time cropped, flipped and recoloured anew."""

    def __init__(self, photographs: Photographs, recipe: Recipe, side: int) -> None:
        from torchvision.transforms import v2

        self._pixels = torch.from_numpy(photographs.pixels)
        self._labels = torch.from_numpy(photographs.labels)
        self._augment = v2.Compose(
            [
                v2.RandomResizedCrop(side, scale=(recipe.smallest_crop, 1.0), antialias=True),
                v2.RandomHorizontalFlip(),
                v2.RandomApply([v2.TrivialAugmentWide()], recipe.recolouring),
                v2.RandomErasing(recipe.erasing, value=0),
            ]
        )

    def __len__(self) -> int:
        return len(self._labels)

    def __getitem__(self, index: int) -> tuple[Tensor, ...]:
        return self._augment(self._pixels[index]), self._labels[index]


def _cross_entropy(logits: Tensor, targets: tuple[Tensor, ...], recipe: Recipe, module: nn.Module) -> Tensor:
    return F.cross_entropy(logits, targets[0], label_smoothing=recipe.label_smoothing)


class _Composed(Dataset[tuple[Tensor, ...]]):
    """Pictures composed of the training photographs, each time anew: pixels, boxes and labels."""

    def __init__(self, photographs: Photographs, recipe: Recipe, side: int) -> None:
        from torchvision.transforms import v2

        self._photographs, self._side = photographs, side
        self._recolour = v2.RandomApply([v2.ColorJitter(0.4, 0.4, 0.4, 0.1)], recipe.recolouring)

    def __len__(self) -> int:
        return len(self._photographs)

    def __getitem__(self, index: int) -> tuple[Tensor, ...]:
        made = compose(self._photographs, index, self._side)
        return self._recolour(made.pixels), made.boxes, made.labels


def _boxes(raw: Any, targets: tuple[Tensor, ...], recipe: Recipe, module: nn.Module) -> Tensor:
    boxes, labels = targets
    return detection_loss(raw, boxes, labels, cast(Tensor, module.anchors), cast(tuple[int, ...], module.strides))


CLASSIFICATION = Task(_Labelled, _cross_entropy)
DETECTION = Task(_Composed, _boxes)
TASKS: dict[str, Task] = {"classification": CLASSIFICATION, "detection": DETECTION}
