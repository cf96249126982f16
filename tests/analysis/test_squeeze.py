"""Which channels are looked at, and which moved, against plain sorting."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sevis.analysis.squeeze import from_high_to_low, holding_half, most_moved, pooled_maps
from tests.made_up import CASES


@pytest.mark.parametrize(("channels", "count"), [(32, 5), (7, 5), (5, 5), (3, 5), (1, 5), (9, 2)])
def test_channels_go_from_the_highest_to_the_lowest_in_equal_steps(channels: int, count: int) -> None:
    squeeze = np.random.default_rng(2).permutation(channels) - 3.0
    chosen = from_high_to_low(squeeze, count)
    assert len(set(chosen)) == len(chosen) == min(count, channels)
    falling = sorted(squeeze.tolist(), reverse=True)
    places = [falling.index(squeeze[channel]) for channel in chosen]
    assert places[0] == 0 and (places[-1] == channels - 1 or channels == 1)
    assert len(places) < 2 or max(np.diff(places)) - min(np.diff(places)) <= 1


def test_what_moved_most_comes_first_and_the_larger_among_equals() -> None:
    before, after = np.array([0.5, -2.0, 0.1, 1.0, 3.0]), np.array([0.5, -2.0, -0.9, 1.2, 3.0])
    assert most_moved(before, after, 9) == (2, 3, 4, 1, 0)
    assert most_moved(before, after, 2) == (2, 3)
    assert most_moved(before, before, 2) == (4, 1)


@pytest.mark.parametrize(("moves", "half"), [([0, 0, 0], 0), ([3, 0, 0], 1), ([1, -1, 1, -1], 2), ([-5, 1, 1, 1], 1), ([1, 1, 1], 2)])
def test_half_of_the_change_lies_in_so_many_channels(moves: list[float], half: int) -> None:
    assert holding_half(np.ones(len(moves)), 1 + np.array(moves)) == half


@pytest.mark.parametrize("case", ["se", "sk", "three branches"])
def test_pooled_maps_are_the_branches_added_up(case: str) -> None:
    record = CASES[case].gates[1]
    expected = [sum(record.maps[0, branch, channel].astype(float) for branch in range(len(record.site.branches))) for channel in (3, 0)]
    np.testing.assert_allclose(pooled_maps(record, (3, 0)), expected, rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match="maps=True"):
        pooled_maps(replace(record, maps=None), (0,))
