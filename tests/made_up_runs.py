"""Runs made up from seeded numbers: what the gates of an inspection did with pictures of some classes, and under a sweep of zooms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from sevis.analysis.profile import class_profiles
from sevis.analysis.profile_separation import separated, shuffled_shares
from sevis.analysis.statistics import collect
from sevis.analysis.zoom import ZOOMS, Sweep, swept, views_of
from sevis.figures import Entry
from sevis.ledger import Ledger, write_meta
from sevis.records import GateRecord, Inspection
from tests.made_up import LABELS, SE, gate, record

COUNT = 40
GATES = [replace(each, site=replace(each.site, depth=depth)) for depth, each in enumerate((*SE, record(9, 16, "branch")))]
SITES = tuple(each.site for each in GATES)


def over_pictures(each: GateRecord, count: int = COUNT, seed: int = 0) -> GateRecord:
    """The gate over so many pictures, float32."""
    seeded = np.random.default_rng(100 * seed + each.site.depth)
    logits = (each.logits + seeded.normal(0, 0.8, (count, *each.logits.shape[1:]))).astype(np.float32)
    weights = gate(logits, each.site.kind, each.site.activation).astype(np.float32)
    return GateRecord(each.site, seeded.gamma(2, 0.2, (count, each.site.channels)), None, logits, weights)


def labels_of(count: int = COUNT, classes: int = 5) -> np.ndarray:
    """A class for each picture, the first the most common; of some it is unknown."""
    return np.minimum(np.random.default_rng(count).integers(-1, classes + 3, count) % (classes + 1), classes) - 1


def names_of(made: Inspection) -> tuple[str, ...]:
    """The names of the classes: that of the explained class first."""
    return (made.target.label, *(label for label in LABELS if label != made.target.label))[:5]


def sweep_of(gates: Sequence[GateRecord], names: Sequence[str], count: int = COUNT, *, labelled: bool = True) -> Sweep:
    """A sweep of these gates."""
    views = len(views_of(ZOOMS))
    labels = labels_of(count) if labelled else np.full(count, -1)
    shown = [[over_pictures(each, count, view) for view in range(views)] for each in gates]
    parts = tuple(swept(each, labels, len(names), ZOOMS) for each in shown)
    return Sweep("made-up", "0" * 64, tuple(names), ZOOMS, 1, 30 * labelled, np.arange(views) * labelled + 20 * labelled, parts)


def written(folder: Path, *, gates: bool = True, labelled: bool = True) -> Path:
    """A run of SE and SK gates over COUNT pictures and one that cannot be read, as a scan leaves it."""
    folder.mkdir()
    names = LABELS[:5] if labelled else ()
    meta = {"format": 1, "network": "tiny", "pictures": COUNT + 1, "gates": gates, "classes": list(names), "network_classes": list(LABELS)}
    meta |= {"weights_sha256": "0" * 64, "targets": [-1] * len(names), "task": "classification", "started": "2026-01-02T03:04:05Z"}
    meta |= {"source": {"path": "", "kind": "folder", "split": "", "pictures": 0, "fingerprint": ""}}
    write_meta(folder, meta)
    ledger = Ledger(folder, SITES if gates else (), meta)
    labels = labels_of() if labelled else np.full(COUNT, -1)
    rows = [row(place, None if label < 0 else names[label]) for place, label in enumerate(labels)]
    records = tuple(over_pictures(each) for each in GATES)
    ledger.add([row(COUNT, None, read=False), *rows], collect(records, labels, len(names)), records)
    ledger.close()
    return folder


def row(place: int, label: str | None, *, read: bool = True) -> dict[str, Any]:
    told = {"predicted": "cat", "probability": 0.5} if read else {"predicted": None, "probability": None}
    return {"path": f"{place}.jpg", "label": label, "target": -1, "read": read, "why": None if read else "No."} | told


def scanned(entry: Entry, made: Inspection) -> list[tuple[Any, ...]]:
    """Every way to call the entry on a run of the inspection's network."""
    gates = [each for each in made.gates if each.site.kind in entry.kinds]
    if not gates:
        return []
    if entry.name.startswith("scale_sweep"):
        return [(sweep_of(gates, names_of(made)),)]
    records, labels = [over_pictures(each) for each in gates], labels_of()
    statistics = collect(records, labels, 5)
    if entry.name.startswith("class_"):
        return [(class_profiles(statistics, names_of(made), chosen),) for chosen in (None, names_of(made)[:1])]
    shuffled = [shuffled_shares(record.weights, labels, times=9) for record in records]
    return [(tuple(map(separated, statistics)),), (tuple(map(separated, statistics, shuffled)),)]
