"""What an inspection or a scan was made with: the network's weights, its preprocessing, and the versions of what ran it."""

from __future__ import annotations

import hashlib
import re
from importlib.metadata import version
from platform import python_version

import torch

from sevis import __version__
from sevis.records import Provenance

__all__ = ["described", "provenance_of", "versions", "weights_sha256"]

ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")  # of an object in memory: another one in every process


def provenance_of(module: torch.nn.Module, preprocessing: object) -> Provenance:
    """Of a network on any device; it reads all of its weights."""
    return Provenance(weights_sha256(module), described(preprocessing), tuple(versions().items()))


def weights_sha256(module: torch.nn.Module) -> str:
    """A sha256 over the names, types, shapes and values of a network's parameters and buffers."""
    digest = hashlib.sha256()
    for name, values in sorted(module.state_dict().items()):
        digest.update(f"{name} {values.dtype} {tuple(values.shape)}\n".encode())
        digest.update(values.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def described(preprocessing: object) -> str:
    """A transform in words that are the same in every process."""
    return ADDRESS.sub("", repr(preprocessing))


def versions() -> dict[str, str]:
    """Of sevis and of what its numbers come from."""
    ran = ("torch", "numpy", "pillow")
    return {"sevis": __version__, "python": python_version(), **{name: version(name) for name in ran}}
