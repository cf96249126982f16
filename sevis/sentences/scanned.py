"""What a scan's pictures made of one channel, beside the picture on the page."""

from __future__ import annotations

from collections.abc import Sequence

from sevis.analysis.channel import class_means, places
from sevis.analysis.rank import weight
from sevis.analysis.scanned import Extremes, Ranked
from sevis.records import Inspection
from sevis.sentences.numbers import number_of
from sevis.words import counted, decimal, ordinal

__all__ = ["channel_extremes_sentence", "scan_classes_sentence"]

ALIKE = 0.005  # a difference that two digits do not show
OUT_OF_REACH = "The pictures themselves are out of this server's reach, so their names stand for them."


def channel_extremes_sentence(inspection: Inspection, depth: int, channel: int, found: Extremes) -> str:
    """How far the scan's pictures open the channel, what those at either end have in common, and where this picture stands."""
    number, own = number_of(inspection.sites[depth]), float(weight(inspection, depth)[channel])
    count, shown = len(found.weights), (*found.most, *found.least)
    if not count:
        return "The scan has no picture that could be read."
    low, high = float(found.weights[0]), float(found.weights[-1])
    stands = f"with {decimal(own)} this picture would come {ordinal(found.place(own))} of {count + 1}"
    reach = "" if any(each.thumbnail is not None for each in shown) else f" {OUT_OF_REACH}"
    if high - low < ALIKE:
        alike = f"All {counted(count, 'picture')} of the scan get the same {number}, {decimal(low)}"
        return f"{alike}: their order says nothing; {stands}.{reach}"
    said = f"Over {counted(count, 'picture')} of the scan the {number} goes from {decimal(low)} to {decimal(high)}"
    shared = "".join(f"; {each}" for each in (_shared(found.most, "most"), _shared(found.least, "least")) if each)
    return f"{said}{shared}; {stands}.{reach}"


def _shared(pictures: Sequence[Ranked], end: str) -> str:
    """The class that most of the pictures at one end are of; "" where there is none."""
    labels = [each.label or each.predicted for each in pictures]
    kind = "are of" if any(each.label for each in pictures) else "were taken for"
    common = max(labels, key=labels.count, default=None)
    if common is None or labels.count(common) * 2 <= len(labels) or len(labels) < 2:
        return ""
    return f"{labels.count(common)} of the {len(labels)} that open it {end} {kind} {common}"


def scan_classes_sentence(inspection: Inspection, depth: int, channel: int, classes: Sequence[str], own: int | None) -> str:
    """Which of the scan's classes open the channel most and least on average, and how the explained one stands among them.

    Args:
        classes: of the scan, in the order of the means.
        own: the place of the explained class among them; None where the scan has no picture of it.

    Raises:
        ValueError: there are no means by class.
    """
    means = class_means(inspection, depth, channel)
    if means is None:
        raise ValueError(f"{inspection.model} has no means by class; scan pictures in class folders")
    high, low = (f"{classes[place]} ({decimal(float(means[place]))})" for place in (int(means.argmax()), int(means.argmin())))
    said = f"On the average of the scan the {number_of(inspection.sites[depth])} is highest for {high} and lowest for {low}"
    if own is None:
        return f"{said}; it has no picture of {inspection.target.label}."
    return f"{said}; {classes[own]} comes {ordinal(int(places(means)[own]))} of {len(means)}."
