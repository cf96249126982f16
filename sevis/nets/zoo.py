"""The networks by name: what each is built from, and the checkpoints that ship with sevis."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor, nn

from sevis.nets.checkpoints import read_safetensors
from sevis.nets.fitting import fill
from sevis.nets.imagenet import class_names
from sevis.nets.network import Blueprint, CheckpointError, Network
from sevis.nets.preprocessing import Preprocessing
from sevis.nets.se_densenet import se_densenet
from sevis.nets.se_inception import se_inception
from sevis.nets.se_resnet import ABLATIONS, se_resnet
from sevis.nets.se_resnet import DEPTHS as SE_DEPTHS
from sevis.nets.sk_net import DEPTHS as SK_DEPTHS
from sevis.nets.sk_net import sk_net
from sevis.nets.yolov5_se import yolov5_se
from sevis.places import PRETRAINED
from sevis.records import GateAverage

__all__ = ["ARCHITECTURES", "PRETRAINED", "CheckpointError", "Network", "blueprint", "load_network", "read_card", "shipped"]

ARCHITECTURES: Mapping[str, Callable[..., nn.Module]] = {
    **{f"se_resnet{depth}": partial(se_resnet, depth) for depth in SE_DEPTHS},
    **{f"sk_net{depth}": partial(sk_net, depth) for depth in SK_DEPTHS},
    "se_densenet": se_densenet,
    "se_inception": se_inception,
    "yolov5_se": yolov5_se,
    **{f"se_resnet50 {name}": partial(se_resnet, 50, classes=1000, stem="imagenet", **options) for name, options in ABLATIONS.items()},
}

CLASSIFIER, DETECTOR = "classification", "detection"
DETECTORS = frozenset({"yolov5_se"})


def shipped(folder: Path | None = None) -> tuple[str, ...]:
    """Names of the checkpoints that lie in pretrained/, in order."""
    root = folder or PRETRAINED
    return tuple(sorted(str(card.relative_to(root).with_suffix("")) for card in root.rglob("*.json")))


def read_card(name: str, folder: Path | None = None) -> dict[str, Any]:
    """A shipped checkpoint's card.

    Raises:
        CheckpointError: no such name, or a card that is not JSON.
    """
    root = folder or PRETRAINED
    names = shipped(root)
    if name not in names:  # an exact name from the list: no path of a visitor's ever reaches the disk
        raise CheckpointError(f"There is no network {name!r}; choose from {', '.join(names) or 'none: the folder pretrained/ is empty'}.")
    try:
        card: dict[str, Any] = json.loads((root / f"{name}.json").read_text(encoding="utf-8"))
    except ValueError as error:
        raise CheckpointError(f"The card {name}.json cannot be read ({error}); fetch it anew.") from error
    return card


def load_network(name: str, folder: Path | None = None) -> Network:
    """A shipped network with its trained weights, on the CPU.

    Raises:
        CheckpointError: the file is missing, is not the one that its card names, or does not fit the network.
    """
    root, card = folder or PRETRAINED, read_card(name, folder)
    with _described_by(name):
        state = _tensors(root / f"{name}.safetensors", card["sha256"])
        module = ARCHITECTURES[card["architecture"]](**card["arguments"])
        fill(module, state, name)
        averages = _averages(_tensors(root / f"{name}.gates.safetensors", card["averages"]["sha256"]), card)
        preprocessing, task = Preprocessing.from_card(card["preprocessing"]), card.get("task", CLASSIFIER)
        return Network(name, module.eval(), preprocessing, tuple(card["classes"]), averages, task=task, warnings=_about(card))


def blueprint(name: str, arguments: Mapping[str, Any], folder: Path | None = None) -> Blueprint:
    """One of ARCHITECTURES, or what a shipped network is built from, without weights; the arguments go to its builder.

    An architecture whose stem is made for small pictures ("cifar") sees 32 pixels, any other 224; a card says it for its own.
    """
    if name in ARCHITECTURES:
        builder = ARCHITECTURES[name]
        usual = {key: parameter.default for key, parameter in signature(builder).parameters.items()} | dict(arguments)
        preprocessing = Preprocessing(32, 32) if usual.get("stem") == "cifar" else Preprocessing(224, 256)
        task = DETECTOR if name in DETECTORS else CLASSIFIER
        return _blueprint(name, partial(builder, **arguments), preprocessing, class_names(usual["classes"]), task)
    card = read_card(name, folder)
    with _described_by(name):
        builder = partial(ARCHITECTURES[card["architecture"]], **{**card["arguments"], **arguments})
        task = card.get("task", CLASSIFIER)
        return _blueprint(name, builder, Preprocessing.from_card(card["preprocessing"]), tuple(card["classes"]), task)


def _blueprint(
    name: str, builder: Callable[..., nn.Module], preprocessing: Preprocessing, classes: tuple[str, ...], task: str
) -> Blueprint:
    return Blueprint(name, lambda logits: builder() if logits is None else builder(classes=logits), lambda _: preprocessing, classes, task)


@contextmanager
def _described_by(name: str) -> Iterator[None]:
    """What a card lacks, or names without it being there, is told as the card's fault."""
    try:
        yield
    except CheckpointError:
        raise
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"The card {name}.json does not describe a network ({type(error).__name__}: {error}); fetch it anew."
        ) from error


def _tensors(path: Path, sha256: str) -> dict[str, Tensor]:
    """A safetensors file's tensors, once its sha256 agrees."""
    if not path.is_file():
        raise CheckpointError(f"The checkpoint {path.name} is missing; fetch the folder pretrained/ anew, or choose another network.")
    data = path.read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise CheckpointError(
            f"The checkpoint {path.name} is damaged: its sha256 begins with {found[:12]}, its card says {sha256[:12]}; fetch it anew."
        )
    return read_safetensors(data, name=path.name)


def _about(card: dict[str, Any]) -> tuple[str, ...]:
    """What the card has to say to whoever uses the network."""
    return (str(card["about"]),) if card.get("about") else ()


def _averages(tensors: dict[str, Tensor], card: dict[str, Any]) -> tuple[GateAverage, ...]:
    pictures = card["averages"]["pictures"]
    return tuple(GateAverage(path, pictures=pictures, **_known(tensors, path)) for path in card["averages"]["paths"])


def _known(tensors: dict[str, Tensor], path: str) -> dict[str, np.ndarray]:
    """What the file says of one gate."""
    names = ("mean", "spread", "quantiles", "by_class")
    return {name: tensors[key].float().numpy() for name in names if (key := f"{path}.{name}") in tensors}
