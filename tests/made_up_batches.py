"""Batches made up from seeded numbers: groups of pictures that a gate treated alike, and everything read-only."""

from __future__ import annotations

import numpy as np

from sevis.batch import Batch, Seen
from sevis.records import Inspection, Prediction
from tests.made_up import LABELS, frozen, gate


def batch_of(made: Inspection, count: int = 7, groups: int = 3) -> Batch:
    """So many pictures of an inspection's network; those whose places are equal modulo `groups` are alike, and of one class."""
    seeded = np.random.default_rng(count)
    shifts = [seeded.normal(0, 2, (groups, *each.logits.shape[1:])) for each in made.gates]
    pictures = tuple(_seen(made, place % groups, shifts, seeded) for place in range(count))
    return Batch(made.model, made.sites, made.averages, tuple(f"picture {place}.jpg" for place in range(count)), pictures)


def pictured(made: Inspection) -> list[tuple[Batch, int]]:
    """Every gate of the inspection's network over a batch."""
    return [(batch_of(made), depth) for depth in range(len(made.sites))]


def _seen(made: Inspection, group: int, shifts: list[np.ndarray], seeded: np.random.Generator) -> Seen:
    weights = []
    for each, shift in zip(made.gates, shifts, strict=True):
        logits = each.logits + shift[group] + seeded.normal(0, 0.05, each.logits.shape)
        weights.append(frozen(gate(logits, each.site.kind, each.site.activation)[0]))
    best = Prediction(group, LABELS[group], float(seeded.uniform(0.3, 0.95)), made.target.box)
    thumbnail = seeded.integers(0, 256, (30, 40, 3), dtype=np.uint8)
    thumbnail.flags.writeable = False
    return Seen(thumbnail, (best,), best, tuple(weights))
