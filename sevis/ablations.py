"""Ablates every gate of a network in turn and measures what becomes of its answers: whether a gate is worth anything.

    ablated = ablate(inspector, pictures, labels)
    ablated[3].effects["images"].divergence  # mean and standard error of KL(p, p') with the weights of another picture

Forward passes only. The ablations are those of the importance of single directions (Morcos et al. 2018) and of permutation
importance (Breiman 2001), with the weights of a gate in the place of units and features.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from sevis.analysis.ablation import ABLATIONS, FRESH, Ablated, compared
from sevis.analysis.metrics import measured
from sevis.analysis.statistics import collect, total
from sevis.capture.watch import Rewrite, Watch
from sevis.datasets import Source
from sevis.host import Awaited, brought
from sevis.inspector import Inspector
from sevis.labels import matched
from sevis.memory import in_parts
from sevis.pictures import PictureError
from sevis.records import GateRecord, GateSite

__all__ = ["EDITS", "ablate", "gathered"]

BATCH = 64  # pictures
ROWS = {"cpu": 64}  # pictures times edits in one pass; a processor gains nothing from more than a batch
MOST_ROWS = 512  # of any other device
NO_RECORDS: Awaited[tuple[GateRecord, ...]] = Awaited([], tuple)
LEAK = 1e-3  # from here on the pictures of a batch are taken to see each other

Report = Callable[[int, int], None]  # passes done, passes in all


@dataclass(frozen=True)
class _Gate:
    """What an edit may refer to: the site, the mean of its weights (M, C), an order of its channels (C,)."""

    site: GateSite
    mean: Tensor
    order: Tensor


def _open(weights: Tensor, gate: _Gate) -> Tensor:
    return torch.full_like(weights, 1 / len(gate.site.branches))


def _mean(weights: Tensor, gate: _Gate) -> Tensor:
    return gate.mean.to(weights).expand_as(weights)


def _images(weights: Tensor, gate: _Gate) -> Tensor:
    """Every picture gets the weights of the next; a batch is in random order, and no picture keeps its own."""
    return weights.roll(1, dims=0)


def _channels(weights: Tensor, gate: _Gate) -> Tensor:
    return weights[..., gate.order.to(weights.device)]


# weights (N, M, C) of the pictures of a batch -> what is multiplied instead
EDITS: dict[str, Callable[[Tensor, _Gate], Tensor]] = {"open": _open, "mean": _mean, "images": _images, "channels": _channels}

Edit = tuple[int, str]  # depth of the gate, name of EDITS


@dataclass(frozen=True)
class _Batch:
    """Pictures (N, 3, H, W) with their places in the set, and the network's logits (N, K) and weights for them as it is."""

    places: np.ndarray
    pictures: Tensor
    logits: np.ndarray
    records: tuple[GateRecord, ...]


def ablate(
    inspector: Inspector,
    pictures: Sequence[np.ndarray],
    targets: Sequence[int] | np.ndarray | None = None,
    *,
    means: Sequence[np.ndarray] | None = None,
    depths: Sequence[int] | None = None,
    twin: Inspector | None = None,
    seed: int = 0,
    report: Report = lambda done, total: None,
) -> tuple[Ablated, ...]:
    """What every gate is worth, in order of depth.

    Args:
        pictures: (H, W, 3) uint8 each; a few hundred say enough, and every one is held as the network sees it.
        targets: the right class of each picture, -1 where it is unknown; None: the network's own answers count as right.
        means: each gate's mean weight (M, C) over a data set; None takes that over these pictures.
        depths: of the gates that are ablated; None: all.
        twin: the same architecture with fresh weights, to compare with; None where it cannot be built.
        seed: of the order in which pictures meet, and of the permuted channels.
        report: called after every pass.

    Raises:
        ValueError: fewer than two pictures, classes that the network has not, or a network that is no classifier.
    """
    known = _checked(inspector, pictures, targets)
    batches = [_seen(inspector, pictures, places) for places in _batches(len(pictures), seed)]
    if not inspector.sites:
        return ()
    leaks, fresh = _leaks(inspector, batches[0]), _fresh(inspector.sites, twin, batches, known)
    gates = _gates(inspector.sites, means or _means(batches), seed)
    edits = [(depth, name) for depth in (range(len(gates)) if depths is None else depths) for name in EDITS]
    rows = 1 if max(leaks) > LEAK else ROWS.get(inspector.device.type, MOST_ROWS)
    after = _edited(inspector, batches, gates, edits, rows, report)
    before = _in_order(batches, [batch.logits for batch in batches])
    right = np.where(known < 0, before.argmax(axis=1), known)
    return tuple(
        Ablated(
            site.path,
            depth,
            {name: compared(before, after[depth, name], right) for name in ABLATIONS if (depth, name) in after},
            leaks[depth],
            len(pictures),
            int((known >= 0).sum()),
            fresh[depth],
        )
        for depth, site in enumerate(inspector.sites)
    )


def _checked(inspector: Inspector, pictures: Sequence[np.ndarray], targets: Sequence[int] | np.ndarray | None) -> np.ndarray:
    """The right classes (N,), -1 where unknown."""
    if inspector.task != "classification":
        raise ValueError(f"{inspector.name} does {inspector.task}: gates are ablated in classifiers only, whose answers are probabilities")
    if len(pictures) < 2:
        raise ValueError(f"{len(pictures)} pictures; ablations compare pictures, so give two or more")
    known = np.full(len(pictures), -1) if targets is None else np.asarray(targets)
    if known.shape != (len(pictures),):
        raise ValueError(f"{len(known)} targets for {len(pictures)} pictures; give one each, -1 where it is unknown")
    if known.max() >= len(inspector.classes):
        raise ValueError(f"{inspector.name} has no class {known.max()}; choose from 0 to {len(inspector.classes) - 1}, or -1")
    return known


def _batches(pictures: int, seed: int) -> list[np.ndarray]:
    """Places in random order, in batches of nearly equal length: none of a single picture, which would have no other beside it."""
    order = np.random.default_rng(seed).permutation(pictures)
    return np.array_split(order, max(-(-pictures // BATCH), 1))


def _seen(inspector: Inspector, pictures: Sequence[np.ndarray], places: np.ndarray) -> _Batch:
    tensors = inspector.batch([inspector.tensor(pictures[place]) for place in places])
    logits, records = _answers(inspector, tensors)
    return _Batch(places, tensors, logits, records)


def _answers(inspector: Inspector, tensors: Tensor, rewrite: Rewrite | None = None) -> tuple[np.ndarray, tuple[GateRecord, ...]]:
    """The logits (N, K) for a batch, and its gates where none is rewritten."""
    watch = Watch(head=True, proof=False, rewrite=rewrite, plan=inspector.plan)
    with torch.inference_mode():
        output, tape = inspector.watched(tensors, watch)
        answers = Awaited([tape.logits(output).float()], lambda arrays: arrays[0])
        return brought(answers, tape.awaited() if rewrite is None else NO_RECORDS)


def _leaks(inspector: Inspector, batch: _Batch) -> list[float]:
    """How far the first picture's weights alone lie from those in its batch, one number a gate."""
    _, alone = _answers(inspector, batch.pictures[:1])
    return [float(np.abs(a.weights - b.weights[:1]).max()) for a, b in zip(alone, batch.records, strict=True)]


def _fresh(
    sites: Sequence[GateSite], twin: Inspector | None, batches: Sequence[_Batch], known: np.ndarray
) -> list[dict[str, float | None]]:
    """The metrics of FRESH for every gate of the twin, which sees what the network saw; empty without a twin that fits."""
    if twin is None or [site.path for site in twin.sites] != [site.path for site in sites]:
        return [{} for _ in sites]
    whole = total(collect(_answers(twin, batch.pictures)[1], known[batch.places], int(known.max()) + 1) for batch in batches)
    return [{name: value for name, value in measured(each).items() if name in FRESH} for each in whole]


def _means(batches: Sequence[_Batch]) -> list[np.ndarray]:
    """Each gate's mean weight over all pictures, (M, C)."""
    return [np.concatenate([r.weights for r in gate]).mean(axis=0) for gate in zip(*(batch.records for batch in batches), strict=True)]


def _gates(sites: Sequence[GateSite], means: Sequence[np.ndarray], seed: int) -> list[_Gate]:
    random = np.random.default_rng(seed)
    orders = [random.permutation(site.channels) for site in sites]
    return [
        _Gate(site, torch.as_tensor(np.asarray(mean)), torch.as_tensor(order))
        for site, mean, order in zip(sites, means, orders, strict=True)
    ]


def _edited(
    inspector: Inspector, batches: Sequence[_Batch], gates: Sequence[_Gate], edits: Sequence[Edit], rows: int, report: Report
) -> dict[Edit, np.ndarray]:
    """The logits (N, K) under every edit of every gate that can be edited, in the order in which the pictures were given."""
    groups = [list(_groups(edits, max(rows // len(batch.places), 1))) for batch in batches]
    done, total = 0, sum(map(len, groups))
    made: dict[Edit, list[np.ndarray]] = {edit: [] for edit in edits}
    reached: set[int] = set()
    for batch, of_batch in zip(batches, groups, strict=True):
        for group in of_batch:
            logits = np.concatenate(in_parts(partial(_under, inspector, batch, gates, reached), group))
            for edit, part in zip(group, np.split(logits, len(group)), strict=True):
                made[edit].append(part)
            report(done := done + 1, total)
    return {edit: _in_order(batches, parts) for edit, parts in made.items() if edit[0] in reached}


def _under(inspector: Inspector, batch: _Batch, gates: Sequence[_Gate], reached: set[int], group: Sequence[Edit]) -> np.ndarray:
    """The logits (edits x pictures, K) of a batch under each edit of a group."""
    return _answers(inspector, batch.pictures.repeat(len(group), 1, 1, 1), _rewriting(group, gates, reached))[0]


def _groups(edits: Sequence[Edit], size: int) -> Iterator[Sequence[Edit]]:
    for first in range(0, len(edits), size):
        yield edits[first : first + size]


def _rewriting(group: Sequence[Edit], gates: Sequence[_Gate], reached: set[int]) -> Rewrite:
    """A batch repeated once for each edit of a group, each repetition with its own edit; which gates came by is noted."""

    def rewrite(depth: int, weights: Tensor) -> Tensor:
        reached.add(depth)
        if all(depth != edited for edited, _ in group):
            return weights
        parts = zip(group, weights.chunk(len(group)), strict=True)
        return torch.cat([EDITS[name](part, gates[depth]) if edited == depth else part for (edited, name), part in parts])

    return rewrite


def _in_order(batches: Sequence[_Batch], parts: Sequence[np.ndarray]) -> np.ndarray:
    """What was made of each batch, in the order in which the pictures were given."""
    return np.concatenate(parts)[np.argsort(np.concatenate([batch.places for batch in batches]))]


def gathered(source: Source, classes: Sequence[str], limit: int, *, seed: int = 0) -> tuple[list[np.ndarray], np.ndarray]:
    """So many pictures of a source, at random, and the place of each one's label among the classes, -1 where it has none.

    Pictures that cannot be read are passed over.
    """
    labels = source.labels
    place = dict(zip(labels, matched(labels, classes, numbered=source.numbered), strict=True))
    found: list[tuple[np.ndarray, int]] = []
    for n in np.random.default_rng(seed).permutation(len(source.entries)):
        entry = source.entries[n]
        if len(found) == limit:
            break
        try:
            found.append((source.picture(entry).pixels, -1 if entry.label is None else place[entry.label]))
        except (PictureError, OSError):
            continue
    return [pixels for pixels, _ in found], np.array([label for _, label in found], dtype=np.int64)
