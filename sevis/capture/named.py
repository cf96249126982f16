"""Gates that no data flow shows (scripted code, einsum), read off what goes in and out of the modules that the user names."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from sevis.capture import gates, proofs
from sevis.capture.gates import NAMED, Found, Product
from sevis.capture.lineage import Lineage, Node
from sevis.capture.operations import tensors_in
from sevis.capture.watch import Watch, edge_of

__all__ = ["NamedGates", "factor"]

MORE = "{0!r} does more than to weigh channels: its output differs from input x weights by up to {1:.2g} with the nearest weights."
ONE_PLACE = "On a map of 1 x 1 any output fits input x weights: that this is a channel gate is taken from its name alone."
SILENT = "{0} of {1} maps are 0 everywhere, so that no weight can be read; it is given as 0."


@dataclass(frozen=True, eq=False)
class Call:
    """One call of a named module, before it ran: the node and a copy of its first argument, and how many gates had been met."""

    path: str
    node: Node
    features: Tensor
    met: int


class NamedGates:
    """The gates of the modules that the user named, entered among those of the pass.

    A module that gives a map of its input's shape weighs that map: its weights are the nearest factors. One that gives a
    number a channel makes the weights, and the multiplication by them is the tape's to find. Where the tape found a gate
    inside by itself, that one stands.
    """

    def __init__(self, module: nn.Module, watch: Watch, lineage: Lineage, found: list[Found]) -> None:
        self._places = _places(module, watch.gates)
        self._watch, self._lineage, self._found = watch, lineage, found
        self._calls: dict[int, Call] = {}
        self._heard: dict[str, list[Node]] = {}

    @property
    def modules(self) -> frozenset[int]:
        """The named modules' identities."""
        return frozenset(self._places)

    def before(self, module: nn.Module, arguments: Any) -> None:
        """Keep what a named module is called with: it may overwrite it."""
        path = self._places[id(module)]
        given = next((tensor for tensor in tensors_in(arguments) if tensor.is_floating_point() and tensor.ndim > 1), None)
        if given is None:
            raise ValueError(f"{path!r} was named as a gate, but its first argument is neither a map (N, C, H, W) nor a vector (N, C)")
        self._calls[id(module)] = Call(path, self._lineage.enter(given), given.clone(), len(self._found))

    def after(self, module: nn.Module, made: Any) -> Tensor | None:
        """Read the gate off a named module's output; what it gives back takes the output's place."""
        call = self._calls.pop(id(module))
        heard = self._heard.setdefault(call.path, [])
        if len(self._found) > call.met:
            return None
        if isinstance(made, Tensor) and call.node.value is None and made.shape == call.features.shape and made.ndim > 2:
            return self._weighed(call, made)
        heard.append(self._weights(call, made))
        return None

    def _weights(self, call: Call, made: Any) -> Node:
        """Enter the weights that a module makes, so that a multiplication by them is known as a gate's."""
        squeezes = call.node.squeezes or ((_squeeze(call),) if call.features.ndim > 2 else ())
        if not isinstance(made, Tensor) or not squeezes or made.numel() != _count(squeezes[0]):
            raise ValueError(
                f"{call.path!r} was named as a gate, but makes {_shape(made)} of {_shape(call.features)}:"
                " expected a map of the same shape, or one weight a channel (N, C)"
            )
        weights = Node(NAMED, squeezes, tuple(made.shape), value=made.detach().clone(), inherited=squeezes)
        self._lineage.put(made, weights)
        return weights

    def _weighed(self, call: Call, made: Tensor) -> Tensor:
        """Enter the gate of a module that weighs its input."""
        features, over = call.features, tuple(range(2, made.ndim))
        nearest = factor(features, made)
        weights = nearest[(..., *[None] * len(over))].to(made.dtype)
        apart = proofs.gap(features.detach() * weights, made)
        used, made = self._used(weights, features, made, MORE.format(call.path, apart) if apart else "")
        squeeze = _squeeze(call)
        activation = Node(NAMED, (squeeze,), tuple(weights.shape))
        product = Product(call.path, squeeze, activation, call.node, over, used.flatten(1), tuple(made.shape))
        product.maps = gates.spatial(features, over) if self._watch.maps or self._watch.gradients else None
        product.edge = edge_of(made, self._watch)
        self._found.append(Found((product,), edge=product.edge, warnings=_doubts(call, features, apart) if self._watch.proof else []))
        self._lineage.put(made, Node(NAMED, (call.node,), tuple(made.shape), sum_of=(product,)))
        return made

    def _used(self, weights: Tensor, features: Tensor, made: Tensor, broken: str) -> tuple[Tensor, Tensor]:
        """The weights and the output: edited, and a root of the graph where nothing before needs a gradient."""
        if self._watch.edit is not None:
            if broken:
                raise ValueError(f"{broken} It cannot be edited.")
            edited = self._watch.rooted(self._watch.edit(weights))
            return edited.detach().expand_as(weights).float(), features * edited
        root = self._watch.rooted(torch.ones_like(weights)) if not made.requires_grad else None
        return weights.float(), made if root is None or not root.requires_grad else made * root

    def check(self) -> None:
        """Raise ValueError where a named module did not run, or where nothing was multiplied by the weights it made."""
        used = {id(product.activation) for found in self._found for product in found.products}
        for path in self._places.values():
            if path not in self._heard:
                raise ValueError(f"{path!r} was named as a gate, but did not run in this pass")
            if any(id(weights) not in used for weights in self._heard[path]):
                raise ValueError(
                    f"{path!r} was named as a gate and makes weights, but no multiplication of its own map by them was seen:"
                    " name the module that multiplies"
                )


def _places(module: nn.Module, paths: Sequence[str]) -> dict[int, str]:
    """The named modules' paths by identity; ValueError where there is no such module, or where it never runs by itself."""
    modules = dict(module.named_modules(remove_duplicate=False)) if paths else {}
    for path in paths:
        if path not in modules:
            near = difflib.get_close_matches(path, modules, n=5, cutoff=0)
            raise ValueError(f"no module {path!r} in {type(module).__name__}; the nearest are {', '.join(map(repr, near))}")
        inside = next((above for above in _above(path) if isinstance(modules[above], torch.jit.ScriptModule)), None)
        if inside is not None:
            way_out = f"name {inside!r}" if inside else "load the network unscripted"
            raise ValueError(f"{path!r} lies inside scripted code, which runs as one: {way_out}")
    return {id(modules[path]): path for path in paths}


def _above(path: str) -> list[str]:
    """The paths of what a module lies in, the network itself first."""
    return [path[:end] for end in (0, *(n for n, letter in enumerate(path) if letter == "."))] if path else []


def _squeeze(call: Call) -> Node:
    """The mean of a map, which stands for the squeeze that was not seen."""
    pooled = call.features.detach().flatten(2).mean(2)
    return Node("mean", (call.node,), tuple(pooled.shape), value=pooled, is_squeeze=True)


def _count(squeeze: Node) -> int:
    return squeeze.value.numel() if squeeze.value is not None else 0


def _shape(made: Any) -> str:
    return str(tuple(made.shape)) if isinstance(made, Tensor) else type(made).__name__


def _doubts(call: Call, features: Tensor, apart: float) -> list[str]:
    """What speaks against the weights of a named module, one sentence each."""
    maps = features.flatten(2)
    silent = int((maps == 0).all(dim=2).sum())
    return [
        said
        for said, holds in (
            (MORE.format(call.path, apart), apart),
            (ONE_PLACE, maps.shape[2] == 1),
            (SILENT.format(silent, maps[:, :, 0].numel()), silent),
        )
        if holds
    ]


def factor(features: Tensor, made: Tensor) -> Tensor:
    """The weight of every channel (N, C) that brings a map (N, C, ...) closest to what was made of it; 0 where the map is 0."""
    before, after = features.detach().flatten(2).float(), made.detach().flatten(2).float()
    peak = before.abs().amax(dim=2, keepdim=True)
    safe = torch.where(peak > 0, peak, torch.ones_like(peak))
    before, after = before / safe, after / safe
    power = before.square().sum(dim=2)
    return (before * after).sum(dim=2) / torch.where(power > 0, power, torch.ones_like(power))
