"""The recipes behind pretrained/: numbers alone, so that reading them loads no torch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

__all__ = ["PHOTOGRAPH", "RECIPES", "Course", "Recipe"]

PHOTOGRAPH = 160  # side of photos12's photographs, in pixels


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the outcome of a training run.

    Attributes:
        sizes: (share of the epochs, side in pixels), in order: progressive resolution.
        weight_decay: on convolutions and the linear layer only. On the excitation it flattens the gates: docs/findings.md
            has what 1e-5 to 5e-3 did.
        excitation_rate: factor on the learning rate of the excitation's parameters, whose gradients are small because
            a sigmoid and a mean stand between them and the features.
        excitation_decay: weight decay on the excitation: none, but where a collapse is to be shown.
        ema: decay of the weights' moving average, an update a step; the average is what is kept.
        precision: "bfloat16" (autocast) or "float32".
    """

    epochs: int = 40
    sizes: tuple[tuple[float, int], ...] = ((0.3, 64), (0.6, 96), (0.1, 128))
    batch: int = 128
    learning_rate: float = 0.2
    excitation_rate: float = 1.0
    excitation_decay: float = 0.0
    momentum: float = 0.9
    weight_decay: float = 5e-4
    warm_up: float = 0.1
    label_smoothing: float = 0.1
    smallest_crop: float = 0.3
    recolouring: float = 0.5
    erasing: float = 0.1
    ema: float = 0.998
    precision: str = "bfloat16"
    seed: int = 0

    def side(self, epoch: int) -> int:
        """The pictures' side in that epoch, counted from 0."""
        done = 0.0
        for share, side in self.sizes:
            done += share
            if epoch < round(done * self.epochs):
                return side
        return self.sizes[-1][1]


@dataclass(frozen=True)
class Course:
    """How a shipped checkpoint was made.

    Attributes:
        arguments: of the architecture, beside the number of classes.
        architecture: of ARCHITECTURES, where the checkpoint is not called after it.
        recipes: what it went through in turn, each from the averaged weights of the one before.
        side: of the square that the network sees when it is measured and used; it sees best a little above the size that
            it was trained at (Touvron et al. 2019).
        task: of TASKS.
        about: what whoever uses the network should know of it.
    """

    arguments: dict[str, Any]
    recipes: tuple[Recipe, ...]
    side: int = PHOTOGRAPH
    task: str = "classification"
    about: str = ""
    architecture: str = ""


FINISH = Recipe(epochs=8, sizes=((1.0, 128),), learning_rate=0.06, ema=0.99, seed=1)
BOXES = Recipe(epochs=20, sizes=((0.5, 128), (0.5, 160)), batch=64, learning_rate=0.1)
SPREAD = replace(FINISH, excitation_rate=5.0, seed=2)  # draws the channels' weights apart

RECIPES: dict[str, Course] = {
    "se_resnet18": Course({"stem": "imagenet", "width": 0.5, "reduction": 8}, (Recipe(epochs=40), FINISH, SPREAD)),
    "se_resnet18_collapsed": Course(
        {"stem": "imagenet", "width": 0.5, "reduction": 8},
        (Recipe(epochs=16, excitation_decay=5e-3),),
        about="A teaching checkpoint: weight decay of 5e-3 on the excitation collapsed its gates, whose weights are nearly one half.",
        architecture="se_resnet18",
    ),
    # two groups: twice as fast on a CPU as eight, with twice the parameters
    "sk_net26": Course({"stem": "imagenet", "width": 0.25, "groups": 2}, (Recipe(epochs=60),)),
    "se_densenet": Course({"growth_rate": 24, "block_config": (3, 5, 7, 5), "reduction": 4}, (Recipe(epochs=24),)),
    "yolov5_se": Course(
        {"size": "n", "reduction": 8},
        (BOXES,),
        side=192,
        task="detection",
        about="This detector learned from composed pictures, one to four photographs pasted on a blurred one, whose boxes are known:"
        " it finds the frames of photographs as much as the things in them.",
    ),
}
