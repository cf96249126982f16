"""A network of our own that shares its weights with the user's: frozen and in eval mode, while theirs stays as it is."""

from __future__ import annotations

import copy

import torch
from torch import nn

from sevis.capture.unwrapping import unwrapped

__all__ = ["frozen_twin"]


def frozen_twin(module: nn.Module, device: torch.device | None = None) -> nn.Module:
    """A copy of the modules around the same parameters and buffers, with no gradients and in eval mode.

    The weights are not copied (unless they move to another device, or belong to a scripted part), so that a network in training
    shows its newest ones. Data-parallel and compiled parts come without their wrappers.

    Raises:
        TypeError: the module cannot be copied.
    """
    module = unwrapped(module)
    shared: dict[int, object] = {id(p): nn.Parameter(p.detach(), requires_grad=False) for p in module.parameters()}
    shared |= {id(b): b.detach() for b in module.buffers()}
    try:
        with torch.no_grad():  # a scripted part's parameters are copied by operations
            twin = copy.deepcopy(module, shared)
    except Exception as error:
        raise TypeError(f"{type(module).__name__} cannot be copied ({error}); give it a __deepcopy__, or wrap what it holds") from error
    return (twin if device is None else twin.to(device)).eval().requires_grad_(False)
