"""A batch's record, its figure and its sentences, against the numbers that went in."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import combinations, pairwise

import numpy as np
import pytest

from sevis.batch import Batch, Scale
from sevis.figures import DARK, LIGHT, picture_channels
from sevis.figures.strips import CROWDED
from sevis.sentences import batch_sentence, picture_channels_sentence
from tests.made_up import CASES, inspection, record
from tests.made_up_batches import batch_of
from tests.test_figures import spoken

GATED = [case for case, made in CASES.items() if made.gates]
SCALES: tuple[Scale, Scale] = ("average", "absolute")


def expected(batch: Batch, depth: int, scale: Scale) -> np.ndarray:
    """The numbers that should be drawn, one picture and channel at a time."""
    values = np.array([[seen.weights[depth][-1, channel] for channel in range(batch.sites[depth].channels)] for seen in batch.pictures])
    if scale == "absolute" or not batch.averages:
        return values
    average = batch.averages[depth]
    return (values - average.mean[-1]) / average.spread[-1]


@pytest.mark.parametrize("case", GATED)
@pytest.mark.parametrize("scale", SCALES)
def test_cells_marks_and_hovers_stand_for_their_picture_and_channel(case: str, scale: Scale) -> None:
    batch = batch_of(CASES[case])
    truth, weights = expected(batch, 0, scale), expected(batch, 0, "absolute")
    cells, touch, faces, _ = picture_channels(batch, 0, scale=scale).data
    assert len(touch.customdata) == truth.size and touch.marker.maxdisplayed == 0
    for place, told in enumerate(touch.customdata):
        x, y, (picture, channel) = int(touch.x[place]), int(touch.y[place]), told[:2]
        assert cells.z[y, x] == pytest.approx(truth[picture, channel], rel=1e-4, abs=1e-5)
        assert faces.customdata[y][0] == picture
        if place % 11 == 0:
            said = spoken(touch, place)
            assert said.startswith(f"picture {picture}.jpg: channel {channel} has ")
            (weight,) = re.findall(r" (-?\d\.\d\d)(?:,|$)", said)
            assert float(weight) == pytest.approx(weights[picture, channel], abs=0.006)
            assert ("spreads" in said) == bool(batch.averages)
    assert {tuple(told[:2]) for told in touch.customdata} == {(n, c) for n in range(len(truth)) for c in range(truth.shape[1])}


@pytest.mark.parametrize("case", ["se", "sk"])
def test_alike_pictures_stand_together_and_are_joined_first(case: str) -> None:
    batch = batch_of(CASES[case], count=9, groups=3)
    _, _, faces, joins = picture_channels(batch, 1).data
    kinds = [told[0] % 3 for told in faces.customdata]
    assert sum(one != other for one, other in pairwise(kinds)) == 2
    heights = sorted({x for x in joins.x if x})
    assert len(heights) == len(batch.pictures) - 1 and joins.x.count(None) == len(heights)
    assert heights[-2] > 5 * heights[-3]  # within a group all is small, between them all is large


@pytest.mark.parametrize("count", [1, 2, 12, 13, 24, 25, 64])
@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
def test_every_number_of_pictures_has_its_row_label_and_thumbnail(count: int, theme: object) -> None:
    batch = batch_of(CASES["se"], count)
    figure = picture_channels(batch, 0, theme=theme)
    assert figure.data[0].z.shape == (count, 8)
    assert len(figure.layout.images) == len(figure.layout.yaxis.ticktext) == count
    assert [image.y for image in figure.layout.images] == list(range(count))
    for label, told in zip(figure.layout.yaxis.ticktext, figure.data[2].customdata, strict=True):
        assert re.match(rf"picture {told[0]}(\.jpg|\b)", label) and "…" not in label
        assert batch.pictures[told[0]].target.label in label
    room = figure.layout.height - figure.layout.margin.t - figure.layout.margin.b
    assert room / max(count, 2) >= 22


def test_of_many_channels_some_answer_for_their_neighbours() -> None:
    batch = batch_of(inspection([record(0, 2048)]), 3)
    cells, touch, *_ = picture_channels(batch, 0).data
    assert cells.z.shape == (3, 2048)
    assert CROWDED > len(touch.customdata) == 3 * 256
    crowd = picture_channels(batch_of(inspection([record(0, 512)]), 10), 0).data[1]
    assert len(crowd.customdata) == 2560 and crowd.marker.maxdisplayed == 1


@pytest.mark.parametrize(
    ("case", "scale", "middle"), [("se", "average", 0), ("sk", "average", 0), ("sk", "absolute", 0.5), ("tanh", "absolute", 0)]
)
def test_diverging_colours_are_read_from_their_middle(case: str, scale: Scale, middle: float) -> None:
    axis = picture_channels(batch_of(CASES[case]), 0, scale=scale).layout.coloraxis
    assert (axis.cmin + axis.cmax) / 2 == pytest.approx(middle)
    assert axis.colorscale[len(axis.colorscale) // 2][1] == LIGHT.background


def test_titles_cannot_write_markup_or_hover_fields() -> None:
    plain = batch_of(CASES["se"], 2)
    hostile = replace(plain, titles=("<img src=x>%{y}", "<b>bold</b>.png"))
    written = picture_channels(hostile, 0).to_json()
    assert "<img" not in written and "\\u003cimg" not in written and '%{y}"' not in written and "<b>bold" not in written


def test_a_batch_checks_itself() -> None:
    batch = batch_of(CASES["se"], 2)
    with pytest.raises(ValueError, match="1 titles for 2 pictures"):
        replace(batch, titles=("one",))
    with pytest.raises(ValueError, match="weights of 1 gates"):
        replace(batch, sites=batch.sites[:1])


def test_the_block_that_varies_most_is_found() -> None:
    batch = batch_of(CASES["se"])
    still = [replace(seen, weights=(*seen.weights[:2], *(batch.pictures[0].weights[2:]))) for seen in batch.pictures]
    wide = [float(expected(batch, depth, "average").std(axis=0).mean()) for depth in (0, 1)]
    assert replace(batch, pictures=tuple(still)).most_varied == int(np.argmax(wide))
    assert replace(batch, sites=(), pictures=(), titles=()).most_varied == 0


# ---- sentences


@pytest.mark.parametrize("case", GATED)
@pytest.mark.parametrize("scale", SCALES)
def test_the_sentence_names_the_most_and_the_least_alike(case: str, scale: Scale) -> None:
    batch = batch_of(CASES[case])
    values = expected(batch, 0, scale).astype(float)
    apart = {(a, b): float(np.sqrt(((values[a] - values[b]) ** 2).mean())) for a, b in combinations(range(len(values)), 2)}
    said = picture_channels_sentence(batch, 0, scale)
    for pair in (min(apart, key=apart.__getitem__), max(apart, key=apart.__getitem__)):
        assert " and ".join(batch.titles[place] for place in pair) in said
    assert said.startswith(f"{batch.sites[0].name} treats") and said.endswith(".")


def test_company_is_counted_and_compared_with_chance() -> None:
    batch = batch_of(CASES["se"], count=9, groups=3)
    assert "9 of 9 pictures are most like one of the same class, by chance it would be about 2." in picture_channels_sentence(batch, 0)
    one = replace(batch, pictures=tuple(replace(seen, target=batch.pictures[0].target) for seen in batch.pictures))
    assert "by chance" not in picture_channels_sentence(one, 0)


def test_one_two_and_equal_pictures_have_their_own_words() -> None:
    batch = batch_of(CASES["se"], 2, groups=2)
    assert "shown for one picture" in picture_channels_sentence(batch_of(CASES["se"], 1), 0)
    two = picture_channels_sentence(batch, 0)
    assert two.count("picture 0.jpg and picture 1.jpg") == 1 and "by chance" not in two
    same = replace(batch, pictures=(batch.pictures[0], batch.pictures[0]))
    assert picture_channels_sentence(same, 0) == "SE_2_1 treats all 2 pictures exactly alike."


@pytest.mark.parametrize(
    ("count", "named"), [(1, "cat (1)"), (3, "cat (1), dog (1) and French horn (1)"), (7, "cat (3), dog (2) and French horn (2)")]
)
def test_the_batch_says_what_it_was_taken_for(count: int, named: str) -> None:
    batch = batch_of(CASES["se"], count)
    least = min(batch.pictures, key=lambda seen: seen.target.probability).target
    said = batch_sentence(batch)
    assert said.startswith("The most probable class") and f": {named}; least sure is" in said
    assert said.endswith(f"{least.label} with {least.probability:.0%}.")
    assert "and 2 others;" in batch_sentence(batch_of(CASES["se"], 5, groups=5))
    assert batch_sentence(batch_of(CASES["boxes"], 2)).startswith("The surest box")
