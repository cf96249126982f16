"""What a network gives for one picture under each of several edits, forward only."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Protocol

import torch
from torch import Tensor

from sevis.capture.replay import Replay
from sevis.capture.route import Route
from sevis.capture.tracer import Tape
from sevis.capture.trunk import branched
from sevis.capture.watch import Watch
from sevis.edits import WhatIf, covers
from sevis.memory import in_parts
from sevis.records import GateSite

__all__ = ["outputs"]

MOST_ROWS = 16  # what-ifs in one pass


class Asked(Protocol):
    """What is needed of an Inspector."""

    device: torch.device
    sites: tuple[GateSite, ...]
    route: Route | None

    def batch(self, tensors: Sequence[Tensor]) -> Tensor: ...

    def watch(self, rows: Sequence[WhatIf]) -> Watch: ...

    def watched(self, batch: Tensor, watch: Watch) -> tuple[Tensor, Tape | Replay]: ...

    def shown(self, batch: Tensor) -> Tensor: ...


def outputs(inspector: Asked, tensor: Tensor, rows: Sequence[WhatIf]) -> Tensor:
    """What the reader takes of a picture (3, H, W) under each row's edits, (rows, ...) float32.

    On a processor each row computes what comes after its first edited gate, where the network allows it; else sixteen rows make a pass.
    """
    made = _branched(inspector, tensor, rows) if inspector.device.type == "cpu" else None
    if made is None:
        together = partial(_together, inspector, tensor)
        made = [part for first in range(0, len(rows), MOST_ROWS) for part in in_parts(together, rows[first : first + MOST_ROWS])]
    return torch.cat(made)


def _together(inspector: Asked, tensor: Tensor, rows: Sequence[WhatIf]) -> Tensor:
    """All rows in one pass."""
    with torch.no_grad():
        output, tape = inspector.watched(inspector.batch([tensor] * len(rows)), inspector.watch(rows))
    return tape.logits(output).float()


def _branched(inspector: Asked, tensor: Tensor, rows: Sequence[WhatIf]) -> list[Tensor] | None:
    """A pass for each row from its first edited gate on; None where the passes of this network cannot share that much."""
    if inspector.route is None:
        return None
    batch = inspector.batch([tensor])
    branches = [(_first_call(inspector, row, inspector.route.first_calls), inspector.watch((row,))) for row in rows]

    def run(replay: Replay) -> Tensor:
        with replay:
            output = inspector.shown(batch)
        return replay.logits(output).float().clone()

    return branched(run, inspector.route, branches)


def _first_call(inspector: Asked, row: WhatIf, first_calls: Sequence[int]) -> int | None:
    """The number of the first multiplication that a row edits; None where it edits none."""
    edited = (site.depth for site in inspector.sites if any(covers(edit, site) for edit in row.edits))
    return min((first_calls[depth] for depth in edited), default=None)
