"""What the score and the usual Grad-CAM need of a pass: the logits before a softmax of the network's own, and its last map."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from sevis.capture.lineage import Lineage, Node
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
        self._last: LastMap | None = None

    def keep(self, node: Node, args: tuple[Any, ...], made: Tensor) -> None:
        """Keep a softmax's logits, the map behind each squeeze, and the last map."""
        if node.op in {"softmax", "log_softmax"}:
            self._logits[node] = next(tensors_in(args))
        if made.ndim == 4 and node.value is None and made.shape[-1] * made.shape[-2] > 1:
            self._last = LastMap(owner(self._paths) if self._watch.proof else "", made, edge_of(made, self._watch))
        if node.is_squeeze and self._last is not None and node.parents[0] is self._lineage.of(self._last.values):
            self._pooled[node] = self._last

    def logits(self, output: Tensor) -> Tensor:
        """What the network's output was before a softmax of its own, where it has one."""
        node = self._lineage.of(output)
        return self._logits.get(node, output) if node is not None else output

    def last_map(self, output: Tensor) -> LastMap | None:
        """The map that was pooled for the output; where none was, the last map of the pass."""
        node = self._lineage.of(output)
        pooled = [self._pooled[squeeze] for squeeze in (node.squeezes if node is not None else ()) if squeeze in self._pooled]
        return pooled[-1] if pooled else self._last
