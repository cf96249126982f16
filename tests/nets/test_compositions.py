"""Composed pictures: every box holds the photograph that its label names, and hardly covers another."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sevis.nets.compositions import COVERED, MOST, NOBODY, Composition, compose
from sevis.nets.photographs import Photographs

COLOURS = np.array([[250, 10, 10], [10, 250, 10], [10, 10, 250]], dtype=np.uint8)
SIDE = 64


@pytest.fixture(scope="module")
def photographs() -> Photographs:
    """Three classes, each of one colour: what was pasted where can be seen."""
    labels = np.array([0, 1, 2, 0, 1, 2])
    return Photographs(np.broadcast_to(COLOURS[labels][:, :, None, None], (6, 3, 20, 20)).copy(), labels, ("red", "green", "blue"))


def drawn(photographs: Photographs, seed: int) -> Composition:
    torch.manual_seed(seed)
    return compose(photographs, seed % len(photographs), SIDE)


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    """What two boxes share, in shares of the smaller."""
    grid = np.zeros((2, SIDE, SIDE), dtype=bool)
    for plane, (left, top, right, bottom) in zip(grid, (one.astype(int), other.astype(int)), strict=True):
        plane[top:bottom, left:right] = True
    return float((grid[0] & grid[1]).sum() / grid.sum(axis=(1, 2)).min())


@pytest.mark.parametrize("seed", range(24))
def test_a_box_holds_what_its_label_names(photographs: Photographs, seed: int) -> None:
    made = drawn(photographs, seed)
    assert made.pixels.shape == (3, SIDE, SIDE) and made.pixels.dtype == torch.uint8
    taken = np.flatnonzero(made.labels.numpy() != NOBODY)
    boxes = made.boxes.numpy()
    assert made.labels[0] == photographs.labels[seed % 6], "the photograph that was asked for is there"
    assert (boxes[made.labels.numpy() == NOBODY] == 0).all()
    covered = np.zeros((SIDE, SIDE), dtype=bool)
    for place in taken[::-1]:  # the last pasted lies on top
        left, top, right, bottom = boxes[place].astype(int)
        assert 0 <= left < right <= SIDE and 0 <= top < bottom <= SIDE
        own = np.zeros_like(covered)
        own[top:bottom, left:right] = True
        colour = made.pixels.numpy()[:, own & ~covered]
        assert colour.size and (colour == COLOURS[made.labels[place]][:, None]).all()
        covered |= own
    for n, place in enumerate(taken):
        assert all(overlap(boxes[place], boxes[other]) <= COVERED + 1e-6 for other in taken[:n])


def test_one_to_four_photographs_of_all_sizes(photographs: Photographs) -> None:
    many = [drawn(photographs, seed) for seed in range(120)]
    counts = {int((made.labels != NOBODY).sum()) for made in many}
    sides = np.concatenate([(made.boxes[:, 2] - made.boxes[:, 0])[made.labels != NOBODY].numpy() for made in many]) / SIDE
    assert counts == set(range(1, MOST + 1))
    assert sides.min() < 0.3 and sides.max() > 0.8


def test_a_seed_repeats(photographs: Photographs) -> None:
    one, same, other = (drawn(photographs, seed) for seed in (5, 5, 11))
    assert torch.equal(one.pixels, same.pixels) and torch.equal(one.boxes, same.boxes)
    assert not torch.equal(one.pixels, other.pixels)
