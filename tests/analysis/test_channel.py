"""One channel up close, against the formulas written out again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from sevis.analysis.channel import CELLS, SIDE, before_and_after, class_means, percentiles, places, shares, thumbnails
from sevis.analysis.rank import channel_influence, weight
from sevis.records import GateAverage, Inspection
from tests.made_up import CASES, frozen, inspection, record

GATES = ["se", "sk", "three branches", "tanh", "one block"]


def test_places_count_those_above_and_ties_keep_their_order() -> None:
    values = np.array([0.2, 0.9, 0.2, 0.5])
    assert places(values).tolist() == [3, 1, 4, 2]
    seeded = np.random.default_rng(0).random(200)
    assert places(seeded).tolist() == [1 + sum(other > value for other in seeded) for value in seeded]


@pytest.mark.parametrize("case", GATES)
def test_shares_divide_what_speaks_for_and_against(case: str) -> None:
    made = CASES[case]
    for depth in range(len(made.gates)):
        influence, found = channel_influence(made, depth), shares(made, depth)
        assert (found >= 0).all() and (found <= 1).all()
        for mine in (influence > 0, influence < 0):
            if mine.any():
                assert found[mine].sum() == pytest.approx(1)
                np.testing.assert_allclose(
                    found[mine] / found[mine].max(), influence[mine] / influence[mine][found[mine].argmax()], rtol=1e-5
                )


def test_nothing_has_a_share_in_nothing() -> None:
    assert shares(CASES["silent"], 1).tolist() == [0.0] * 16


def test_shares_are_those_of_grad_cam_where_the_slope_is_even() -> None:
    """With one slope a channel the sum over places of alpha_c x A_c, Grad-CAM's own sum before it is cut off, is the influence."""
    seeded, made = np.random.default_rng(1), CASES["sk"]
    gates, depth = made.gates[1], 1
    alpha = seeded.normal(0, 1, gates.site.channels)  # the slope of the score by every place of the gated map
    influence = np.zeros(gates.weights.shape)
    for branch in range(2):
        for channel in range(gates.site.channels):
            influence[0, branch, channel] = alpha[channel] * gates.maps[0, branch, channel].sum() * gates.weights[0, branch, channel]
    even = replace(made, influence=(made.influence[0], frozen(influence), made.influence[2]))
    parts = np.array([alpha[channel] * gates.gated[0, channel].sum() for channel in range(gates.site.channels)])
    wanted = [part / sum(other for other in parts if other * part > 0) for part in parts]
    np.testing.assert_allclose(shares(even, depth), wanted, rtol=1e-4)


def measured(made: Inspection, depth: int) -> tuple[Inspection, np.ndarray]:
    """The inspection with quantiles and class means of 40 made-up pictures of 4 classes, and the weights (40, M, C)."""
    gates, old = made.gates[depth], made.averages[depth]
    weights = np.random.default_rng(2).random((40, *gates.weights.shape[1:]))
    by_class = weights.reshape(10, 4, *weights.shape[1:]).mean(axis=0)
    average = GateAverage(old.path, old.mean, old.spread, 40, np.quantile(weights, np.linspace(0, 1, 41), axis=0), by_class)
    return replace(made, averages=tuple(average if at == depth else each for at, each in enumerate(made.averages))), weights


@pytest.mark.parametrize("case", ["se", "sk", "three branches"])
def test_percentiles_count_the_pictures_below(case: str) -> None:
    made, weights = measured(CASES[case], 1)
    found = percentiles(made, 1)
    below = (weights[:, -1] < weight(made, 1)).mean(axis=0) * 100
    np.testing.assert_allclose(found, below, atol=3)


@pytest.mark.parametrize("case", ["se", "sk without averages"])
def test_what_was_not_measured_is_unknown(case: str) -> None:
    assert percentiles(CASES[case], 1) is None
    assert class_means(CASES[case], 1, 3) is None


def test_class_means_are_of_the_number_that_is_shown() -> None:
    made, weights = measured(CASES["sk"], 2)
    np.testing.assert_allclose(class_means(made, 2, 5), [weights[label::4, -1, 5].mean() for label in range(4)])


@pytest.mark.parametrize("case", GATES)
def test_after_is_the_weighted_sum_of_before(case: str) -> None:
    gates = CASES[case].gates[0]
    *before, after = before_and_after(gates, 2)
    assert len(before) == len(gates.site.branches)
    np.testing.assert_allclose(after, sum(part * each for part, each in zip(gates.weights[0, :, 2], before, strict=True)), rtol=1e-5)
    np.testing.assert_allclose(after, gates.gated[0, 2], rtol=1e-5)


def test_maps_that_were_not_recorded_are_asked_for() -> None:
    bare = replace(CASES["se"].gates[0], maps=None)
    for ask in (lambda: before_and_after(bare, 0), lambda: thumbnails(bare)):
        with pytest.raises(ValueError, match="maps=True"):
            ask()


@pytest.mark.parametrize(("kind", "side"), [("channel", 1), ("channel", 5), ("branch", 12), ("branch", 31)])
def test_small_maps_are_kept_cell_by_cell(kind: str, side: int) -> None:
    gates = record(0, 6, kind, side=side)  # of side x (side + 1) cells
    small = thumbnails(gates)
    assert small.cells.shape == gates.maps[0].shape and small.cells.dtype == np.uint8
    step = (small.high - small.low)[:, None, None] / 255
    np.testing.assert_allclose(small.low[:, None, None] + step * small.cells, gates.maps[0], atol=step.max() / 2 + 1e-5)


@pytest.mark.parametrize(
    ("channels", "shape"), [(64, (56, 56)), (512, (28, 28)), (2048, (7, 7)), (3, (20, 160)), (2048, (64, 48)), (2, (1, 900))]
)
@pytest.mark.parametrize("kind", ["channel", "branch"])
def test_thumbnails_keep_to_their_bounds(channels: int, shape: tuple[int, int], kind: str) -> None:
    gates = record(0, channels, kind, side=1)
    maps = np.random.default_rng(0).random((1, gates.weights.shape[1], channels, *shape), np.float32)
    cells = thumbnails(replace(gates, maps=maps)).cells
    assert cells.size <= CELLS and max(cells.shape[2:]) <= SIDE and min(cells.shape[2:]) >= 1
    assert cells.shape[:2] == (gates.weights.shape[1], channels)


def test_large_maps_are_averaged_by_area() -> None:
    gates = record(0, 2, side=1)
    maps = np.random.default_rng(0).random((1, 1, 2, 50, 75), np.float32)
    small = thumbnails(replace(gates, maps=maps))
    assert small.cells.shape == (1, 2, 21, 32)
    for channel in range(2):
        wanted = np.asarray(Image.fromarray(maps[0, 0, channel]).resize((32, 21), Image.Resampling.BOX))
        got = small.low[channel] + small.cells[0, channel] / 255 * (small.high[channel] - small.low[channel])
        assert got.mean() == pytest.approx(maps[0, 0, channel].mean(), abs=2e-3)
        assert np.corrcoef(got.ravel(), wanted.ravel())[0, 1] > 0.9


def test_flat_maps_have_no_extent() -> None:
    made = inspection([record(0, 4, side=3)])
    flat = replace(made.gates[0], maps=np.full((1, 1, 4, 3, 4), 0.7, np.float32))
    small = thumbnails(flat)
    assert not small.cells.any() and small.low.tolist() == small.high.tolist() == pytest.approx([0.7] * 4)
