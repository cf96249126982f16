"""From gates as the tracer found them to the records that every other room reads."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from torch import Tensor

from sevis.capture import gates
from sevis.capture.gates import Found
from sevis.records import GateRecord, GateSite

__all__ = ["record_of", "sites_of"]


def sites_of(found: Sequence[Found]) -> tuple[GateSite, ...]:
    """The gates' sites, in order of depth."""
    sizes = [_places(gate) for gate in found]
    stages = [_stage(gate.products[0].path, size, sizes) for gate, size in zip(found, sizes, strict=True)]
    return tuple(_site(gate, depth, stages[depth], 1 + stages[:depth].count(stages[depth])) for depth, gate in enumerate(found))


def _site(found: Found, depth: int, stage: int, block: int) -> GateSite:
    weights, _, _ = gates.selection(found)
    first = found.products[0]
    return GateSite(
        path=first.path,
        kind="branch" if found.is_branch else "channel",
        activation=first.activation.op,
        stage=stage,
        block=block,
        depth=depth,
        channels=weights.shape[2],
        branches=gates.kernel_names(found.products, weights.shape[1]) if found.is_branch else ("gate",),
        warning=" ".join(found.warnings),
    )


def _places(found: Found) -> int:
    """How many places the gated map has."""
    first = found.products[0]
    return int(np.prod([first.shape[axis] for axis in first.over], dtype=int)) if first.over else 1


def _stage(path: str, size: int, sizes: list[int]) -> int:
    """The papers' stage: layer1 of a ResNet is stage 2; elsewhere a stage is a size of map, the largest being 2."""
    named = re.search(r"(?:^|\.)layer(\d+)(?:\.|$)", path)
    return int(named[1]) + 1 if named else 2 + sorted(set(sizes), reverse=True).index(size)


def record_of(found: Found, site: GateSite, *, maps: bool) -> GateRecord:
    """What one gate did; NumPy, float32."""
    weights, logits, kept = gates.selection(found)
    first = found.products[0]
    hidden = gates.hidden_of(first.activation, first.squeeze)
    return GateRecord(
        site=site,
        squeeze=_rows(first.squeeze.value, len(weights)),
        hidden=None if hidden is None or hidden.value is None else _rows(hidden.value, len(weights)),
        logits=_numpy(logits),
        weights=_numpy(weights),
        maps=_numpy(kept) if maps and kept is not None else None,
    )


def _numpy(values: Tensor) -> np.ndarray:
    return values.detach().float().cpu().numpy()


def _rows(values: Tensor | None, pictures: int) -> np.ndarray:
    if values is None:
        raise ValueError("a gate's vector was not recorded")
    return _numpy(values).reshape(pictures, -1)
