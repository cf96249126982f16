"""From where the network runs to NumPy, in one copy: a GPU waits for each of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

__all__ = ["on_host"]


def on_host(tensors: Sequence[Tensor | None]) -> list[Any]:
    """The tensors as arrays of their types and shapes, None for None; from a device, those of one type in one copy."""
    bare = [None if tensor is None else tensor.detach() for tensor in tensors]
    if any(tensor is not None and tensor.device.type != "cpu" for tensor in bare):
        bare = _together(bare)
    return [None if tensor is None else tensor.numpy() for tensor in bare]


def _together(tensors: Sequence[Tensor | None]) -> list[Tensor | None]:
    """The tensors on the CPU: those of one type laid end to end, copied, and cut apart again."""
    copied: list[Tensor | None] = [None] * len(tensors)
    for dtype in dict.fromkeys(tensor.dtype for tensor in tensors if tensor is not None):
        alike = [(n, tensor) for n, tensor in enumerate(tensors) if tensor is not None and tensor.dtype == dtype]
        whole = torch.cat([tensor.flatten() for _, tensor in alike]).cpu()
        for (n, tensor), part in zip(alike, whole.split([tensor.numel() for _, tensor in alike]), strict=True):
            copied[n] = part.reshape(tensor.shape)
    return copied
