"""What is measured of a network, against a restatement in NumPy: its answers, its gates, and both with the gates of another picture."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from sevis import measures
from sevis.nets.compositions import Compositions
from sevis.nets.detection import Detections
from sevis.nets.photographs import Photographs
from sevis.nets.preprocessing import Preprocessing
from sevis.nets.yolov5_se import yolov5_se
from sevis.records import GateRecord
from tests import papers_in_numpy as papers
from tests.tiny_checkpoints import SIDE, photographs
from tests.tiny_networks import CLASSES, se_net, selective_net

COUNT = measures.BATCH + 1  # one more than a batch: the remainder must not stand alone
PREPROCESSING = Preprocessing(SIDE, SIDE)


@pytest.fixture(scope="module")
def shown() -> Photographs:
    return photographs(COUNT)


def tensor_of(shown: Photographs) -> Tensor:
    return torch.stack([PREPROCESSING(Image.fromarray(pixels.transpose(1, 2, 0))) for pixels in shown.pixels])


@pytest.fixture(scope="module")
def restated(shown: Photographs) -> tuple[np.ndarray, list[papers.Gate]]:
    return papers.se_resnet(se_net(), tensor_of(shown))


def test_measured_is_the_restatement(shown: Photographs, restated: tuple[np.ndarray, list[papers.Gate]]) -> None:
    logits, gates = restated
    measured, averages = measures.measure(se_net(), shown, PREPROCESSING)
    predicted = logits.argmax(axis=1)
    hits = [int(label == best) for label, best in zip(shown.labels, predicted, strict=True)]
    assert 0 < sum(hits) < COUNT
    assert measured["pictures"] == COUNT and measured["top1"] == pytest.approx(sum(hits) / COUNT)
    confusion = [[int(((shown.labels == a) & (predicted == b)).sum()) for b in range(len(CLASSES))] for a in range(len(CLASSES))]
    assert measured["confusion"] == confusion and sum(map(sum, confusion)) == COUNT
    assert [(gate["name"], gate["path"]) for gate in measured["gates"]] == [
        (f"SE_{stage + 1}_{block + 1}", f"layer{stage}.{block}.se") for stage in (1, 2, 3, 4) for block in (0, 1)
    ]
    for told, gate in zip(measured["gates"], gates, strict=True):
        weights = gate.weights[:, 0]
        n, c = weights.shape
        mean = sum(weights[i] for i in range(n)) / n
        spread = np.sqrt(sum((weights[i] - mean) ** 2 for i in range(n)) / n)
        assert told["mean"] == pytest.approx(weights.sum() / (n * c), rel=1e-4)
        assert told["image_std"] == pytest.approx(spread.sum() / c, rel=1e-3)
        assert told["channel_std"] == pytest.approx(np.sqrt(((mean - mean.sum() / c) ** 2).sum() / c), rel=1e-3)
        np.testing.assert_allclose(averages[f"{gate.path}.mean"].numpy(), mean[None], atol=1e-5)
        np.testing.assert_allclose(averages[f"{gate.path}.spread"].numpy(), spread[None], atol=1e-5)
        steps = np.sort(weights, axis=0)[np.round(np.linspace(0, n - 1, 21)).astype(int)]  # no interpolation: near enough
        np.testing.assert_allclose(averages[f"{gate.path}.quantiles"].numpy()[[0, -1]], steps[[0, -1]][:, None], atol=1e-6)
        np.testing.assert_allclose(averages[f"{gate.path}.quantiles"].numpy(), steps[:, None], atol=np.ptp(weights) / 5)
        for label in range(len(shown.classes)):
            mine = [weights[i] for i in range(n) if shown.labels[i] == label]
            np.testing.assert_allclose(averages[f"{gate.path}.by_class"][label, 0].numpy(), sum(mine) / len(mine), atol=1e-5)
    assert len(averages) == 32


def test_a_selections_share_is_its_last_branchs() -> None:
    weights = np.zeros((2, 2, 3))
    weights[:, 1] = [[0.1, 0.5, 0.9], [0.3, 0.5, 0.7]]
    weights[:, 0] = 1 - weights[:, 1]
    told = measures.aliveness(weights)
    assert told["mean"] == pytest.approx(0.5)
    assert told["image_std"] == pytest.approx((0.1 + 0 + 0.1) / 3)
    assert told["channel_std"] == pytest.approx(np.std([0.2, 0.5, 0.8]))


def gates_of(module: nn.Module, shown: Photographs, *, permuted: bool) -> list[tuple[GateRecord, ...]]:
    batches: list[tuple[GateRecord, ...]] = []
    measures.run(module, shown.pixels, PREPROCESSING, measures.classes_of, permuted=permuted, record=batches.append)
    return batches


def classes_of(shown: Photographs, **options: Any) -> list[int]:
    return measures.run(se_net(), shown.pixels, PREPROCESSING, measures.classes_of, **options)


def own_weights(record: GateRecord) -> np.ndarray:
    """What the gate would have been: from its logits, which the permutation does not touch."""
    logits = record.logits.astype(np.float64)
    powers = np.exp(logits)
    return powers / powers.sum(axis=1, keepdims=True) if record.site.kind == "branch" else papers.sigmoid(logits)


def order_of(record: GateRecord) -> list[int]:
    """Whose gate each picture of a batch got."""
    distance = np.abs(own_weights(record)[None] - record.weights[:, None]).max(axis=(2, 3))
    assert (distance.min(axis=1) < 1e-5).all()
    return distance.argmin(axis=1).tolist()


@pytest.mark.parametrize("make", [lambda: se_net(seed=1), selective_net])
def test_permuted_gates_are_another_pictures(make: Callable[[], nn.Module], shown: Photographs) -> None:
    """All of the batch's gates, none in its place, and in every block the same exchange."""
    batches = gates_of(make(), shown, permuted=True)
    assert [len(records[0].weights) for records in batches] == [33, 32]
    for records in batches:
        order = order_of(records[-1])
        assert sorted(order) == list(range(len(order)))
        assert all(place != whose for place, whose in enumerate(order))
        for record in records:
            np.testing.assert_allclose(record.weights, own_weights(record)[order], atol=1e-5)
    for records in gates_of(make(), shown, permuted=False):
        for record in records:
            np.testing.assert_allclose(record.weights, own_weights(record), atol=1e-5)


def test_permuting_changes_what_follows_but_not_the_pictures(shown: Photographs) -> None:
    for before, after in zip(gates_of(se_net(), shown, permuted=False), gates_of(se_net(), shown, permuted=True), strict=True):
        assert np.abs(before[0].squeeze - after[0].squeeze).max() < 1e-6
        assert np.abs(before[-1].squeeze - after[-1].squeeze).max() > 1e-3


def test_permuting_equal_pictures_changes_nothing(shown: Photographs) -> None:
    same = Photographs(np.repeat(shown.pixels[:1], 5, axis=0), np.zeros(5, np.int64), CLASSES)
    assert classes_of(same) == classes_of(same, permuted=True)


def test_predictions_come_in_the_photographs_order(shown: Photographs, restated: tuple[np.ndarray, list[papers.Gate]]) -> None:
    for seed in (0, 1):
        assert classes_of(shown, seed=seed) == restated[0].argmax(axis=1).tolist()


# ---- boxes

BOXES = np.array([[10, 10, 50, 50], [60, 60, 90, 100], [0, 0, 0, 0], [0, 0, 0, 0]], dtype=np.float32)
LABELS = np.array([1, 0, -1, -1])


def told(*found: tuple[tuple[float, ...], int]) -> Detections:
    boxes = np.array([box for box, _ in found], dtype=np.float32).reshape(-1, 4)
    return Detections(boxes, np.array([label for _, label in found], dtype=int), np.linspace(0.9, 0.3, len(found)), np.arange(len(found)))


@pytest.mark.parametrize(
    ("found", "recall", "precision"),
    [
        (told(((10, 10, 50, 50), 1), ((60, 60, 90, 100), 0)), 1, 1),
        (told(((10, 10, 50, 50), 0)), 0, 0),  # the class of another box
        (told(((12, 10, 52, 50), 1), ((10, 12, 50, 52), 1)), 1 / 2, 1 / 2),  # one box is found once
        (told(((10, 10, 50, 31), 1), ((60, 60, 90, 79), 0)), 1 / 2, 1 / 2),  # overlaps of 0.525 and 0.475
        (told(), 0, 0),
    ],
)
def test_found_and_right(found: Detections, recall: float, precision: float) -> None:
    assert measures.found_right([found], Compositions(np.zeros((1, 3, 4, 4)), BOXES[None], LABELS[None])) == (recall, precision)


def test_a_detector_is_measured_on_composed_pictures(shown: Photographs) -> None:
    """An untrained one finds nothing; that of all boxes it is told of each is one that was pasted."""
    few = Photographs(shown.pixels[:6], shown.labels[:6], shown.classes)
    module = yolov5_se("n", classes=len(CLASSES), width=0.125, reduction=4).eval()
    measured, averages = measures.measure(module, few, Preprocessing(64, 64), "detection")
    assert measured["pictures"] == 6 and 6 <= measured["boxes"] <= 24
    assert (measured["found"], measured["right"], measured["found_with_gates_of_another_picture"]) == (0, 0, 0)
    assert [gate["path"] for gate in measured["gates"]] == ["layers.9"]
    assert set(averages) == {f"layers.9.{what}" for what in ("mean", "spread", "quantiles")}
