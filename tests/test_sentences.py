"""Every sentence against the numbers it speaks of, at none, one and many."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sevis import sentences
from sevis.analysis.compare import compare
from sevis.analysis.mass import NINTHS, half_area, ninths
from sevis.analysis.rank import channel_influence, deviation, weight
from sevis.figures import FIGURES
from sevis.records import Cam, Inspection, Prediction
from sevis.sentences import TOLD, WHAT
from sevis.words import adds, amount, counted, decimal, listed, ordinal, side, signed, span
from tests.compared import beside
from tests.edited import changed, moved, outcomes
from tests.made_up import CASES, frozen, inspection, record, with_spreads
from tests.made_up_batches import pictured
from tests.made_up_brushes import brushes
from tests.made_up_excitation import taught_by_numbers
from tests.made_up_gates import judged
from tests.made_up_lessons import taught
from tests.made_up_runs import scanned


def numbers(text: str) -> list[float]:
    """The numbers of a sentence that are no part of a name."""
    return [float(found.replace("−", "-")) for found in re.findall(r"(?<![\w.])−?\d+(?:\.\d+)?(?![\w])", text.replace("%", ""))]


def silenced(made: Inspection) -> Inspection:
    return replace(made, influence=tuple(frozen(0 * each) for each in made.influence))


def with_influence(made: Inspection, depth: int, values: list[float]) -> Inspection:
    """The inspection with the first channels' influence replaced and all others' in that block at 0."""
    influence = np.zeros(made.influence[depth].shape)
    influence[0, 0, : len(values)] = values
    return replace(made, influence=tuple(frozen(influence) if place == depth else each for place, each in enumerate(made.influence)))


def with_map(values: np.ndarray) -> Cam:
    return Cam("layer", "SE_2_1", 0, frozen(values[None]), frozen(np.array([1.0])))


def spreads(count: int, above: int, below: int) -> np.ndarray:
    """So many channels, some of them 2.5 spreads above the average and some 3 below."""
    values = np.zeros(count)
    values[:above], values[above : above + below] = 2.5, -3.0
    return values


def told(made: Inspection) -> list[str]:
    """Every sentence that can be said of the inspection."""
    said = list(sentences.standouts(made))
    for entry in FIGURES:
        if entry.of == "picture" or (entry.of == "boxes" and made.target.box):
            said.append(TOLD[entry.name](made))
        elif entry.of == "cam":
            said += [TOLD[entry.name](made, cam) for cam in made.cams]
        elif entry.of == "block":
            said += [TOLD[entry.name](made, depth) for depth, site in enumerate(made.sites) if site.kind in entry.kinds]
        elif entry.of in ("comparison", "pair"):
            said += [TOLD[entry.name](*args) for args in beside(entry, made)]
        elif entry.of in ("cams", "effects"):
            said += [TOLD[entry.name](*args[entry.of == "cams" :]) for args in changed(entry, made)]
        elif entry.of == "batch":
            said += [TOLD[entry.name](*args) for args in pictured(made)]
        elif entry.of == "run":
            said += [TOLD[entry.name](*args) for args in scanned(entry, made)]
        elif entry.of in ("evidence", "training"):
            said += [TOLD[entry.name](*args) for args in judged(entry, made)]
        elif entry.of == "answers":
            said += [TOLD[entry.name](*args) for args in brushes(entry, made)]
        elif entry.of in ("arranged", "gates"):
            said += [TOLD[entry.name](*args) for args in taught(entry, made)]
        elif entry.of in ("excitation", "zoomed"):
            said += [TOLD[entry.name](*args) for args in taught_by_numbers(entry, made)]
    return said + [sentences.channel_sentence(made, depth, channel) for depth in range(len(made.gates)) for channel in (0, 3)]


def test_every_figure_has_its_sentences() -> None:
    names = [entry.name for entry in FIGURES]
    assert list(WHAT) == list(TOLD) == names
    assert all(re.fullmatch(r"[A-Z].*\.", what) for what in WHAT.values())


@pytest.mark.parametrize("case", CASES)
def test_every_sentence_is_one_and_holds_no_odd_number(case: str) -> None:
    for said in told(CASES[case]):
        assert re.match(r"[A-Z0-9]|last map", said)
        assert said.endswith(".")
        assert not re.search(r"nan|inf\b|e[+-]\d|-\d|  | 1 channels\b|\b1 of 1 channels|\{|\}", said), said


@pytest.mark.parametrize("case", ["se", "sk", "tanh"])
def test_sentences_change_with_the_numbers(case: str) -> None:
    made = CASES[case]
    gates = tuple(
        replace(each, weights=frozen(each.weights[:, :, ::-1] * (0.5 if each.site.kind == "channel" else 1)), squeeze=each.squeeze**2)
        for each in made.gates
    )
    other = replace(made, gates=gates, influence=tuple(frozen(3 * each) for each in made.influence))
    before, after = (
        [
            sentences.network_sentence(each),
            sentences.block_sentence(each, 1),
            sentences.influence_sentence(each, 1),
            sentences.squeeze_sentence(each, 1),
            sentences.channel_sentence(each, 1, 3),
        ]
        for each in (made, other)
    )
    assert all(one != two for one, two in zip(before, after, strict=True))


@pytest.mark.parametrize(
    ("above", "below", "expected"),
    [
        (0, 0, "SE_2_2 opened none of 16 channels more than two spreads above their average and held none as far below"),
        (1, 0, "SE_2_2 opened 1 of 16 channels more than two spreads above its average and held none as far below"),
        (4, 1, "SE_2_2 opened 4 of 16 channels more than two spreads above their average and held 1 as far below"),
    ],
)
def test_block_sentence_counts_what_moved(above: int, below: int, expected: str) -> None:
    made = with_spreads(CASES["se"], 1, spreads(16, above, below))
    said, strongest = sentences.block_sentence(made, 1).split("; ")
    assert said == expected
    influence = channel_influence(made, 1)
    channel = int(np.abs(influence).argmax())
    done = "adds about {} to" if influence[channel] > 0 else "takes about {} from"
    assert strongest == f"channel {channel} alone {done.format(amount(abs(float(influence[channel]))))} the score of cat."


def test_block_sentence_of_a_selection_names_the_branch() -> None:
    made = with_spreads(CASES["sk"], 1, spreads(16, 3, 2))
    said = sentences.block_sentence(made, 1)
    assert said.startswith("SK_2_2 leaned to 5x5 in 3 of 16 channels more than two spreads above their average and held 2 as far below; ")


def test_block_sentence_without_averages_speaks_of_levels() -> None:
    made = CASES["se without averages"]
    values = weight(made, 3)
    said = sentences.block_sentence(made, 3)
    high, low = int((values > 0.9).sum()), int((values < 0.1).sum())
    assert said.startswith(f"In SE_3_2 the weight is above 0.9 in {high or 'none'} of 24 channels and below 0.1 in {low or 'none'}; ")
    assert "average" not in said
    tanh = replace(CASES["tanh"], averages=())
    low_end, high_end = numbers(sentences.block_sentence(tanh, 0).split(";")[0])
    assert (low_end, high_end) == pytest.approx((weight(tanh, 0).min(), weight(tanh, 0).max()), abs=0.006)


@pytest.mark.parametrize(
    ("above", "expected"),
    [
        (0, "None of 64 channels lies more than two spreads above its average and 1 as far below"),
        (1, "1 of 64 channels lies more than two spreads above its average and 1 as far below"),
        (5, "5 of 64 channels lie more than two spreads above their average and 1 as far below"),
    ],
)
def test_network_sentence_counts_over_all_blocks(above: int, expected: str) -> None:
    made = CASES["se"]
    for depth, site in enumerate(made.sites):
        made = with_spreads(made, depth, spreads(site.channels, above if depth == 3 else 0, int(depth == 0)))
    said = sentences.network_sentence(made)
    assert said.startswith(f"{expected}; ")
    far = [float(np.abs(np.asarray(deviation(made, depth))).mean()) for depth in range(4)]
    name, most, middle = made.sites[int(np.argmax(far))].name, max(far), float(np.median(far))
    assert said.endswith(f"; {name} moved furthest, by {most:.1f} spreads a channel on average (the middle block: {middle:.1f}).")


def test_network_sentence_of_one_block_has_no_furthest() -> None:
    assert "furthest" not in sentences.network_sentence(CASES["one block"])
    alone = replace(CASES["one block"], averages=())
    assert "highest" not in sentences.network_sentence(alone)
    assert "8 channels in 1 block," in sentences.network_sentence(alone)


@pytest.mark.parametrize("case", ["se without averages", "sk without averages"])
def test_network_sentence_without_averages_gives_the_range(case: str) -> None:
    made = CASES[case]
    values = [weight(made, depth) for depth in range(len(made.gates))]
    every, means = np.concatenate(values), [float(each.mean()) for each in values]
    said = sentences.network_sentence(made)
    expected = [every.min(), every.max(), len(every), len(values), max(means), min(means)]
    np.testing.assert_allclose(numbers(said), expected, atol=0.006)
    assert f"highest in {made.sites[int(np.argmax(means))].name} " in said


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.5], "1 of 24 channels of SE_3_2 spoke for cat and none against it; all of them together add about 0.50 to the score of cat."),
        (
            [0.5, 0.25, -2.0],
            "2 of 24 channels of SE_3_2 spoke for cat and 1 against it; all of them together take about 1.2 from the score of cat.",
        ),
        (
            [-1.0, -0.5],
            "None of 24 channels of SE_3_2 spoke for cat and 2 against it; all of them together take about 1.5 from the score of cat.",
        ),
        ([1.0, -1.0], "1 of 24 channels of SE_3_2 spoke for cat and 1 against it; all of them together add nothing to the score of cat."),
        ([], "No channel of SE_3_2 has an influence on cat."),
    ],
)
def test_influence_sentence_counts_and_adds(values: list[float], expected: str) -> None:
    assert sentences.influence_sentence(with_influence(CASES["se"], 3, values), 3) == expected


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ("boxes", "The network finds 3 things: cat 90%, dog 45% and cat 30%; box 2 is explained."),
        ("no box", "The network is sure of no box; its best guess is parachute with 4%."),
    ],
)
def test_boxes_are_counted_and_named(case: str, expected: str) -> None:
    assert sentences.boxes_sentence(CASES[case]) == sentences.prediction_sentence(CASES[case]) == expected


def test_of_many_boxes_four_are_named() -> None:
    found = tuple(Prediction(0, "cat", 0.9 - n / 10, (0.0, 0.0, 1.0 + n, 1.0)) for n in range(6))
    expected = "The network finds 6 things: cat 90%, cat 80%, cat 70%, cat 60% and 2 more; box 1 is explained."
    assert sentences.boxes_sentence(replace(CASES["boxes"], predictions=found, target=found[0])) == expected


def test_prediction_sentence_says_how_far_ahead() -> None:
    made = CASES["se"]
    assert sentences.prediction_sentence(made) == "The network gives cat 60%, 30 percentage points more than dog."
    close = replace(made, predictions=(Prediction(0, "cat", 0.31), Prediction(1, "dog", 0.3)), target=Prediction(1, "dog", 0.3))
    expected = "The network gives cat 31%, 1 percentage point more than dog; the figures explain dog, which gets 30%."
    assert sentences.prediction_sentence(close) == expected
    assert sentences.prediction_sentence(replace(made, predictions=made.predictions[:1])) == "The network gives cat 60%."


@pytest.mark.parametrize("case", ["sk", "three branches"])
def test_branches_sentence_recomputed(case: str) -> None:
    made = CASES[case]
    gates = made.gates[1]
    names, shares = gates.site.branches, gates.weights[0]
    said = sentences.branches_sentence(made, 1)
    for name, share in zip(names, shares, strict=True):
        assert f"{name} {share.mean():.0%}" in said
    leads = sum(all(column[-1] > other for other in column[:-1]) for column in shares.T)
    assert f"{names[-1]} leads in {leads} of {gates.site.channels} channels" in said
    more = round(100 * float(shares[-1].mean() - made.averages[1].mean[-1].mean()))
    assert f"{abs(more)} percentage point" in said if more else "as much as on the average picture" in said
    assert ("less" in said) == (more < 0)
    assert "average picture" not in sentences.branches_sentence(replace(made, averages=()), 1)


def test_squeeze_sentence_names_the_direction() -> None:
    made = CASES["se"]
    gates = made.gates[3]

    def said(squeeze: np.ndarray) -> str:
        return sentences.squeeze_sentence(replace(made, gates=(*made.gates[:3], replace(gates, squeeze=frozen(squeeze)))), 3)

    assert said(gates.weights[:, 0]) == "In SE_3_2 channels with a larger squeeze tend to have a higher weight (correlation 1.00)."
    assert said(1 - gates.weights[:, 0]) == "In SE_3_2 channels with a larger squeeze tend to have a lower weight (correlation −1.00)."
    assert said(np.ones((1, 24))) == "In SE_3_2 the squeeze is the same in every channel."
    together = np.corrcoef(gates.squeeze[0], gates.weights[0, 0])[0, 1]
    assert f"(correlation {decimal(float(together))})" in said(gates.squeeze)


@pytest.mark.parametrize("case", ["se", "sk"])
def test_histogram_sentence_recomputed(case: str) -> None:
    made = CASES[case]
    values = weight(made, 1)
    expected = [values.min(), values.max(), values.mean(), made.averages[1].mean[-1].mean()]
    np.testing.assert_allclose(numbers(sentences.histogram_sentence(made, 1)), expected, atol=0.006)
    assert len(numbers(sentences.histogram_sentence(replace(made, averages=()), 1))) == 3


def test_channel_sentence_ranks_from_both_ends() -> None:
    made = CASES["se"]
    order = np.argsort(-weight(made, 3), kind="stable")
    for place, words in {0: "the highest", 1: "the 2nd highest", 11: "the 12th highest", 12: "the 12th lowest", 23: "the lowest"}.items():
        channel = int(order[place])
        said = sentences.channel_sentence(made, 3, channel)
        value, spread = weight(made, 3)[channel], np.asarray(deviation(made, 3))[channel]
        assert f"weight {value:.2f} ({words} of 24), {side(float(spread))} the average picture" in said
        assert said.startswith(f"Channel {channel} of SE_3_2: squeeze {made.gates[3].squeeze[0, channel]:.2f}, ")


@pytest.mark.parametrize(("channels", "words"), [((2,), "the map shown"), ((2, 5, 7), "the 3 maps shown")])
def test_maps_sentence_gives_the_factors(channels: tuple[int, ...], words: str) -> None:
    made = CASES["se"]
    shown = weight(made, 3)[list(channels)]
    said = sentences.maps_sentence(made, 3, channels)
    assert words in said
    assert numbers(said)[-1] == pytest.approx(shown.max(), abs=0.006)
    assert (" to " in said) == (len(channels) > 1)


def test_standouts_find_the_largest() -> None:
    made = with_spreads(CASES["se"], 2, 6.0 * np.eye(16)[9] - 0.1)
    made = with_influence(silenced(made), 1, [0, 0, -0.75, 0.5])
    furthest, strongest, oddest = sentences.standouts(made)
    far = [np.abs(np.asarray(deviation(made, depth))).mean() for depth in range(4)]
    assert furthest.startswith(made.sites[int(np.argmax(far))].name)
    assert strongest == "Channel 2 of SE_2_2 takes about 0.75 from the score of cat, more than any other channel."
    assert oddest == f"Channel 9 of SE_3_1 is the furthest from its average: weight {weight(made, 2)[9]:.2f}, 5.9 spreads above."


def test_standouts_without_averages_or_influence() -> None:
    made = CASES["se without averages"]
    differ = [float(weight(made, depth).std()) for depth in range(4)]
    widest, _, where = sentences.standouts(made)
    name = made.sites[int(np.argmax(differ))].name
    assert widest == f"In {name} the weight differs most from channel to channel (standard deviation {max(differ):.2f})."
    assert made.last_cam is not None
    assert where == sentences.cam_sentence(made, made.last_cam)
    assert sentences.standouts(silenced(made))[1] == "No channel of any block has an influence on cat."
    assert len(sentences.standouts(replace(made, last_cam=None))) == 2
    still = inspection([record(0, 8)])
    still = with_spreads(still, 0, np.zeros(8))
    assert len(sentences.standouts(still)) == 2


@pytest.mark.parametrize("place", range(9))
@pytest.mark.parametrize("cells", [(3, 3), (7, 7), (5, 8), (14, 14)])
def test_cam_sentence_names_the_ninth_that_holds_the_mass(place: int, cells: tuple[int, int]) -> None:
    rows, columns = (np.minimum((np.arange(count) + 0.5) / count * 3, 2.999).astype(int) for count in cells)
    values = np.where((rows[:, None] == place // 3) & (columns[None, :] == place % 3), 1.0, 0.01)
    said = sentences.cam_sentence(CASES["se"], with_map(values))
    assert f"the {NINTHS[place]} ninth of the picture holds {ninths(frozen(values)).max():.0%} of the map" in said
    assert f"half of the mass lies on {half_area(values):.0%} of the area" in said


@pytest.mark.parametrize("cells", [(1, 1), (2, 2), (7, 7), (5, 8)])
def test_an_even_map_is_spread_out(cells: tuple[int, int]) -> None:
    np.testing.assert_allclose(ninths(np.ones(cells)), 1 / 9)
    assert "spread out, no ninth of the picture holds more than 11% of it" in sentences.cam_sentence(CASES["se"], with_map(np.ones(cells)))


def test_ninths_of_a_fine_map_are_block_sums() -> None:
    values = np.random.default_rng(0).random((12, 9))
    blocks = values.reshape(3, 4, 3, 3).sum(axis=(1, 3)).ravel()
    np.testing.assert_allclose(ninths(values), blocks / values.sum())
    assert not ninths(np.zeros((4, 4))).any()


def test_half_area_is_the_fewest_cells_with_half_of_the_mass() -> None:
    assert half_area(np.eye(4)) == 2 / 16
    assert half_area(np.ones((2, 5))) == 0.5
    assert half_area(np.array([[5.0, 1, 1, 1]])) == 1 / 4
    assert half_area(np.array([[4.0, 3, 2, 1]])) == 2 / 4


def test_an_empty_map_says_so() -> None:
    silent = CASES["silent"]
    assert sentences.cam_sentence(silent, silent.cams[0]) == "Nothing at SE_2_1 spoke for cat: the map is 0 everywhere."
    assert sentences.cam_row_sentence(silent) == "At no block did a place of the picture speak for cat."


@pytest.mark.parametrize(("empty", "ending"), [(0, "."), (1, "; 1 map is empty."), (2, "; 2 maps are empty.")])
def test_cam_row_sentence_finds_the_tightest(empty: int, ending: str) -> None:
    made = CASES["se"]
    cams = tuple(replace(cam, values=0 * cam.values) if depth < empty else cam for depth, cam in enumerate(made.cams))
    areas = {cam.name: half_area(cam.values[0]) for cam in cams[empty:]}
    name = min(areas, key=lambda each: areas[each])
    expected = f"The map of {name} is the most concentrated: half of its mass lies on {areas[name]:.0%} of the picture{ending}"
    assert sentences.cam_row_sentence(replace(made, cams=cams)) == expected


WORDS: list[tuple[Any, str]] = [
    (counted(0, "channel"), "no channels"),
    (counted(1, "channel"), "1 channel"),
    (counted(3, "channel"), "3 channels"),
    (counted(0, "channel", 64), "none of 64 channels"),
    (counted(1, "channel", 64), "1 of 64 channels"),
    (counted(1, "channel", 1), "1 of 1 channel"),
    (amount(0), "0"),
    (amount(0.01234), "0.012"),
    (amount(-0.996), "−1.0"),
    (amount(1.84), "1.8"),
    (amount(123.4), "120"),
    (amount(1e-12), "0"),
    (signed(0.5), "+0.50"),
    (signed(-0.5), "−0.50"),
    (signed(0), "0"),
    (decimal(-0.001), "0.00"),
    (decimal(-0.1), "−0.10"),
    (ordinal(1), "1st"),
    (ordinal(2), "2nd"),
    (ordinal(11), "11th"),
    (ordinal(103), "103rd"),
    (listed(["a"]), "a"),
    (listed(["a", "b"]), "a and b"),
    (listed(["a", "b", "c"]), "a, b and c"),
    (span(np.array([0.501, 0.499])), "0.50"),
    (span(np.array([0.1, 0.9])), "0.10 to 0.90"),
    (side(-2.44), "2.4 spreads below"),
    (adds(0, "cat"), "adds nothing to the score of cat"),
]


@pytest.mark.parametrize(("said", "expected"), WORDS, ids=[expected for _, expected in WORDS])
def test_words(said: str, expected: str) -> None:
    assert said == expected


def test_effects_name_what_takes_most_and_adds_most() -> None:
    made = CASES["se"]
    before, *after = outcomes(made)
    said = sentences.effects_sentence((before, *after))
    names = [site.name for site in made.sites]
    assert said.startswith(f"{names[0]} at 1 takes the most from {made.target.label}") and f"{names[3]} at 1 adds the most" in said
    assert said.endswith(f"another class comes first with {names[0]} at 1.")
    still = [replace(each, score=before.score, predictions=before.predictions) for each in after]
    assert sentences.effects_sentence((before, *still)) == f"No block makes a difference for {made.target.label}."


def test_a_map_that_moved_says_from_where_to_where() -> None:
    values = np.zeros((6, 6))
    values[0:2, 0:2] = 1.0
    before = with_map(values)
    assert sentences.cam_difference_sentence(before, before) == "SE_2_1: the map did not change."
    told = sentences.cam_difference_sentence(before, moved(before))
    assert (
        told == "SE_2_1: the map gained most in the upper right ninth of the picture and lost most in the upper left ninth of the picture."
    )


def test_changes_tell_the_class_what_comes_first_and_which_block_answers() -> None:
    made = CASES["se"]
    first, second = made.predictions[0], made.predictions[1]
    gates = list(made.gates)
    gates[2] = replace(gates[2], weights=frozen(gates[2].weights * 0.5))
    turned = replace(
        made,
        score=made.score - 1.5,
        target=replace(made.target, probability=0.1),
        predictions=(second, first, *made.predictions[2:]),
        gates=tuple(gates),
        edits=(f"{made.sites[0].name}:set=1",),
    )
    said = sentences.changes(compare(made, turned, ("as it is", "edited")))
    assert said[0].startswith(f"{made.target.label} falls from {made.target.probability:.0%} to 10%") and "1.5" in said[0]
    assert said[1].startswith(second.label) and f"in place of {first.label}" in said[1]
    assert said[2].startswith(f"Of the other blocks {made.sites[2].name} answers most")
    same = sentences.changes(compare(made, replace(made, edits=("all:set=1",)), ("as it is", "edited")))
    assert same == (f"{made.target.label} stays at {made.target.probability:.0%}.", f"{first.label} still comes first.")
