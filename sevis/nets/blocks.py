"""SE and SK blocks as their papers write them; every choice that the papers ablate is an argument.

Shapes: N pictures, M branches, C channels, d hidden units, H x W pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["EXCITATIONS", "INTEGRATIONS", "SQUEEZES", "Residual", "SelectiveKernel", "SqueezeExcitation", "conv_norm", "pick"]


T = TypeVar("T")


def _average(features: Tensor) -> Tensor:
    return features.mean(dim=(2, 3), keepdim=True)


def _maximum(features: Tensor) -> Tensor:
    return features.amax(dim=(2, 3), keepdim=True)


def _none(features: Tensor) -> Tensor:
    return features


# Hu et al. 2018, section 6.2 (squeeze operator), 7.1 (none of them) and 6.3 (excitation operator)
SQUEEZES: dict[str, Callable[[Tensor], Tensor]] = {"average": _average, "max": _maximum, "none": _none}
EXCITATIONS: dict[str, Callable[[Tensor], Tensor]] = {"sigmoid": torch.sigmoid, "tanh": torch.tanh, "relu": torch.relu}


def pick(table: dict[str, T], what: str, name: str) -> T:
    """The table's entry of that name, or a ValueError that lists the names."""
    if name not in table:
        raise ValueError(f"unknown {what} {name!r}; choose from {', '.join(table)}")
    return table[name]


class SqueezeExcitation(nn.Module):
    """The squeeze-and-excitation block: s = sigmoid(W2 relu(W1 z)), output = s * u (Hu et al. 2018, eq. 2 to 4).

    The excitation has no biases: that "facilitates the modelling of channel dependencies" (section 6.1 of the paper).

    Args:
        channels: C of the feature map (N, C, H, W); the output has the same shape.
        reduction: r; the bottleneck has d = max(C // r, 1) units, so that a narrow map never gets an empty one.
        squeeze: "average" or "max"; "none" is the paper's NoSqueeze, whose excitation sees each place alone (two 1 x 1
            convolutions), so that it has H x W weights a channel and is no channel gate.
        excitation: "sigmoid", "tanh" or "relu".
    """

    def __init__(self, channels: int, *, reduction: int = 16, squeeze: str = "average", excitation: str = "sigmoid") -> None:
        super().__init__()
        hidden = max(channels // reduction, 1)
        self._squeeze = pick(SQUEEZES, "squeeze", squeeze)
        self._excitation = pick(EXCITATIONS, "excitation", excitation)
        self.reduce = nn.Linear(channels, hidden, bias=False)
        self.expand = nn.Linear(hidden, channels, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        z = self._squeeze(features).movedim(1, -1)  # (N, 1, 1, C), or (N, H, W, C) without a squeeze
        s = self._excitation(self.expand(F.relu(self.reduce(z))))
        gated: Tensor = features * s.movedim(-1, 1)
        return gated


class SelectiveKernel(nn.Module):
    """The selective kernel convolution: split, fuse, select (Li et al. 2019, eq. 1 to 6).

    Branch i is a grouped 3 x 3 convolution with dilation 1 + i, which stands for a (3 + 2i) x (3 + 2i) kernel (section 3.1).

    Args:
        in_channels, channels: C of the input and of the output (N, C, H, W).
        stride: of every branch.
        branches: M.
        groups: G.
        reduction: r; the bottleneck has d = max(C // r, minimum) units (eq. 4).
        minimum: L.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        *,
        stride: int = 1,
        branches: int = 2,
        groups: int = 32,
        reduction: int = 16,
        minimum: int = 32,
    ) -> None:
        super().__init__()
        hidden = max(channels // reduction, minimum)
        self.branches = nn.ModuleList(
            nn.Sequential(*conv_norm(in_channels, channels, 3, stride=stride, dilation=1 + i, groups=groups), nn.ReLU())
            for i in range(branches)
        )
        self.reduce = nn.Linear(channels, hidden, bias=False)
        self.norm = nn.BatchNorm1d(hidden)
        self.select = nn.Linear(hidden, branches * channels, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        split = torch.stack([branch(features) for branch in self.branches], dim=1)  # (N, M, C, H, W)
        s = split.sum(dim=1).mean(dim=(2, 3))  # fuse (N, C)
        z = F.relu(self.norm(self.reduce(s)))  # (N, d)
        logits = self.select(z).unflatten(1, (len(self.branches), -1))  # (N, M, C)
        weights = logits.softmax(dim=1)
        selected: Tensor = (split * weights[..., None, None]).sum(dim=1)
        return selected


Part = Callable[[Tensor], Tensor]


def _standard(x: Tensor, branch: Part, shortcut: Part, se: Part) -> Tensor:
    return F.relu(se(branch(x)) + shortcut(x))


def _pre(x: Tensor, branch: Part, shortcut: Part, se: Part) -> Tensor:
    return F.relu(branch(se(x)) + shortcut(x))


def _post(x: Tensor, branch: Part, shortcut: Part, se: Part) -> Tensor:
    return se(F.relu(branch(x) + shortcut(x)))


def _identity(x: Tensor, branch: Part, shortcut: Part, se: Part) -> Tensor:
    return F.relu(branch(x) + se(shortcut(x)))


# where the SE block stands in a residual unit: Hu et al. 2018, figure 5
INTEGRATIONS: dict[str, Callable[[Tensor, Part, Part, Part], Tensor]] = {
    "standard": _standard,
    "pre": _pre,
    "post": _post,
    "identity": _identity,
    "3x3": _standard,  # the SE block stands inside the branch, after its (first) 3 x 3 convolution, and se is the identity
}


class Residual(nn.Module):
    """A residual unit around any branch, with the attention where the integration puts it (nn.Identity: none)."""

    def __init__(self, branch: nn.Module, shortcut: nn.Module, se: nn.Module, integration: str = "standard") -> None:
        super().__init__()
        self.branch = branch
        self.shortcut = shortcut
        self.se = se
        self._integrate = pick(INTEGRATIONS, "integration", integration)

    def forward(self, x: Tensor) -> Tensor:
        return self._integrate(x, self.branch, self.shortcut, self.se)


def conv_norm(
    in_channels: int, channels: int, kernel: int, *, stride: int = 1, dilation: int = 1, groups: int = 1
) -> tuple[nn.Conv2d, nn.Module]:
    """A convolution that keeps the size but for its stride, and its batch norm; an even kernel needs an even stride."""
    padding = dilation * ((kernel - 1) // 2)
    conv = nn.Conv2d(in_channels, channels, kernel, stride, padding, dilation, groups, bias=False)
    return conv, nn.BatchNorm2d(channels)
