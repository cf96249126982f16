"""A picture goes in, an Inspection comes out: the one thing that outer rooms ask."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from sevis import pictures
from sevis.capture.cams import Explanation, cam_of, explain
from sevis.capture.tracer import Tape, Watch
from sevis.capture.twin import frozen_twin
from sevis.capture.watch import LastMap
from sevis.nets import sources
from sevis.nets.network import CheckpointError, Network, Transform
from sevis.nets.preprocessing import seen
from sevis.nets.readings import READERS, Reading, Target
from sevis.nets.zoo import shipped
from sevis.records import Cam, GateRecord, GateSite, Inspection

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["CheckpointError", "Inspector", "available", "choose_device", "load", "load_uploaded", "wrap"]

Source = bytes | str | Path | Image.Image | np.ndarray


def choose_device(device: str | torch.device = "auto") -> torch.device:
    """The device of that name; "auto" takes cuda, then mps, then the CPU.

    Raises:
        ValueError: there is no such device here.
    """
    here = _devices_here()
    if device == "auto":
        return torch.device(here[0])
    try:
        chosen = torch.device(device)
    except RuntimeError:  # torch's own sentence lists twenty devices that are not here
        chosen = None
    if chosen is None or chosen.type not in here or (chosen.type == "cuda" and (chosen.index or 0) >= torch.cuda.device_count()):
        raise ValueError(f"no device {str(device)!r} here; choose from auto, {', '.join(here)}")
    return chosen


def _devices_here() -> list[str]:
    here = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    return [name for name, found in here.items() if found]


class Inspector:
    """A network that tells what its gates did; many threads may ask one at the same time.

    Attributes:
        name: of the network.
        device: where it runs.
        classes: names in the order of the logits.
        sites: its gates, in order of depth, each with its identity checked once.
        warnings: what its user should know, one sentence each.
        task: "classification" or "detection".
    """

    def __init__(self, network: Network, device: torch.device | None = None) -> None:
        self.name, self.task = network.name, network.task
        self.classes = network.classes
        self._module = frozen_twin(network.module, device)
        self._network, self._reader = network, READERS[network.task]
        first = next(self._module.parameters(), torch.zeros(()))
        self.device, self._dtype = first.device, first.dtype
        self.input_shape, self.sites, self._last_path = self._survey()
        self.warnings = network.warnings + _warnings(self.sites)

    @property
    def nbytes(self) -> int:
        """How much memory its weights take."""
        return sum(t.nbytes for t in (*self._module.parameters(), *self._module.buffers()))

    def summary(self, depth: int | None = None) -> Table:
        """The network's layers as a rich table with a column of gates; see sevis.summary."""
        from sevis.summary import summarise

        return summarise(self._module, self.input_shape, self.sites, depth=depth)

    def _survey(self) -> tuple[tuple[int, ...], tuple[GateSite, ...], str]:
        """The input's shape, the gates with their proofs, and the path of the last feature map, from one pass of noise."""
        noise = np.random.default_rng(0).integers(0, 256, (256, 256, 3), dtype=np.uint8)
        batch = self._batch([self._tensor(noise)])
        with torch.no_grad(), Tape(self._module, Watch(head=True)) as tape:
            output = self._reader.output(self._module(batch))
        known = self._reader.classes(output)
        if known != len(self.classes):
            raise ValueError(f"{self.name} gives {known} logits, but {len(self.classes)} class names were given; name each class once")
        last = self._last_map(tape, output)
        return tuple(batch.shape[1:]), tape.sites(), last.path if last is not None else ""

    def _last_map(self, tape: Tape, output: Tensor) -> LastMap | None:
        """The last feature map of a classifier; a detector's boxes come from several, and none of them is the last."""
        return tape.last_map(output) if self.task == "classification" else None

    def inspect(self, image: Source, target: Target = None) -> Inspection:
        """Predictions, every gate, its influence and its Grad-CAM, for one picture.

        Args:
            image: a PIL image, a path, the bytes of a file, or (H, W, 3) uint8.
            target: the class to explain, by index or name; None takes the most probable. Of a detector: a box by its place,
                the surest being 0, or the surest of a class by name.

        Raises:
            PictureError: the picture cannot be read; the sentence says why.
            ValueError: there is no such class.
        """
        picture = pictures.read(image)
        inspection = self.inspect_batch([picture.pixels], [target])[0]
        return replace(inspection, warnings=picture.notes + inspection.warnings)

    def inspect_batch(self, images: Sequence[np.ndarray], targets: Sequence[Target]) -> tuple[Inspection, ...]:
        """One inspection a picture (H, W, 3) uint8, from one forward and one backward pass for all."""
        started = time.perf_counter()
        for target in targets:
            self._check(target)
        tensors = [self._tensor(image) for image in images]
        with torch.inference_mode(False), torch.enable_grad():
            asked = self._batch(tensors).requires_grad_(not self.sites)
            with Tape(self._module, Watch(maps=True, gradients=True, head=True, proof=False, roots=True)) as tape:
                output = self._reader.output(self._module(asked))
            readings = self._reader.read(tape.logits(output).float(), targets, self.classes)
            last = self._last_map(tape, output)
            scores = torch.stack([reading.score for reading in readings])
            explanation = explain(tape.found, last, scores)
        records = self._proved(tape.records())
        shared = _Shared(records, explanation, scores.detach().cpu().numpy(), time.perf_counter() - started)
        pictures_seen = [seen(tensor, self._network.preprocessing) for tensor in tensors]
        return tuple(self._inspection(n, pictures_seen[n], reading, shared) for n, reading in enumerate(readings))

    def _tensor(self, image: np.ndarray) -> Tensor:
        return self._network.preprocessing(Image.fromarray(image))

    def _batch(self, tensors: Sequence[Tensor]) -> Tensor:
        return torch.stack(list(tensors)).to(self.device, self._dtype)

    def _check(self, target: Target) -> None:
        """Raise ValueError unless the network can have such a target."""
        if isinstance(target, str):
            if target not in self.classes:
                raise ValueError(
                    f"{self.name} has no class {target!r}; choose from {', '.join(self.classes[:12])}{' ...' * (len(self.classes) > 12)}"
                )
        elif target is not None:
            count = self._reader.places(len(self.classes))
            if target < 0 or (count is not None and target >= count):
                raise ValueError(f"{self.name} has no class {target}; choose from 0 to {len(self.classes) - 1}")

    def _proved(self, records: tuple[GateRecord, ...]) -> tuple[GateRecord, ...]:
        """The records with the warnings of their sites' proofs, which were made once."""
        proofs = {(site.path, site.depth): site for site in self.sites}
        return tuple(replace(record, site=proofs.get((record.site.path, record.site.depth), record.site)) for record in records)

    def _inspection(self, n: int, image: np.ndarray, reading: Reading, shared: _Shared) -> Inspection:
        gates = tuple(_only(record, n) for record in shared.records)
        averages, target = self._network.averages, reading.target.index
        whole = shared.explanation.last
        return Inspection(
            model=self.name,
            device=str(self.device),
            image=image,
            predictions=reading.predictions,
            target=reading.target,
            score=float(shared.scores[n]),
            gates=gates,
            influence=tuple(values[n : n + 1] for values in shared.explanation.influence),
            cams=tuple(_cam(g.site.path, g.site.name, target, m[n]) for g, m in zip(gates, shared.explanation.maps, strict=True)),
            last_cam=None if whole is None else _cam(self._last_path, "last map", target, whole[n]),
            averages=averages if len(averages) == len(gates) else (),
            seconds=shared.seconds,
            warnings=self.warnings + ((reading.note,) if reading.note else ()),
        )


@dataclass(frozen=True)
class _Shared:
    """What the pictures of one batch share."""

    records: tuple[GateRecord, ...]
    explanation: Explanation
    scores: np.ndarray
    seconds: float


def _warnings(sites: tuple[GateSite, ...]) -> tuple[str, ...]:
    if not sites:
        return (
            "No channel gate was found in this network: there is its prediction and its Grad-CAM, but no excitation to show."
            " Gates inside scripted code, einsum or maps of 1 x 1 are not seen.",
        )
    return tuple(f"{site.name} ({site.path}): {site.warning}" for site in sites if site.warning)


def _only(record: GateRecord, n: int) -> GateRecord:
    """One picture's part of a record; the maps in half precision, which is enough to be looked at."""
    part = slice(n, n + 1)
    return GateRecord(
        site=record.site,
        squeeze=record.squeeze[part],
        hidden=None if record.hidden is None else record.hidden[part],
        logits=record.logits[part],
        weights=record.weights[part],
        maps=None if record.maps is None else record.maps[part].astype(np.float16),
    )


def _cam(path: str, name: str, target: int, values: np.ndarray) -> Cam:
    return cam_of(path, name, target, values[None])


def available() -> tuple[str, ...]:
    """The names of the networks that ship; `sevis.menu` knows the others that are recommended."""
    return shipped()


def load(
    name: str,
    device: str | torch.device = "auto",
    *,
    weights: sources.Weights = "trained",
    arch: str | None = None,
    arguments: Mapping[str, Any] | None = None,
    classes: Sequence[str] | None = None,
    transform: Transform | None = None,
) -> Inspector:
    """An Inspector of a network of any source; its `device` says where it runs.

        load("photos12/se_resnet18")  # ships with sevis
        load("timm/skresnext50_32x4d.ra_in1k")  # or hf-hub:ORGANISATION/NAME, torchvision/NAME
        load("timm/seresnet50", weights=None)  # random weights: nothing is fetched
        load("mine.safetensors", arch="timm/seresnet50", classes=("cat", "dog"))  # or .pt, .pth
        load("mine.pt", arch="se_resnet18", arguments={"stem": "imagenet"})
        load("net.py:build")  # runs your function, which gives a module

    Args:
        weights: "trained", or None for random ones; a checkpoint has its own.
        arch: the network that a checkpoint is of, named like any other: a state dict does not tell.
        arguments: for the network's builder.
        classes: names in the order of the logits; None takes those that come with the network.
        transform: PIL picture -> tensor (3, H, W); None takes the one that comes with the network.

    Raises:
        CheckpointError: there is no such network, or it is out of reach, damaged, or does not fit; the sentence says which.
    """
    here = choose_device(device)
    return Inspector(sources.load(name, weights=weights, arch=arch, arguments=arguments, classes=classes, transform=transform), here)


def load_uploaded(data: bytes, arch: str, classes: Sequence[str] = (), device: str | torch.device = "auto") -> Inspector:
    """An Inspector of a visitor's safetensors file in a network of the menu; nothing that it holds is run.

    Args:
        arch: a name of the menu, to the letter.
        classes: names in the order of the logits; () takes ImageNet's, or numbers.

    Raises:
        CheckpointError: the file is too large or damaged, does not fit the network, or the names do not fit the file.
    """
    return Inspector(sources.load_uploaded(data, arch, classes), choose_device(device))


def wrap(
    module: nn.Module,
    transform: object,
    class_names: Sequence[str],
    *,
    name: str | None = None,
    device: str | torch.device | None = None,
) -> Inspector:
    """An Inspector of any classifier; the module itself is left exactly as it is.

    Args:
        module: (N, 3, H, W) -> logits (N, classes).
        transform: PIL picture -> tensor (3, H, W), as torchvision and timm make them.
        class_names: in the order of the logits.
        device: where to run; None runs where the module's weights are, "auto" picks.
    """
    if not callable(transform):
        raise TypeError(f"the transform is {type(transform).__name__}, expected a callable from a PIL picture to a tensor (3, H, W)")
    network = Network(name or type(module).__name__, module, transform, tuple(class_names))
    return Inspector(network, None if device is None else choose_device(device))
