"""Decoding, suppression, targets and loss of the detector against their formulas, box by box."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from sevis.nets.detection import Detections, box_score, corners, decode, detections
from sevis.nets.detection_loss import detection_loss, match
from sevis.nets.yolov5_se import STRIDES, yolov5_se

ANCHORS = torch.tensor([[[10.0, 13.0], [16.0, 30.0]], [[30.0, 61.0], [62.0, 45.0]]])


def sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value))


def logit(probability: float) -> float:
    return math.log(probability / (1 - probability))


def raw_of(sizes: tuple[tuple[int, int], ...] = ((4, 6), (2, 3)), classes: int = 3, pictures: int = 2) -> list[Tensor]:
    return [torch.randn(pictures, 2, height, width, 5 + classes) for height, width in sizes]


def test_decoding_is_the_formula() -> None:
    raw = raw_of()
    output = decode(raw, ANCHORS, (8, 16))
    expected = []
    for scale, anchors, stride in zip(raw, ANCHORS, (8, 16), strict=True):
        for a, row, column in np.ndindex(*scale.shape[1:4]):
            t = [sigmoid(value) for value in scale[1, a, row, column, :4].tolist()]
            centre = [(2 * t[0] - 0.5 + column) * stride, (2 * t[1] - 0.5 + row) * stride]
            size = [(2 * t[2]) ** 2 * anchors[a, 0].item(), (2 * t[3]) ** 2 * anchors[a, 1].item()]
            expected.append([*centre, *size, *scale[1, a, row, column, 4:].tolist()])
    assert output.shape == (2, 2 * 24 + 2 * 6, 8)
    np.testing.assert_allclose(output[1].numpy(), expected, rtol=1e-4, atol=1e-4)


def test_corners_are_half_a_size_from_the_centre() -> None:
    assert corners(torch.tensor([[10.0, 20.0, 4.0, 8.0]])).tolist() == [[8, 16, 12, 24]]


def output_of(*boxes: tuple[tuple[float, float, float, float], float, int, float]) -> Tensor:
    """A detector's answer about one picture: each box with its objectness, class and that class's probability."""
    rows = torch.zeros(len(boxes), 5 + 3)
    for row, (box, objectness, label, probability) in zip(rows, boxes, strict=True):
        row[:4] = torch.tensor(box)
        row[4:] = logit(1e-4)
        row[4], row[5 + label] = logit(objectness), logit(probability)
    return rows[None]


BOXES = output_of(
    ((50, 50, 20, 20), 0.1, 0, 0.9),  # too improbable
    ((50, 50, 20, 20), 0.8, 0, 0.9),
    ((51, 50, 20, 20), 0.9, 0, 0.9),  # covers the one before, and is likelier
    ((51, 51, 20, 20), 0.7, 1, 0.9),  # another class in the same place
    ((10, 80, 10, 30), 0.6, 0, 0.9),  # another place
)


def test_of_boxes_on_one_another_the_likeliest_of_each_class_is_kept() -> None:
    (found,) = detections(BOXES)
    assert found.rows.tolist() == [2, 3, 4]
    assert found.labels.tolist() == [0, 1, 0]
    np.testing.assert_allclose(found.scores, [0.81, 0.63, 0.54], rtol=1e-4)
    np.testing.assert_allclose(found.boxes, [[41, 40, 61, 60], [41, 41, 61, 61], [5, 65, 15, 95]], rtol=1e-4)
    assert len(found) == 3


@pytest.mark.parametrize(
    ("options", "rows"),
    [({"least_score": 0.05}, [2, 3, 4]), ({"least_score": 0.6}, [2, 3]), ({"largest_overlap": 0.99}, [2, 1, 3, 4]), ({"most": 1}, [2])],
)
def test_the_limits_are_arguments(options: dict[str, float], rows: list[int]) -> None:
    assert detections(BOXES, **options)[0].rows.tolist() == rows


def test_a_picture_without_boxes_has_none() -> None:
    none, some = detections(torch.cat([BOXES.index_fill(2, torch.tensor([4]), -9.0), BOXES]))
    assert (len(none), none.boxes.shape, len(some)) == (0, (0, 4), 3)


def test_a_boxs_score_has_a_gradient_in_its_own_row_alone() -> None:
    output = BOXES.clone().requires_grad_()
    (found,) = detections(output)
    assert isinstance(found, Detections)
    score = box_score(output, 0, found.rows[1], found.labels[1])
    assert sigmoid(output[0, 3, 4].item()) * sigmoid(output[0, 3, 6].item()) == pytest.approx(found.scores[1], rel=1e-5)
    score.backward()
    assert output.grad is not None and output.grad.nonzero().tolist() == [[0, 3, 4], [0, 3, 6]]


def expected_matches(boxes: Tensor, labels: Tensor, anchors: Tensor, stride: int, cells: tuple[int, int]) -> list[tuple[float, ...]]:
    """(picture, anchor, row, column, label, *box) by definition: every prediction that can reach the box's centre and size."""
    found: list[tuple[float, ...]] = []
    for n, k in np.ndindex(*labels.shape):
        if labels[n, k] < 0:
            continue
        left, top, right, bottom = boxes[n, k].tolist()
        x, y = (left + right) / 2 / stride, (top + bottom) / 2 / stride
        for a, (width, height) in enumerate(anchors.tolist()):
            ratios = [(right - left) / width, (bottom - top) / height]
            if max(max(r, 1 / r) for r in ratios) >= 4:
                continue
            for row, column in np.ndindex(*cells):
                across, down = abs(x - column - 0.5), abs(y - row - 0.5)
                if max(across, down) < 1 and min(across, down) < 0.5:  # not the cell that lies aside in both directions
                    found.append((n, a, row, column, int(labels[n, k]), left, top, right, bottom))
    return sorted(found)


def test_a_box_is_matched_with_the_predictions_that_can_reach_it() -> None:
    random = np.random.default_rng(0)
    corner = random.uniform(0, 40, (3, 5, 2))
    boxes = torch.tensor(np.concatenate([corner, corner + random.uniform(3, 60, (3, 5, 2))], axis=2), dtype=torch.float32)
    labels = torch.tensor(random.integers(-1, 3, (3, 5)))
    for anchors, stride, cells in ((ANCHORS[0], 8, (8, 12)), (ANCHORS[1], 16, (4, 6))):
        found = match(boxes, labels, anchors, stride, cells)
        made = [(*map(int, row[:5]), *row[5].tolist()) for row in zip(*found.place, found.labels, found.boxes, strict=True)]
        assert sorted(made) == expected_matches(boxes, labels, anchors, stride, cells) and len(made) > 10


def test_only_predictions_inside_the_picture_are_matched() -> None:
    found = match(torch.tensor([[[56.0, 0.0, 64.0, 8.0]]]), torch.tensor([[0]]), ANCHORS[0], 8, (8, 8))
    assert {(row, column) for row, column in zip(found.place[2].tolist(), found.place[3].tolist(), strict=True)} == {(0, 7), (1, 7)}


def test_the_loss_is_least_where_the_answer_is_right() -> None:
    boxes, labels = torch.tensor([[[21.0, 11.0, 37.0, 41.0]]]), torch.tensor([[1]])
    raw = [torch.full((1, 2, 8, 8, 8), -9.0), torch.full((1, 2, 4, 4, 8), -9.0)]
    wrong = detection_loss(raw, boxes, labels, ANCHORS, (8, 16))
    for scale, anchors, stride in zip(raw, ANCHORS, (8, 16), strict=True):
        place = match(boxes, labels, anchors, stride, tuple(scale.shape[2:4])).place
        for _, a, row, column in zip(*place, strict=True):
            centre = [(29 / stride - column.item() + 0.5) / 2, (26 / stride - row.item() + 0.5) / 2]
            size = [math.sqrt(16 / anchors[a, 0].item()) / 2, math.sqrt(30 / anchors[a, 1].item()) / 2]
            scale[0, a, row, column, :4] = torch.tensor([logit(value) for value in centre + size])
            scale[0, a, row, column, [4, 6]] = 9.0
    right = detection_loss(raw, boxes, labels, ANCHORS, (8, 16))
    assert right.item() < 0.02 and wrong.item() > 10


def test_pictures_without_boxes_teach_that_there_is_nothing() -> None:
    raw = [scale.requires_grad_() for scale in raw_of()]
    loss = detection_loss(raw, torch.zeros(2, 4, 4), torch.full((2, 4), -1), ANCHORS, (8, 16))
    loss.backward()
    assert loss.isfinite() and all((scale.grad[..., 4] > 0).all() and not scale.grad[..., :4].any() for scale in raw)


def toys() -> tuple[Tensor, Tensor, Tensor]:
    """Four pictures of 64 pixels with one or two rectangles, coloured by class."""
    boxes = torch.zeros(4, 2, 4)
    boxes[:, 0] = torch.tensor([[4, 6, 30, 34], [20, 10, 52, 50], [2, 30, 34, 60], [8, 8, 56, 56]])
    boxes[0, 1], boxes[2, 1] = torch.tensor([34, 30, 60, 62]), torch.tensor([36, 4, 60, 28])
    labels = torch.tensor([[0, 1], [2, -1], [1, 0], [2, -1]])
    pictures = 0.1 * torch.randn(4, 3, 64, 64)
    for n, k in (labels >= 0).nonzero().tolist():
        left, top, right, bottom = boxes[n, k].int().tolist()
        pictures[n, :, top:bottom, left:right] = torch.eye(3)[labels[n, k]][:, None, None] * 3 - 1
    return pictures, boxes, labels


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Intersection over union."""
    common = np.clip(np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2]), 0, None).prod()
    return float(common / ((one[2:] - one[:2]).prod() + (other[2:] - other[:2]).prod() - common))


def test_it_learns_four_pictures_by_heart() -> None:
    pictures, boxes, labels = toys()
    module = yolov5_se("n", classes=3, width=0.125)
    optimizer = torch.optim.AdamW(module.parameters(), lr=0.01)
    for _ in range(80):
        loss = detection_loss(module(pictures), boxes, labels, module.anchors, STRIDES)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    for n, found in enumerate(detections(module.eval()(pictures), least_score=0.5)):
        wanted = boxes[n][labels[n] >= 0].numpy()
        assert sorted(found.labels.tolist()) == sorted(label for label in labels[n].tolist() if label >= 0)
        for box, label in zip(wanted, labels[n].tolist(), strict=False):
            best = max(overlap(box, other) for other, its in zip(found.boxes, found.labels, strict=True) if its == label)
            assert best > 0.5
