"""What the score and the usual Grad-CAM need of a pass: the logits before a softmax of the network's own, and its last map."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from torch import Tensor

from sevis.capture.lineage import Call, Lineage, Node
from sevis.capture.operations import tensors_in
from sevis.capture.owner import owner
from sevis.capture.watch import LastMap, Watch, edge_of

__all__ = ["Head"]


class Head:
    """Keeps what stands at the end of a pass while the pass runs.

    Args:
        paths: the modules' paths by identity.
    """

    def __init__(self, lineage: Lineage, watch: Watch, paths: Mapping[int, str]) -> None:
        self._lineage, self._watch, self._paths = lineage, watch, paths
        self._logits: dict[Node, Tensor] = {}
        self._pooled: dict[Node, LastMap] = {}
        self._last: LastMap | None = None  # without its edge, which costs more than to keep the map
        self._node: Node | None = None

    def keep(self, node: Node, args: tuple[Any, ...], made: Tensor) -> None:
        """Keep a softmax's logits, the map behind each squeeze, and the last map."""
        if node.op in {"softmax", "log_softmax"}:
            self._logits[node] = next(tensors_in(args))
        if node.value is None and made.ndim == 4 and made.shape[-1] * made.shape[-2] > 1:
            self._last, self._node = LastMap(owner(self._paths) if self._watch.proof else "", made, None, node.call), node
        elif node.is_squeeze and self._last is not None and node.parents[0] is self._node:
            self._pooled[node] = self._with_edge(self._last)

    def _with_edge(self, last: LastMap) -> LastMap:
        return replace(last, edge=edge_of(last.values, self._watch))

    def softmax(self, output: Tensor) -> Call | None:
        """The call of a softmax that the output comes from; None where it is none."""
        node = self._lineage.of(output)
        return node.call if node is not None and node in self._logits else None

    def logits(self, output: Tensor) -> Tensor:
        """What the network's output was before a softmax of its own, where it has one."""
        node = self._lineage.of(output)
        return self._logits.get(node, output) if node is not None else output

    def last_map(self, output: Tensor) -> LastMap | None:
        """The map that was pooled for the output; where none was, the last map of the pass."""
        node = self._lineage.of(output)
        pooled = [self._pooled[squeeze] for squeeze in (node.squeezes if node is not None else ()) if squeeze in self._pooled]
        return pooled[-1] if pooled else self._with_edge(self._last) if self._last is not None else None
