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
        self._last: tuple[str, Tensor] | None = None  # with the module that made it, if gates are proved

    def keep(self, node: Node, args: tuple[Any, ...], made: Tensor) -> None:
        """Keep a softmax's logits, the map behind each squeeze, and the last map."""
        if node.op in {"softmax", "log_softmax"}:
            self._logits[node] = next(tensors_in(args))
        if node.value is None:
            self.keep_map(made)
        elif node.is_squeeze and self._last is not None and node.parents[0] is self._lineage.of(self._last[1]):
            self._pooled[node] = self._as_map(*self._last)

    def keep_map(self, made: Tensor) -> None:
        """Keep the last map."""
        if made.ndim == 4 and made.shape[-1] * made.shape[-2] > 1:
            self._last = owner(self._paths) if self._watch.proof else "", made

    def _as_map(self, path: str, values: Tensor) -> LastMap:
        return LastMap(path, values, edge_of(values, self._watch))

    def logits(self, output: Tensor) -> Tensor:
        """What the network's output was before a softmax of its own, where it has one."""
        node = self._lineage.of(output)
        return self._logits.get(node, output) if node is not None else output

    def last_map(self, output: Tensor) -> LastMap | None:
        """The map that was pooled for the output; where none was, the last map of the pass."""
        node = self._lineage.of(output)
        pooled = [self._pooled[squeeze] for squeeze in (node.squeezes if node is not None else ()) if squeeze in self._pooled]
        return pooled[-1] if pooled else self._as_map(*self._last) if self._last is not None else None
