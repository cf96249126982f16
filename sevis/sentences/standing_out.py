"""The two or three things that stand out most in one picture."""

from __future__ import annotations

import numpy as np

from sevis.analysis.rank import channel_influence, deviation, strongest, weight
from sevis.records import Inspection
from sevis.sentences.numbers import depths, number_of
from sevis.sentences.whole import cam_sentence, furthest
from sevis.words import adds, decimal, side

__all__ = ["standouts"]


def standouts(inspection: Inspection) -> tuple[str, ...]:
    """Two or three sentences on what stands out most in this picture."""
    against_average = (_furthest_block, _strongest_channel, _oddest_channel)
    alone = (_widest_block, _strongest_channel, _last_map)
    sayings = (against_average if inspection.averages else alone) if inspection.gates else (_last_map,)
    found = (say(inspection) for say in sayings)
    return tuple(sentence for sentence in found if sentence)


def _furthest_block(inspection: Inspection) -> str:
    return f"{furthest(inspection)}."


def _widest_block(inspection: Inspection) -> str:
    spans = [float(weight(inspection, depth).std()) for depth in depths(inspection)]
    site, differ = inspection.sites[int(np.argmax(spans))], f"standard deviation {decimal(max(spans))}"
    most = "differs most from channel to channel" if len(spans) > 1 else "differs from channel to channel"
    return f"In {site.name} the {number_of(site)} {most} ({differ})."


def _strongest_channel(inspection: Inspection) -> str:
    best = [(depth, strongest(inspection, depth, "influence", 1)[0]) for depth in depths(inspection)]
    values = [float(channel_influence(inspection, depth)[channel]) for depth, channel in best]
    place = int(np.abs(values).argmax())
    if values[place] == 0:
        return f"No channel of any block has an influence on {inspection.target.label}."
    depth, channel = best[place]
    return (
        f"Channel {channel} of {inspection.sites[depth].name} {adds(values[place], inspection.target.label)}, more than any other channel."
    )


def _oddest_channel(inspection: Inspection) -> str:
    spreads = [each for depth in depths(inspection) if (each := deviation(inspection, depth)) is not None]
    peaks = [float(np.abs(each).max()) for each in spreads]
    if max(peaks) == 0:
        return ""
    depth = int(np.argmax(peaks))
    channel, site = int(np.abs(spreads[depth]).argmax()), inspection.sites[depth]
    value = f"{number_of(site)} {decimal(float(weight(inspection, depth)[channel]))}"
    return f"Channel {channel} of {site.name} is the furthest from its average: {value}, {side(float(spreads[depth][channel]))}."


def _last_map(inspection: Inspection) -> str:
    return "" if inspection.last_cam is None else cam_sentence(inspection, inspection.last_cam)
