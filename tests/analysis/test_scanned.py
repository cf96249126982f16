"""A scan's averages against NumPy over the single pictures, and its extremes against sorting by hand."""

from __future__ import annotations

import numpy as np
import pytest

from sevis.analysis.scanned import Extremes, average
from sevis.analysis.statistics import collect
from sevis.figures import channel_extremes
from sevis.records import GateRecord
from sevis.sentences import channel_extremes_sentence, scan_classes_sentence
from tests.analysis.made_up_gates import gate
from tests.made_up import CASES
from tests.ranked import among, named
from tests.up_close import CHANNEL, measured


@pytest.mark.parametrize("made", [gate(40), gate(40, "softmax", branches=2)], ids=["se", "sk"])
def test_the_average_is_that_of_the_pictures(made: GateRecord) -> None:
    labels = np.arange(40) % 4 - 1  # -1 is unknown; class 3 of 5 and 4 are never seen
    (statistics,) = collect([made], labels, 5)
    weights = made.weights.astype(np.float16)
    found = average(statistics, weights)
    np.testing.assert_allclose(found.mean, made.weights.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(found.spread, made.weights.std(axis=0), atol=1e-6)
    np.testing.assert_allclose(found.quantiles, np.quantile(weights.astype(float), np.linspace(0, 1, 21), axis=0), atol=1e-3)
    np.testing.assert_allclose(found.by_class, [made.weights[labels == each].mean(axis=0) for each in range(3)], atol=1e-6)
    assert found.pictures == 40


def test_pictures_that_are_not_finite_and_missing_labels_leave_no_trace() -> None:
    made = gate(10)
    weights = made.weights.copy()
    weights[3] = np.nan
    found = average(collect([made])[0], weights)
    assert found.by_class is None and np.isfinite(found.quantiles).all()
    assert average(collect([made])[0]).quantiles is None


@pytest.mark.parametrize(("count", "sizes"), [(0, (0, 0)), (1, (1, 0)), (2, (1, 1)), (7, (4, 3)), (12, (6, 6)), (50, (6, 6))])
def test_the_extremes_are_those_of_the_sorted_weights(count: int, sizes: tuple[int, int]) -> None:
    weights = np.random.default_rng(3).permutation(count).astype(np.float16)
    found = among(weights)
    assert (len(found.most), len(found.least)) == sizes
    assert [each.weight for each in found.most] == sorted(weights, reverse=True)[: sizes[0]]
    assert [each.weight for each in found.least] == sorted(weights)[: sizes[1]]
    assert len({*found.names}) == sum(sizes)
    for each in (*found.most, *found.least):
        row = int(each.name.split(">")[1].split("<")[0])
        assert weights[row] == each.weight and each.label == ("cat", "<b>%{y}</b> dog", None)[row % 3]


def test_equal_weights_and_numbers_that_are_none() -> None:
    found = among(np.array([0.5, np.nan, 0.5, 0.5, 0.5]))
    assert named(found) == [("cat/<i>0</i>.jpg", "cat/<i>2</i>.jpg"), ("cat/<i>3</i>.jpg", "cat/<i>4</i>.jpg")]
    assert "their order says nothing" in channel_extremes_sentence(CASES["se"], 0, CHANNEL, found)


@pytest.mark.parametrize(("weight", "place"), [(0.95, 1), (0.5, 3), (0.45, 3), (0.0, 5)])
def test_a_picture_takes_its_place_among_the_others(weight: float, place: int) -> None:
    assert among(np.array([0.9, 0.1, 0.6, 0.3])).place(weight) == place


def test_the_figure_draws_each_picture_once_and_names_those_out_of_reach() -> None:
    weights = np.random.default_rng(8).random(20)
    seen, unseen = (channel_extremes(CASES["se"], 0, CHANNEL, among(weights, thumbnails=each)) for each in (True, False))
    assert len(seen.layout.images) == len(seen.data[0].x) == 12 and not seen.layout.shapes
    assert not unseen.layout.images and len(unseen.layout.shapes) == 12
    places = [(image.x, image.y) for image in seen.layout.images]
    assert len(set(places)) == 12
    shown = [each.text for each in seen.layout.annotations if each.text.startswith("<b>")]
    ends = [*np.sort(weights)[::-1][:6], *np.sort(weights)[:6]]
    assert [text.split("</b>")[0] for text in shown] == [f"<b>{weight:.2f}" for weight in ends]
    assert "<i>" not in unseen.to_json() and "%{y}" not in seen.to_json()
    assert channel_extremes(CASES["se"], 0, CHANNEL, Extremes((), (), np.empty(0))).layout.height > 100


def test_the_sentence_follows_the_numbers() -> None:
    weights = np.where(np.arange(30) % 3 == 0, 0.9, 0.1) + np.arange(30) / 1000
    found = among(weights)
    said = channel_extremes_sentence(CASES["se"], 0, CHANNEL, found)
    own = CASES["se"].gates[0].weights[0, -1, CHANNEL]
    assert f"Over 30 pictures of the scan the weight goes from {weights.min():.2f} to {weights.max():.2f}" in said
    assert "6 of the 6 that open it most are of cat" in said and f"with {own:.2f}" in said
    assert f"come {1 + (weights > own).sum()}" in said and "of 31" in said
    assert "out of this server's reach" not in said
    assert "out of this server's reach" in channel_extremes_sentence(CASES["se"], 0, CHANNEL, among(weights, thumbnails=False))
    assert "no picture" in channel_extremes_sentence(CASES["se"], 0, CHANNEL, Extremes((), (), np.empty(0)))


def test_the_classes_of_the_scan_are_ranked() -> None:
    made = measured(CASES["se"], 3)
    means = made.averages[0].by_class[:, -1, CHANNEL]
    order = list(np.argsort(-means))
    names = ("ant", "bee", "cat")
    said = scan_classes_sentence(made, 0, CHANNEL, names, 1)
    assert f"highest for {names[order[0]]} ({means.max():.2f}) and lowest for {names[order[-1]]}" in said
    assert f"bee comes {('1st', '2nd', '3rd')[order.index(1)]} of 3." in said
    assert f"no picture of {made.target.label}" in scan_classes_sentence(made, 0, CHANNEL, names, None)
    with pytest.raises(ValueError, match="no means by class"):
        scan_classes_sentence(CASES["se"], 0, CHANNEL, names, None)
