"""The networks by name: what each is built from, and the checkpoints that ship with sevis."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sevis.nets.preprocessing import Preprocessing
from sevis.nets.se_resnet import DEPTHS as SE_DEPTHS
from sevis.nets.se_resnet import se_resnet
from sevis.nets.sk_net import DEPTHS as SK_DEPTHS
from sevis.nets.sk_net import sk_net
from sevis.records import GateAverage

__all__ = ["ARCHITECTURES", "PRETRAINED", "CheckpointError", "Network", "load_network", "read_card", "shipped"]

PRETRAINED = Path(__file__).resolve().parents[2] / "pretrained"

ARCHITECTURES: Mapping[str, Callable[..., nn.Module]] = {
    **{f"se_resnet{depth}": partial(se_resnet, depth) for depth in SE_DEPTHS},
    **{f"sk_net{depth}": partial(sk_net, depth) for depth in SK_DEPTHS},
}


class CheckpointError(ValueError):
    """A checkpoint that is missing, damaged, or not what its card says; the message is fit for a visitor."""


@dataclass(frozen=True)
class Network:
    """A module with all that is needed to show it a picture and to read its answer.

    Attributes:
        preprocessing: PIL picture -> tensor (3, H, W).
        classes: names in the order of the logits.
        averages: every gate's average over many pictures, in order of depth; empty where nobody measured them.
    """

    name: str
    module: nn.Module
    preprocessing: Callable[..., Tensor]
    classes: tuple[str, ...]
    averages: tuple[GateAverage, ...] = ()


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
    try:
        return _built(name, root, card)
    except CheckpointError:
        raise
    except (KeyError, TypeError, ValueError) as error:  # a card that lacks an entry, or names what is not there
        raise CheckpointError(
            f"The card {name}.json does not describe a network ({type(error).__name__}: {error}); fetch it anew."
        ) from error


def _built(name: str, root: Path, card: dict[str, Any]) -> Network:
    state = _tensors(root / f"{name}.safetensors", card["sha256"])
    module = ARCHITECTURES[card["architecture"]](**card["arguments"])
    _fill(module, state, name)
    averages = _averages(_tensors(root / f"{name}.gates.safetensors", card["averages"]["sha256"]), card)
    return Network(name, module.eval(), Preprocessing.from_card(card["preprocessing"]), tuple(card["classes"]), averages)


def _tensors(path: Path, sha256: str) -> dict[str, Tensor]:
    """A safetensors file's tensors, once its sha256 agrees."""
    from safetensors import SafetensorError
    from safetensors.torch import load

    if not path.is_file():
        raise CheckpointError(f"The checkpoint {path.name} is missing; fetch the folder pretrained/ anew, or choose another network.")
    data = path.read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise CheckpointError(
            f"The checkpoint {path.name} is damaged: its sha256 begins with {found[:12]}, its card says {sha256[:12]}; fetch it anew."
        )
    try:
        return load(data)
    except SafetensorError as error:
        raise CheckpointError(f"The checkpoint {path.name} is not a safetensors file ({error}); fetch it anew.") from error


def _fill(module: nn.Module, state: dict[str, Tensor], name: str) -> None:
    """Copy a state dict into a module of exactly those names and shapes."""
    own = module.state_dict()
    wrong = sorted(set(own) ^ set(state)) or sorted(key for key in own if own[key].shape != state[key].shape)
    if wrong:
        raise CheckpointError(f"The checkpoint of {name} does not fit its network: {len(wrong)} tensors differ, first {wrong[0]}.")
    with torch.no_grad():
        module.load_state_dict(state)


def _averages(tensors: dict[str, Tensor], card: dict[str, Any]) -> tuple[GateAverage, ...]:
    pictures = card["averages"]["pictures"]
    return tuple(
        GateAverage(path, _array(tensors[f"{path}.mean"]), _array(tensors[f"{path}.spread"]), pictures)
        for path in card["averages"]["paths"]
    )


def _array(values: Tensor) -> np.ndarray:
    return values.float().numpy()
