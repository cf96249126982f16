"""What a network's output says, and the score of it that is explained: a class of a classifier, a box of a detector."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sevis.host import Awaited
from sevis.nets.detection import Detections, box_score, detections
from sevis.records import Prediction

__all__ = ["READERS", "Asked", "Reader", "Reading", "Target"]

Target = int | str | None
TOP = 5  # classes
MOST = 12  # boxes


@dataclass(frozen=True)
class Reading:
    """What was read off one picture's part of the output.

    Attributes:
        predictions: the most probable classes, or the boxes that were found; best first.
        target: what is explained.
        place: of the target in one picture's part of the output: the class's, or the box's row and class.
        note: what the reader should know; empty mostly.
    """

    predictions: tuple[Prediction, ...]
    target: Prediction
    place: tuple[int, ...]
    note: str = ""


@dataclass(frozen=True)
class Asked:
    """What is asked of an output.

    Attributes:
        scores: the targets' logits (N,), from which gradients can be taken.
        readings: one a picture.
    """

    scores: Tensor
    readings: Awaited[tuple[Reading, ...]]


def read_classes(logits: Tensor, targets: Sequence[Target], classes: tuple[str, ...]) -> Asked:
    """The most probable classes of every picture from logits (N, classes); a target of None is the first of them."""
    named = torch.tensor([_place_of(target, classes) for target in targets]).to(logits.device, non_blocking=True)
    chosen = torch.where(named < 0, logits.detach().argmax(dim=1), named)  # where the logits are: nobody waits for them

    def read(arrays: list[Any]) -> tuple[Reading, ...]:
        return tuple(_classes(row, int(index), classes) for row, index in zip(*arrays, strict=True))

    return Asked(logits.gather(1, chosen[:, None])[:, 0], Awaited([logits, chosen], read))


def _place_of(target: Target, classes: tuple[str, ...]) -> int:
    """The place of the class that is explained; -1 for the most probable one."""
    if target is None:
        return -1
    return classes.index(target) if isinstance(target, str) else target


def _classes(logits: np.ndarray, index: int, classes: tuple[str, ...]) -> Reading:
    probabilities = _softmax(logits)
    best = np.argsort(-probabilities, kind="stable")[:TOP]
    named = [Prediction(int(n), classes[n], float(probabilities[n])) for n in (*best, index)]
    return Reading(tuple(named[:-1]), named[-1], (index,))


def _softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max())
    return np.asarray(powers / powers.sum())


def read_boxes(output: Tensor, targets: Sequence[Target], classes: tuple[str, ...]) -> Asked:
    """The boxes on every picture from a detector's output (N, rows, 5 + classes).

    A target is a box by its place, best first, or a class, which means its best box; None is the best box of all. Where the
    network is sure of none, its best guess is explained, and the note says so. Only the boxes themselves tell which of them
    are one thing, so they are waited for.
    """
    readings = tuple(_boxes(output[n : n + 1], target, classes) for n, target in enumerate(targets))
    scores = torch.stack([box_score(output, n, *reading.place) for n, reading in enumerate(readings)])
    return Asked(scores, Awaited([], lambda arrays: readings))


def _boxes(output: Tensor, target: Target, classes: tuple[str, ...]) -> Reading:
    found = detections(output, most=MOST)[0]
    place = _place(found, target, classes)
    named = _named(found, classes)
    if place is not None:
        return Reading(named, named[place], (int(found.rows[place]), int(found.labels[place])))
    guess, note = _guess(output, target, classes), _sorry(target, len(found))
    return Reading(named, _named(guess, classes)[0], (int(guess.rows[0]), int(guess.labels[0])), note)


def _named(found: Detections, classes: tuple[str, ...]) -> tuple[Prediction, ...]:
    """The boxes as predictions."""
    return tuple(
        Prediction(int(label), classes[label], float(score), tuple(map(float, box)))
        for box, label, score in zip(found.boxes, found.labels, found.scores, strict=True)
    )


def _place(found: Detections, target: Target, classes: tuple[str, ...]) -> int | None:
    """The target's place among the boxes that were found, if it is one of them."""
    if isinstance(target, str):
        return next((n for n, label in enumerate(found.labels) if classes[label] == target), None)
    place = target or 0
    return place if place < len(found) else None


def _guess(output: Tensor, target: Target, classes: tuple[str, ...]) -> Detections:
    """The best box of all, or of the class that was asked for, however unsure."""
    if not isinstance(target, str):
        return detections(output, least_score=0.0, most=1)[0]
    only = output.detach().clone()
    others = torch.arange(len(classes), device=output.device) != classes.index(target)
    only[..., 5:][..., others] = -torch.inf
    return detections(only, least_score=0.0, most=1)[0]


def _sorry(target: Target, count: int) -> str:
    if isinstance(target, str):
        return f"The network finds no {target} in this picture: its best guess at one is explained."
    if count:
        return f"There are only {count} boxes in this picture: the surest is explained."
    return "The network is sure of no box in this picture: its best guess is explained."


def follow_class(logits: Tensor, place: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """One class's logit and probability in every row of logits (N, classes): (N,) each."""
    return logits[:, place[0]], logits.softmax(dim=1)[:, place[0]]


def follow_box(output: Tensor, place: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """One box's logit and probability in every picture's part of a detector's output: (N,) each."""
    row, label = place
    objectness, classes = output[:, row, 4], output[:, row, 5 + label]
    return objectness + classes, objectness.sigmoid() * classes.sigmoid()


@dataclass(frozen=True)
class Reader:
    """How the output of a network of one task is read.

    Attributes:
        axes: of the output: 2 for (N, classes).
        shape: the output's shape, for an error.
        read: (output, targets, classes) -> the scores that are explained, and one Reading a picture.
        follow: (output, place of a reading's target) -> its logit and its probability in every part of the output, (N,) each.
        classes: output -> how many classes it tells apart.
        places: number of classes -> how many targets there are by number; None where only the picture tells.
    """

    axes: int
    shape: str
    read: Callable[[Tensor, Sequence[Target], tuple[str, ...]], Asked]
    follow: Callable[[Tensor, tuple[int, ...]], tuple[Tensor, Tensor]]
    classes: Callable[[Tensor], int]
    places: Callable[[int], int | None]

    def output(self, returned: object) -> Tensor:
        """The output in whatever a network returns: a tensor, or the first that fits of a tuple or a mapping.

        Raises:
            TypeError: there is no such tensor.
        """
        parts = list(returned.values()) if isinstance(returned, dict) else returned if isinstance(returned, list | tuple) else [returned]
        found = next((part for part in parts if isinstance(part, Tensor) and part.ndim == self.axes), None)
        if found is None:
            raise TypeError(f"the network returned {type(returned).__name__}, expected {self.shape}; wrap a network that gives it")
        return found


READERS: dict[str, Reader] = {
    "classification": Reader(2, "logits (N, classes)", read_classes, follow_class, lambda output: output.shape[1], lambda classes: classes),
    "detection": Reader(
        3, "boxes (N, rows, 5 + classes)", read_boxes, follow_box, lambda output: output.shape[2] - 5, lambda classes: None
    ),
}
