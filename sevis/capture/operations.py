"""What torch's functions are called, what they do to the axes of a map, and which of their arguments carry values on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from torch import Tensor

__all__ = [
    "EXPANSIONS",
    "FIRST_ALONE",
    "JOINS",
    "REDUCTIONS",
    "RESHAPES",
    "by_position",
    "kernel_side",
    "op_name",
    "reduced_axes",
    "tensors_in",
]

# what pools a map; the number is how many trailing axes it pools where it takes no dim
REDUCTIONS: dict[str, int | None] = {
    "mean": None,
    "sum": None,
    "amax": None,
    "max": None,
    "adaptive_avg_pool1d": 1,
    "adaptive_avg_pool2d": 2,
    "adaptive_avg_pool3d": 3,
    "adaptive_max_pool1d": 1,
    "adaptive_max_pool2d": 2,
    "adaptive_max_pool3d": 3,
    "avg_pool1d": 1,
    "avg_pool2d": 2,
    "avg_pool3d": 3,
    "max_pool1d": 1,
    "max_pool2d": 2,
    "max_pool3d": 3,
}
# the same values in another shape
RESHAPES = frozenset(
    (
        "view reshape view_as reshape_as flatten unflatten squeeze unsqueeze permute transpose movedim moveaxis swapaxes contiguous "
        "chunk split unbind getitem tensor_split narrow select to float half bfloat16 type type_as clone detach expand expand_as "
        "broadcast_to stack cat concat concatenate dropout dropout2d identity"
    ).split()
)
EXPANSIONS = frozenset({"expand", "expand_as", "broadcast_to"})
# the other tensors lend these their shape or type, or are weights: the first alone is carried on
FIRST_ALONE = frozenset(
    (
        "expand_as view_as reshape_as type_as to linear conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d "
        "batch_norm instance_norm group_norm layer_norm rms_norm prelu"
    ).split()
)
# what leads from a map to one that holds the same values, summed or rearranged
JOINS = RESHAPES | {"add", "sum", "mean", "sub"}
ALIASES = {
    "imul": "mul",
    "rmul": "mul",
    "multiply": "mul",
    "iadd": "add",
    "radd": "add",
    "itruediv": "div",
    "rtruediv": "rdiv",
    "truediv": "div",
    "divide": "div",
    "special_expit": "sigmoid",
}


@lru_cache(4096)
def op_name(func: Callable[..., Any]) -> str:
    """The function's name as torch documents it: without underscores and without the traces of overloading."""
    name = getattr(func, "__name__", "").strip("_").removesuffix("_with_indices")
    return ALIASES.get(name, name)


def tensors_in(values: Any) -> Iterator[Tensor]:
    """Every tensor among the arguments or results of a call, inside lists and tuples too."""
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from tensors_in(value)


def by_position(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of a multiplication, whose two factors may come by name."""
    named = [name for name in ("input", "other")[len(args) :] if name in kwargs]
    if not named:
        return args, kwargs
    return (*args, *(kwargs[name] for name in named)), {name: given for name, given in kwargs.items() if name not in named}


def reduced_axes(op: str, shape: tuple[int, ...], args: tuple[Any, ...], kwargs: dict[str, Any]) -> frozenset[int]:
    """The axes over which a call of REDUCTIONS pools its first argument."""
    trailing = REDUCTIONS[op]
    if trailing is not None:
        return frozenset(range(len(shape) - trailing, len(shape)))
    axes = kwargs.get("dim", kwargs.get("axis", args[1] if len(args) > 1 else None))
    if axes is None or isinstance(axes, Tensor):
        return frozenset()
    return frozenset(axis % len(shape) for axis in ([axes] if isinstance(axes, int) else axes))


def kernel_side(op: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> int:
    """The side of a convolution's kernel with its dilation: 5 for a 3 x 3 with dilation 2; 0 for anything else."""
    if not op.startswith("conv"):
        return 0
    weight = kwargs.get("weight", args[1] if len(args) > 1 else None)
    dilation = kwargs.get("dilation", args[5] if len(args) > 5 else 1)
    side = weight.shape[-1] if isinstance(weight, Tensor) else 1
    return (side - 1) * (dilation if isinstance(dilation, int) else dilation[-1]) + 1
