"""Hears what goes in and out of some modules for as long as a `with` block lasts, in the thread that entered it.

The hooks belong to the process, not to a module: a network that others are using at the same time is not touched, and
their calls are passed by. Scripted modules take no hooks of their own, but run these.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock, get_ident
from types import TracebackType
from typing import Any

import torch
from torch import nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook

__all__ = ["Listener"]

Before = Callable[[nn.Module, Any], None]
After = Callable[[nn.Module, Any], Any]
_REGISTERING = Lock()  # torch numbers its hooks without one


class Listener:
    """Calls `before(module, arguments)` and `after(module, output)` around each call of some modules.

    What `after` gives back, if anything, takes the output's place. Nothing that either computes is seen by a tape.
    """

    def __init__(self, modules: frozenset[int], before: Before, after: After) -> None:
        self._modules, self._before, self._after = modules, before, after
        self._handles: list[Any] = []
        self._thread = 0

    def __enter__(self) -> None:
        self._thread = get_ident()
        if self._modules:
            with _REGISTERING:
                self._handles = [register_module_forward_pre_hook(self._enters), register_module_forward_hook(self._leaves)]

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        with _REGISTERING:
            for handle in self._handles:
                handle.remove()
        self._handles.clear()

    def _is_meant(self, module: nn.Module) -> bool:
        return id(module) in self._modules and get_ident() == self._thread

    def _enters(self, module: nn.Module, arguments: Any) -> None:
        if self._is_meant(module):
            with torch._C.DisableTorchFunction():
                self._before(module, arguments)

    def _leaves(self, module: nn.Module, arguments: Any, made: Any) -> Any:
        if not self._is_meant(module):
            return None
        with torch._C.DisableTorchFunction():
            return self._after(module, made)
