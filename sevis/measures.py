"""How well a network does its task on labelled photographs, and whether its gates are alive meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from sevis.capture.tracer import Tape, Watch
from sevis.nets.compositions import Compositions, composed
from sevis.nets.detection import Detections, detections
from sevis.nets.photographs import Photographs
from sevis.nets.preprocessing import Preprocessing
from sevis.records import GateRecord

__all__ = ["MEASURES", "aliveness", "found_right", "measure", "run"]

BATCH = 64
QUANTILES = 21  # every fifth percentile
OVERLAP = 0.5  # intersection over union from which a box counts as found (Everingham et al. 2010)

Answers = Callable[[Tensor], Sequence[Any]]


def run(
    module: nn.Module,
    pixels: np.ndarray,
    preprocessing: Preprocessing,
    answers: Answers,
    *,
    seed: int = 0,
    permuted: bool = False,
    record: Callable[[tuple[GateRecord, ...]], None] = lambda records: None,
) -> list[Any]:
    """The network's answer to every picture (N, 3, H, W) uint8, in the order given.

    Args:
        answers: one answer a picture from the output of a batch.
        permuted: every picture gets the gates of another picture of its batch, the same one in all blocks.
        record: called with the gates of each batch.
    """
    order = _order(len(pixels), seed)
    told: dict[int, Any] = {}
    for batch in _batches(order):
        edit = _neighbours if permuted else None
        with torch.no_grad(), Tape(module, Watch(proof=False, edit=edit)) as tape:
            output = module(torch.stack([preprocessing(Image.fromarray(pixels[n].transpose(1, 2, 0))) for n in batch]))
        record(tape.records())
        told.update(zip(batch.tolist(), answers(output), strict=True))
    return [told[n] for n in range(len(pixels))]


def _order(pictures: int, seed: int = 0) -> np.ndarray:
    """The order in which pictures are shown: at random, so that neighbours are of different classes."""
    return np.random.default_rng(seed).permutation(pictures)


def _batches(order: np.ndarray) -> list[np.ndarray]:
    """Batches of nearly equal length: none of a single picture, which would have no other beside it."""
    return np.array_split(order, max(-(-len(order) // BATCH), 1))


def _neighbours(gate: Tensor) -> Tensor:
    """Every picture's gate moved to the next one; the batch is in random order, and no picture keeps its own."""
    return gate.roll(1, dims=0)


def classes_of(logits: Tensor) -> list[int]:
    """The most probable class of each picture."""
    return logits.argmax(dim=1).tolist()


def aliveness(weights: np.ndarray) -> dict[str, float]:
    """Whether a gate answers to pictures and treats channels apart, from its weights (N, M, C).

    `image_std` is the weight's standard deviation over pictures, averaged over channels; `channel_std` the standard
    deviation over channels of the weight averaged over pictures. Of a branch selection it is the last branch's share.
    """
    share = weights[:, -1].astype(np.float64)
    return {"image_std": share.std(axis=0).mean().item(), "channel_std": share.mean(axis=0).std().item(), "mean": share.mean().item()}


def _classification(module: nn.Module, photographs: Photographs, preprocessing: Preprocessing, record: Any) -> dict[str, Any]:
    """Top-1, what is left of it with the gates of another picture, and the confusion of the classes."""
    predicted = np.array(run(module, photographs.pixels, preprocessing, classes_of, record=record))
    permuted = np.array(run(module, photographs.pixels, preprocessing, classes_of, permuted=True))
    confusion = np.zeros((len(photographs.classes),) * 2, dtype=int)
    np.add.at(confusion, (photographs.labels, predicted), 1)
    return {
        "pictures": len(photographs),
        "top1": float((predicted == photographs.labels).mean()),
        "top1_with_gates_of_another_picture": float((permuted == photographs.labels).mean()),
        "confusion": confusion.tolist(),
    }


def _detection(module: nn.Module, photographs: Photographs, preprocessing: Preprocessing, record: Any) -> dict[str, Any]:
    """The share of pasted photographs that are found, the share of found boxes that are right, and both with other gates."""
    pictures = composed(photographs, preprocessing.side)
    boxes = int((pictures.labels >= 0).sum())
    own = found_right(run(module, pictures.pixels, preprocessing, detections, record=record), pictures)
    other = found_right(run(module, pictures.pixels, preprocessing, detections, permuted=True), pictures)
    return {
        "pictures": len(pictures.pixels),
        "boxes": boxes,
        "found": own[0],
        "right": own[1],
        "found_with_gates_of_another_picture": other[0],
        "of": "composed pictures: one to four photographs of val pasted on a blurred one",
    }


def found_right(told: Sequence[Detections], pictures: Compositions) -> tuple[float, float]:
    """Recall and precision: the share of the boxes that are found, and of the found boxes that are right.

    A box is found by the best detection of its class that overlaps it by half, and each detection finds one box at most.
    """
    hits = sum(
        _hits(each, boxes[labels >= 0], labels[labels >= 0])
        for each, boxes, labels in zip(told, pictures.boxes, pictures.labels, strict=True)
    )
    return hits / max(int((pictures.labels >= 0).sum()), 1), hits / max(sum(map(len, told)), 1)


def _hits(told: Detections, boxes: np.ndarray, labels: np.ndarray) -> int:
    """How many of one picture's boxes are found."""
    from torchvision.ops import box_iou

    if not len(told) or not len(boxes):
        return 0
    overlaps = box_iou(torch.from_numpy(told.boxes), torch.from_numpy(boxes)).numpy() * (told.labels[:, None] == labels)
    hits = 0
    for row in range(len(told)):  # best first
        best = int(overlaps[row].argmax())
        if overlaps[row, best] >= OVERLAP:
            hits += 1
            overlaps[:, best] = 0
    return hits


MEASURES: dict[str, Callable[..., dict[str, Any]]] = {"classification": _classification, "detection": _detection}


def measure(
    module: nn.Module, photographs: Photographs, preprocessing: Preprocessing, task: str = "classification"
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """What a card says of a network, and what is known of its gates over all pictures, as tensors named <path>.<what>; see `_usual`."""
    batches: list[tuple[GateRecord, ...]] = []
    measured = MEASURES[task](module, photographs, preprocessing, batches.append)
    order = np.argsort(_order(len(photographs)))
    weights = [np.concatenate([records[depth].weights for records in batches])[order] for depth in range(len(batches[0]))]
    sites = [record.site for record in batches[0]]
    labels = photographs.labels if task == "classification" else None
    gates = [{"name": site.name, "path": site.path} | aliveness(values) for site, values in zip(sites, weights, strict=True)]
    usual = {
        f"{site.path}.{name}": torch.from_numpy(np.ascontiguousarray(values, np.float32))
        for site, of_gate in zip(sites, weights, strict=True)
        for name, values in _usual(of_gate, labels).items()
    }
    return measured | {"gates": gates}, usual


def _usual(weights: np.ndarray, labels: np.ndarray | None) -> dict[str, np.ndarray]:
    """What GateAverage knows of one gate, from its weights (N, M, C)."""
    known = {
        "mean": weights.mean(axis=0),
        "spread": weights.std(axis=0),
        "quantiles": np.quantile(weights, np.linspace(0, 1, QUANTILES), axis=0),
    }
    if labels is not None:
        known["by_class"] = np.stack([weights[labels == label].mean(axis=0) for label in range(labels.max() + 1)])
    return known
