"""What the data flow does not show, in sentences that name the way out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import nn

from sevis.capture.gates import activation_of, depends
from sevis.capture.lineage import Node
from sevis.capture.operations import RESHAPES
from sevis.records import GateSite

__all__ = ["UNREAD", "blind_spots", "meets_its_map", "nothing_found", "scripted"]

UNREAD = frozenset("einsum bmm matmul baddbmm addcmul lerp tensordot".split())  # what may hide a multiplication by a gate
DIAGONALS = frozenset({"diag", "diag_embed", "diagflat"})

WAY_OUT = 'name it: sevis.capture(module, gates=["{0}"])'
ALL_SCRIPTED = "This network is scripted: no operation can be watched and no gate is seen. Load it unscripted."
SCRIPTED = "{1}: scripted, so that a gate inside is not seen. Load it unscripted; if {0} is a gate, " + WAY_OUT + "."
NOT_READ = (
    "{1}: a gate meets its map in {2}, which is not read as a multiplication. If this module only weighs channels, "
    + WAY_OUT
    + "; otherwise give the gate a module of its own."
)
NOTHING = (
    "No channel gate was found in this network: there is its prediction and its Grad-CAM, but no excitation to show."
    " If a module of it is a gate, " + WAY_OUT.format("its.path") + "."
)


def scripted(module: nn.Module) -> tuple[str, ...]:
    """The paths of the scripted and traced parts of a network, the outermost ones."""
    paths: list[str] = []
    for path, part in module.named_modules():
        inside = any(not above or path.startswith(f"{above}.") for above in paths)
        if isinstance(part, torch.jit.ScriptModule) and not inside:
            paths.append(path)
    return tuple(paths)


def meets_its_map(parents: Sequence[Node]) -> bool:
    """Whether an operation brings a gate together with the map that it was computed from."""
    weights = [node for node in parents if node.value is not None and _is_gate(node)]
    maps = [node for node in parents if node.value is None]
    return any(depends(squeeze, features) for gate in weights for squeeze in gate.squeezes for features in maps)


def _is_gate(node: Node) -> bool:
    return any(activation_of(part) is not None for part in node.back(RESHAPES | DIAGONALS))


def blind_spots(module: nn.Module, unread: Iterable[tuple[str, str]], named: Sequence[str] = ()) -> tuple[str, ...]:
    """What cannot be seen in a network, one sentence each.

    Args:
        module: the network.
        unread: (path, operation) of every operation of UNREAD that brought a gate together with its map.
        named: paths of the modules that the user named as gates: these are recorded.
    """

    def is_named(path: str) -> bool:
        return any(path == name or path.startswith(f"{name}.") for name in named)

    parts = [path for path in scripted(module) if not is_named(path)]
    listed = ", ".join(parts[:3]) + " ..." * (len(parts) > 3)
    hidden = [ALL_SCRIPTED if parts == [""] else SCRIPTED.format(parts[0], listed)] if parts else []
    unnamed = [(path, operation) for path, operation in unread if not is_named(path)]
    return (*hidden, *(NOT_READ.format(path, path or "The network itself", operation) for path, operation in unnamed))


def nothing_found(sites: Sequence[GateSite]) -> tuple[str, ...]:
    """That a network has no gates to show, if so."""
    return () if sites else (NOTHING,)
