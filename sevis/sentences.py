"""What the figures say, in words for a reader who has never met SE or SK: computed from the records, never canned.

Every figure has a fixed sentence on what it shows (`WHAT`) and a function for what it shows of this picture (`TOLD`). Influence is
a first-order estimate, hence "about". One picture proves nothing about a network, so no sentence speaks of its health.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from sevis.analysis.mass import NINTHS, half_area, ninths
from sevis.analysis.rank import channel_influence, descending, deviation, moved, reference, strongest, weight
from sevis.records import Cam, GateSite, Inspection
from sevis.words import adds, counted, decimal, listed, ordinal, percent, side, span, start

__all__ = [
    "TOLD",
    "WHAT",
    "block_sentence",
    "boxes_sentence",
    "branches_sentence",
    "cam_row_sentence",
    "cam_sentence",
    "channel_sentence",
    "histogram_sentence",
    "influence_sentence",
    "maps_sentence",
    "network_sentence",
    "prediction_sentence",
    "squeeze_sentence",
    "standouts",
]

FAR = 2.0  # spreads
FEW = 4  # boxes that are named
SPREAD_OUT = 1.5 / 9  # a map whose fullest ninth holds less than this has no place to name
LOOSE = 0.2  # correlations below this are called none

WHAT: dict[str, str] = {
    "network": "Each row is one block and each cell one of its channels; the colour says how strongly the block let that channel through.",
    "prediction": "What the network finds most probable for this picture.",
    "boxes": "A frame around each thing that the network found, numbered from the surest on.",
    "cam_row": "Grad-CAM marks the places of the picture that spoke for the explained class, seen from each block in turn.",
    "cam": "Grad-CAM marks the places of the picture that spoke for the explained class; 100% is the strongest place, if any spoke.",
    "squeeze_weight": "Each point is a channel: to the right the mean of its feature map (the squeeze), upwards the weight it got for it.",
    "sorted_weights": "The block's weights from highest to lowest; each weight multiplies one feature map.",
    "histogram": "How many of the block's channels have which weight.",
    "influence": "What each channel's weight added to the score of the explained class: the weight times the slope of the score by it.",
    "branches": "A selection mixes branches that look at smaller and larger surroundings; every channel has its own mixture.",
    "feature_maps": "Feature maps before and after the gate, which multiplies each whole map by one number and adds up its branches.",
}


def _number(site: GateSite) -> str:
    """What the number of a channel is: its weight, or the share of the last branch."""
    return f"share of {site.branches[-1]}" if site.kind == "branch" else "weight"


def _far(spreads: np.ndarray) -> tuple[int, int]:
    return int((spreads > FAR).sum()), int((spreads < -FAR).sum())


def _depths(inspection: Inspection) -> range:
    return range(len(inspection.gates))


def prediction_sentence(inspection: Inspection) -> str:
    """How sure the network is, how far ahead the first class is, and which class is explained if it is another."""
    if inspection.target.box is not None:
        return boxes_sentence(inspection)
    first, *others = inspection.predictions
    said = f"The network gives {first.label} {first.probability:.0%}"
    if others:
        ahead = round(100 * (first.probability - others[0].probability))
        said += f", {counted(ahead, 'percentage point')} more than {others[0].label}"
    if inspection.target.index != first.index:
        said += f"; the figures explain {inspection.target.label}, which gets {inspection.target.probability:.0%}"
    return f"{said}."


def boxes_sentence(inspection: Inspection) -> str:
    """How many boxes there are and what is in them, and which is explained."""
    found = inspection.predictions
    if not found:
        return f"The network is sure of no box; its best guess is {inspection.target.label} with {inspection.target.probability:.0%}."
    named = [f"{each.label} {each.probability:.0%}" for each in found[:FEW]] + [f"{len(found) - FEW} more"] * (len(found) > FEW)
    place = f"box {found.index(inspection.target) + 1}" if inspection.target in found else f"a guess, {inspection.target.label},"
    return f"The network finds {counted(len(found), 'thing')}: {listed(named)}; {place} is explained."


def network_sentence(inspection: Inspection) -> str:
    """How many channels lie far from their average and which block moved furthest; without averages the range of the weights."""
    spreads = [each for depth in _depths(inspection) if (each := deviation(inspection, depth)) is not None]
    if not spreads:
        return _range_sentence(inspection)
    above, below = _far(np.concatenate(spreads))
    channels = counted(above, "channel", sum(len(each) for each in spreads))
    verb, whose = ("lie", "their") if above > 1 else ("lies", "its")
    said = f"{channels} {verb} more than two spreads above {whose} average and {below or 'none'} as far below"
    return f"{start(said)}; {_furthest(inspection)}."


def _furthest(inspection: Inspection) -> str:
    far = np.array([moved(inspection, depth) for depth in _depths(inspection)], dtype=float)
    name, most = inspection.sites[int(far.argmax())].name, f"{far.max():.1f} spreads a channel on average"
    if len(far) == 1:
        return f"{name} moved by {most}"
    return f"{name} moved furthest, by {most} (the middle block: {np.median(far):.1f})"


def _range_sentence(inspection: Inspection) -> str:
    every = np.concatenate([weight(inspection, depth) for depth in _depths(inspection)])
    means = np.array([weight(inspection, depth).mean() for depth in _depths(inspection)])
    where = f"{counted(len(every), 'channel')} in {counted(len(means), 'block')}"
    said = f"The {_number(inspection.sites[0])} goes from {decimal(float(every.min()))} to {decimal(float(every.max()))} over {where}"
    if len(means) == 1:
        return f"{said}, with a mean of {decimal(float(means[0]))}."
    high, low = (f"{inspection.sites[place].name} ({decimal(float(means[place]))})" for place in (means.argmax(), means.argmin()))
    return f"{said}; its mean is highest in {high} and lowest in {low}."


def block_sentence(inspection: Inspection, depth: int) -> str:
    """What the block did to its channels against their averages, and its strongest influence on the explained class."""
    spreads = deviation(inspection, depth)
    said = _levels(inspection, depth) if spreads is None else _opened(inspection.sites[depth], spreads)
    return f"{said}; {_strongest_influence(inspection, depth)}."


def _opened(site: GateSite, spreads: np.ndarray) -> str:
    above, below = _far(spreads)
    channels, whose = counted(above, "channel", site.channels), "its" if above == 1 else "their"
    done = f"leaned to {site.branches[-1]} in" if site.kind == "branch" else "opened"
    return f"{site.name} {done} {channels} more than two spreads above {whose} average and held {below or 'none'} as far below"


def _levels(inspection: Inspection, depth: int) -> str:
    site, values = inspection.sites[depth], weight(inspection, depth)
    if values.min() < 0 or values.max() > 1:
        return f"The weights of {site.name} go from {decimal(float(values.min()))} to {decimal(float(values.max()))}"
    high, low = int((values > 0.9).sum()), int((values < 0.1).sum())
    return f"In {site.name} the {_number(site)} is above 0.9 in {counted(high, 'channel', site.channels)} and below 0.1 in {low or 'none'}"


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
    said = f"In {site.name} the {_number(site)} goes from {low} to {high}, with a mean of {mean}"
    return f"{said}." if usual is None else f"{said}; the average picture's mean is {decimal(float(usual[0].mean()))}."


def squeeze_sentence(inspection: Inspection, depth: int) -> str:
    """How the weight goes with the squeeze over the channels of one block."""
    squeeze, values = inspection.gates[depth].squeeze[0].astype(float), weight(inspection, depth).astype(float)
    name, number = inspection.sites[depth].name, _number(inspection.sites[depth])
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


def cam_sentence(inspection: Inspection, cam: Cam) -> str:
    """In which ninth of the picture most of the map's mass lies, and how small an area holds half of it."""
    values = cam.values[0]
    if values.max() <= 0:
        return f"Nothing at {cam.name} spoke for {inspection.target.label}: the map is 0 everywhere."
    shares = ninths(values)
    half = f"half of the mass lies on {half_area(values):.0%} of the area"
    if shares.max() < SPREAD_OUT:
        return f"{cam.name}: the map is spread out, no ninth of the picture holds more than {shares.max():.0%} of it; {half}."
    place = NINTHS[int(shares.argmax())]
    return f"{cam.name}: the {place} ninth of the picture holds {shares.max():.0%} of the map, the most of all ninths; {half}."


def cam_row_sentence(inspection: Inspection) -> str:
    """Which block's map is the most concentrated, and how many are empty."""
    spoke = [cam for cam in inspection.cams if cam.values.max() > 0]
    silent = len(inspection.cams) - len(spoke)
    if not spoke:
        return f"At no block did a place of the picture speak for {inspection.target.label}."
    tight = min(spoke, key=lambda cam: half_area(cam.values[0]))
    said = f"half of its mass lies on {half_area(tight.values[0]):.0%} of the picture"
    empty = f"; {counted(silent, 'map')} {'is' if silent == 1 else 'are'} empty" if silent else ""
    return f"The map of {tight.name} {'is the most concentrated' if len(spoke) > 1 else 'is the only one'}: {said}{empty}."


def channel_sentence(inspection: Inspection, depth: int, channel: int) -> str:
    """One channel: what came in, what the gate answered, how unusual that is, and what it did to the score."""
    record, values, spreads = inspection.gates[depth], weight(inspection, depth), deviation(inspection, depth)
    squeeze = decimal(float(record.squeeze[0, channel]))
    said = f"Channel {channel} of {record.site.name}: squeeze {squeeze}, {_number(record.site)} {decimal(float(values[channel]))}"
    said += f" ({_rank(values, channel)} of {record.site.channels})"
    if spreads is not None:
        said += f", {side(float(spreads[channel]))} the average picture"
    return f"{said}; it {adds(float(channel_influence(inspection, depth)[channel]), inspection.target.label)}."


def _rank(values: np.ndarray, channel: int) -> str:
    place = int(np.flatnonzero(descending(values) == channel)[0]) + 1
    last = len(values) + 1 - place
    if place <= last:
        return "the highest" if place == 1 else f"the {ordinal(place)} highest"
    return "the lowest" if last == 1 else f"the {ordinal(last)} lowest"


def maps_sentence(inspection: Inspection, depth: int, channels: Sequence[int]) -> str:
    """By what the gate multiplied the maps that are shown."""
    site, shown = inspection.sites[depth], weight(inspection, depth)[list(channels)]
    what = "the map" if len(shown) == 1 else f"the {len(shown)} maps"
    if site.kind == "branch":
        return f"Of {what} shown, {site.name} takes {span(shown, percent)} from {site.branches[-1]}."
    return f"{site.name} multiplies {what} shown by {span(shown)}."


def standouts(inspection: Inspection) -> tuple[str, ...]:
    """Two or three sentences on what stands out most in this picture."""
    against_average = (_furthest_block, _strongest_channel, _oddest_channel)
    alone = (_widest_block, _strongest_channel, _last_map)
    sayings = (against_average if inspection.averages else alone) if inspection.gates else (_last_map,)
    found = (say(inspection) for say in sayings)
    return tuple(sentence for sentence in found if sentence)


def _furthest_block(inspection: Inspection) -> str:
    return f"{_furthest(inspection)}."


def _widest_block(inspection: Inspection) -> str:
    spans = [float(weight(inspection, depth).std()) for depth in _depths(inspection)]
    site, differ = inspection.sites[int(np.argmax(spans))], f"standard deviation {decimal(max(spans))}"
    most = "differs most from channel to channel" if len(spans) > 1 else "differs from channel to channel"
    return f"In {site.name} the {_number(site)} {most} ({differ})."


def _strongest_channel(inspection: Inspection) -> str:
    best = [(depth, strongest(inspection, depth, "influence", 1)[0]) for depth in _depths(inspection)]
    values = [float(channel_influence(inspection, depth)[channel]) for depth, channel in best]
    place = int(np.abs(values).argmax())
    if values[place] == 0:
        return f"No channel of any block has an influence on {inspection.target.label}."
    depth, channel = best[place]
    return (
        f"Channel {channel} of {inspection.sites[depth].name} {adds(values[place], inspection.target.label)}, more than any other channel."
    )


def _oddest_channel(inspection: Inspection) -> str:
    spreads = [each for depth in _depths(inspection) if (each := deviation(inspection, depth)) is not None]
    peaks = [float(np.abs(each).max()) for each in spreads]
    if max(peaks) == 0:
        return ""
    depth = int(np.argmax(peaks))
    channel, site = int(np.abs(spreads[depth]).argmax()), inspection.sites[depth]
    value = f"{_number(site)} {decimal(float(weight(inspection, depth)[channel]))}"
    return f"Channel {channel} of {site.name} is the furthest from its average: {value}, {side(float(spreads[depth][channel]))}."


def _last_map(inspection: Inspection) -> str:
    return "" if inspection.last_cam is None else cam_sentence(inspection, inspection.last_cam)


TOLD: dict[str, Callable[..., str]] = {
    "network": network_sentence,
    "prediction": prediction_sentence,
    "boxes": boxes_sentence,
    "cam_row": cam_row_sentence,
    "cam": cam_sentence,
    "squeeze_weight": squeeze_sentence,
    "sorted_weights": block_sentence,
    "histogram": histogram_sentence,
    "influence": influence_sentence,
    "branches": branches_sentence,
    "feature_maps": lambda inspection, depth: maps_sentence(inspection, depth, strongest(inspection, depth)),
}
