"""Class profiles and class shares from statistics, against plain means over the pictures of a class."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sevis.analysis.gate_statistics import GateStatistics
from sevis.analysis.profile import class_profiles, common_classes, papers_blocks, profile_rows
from sevis.analysis.profile_separation import Separation, separated, separation_rows, shuffled_shares
from sevis.analysis.statistics import collect
from sevis.records import GateRecord, GateSite
from tests.made_up import SE, SK, record
from tests.made_up_runs import labels_of, over_pictures

NAMES = ("ant", "bee", "cat", "dog", "emu")
LABELS = labels_of()
RECORDS = [over_pictures(each) for each in (*SE, *SK, record(9, 130))]
STATISTICS = collect(RECORDS, LABELS, len(NAMES))


def shares(weights: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Eta squared of every branch and channel, one at a time."""
    made = []
    for values in weights[labels >= 0].astype(float).reshape((labels >= 0).sum(), -1).T:
        within = sum(((values[labels[labels >= 0] == k] - values[labels[labels >= 0] == k].mean()) ** 2).sum() for k in set(labels) - {-1})
        made.append(1 - within / ((values - values.mean()) ** 2).sum())
    return np.array(made)


def site(stage: int, depth: int) -> GateSite:
    return GateSite(f"{stage}.{depth}", "channel", "sigmoid", stage, 1, depth, 4)


def by_hand(weights: GateRecord, name: str) -> np.ndarray:
    return np.asarray(weights.weights[NAMES.index(name) == LABELS, -1].astype(float))


@pytest.mark.parametrize("classes", [None, ("dog", "ant"), ("emu",)])
def test_profiles_are_means_over_the_pictures_of_a_class(classes: tuple[str, ...] | None) -> None:
    profiles = class_profiles(STATISTICS, NAMES, classes)
    shown = [RECORDS[depth] for depth in papers_blocks([each.site for each in RECORDS])]
    assert [each.site for each in profiles] == [each.site for each in shown]
    for profile, weights in zip(profiles, shown, strict=True):
        assert classes is None or profile.classes == classes
        for place, name in enumerate(profile.classes):
            values = by_hand(weights, name)[:, profile.channels]
            assert profile.counts[place] == len(values)
            np.testing.assert_allclose(profile.mean[place], values.mean(axis=0), rtol=1e-9)
            np.testing.assert_allclose(profile.spread[place], values.std(axis=0), rtol=1e-7)
        np.testing.assert_allclose(profile.overall, weights.weights[:, -1].mean(axis=0, dtype=float)[profile.channels], rtol=1e-7)
        assert profile.apart == pytest.approx(np.mean([abs(row - profile.overall).mean() for row in profile.mean]))
        assert profile.pictures == len(LABELS)


def test_at_most_fifty_channels_are_shown_from_the_first_to_the_last() -> None:
    for profile in class_profiles(STATISTICS, NAMES):
        assert len(profile.channels) == min(50, profile.site.channels)
        assert (profile.channels[0], profile.channels[-1]) == (0, profile.site.channels - 1)
        assert set(np.diff(profile.channels)) <= {1} if profile.site.channels <= 50 else set(np.diff(profile.channels)) <= {2, 3}


def test_the_rows_are_the_numbers_that_are_drawn() -> None:
    profiles = class_profiles(STATISTICS, NAMES)
    rows = profile_rows(profiles)
    assert len(rows) == sum(each.mean.size for each in profiles)
    for row in rows:
        profile = next(each for each in profiles if (each.site.name, each.site.path) == (row["gate"], row["path"]))
        where = profile.classes.index(str(row["class"])), int(np.flatnonzero(profile.channels == row["channel"])[0])
        assert (row["mean"], row["spread"], row["overall_mean"]) == (profile.mean[where], profile.spread[where], profile.overall[where[1]])
    assert {row["class"] for row in profile_rows(profiles, 2)} == set(profiles[0].classes[:2])


def test_the_classes_with_the_most_pictures_are_shown() -> None:
    counts = {name: int((place == LABELS).sum()) for place, name in enumerate(NAMES)}
    common = common_classes(STATISTICS, NAMES)
    assert [counts[name] for name in common] == sorted(filter(None, counts.values()), reverse=True)
    assert class_profiles(STATISTICS, NAMES)[0].classes == common[:4]


@pytest.mark.parametrize(
    ("stages", "expected"),
    [
        ([2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 5, 5, 5], [2, 6, 12, 13, 14, 15]),  # SE-ResNet-50
        ([2, 2, 3, 3, 4, 4, 5, 5], [1, 3, 5, 6, 7]),
        ([2, 3, 3, 3, 3, 3], [0, 3, 4, 5]),
        ([2], [0]),
        ([], []),
    ],
)
def test_the_papers_blocks(stages: list[int], expected: list[int]) -> None:
    assert list(papers_blocks([site(stage, depth) for depth, stage in enumerate(stages)])) == expected


@pytest.mark.parametrize(
    ("classes", "sentence"),
    [(("yak",), "no picture of class 'yak'.*choose from"), ((), "too few"), (tuple("abcdefg"), "too many")],
)
def test_classes_that_cannot_be_shown(classes: tuple[str, ...], sentence: str) -> None:
    names = tuple("abcdefg")
    statistics = collect(RECORDS[:1], np.arange(len(LABELS)) % 7, 7)
    with pytest.raises(ValueError, match=sentence):
        class_profiles(statistics, names, classes)


NO_CLASSES: dict[str, tuple[GateStatistics, ...]] = {
    "no labels": collect(RECORDS),
    "no known label": collect(RECORDS, np.full(len(LABELS), -1), 3),
    "no gate": (),
}


@pytest.mark.parametrize("case", NO_CLASSES)
def test_without_classes_there_is_nothing_to_show(case: str) -> None:
    assert class_profiles(NO_CLASSES[case], NAMES) == ()
    assert [separated(each) for each in NO_CLASSES[case]] == [None] * len(NO_CLASSES[case])


def test_the_share_is_eta_squared_and_its_null_that_of_shuffled_labels() -> None:
    for statistics, weights in zip(STATISTICS, RECORDS, strict=True):
        shuffled = shuffled_shares(weights.weights, LABELS, times=200)
        made = separated(statistics, shuffled)
        assert made is not None and made.share is not None and made.chance is not None
        assert made.share == pytest.approx(shares(weights.weights, LABELS).mean(), rel=1e-6)
        assert (made.classes, made.pictures) == (len(set(LABELS) - {-1}), (LABELS >= 0).sum())
        assert made.null == (made.classes - 1) / (made.pictures - 1)
        assert shuffled.mean() == pytest.approx(made.null, rel=0.05)
        assert (shuffled < made.chance).mean() == 0.95


def test_shuffled_shares_are_those_of_shuffled_labels() -> None:
    weights, known = RECORDS[4].weights, LABELS[LABELS >= 0]
    dealt = known[np.random.default_rng(3).permutation(len(known))]
    (found,) = shuffled_shares(weights, LABELS, times=1, seed=3)
    assert found == pytest.approx(shares(weights[LABELS >= 0], dealt).mean(), rel=1e-5)


def judged(weights: np.ndarray) -> Separation:
    """The first gate's separation with these weights."""
    made = separated(collect([replace(RECORDS[0], weights=weights)], LABELS, 5)[0], shuffled_shares(weights, LABELS))
    assert made is not None
    return made


def test_classes_that_are_apart_are_told_from_chance() -> None:
    weights = RECORDS[0].weights
    blind, apart = judged(weights), judged(weights + LABELS[:, None, None] / 10)
    assert apart.p == 0.01 and apart.is_above_chance and blind.p is not None and blind.p > 0.01


def test_a_gate_that_never_varies_has_no_share() -> None:
    made = judged(np.full_like(RECORDS[0].weights, 0.7))
    assert (made.share, made.chance, made.p, made.is_above_chance) == (None, None, None, False)
    (row,) = separation_rows([made])
    assert row["class_share"] == row["shuffled_95"] == row["p"] == "" and row["null"] == made.null


def test_a_picture_without_numbers_takes_nothing_from_the_others() -> None:
    weights = RECORDS[4].weights.copy()
    weights[5, 0, 1] = np.nan
    others = np.arange(len(weights)) != 5
    assert np.array_equal(shuffled_shares(weights, LABELS, times=3), shuffled_shares(weights[others], LABELS[others], times=3))
