"""Operations on the attention of one block, each of which makes one known fault; the rest of the network is left as it is.

Every operation takes the block's attention and gives what stands in its place. Call them without gradients.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from sevis.nets.blocks import SelectiveKernel, SqueezeExcitation

__all__ = [
    "BatchAxis",
    "ClassBlind",
    "Doubled",
    "Ignored",
    "NoInput",
    "collapsed",
    "constant",
    "dead_bottleneck",
    "emptied",
    "low_rank",
    "saturated",
    "stuck",
    "uniform",
]


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
    """No unit of the bottleneck ever fires."""
    made = _Biased(se)
    made.reduce.bias.fill_(-100)
    return made


def saturated(logit: float) -> Callable[[SqueezeExcitation], nn.Module]:
    """Every weight lies at an end of the sigmoid: at 1 with a high logit, at 0 with a low one."""

    def surgery(se: SqueezeExcitation) -> nn.Module:
        made = _Biased(se)
        made.expand.bias.fill_(logit)
        return made

    return surgery


def stuck(se: SqueezeExcitation) -> nn.Module:
    """Every logit is 0, as weight decay on the excitation ends."""
    se.expand.weight.zero_()
    return se


def emptied(se: SqueezeExcitation) -> nn.Module:
    """Document 002's slip: a bottleneck of C // 16 units, which is none where C < 16; every logit is then 0."""
    units = se.reduce.out_features = se.expand.in_features = se.reduce.in_features // 16
    # cut to size, since torch warns of a new layer without weights
    se.reduce.weight = nn.Parameter(se.reduce.weight[:units])
    se.expand.weight = nn.Parameter(se.expand.weight[:, :units])
    return se


def constant(se: SqueezeExcitation) -> nn.Module:
    """Every channel has a weight of its own, whatever the picture."""
    made = _Biased(se)
    made.expand.weight.zero_()
    made.expand.bias.copy_(torch.linspace(-2, 2, len(made.expand.bias)))
    return made


def low_rank(se: SqueezeExcitation) -> nn.Module:
    """All units of the bottleneck do the same."""
    se.reduce.weight.copy_(se.reduce.weight[:1].abs().expand_as(se.reduce.weight))
    return se


class ClassBlind(_Biased):
    """A gate that varies strongly with the picture, as a hash of it does: not with what the picture shows."""

    def logits(self, features: Tensor) -> Tensor:
        hidden = torch.relu(torch.sin(300 * self.reduce(features.mean(dim=(2, 3)))))
        logits: Tensor = self.expand(2 * hidden)
        return logits


class Doubled(_Biased):
    """Document 000's slip: out * SE(out)."""

    def forward(self, features: Tensor) -> Tensor:
        return features * super().forward(features)


class Ignored(_Biased):
    """The gate is computed and multiplied; what goes on is the map without it."""

    def forward(self, features: Tensor) -> Tensor:
        super().forward(features)
        return features.clone()


class NoInput(_Biased):
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
    """Every branch has the same share in every channel of every picture."""
    sk.select.weight.zero_()
    return sk


class BatchAxis(nn.Module):
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
