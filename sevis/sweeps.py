"""Shows a network its pictures with the object enlarged, and as soft as that makes them, and keeps what its selections did.

    swept = sweep(inspector, open_source("photos/"), limit=600)
    swept.gates[3].slope["size"]  # mean and standard error: how the large kernel's share grows with the object

Forward passes only, a batch of pictures at a time. The zooms are those of Li et al. 2019, section 4.4: the centre is cropped and enlarged
to the input's size. The control of a zoom shrinks the whole picture by it and enlarges that again, with the same filter.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial, reduce

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from sevis.analysis.zoom import ZOOMS, Sweep, swept, views_of
from sevis.capture.watch import Watch
from sevis.datasets import Source
from sevis.host import Awaited, brought
from sevis.inspector import Inspector
from sevis.memory import in_parts
from sevis.provenance import weights_sha256
from sevis.records import GateRecord
from sevis.scanner import Scanner, Turn

__all__ = ["blurred", "enlarged", "sweep"]

BATCH = 32  # pictures
LIMIT = 600
UNKNOWN = -1

Report = Callable[[int, int], None]  # pictures done, pictures in all


def sweep(
    inspector: Inspector,
    source: Source,
    *,
    limit: int | None = LIMIT,
    zooms: Sequence[float] = ZOOMS,
    seed: int = 0,
    report: Report = lambda done, total: None,
    turn: Turn = nullcontext,
    stop: Callable[[], bool] = lambda: False,
) -> Sweep:
    """What every selection did with the pictures of a source at each zoom and with its control.

    Args:
        limit: how many pictures to show, at random; None takes all.
        zooms: the first is 1, the others are greater.
        seed: of the choice of pictures.
        report: called after every batch.
        turn: in which a batch goes through the network, where others use the device too.
        stop: asked after every batch; whether to leave it at the pictures so far, which are a random sample of all.

    Raises:
        ValueError: a network without selections, zooms of another kind, or no picture that can be read.
    """
    _check(inspector, zooms)
    scanner = Scanner(inspector, source)
    order = np.random.default_rng(seed).permutation(len(source.entries))[:limit]
    nothing = _nothing(scanner, tuple(zooms))
    parts = _parts(scanner, order, nothing, report, turn)
    whole = reduce(operator.add, _until(stop, parts), nothing)
    if not whole.pictures:
        raise ValueError(f"none of {len(order)} pictures of {source.where} could be read; `sevis scan` tells why")
    return whole


def _check(inspector: Inspector, zooms: Sequence[float]) -> None:
    if not any(len(site.branches) > 1 for site in inspector.sites):
        raise ValueError(f"{inspector.name} has no gate that weighs branches; sweep a network with SK blocks, such as photos12/sk_net26")
    if len(zooms) < 2 or zooms[0] != 1 or min(zooms[1:]) <= 1:
        raise ValueError(f"zooms {tuple(zooms)} do not start at 1 and enlarge from there; give two or more, as in {ZOOMS}")


def _nothing(scanner: Scanner, zooms: tuple[float, ...]) -> Sweep:
    """The sweep over no picture."""
    digest = weights_sha256(scanner.inspector.module)
    right = np.zeros(len(views_of(zooms)), dtype=np.int64)
    return Sweep(scanner.inspector.name, digest, scanner.classes, zooms, 0, 0, right, ())


def _until(stop: Callable[[], bool], parts: Iterator[Sweep]) -> Iterator[Sweep]:
    """The parts that are there when it is asked to stop, one at least."""
    for part in parts:
        yield part
        if stop():
            return


def _parts(scanner: Scanner, order: np.ndarray, nothing: Sweep, report: Report, turn: Turn) -> Iterator[Sweep]:
    """The sweep over each batch."""
    for first in range(0, len(order), BATCH):
        decoded = scanner.decode([scanner.source.entries[n] for n in order[first : first + BATCH]])
        yield replace(nothing, unread=sum(map(bool, decoded.whys)))
        if decoded.tensor is not None:
            read = [entry.label for entry, why in zip(decoded.entries, decoded.whys, strict=True) if not why]
            labels = np.array([UNKNOWN if label is None else scanner.classes.index(label) for label in read])
            with turn():
                parts = in_parts(partial(_part, scanner, decoded.tensor, labels, nothing), np.arange(len(labels)))
            yield from parts
        report(min(first + BATCH, len(order)), len(order))


def _part(scanner: Scanner, pictures: Tensor, labels: np.ndarray, nothing: Sweep, places: np.ndarray) -> Sweep:
    """The sweep over those of the pictures (N, 3, H, W) of a batch, whose labels are places in the classes."""
    inspector, pictures, labels = scanner.inspector, pictures[torch.from_numpy(places)], labels[places]
    answers, records = zip(*(_answers(inspector, SHOWN[view.blurred](pictures, view.zoom)) for view in nothing.views), strict=True)
    targets = np.array([*scanner.targets, UNKNOWN])[labels]
    named = targets >= 0 if inspector.task == "classification" else np.zeros(len(labels), dtype=bool)
    return replace(
        nothing,
        named=int(named.sum()),
        right=np.array([(answer[named] == targets[named]).sum() for answer in answers]),
        gates=tuple(swept(gate, labels, len(nothing.classes), nothing.zooms) for gate in zip(*records, strict=True)),
    )


def _answers(inspector: Inspector, pictures: Tensor) -> tuple[np.ndarray, tuple[GateRecord, ...]]:
    """The place of the highest logit of each picture, (N,), and the records of the gates that weigh branches."""
    there = pictures.to(inspector.device, inspector.dtype)  # only now: not every device resamples as the CPU does
    with torch.inference_mode():
        output, tape = inspector.watched(there, Watch(head=True, proof=False))
        best = tape.logits(output).reshape(len(pictures), -1).argmax(dim=1)
        places, records = brought(Awaited([best], lambda arrays: arrays[0]), tape.awaited())
    return places, tuple(record for record in inspector.proved(records) if len(record.site.branches) > 1)


def enlarged(pictures: Tensor, zoom: float) -> Tensor:
    """The central 1 / zoom of both sides of the pictures (N, 3, H, W), in whole pixels, enlarged to their size."""
    height, width = _shrunk(pictures, zoom)
    top, left = (pictures.shape[2] - height) // 2, (pictures.shape[3] - width) // 2
    return _resized(pictures[:, :, top : top + height, left : left + width], tuple(pictures.shape[2:]))


def blurred(pictures: Tensor, zoom: float) -> Tensor:
    """The whole pictures (N, 3, H, W), shrunk to 1 / zoom of both sides and enlarged again."""
    return _resized(_resized(pictures, _shrunk(pictures, zoom)), tuple(pictures.shape[2:]))


SHOWN = {False: enlarged, True: blurred}  # by whether a view is blurred


def _shrunk(pictures: Tensor, zoom: float) -> tuple[int, int]:
    height, width = (max(round(side / zoom), 1) for side in pictures.shape[2:])
    return height, width


def _resized(pictures: Tensor, size: tuple[int, ...]) -> Tensor:
    """What Pillow's bicubic resize makes of them, without rounding to 256 steps."""
    if tuple(pictures.shape[2:]) == size:
        return pictures
    return interpolate(pictures, size, mode="bicubic", antialias=True)
