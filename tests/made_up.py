"""Inspections made up from seeded numbers: no network runs, every array is read-only, so that a figure that writes to one fails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sevis.records import Cam, GateAverage, GateRecord, GateSite, Inspection, Kind, Prediction

LABELS = ("cat", "dog", "French horn", "chain saw", "parachute", "church")
BRANCHES: dict[Kind, tuple[str, ...]] = {"channel": ("gate",), "branch": ("3x3", "5x5")}


def frozen(values: np.ndarray) -> np.ndarray:
    """The values as float32 that nobody can write to."""
    values = np.array(values, dtype=np.float32)
    values.flags.writeable = False
    return values


def gate(logits: np.ndarray, kind: Kind, activation: str) -> np.ndarray:
    """The weights that the logits (N, M, C) lead to."""
    if kind == "branch":
        raised = np.exp(logits - logits.max(axis=1, keepdims=True))
        return raised / raised.sum(axis=1, keepdims=True)
    return np.tanh(logits) if activation == "tanh" else 1 / (1 + np.exp(-logits))


def record(
    depth: int, channels: int, kind: Kind = "channel", *, branches: Sequence[str] = (), activation: str = "sigmoid", side: int = 6
) -> GateRecord:
    """One gate's record with feature maps of side x (side + 1) cells."""
    seeded = np.random.default_rng(100 * depth + channels)
    names = tuple(branches) or BRANCHES[kind]
    site = GateSite(
        f"layer{depth}.gate", kind, "softmax" if kind == "branch" else activation, depth // 2 + 2, depth % 2 + 1, depth, channels, names
    )
    logits = seeded.normal(0, 1.5, (1, len(names), channels))
    maps = frozen(seeded.normal(0.2, 1, (1, len(names), channels, side, side + 1)))
    squeeze = seeded.gamma(2, 0.2, (1, channels))
    return GateRecord(site, frozen(squeeze), None, frozen(logits), frozen(gate(logits, kind, activation)), maps)


def average(gates: GateRecord) -> GateAverage:
    """An average over 20 made-up pictures."""
    seeded = np.random.default_rng(gates.site.depth + 7)
    logits = gates.logits + seeded.normal(0, 0.8, (20, *gates.logits.shape[1:]))
    weights = gate(logits, gates.site.kind, gates.site.activation)
    return GateAverage(gates.site.path, frozen(weights.mean(axis=0)), frozen(weights.std(axis=0)), 20)


def inspection(gates: Sequence[GateRecord], *, averages: bool = True, silent: bool = False) -> Inspection:
    """One picture's inspection; `silent` leaves influence and maps at 0."""
    seeded = np.random.default_rng(3)
    spoke = 0.0 if silent else 1.0
    image = seeded.integers(0, 256, (40, 56, 3), dtype=np.uint8)
    image.flags.writeable = False
    predictions = tuple(Prediction(index, label, 0.6 / 2**index) for index, label in enumerate(LABELS[:5]))
    cams = tuple(
        Cam(each.site.path, each.site.name, 0, frozen(spoke * seeded.random((1, 5, 7))), frozen(np.array([0.4 * spoke]))) for each in gates
    )
    return Inspection(
        "made-up",
        "cpu",
        image,
        predictions,
        predictions[0],
        3.2,
        tuple(gates),
        tuple(frozen(spoke * seeded.normal(0, 0.2, each.weights.shape)) for each in gates),
        cams,
        Cam("layer9", "last map", 0, frozen(spoke * seeded.random((1, 5, 7))), frozen(np.array([0.3 * spoke]))),
        tuple(average(each) for each in gates) if averages else (),
    )


def with_spreads(made: Inspection, depth: int, spreads: np.ndarray) -> Inspection:
    """The same inspection with the block's last branch so many spreads (C,) above its average."""
    old = made.averages[depth]
    spread = np.full_like(old.spread, 0.25)
    mean = made.gates[depth].weights[0] - spread * np.asarray(spreads)
    averages = list(made.averages)
    averages[depth] = GateAverage(old.path, frozen(mean), frozen(spread), old.pictures)
    return replace(made, averages=tuple(averages))


SE = [record(depth, channels) for depth, channels in enumerate((8, 16, 16, 24))]
SK = [record(depth, channels, "branch") for depth, channels in enumerate((16, 16, 24))]


def with_boxes(made: Inspection, count: int) -> Inspection:
    """The same inspection as a detector's, which found so many boxes; the second is explained, or a guess where there is none."""
    places = [(4.0, 6.0, 30.5, 32.0), (20.0, -1.5, 57.0, 22.0), (0.0, 0.0, 8.0, 8.0)]
    found = tuple(Prediction(n % 2, LABELS[n % 2], 0.9 / (n + 1), places[n]) for n in range(count))
    guess = Prediction(4, LABELS[4], 0.04, (10.0, 10.0, 20.0, 20.0))
    return replace(made, predictions=found, target=found[1] if count > 1 else guess)


CASES: dict[str, Inspection] = {
    "se": inspection(SE),
    "sk": inspection(SK),
    "se without averages": inspection(SE, averages=False),
    "sk without averages": inspection(SK, averages=False),
    "silent": inspection(SE, silent=True),
    "tanh": inspection([record(0, 16, activation="tanh"), record(1, 16, activation="tanh")]),
    "three branches": inspection([record(depth, 12, "branch", branches=("3x3", "5x5", "7x7")) for depth in range(2)]),
    "both kinds": inspection([record(0, 16), record(1, 16, "branch")]),
    "one block": inspection([record(0, 8)]),
    "boxes": with_boxes(inspection(SE), 3),
    "no box": with_boxes(inspection(SE), 0),
}
