"""What the figures of the lessons on excitation and selection are called with, made up."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from sevis.analysis.zoomed import zoomed
from sevis.excitation import Excitation
from sevis.figures import Entry
from sevis.records import Inspection
from tests.made_up import frozen

__all__ = ["excitation_of", "taught_by_numbers"]

UNITS = {8: 2, 16: 5, 24: 20}  # by channels: few, some, and more than are told apart


def excitation_of(channels: int, *, gate: str = "sigmoid", biased: bool = False) -> Excitation:
    """Two seeded layers around some units."""
    units, seeded = UNITS.get(channels, 4), np.random.default_rng(channels)
    w1, w2 = (frozen(seeded.normal(0, 1.5, shape)) for shape in ((units, channels), (channels, units)))
    b1, b2 = (frozen(biased * seeded.normal(0, 0.5, count)) for count in (units, channels))
    return Excitation(w1, b1, w2, b2, "relu", gate)


def _excitations(made: Inspection, last: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    """The excitation and record of the last channel gates, and what comes last."""
    return [
        (excitation_of(each.site.channels, gate=each.site.activation, biased=each.site.depth > 1), each, *last)
        for each in made.gates[-2:]
        if each.site.kind == "channel"
    ]


def _zoomed(made: Inspection, zoom: float) -> list[tuple[Any, ...]]:
    """The inspection beside two whose branches are exchanged."""
    if not any(site.kind == "branch" for site in made.sites):
        return []
    turned = replace(made, gates=tuple(replace(each, weights=frozen(each.weights[:, ::-1])) for each in made.gates))
    return [(zoomed(zoom, made, *((turned, made) if zoom > 1 else (made, made))),)]


def taught_by_numbers(entry: Entry, made: Inspection) -> list[tuple[Any, ...]]:
    """Every way to call a figure of these lessons on the inspection."""
    if entry.of == "zoomed":
        return [*_zoomed(made, 1.0), *_zoomed(made, 1.5)]
    if entry.name == "excitation_narrowed":
        return [*_excitations(made, (0,)), *_excitations(made, (2,))]
    return [*_excitations(made, (3,)), *_excitations(made, (1, 4.5))]
