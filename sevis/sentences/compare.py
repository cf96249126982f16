"""What the figures of a comparison say of its two sides."""

from __future__ import annotations

import numpy as np

from sevis.analysis.compare import Comparison, Scale, difference
from sevis.analysis.mass import NINTHS, half_area, ninths
from sevis.analysis.rank import moved, weight
from sevis.records import Cam, GateSite, Inspection
from sevis.sentences.numbers import FAR, number_of
from sevis.words import amount, counted, decimal, listed, percent, start

__all__ = [
    "compare_blocks_sentence",
    "compare_cams_sentence",
    "compare_channels_sentence",
    "compare_moved_sentence",
    "compare_predictions_sentence",
    "compare_similarity_sentence",
    "compare_sorted_sentence",
    "compare_strips_sentence",
    "differing",
    "explained_sentence",
]

APART = 0.1  # of a weight: a channel that differs by more is counted


def differing(comparison: Comparison) -> tuple[str, ...]:
    """Two or three sentences on where the sides part."""
    first_found = {_first(side) for side in comparison.sides}
    explained = {side.target.label for side in comparison.sides}
    told = () if first_found == explained and len(explained) == 1 else (explained_sentence(comparison),)
    return (compare_predictions_sentence(comparison), *told, _gates_sentence(comparison))


def compare_predictions_sentence(comparison: Comparison) -> str:
    """What each side finds first."""
    (one, first), (other, second) = _named(comparison)
    if not first.predictions or not second.predictions:
        found = [f"{_first(side)} on {name}" for name, side in _named(comparison)]
        return f"The first finding is {listed(found)}."
    best, also = first.predictions[0], second.predictions[0]
    if best.label == also.label:
        return f"Both sides find {best.label} first: {best.probability:.0%} on {one}, {also.probability:.0%} on {other}."
    return f"The first class is {best.label} ({best.probability:.0%}) on {one} and {also.label} ({also.probability:.0%}) on {other}."


def _first(inspection: Inspection) -> str:
    return inspection.predictions[0].label if inspection.predictions else "nothing"


def explained_sentence(comparison: Comparison) -> str:
    """Which class the figures explain, and why it is not the same on both sides."""
    (one, first), (other, second) = _named(comparison)
    target, instead = first.target, second.target
    if target.label != instead.label:
        return f"The class {target.label}, explained on {one}, is not known on {other}: there {instead.label} is explained."
    return f"Explained on both sides is {target.label}: {target.probability:.0%} on {one}, {instead.probability:.0%} on {other}."


def _gates_sentence(comparison: Comparison) -> str:
    """Where the gates differ most, or why that cannot be said."""
    bare = [name for name, side in _named(comparison) if not side.gates]
    if bare:
        return f"There are no gates on {listed(bare)}, so only predictions and maps are compared."
    return compare_blocks_sentence(comparison) if comparison.has_distances else _unlike(comparison)


def _unlike(comparison: Comparison) -> str:
    """That a weight and a share are two things."""
    one, other = (_number(side.sites[0]) for side in comparison.sides)
    how = "against their own averages" if comparison.has_averages else "by their shapes"
    return f"A {one} and a {other} do not mean the same, so none is taken from the other: they are compared {how}."


def _number(site: GateSite) -> str:
    return number_of(site) if len(site.branches) < 3 else f"{number_of(site)} among {len(site.branches)}"


def compare_strips_sentence(comparison: Comparison) -> str:
    """How the blocks were paired, and how many channels differ by much."""
    first, second = (len(side.gates) for side in comparison.sides)
    if not comparison.pairs:
        return _gates_sentence(comparison)
    if not comparison.one_to_one:
        one, other = comparison.names
        return f"{counted(first, 'block')} on {one} and {second} on {other} are paired by relative depth."
    against: tuple[Scale, float, str] = ("average", FAR, "two spreads")
    scale, far, named = against if comparison.has_averages else ("absolute", APART, decimal(APART, 1))
    found = [difference(comparison, place, scale) for place in range(first)]
    apart = np.abs(np.concatenate([each for each in found if each is not None])) > far
    verb = "differs" if apart.sum() == 1 else "differ"
    same, many = counted(first, "block"), counted(int(apart.sum()), "channel", len(apart))
    return f"Both sides have the same {same}; {many} {verb} by more than {named}."


def compare_blocks_sentence(comparison: Comparison) -> str:
    """Which pair of blocks is furthest apart."""
    known = {name: pair.distance for name, pair in zip(comparison.blocks, comparison.pairs, strict=True) if pair.distance is not None}
    if not known:
        return _unlike(comparison)
    name = max(known, key=lambda each: known[each])
    if known[name] == 0:
        return "The weights are the same on both sides."
    said = f"The weights differ most in {name}, by {amount(known[name])} a channel on average"
    return f"{said} (the middle block: {amount(float(np.median(list(known.values()))))})." if len(known) > 1 else f"{said}."


def compare_similarity_sentence(comparison: Comparison) -> str:
    """Where the order of the channels is most and least alike, and when that means little."""
    known = {name: pair.rank for name, pair in zip(comparison.blocks, comparison.pairs, strict=True) if pair.rank is not None}
    if not known:
        return "The order of the channels cannot be compared: on one side all weights of a block are the same."
    high, low = (end(known, key=lambda name: known[name]) for end in (max, min))
    said = f"The order of the channels is most alike in {high} (rank correlation {decimal(known[high])})"
    return f"{said}{f' and least in {low} ({decimal(known[low])})' if high != low else ''}. {_caution(comparison)}"


def _caution(comparison: Comparison) -> str:
    if comparison.is_one_network:
        return "Weights that are all positive have a cosine near 1 whatever their order."
    return "A channel means the same on both sides only where one network was trained on from the other; otherwise expect about 0."


def compare_moved_sentence(comparison: Comparison) -> str:
    """Where each side moved furthest from its average picture."""
    return f"Furthest from its average picture lies {listed([_furthest(name, side) for name, side in _named(comparison)])}."


def _furthest(name: str, side: Inspection) -> str:
    far = np.array([moved(side, depth) or 0.0 for depth in range(len(side.gates))])
    return f"{side.sites[int(far.argmax())].name} on {name} ({far.max():.1f} spreads a channel)"


def compare_channels_sentence(comparison: Comparison, place: int) -> str:
    """How many channels rose and fell, and which one by most."""
    pair, more = comparison.pairs[place], difference(comparison, place)
    if more is None:
        return "The channels of different architectures do not pair up."
    site = comparison.sides[0].sites[pair.first]
    if not more.any():
        return f"Every channel of {site.name} is the same on both sides."
    channel = int(np.abs(more).argmax())
    values = [f"{decimal(float(weight(side, pair.first)[channel]))} on {name}" for name, side in _named(comparison)]
    up, down = counted(int((more > 0).sum()), "channel"), int((more < 0).sum())
    said = f"In {site.name} the {number_of(site)} of {up} is higher on {comparison.names[1]} and of {down or 'none'} lower"
    return f"{said}; channel {channel} differs most: {listed(values)}."


def compare_sorted_sentence(comparison: Comparison, place: int) -> str:
    """Both means, and how far the weights are spread out."""
    pair = comparison.pairs[place]
    depths = (pair.first, pair.second)
    said = [_spread(name, side, depth) for (name, side), depth in zip(_named(comparison), depths, strict=True)]
    return start(f"{listed(said)}.")


def _spread(name: str, side: Inspection, depth: int) -> str:
    values, site = weight(side, depth), side.sites[depth]
    mean, least, most = (decimal(float(each)) for each in (values.mean(), values.min(), values.max()))
    return f"on {name} the {number_of(site)} in {site.name} is {mean} on average, from {least} to {most}"


def compare_cams_sentence(comparison: Comparison, cams: tuple[Cam, Cam]) -> str:
    """Where on the picture each side's map has its mass."""
    said = [_place(name, cam.values[0]) for name, cam in zip(comparison.names, cams, strict=True)]
    return start(f"{listed(said)}.")


def _place(name: str, values: np.ndarray) -> str:
    if values.max() <= 0:
        return f"on {name} nothing spoke for the class"
    shares = ninths(values)
    place, most = NINTHS[int(shares.argmax())], percent(float(shares.max()))
    return f"on {name} the {place} ninth holds {most} of the map and half of it lies on {percent(half_area(values))} of the area"


def _named(comparison: Comparison) -> tuple[tuple[str, Inspection], tuple[str, Inspection]]:
    (one, other), (first, second) = comparison.names, comparison.sides
    return (one, first), (other, second)
