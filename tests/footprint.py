"""Everything that watching a network could leave behind, as one value that can be compared."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules import module as module_hooks
from torch.overrides import _get_current_function_mode_stack
from torch.utils._python_dispatch import _get_current_dispatch_mode_stack

from sevis.capture import doors

HOOKS = [name for name in vars(nn.Module()) if "hook" in name]
GLOBAL_HOOKS = [name for name in vars(module_hooks) if name.startswith("_global_") and "hook" in name]


def _frozen(values: Tensor) -> tuple[Any, ...]:
    """A tensor's identity, contents, version, gradient and flags."""
    contents = values.detach().clone().view(-1).contiguous().view(torch.uint8).numpy().tobytes()
    gradient = None if values.grad is None else values.grad.numpy().tobytes()
    return (
        id(values),
        values.data_ptr(),
        values._version,
        values.requires_grad,
        values.is_leaf,
        gradient,
        contents,
        len(values._backward_hooks or ()),
    )


def of_module(module: nn.Module) -> dict[str, Any]:
    """What a module and its parts hold."""
    return {
        path: {
            "class": type(part),
            "forward": getattr(part.forward, "__func__", part.forward),
            "attributes": sorted(vars(part)),
            "training": part.training,
            "hooks": {name: list(getattr(part, name)) for name in HOOKS if hasattr(getattr(part, name), "__len__")},
            "tensors": {name: _frozen(t) for name, t in (*part.named_parameters(recurse=False), *part.named_buffers(recurse=False))},
        }
        for path, part in module.named_modules()
    }


def of_process() -> dict[str, Any]:
    """What belongs to the thread or the whole process."""
    return {
        "hooks": {
            name: len(getattr(module_hooks, name) or ()) for name in GLOBAL_HOOKS if not isinstance(getattr(module_hooks, name), bool)
        },
        "modes": (len(_get_current_function_mode_stack()), len(_get_current_dispatch_mode_stack())),
        "visitor": doors._HERE.visitor,
        "saved tensors": torch._C._autograd._top_saved_tensors_default_hooks(True) is None,
        "gradients": (torch.is_grad_enabled(), torch.is_inference_mode_enabled(), torch.is_anomaly_enabled()),
        "numbers": (torch.get_default_dtype(), torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()),
        "random": (torch.get_rng_state().numpy().tobytes(), random.getstate(), str(np.random.get_state())),  # noqa: NPY002 - the old generator's
    }
