"""A picture goes in, an Inspection comes out: the one thing that outer rooms ask."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from sevis import pictures
from sevis.capture.cams import Explanation, cam_of, explain
from sevis.capture.edits import rewriting
from sevis.capture.excitation import excitation_of
from sevis.capture.replay import Replay
from sevis.capture.survey import Survey, survey, watched
from sevis.capture.tracer import Tape, Watch
from sevis.capture.twin import frozen_twin
from sevis.capture.watch import LastMap
from sevis.edits import NOTHING, Edit, EditError, WhatIf, effects_of, parse
from sevis.excitation import Excitation
from sevis.host import Awaited, brought
from sevis.nets.network import Network
from sevis.nets.preprocessing import seen
from sevis.nets.readings import READERS, Reading, Target
from sevis.outcomes import outputs
from sevis.provenance import provenance_of
from sevis.records import Cam, GateAverage, GateRecord, GateSite, Inspection, Outcome, Provenance

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["Inspector", "NotFinite", "weights_of"]

Source = bytes | str | Path | Image.Image | np.ndarray


class NotFinite(ValueError):
    """A network's answer to a picture is no number."""


class Inspector:
    """A network that tells what its gates did; many threads may ask one at the same time.

    Attributes:
        name: of the network.
        device: where it runs.
        classes: names in the order of the logits.
        sites: its gates, in order of depth, each with its identity checked once.
        warnings: what its user should know, one sentence each.
        task: "classification" or "detection".
        module: the frozen network, for whoever passes batches of its own (scans, ablations); any thread may call it.
        preprocessing: PIL picture -> tensor (3, H, W).
        reader: what the module's output says.
        plan: of its gates, for a Watch that rewrites them.
        route: the calls that make its gates, for a Replay; None where they cannot be told by their numbers.
    """

    def __init__(self, network: Network, device: torch.device | None = None) -> None:
        self.name, self.task = network.name, network.task
        self.classes = network.classes
        self.module = frozen_twin(network.module, device)
        self._network, self.reader = network, READERS[network.task]
        self.preprocessing = network.preprocessing
        first = next(self.module.parameters(), torch.zeros(()))
        self.device, self.dtype = first.device, first.dtype
        self.input_shape, found = self._survey()
        self.sites, self.plan, self.route = found.sites, found.plan, found.route
        self._last_path = found.last.path if found.last is not None and self.task == "classification" else ""
        self.warnings = network.warnings + _warnings(self.sites)

    @property
    def averages(self) -> tuple[GateAverage, ...]:
        """Every gate's average over many pictures, in order of depth; empty where nobody measured them."""
        known = self._network.averages
        return known if len(known) == len(self.sites) else ()

    @property
    def nbytes(self) -> int:
        """How much memory its weights take."""
        return sum(t.nbytes for t in (*self.module.parameters(), *self.module.buffers()))

    @cached_property
    def provenance(self) -> Provenance:
        """What its inspections are made with; the first question reads all weights, 0.1 s for 100 MB."""
        return provenance_of(self.module, self.preprocessing)

    def summary(self, depth: int | None = None) -> Table:
        """The network's layers as a rich table with a column of gates; see sevis.summary."""
        from sevis.summary import summarise

        return summarise(self.module, self.input_shape, self.sites, depth=depth)

    def _survey(self) -> tuple[tuple[int, ...], Survey]:
        """The shape of the input, and what passes of noise tell of the network: any, a dark and a bright one."""
        batch, *others = (self.batch([self.tensor(_noise(low, high))]) for low, high in ((0, 256), (0, 64), (192, 256)))
        found = survey(self.module, self.shown, batch, *others)
        known = self.reader.classes(found.output)
        if known != len(self.classes):
            raise ValueError(f"{self.name} gives {known} logits, but {len(self.classes)} class names were given; name each class once")
        return tuple(batch.shape[1:]), found

    def watched(self, batch: Tensor, watch: Watch) -> tuple[Tensor, Tape | Replay]:
        """What the module's reader takes of a batch (N, 3, H, W), and the tape of the pass; with or without gradients, as it is called."""
        return watched(self.module, self.shown, batch, self.route, watch)

    def shown(self, batch: Tensor) -> Tensor:
        """What the reader takes of what the module gives for a batch (N, 3, H, W)."""
        return self.reader.output(self.module(batch))

    def _last_map(self, tape: Tape | Replay, output: Tensor) -> LastMap | None:
        """The last feature map of a classifier; a detector's boxes come from several, and none of them is the last."""
        return tape.last_map(output) if self.task == "classification" else None

    def inspect(
        self,
        image: Source,
        target: Target = None,
        *,
        edits: Sequence[Edit | str] = (),
        others: Mapping[str, Inspection] | None = None,
    ) -> Inspection:
        """Predictions, every gate, its influence and its Grad-CAM, for one picture.

        Args:
            image: a PIL image, a path, the bytes of a file, or (H, W, 3) uint8.
            target: the class to explain, by index or name; None takes the most probable. Of a detector: a box by its place,
                the surest being 0, or the surest of a class by name.
            edits: of the gates, one after another, as sevis.edits writes them: "SE_3_1:set=1". Everything is what comes of them.
            others: inspections of other pictures by this network, by the name that an edit calls them: "all:picture=coffee".

        Raises:
            PictureError: the picture cannot be read; the sentence says why.
            ValueError: there is no such class, an edit means nothing here (EditError), or the answer is no number.
        """
        picture = pictures.read(image)
        what_if = WhatIf(_edits(edits), {name: weights_of(each) for name, each in (others or {}).items()})
        inspection = self.inspect_batch([picture.pixels], [target], [what_if])[0]
        return replace(inspection, warnings=picture.notes + inspection.warnings, provenance=self.provenance)

    def inspect_batch(
        self, images: Sequence[np.ndarray], targets: Sequence[Target], what_ifs: Sequence[WhatIf] | None = None
    ) -> tuple[Inspection, ...]:
        """One inspection a picture (H, W, 3) uint8, each with its own edits, from one forward and one backward pass for all."""
        started = time.perf_counter()
        rows = tuple(what_ifs or (NOTHING,) * len(images))
        for target, what_if in zip(targets, rows, strict=True):
            self._check(target)
            what_if.check(self.sites, averages=bool(self.averages))
        tensors = [self.tensor(image) for image in images]
        with torch.inference_mode(False), torch.enable_grad():
            asked = self.batch(tensors).requires_grad_(not self.sites)
            output, tape = self.watched(asked, replace(self.watch(rows), maps=True, half=True, gradients=True, roots=True))
            read = self.reader.read(tape.logits(output).float(), targets, self.classes)
            explanation = explain(tape.found, self._last_map(tape, output), read.scores)
            score = Awaited([read.scores], lambda arrays: arrays[0])
            readings, scores, explained, records = brought(read.readings, score, explanation, tape.awaited())
        self._check_finite(scores, rows)
        shared = _Shared(self.proved(records), explained, scores, time.perf_counter() - started)
        pictures_seen = [seen(tensor, self.preprocessing) for tensor in tensors]
        return tuple(self._inspection(n, pictures_seen[n], reading, shared, rows[n]) for n, reading in enumerate(readings))

    def outcomes(self, image: Source, target: Target, what_ifs: Sequence[WhatIf]) -> tuple[Outcome, ...]:
        """What becomes of the prediction of one picture, and of one class or box, under each of several edits.

        Forward only. On a processor each makes anew what comes after its first edited gate; a device takes sixteen at a time. A class
        or box that is not named is the most probable of the network as it is.
        """
        self._check(target)
        for what_if in what_ifs:
            what_if.check(self.sites, averages=bool(self.averages))
        tensor = self.tensor(pictures.read(image).pixels)
        rows = [NOTHING, *what_ifs]
        output = outputs(self, tensor, rows)
        ((followed,),) = brought(self.reader.read(output[:1], [target], self.classes).readings)
        followed_in_all = Awaited(self.reader.follow(output, followed.place), tuple)
        readings, (scores, probabilities) = brought(self.reader.read(output, [None] * len(rows), self.classes).readings, followed_in_all)
        return tuple(
            Outcome(
                tuple(map(str, row.edits)),
                reading.predictions,
                replace(followed.target, probability=float(probability)),
                float(score),
            )
            for row, reading, score, probability in zip(rows[1:], readings[1:], scores[1:], probabilities[1:], strict=True)
        )

    def effects(self, image: Source, target: Target = None) -> tuple[Outcome, ...]:
        """Which gate matters: the outcome of the network as it is, then with each block's weights at 1 or each branch alone, in turn."""
        return self.outcomes(image, target, [NOTHING, *(WhatIf((edit,)) for edit in effects_of(self.sites))])

    def excitation(self, depth: int) -> Excitation | None:
        """The two layers between a gate's squeeze and its weights, as matrices; None unless they explain a pass of noise alone."""
        dark, bright = np.random.default_rng(0).integers(0, [[[[128]]], [[[256]]]], (2, 256, 256, 3), dtype=np.uint8)
        with torch.no_grad(), Tape(self.module, Watch(proof=False)) as tape:
            self.module(self.batch([self.tensor(dark), self.tensor(bright)]))
        return excitation_of(self.module, tape.found[depth], tape.records()[depth])

    def watch(self, rows: Sequence[WhatIf]) -> Watch:
        """What a pass keeps to be read, and the edits that it carries out."""
        return Watch(head=True, proof=False, rewrite=rewriting(rows, self.sites, self.averages), plan=self.plan)

    def tensor(self, image: np.ndarray) -> Tensor:
        """A picture (H, W, 3) uint8 as the network takes it, (3, H, W), on the CPU."""
        return self.preprocessing(Image.fromarray(image))

    def batch(self, tensors: Sequence[Tensor]) -> Tensor:
        """Pictures (N, 3, H, W) where the network is, in its precision."""
        return torch.stack(list(tensors)).to(self.device, self.dtype)

    def _check(self, target: Target) -> None:
        """Raise ValueError unless the network can have such a target."""
        if isinstance(target, str):
            if target not in self.classes:
                raise ValueError(
                    f"{self.name} has no class {target!r}; choose from {', '.join(self.classes[:12])}{' ...' * (len(self.classes) > 12)}"
                )
        elif target is not None:
            count = self.reader.places(len(self.classes))
            if target < 0 or (count is not None and target >= count):
                raise ValueError(f"{self.name} has no class {target}; choose from 0 to {len(self.classes) - 1}")

    def _check_finite(self, scores: np.ndarray, rows: Sequence[WhatIf]) -> None:
        """Raise ValueError (EditError where edits are at fault) if a score is no number or has no end: nothing can be said of it."""
        for finite, row in zip(np.isfinite(scores), rows, strict=True):
            if not finite and row.edits:
                raise EditError("With these edits numbers grow beyond what the network's precision holds; take one of them back.")
            if not finite:
                raise NotFinite(f"{self.name} gives no finite score for this picture: its weights, or what it computes, are out of bounds.")

    def proved(self, records: tuple[GateRecord, ...]) -> tuple[GateRecord, ...]:
        """The records with the warnings of their sites' proofs, which were made once."""
        proofs = {(site.path, site.depth): site for site in self.sites}
        return tuple(replace(record, site=proofs.get((record.site.path, record.site.depth), record.site)) for record in records)

    def _inspection(self, n: int, image: np.ndarray, reading: Reading, shared: _Shared, what_if: WhatIf) -> Inspection:
        gates = tuple(_only(record, n) for record in shared.records)
        target = reading.target.index
        whole = shared.explanation.last
        return Inspection(
            model=self.name,
            device=str(self.device),
            image=image,
            predictions=reading.predictions,
            target=reading.target,
            score=float(shared.scores[n]),
            gates=gates,
            influence=tuple(_row(values, n) for values in shared.explanation.influence),
            cams=tuple(_cam(g.site.path, g.site.name, target, m[n]) for g, m in zip(gates, shared.explanation.maps, strict=True)),
            last_cam=None if whole is None else _cam(self._last_path, "last map", target, whole[n]),
            averages=self.averages,
            seconds=shared.seconds,
            warnings=self.warnings + ((reading.note,) if reading.note else ()),
            edits=tuple(map(str, what_if.edits)),
        )


@dataclass(frozen=True)
class _Shared:
    """What the pictures of one batch share."""

    records: tuple[GateRecord, ...]
    explanation: Explanation
    scores: np.ndarray
    seconds: float


def _edits(given: Sequence[Edit | str]) -> tuple[Edit, ...]:
    return tuple(parse(each) if isinstance(each, str) else each for each in ((given,) if isinstance(given, str) else given))


def weights_of(inspection: Inspection) -> tuple[np.ndarray, ...]:
    """One picture's weights, (M, C) for each gate: what an edit takes from another picture."""
    return tuple(record.weights[0] for record in inspection.gates)


def _warnings(sites: tuple[GateSite, ...]) -> tuple[str, ...]:
    if not sites:
        return (
            "No channel gate was found in this network: there is its prediction and its Grad-CAM, but no excitation to show."
            " Gates inside scripted code, einsum or maps of 1 x 1 are not seen.",
        )
    return tuple(f"{site.name} ({site.path}): {site.warning}" for site in sites if site.warning)


def _noise(low: int, high: int) -> np.ndarray:
    return np.random.default_rng(0).integers(low, high, (256, 256, 3), dtype=np.uint8)


def _only(record: GateRecord, n: int) -> GateRecord:
    """One picture's part of a record."""
    return GateRecord(
        site=record.site,
        squeeze=_row(record.squeeze, n),
        hidden=None if record.hidden is None else _row(record.hidden, n),
        logits=_row(record.logits, n),
        weights=_row(record.weights, n),
        maps=None if record.maps is None else _row(record.maps, n),
    )


def _row(values: np.ndarray, n: int) -> np.ndarray:
    """One picture's part of what a batch shares, (1, ...); it does not keep the batch in memory."""
    return values if len(values) == 1 else values[n : n + 1].copy()


def _cam(path: str, name: str, target: int, values: np.ndarray) -> Cam:
    return cam_of(path, name, target, values[None])
