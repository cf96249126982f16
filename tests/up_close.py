"""What the figures of one channel are called with."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from sevis.figures import Entry
from sevis.records import GateAverage, Inspection
from tests.made_up import LABELS, frozen

CHANNEL = 3
TITLES = ("A kitten", "<i>%{y}</i> at play", "A cup of coffee")


def measured(made: Inspection, classes: int = len(LABELS)) -> Inspection:
    """The inspection with quantiles and class means in its averages, as of 10 made-up pictures a class."""
    return replace(made, averages=tuple(_measured(each, classes) for each in made.averages))


def _measured(average: GateAverage, classes: int) -> GateAverage:
    weights = np.random.default_rng(4).random((10, classes, *average.mean.shape))
    quantiles = np.quantile(weights, np.linspace(0, 1, 21), axis=(0, 1))
    return replace(average, quantiles=frozen(quantiles), by_class=frozen(weights.mean(axis=0)))


def samples(made: Inspection, depth: int) -> list[tuple[str, np.ndarray]]:
    """Title and weights (M, C) of three made-up samples."""
    seeded = np.random.default_rng(5)
    return [(title, frozen(seeded.permutation(made.gates[depth].weights[0].T).T)) for title in TITLES]


def up_close(entry: Entry, made: Inspection) -> list[tuple[Any, ...]]:
    """Every way to call a figure of one channel on the inspection; class means need averages."""
    depths = range(len(made.gates))
    if entry.of == "classes":
        names = (made.target.label, *LABELS[1:])
        return [(measured(made), depth, CHANNEL, names) for depth in depths] if made.averages else []
    if entry.of == "samples":
        return [(made, depth, CHANNEL, samples(made, depth)) for depth in depths]
    return [(made, depth, CHANNEL) for depth in depths]
