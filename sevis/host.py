"""From where the network runs to NumPy, all of a pass in one copy: a GPU waits for each of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor

__all__ = ["Awaited", "brought", "on_host"]

Made = TypeVar("Made")


@dataclass(frozen=True)
class Awaited(Generic[Made]):
    """What is made of tensors once they are on the host; until then nobody waits for the device.

    Attributes:
        tensors: what is to be copied; None stays None.
        make: of their arrays, in the same order.
    """

    tensors: Sequence[Tensor | None]
    make: Callable[[list[Any]], Made]


def brought(*awaited: Awaited[Any]) -> tuple[Any, ...]:
    """What was awaited, one after another, after one copy for all."""
    arrays = iter(on_host([tensor for each in awaited for tensor in each.tensors]))
    return tuple(each.make([next(arrays) for _ in each.tensors]) for each in awaited)


def on_host(tensors: Sequence[Tensor | None]) -> list[Any]:
    """The tensors as arrays of their types and shapes, None for None; from a device, all in one copy."""
    given = [tensor.detach() for tensor in tensors if tensor is not None]
    there = iter(_together(given) if any(map(_is_away, given)) else given)
    return [None if tensor is None else next(there).numpy() for tensor in tensors]


def _is_away(tensor: Tensor) -> bool:
    return tensor.device.type != "cpu"


def _together(tensors: Sequence[Tensor]) -> list[Tensor]:
    """The tensors on the CPU: their bytes laid end to end, the widest types first as their places need it, copied, and cut apart."""
    widest = sorted(range(len(tensors)), key=lambda n: -tensors[n].itemsize)
    flat = [tensors[n].contiguous().flatten().view(torch.uint8) for n in widest]
    parts = torch.cat(flat).cpu().split([len(each) for each in flat])
    copied = {n: part.view(tensors[n].dtype).reshape(tensors[n].shape) for n, part in zip(widest, parts, strict=True)}
    return [copied[n] for n in range(len(tensors))]
