"""A gallery of networks with one known fault each, by surgery on the checkpoints that ship, and pictures to judge them on.

The networks see 64 x 64 pixels, a sixth of the multiply-adds of their own size: they still know what they see.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor, nn

from sevis.nets.blocks import Residual, SelectiveKernel, SqueezeExcitation
from sevis.nets.network import Network
from sevis.nets.preprocessing import Preprocessing
from sevis.nets.se_resnet import se_resnet
from sevis.nets.sk_net import sk_net
from sevis.nets.sources import load

SAMPLES = Path(__file__).parents[1] / "assets" / "samples"
SIDE = 64
VIEWS = 4  # of each sample


@cache
def photographs() -> tuple[tuple[np.ndarray, ...], np.ndarray]:
    """32 pictures (H, W, 3) uint8, four views of each of the eight samples, and which sample each is of."""
    random = np.random.default_rng(0)
    pictures = [_view(Image.open(file).convert("RGB"), random) for file in sorted(SAMPLES.glob("*.jpg")) for _ in range(VIEWS)]
    return tuple(pictures), np.repeat(np.arange(len(pictures) // VIEWS), VIEWS)


def _view(picture: Image.Image, random: np.random.Generator) -> np.ndarray:
    """A part of three to nine tenths of a picture's sides, mirrored half of the time."""
    share = random.uniform(0.6, 1.0)
    width, height = (round(share * side) for side in picture.size)
    left, top = (int(random.integers(0, whole - part + 1)) for whole, part in zip(picture.size, (width, height), strict=True))
    cut = picture.crop((left, top, left + width, top + height))
    return np.asarray(ImageOps.fit(ImageOps.mirror(cut) if random.random() < 0.5 else cut, (SIDE, SIDE), Image.Resampling.BICUBIC))


HEALTHY = ("photos12/se_resnet18", "photos12/sk_net26", "photos12/se_densenet")


@cache
def _shipped(name: str) -> Network:
    return load(name)


def healthy(name: str) -> Network:
    """A shipped network that sees 64 pixels; a copy, for surgery."""
    network = _shipped(name)
    return replace(network, module=copy.deepcopy(network.module), preprocessing=Preprocessing(SIDE, SIDE), averages=())


# ---- surgery on one block


class _Biased(nn.Module):
    """An SE block whose linear layers have biases, and whose parts can be replaced."""

    def __init__(self, se: SqueezeExcitation) -> None:
        super().__init__()
        hidden, channels = se.reduce.out_features, se.reduce.in_features
        self.reduce, self.expand = nn.Linear(channels, hidden), nn.Linear(hidden, channels)
        with torch.no_grad():
            self.reduce.weight.copy_(se.reduce.weight)
            self.expand.weight.copy_(se.expand.weight)
            self.reduce.bias.zero_()
            self.expand.bias.zero_()

    def logits(self, features: Tensor) -> Tensor:
        logits: Tensor = self.expand(torch.relu(self.reduce(features.mean(dim=(2, 3)))))
        return logits

    def forward(self, features: Tensor) -> Tensor:
        return features * self.logits(features).sigmoid()[..., None, None]


def dead_bottleneck(se: SqueezeExcitation) -> nn.Module:
    made = _Biased(se)
    made.reduce.bias.fill_(-100)
    return made


def saturated(logit: float) -> Callable[[SqueezeExcitation], nn.Module]:
    def surgery(se: SqueezeExcitation) -> nn.Module:
        made = _Biased(se)
        made.expand.bias.fill_(logit)
        return made

    return surgery


def stuck(se: SqueezeExcitation) -> nn.Module:
    """Every logit is 0, as weight decay on the excitation ends, or document 002's bottleneck of C // 16 = 0 units."""
    se.expand.weight.zero_()
    return se


def constant(se: SqueezeExcitation) -> nn.Module:
    """Every channel has a weight of its own, whatever the picture."""
    made = _Biased(se)
    made.expand.weight.zero_()
    made.expand.bias.copy_(torch.linspace(-2, 2, len(made.expand.bias)))
    return made


def low_rank(se: SqueezeExcitation) -> nn.Module:
    """All units of the bottleneck do the same: the one that varies most."""
    se.reduce.weight.copy_(se.reduce.weight[:1].abs().expand_as(se.reduce.weight))
    return se


class _ClassBlind(_Biased):
    """A gate that varies strongly with the picture, as a hash of it does: not with what the picture shows."""

    def logits(self, features: Tensor) -> Tensor:
        hidden = torch.relu(torch.sin(300 * self.reduce(features.mean(dim=(2, 3)))))
        logits: Tensor = self.expand(2 * hidden)
        return logits


class _Doubled(_Biased):
    """Document 000's slip: out * SE(out)."""

    def forward(self, features: Tensor) -> Tensor:
        return features * super().forward(features)


class _Ignored(_Biased):
    """The gate is computed and multiplied; what goes on is the map without it."""

    def forward(self, features: Tensor) -> Tensor:
        super().forward(features)
        return features.clone()


class _NoInput(_Biased):
    """The map that enters is all zeros, as behind a norm whose factor is 0."""

    def forward(self, features: Tensor) -> Tensor:
        return super().forward(features * 0)


def collapsed(sk: SelectiveKernel) -> nn.Module:
    """The first branch wins in every channel of every picture."""
    bias = torch.zeros(sk.select.out_features)
    bias[: sk.select.out_features // len(sk.branches)] = 12
    sk.select.bias = nn.Parameter(bias)
    return sk


def uniform(sk: SelectiveKernel) -> nn.Module:
    sk.select.weight.zero_()
    return sk


class _BatchAxis(nn.Module):
    """A selection whose softmax runs over the pictures of the batch."""

    def __init__(self, sk: SelectiveKernel) -> None:
        super().__init__()
        self.branches, self.reduce, self.norm, self.select = sk.branches, sk.reduce, sk.norm, sk.select

    def forward(self, features: Tensor) -> Tensor:
        split = torch.stack([branch(features) for branch in self.branches], dim=1)
        hidden = torch.relu(self.norm(self.reduce(split.sum(dim=1).mean(dim=(2, 3)))))
        weights = self.select(hidden).unflatten(1, (len(self.branches), -1)).softmax(dim=0)
        selected: Tensor = (split * weights[..., None, None]).sum(dim=1)
        return selected


# ---- whole networks


def untrained() -> nn.Module:
    torch.manual_seed(0)
    return se_resnet(18, classes=12, stem="imagenet", width=0.5, reduction=8)


def untrained_selection() -> nn.Module:
    torch.manual_seed(0)
    return sk_net(26, classes=12, stem="imagenet", width=0.25, groups=8, minimum=16)


def zero_init() -> nn.Module:
    """The last norm of every branch starts at 0 (Goyal et al. 2017), so that no SE block has an input before training."""
    module = untrained()
    for part in module.modules():
        if isinstance(part, Residual):
            *_, norm = part.branch.children()
            nn.init.zeros_(norm.get_parameter("weight"))
    return module


@dataclass(frozen=True)
class Fault:
    """One fault in one block, or in all.

    Attributes:
        network: the shipped network that is operated on, or what builds one.
        block: its name; "" for all.
        surgery: gives the block's attention in its place; what the builders make needs none.
        verdict: what the doctor must say of the block.
        rule: the rule that must find it.
    """

    network: str | Callable[[], nn.Module]
    block: str
    surgery: Callable[[Any], nn.Module] | None
    verdict: str
    rule: str

    def build(self) -> Network:
        """The network with its fault."""
        if not isinstance(self.network, str):
            return Network("faulty", self.network().eval(), Preprocessing(SIDE, SIDE), _shipped(HEALTHY[0]).classes)
        network = healthy(self.network)
        with torch.no_grad():
            _operate(network.module, self.block, self.surgery)
        network.module.eval()
        return network


def _operate(module: nn.Module, block: str, surgery: Callable[[Any], nn.Module] | None) -> None:
    """Put what the surgery makes in the place of one block's attention."""
    assert surgery is not None
    _, stage, number = block.split("_")
    unit = getattr(module, f"layer{int(stage) - 1}")[int(number) - 1]
    holder, name = next(
        (holder, name)
        for holder in unit.modules()
        for name, part in holder.named_children()
        if isinstance(part, SqueezeExcitation | SelectiveKernel)
    )
    setattr(holder, name, surgery(getattr(holder, name)))


SE, SK = HEALTHY[:2]
GALLERY: dict[str, Fault] = {
    "dead ReLU bottleneck": Fault(SE, "SE_3_1", dead_bottleneck, "dead bottleneck", "M6 dead"),
    "saturated open": Fault(SE, "SE_4_1", saturated(12), "saturated", "M3 open"),
    "saturated closed": Fault(SE, "SE_4_2", saturated(-12), "saturated", "M3 closed"),
    "stuck at 0.5": Fault(SE, "SE_3_2", stuck, "static", "M4 half"),
    "constant gate": Fault(SE, "SE_4_1", constant, "static", "M1 constant"),
    "low rank": Fault(SE, "SE_4_2", low_rank, "dynamic", "M8 rank"),
    "class-blind": Fault(SE, "SE_5_1", _ClassBlind, "dynamic", "M11 classes"),
    "branch collapse": Fault(SK, "SK_4_1", collapsed, "branch collapse", "B2 usage"),
    "uniform branches": Fault(SK, "SK_3_2", uniform, "static", "B1 uniform"),
    "softmax over the batch axis": Fault(SK, "SK_4_1", _BatchAxis, "wrong axis", "B6 axis"),
    "untrained": Fault(untrained, "", None, "untrained", "untrained"),
    "untrained selection": Fault(untrained_selection, "", None, "untrained", "untrained"),
    "zero-init untrained": Fault(zero_init, "", None, "no input", "M12 squeeze"),
    "doubled multiplication": Fault(SE, "SE_3_1", _Doubled, "dynamic", "proof"),
    "squeeze that sees only zeros": Fault(SE, "SE_4_2", _NoInput, "no input", "M12 squeeze"),
    "gate ignored downstream": Fault(SE, "SE_4_1", _Ignored, "identity", "A1 ignored"),
}
