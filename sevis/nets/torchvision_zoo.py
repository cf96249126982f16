"""Classifiers of torchvision, by their name there."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from torch import nn

from sevis.nets.checkpoints import read
from sevis.nets.downloads import url_file
from sevis.nets.imagenet import class_names, told_apart
from sevis.nets.network import Blueprint, CheckpointError, Network, described

__all__ = ["TORCHVISION", "blueprint", "default_weights", "trained"]

TORCHVISION = "torchvision/"


def trained(name: str) -> Network:
    """A classifier "torchvision/NAME" with torchvision's default weights, their transforms and their categories.

    Raises:
        CheckpointError: torchvision knows no such classifier, or its weights are out of reach or damaged.
    """
    from torchvision.models import get_model

    weights = default_weights(name)
    path = url_file(weights.url)
    read(path)  # torchvision unpickles the file without a guard; what passes this one holds tensors alone
    try:
        module = get_model(name.removeprefix(TORCHVISION), weights=weights, progress=False).eval()
    except RuntimeError as error:
        raise CheckpointError(f"The weights of {name} cannot be used ({described(error)}); delete {path} and fetch it again.") from error
    return Network(name, module, weights.transforms(), _classes(weights))


def blueprint(name: str, arguments: Mapping[str, Any]) -> Blueprint:
    """A classifier of torchvision without weights; the arguments go to its builder.

    Raises:
        CheckpointError: torchvision knows no such classifier.
    """
    from torchvision.models import get_model

    weights = default_weights(name)

    def build(logits: int | None) -> nn.Module:
        options = {**arguments} if logits is None else {**arguments, "num_classes": logits}
        module: nn.Module = get_model(name.removeprefix(TORCHVISION), weights=None, **options)
        return module

    return Blueprint(name, build, lambda _: weights.transforms(), _classes(weights))


def default_weights(name: str) -> Any:
    """What torchvision says of a classifier's default weights; errors as those of `trained`."""
    from torchvision import models

    plain, known = name.removeprefix(TORCHVISION), models.list_models(module=models)
    if plain not in known:
        closest = difflib.get_close_matches(plain, known, 3)
        hint = f"the closest names are {', '.join(closest)}" if closest else f"choose from {', '.join(known)}"
        raise CheckpointError(f"torchvision has no classifier {plain!r}; {hint}.")
    return models.get_model_weights(plain).DEFAULT


def _classes(weights: Any) -> tuple[str, ...]:
    categories = weights.meta["categories"]
    return class_names(1000) if len(categories) == 1000 else told_apart(categories)
