"""What is said of one channel, against the numbers it speaks of."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from sevis import sentences
from sevis.analysis.channel import class_means, percentiles, places, shares
from sevis.analysis.rank import channel_influence, weight
from sevis.figures import FIGURES
from sevis.records import Prediction
from tests.made_up import CASES, LABELS, frozen
from tests.up_close import CHANNEL, TITLES, measured, samples, up_close

GATED = ["se", "sk", "se without averages", "silent", "tanh", "three branches", "both kinds", "one block"]


@pytest.mark.parametrize("case", GATED)
def test_every_sentence_is_whole_and_holds_no_odd_number(case: str) -> None:
    entries = [entry for entry in FIGURES if entry.of in ("channel", "samples", "classes")]
    assert len(entries) == 3
    said = [sentences.TOLD[entry.name](*args) for entry in entries for args in up_close(entry, CASES[case])]
    said += [sentences.share_sentence(made, 0, 3) for made in (CASES[case], measured(CASES[case]))]
    for each in said:
        assert re.match(r"[A-Z]", each) and each.endswith(".")
        assert not re.search(r"nan|inf\b|e[+-]\d|-\d|  |\{|\}", each.replace("%{y}", "")), each


@pytest.mark.parametrize("case", GATED)
def test_all_channels_are_told_at_once_as_one_by_one(case: str) -> None:
    made = CASES[case]
    for depth, site in enumerate(made.sites):
        told = sentences.channel_sentences(made, depth)
        assert len(told) == site.channels
        assert all(each.startswith(f"Channel {channel} of {site.name}: ") for channel, each in enumerate(told))
        assert told[CHANNEL] == sentences.channel_sentence(made, depth, CHANNEL)


def test_a_share_is_told_with_its_side_and_its_percentile() -> None:
    made = measured(CASES["se"])
    influence, how = channel_influence(made, 3), percentiles(made, 3)
    for channel in (int(influence.argmax()), int(influence.argmin())):
        said = sentences.share_sentence(made, 3, channel)
        side = "for" if influence[channel] > 0 else "against"
        assert said == (
            f"Its weight is lower on {how[channel]:.0f}% of 20 other pictures. "
            f"Of all that speaks {side} cat in this block it holds {shares(made, 3)[channel]:.0%}."
        )
    assert "no part" in sentences.share_sentence(CASES["silent"], 3, 0)
    assert "lower on" not in sentences.share_sentence(CASES["se"], 3, 0)


@pytest.mark.parametrize(("part", "words"), [(0.25, "25%"), (0.0042, "0.4%"), (0.0003, "less than 0.1%")])
def test_small_shares_are_not_rounded_to_nothing(part: float, words: str) -> None:
    made = CASES["one block"]
    influence = np.zeros((1, 1, 8))
    influence[0, 0, :2] = part, 1 - part
    assert sentences.share_sentence(replace(made, influence=(frozen(influence),)), 0, 0).endswith(f"it holds {words}.")


def test_maps_are_told_by_their_peaks() -> None:
    gates = CASES["se"].gates[1]
    peaks = [each[0, CHANNEL].max() for each in (gates.maps[:, 0], gates.gated)]
    assert sentences.channel_maps_sentence(CASES["se"], 1, CHANNEL).endswith(f"goes from {peaks[0]:.2f} to {peaks[1]:.2f}.")
    said = sentences.channel_maps_sentence(CASES["three branches"], 1, CHANNEL)
    for name, part in zip(("3x3", "5x5", "7x7"), CASES["three branches"].gates[1].weights[0, :, CHANNEL], strict=True):
        assert f"{part:.0%} of {name}" in said


@pytest.mark.parametrize("case", ["se", "sk"])
def test_samples_are_told_by_their_ends(case: str) -> None:
    others = samples(CASES[case], 1)
    values = [float(weights[-1, CHANNEL]) for _, weights in others]
    said = sentences.channel_samples_sentence(CASES[case], 1, CHANNEL, others)
    assert f"highest, {max(values):.2f} on {TITLES[int(np.argmax(values))]}, and lowest, {min(values):.2f}" in said
    assert said.endswith(f"this picture's is {weight(CASES[case], 1)[CHANNEL]:.2f}.")


@pytest.mark.parametrize("target", [0, 4])
def test_classes_are_told_by_their_ends_and_the_explained_one(target: int) -> None:
    made = replace(measured(CASES["se"]), target=Prediction(target, LABELS[target], 0.5))
    means = class_means(made, 2, CHANNEL)
    said = sentences.channel_classes_sentence(made, 2, CHANNEL, LABELS)
    assert f"highest for {LABELS[int(means.argmax())]} ({means.max():.2f})" in said
    assert f"lowest for {LABELS[int(means.argmin())]} ({means.min():.2f})" in said
    place = int(re.search(rf"{LABELS[target]} comes (\d+)\w\w of 6", said)[1])
    assert place == places(means)[target] == 1 + (means > means[target]).sum()
    with pytest.raises(ValueError, match="no means by class"):
        sentences.channel_classes_sentence(CASES["se"], 2, CHANNEL, LABELS)
