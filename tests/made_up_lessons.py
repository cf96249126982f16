"""What the figures of the lessons on the block's place and on faults are called with, made up."""

from __future__ import annotations

from typing import Any

import numpy as np

from sevis.analysis.arranged import Arranged
from sevis.figures import Entry
from sevis.records import Inspection
from tests.made_up import CASES
from tests.made_up_gates import statistics_of

__all__ = ["arranged", "taught"]

FIVE = ("standard", "pre", "post", "identity", "doubled")


def arranged() -> tuple[Arranged, ...]:
    """Five arrangements; one fades to nothing, and of one two units stayed as they were."""
    blocks, seeded = ("SE_2_1", "SE_2_2", "SE_3_1", "SE_4_1"), np.random.default_rng(5)
    spreads = np.exp(seeded.normal(0, 1, (len(FIVE), len(blocks))))
    spreads[2, -1] = 0.0
    kept = {"pre": ("SE_3_1", "SE_4_1")}
    told = zip(FIVE, spreads, ("cat", "dog", "French horn <b>", "cat", "church"), strict=True)
    return tuple(Arranged(name, blocks, row, label, 0.9 / (n + 1), kept.get(name, ())) for n, (name, row, label) in enumerate(told))


def taught(entry: Entry, made: Inspection) -> list[tuple[Any, ...]]:
    """Every way to call a figure of these lessons; those that no picture changes are called for the first of the CASES alone."""
    if entry.of == "gates":
        return [(statistics_of(made),)]
    return [(arranged(), chosen) for chosen in range(len(FIVE))] if made is CASES["se"] else []
