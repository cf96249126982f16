"""What the doctor and the monitor look at, made up from seeded numbers: gates over pictures, their ablations, and a training's looks."""

from __future__ import annotations

from typing import Any

import numpy as np

from sevis.analysis.ablation import ABLATIONS, Ablated, Ablation, Effect
from sevis.analysis.bottleneck import effective_rank
from sevis.analysis.doctor import examine
from sevis.analysis.gate_statistics import GateStatistics
from sevis.analysis.looks import Look
from sevis.analysis.metrics import measured
from sevis.analysis.statistics import collect
from sevis.figures import Entry
from sevis.records import GateRecord, GateSite, Inspection
from tests.made_up import CASES
from tests.made_up_runs import labels_of, over_pictures

COUNT = 40
STEPS = (100, 200, 400)
FIRST = {case.sites: case for case in reversed(CASES.values())}
MADE: dict[tuple[str, tuple[GateSite, ...]], list[tuple[Any, ...]]] = {}


def with_bottleneck(record: GateRecord) -> GateRecord:
    """The record of so many pictures with four units, the last of which never fires."""
    hidden = np.random.default_rng(record.site.depth).gamma(1, 1, (len(record.weights), 4)) * [1, 1, 0.5, 0]
    return GateRecord(record.site, record.squeeze, hidden, record.logits, record.weights)


def statistics_of(made: Inspection, count: int = COUNT) -> tuple[GateStatistics, ...]:
    """Every gate of the inspection's network over so many pictures."""
    return collect([with_bottleneck(over_pictures(each, count)) for each in made.gates], labels_of(count), 5)


def ablated_of(statistics: GateStatistics, harm: float = 0.02) -> Ablated:
    """Ablations of which each does ten times less to the answers than the one before it."""

    def effect(place: int) -> Effect:
        return Effect(harm / 10**place, harm / 10 ** (place + 1))

    effects = {name: Ablation(effect(n), Effect(-0.02 * (n == 0), 0.01), effect(n), effect(n)) for n, name in enumerate(ABLATIONS)}
    return Ablated(statistics.site.path, statistics.site.depth, effects, 0.0, 64, 60)


def looks_of(statistics: tuple[GateStatistics, ...]) -> tuple[Look, ...]:
    """A training in which every metric falls by half from look to look, those of the first gate to nothing."""
    return tuple(
        Look(step, {each.site.name: {k: scaled(v, n, each.site.depth) for k, v in measured(each).items()} for each in statistics})
        for n, step in enumerate(STEPS)
    )


def scaled(value: float | None, look: int, depth: int) -> float | None:
    return None if value is None else value / 2**look * (depth > 0 or look < 2)


def judged(entry: Entry, made: Inspection) -> list[tuple[Any, ...]]:
    """Every way to call the entry on the inspection's network; made up once for all themes, and for one of the CASES with these gates."""
    key = entry.name, made.sites
    if FIRST.get(made.sites, made) is not made:
        return []
    if key not in MADE:
        MADE[key] = _judged(entry, made)
    return MADE[key]


def _judged(entry: Entry, made: Inspection) -> list[tuple[Any, ...]]:
    statistics = statistics_of(made)
    if entry.of == "training":
        return [(looks_of(statistics), metric) for metric in ("M1", "M3", "M12", "B2") if measured(statistics[-1])[metric] is not None]
    if entry.name == "verdicts":
        ablated = [ablated_of(each) for each in statistics]
        return [(examine(statistics),), (examine(statistics, ablated), 0), (examine(statistics_of(made, 2)), len(statistics) - 1)]
    if entry.name == "ablation_bars":
        return [(each.site.name, ablated_of(each)) for each in statistics]
    drawn = [each for each in statistics if each.site.kind in entry.kinds]
    return [(each,) for each in drawn if entry.name != "gate_spectrum" or effective_rank(each) is not None]
