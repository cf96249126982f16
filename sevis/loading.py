"""Networks by name, from a checkpoint or as a module, each as an Inspector on a device."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from sevis.inspector import Inspector
from sevis.nets import sources
from sevis.nets.imagenet import valid_names
from sevis.nets.network import CheckpointError, Network, Transform
from sevis.nets.zoo import shipped

__all__ = ["CheckpointError", "available", "choose_device", "load", "load_uploaded", "valid_names", "wrap"]


def choose_device(device: str | torch.device = "auto") -> torch.device:
    """The device of that name; "auto" takes cuda, then mps, then the CPU.

    Raises:
        ValueError: there is no such device here.
    """
    here = _devices_here()
    if device == "auto":
        return torch.device(here[0])
    try:
        chosen = torch.device(device)
    except RuntimeError:  # torch's own sentence lists twenty devices that are not here
        chosen = None
    if chosen is None or chosen.type not in here or (chosen.type == "cuda" and (chosen.index or 0) >= torch.cuda.device_count()):
        raise ValueError(f"no device {str(device)!r} here; choose from auto, {', '.join(here)}")
    return chosen


def _devices_here() -> list[str]:
    here = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    return [name for name, found in here.items() if found]


def available() -> tuple[str, ...]:
    """The names of the networks that ship; `sevis.menu` knows the others that are recommended."""
    return shipped()


def load(
    name: str,
    device: str | torch.device = "auto",
    *,
    weights: sources.Weights = "trained",
    arch: str | None = None,
    arguments: Mapping[str, Any] | None = None,
    classes: Sequence[str] | None = None,
    transform: Transform | None = None,
) -> Inspector:
    """An Inspector of a network of any source; its `device` says where it runs.

        load("photos12/se_resnet18")  # ships with sevis
        load("timm/skresnext50_32x4d.ra_in1k")  # or hf-hub:ORGANISATION/NAME, torchvision/NAME
        load("timm/seresnet50", weights=None)  # random weights: nothing is fetched
        load("mine.safetensors", arch="timm/seresnet50", classes=("cat", "dog"))  # or .pt, .pth
        load("mine.pt", arch="se_resnet18", arguments={"stem": "imagenet"})
        load("net.py:build")  # runs your function, which gives a module

    Args:
        weights: "trained", or None for random ones; a checkpoint has its own.
        arch: the network that a checkpoint is of, named like any other: a state dict does not tell.
        arguments: for the network's builder.
        classes: names in the order of the logits; None takes those that come with the network.
        transform: PIL picture -> tensor (3, H, W); None takes the one that comes with the network.

    Raises:
        CheckpointError: there is no such network, or it is out of reach, damaged, or does not fit; the sentence says which.
    """
    here = choose_device(device)
    return Inspector(sources.load(name, weights=weights, arch=arch, arguments=arguments, classes=classes, transform=transform), here)


def load_uploaded(data: bytes, arch: str, classes: Sequence[str] = (), device: str | torch.device = "auto") -> Inspector:
    """An Inspector of a visitor's safetensors file in a network of the menu; nothing that it holds is run.

    Args:
        arch: a name of the menu, to the letter.
        classes: names in the order of the logits; () takes ImageNet's, or numbers.

    Raises:
        CheckpointError: the file is too large or damaged, does not fit the network, or the names do not fit the file.
    """
    return Inspector(sources.load_uploaded(data, arch, classes), choose_device(device))


def wrap(
    module: nn.Module,
    transform: object,
    class_names: Sequence[str],
    *,
    name: str | None = None,
    device: str | torch.device | None = None,
) -> Inspector:
    """An Inspector of any classifier; the module itself is left exactly as it is.

    Args:
        module: (N, 3, H, W) -> logits (N, classes).
        transform: PIL picture -> tensor (3, H, W), as torchvision and timm make them.
        class_names: in the order of the logits.
        device: where to run; None runs where the module's weights are, "auto" picks.
    """
    if not callable(transform):
        raise TypeError(f"the transform is {type(transform).__name__}, expected a callable from a PIL picture to a tensor (3, H, W)")
    network = Network(name or type(module).__name__, module, transform, tuple(class_names))
    return Inspector(network, None if device is None else choose_device(device))
