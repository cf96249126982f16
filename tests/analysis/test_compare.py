"""What is said of two sides against formulas written down again, and what the figures draw against what is said."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sevis import figures, sentences
from sevis.analysis.compare import Comparison, compare, cosine, difference, matched, rank_correlation, row
from sevis.analysis.rank import deviation, weight
from sevis.figures import DARK, FIGURES, LIGHT
from sevis.sentences import TOLD
from sevis.words import amount
from tests.compared import COMPARISONS, NAMES, UNLIKE, varied
from tests.made_up import CASES, frozen, inspection, record
from tests.test_figures import spoken

MADE = [entry for entry in FIGURES if entry.of in ("comparison", "pair")]
ALIGNED = [name for name, made in COMPARISONS.items() if made.one_to_one]


def ranks(values: np.ndarray) -> np.ndarray:
    """Places from 1, equal values sharing the mean of theirs."""
    return np.array([(values < each).sum() + ((values == each).sum() + 1) / 2 for each in values])


def sorted_distance(one: np.ndarray, other: np.ndarray) -> float:
    """The mean distance of two sorted rows after every value was repeated until both are equally long."""
    return float(np.abs(np.sort(one).repeat(len(other)) - np.sort(other).repeat(len(one))).mean())


# ---- pairs


@pytest.mark.parametrize(("first", "second"), [(1, 1), (8, 8), (4, 8), (8, 4), (1, 9), (7, 3), (16, 58), (5, 6)])
def test_gates_go_with_those_at_their_depth(first: int, second: int) -> None:
    pairs = matched(first, second)
    assert len(pairs) == max(first, second)
    assert {one for one, _ in pairs} == set(range(first)) and {other for _, other in pairs} == set(range(second))
    assert list(pairs) == sorted(pairs) and tuple((one, other) for other, one in matched(second, first)) == pairs
    for one, other in pairs:  # the middle of the thinner share lies in the thicker one
        thin, thick = ((one, first), (other, second)) if first >= second else ((other, second), (one, first))
        middle = (thin[0] + 0.5) / thin[1]
        assert thick[0] / thick[1] <= middle <= (thick[0] + 1) / thick[1]


def test_without_gates_there_are_no_pairs() -> None:
    assert matched(0, 5) == matched(5, 0) == matched(0, 0) == ()


@pytest.mark.parametrize("case", UNLIKE)
def test_numbers_of_a_pair_are_the_formulas(case: str) -> None:
    made = COMPARISONS[case]
    for place, pair in enumerate(made.pairs):
        sides = [side.gates[depth] for side, depth in zip(made.sides, (pair.first, pair.second), strict=True)]
        one, other = (gates.weights[0, -1].astype(float) for gates in sides)
        alike = sides[0].site.kind == sides[1].site.kind and len(sides[0].site.branches) == len(sides[1].site.branches)
        assert (pair.shift is not None) == (pair.distance is not None) == alike
        assert pair.place == (place + 0.5) / len(made.pairs)
        if alike:
            assert pair.shift == pytest.approx(other.mean() - one.mean(), abs=1e-9)
            far = np.abs(other - one).mean() if made.one_to_one else sorted_distance(one, other)
            assert pair.distance == pytest.approx(far, abs=1e-9)
        if made.one_to_one:
            assert pair.cosine == pytest.approx(sum(one * other) / (sum(one**2) * sum(other**2)) ** 0.5)
            np.testing.assert_allclose(difference(made, place), other - one, atol=1e-7)
            if np.ptp(one) and np.ptp(other):
                assert pair.rank == pytest.approx(np.corrcoef(ranks(one), ranks(other))[0, 1])
            else:
                assert pair.rank is None
        else:
            assert pair.cosine is pair.rank is difference(made, place) is None


@pytest.mark.parametrize(
    ("case", "expected"),
    [("two pictures", True), ("two trainings", True), ("averages on one side", True), ("other depths", False)]
    + [(case, False) for case in ("other widths", "a gate and a selection", "two and three branches", "no gates")],
)
def test_one_to_one_is_for_the_same_architecture(case: str, expected: bool) -> None:
    assert COMPARISONS[case].one_to_one is expected


def test_the_same_side_twice_differs_in_nothing() -> None:
    made = COMPARISONS["the same twice"]
    for pair in made.pairs:
        assert (pair.shift, pair.distance) == (0, 0)
        assert (pair.cosine, pair.rank) == (pytest.approx(1), pytest.approx(1))
    assert sentences.compare_blocks_sentence(made) == "The weights are the same on both sides."


def test_swapping_sides_turns_the_sign_round() -> None:
    one, other = UNLIKE["two pictures"]
    for there, back in zip(compare(one, other, NAMES).pairs, compare(other, one, NAMES).pairs, strict=True):
        assert back.shift == pytest.approx(-(there.shift or 0))
        assert (back.distance, back.cosine, back.rank) == pytest.approx((there.distance, there.cosine, there.rank))


def test_against_average_differences_are_in_spreads() -> None:
    made = COMPARISONS["two pictures"]
    first, second = made.sides
    for place in range(len(made.pairs)):
        expected = np.asarray(deviation(second, place)) - np.asarray(deviation(first, place))
        np.testing.assert_allclose(difference(made, place, "average"), expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(row(CASES["se without averages"], 1, "average"), weight(CASES["se without averages"], 1))


def test_rows_without_direction_or_order_have_no_similarity() -> None:
    flat, rising, nothing = np.ones(4), np.arange(4.0), np.zeros(4)
    assert cosine(nothing, rising) is None and cosine(rising, -rising) == pytest.approx(-1)
    assert rank_correlation(flat, rising) is None and rank_correlation(np.ones(1), np.zeros(1)) is None
    assert rank_correlation(rising, np.exp(rising)) == pytest.approx(1)


def test_sides_of_one_name_are_told_apart() -> None:
    assert compare(*UNLIKE["two pictures"], ("cat", "cat")).names == ("cat", "cat (2)")


# ---- figures and sentences


def calls(entry: Any, made: Comparison) -> list[tuple[Any, ...]]:
    if entry.needs and not getattr(made, entry.needs):
        return []
    return [(made, place) for place in range(len(made.pairs))] if entry.of == "pair" else [(made,)]


@pytest.mark.parametrize("entry", MADE, ids=lambda entry: entry.name)
@pytest.mark.parametrize("case", COMPARISONS)
def test_every_comparison_is_drawn_and_told(case: str, entry: Any) -> None:
    made = COMPARISONS[case]
    for args in calls(entry, made):
        for theme in (LIGHT, DARK):
            figure = entry.draw(*args, theme=theme)
            assert "NaN" not in figure.to_json() and 100 <= figure.layout.height <= 1500
            for trace in figure.data:
                if trace.type != "heatmap" and trace.hoverinfo != "skip":
                    assert all("%{" not in spoken(trace, place) for place in range(len(trace.y)))
        said = TOLD[entry.name](*args)
        assert re.match("[A-Z0-9]", said) and said.endswith(".") and not re.search(r"nan|None|inf\b|  | 1 channels", said), said


@pytest.mark.parametrize("case", COMPARISONS)
def test_every_comparison_has_its_sentences(case: str) -> None:
    told = sentences.differing(COMPARISONS[case])
    assert 2 <= len(told) <= 3 and all(re.fullmatch(r"[A-Z0-9].*\.", each) and "None" not in each for each in told)


@pytest.mark.parametrize("case", ["other depths", "a gate and a selection", "no gates"])
@pytest.mark.parametrize("entry", [entry for entry in MADE if entry.needs == "one_to_one"], ids=lambda entry: entry.name)
def test_what_cannot_be_drawn_says_what_can(entry: Any, case: str) -> None:
    with pytest.raises(ValueError, match="show other networks with"):
        entry.draw(COMPARISONS[case], *([0] if entry.of == "pair" else []))


def strips(made: Comparison, **options: Any) -> tuple[Any, list[Any], list[Any], list[Any]]:
    figure = figures.compare_strips(made, **options)
    columns = [[trace for trace in figure.data if trace.xaxis in names] for names in (("x", "x1"), ("x2",), ("x3",))]
    return (figure, *columns)


@pytest.mark.parametrize("case", ALIGNED)
@pytest.mark.parametrize("scale", ["average", "absolute"])
def test_aligned_strips_show_the_same_channel_in_the_same_place(case: str, scale: Any) -> None:
    made = COMPARISONS[case]
    _, first, second, less = strips(made, scale=scale)
    used: Any = scale if made.has_averages else "absolute"
    assert len(first) == len(second) == len(less) == len(made.pairs)
    for place, traces in enumerate(zip(first, second, less, strict=True)):
        rows = [row(side, place, used) for side in made.sides]
        channels = [told[0] for told in traces[0].customdata[0]]
        assert all([told[0] for told in trace.customdata[0]] == channels for trace in traces)
        for trace, truth in zip(traces, (*rows, rows[1] - rows[0]), strict=True):
            np.testing.assert_allclose(trace.z[0], truth[channels], atol=1e-5)
        assert (np.diff(traces[0].z[0]) <= 0).all()
        numbers = [[told[1], told[2]] for told in traces[1].customdata[0]]
        np.testing.assert_allclose(numbers, np.stack([weight(side, place)[channels] for side in made.sides], axis=1), atol=6e-4)


@pytest.mark.parametrize("case", [case for case, made in COMPARISONS.items() if made.pairs and not made.one_to_one])
def test_strips_of_unlike_networks_lie_at_their_depth(case: str) -> None:
    made = COMPARISONS[case]
    _, *columns, less = strips(made)
    assert less == []
    for side, traces in zip(made.sides, columns, strict=True):
        assert len(traces) == len(side.gates)
        for depth, trace in enumerate(traces):
            assert depth / len(side.gates) < trace.y[0] < trace.y[1] < (depth + 1) / len(side.gates)
            assert sorted(told[0] for told in trace.customdata[0]) == list(range(side.sites[depth].channels))


@pytest.mark.parametrize("case", ["two pictures", "two pictures, selections", "no averages", "signs", "other depths"])
@pytest.mark.parametrize("scale", ["average", "absolute"])
def test_both_sides_are_read_on_one_scale(case: str, scale: Any) -> None:
    _, first, second, less = strips(COMPARISONS[case], scale=scale)
    assert len({trace.coloraxis for trace in (*first, *second)}) == 1
    assert {trace.coloraxis for trace in less} <= {"coloraxis4"}


def test_the_scale_reaches_as_far_as_either_side() -> None:
    one = inspection([record(0, 8)], averages=False)
    wide = replace(one, gates=(replace(one.gates[0], weights=frozen(3 * one.gates[0].weights)),))
    axis = figures.compare_strips(compare(one, wide, NAMES)).layout.coloraxis
    assert (axis.cmin, axis.cmax) == (0, pytest.approx(3 * one.gates[0].weights.max()))


def test_rounding_noise_does_not_fill_the_scale_of_differences() -> None:
    made = CASES["se without averages"]
    noisy = replace(made, gates=tuple(replace(each, weights=frozen(each.weights + 1e-5)) for each in made.gates))
    assert figures.compare_strips(compare(made, noisy, NAMES)).layout.coloraxis4.cmax >= 0.05


def test_the_chosen_pair_is_framed_on_every_side() -> None:
    for case, frames in (("two pictures", 3), ("other depths", 2)):
        made = COMPARISONS[case]
        figure = figures.compare_strips(made, selected=2)
        assert len(figure.layout.shapes) == frames and not figures.compare_strips(made).layout.shapes
        depths, pair = (len(made.sides[0].gates), len(made.sides[1].gates)), made.pairs[2]
        for shape, depth, count in zip(figure.layout.shapes, (pair.first, pair.second), depths, strict=False):
            assert depth / count < shape.y0 < shape.y1 < (depth + 1) / count


@pytest.mark.parametrize("gates", [1, 8, 16, 58])
def test_strips_stay_on_the_screen(gates: int) -> None:
    made = inspection([record(depth, 4, side=2) for depth in range(gates)])
    assert 120 <= figures.compare_strips(compare(made, varied(made), NAMES)).layout.height <= 1100


def test_predictions_stand_in_one_row_a_class() -> None:
    made = COMPARISONS["two pictures"]
    figure = figures.compare_predictions(made)
    _, *marks = figure.data
    labels = [re.sub("<.*?>", "", text) for text in figure.layout.yaxis.ticktext]
    for side, trace in zip(made.sides, marks, strict=True):
        shown = {labels[place]: value for place, value in zip(trace.y, trace.x, strict=True)}
        assert shown == {each.label: each.probability for each in (*side.predictions, side.target)}
    assert figure.layout.annotations[labels.index("cat")].text == "60% → 1%"
    assert "<b>cat</b>" in figure.layout.yaxis.ticktext
    best = [max(each.probability for side in made.sides for each in side.predictions if each.label == label) for label in labels]
    assert best == sorted(best, reverse=True)


def test_a_class_that_one_side_does_not_name_has_a_dash() -> None:
    figure = figures.compare_predictions(COMPARISONS["boxes and none"])
    texts = {note.text for note in figure.layout.annotations}
    assert texts == {"90% → –", "45% → –", "– → 4%"}
    assert all(value is None or isinstance(value, float) for value in figure.data[0].x)


def test_bars_and_lines_are_the_pairs_numbers() -> None:
    made = COMPARISONS["two pictures"]
    bars, shifts = figures.compare_blocks(made).data
    np.testing.assert_allclose(bars.y, [pair.distance for pair in made.pairs])
    np.testing.assert_allclose(shifts.y, [pair.shift for pair in made.pairs])
    cosines, correlations = figures.compare_similarity(made).data
    np.testing.assert_allclose(cosines.y, [pair.cosine for pair in made.pairs])
    np.testing.assert_allclose(correlations.y, [pair.rank for pair in made.pairs])
    assert [told[:2] for told in bars.customdata] == [[depth, None] for depth in range(4)]


def test_channels_stand_where_their_weights_are() -> None:
    made = COMPARISONS["two pictures, selections"]
    figure = figures.compare_channels(made, 1, 3)
    points, ring = figure.data
    first, second = (weight(side, 1) for side in made.sides)
    np.testing.assert_allclose(points.x, first)
    np.testing.assert_allclose(points.y, second)
    assert (ring.x[0], ring.y[0]) == (pytest.approx(first[3]), pytest.approx(second[3]))
    assert [list(told[:2]) for told in points.customdata] == [[1, channel] for channel in range(16)]
    assert "share of 5x5" in spoken(points, 0) and "kitten" in spoken(points, 0)


def test_sorted_curves_fall_and_hold_every_channel() -> None:
    made = COMPARISONS["other depths"]
    for curve, (side, depth) in zip(
        figures.compare_sorted(made, 5).data, zip(made.sides, (made.pairs[5].first, made.pairs[5].second), strict=True), strict=True
    ):
        assert (np.diff(curve.y) <= 0).all() and 0 < curve.x[0] < curve.x[-1] < 1
        assert sorted(told[0] for told in curve.customdata) == list(range(side.sites[depth].channels))


def test_sentences_name_the_extremes() -> None:
    made = COMPARISONS["two pictures"]
    distances, correlations = [pair.distance or 0 for pair in made.pairs], [pair.rank or 0 for pair in made.pairs]
    said = sentences.compare_blocks_sentence(made)
    assert made.blocks[int(np.argmax(distances))] in said and amount(max(distances)) in said and amount(float(np.median(distances))) in said
    said = sentences.compare_similarity_sentence(made)
    assert said.index(made.blocks[int(np.argmax(correlations))]) < said.index(made.blocks[int(np.argmin(correlations))])
    more = np.asarray(difference(made, 2))
    said = sentences.compare_channels_sentence(made, 2)
    assert f"channel {np.abs(more).argmax()} differs most" in said and f"of {(more > 0).sum()} channels is higher on {NAMES[1]}" in said
    apart = sum(int((np.abs(np.asarray(difference(made, place, "average"))) > 2).sum()) for place in range(4))
    assert f"{apart or 'none'} of 64 channels differ" in sentences.compare_strips_sentence(made)


def explained(made: Comparison) -> str:
    return " ".join(sentences.differing(made))


def test_the_words_say_which_class_is_explained() -> None:
    assert "Explained on both sides is cat: 60% on kitten, 1% on a cup of coffee." in explained(COMPARISONS["two pictures"])
    told = explained(COMPARISONS["two trainings"])
    assert "The class cat, explained on kitten, is not known on a cup of coffee: there chain saw is explained." in told
    assert "Explained" not in explained(COMPARISONS["the same twice"])  # the sentence before said it already


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("a gate and a selection", "A weight and a share of 5x5 do not mean the same"),
        ("two and three branches", "A share of 5x5 and a share of 7x7 among 3 do not mean the same"),
        ("no gates", "There are no gates on kitten and a cup of coffee"),
        ("gates on one side", "There are no gates on kitten, so"),
        ("boxes and none", "The first finding is cat on kitten and nothing on a cup of coffee"),
    ],
)
def test_the_words_say_what_cannot_be_compared(case: str, words: str) -> None:
    assert words in explained(COMPARISONS[case])


def test_a_caution_goes_with_two_trainings() -> None:
    assert "trained on from the other" in sentences.compare_similarity_sentence(COMPARISONS["two trainings"])
    assert "trained on" not in sentences.compare_similarity_sentence(COMPARISONS["two pictures"])


def test_cams_are_placed_by_ninths() -> None:
    made = COMPARISONS["two pictures"]
    corner = replace(made.sides[0].cams[0], values=frozen(np.pad(np.ones((1, 2, 2)), ((0, 0), (0, 4), (0, 4)))))
    silent = replace(corner, values=frozen(0 * corner.values))
    said = sentences.compare_cams_sentence(made, (corner, silent))
    assert said.startswith("On kitten the upper left ninth holds 100% of the map") and said.endswith(
        "on a cup of coffee nothing spoke for the class."
    )


def test_names_of_files_cannot_write_markup() -> None:
    first, second = UNLIKE["two pictures"]
    made = compare(first, second, ("<i>%{y}</i>", "b"))
    for entry in MADE:
        for args in calls(entry, made):
            written = json.dumps(json.loads(entry.draw(*args).to_json()))
            assert "<i>" not in written and "%{y}</i" not in written and "%{y}&lt;" not in written
