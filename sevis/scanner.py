"""Shows a network batches of pictures: entries in; a row a picture, and mergeable statistics of every gate, out.

Forward only, and without state: whoever drives it may decode in one thread and show in another, in whatever order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sevis.analysis.statistics import UNKNOWN, GateStatistics, collect
from sevis.capture.watch import Watch
from sevis.datasets import Entry, Source
from sevis.host import brought
from sevis.inspector import Inspector
from sevis.labels import matched
from sevis.memory import OutOfMemory, aware_of_full_memory
from sevis.nets.network import described as said
from sevis.nets.preprocessing import Preprocessing
from sevis.nets.readings import READERS, Reading
from sevis.pictures import PictureError
from sevis.provenance import described, versions, weights_sha256
from sevis.records import GateRecord

__all__ = ["BATCH", "PRECISIONS", "Decoded", "Scanned", "Scanner", "Turn"]

Turn = Callable[[], AbstractContextManager[object]]
BATCH = 32  # pictures that go through the network together
PRECISIONS = {"float32": None, "bfloat16": torch.bfloat16}  # name -> what autocast computes in; None: as the weights are


@dataclass(frozen=True)
class Decoded:
    """A batch as the network takes it.

    Attributes:
        tensor: of those that could be read, (n, 3, H, W); None where none could.
        whys: why each entry could not be read; empty where it could.
    """

    entries: tuple[Entry, ...]
    tensor: Tensor | None
    whys: tuple[str, ...]


@dataclass(frozen=True)
class Scanned:
    """What came of a batch: rows with the columns of sevis.runs.COLUMNS, and of the pictures that were read the other two."""

    rows: tuple[dict[str, Any], ...]
    statistics: tuple[GateStatistics, ...] = ()
    records: tuple[GateRecord, ...] = ()


class Scanner:
    """A network and how the labels of a source are to be counted.

    Args:
        turn: what a batch goes through the network in, where others use the device too.
        precision: one of PRECISIONS; bfloat16 is for those who ask for it: its steps near a weight of 1 are 0.004.

    Attributes:
        classes: the labels of the source, those that the network knows first and in its order.
        targets: the network's class of each of them, -1 where it has none.
    """

    def __init__(self, inspector: Inspector, source: Source, precision: str = "float32", turn: Turn = nullcontext) -> None:
        self.inspector, self.source = inspector, source
        self.precision, self._turn = precision, turn
        self._room = BATCH  # pictures that the device is known to hold at a time
        labels = source.labels
        found = matched(labels, inspector.classes, numbered=source.numbered)
        order = sorted(range(len(labels)), key=lambda n: (found[n] < 0, found[n]))
        self.classes, self.targets = tuple(labels[n] for n in order), tuple(found[n] for n in order)
        self._label = {name: n for n, name in enumerate(self.classes)}

    def decode(self, entries: Sequence[Entry]) -> Decoded:
        """The pictures of a batch, on the CPU; in pinned memory where they go on to a GPU.

        Raises:
            ValueError: the network's transform gives them different shapes.
        """
        tensors, whys = zip(*(self._tensor(entry) for entry in entries), strict=True)
        read = [tensor for tensor in tensors if tensor is not None]
        shapes = {tuple(tensor.shape) for tensor in read}
        if len(shapes) > 1:
            raise ValueError(f"the transform of {self.inspector.name} gives shapes {shapes}, expected one; add a crop to it")
        batch = torch.stack(read) if read else None
        if batch is not None and self.inspector.device.type == "cuda":
            batch = batch.pin_memory()
        return Decoded(tuple(entries), batch, whys)

    def _tensor(self, entry: Entry) -> tuple[Tensor | None, str]:
        """One picture as the network takes it, or the reason why not: whatever is wrong with it, the others are scanned."""
        try:
            return self.inspector.tensor(self.source.picture(entry).pixels), ""
        except (PictureError, OSError) as error:
            return None, str(error)
        except Exception as error:  # a transform of somebody else's
            return None, f"The network's transform fails on it ({said(error)})."

    def show(self, decoded: Decoded) -> Scanned:
        """What the network and its gates make of a batch."""
        if decoded.tensor is None:
            return Scanned(self._rows(decoded, ()))
        with self._turn():
            records, readings = self._forward(decoded.tensor)
        read = [entry for entry, why in zip(decoded.entries, decoded.whys, strict=True) if not why]
        labels = np.array([UNKNOWN if entry.label is None else self._label[entry.label] for entry in read])
        return Scanned(self._rows(decoded, readings), collect(records, labels, len(self.classes)), records)

    def _forward(self, tensor: Tensor) -> tuple[tuple[GateRecord, ...], tuple[Reading, ...]]:
        """Always in batches of BATCH: a smaller one is rounded otherwise, and parts of a scan would not add up to the whole.

        Where the device has no room for one, half of it is, from then on, what goes through the network together.
        """
        while True:
            try:
                with aware_of_full_memory():
                    parts = [self._pass(rows) for rows in tensor.split(self._room)]
                break
            except OutOfMemory:
                if self._room == 1:
                    raise
            self._room //= 2  # outside of the except block, in which the failed pass's tensors live on
        records, readings = zip(*parts, strict=True)
        return tuple(map(_joined, zip(*records, strict=True))), tuple(chain(*readings))

    def _pass(self, rows: Tensor) -> tuple[tuple[GateRecord, ...], tuple[Reading, ...]]:
        """What the network makes of some rows, filled up to a whole batch where there is room for one."""
        inspector, count = self.inspector, len(rows)
        if count < self._room == BATCH:
            rows = torch.cat([rows, rows[-1:].expand(BATCH - count, *rows.shape[1:])])
        batch = rows.to(inspector.device, inspector.dtype, non_blocking=True)
        with torch.no_grad(), self._autocast():
            output, tape = inspector.watched(batch, Watch(head=True, proof=False))
        read = READERS[inspector.task].read(tape.logits(output).float()[:count], [None] * count, inspector.classes)
        readings, records = brought(read.readings, tape.awaited())
        return tuple(_first(record, count) for record in inspector.proved(records)), readings

    def _autocast(self) -> AbstractContextManager[object]:
        dtype = PRECISIONS[self.precision]
        return nullcontext() if dtype is None else torch.autocast(self.inspector.device.type, dtype)

    def _rows(self, decoded: Decoded, readings: Sequence[Reading]) -> tuple[dict[str, Any], ...]:
        left = iter(readings)
        return tuple(self._row(entry, why, None if why else next(left)) for entry, why in zip(decoded.entries, decoded.whys, strict=True))

    def _row(self, entry: Entry, why: str, reading: Reading | None) -> dict[str, Any]:
        best = reading.predictions[0] if reading is not None and reading.predictions else None  # a detector may find nothing
        return {
            "path": entry.shown,
            "label": entry.label,
            "target": -1 if entry.label is None else self.targets[self._label[entry.label]],
            "read": not why,
            "why": why or None,
            "predicted": None if best is None else best.label,
            "probability": None if best is None else best.probability,
        }

    def describe(self) -> dict[str, Any]:
        """What a run says of how its numbers came about."""
        return {
            "network": self.inspector.name,
            "weights_sha256": weights_sha256(self.inspector.module),
            "preprocessing": _described(self.inspector.preprocessing),
            "precision": self.precision,
            "device": str(self.inspector.device),
            "task": self.inspector.task,
            "classes": list(self.classes),
            "targets": list(self.targets),
            "network_classes": list(self.inspector.classes),
            "versions": versions(),
        }


def _described(preprocessing: object) -> Any:
    """A transform in words that are the same in every process."""
    if isinstance(preprocessing, Preprocessing):
        return preprocessing.to_card()
    return described(preprocessing)


PARTS = ("squeeze", "hidden", "logits", "weights")  # of a record, by picture; a scan asks for no maps


def _first(record: GateRecord, count: int) -> GateRecord:
    """The record of the first pictures of a batch."""
    return _changed(record, lambda name: getattr(record, name)[:count])


def _joined(records: Sequence[GateRecord]) -> GateRecord:
    """One gate's record of the pictures of several, one after another."""
    return records[0] if len(records) == 1 else _changed(records[0], lambda name: np.concatenate([getattr(each, name) for each in records]))


def _changed(record: GateRecord, part: Callable[[str], np.ndarray]) -> GateRecord:
    parts: dict[str, Any] = {name: part(name) for name in PARTS if getattr(record, name) is not None}
    return replace(record, **parts)
