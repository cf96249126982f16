"""What one channel of a block did with one picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sevis.analysis.channel import before_and_after, class_means, percentiles, places, shares
from sevis.analysis.rank import channel_influence, deviation, weight
from sevis.records import Inspection
from sevis.sentences.numbers import number_of
from sevis.words import adds, decimal, listed, ordinal, percent, side

__all__ = [
    "channel_classes_sentence",
    "channel_maps_sentence",
    "channel_samples_sentence",
    "channel_sentence",
    "channel_sentences",
    "share_sentence",
]


def channel_sentence(inspection: Inspection, depth: int, channel: int) -> str:
    """One channel: what came in, what the gate answered, how unusual that is, and what it did to the score."""
    return channel_sentences(inspection, depth)[channel]


def channel_sentences(inspection: Inspection, depth: int) -> tuple[str, ...]:
    """That sentence of every channel of the block."""
    record, values, target = inspection.gates[depth], weight(inspection, depth), inspection.target.label
    spreads, influence = deviation(inspection, depth), channel_influence(inspection, depth)
    ranks, count, number = places(values), len(values), number_of(record.site)
    said = []
    for channel, (squeeze, value) in enumerate(zip(record.squeeze[0].tolist(), values.tolist(), strict=True)):
        usual = "" if spreads is None else f", {side(float(spreads[channel]))} the average picture"
        stands = f"{number} {decimal(value)} ({_rank(int(ranks[channel]), count)} of {count}){usual}"
        came = f"Channel {channel} of {record.site.name}: squeeze {decimal(squeeze)}"
        said.append(f"{came}, {stands}; it {adds(float(influence[channel]), target)}.")
    return tuple(said)


def _rank(place: int, count: int) -> str:
    last = count + 1 - place
    if place <= last:
        return "the highest" if place == 1 else f"the {ordinal(place)} highest"
    return "the lowest" if last == 1 else f"the {ordinal(last)} lowest"


def share_sentence(inspection: Inspection, depth: int, channel: int) -> str:
    """How usual the weight is among the pictures of the average, and the channel's share of the block's Grad-CAM."""
    value, target = float(channel_influence(inspection, depth)[channel]), inspection.target.label
    how = percentiles(inspection, depth)
    number = number_of(inspection.sites[depth])
    usual = "" if how is None else f"Its {number} is lower on {how[channel]:.0f}% of {inspection.averages[depth].pictures} other pictures. "
    if value == 0:
        return f"{usual}It has no part in the block's Grad-CAM for {target}."
    spoke = f"all that speaks {'for' if value > 0 else 'against'} {target}"
    return f"{usual}Of {spoke} in this block it holds {_part(float(shares(inspection, depth)[channel]))}."


def _part(share: float) -> str:
    return percent(share) if share >= 0.01 else f"{100 * share:.1f}%" if share >= 0.001 else "less than 0.1%"


def channel_maps_sentence(inspection: Inspection, depth: int, channel: int) -> str:
    """What the gate made of the highest activation."""
    record = inspection.gates[depth]
    *before, after = (decimal(float(each.max())) for each in before_and_after(record, channel))
    if record.site.kind == "branch":
        highest = listed([f"{peak} in {name}" for name, peak in zip(record.site.branches, before, strict=True)])
        parts = listed([f"{part:.0%} of {name}" for name, part in zip(record.site.branches, record.weights[0, :, channel], strict=True)])
        return f"The highest activation is {highest}; the mixture takes {parts} and reaches {after}."
    factor = decimal(float(record.weights[0, 0, channel]))
    return f"The gate multiplies every place by {factor}: the highest activation goes from {before[0]} to {after}."


def channel_samples_sentence(inspection: Inspection, depth: int, channel: int, samples: Sequence[tuple[str, np.ndarray]]) -> str:
    """Which of the samples open the channel most and least, and where this picture stands among them."""
    number, own = number_of(inspection.sites[depth]), float(weight(inspection, depth)[channel])
    values = np.array([weights[-1, channel] for _, weights in samples])
    high, low = (f"{decimal(float(values[place]))} on {samples[place][0]}" for place in (int(values.argmax()), int(values.argmin())))
    said = f"Among {len(samples)} samples the {number} is highest, {high}, and lowest, {low}"
    return f"{said}; this picture's is {decimal(own)}."


def channel_classes_sentence(inspection: Inspection, depth: int, channel: int, classes: Sequence[str]) -> str:
    """Which classes open the channel most and least on average, and how the explained class stands among them."""
    means = class_means(inspection, depth, channel)
    if means is None:
        raise ValueError(f"{inspection.model} has no means by class; measure its averages anew")
    high, low = (f"{classes[place]} ({decimal(float(means[place]))})" for place in (int(means.argmax()), int(means.argmin())))
    said = f"On average the {number_of(inspection.sites[depth])} is highest for {high} and lowest for {low}"
    own = inspection.target.index
    return f"{said}; {classes[own]} comes {ordinal(int(places(means)[own]))} of {len(means)}."
