"""Hostile picture files through the upload's own entry: each ends in a picture or one sentence, soon and in little memory."""

from __future__ import annotations

import warnings
from collections import Counter

import numpy as np
import pytest

from sevis import pictures
from tests.attack import picture_tags
from tests.attack.costs import Cost, told
from tests.attack.pictures import HONEST, HOSTILE, LARGE, MUTANTS, outcome
from tests.test_pictures import BLOCKS

ENDS = {"read", *pictures.REFUSALS}
MEMORY = 150  # MB
# what an honest picture of 25 million pixels needs: WebP's decoder holds it twice, and Pillow once more
LARGEST = 400


@pytest.fixture(scope="module")
def costs() -> dict[str, Cost]:
    return told("tests.attack.pictures")


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_file_costs_little(case: str, costs: dict[str, Cost]) -> None:
    cost = costs[f"hostile {case}"]
    assert cost.said in ENDS
    assert cost.seconds < 0.5 and cost.megabytes < MEMORY, cost  # 0.3 s on a processor that does nothing else


@pytest.mark.parametrize("case", LARGE)
def test_25_million_honest_pixels_are_read_in_two_seconds(case: str, costs: dict[str, Cost]) -> None:
    cost = costs[f"large {case}"]
    assert cost.said == "read"
    assert cost.seconds < 2 and cost.megabytes < LARGEST, cost


def test_650_mutants_end_in_a_picture_or_one_sentence_soon(costs: dict[str, Cost]) -> None:
    mutants = [cost for name, cost in costs.items() if name.startswith("mutant")]
    ends = Counter(cost.said for cost in mutants)
    assert set(ends) <= ENDS, ends
    assert len(mutants) == MUTANTS and ends["read"] > 50 and ends["damaged"] > 200
    assert max(cost.seconds for cost in mutants) < 0.3
    assert max(cost.megabytes for cost in mutants) < MEMORY


def test_the_honest_ones_are_read() -> None:
    assert {name: outcome(make()) for name, make in HONEST.items()} == dict.fromkeys(HONEST, "read")


@pytest.mark.parametrize("case", picture_tags.TURNED)
def test_honest_metadata_turn_a_picture_upright(case: str) -> None:
    expected = np.rot90(BLOCKS, -1)
    picture = pictures.read(picture_tags.TURNED[case]())
    assert picture.notes == ("The picture was turned upright, as its EXIF tag says.",)
    assert picture.pixels.shape == expected.shape
    assert np.abs(picture.pixels.astype(int) - expected).max() <= (4 if case.startswith("JPEG") else 0)


def test_nothing_in_metadata_writes_to_the_log(capfd: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        ends = {case: outcome(make()) for case, make in (picture_tags.HOSTILE | picture_tags.TURNED).items()}
    assert set(ends.values()) == {"read", "damaged"}
    assert [str(warning.message) for warning in heard] == [] and capfd.readouterr().err == ""
