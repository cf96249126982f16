"""A picture goes in, an Inspection comes out: the one thing that outer rooms ask."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from sevis import pictures
from sevis.capture.cams import Explanation, cam_of, explain
from sevis.capture.tracer import Tape, Watch
from sevis.capture.twin import frozen_twin
from sevis.nets.preprocessing import seen
from sevis.nets.zoo import CheckpointError, Network, load_network, shipped
from sevis.records import Cam, GateRecord, GateSite, Inspection, Prediction

__all__ = ["CheckpointError", "Inspector", "available", "choose_device", "load", "wrap"]

Source = bytes | str | Path | Image.Image | np.ndarray
Target = int | str | None
TOP = 5


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
    """

    def __init__(self, network: Network, device: torch.device | None = None) -> None:
        self.name = network.name
        self.classes = network.classes
        self._module = frozen_twin(network.module, device)
        self._network = network
        first = next(self._module.parameters(), torch.zeros(()))
        self.device, self._dtype = first.device, first.dtype
        self.input_shape, self.sites, self._last_path = self._survey()
        self.warnings = _warnings(self.sites)

    @property
    def nbytes(self) -> int:
        """How much memory its weights take."""
        return sum(t.nbytes for t in (*self._module.parameters(), *self._module.buffers()))

    def _survey(self) -> tuple[tuple[int, ...], tuple[GateSite, ...], str]:
        """The input's shape, the gates with their proofs, and the path of the last feature map, from one pass of noise."""
        noise = np.random.default_rng(0).integers(0, 256, (256, 256, 3), dtype=np.uint8)
        batch = self._batch([self._tensor(noise)])
        with torch.no_grad(), Tape(self._module, Watch(head=True)) as tape:
            output = first_tensor(self._module(batch))
        if output.shape[1] != len(self.classes):
            raise ValueError(
                f"{self.name} gives {output.shape[1]} logits, but {len(self.classes)} class names were given; name each class once"
            )
        last = tape.last_map(output)
        return tuple(batch.shape[1:]), tape.sites(), last.path if last is not None else ""

    def inspect(self, image: Source, target: Target = None) -> Inspection:
        """Predictions, every gate, its influence and its Grad-CAM, for one picture.

        Args:
            image: a PIL image, a path, the bytes of a file, or (H, W, 3) uint8.
            target: the class to explain, by index or name; None takes the most probable.

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
        chosen = [self._index(target) for target in targets]
        tensors = [self._tensor(image) for image in images]
        with torch.inference_mode(False), torch.enable_grad():
            asked = self._batch(tensors).requires_grad_(not self.sites)
            with Tape(self._module, Watch(maps=True, gradients=True, head=True, proof=False, roots=True)) as tape:
                output = first_tensor(self._module(asked))
            logits = tape.logits(output).float()
            indices = [int(best) if index is None else index for index, best in zip(chosen, logits.argmax(dim=1), strict=True)]
            last = tape.last_map(output)
            explanation = explain(tape.found, last, logits[torch.arange(len(indices)), indices])
        records = self._proved(tape.records())
        shared = _Shared(records, explanation, logits.detach().cpu().numpy(), time.perf_counter() - started)
        return tuple(self._inspection(n, seen(tensors[n], self._network.preprocessing), index, shared) for n, index in enumerate(indices))

    def _tensor(self, image: np.ndarray) -> Tensor:
        return self._network.preprocessing(Image.fromarray(image))

    def _batch(self, tensors: Sequence[Tensor]) -> Tensor:
        return torch.stack(list(tensors)).to(self.device, self._dtype)

    def _index(self, target: Target) -> int | None:
        """The class's place among the logits."""
        if isinstance(target, str):
            if target not in self.classes:
                raise ValueError(
                    f"{self.name} has no class {target!r}; choose from {', '.join(self.classes[:12])}{' ...' * (len(self.classes) > 12)}"
                )
            return self.classes.index(target)
        if target is not None and not 0 <= target < len(self.classes):
            raise ValueError(f"{self.name} has no class {target}; choose from 0 to {len(self.classes) - 1}")
        return target

    def _proved(self, records: tuple[GateRecord, ...]) -> tuple[GateRecord, ...]:
        """The records with the warnings of their sites' proofs, which were made once."""
        proofs = {(site.path, site.depth): site for site in self.sites}
        return tuple(replace(record, site=proofs.get((record.site.path, record.site.depth), record.site)) for record in records)

    def _inspection(self, n: int, image: np.ndarray, target: int, shared: _Shared) -> Inspection:
        probabilities = _softmax(shared.logits[n])
        best = np.argsort(-probabilities, kind="stable")[:TOP]
        gates = tuple(_only(record, n) for record in shared.records)
        averages = self._network.averages
        return Inspection(
            model=self.name,
            device=str(self.device),
            image=image,
            predictions=tuple(self._prediction(int(index), probabilities) for index in best),
            target=self._prediction(target, probabilities),
            score=float(shared.logits[n, target]),
            gates=gates,
            influence=tuple(values[n : n + 1] for values in shared.explanation.influence),
            cams=tuple(_cam(g.site.path, g.site.name, target, m[n]) for g, m in zip(gates, shared.explanation.maps, strict=True)),
            last_cam=self._last_cam(n, target, shared.explanation),
            averages=averages if len(averages) == len(gates) else (),
            seconds=shared.seconds,
            warnings=self.warnings,
        )

    def _prediction(self, index: int, probabilities: np.ndarray) -> Prediction:
        return Prediction(index, self.classes[index], float(probabilities[index]))

    def _last_cam(self, n: int, target: int, explanation: Explanation) -> Cam | None:
        return None if explanation.last is None else _cam(self._last_path, "last map", target, explanation.last[n])


class _Shared:
    """What the pictures of one batch share."""

    def __init__(self, records: tuple[GateRecord, ...], explanation: Explanation, logits: np.ndarray, seconds: float) -> None:
        self.records, self.explanation, self.logits, self.seconds = records, explanation, logits, seconds


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


def _softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max())
    return np.asarray(powers / powers.sum())


def first_tensor(output: object) -> Tensor:
    """The logits (N, classes) in whatever a network returns: a tensor, or the first of a tuple or a mapping.

    Raises:
        TypeError: there is no such tensor.
    """
    parts = list(output.values()) if isinstance(output, dict) else list(output) if isinstance(output, list | tuple) else [output]
    found = next((part for part in parts if isinstance(part, Tensor) and part.ndim == 2), None)
    if found is None:
        raise TypeError(f"the network returned {type(output).__name__}, expected logits (N, classes); wrap a classifier")
    return found


def available() -> tuple[str, ...]:
    """The names that `load` knows."""
    return shipped()


def load(name: str, device: str | torch.device = "auto") -> Inspector:
    """An Inspector of a shipped network, as in load("photos12/se_resnet18"); its `device` says where it runs.

    Raises:
        CheckpointError: no such network, or a damaged checkpoint.
    """
    return Inspector(load_network(name), choose_device(device))


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
