"""The order and the tree of rows, against distances written out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from sevis.analysis.similarity import EXACT, distances, nearest, order, tree


def groups(each: int, seed: int = 0, columns: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Rows of three far-apart kinds, shuffled, and the kind of each."""
    random = np.random.default_rng(seed)
    kinds = random.permutation(np.repeat(np.arange(3), each))
    centres = 10 * np.eye(3, columns)
    return centres[kinds] + random.normal(0, 0.1, (len(kinds), columns)), kinds


def root_mean_square(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.sqrt(((one - other) ** 2).mean()))


@pytest.mark.parametrize("each", [1, 2, 7, 21])
def test_alike_rows_stand_side_by_side(each: int) -> None:
    rows, kinds = groups(each)
    places = order(rows)
    assert sorted(places) == list(range(3 * each))
    assert (np.diff(kinds[places]) != 0).sum() == 2


def test_neighbours_are_closer_than_in_any_order_that_keeps_the_tree() -> None:
    """Four points on a line: only the line's own order (or its mirror image) is optimal."""
    rows = np.array([[3.0], [0.0], [2.2], [1.0]])
    assert rows[order(rows), 0].tolist() in ([0, 1, 2.2, 3], [3, 2.2, 1, 0])


@pytest.mark.parametrize("shape", [(0, 5), (1, 5), (2, 5), (1, 1), (2, 1), (9, 1)])
@pytest.mark.parametrize("value", [0.0, 0.7, np.nan])
def test_few_and_constant_rows_have_an_order(shape: tuple[int, int], value: float) -> None:
    rows = np.full(shape, value, dtype=np.float32)
    found = tree(rows)
    assert sorted(order(rows)) == sorted(found.order) == list(range(shape[0]))
    assert found.places.shape == found.heights.shape == (max(shape[0] - 1, 0), 4)
    assert not found.heights.any()


def test_more_channels_than_can_be_ordered_exactly_are_grouped_all_the_same() -> None:
    rows, kinds = groups(EXACT // 3 + 1, columns=3)
    assert len(rows) > EXACT
    assert (np.diff(kinds[order(rows)]) != 0).sum() == 2


def test_the_tree_joins_the_closest_first_at_their_distance() -> None:
    rows = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 1.0], [10.0, 3.0]])
    found = tree(rows)
    assert np.array_equal(found.order, order(rows))
    assert {frozenset(found.order[:2].tolist()), frozenset(found.order[2:].tolist())} == {frozenset({0, 2}), frozenset({1, 3})}
    shoulders = found.heights[:, 1]
    assert np.array_equal(shoulders, found.heights[:, 2]) and sorted(shoulders)[:2] == [1.0, 3.0]
    between = [np.hypot(*(rows[one] - rows[other])) for one in (0, 2) for other in (1, 3)]
    assert shoulders.max() == pytest.approx(np.mean(between))
    feet = found.places[np.argsort(shoulders)[-1], [0, 3]]
    assert feet.tolist() == [0.5, 2.5]  # the middles of the two pairs


def test_distances_are_the_root_mean_square_of_the_differences() -> None:
    rows = np.random.default_rng(1).normal(size=(6, 5)).astype(np.float32)
    expected = [[root_mean_square(one.astype(float), other.astype(float)) for other in rows] for one in rows]
    np.testing.assert_allclose(distances(rows), expected, atol=1e-9)
    best = [min((far, place) for place, far in enumerate(line) if place != row)[1] for row, line in enumerate(expected)]
    assert nearest(rows).tolist() == best


def test_rows_are_not_written_to() -> None:
    rows, _ = groups(3)
    before = rows.copy()
    rows.flags.writeable = False
    order(rows), tree(rows), distances(rows), nearest(rows)
    assert np.array_equal(rows, before)
