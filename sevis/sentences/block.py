"""What the figures of one block say of one picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sevis.analysis.rank import channel_influence, deviation, reference, strongest, weight
from sevis.records import GateSite, Inspection
from sevis.sentences.numbers import far, number_of
from sevis.words import adds, counted, decimal, listed, percent, span, start

__all__ = [
    "block_sentence",
    "branches_sentence",
    "histogram_sentence",
    "influence_sentence",
    "maps_sentence",
    "squeeze_sentence",
]

LOOSE = 0.2  # correlations below this are called none


def block_sentence(inspection: Inspection, depth: int) -> str:
    """What the block did to its channels against their averages, and its strongest influence on the explained class."""
    spreads = deviation(inspection, depth)
    said = _levels(inspection, depth) if spreads is None else _opened(inspection.sites[depth], spreads)
    return f"{said}; {_strongest_influence(inspection, depth)}."


def _opened(site: GateSite, spreads: np.ndarray) -> str:
    above, below = far(spreads)
    channels, whose = counted(above, "channel", site.channels), "its" if above == 1 else "their"
    done = f"leaned to {site.branches[-1]} in" if site.kind == "branch" else "opened"
    return f"{site.name} {done} {channels} more than two spreads above {whose} average and held {below or 'none'} as far below"


def _levels(inspection: Inspection, depth: int) -> str:
    site, values = inspection.sites[depth], weight(inspection, depth)
    if values.min() < 0 or values.max() > 1:
        return f"The weights of {site.name} go from {decimal(float(values.min()))} to {decimal(float(values.max()))}"
    high, low = int((values > 0.9).sum()), int((values < 0.1).sum())
    return (
        f"In {site.name} the {number_of(site)} is above 0.9 in {counted(high, 'channel', site.channels)} and below 0.1 in {low or 'none'}"
    )


def _strongest_influence(inspection: Inspection, depth: int) -> str:
    channel = strongest(inspection, depth, "influence", 1)[0]
    value = float(channel_influence(inspection, depth)[channel])
    if value == 0:
        return f"no channel of it has an influence on {inspection.target.label}"
    return f"channel {channel} alone {adds(value, inspection.target.label)}"


def influence_sentence(inspection: Inspection, depth: int) -> str:
    """How many channels spoke for the class and against it, and what they add up to."""
    site, influence, target = inspection.sites[depth], channel_influence(inspection, depth), inspection.target.label
    if not influence.any():
        return f"No channel of {site.name} has an influence on {target}."
    spoke, against = counted(int((influence > 0).sum()), "channel", site.channels), int((influence < 0).sum())
    total = adds(float(influence.sum()), target, "add", "take")
    return f"{start(spoke)} of {site.name} spoke for {target} and {against or 'none'} against it; all of them together {total}."


def histogram_sentence(inspection: Inspection, depth: int) -> str:
    """Mean and extent of the weights, and the mean of the average picture."""
    site, values, usual = inspection.sites[depth], weight(inspection, depth), reference(inspection, depth)
    low, high, mean = (decimal(float(each)) for each in (values.min(), values.max(), values.mean()))
    said = f"In {site.name} the {number_of(site)} goes from {low} to {high}, with a mean of {mean}"
    return f"{said}." if usual is None else f"{said}; the average picture's mean is {decimal(float(usual[0].mean()))}."


def squeeze_sentence(inspection: Inspection, depth: int) -> str:
    """How the weight goes with the squeeze over the channels of one block."""
    squeeze, values = inspection.gates[depth].squeeze[0].astype(float), weight(inspection, depth).astype(float)
    name, number = inspection.sites[depth].name, number_of(inspection.sites[depth])
    if np.ptp(squeeze) == 0 or np.ptp(values) == 0:
        return f"In {name} the {'squeeze' if np.ptp(squeeze) == 0 else number} is the same in every channel."
    together = float(np.corrcoef(squeeze, values)[0, 1])
    if abs(together) < LOOSE:
        return f"In {name} the squeeze of a channel says little about its {number} (correlation {decimal(together)})."
    direction = "higher" if together > 0 else "lower"
    return f"In {name} channels with a larger squeeze tend to have a {direction} {number} (correlation {decimal(together)})."


def branches_sentence(inspection: Inspection, depth: int) -> str:
    """The mean share of each branch, in how many channels the last one leads, and how its share compares with the average picture."""
    record, usual = inspection.gates[depth], reference(inspection, depth)
    names, shares = record.site.branches, record.weights[0]  # (M, C)
    means = shares.mean(axis=1)
    told = listed([f"{name} {mean:.0%}" for name, mean in zip(names, means, strict=True)])
    leads = counted(int((shares[-1] > shares[:-1].max(axis=0)).sum()), "channel", record.site.channels)
    said = f"{record.site.name} gives {told} on average; {names[-1]} leads in {leads}"
    if usual is None:
        return f"{said}."
    more = round(100 * float(means[-1] - usual[0].mean()))
    compared = f"{counted(abs(more), 'percentage point')} {'more' if more > 0 else 'less'} than" if more else "as much as"
    return f"{said} and gets {compared} on the average picture."


def maps_sentence(inspection: Inspection, depth: int, channels: Sequence[int]) -> str:
    """By what the gate multiplied the maps that are shown."""
    site, shown = inspection.sites[depth], weight(inspection, depth)[list(channels)]
    what = "the map" if len(shown) == 1 else f"the {len(shown)} maps"
    if site.kind == "branch":
        return f"Of {what} shown, {site.name} takes {span(shown, percent)} from {site.branches[-1]}."
    return f"{site.name} multiplies {what} shown by {span(shown)}."
