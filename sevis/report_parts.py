"""What a report holds, before it is a page: sections of figures and of the sentences that the app says beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sevis import sentences
from sevis.analysis.ablation import Ablated
from sevis.analysis.compare import compare
from sevis.analysis.doctor import Diagnosis
from sevis.analysis.inspected_rows import channel_rows
from sevis.analysis.rank import channel_influence, moved
from sevis.edits import parse
from sevis.figures import (
    boxes,
    branches,
    cam,
    cam_difference,
    cam_row,
    compare_predictions,
    compare_strips,
    feature_maps,
    histogram,
    influence,
    network,
    prediction,
    sorted_weights,
    squeeze_weight,
    verdicts,
)
from sevis.profiles import csv_of
from sevis.records import Cam, Inspection

__all__ = ["Checkup", "Part", "Section", "Subject", "checkup_section", "numbers", "outstanding", "sections"]

SIDES = ("as it is", "edited")
Drawn = Callable[..., Any]
BLOCK: tuple[tuple[str, Drawn], ...] = (
    ("squeeze_weight", squeeze_weight),
    ("sorted_weights", sorted_weights),
    ("influence", influence),
    ("histogram", histogram),
)


@dataclass(frozen=True)
class Subject:
    """One picture of a report.

    Attributes:
        title: what the picture is called.
        inspection: of it.
        edited: the same picture after edits; None where none were made.
        blocks: names of blocks to show in detail, besides the one that stands out.
    """

    title: str
    inspection: Inspection
    edited: Inspection | None = None
    blocks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Checkup:
    """What the doctor said of a scan of the network.

    Attributes:
        run: what the scan is called.
        pictures: how many were read.
        diagnoses: one a gate.
        ablated: one a gate; () where nothing was ablated.
    """

    run: str
    pictures: int
    diagnoses: tuple[Diagnosis, ...]
    ablated: tuple[Ablated, ...] = ()


@dataclass(frozen=True)
class Part:
    """A figure with its words.

    Attributes:
        name: of the figure, for the files that it is saved to.
        figure: plotly's; None where there are words alone.
        said: the sentences under it.
        wide: whether it takes the page's whole width.
    """

    name: str
    figure: Any
    said: tuple[str, ...] = ()
    wide: bool = False


@dataclass(frozen=True)
class Section:
    """Parts under one heading.

    Attributes:
        told: sentences before the figures.
        rows: a table, each row with the same columns.
        block: whose channels' numbers are behind the figures; "" is all blocks, None none.
    """

    title: str
    parts: tuple[Part, ...] = ()
    told: tuple[str, ...] = ()
    rows: tuple[dict[str, str], ...] = ()
    block: str | None = None


def outstanding(inspection: Inspection) -> int:
    """The place of the block that moved furthest from the average picture; without averages, of the one with the strongest channel."""
    far = [moved(inspection, depth) for depth in range(len(inspection.gates))]
    strong = [float(abs(channel_influence(inspection, depth)).max()) for depth in range(len(inspection.gates))]
    known = [strength if distance is None else distance for distance, strength in zip(far, strong, strict=True)]
    return known.index(max(known))


def sections(subject: Subject) -> Iterator[Section]:
    """Everything about one picture, in the order of the Explore page.

    Raises:
        ValueError: the network has no block of a name that was asked for.
    """
    inspection = subject.inspection
    depths = _depths(subject)
    yield _summary(inspection)
    if depths:
        yield Section("The whole network", (_part("network", network, inspection, wide=True),), block="")
    for place, depth in enumerate(depths):
        yield _block(inspection, depth, outstands=not place)
    yield _cams(inspection, depths)
    if subject.edited is not None:
        yield _what_if(inspection, subject.edited)


def _depths(subject: Subject) -> tuple[int, ...]:
    """The blocks that are shown in detail: the one that stands out, then those asked for, each once."""
    names = [site.name for site in subject.inspection.sites]
    unknown = [name for name in subject.blocks if name not in names]
    if unknown:
        there = f"choose from {', '.join(names)}" if names else "it has no gates"
        raise ValueError(f"{subject.inspection.model} has no block {unknown[0]!r}; {there}")
    return tuple(dict.fromkeys([outstanding(subject.inspection), *map(names.index, subject.blocks)])) if names else ()


def _part(name: str, draw: Drawn, *arguments: Any, wide: bool = False) -> Part:
    """A figure of the table with the words that the app has for it."""
    return Part(name, draw(*arguments), (sentences.WHAT[name], sentences.TOLD[name](*arguments)), wide)


def _summary(inspection: Inspection) -> Section:
    found = () if inspection.target.box is None else (_part("boxes", boxes, inspection),)
    return Section("What it saw", (*found, _part("prediction", prediction, inspection)), sentences.standouts(inspection))


def _block(inspection: Inspection, depth: int, *, outstands: bool) -> Section:
    site = inspection.sites[depth]
    parts = [_part(name, draw, inspection, depth) for name, draw in BLOCK]
    if site.kind == "branch":
        parts.append(_part("branches", branches, inspection, depth, wide=True))
    if inspection.gates[depth].maps is not None:
        parts.append(_part("feature_maps", feature_maps, inspection, depth, wide=True))
    return Section(f"Block {site.name}{', which stands out' * outstands}", tuple(parts), block=site.name)


def _cams(inspection: Inspection, depths: Sequence[int]) -> Section:
    shown = [*(inspection.cams[depth] for depth in depths), *([] if inspection.last_cam is None else [inspection.last_cam])]
    parts = [_part("cam", cam, inspection, each) for each in shown]
    if len(inspection.cams) > 1:
        parts.append(_part("cam_row", cam_row, inspection, wide=True))
    return Section("Where it looked", tuple(parts))


def _what_if(before: Inspection, after: Inspection) -> Section:
    """What the edits did."""
    comparison, pair = compare(before, after, SIDES), (_whole(before), _whole(after))
    maps = [_named(_part("cam", cam, side, each), name) for side, each, name in zip((before, after), pair, SIDES, strict=True)]
    parts = (
        _part("compare_predictions", compare_predictions, comparison),
        Part(
            "cam_difference",
            cam_difference(before.image, *pair),
            (sentences.WHAT["cam_difference"], sentences.cam_difference_sentence(*pair)),
        ),
        *maps,
        _part("compare_strips", compare_strips, comparison, wide=True),
    )
    edits = tuple(f"Edit: {parse(text).said}." for text in after.edits)
    return Section("What if", parts, (*edits, *sentences.changes(comparison)))


def _named(part: Part, side: str) -> Part:
    return Part(f"{part.name}_{side.replace(' ', '_')}", part.figure, (f"{side.capitalize()}.", *part.said[1:]), part.wide)


def _whole(inspection: Inspection) -> Cam:
    return inspection.last_cam or inspection.cams[-1]


def checkup_section(checkup: Checkup) -> Section:
    """The doctor's verdicts on the network, and what to do about each gate."""
    said = sentences.doctor_sentence(checkup.diagnoses, checkup.pictures, checkup.ablated)
    parts = (_part("verdicts", verdicts, checkup.diagnoses, wide=True),) if checkup.diagnoses else ()
    return Section("The doctor", parts, (f"On the run {checkup.run}. {said}",), tuple(map(_diagnosis, checkup.diagnoses)))


def _diagnosis(diagnosis: Diagnosis) -> dict[str, str]:
    first = diagnosis.findings[0]
    return {
        "gate": diagnosis.site.name,
        "verdict": diagnosis.verdict,
        "rule": first.rule,
        "number": "" if first.number is None else f"{first.number:.3g}",
        "why": first.cause,
        "what to do": first.remedy,
    }


def numbers(inspection: Inspection) -> str:
    """Every channel of every block as CSV."""
    return csv_of(channel_rows(inspection))
