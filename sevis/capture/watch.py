"""What a tape is asked to keep beside the records."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor
from torch.autograd.graph import get_gradient_edge

__all__ = ["Edit", "LastMap", "Rewrite", "Watch", "edge_of"]

Edit = Callable[[Tensor], Tensor]
Rewrite = Callable[[int, Tensor], Tensor]  # (depth of the gate, its weights (N, M, C)) -> weights; the same tensor where nothing changes


@dataclass(frozen=True)
class Watch:
    """What a tape keeps beside the records.

    Attributes:
        maps: the gated feature maps.
        half: whether their records hold them in half precision, which is enough to be looked at.
        gradients: the places where gradients can be asked for, and the gated maps.
        head: the logits before a softmax, and the last feature map.
        proof: whether each gate's identity is checked.
        route: whether the pass is to show later ones which calls make its gates.
        roots: whether the first gates start the graph, so that nothing before them is kept for the backward pass.
        edit: what replaces every gate before it is multiplied; None leaves it alone.
        rewrite: what replaces the weights of the gates that the plan knows; None leaves them alone.
        plan: the place of every multiplication that is rewritten, by its number; from an earlier pass.
        gates: paths of modules that are gates although no data flow shows it.
    """

    maps: bool = False
    half: bool = False
    gradients: bool = False
    head: bool = False
    proof: bool = True
    route: bool = False
    roots: bool = False
    edit: Edit | None = None
    rewrite: Rewrite | None = None
    plan: Mapping[int, Any] = field(default_factory=dict)
    gates: tuple[str, ...] = ()

    def rooted(self, gate: Tensor) -> Tensor:
        """The gate; a root of the graph where it is to start one and nothing before it needs a gradient."""
        return gate.detach().requires_grad_() if self.roots and not gate.requires_grad else gate

    def aliased(self, gate: Tensor) -> Tensor:
        """The gate as one multiplication has it, so that its gradient is that of no other use."""
        return gate.view_as(gate) if self.gradients and gate.requires_grad and not gate.is_leaf else gate


@dataclass(frozen=True, eq=False)
class LastMap:
    """A feature map (N, C, H, W): the module and the call that made it, its values, and where its gradient can be asked for."""

    path: str
    values: Tensor
    edge: object
    call: tuple[int, int] | None = None


def edge_of(made: Tensor, watch: Watch) -> object:
    """Where the gradient of a tensor can be asked for, if that is wanted and there is one."""
    return get_gradient_edge(made) if watch.gradients and made.requires_grad else None
