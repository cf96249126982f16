"""What a network can be trained for: where its examples come from, and what it is told of its answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import Dataset

from sevis.nets.photographs import Photographs
from sevis.nets.recipes import Recipe

__all__ = ["CLASSIFICATION", "TASKS", "Task"]


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


CLASSIFICATION = Task(_Labelled, _cross_entropy)
TASKS: dict[str, Task] = {"classification": CLASSIFICATION}
