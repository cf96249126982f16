"""The shipped SE-ResNet-18 with its SE blocks in other places, and with document 000's slip: the same weights throughout.

    load("rearranged/post")  # of ARRANGEMENTS

What changes besides the wiring is what batch norm goes by: see `load`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from PIL import Image
from torch import Tensor, nn

from sevis.nets import zoo
from sevis.nets.blocks import Residual
from sevis.nets.network import Network
from sevis.nets.se_resnet import STAGES, ResNet
from sevis.nets.surgery import Doubled
from sevis.places import ASSETS

__all__ = ["ARRANGEMENTS", "REARRANGED", "TEACHER", "Arrangement", "by_units", "is_name", "kept", "load"]

REARRANGED = "rearranged/"  # how the names begin
TEACHER = "photos12/se_resnet18"
STANDARD = "standard"


@dataclass(frozen=True)
class Arrangement:
    """What becomes of a residual unit.

    Attributes:
        place: the same branch, shortcut and SE block as another unit.
        fits: whether a unit can be rearranged with the weights that it has; one that cannot stays as it is.
    """

    place: Callable[[Residual], Residual]
    fits: Callable[[Residual], bool] = lambda unit: True


def _placed(integration: str) -> Callable[[Residual], Residual]:
    return lambda unit: Residual(unit.branch, unit.shortcut, unit.se, integration)


def _doubled(unit: Residual) -> Residual:
    return Residual(unit.branch, unit.shortcut, Doubled(unit.se))  # type: ignore[arg-type]


def _is_as_wide_before(unit: Residual) -> bool:
    """Whether as many channels come in as the SE block was made for, which weighs what goes out."""
    return isinstance(unit.shortcut, nn.Identity)


# Hu et al. 2018, figure 5, and document 000
ARRANGEMENTS: dict[str, Arrangement] = {
    STANDARD: Arrangement(_placed("standard")),
    "pre": Arrangement(_placed("pre"), _is_as_wide_before),
    "post": Arrangement(_placed("post")),
    "identity": Arrangement(_placed("identity")),
    "doubled": Arrangement(_doubled),
}


def is_name(name: str) -> bool:
    """Whether a name is one of these, to the letter."""
    return name.startswith(REARRANGED) and name.removeprefix(REARRANGED) in ARRANGEMENTS


def load(name: str) -> Network:
    """The network of that name, on the CPU; as "standard" it is the shipped one.

    Of the others the batch norms have their averages taken anew, from the sample pictures: with those of another wiring the squares of
    "doubled" leave the range of single precision within eight units. Their gates were not measured on a data set, so they have no averages.
    """
    network, arrangement = replace(zoo.load_network(TEACHER), name=name), name.removeprefix(REARRANGED)
    made = ARRANGEMENTS[arrangement]
    if arrangement == STANDARD:
        return network
    for layer in _layers(network.module):
        for place, unit in enumerate(layer):
            layer[place] = made.place(unit) if made.fits(unit) else unit  # type: ignore[arg-type]
    _renew_norms(network)
    told = f"Its weights were learned in the standard arrangement; here its SE blocks stand as {arrangement}."
    return replace(network, averages=(), warnings=(told,))


@torch.no_grad()
def _renew_norms(network: Network) -> None:
    """Let the batch norms see the sample pictures, all at once, and go by those averages from now on."""
    norms = [part for part in network.module.modules() if isinstance(part, nn.BatchNorm2d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the average of what is seen
        norm.train()
    pictures = [Image.open(file).convert("RGB") for file in sorted((ASSETS / "samples").glob("*.jpg"))]
    network.module(torch.stack([network.preprocessing(picture) for picture in pictures]))
    network.module.eval()


def by_units(module: nn.Module, batch: Tensor) -> tuple[dict[str, Tensor], Tensor]:
    """What every residual unit gives, (N, C, H, W), by its SE block's name, and the logits: ResNet.forward, a unit after the other."""
    assert isinstance(module, ResNet)
    outputs: dict[str, Tensor] = {}
    with torch.inference_mode():
        features = module.stem(batch)
        for stage, layer in zip(STAGES, _layers(module), strict=True):
            for number, unit in enumerate(layer, start=1):
                outputs[f"SE_{stage}_{number}"] = features = unit(features)
        return outputs, module.linear(features.mean(dim=(2, 3)))


def kept(module: nn.Module, name: str) -> tuple[str, ...]:
    """The units that stay as they are, since their SE block does not fit elsewhere."""
    fits, layers = ARRANGEMENTS[name.removeprefix(REARRANGED)].fits, zip(STAGES, _layers(module), strict=True)
    return tuple(f"SE_{stage}_{n}" for stage, layer in layers for n, unit in enumerate(layer, 1) if not fits(unit))  # type: ignore[arg-type]


def _layers(module: nn.Module) -> tuple[nn.Sequential, ...]:
    assert isinstance(module, ResNet)
    return module.layer1, module.layer2, module.layer3, module.layer4
