"""What stands around a network, or a part of it, and hides its operations: torch.compile and the data-parallel wrappers."""

from __future__ import annotations

import copy
from collections.abc import Iterable

from torch import nn
from torch.nn.parallel import DistributedDataParallel

__all__ = ["refuse_hidden", "unwrapped"]

WRAPPERS = (nn.DataParallel, DistributedDataParallel)


def unwrapped(module: nn.Module) -> nn.Module:
    """The network itself, without DataParallel, DistributedDataParallel and torch.compile, wherever they are nested.

    The module stays as it is: where a part was wrapped, the parts above it come as shallow copies around the same weights.

    Example:
        bare = unwrapped(compiled)
        with sevis.capture(bare) as tape:
            bare(pictures)
    """
    return _unwrapped(module, {})


def _unwrapped(module: nn.Module, done: dict[int, nn.Module]) -> nn.Module:
    """The same, with what was unwrapped so far: a module in two places stays one."""
    if id(module) not in done:
        inner = _inside(module)
        done[id(module)] = _unwrapped(inner, done) if inner is not None else _with_parts_unwrapped(module, done)
    return done[id(module)]


def _with_parts_unwrapped(module: nn.Module, done: dict[int, nn.Module]) -> nn.Module:
    parts = {name: None if part is None else _unwrapped(part, done) for name, part in module._modules.items()}
    if all(part is module._modules[name] for name, part in parts.items()) and not _is_compiled_in_place(module):
        return module
    bare = copy.copy(module)  # leaves the compiled call behind
    bare._modules = parts
    return bare


def _inside(module: nn.Module) -> nn.Module | None:
    """What a wrapper wraps; None for any other module."""
    name = "module" if isinstance(module, WRAPPERS) else "_orig_mod"
    return dict(module._modules.items()).get(name)  # a scripted module's own has no get


def _is_compiled_in_place(module: nn.Module) -> bool:
    return module._compiled_call_impl is not None


def _hides(module: nn.Module) -> bool:
    """Whether a module's operations run where a tape of this thread does not see them."""
    if isinstance(module, WRAPPERS):
        return len(module.device_ids or ()) > 1
    return "_orig_mod" in module._modules or _is_compiled_in_place(module)


def refuse_hidden(parts: Iterable[tuple[str, nn.Module]]) -> None:
    """Raise TypeError where a part of a network, given with its path, is compiled or spread over devices: nothing shows there."""
    hidden = [path or "the network" for path, part in parts if _hides(part)]
    if hidden:
        raise TypeError(
            f"{', '.join(hidden[:3])}{' ...' * (len(hidden) > 3)}: compiled, or spread over devices, where no operation can be watched;"
            " capture and call unwrapped(module) instead, the same network without that (from sevis.capture import unwrapped)"
        )
