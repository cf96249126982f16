"""What the figures of a brush and of several answers are called with."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sevis.analysis.covering import brushed, covered, grid_over
from sevis.figures import Entry
from sevis.records import Inspection
from tests.compared import varied

CONSTANTS = ("each gate at its mean", "every gate at 1")


def answered(made: Inspection) -> list[tuple[str, Inspection]]:
    """The network as it is and with constants in its gates, which turn its answer round."""
    turned = replace(made, predictions=made.predictions[::-1])
    return [("as it is", made), *zip(CONSTANTS, (turned, varied(made)), strict=True)]


def brushes(entry: Entry, made: Inspection) -> list[tuple[Any, ...]]:
    """Every way to call the entry on the inspection."""
    if entry.of == "answers":
        told = answered(made)
        return [(told,), ([told[0], told[-1]],)]
    grid = grid_over(*made.image.shape[:2])
    part = brushed((1, 2), 3, grid)
    return [(made.image, grid, None), (covered(made.image, part, grid), grid, part)]
