"""What the figures of the whole network say of one picture."""

from __future__ import annotations

import numpy as np

from sevis.analysis.mass import NINTHS, half_area, ninths
from sevis.analysis.rank import deviation, moved, weight
from sevis.records import Cam, Inspection
from sevis.sentences.numbers import depths, far, number_of
from sevis.words import counted, decimal, listed, start

__all__ = ["boxes_sentence", "cam_row_sentence", "cam_sentence", "furthest", "network_sentence", "prediction_sentence"]

FEW = 4  # boxes that are named
SPREAD_OUT = 1.5 / 9  # a map whose fullest ninth holds less than this has no place to name


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
    spreads = [each for depth in depths(inspection) if (each := deviation(inspection, depth)) is not None]
    if not spreads:
        return _range_sentence(inspection)
    above, below = far(np.concatenate(spreads))
    channels = counted(above, "channel", sum(len(each) for each in spreads))
    verb, whose = ("lie", "their") if above > 1 else ("lies", "its")
    said = f"{channels} {verb} more than two spreads above {whose} average and {below or 'none'} as far below"
    return f"{start(said)}; {furthest(inspection)}."


def furthest(inspection: Inspection) -> str:
    far = np.array([moved(inspection, depth) for depth in depths(inspection)], dtype=float)
    name, most = inspection.sites[int(far.argmax())].name, f"{far.max():.1f} spreads a channel on average"
    if len(far) == 1:
        return f"{name} moved by {most}"
    return f"{name} moved furthest, by {most} (the middle block: {np.median(far):.1f})"


def _range_sentence(inspection: Inspection) -> str:
    every = np.concatenate([weight(inspection, depth) for depth in depths(inspection)])
    means = np.array([weight(inspection, depth).mean() for depth in depths(inspection)])
    where = f"{counted(len(every), 'channel')} in {counted(len(means), 'block')}"
    said = f"The {number_of(inspection.sites[0])} goes from {decimal(float(every.min()))} to {decimal(float(every.max()))} over {where}"
    if len(means) == 1:
        return f"{said}, with a mean of {decimal(float(means[0]))}."
    high, low = (f"{inspection.sites[place].name} ({decimal(float(means[place]))})" for place in (means.argmax(), means.argmin()))
    return f"{said}; its mean is highest in {high} and lowest in {low}."


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
