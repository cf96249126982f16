"""Gates that no data flow shows: in einsum, and in scripted code. Each has the same weights' formula as ExpandAs."""

from __future__ import annotations

import warnings

import torch
from torch import Tensor, nn

from tests.foreign_modules import CHANNELS, Classifier, ExpandAs, mean, one
from tests.tiny_networks import alive


class Einsum(ExpandAs):
    """The multiplication as a sum over no index."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.einsum("nchw,nc->nchw", x, self.fc(mean(x)))


class Diagonal(ExpandAs):
    """The weights on the diagonal of a matrix."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.bmm(torch.diag_embed(self.fc(mean(x))), x.flatten(2)).view_as(x)


class Fused(ExpandAs):
    """x + x * g in one operation."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.addcmul(x, x, self.fc(mean(x))[:, :, None, None])

    def expected(self, features: Tensor) -> Tensor:
        return 1 + super().expected(features)


class Overwriting(nn.Module):
    """The map is overwritten where no operation can be watched."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = ExpandAs().fc

    def forward(self, x: Tensor) -> Tensor:
        g = self.fc(x.mean(dim=(2, 3)))
        return x.mul_(g.unsqueeze(-1).unsqueeze(-1))

    def expected(self, features: Tensor) -> Tensor:
        return one(self.fc(mean(features)))


class Weighing(nn.Module):
    """The excitation is a module of its own, which may be scripted; the multiplication is in plain sight."""

    def __init__(self) -> None:
        super().__init__()
        self.excitation = ExpandAs().fc

    def forward(self, x: Tensor) -> Tensor:
        return x * self.excitation(mean(x))[:, :, None, None]

    def expected(self, features: Tensor) -> Tensor:
        return one(self.excitation(mean(features)))


class Attention(nn.Module):
    """From a map to its weights (N, C, 1, 1): scSE's cSE."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(CHANNELS, 4, 1), nn.ReLU(), nn.Conv2d(4, CHANNELS, 1), nn.Sigmoid())

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class Attended(nn.Module):
    """The map times what Attention makes of it."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = Attention()

    def forward(self, x: Tensor) -> Tensor:
        return self.attention(x) * x

    def expected(self, features: Tensor) -> Tensor:
        return one(self.attention(features))


def scripted(module: nn.Module) -> nn.Module:
    """The module as TorchScript, which torch no longer recommends."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.jit.script(module)


def traced(module: nn.Module) -> nn.Module:
    """The same by running it once."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.jit.trace(module, torch.randn(2, CHANNELS, 8, 10))


def with_part(module: nn.Module, path: str, part: nn.Module) -> nn.Module:
    """The module with a part replaced; its `expected` still reads the weights, which the parts share."""
    owner, _, name = path.rpartition(".")
    setattr(module.get_submodule(owner), name, part)
    return module


def unseen_cases() -> dict[str, tuple[Classifier, str, nn.Module]]:
    """Name -> (classifier, path to name, the block in Python, which shares its weights)."""
    blocks: dict[str, tuple[nn.Module, str]] = {
        "einsum": (Einsum(), ""),
        "bmm": (Diagonal(), ""),
        "addcmul": (Fused(), ""),
        "scripted": (ExpandAs(), "script"),
        "traced": (ExpandAs(), "trace"),
        "scripted x *= g": (Overwriting(), "script"),
        "scripted excitation": (Weighing(), "excitation"),
        "scripted attention": (Attended(), "attention"),
    }
    cases = {}
    for seed, (name, (block, how)) in enumerate(blocks.items()):
        module = alive(Classifier(block), seed)
        path = "block"
        if how in ("script", "trace"):
            with_part(module, "block", {"script": scripted, "trace": traced}[how](block))
        elif how:
            path = f"block.{how}"
            in_python = block.get_submodule(how)
            with_part(module, path, scripted(in_python))
        cases[name] = (module, path, block)
    return cases
