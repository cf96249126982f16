"""The pictures of a made-up scan, by what they made of a channel."""

from __future__ import annotations

from typing import Any

import numpy as np

from sevis.analysis.scanned import Extremes, Ranked, extremes
from sevis.records import Inspection
from tests.up_close import CHANNEL

__all__ = ["among", "ranked"]

LABELS = ("cat", "<b>%{y}</b> dog", None)


def among(weights: np.ndarray, *, thumbnails: bool = True) -> Extremes:
    """The extremes of a scan with those weights; every third picture has no label, and nothing was found in the first."""
    count = len(weights)
    columns: dict[str, Any] = {
        "path": np.array([f"cat/<i>{n}</i>.jpg" for n in range(count)], dtype=object),
        "label": np.array([LABELS[n % 3] for n in range(count)], dtype=object),
        "predicted": np.array([None if n == 0 else LABELS[n % 2] for n in range(count)], dtype=object),
        "probability": np.linspace(0.2, 0.9, count).astype(np.float32),
    }
    found = extremes(weights, columns)
    return found.pictured({name: np.full((30, 40, 3), 9 * n, np.uint8) for n, name in enumerate(found.names)}) if thumbnails else found


def ranked(made: Inspection) -> list[tuple[Any, ...]]:
    """Every way to call the figure on the inspection: with thumbnails, with names alone, and of one picture."""
    values = np.random.default_rng(6).random(20)
    scans = (among(values), among(values, thumbnails=False), among(values[:1]))
    return [(made, depth, CHANNEL, found) for depth in range(len(made.gates)) for found in scans]


def named(extremes_: Extremes) -> list[tuple[str, ...]]:
    """The names at either end."""

    def names(side: tuple[Ranked, ...]) -> tuple[str, ...]:
        return tuple(each.name for each in side)

    return [names(extremes_.most), names(extremes_.least)]
