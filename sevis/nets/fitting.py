"""A state dict put into a network, once every name, shape and kind of number agrees; what differs is listed.

The network is built without memory first (on the meta device), so that nothing is copied, and little is allocated, for a state that
does not fit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

import torch
from torch import Tensor, nn

from sevis.nets.network import Blueprint, CheckpointError

__all__ = ["fill", "fitted"]

WRAPPERS = frozenset({"module", "_orig_mod", "model"})  # of DataParallel and AveragedModel, of torch.compile, of Lightning
LISTED = 20
COUNTER = "num_batches_tracked"  # batch norm's, which checkpoints older than 2018 lack and evaluation does not use
FLOATS = frozenset({torch.float64, torch.float32, torch.float16, torch.bfloat16})
WHOLE = frozenset({torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool})
State = Mapping[str, Tensor]


def fitted(blueprint: Blueprint, state: State, name: str) -> tuple[nn.Module, int | None]:
    """The blueprint's module with the state's values, and how many logits it has where these are not as many as usual.

    Args:
        name: what to call the checkpoint in an error.

    Raises:
        CheckpointError: the state does not fit; the sentence lists what is missing, unexpected or of another kind.
    """
    own = blueprint.sketch().state_dict()
    given = _unwrapped(state, own)
    head = _head(own, given)
    _check(own | head, given, name, blueprint.name)
    logits = len(next(iter(head.values()))) if head else None
    module = blueprint.build(logits)
    if head:
        _check(module.state_dict(), given, name, blueprint.name)  # another part may count the logits, too
    _copy(module, given)
    return module, logits


def fill(module: nn.Module, state: State, name: str) -> None:
    """Copy a state into a module of exactly those names, shapes and kinds of number; errors as those of `fitted`."""
    _check(module.state_dict(), state, name, "its network")
    _copy(module, state)


def _copy(module: nn.Module, state: State) -> None:
    with torch.no_grad():
        module.load_state_dict(dict(state), strict=False)  # strict but for the counters: _check saw to the rest


def _unwrapped(state: State, own: State) -> dict[str, Tensor]:
    """The state under the network's own names: without the parts that wrappers put into them.

    Raises:
        CheckpointError: two tensors would then have one name.
    """
    wrappers = WRAPPERS.difference(*(key.split(".") for key in own))
    given: dict[str, Tensor] = {}
    for key, tensor in state.items():
        bare = ".".join(part for part in key.split(".") if part not in wrappers)
        if bare in given:
            raise CheckpointError(f"The checkpoint has two tensors for {_shown(bare)}; save one network alone.")
        given[bare] = tensor
    if "n_averaged" not in own:  # AveragedModel's count
        given.pop("n_averaged", None)
    return given


def _head(own: State, given: State) -> dict[str, Tensor]:
    """The classifier as the checkpoint has it, where all that differs is how many logits it has: its names and, without values, its shapes.

    A number of logits is memory and time, so it is believed of a whole classifier alone, whose values are all there.
    """
    differing = {key: (own[key], given[key]) for key in own if key in given and own[key].shape != given[key].shape}
    rows = {(ours.shape[:1], theirs.shape[:1]) for ours, theirs in differing.values()}
    if len(rows) != 1 or any(ours.ndim == 0 or ours.shape[1:] != theirs.shape[1:] for ours, theirs in differing.values()):
        return {}
    usual, counted = rows.pop()
    parts = {_part(key) for key in differing}
    whole = all(key in differing for key in own if _part(key) in parts and own[key].shape[:1] == usual)
    weights = any(ours.ndim > 1 for ours, _ in differing.values())
    believed = whole and weights and bool(counted) and counted[0] > 0 and all(_is_there(theirs) for _, theirs in differing.values())
    return {key: torch.empty_like(theirs, dtype=ours.dtype, device="meta") for key, (ours, theirs) in differing.items()} if believed else {}


def _part(key: str) -> str:
    """The module that a tensor belongs to."""
    return key.rpartition(".")[0]


def _is_ordinary(tensor: Tensor) -> bool:
    return tensor.layout == torch.strided and tensor.device.type != "meta"


def _is_there(tensor: Tensor) -> bool:
    """Whether it has all the values that it says it has, in memory."""
    return _is_ordinary(tensor) and tensor.untyped_storage().nbytes() >= _claimed(tensor)


def _claimed(tensor: Tensor) -> int:
    """Bytes that it says it has, which `nbytes` counts modulo 2**64."""
    return tensor.numel() * tensor.element_size()


def _check(own: State, given: State, name: str, network: str) -> None:
    missing = [key for key in own if key not in given and not key.endswith(COUNTER)]
    unexpected = [key for key in given if key not in own]
    flaws = [f"{key} {flaw}" for key in own if key in given and (flaw := _flaw(given[key], own[key]))]
    lists = {
        "missing": [_with_closest(key, unexpected) for key in missing[:LISTED]] + missing[LISTED:],
        "unexpected": [_shown(key) for key in unexpected],
        "of another kind": flaws,
    }
    wrong = "; ".join(f"{_tensors(len(keys))} {problem}: {_first(keys)}" for problem, keys in lists.items() if keys)
    if wrong:
        raise CheckpointError(f"The checkpoint {name} does not fit {network}: {wrong}.")


def _flaw(tensor: Tensor, expected: Tensor) -> str:
    """Why a tensor cannot be copied into the expected one's place; "" where it can."""
    if not _is_ordinary(tensor):
        return "is not an ordinary tensor in memory"
    if not _is_there(tensor):  # a view of few bytes that says it has many, or of one value repeated
        return f"has {tensor.untyped_storage().nbytes():,} bytes, expected {_claimed(tensor):,}"
    if tensor.shape != expected.shape:
        return f"is {tuple(tensor.shape)}, expected {tuple(expected.shape)}"
    if tensor.dtype not in (FLOATS if expected.is_floating_point() else WHOLE):
        return f"holds {tensor.dtype}, expected {expected.dtype}"
    if tensor.is_floating_point() and not tensor.isfinite().all():
        return "holds values that are not finite"
    return ""


def _with_closest(key: str, names: Iterable[str]) -> str:
    short = [name for name in names if len(name) < 200][:300]  # a visitor's names: to compare two takes their length squared
    closest = get_close_matches(key, short, 1)
    return f"{key} (closest: {_shown(closest[0])})" if closest else key


def _shown(key: str) -> str:
    return key if key.isprintable() and len(key) < 200 else ascii(key)[:200]


def _tensors(count: int) -> str:
    return f"{count} tensor{'s' * (count != 1)}"


def _first(keys: list[str]) -> str:
    return ", ".join(keys[:LISTED]) + ", ..." * (len(keys) > LISTED)
