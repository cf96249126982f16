"""From gates as the tracer found them to the records that every other room reads."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sevis.capture import gates
from sevis.capture.gates import Found
from sevis.capture.watch import Watch
from sevis.host import Awaited
from sevis.records import GateRecord, GateSite

__all__ = ["records_of", "sites_of"]

LARGEST_HALF = torch.finfo(torch.float16).max


def sites_of(found: Sequence[Found]) -> tuple[GateSite, ...]:
    """The gates' sites, in order of depth."""
    sizes = [_places(gate) for gate in found]
    stages = [_stage(gate.products[0].path, size, sizes) for gate, size in zip(found, sizes, strict=True)]
    return tuple(_site(gate, depth, stages[depth], 1 + stages[:depth].count(stages[depth])) for depth, gate in enumerate(found))


def _site(found: Found, depth: int, stage: int, block: int) -> GateSite:
    weights = gates.weights_of(found)
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


def records_of(found: Sequence[Found], sites: Sequence[GateSite], watch: Watch) -> Awaited[tuple[GateRecord, ...]]:
    """What the gates did; NumPy, float32, the maps in half precision where the watch says so."""
    parts = [_parts(gate, watch) for gate in found]

    def made(arrays: list[Any]) -> tuple[GateRecord, ...]:
        left = iter(arrays)
        return tuple(GateRecord(site, *(next(left) for _ in gate)) for site, gate in zip(sites, parts, strict=True))

    return Awaited([part for gate in parts for part in gate], made)


def _parts(found: Found, watch: Watch) -> tuple[Tensor | None, ...]:
    """The values of a record, in the order of its fields."""
    first, weights = found.products[0], gates.weights_of(found)
    hidden = gates.hidden_of(first.activation, first.squeeze)
    return (
        _rows(first.squeeze.value, len(weights)),
        None if hidden is None or hidden.value is None else _rows(hidden.value, len(weights)),
        gates.logits_in_order(first.activation, weights),
        weights,
        _looked_at(gates.maps_of(found), watch) if watch.maps else None,
    )


def _looked_at(maps: Tensor | None, watch: Watch) -> Tensor | None:
    if maps is None or not watch.half:
        return None if maps is None else maps.float()
    return maps.half().clamp_(-LARGEST_HALF, LARGEST_HALF)  # what is beyond became infinite


def _rows(values: Tensor | None, pictures: int) -> Tensor:
    if values is None:
        raise ValueError("a gate's vector was not recorded")
    return values.float().reshape(pictures, -1)
