"""Comparisons of made-up inspections: the same network twice, and every way in which two networks can be unlike."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from sevis.analysis.compare import Comparison, compare
from sevis.figures import Entry
from sevis.records import GateRecord, Inspection, Prediction
from tests.made_up import CASES, SE, frozen, gate, inspection, record

NAMES = ("kitten", "a cup of coffee")


def varied(made: Inspection, seed: int = 5) -> Inspection:
    """The same network on another picture: other weights, probabilities and maps."""
    seeded = np.random.default_rng(seed)
    first, *others = made.predictions or (made.target,)
    return replace(
        made,
        gates=tuple(_moved(each, seeded) for each in made.gates),
        predictions=(*others, replace(first, probability=0.01)) if made.predictions else (),
        target=replace(made.target, probability=0.01),
        cams=tuple(replace(cam, values=frozen(cam.values[:, ::-1])) for cam in made.cams),
    )


def _moved(made: GateRecord, seeded: np.random.Generator) -> GateRecord:
    logits = made.logits + seeded.normal(0, 0.5, made.logits.shape)
    return replace(made, logits=frozen(logits), weights=frozen(gate(logits, made.site.kind, made.site.activation)))


def beside(entry: Entry, made: Inspection) -> list[tuple[Any, ...]]:
    """Every way to call a figure of comparisons with the inspection as the first side."""
    comparison = compare(made, varied(made), NAMES)
    if entry.needs and not getattr(comparison, entry.needs):
        return []
    return [(comparison, place) for place in range(len(comparison.pairs))] if entry.of == "pair" else [(comparison,)]


def other_network(made: Inspection, seed: int = 5) -> Inspection:
    """The same architecture with other weights inside, and another class explained."""
    return replace(varied(made, seed), model="another", target=Prediction(3, "chain saw", 0.2))


DEEP = inspection([record(depth, 12, side=2) for depth in range(11)])
UNLIKE: dict[str, tuple[Inspection, Inspection]] = {
    "two pictures": (CASES["se"], varied(CASES["se"])),
    "two pictures, selections": (CASES["sk"], varied(CASES["sk"])),
    "the same twice": (CASES["se"], CASES["se"]),
    "two trainings": (CASES["se"], other_network(CASES["se"])),
    "averages on one side": (CASES["se"], CASES["se without averages"]),
    "no averages": (CASES["sk without averages"], varied(CASES["sk without averages"])),
    "other depths": (CASES["se"], DEEP),
    "other depths, deep first": (DEEP, CASES["se"]),
    "other widths": (CASES["se"], inspection([record(depth, 2 * each.site.channels) for depth, each in enumerate(SE)])),
    "a gate and a selection": (CASES["se"], CASES["sk"]),
    "a selection and a gate, no averages": (CASES["sk without averages"], CASES["se without averages"]),
    "two and three branches": (CASES["sk"], CASES["three branches"]),
    "both kinds": (CASES["both kinds"], CASES["se"]),
    "one block": (CASES["one block"], DEEP),
    "signs": (CASES["tanh"], varied(CASES["tanh"])),
    "silent": (CASES["silent"], CASES["se"]),
    "no gates": (inspection([]), inspection([])),
    "gates on one side": (inspection([]), CASES["se"]),
    "boxes": (CASES["boxes"], varied(CASES["boxes"])),
    "boxes and none": (CASES["boxes"], CASES["no box"]),
    "constant": (
        inspection([record(0, 8)]),
        replace(inspection([record(0, 8)]), gates=(replace(record(0, 8), weights=frozen(np.full((1, 1, 8), 0.5))),)),
    ),
}
COMPARISONS: dict[str, Comparison] = {name: compare(*sides, NAMES) for name, sides in UNLIKE.items()}
