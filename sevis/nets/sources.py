"""A network by any name: what ships, timm, the Hugging Face hub, torchvision, a checkpoint file, or the user's own code."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
from PIL import Image
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from sevis.nets import gallery, own_code, rearranged, timm_zoo, torchvision_zoo, zoo
from sevis.nets.checkpoints import SUFFIXES, is_checkpoint, read, read_safetensors
from sevis.nets.fitting import State, fitted
from sevis.nets.imagenet import class_names, valid_names
from sevis.nets.network import Blueprint, CheckpointError, Network, Transform
from sevis.nets.readings import READERS
from sevis.nets.recommended import RECOMMENDED

__all__ = ["RANDOM", "SOURCES", "UPLOAD_LIMIT", "blueprint", "load", "load_uploaded"]

UPLOAD, UPLOAD_LIMIT = "upload.safetensors", 200 << 20  # what to call it, and the most bytes that it may have
RANDOM = "The weights are random: gates and maps show how this network is built, and nothing that it learned."
UNTRAINED = "untrained/"
Arguments = Mapping[str, Any]
Weights = Literal["trained"] | None


@dataclass(frozen=True)
class Source:
    """One way to name a network.

    Attributes:
        form: how such names are written.
        knows: whether a name is written so.
        trained: name and arguments -> the network with its trained weights.
        blueprint: name and arguments -> the network without weights.
    """

    form: str
    knows: Callable[[str], bool]
    trained: Callable[[str, Arguments], Network]
    blueprint: Callable[[str, Arguments], Blueprint]


def _fixed(trained: Callable[[str], Network]) -> Callable[[str, Arguments], Network]:
    """Refuse arguments: weights were trained in a network of one form."""

    def network(name: str, arguments: Arguments) -> Network:
        if arguments:
            raise CheckpointError(f"{name} has weights that fit it as it is; arguments go with weights=None or a checkpoint file.")
        return trained(name)

    return network


def _untrained(name: str, _: Arguments) -> Network:
    raise CheckpointError(f"No weights ship for {name}; pass weights=None for random ones, or load a checkpoint with arch={name!r}.")


def _starts(prefix: str) -> Callable[[str], bool]:
    return lambda name: name.startswith(prefix)


def _inner(name: str, arguments: Arguments) -> Blueprint:
    """The blueprint of what is to be untrained, under the name that was asked for."""
    return replace(blueprint(name.removeprefix(UNTRAINED), arguments), name=name)


def _random(name: str, arguments: Arguments) -> Network:
    plan = blueprint(name, arguments)
    module = plan.build()
    transform = plan.preprocessing(module)
    _settle(module, transform)
    return Network(name, module, transform, plan.classes, warnings=(RANDOM,), task=plan.task)


@torch.no_grad()
def _settle(module: nn.Module, transform: Transform) -> None:
    """Let the batch norms see a batch of noise: with the statistics that they are born with, a deep network's signal fades to nothing."""
    side = transform(Image.new("RGB", (256, 256))).shape[-1]
    norms = [part for part in module.modules() if isinstance(part, _BatchNorm) and part.track_running_stats]
    usual = [norm.momentum for norm in norms]
    for norm in norms:
        norm.train()
        norm.momentum = 1.0  # this batch's statistics alone
    module(torch.randn(8, 3, side, side, generator=torch.Generator().manual_seed(0)))
    for norm, momentum in zip(norms, usual, strict=True):
        norm.eval()
        norm.momentum = momentum


SOURCES = (
    Source("photos12/se_resnet18 (it ships)", lambda name: name in zoo.shipped(), _fixed(zoo.load_network), zoo.blueprint),
    Source("se_resnet18 (an architecture)", lambda name: name in zoo.ARCHITECTURES, _untrained, zoo.blueprint),
    Source("timm/NAME", _starts(timm_zoo.TIMM), _fixed(timm_zoo.trained), timm_zoo.blueprint),
    Source("hf-hub:ORGANISATION/NAME", _starts(timm_zoo.HUB), _fixed(timm_zoo.trained_on_hub), timm_zoo.hub_blueprint),
    Source("torchvision/NAME", _starts(torchvision_zoo.TORCHVISION), _fixed(torchvision_zoo.trained), torchvision_zoo.blueprint),
    Source("net.py:function", own_code.is_code, own_code.made, own_code.blueprint),
    Source("untrained/NAME (of any other form)", _starts(UNTRAINED), _random, _inner),
    Source("faulty/FAULT (of the doctor's gallery)", gallery.is_name, _fixed(gallery.load), gallery.blueprint),
    Source("rearranged/post (of a lesson)", rearranged.is_name, _fixed(rearranged.load), gallery.blueprint),
)


def load(
    name: str,
    *,
    weights: Weights = "trained",
    arch: str | None = None,
    arguments: Arguments | None = None,
    classes: Sequence[str] | None = None,
    transform: Transform | None = None,
) -> Network:
    """A network with its weights, on the CPU.

    Args:
        name: in a form of SOURCES, or the path of a checkpoint that ends in one of SUFFIXES.
        weights: "trained", or None for random ones; a checkpoint has its own.
        arch: the network that a checkpoint is of, in a form of SOURCES: a state dict does not tell.
        arguments: for the network's builder.
        classes: names in the order of the logits; None takes those that come with the network.
        transform: PIL picture -> tensor (3, H, W); None takes the one that comes with the network.

    Raises:
        CheckpointError: there is no such network, or it is out of reach, damaged, or does not fit.
    """
    if is_checkpoint(name) and not any(source.knows(name) for source in SOURCES):  # a repository may be called so, too
        network = _checkpoint(Path(name), arch, arguments or {})
    else:
        network = _named(name, weights, arch, arguments or {})
    preprocessing = transform or network.preprocessing
    names = network.classes or class_names(_count(network, preprocessing))
    chosen = names if classes is None else valid_names(classes, len(names))
    return replace(network, preprocessing=preprocessing, classes=chosen)


def load_uploaded(data: bytes, arch: str, classes: Sequence[str] = (), *, limit: int = UPLOAD_LIMIT) -> Network:
    """A visitor's safetensors file in a network of the menu; no path, no code and no pickle comes in this way.

    Args:
        arch: a name of RECOMMENDED, to the letter.
        classes: names in the order of the logits; () takes ImageNet's, or numbers.
        limit: the most bytes that the file may have.

    Raises:
        CheckpointError: the file is too large or damaged, does not fit the network, or the names do not fit the file.
    """
    if arch not in RECOMMENDED:
        raise CheckpointError(f"There is no network {arch[:100]!r} in the menu; choose from {', '.join(RECOMMENDED)}.")
    network = _filled(UPLOAD, read_safetensors(data, limit, UPLOAD), blueprint(arch))
    return replace(network, classes=valid_names(classes, len(network.classes))) if classes else network


def blueprint(name: str, arguments: Arguments | None = None) -> Blueprint:
    """The network of that name without weights; errors as those of `load`."""
    return _source(name).blueprint(name, arguments or {})


def _named(name: str, weights: Weights, arch: str | None, arguments: Arguments) -> Network:
    if arch is not None:
        raise CheckpointError(f"{name!r} is no checkpoint file, which ends in {', '.join(SUFFIXES)}; arch= goes with one.")
    if weights is not None:
        return _source(name).trained(name, arguments)
    return _random(name, arguments)


def _checkpoint(path: Path, arch: str | None, arguments: Arguments) -> Network:
    if arch is None:
        raise CheckpointError(f"A checkpoint does not tell which network {path.name} is of; name it with arch=, written {_forms()}.")
    return _filled(path.name, read(path), blueprint(arch, arguments))


def _filled(name: str, state: State, plan: Blueprint) -> Network:
    module, logits = fitted(plan, state, name)
    classes = plan.classes if logits is None else class_names(logits)
    return Network(f"{name} ({plan.name})", module, plan.preprocessing(module), classes, task=plan.task)


def _source(name: str) -> Source:
    found = next((source for source in SOURCES if source.knows(name)), None)
    if found is None:
        ships = ", ".join(zoo.shipped()) or "none: the folder pretrained/ is empty"
        raise CheckpointError(f"There is no network {name!r}; choose from {ships}. Names are written {_forms()}.")
    return found


def _forms() -> str:
    *most, last = (source.form for source in SOURCES)
    return f"{', '.join(most)} or {last}"


def _count(network: Network, transform: Transform) -> int:
    """How many classes a network tells apart, from one pass of a grey picture."""
    reader = READERS[network.task]
    picture = transform(Image.new("RGB", (256, 256), (127, 127, 127)))
    with torch.no_grad():
        return reader.classes(reader.output(network.module(picture[None])))
