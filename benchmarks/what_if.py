"""Each block switched off in turn: all branched off one pass, against a whole pass for each."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from benchmarks.networks import inspected, picture
from benchmarks.rounds import interleaved
from benchmarks.row import LEAST, Row, Sizes, compared
from sevis.capture.edits import rewriting
from sevis.capture.watch import Watch
from sevis.edits import Edit, WhatIf, effects_of
from sevis.inspector import Inspector

__all__ = ["what_ifs"]


def one_by_one(inspector: Inspector, side: int) -> None:
    """Forward only, and watched by the calls that are known, as what branches off is."""
    tensor = inspector.batch([inspector.tensor(picture(side))])
    for edit in effects_of(inspector.sites):
        with torch.no_grad():
            inspector.watched(tensor, _watch(inspector, edit))


def _watch(inspector: Inspector, edit: Edit) -> Watch:
    rewrite = rewriting((WhatIf((edit,)),), inspector.sites, ())
    return Watch(head=True, proof=False, rewrite=rewrite, plan=inspector.plan)


def what_ifs(sizes: Sizes) -> Iterator[Row]:
    """The first of the networks."""
    name = sizes.networks[0]
    inspector = inspected(name, sizes.side)
    works = {
        "sevis": lambda: inspector.effects(picture(sizes.side)),
        "separate": lambda: one_by_one(inspector, sizes.side),
    }
    rounds, blocks = interleaved(works, sizes.slow_rounds), len(inspector.sites)
    what = f"{name}: what-if over all {blocks} blocks"
    yield compared(what, f"{blocks} separate forward passes", rounds, "separate", "sevis", LEAST, 1.5)
