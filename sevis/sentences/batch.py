"""What a batch of pictures says: how sure the network was of them, and which of them a gate treated alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import combinations

import numpy as np

from sevis.analysis.similarity import distances, nearest
from sevis.batch import Batch, Scale
from sevis.sentences.numbers import number_of
from sevis.words import amount, counted, listed, percent

__all__ = ["batch_sentence", "picture_channels_sentence"]

NAMED = 3  # classes, or boxes' labels, that are named


def batch_sentence(batch: Batch) -> str:
    """How many pictures fell to which class, and of which the network was least sure."""
    labels = Counter(seen.target.label for seen in batch.pictures)
    common = labels.most_common(NAMED)
    named = [f"{label} ({count})" for label, count in common]
    rest = len(labels) - len(common)
    others = f" and {counted(rest, 'other')}" if rest else ""
    unsure = min(range(len(batch.pictures)), key=lambda place: batch.pictures[place].target.probability)
    least = batch.pictures[unsure].target
    what = "The surest box of" if least.box is not None else "The most probable class of"
    said = f"{what} {counted(len(batch.pictures), 'picture')}: {', '.join(named) if others else listed(named)}{others}"
    return f"{said}; least sure is {batch.titles[unsure]}, {least.label} with {percent(least.probability)}."


def picture_channels_sentence(batch: Batch, depth: int, scale: Scale = "average") -> str:
    """Which two pictures the block treated most alike and which least, and whether pictures of one class go together."""
    site, values = batch.sites[depth], batch.shown(depth, scale)
    if len(values) < 2:
        return f"{site.name} is shown for one picture; add others to see which of them it treats alike."
    apart = distances(values)
    if not apart.any():
        return f"{site.name} treats all {len(values)} pictures exactly alike."
    unit = "spreads" if scale == "average" and batch.averages else f"in {number_of(site)}"
    between = [(float(apart[one, other]), one, other) for one, other in combinations(range(len(values)), 2)]
    (least, *alike), (most, *unlike) = min(between), max(between)
    said = f"{site.name} treats {_pair(batch, alike)} most alike: they differ by {amount(least)} {unit} a channel"
    others = f"; {_pair(batch, unlike)} differ most, by {amount(most)}" if len(between) > 1 else ""
    return f"{said}{others}{_company(batch, values)}."


def _pair(batch: Batch, places: Sequence[float]) -> str:
    return listed([batch.titles[int(place)] for place in places])


def _company(batch: Batch, values: np.ndarray) -> str:
    """How many pictures are most like one of the same class, next to what chance would give; nothing where there is one class."""
    labels = [seen.target.label for seen in batch.pictures]
    sizes = Counter(labels)
    if not 1 < len(sizes) < len(labels):
        return ""
    same = sum(labels[place] == labels[other] for place, other in enumerate(nearest(values)))
    chance = sum(size * (size - 1) for size in sizes.values()) / (len(labels) - 1)
    verb = "is" if same == 1 else "are"
    return f"; {counted(same, 'picture', len(labels))} {verb} most like one of the same class, by chance it would be about {chance:.0f}"
