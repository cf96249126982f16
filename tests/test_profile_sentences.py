"""What is said of a run's figures, against numbers made up for it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sevis import sentences
from sevis.analysis.moments import Moments
from sevis.analysis.profile import ClassProfile
from sevis.analysis.profile_separation import Separation
from sevis.analysis.zoom import GateSweep, Sweep
from sevis.records import GateSite


def site(stage: int, block: int = 1, kind: str = "channel") -> GateSite:
    branches = ("3x3", "5x5") if kind == "branch" else ("gate",)
    return GateSite("", kind, "", stage, block, 0, 4, branches)  # type: ignore[arg-type]


def profile(stage: int, apart: float, *within: float) -> ClassProfile:
    """Two classes, one so far above the overall mean and the other as far below."""
    overall = np.full(4, 0.5)
    spread = np.repeat(np.array(within)[:, None], 4, axis=1)
    mean = np.stack([overall + apart, overall - apart])
    return ClassProfile(site(stage), np.arange(4), ("cat", "dog"), np.array([3, 4]), mean, spread, overall, 7)


PROFILES = (profile(2, 0.01, 0.1, 0.2), profile(3, 0.25, 0.3, 0.05), profile(4, 0.1, 0.2, 0.1))


def separation(stage: int, share: float | None, chance: float | None = None) -> Separation:
    return Separation(site(stage), 3, 21, share, 0.1, np.empty(0) if chance is None else np.full(9, chance))


def swept(gates: dict[int, tuple[list[float], float]]) -> Sweep:
    """A gate a stage with its differences under the five views, and its slope of size; errors of 0.001 over 101 pictures."""
    return Sweep("tiny", "", ("cat", "dog"), (1.0, 1.5, 2.0), 0, 0, np.zeros(5), tuple(_gate(stage, *of) for stage, of in gates.items()))


def _gate(stage: int, views: list[float], size: float) -> GateSweep:
    """The first of four channels goes the other way; the second of two classes has all pictures."""
    mean = np.array(views)
    turned = 2 * mean[0] - mean
    channels = np.stack([turned, mean, mean, mean], axis=1)
    m2 = np.full(3, 0.001**2 * 100 * 101)
    slopes = Moments(np.array(101), np.array([0.0, 0.0, size]), m2)
    classes = Moments(np.array([0, 101, 0]), np.stack([mean, mean, mean]), np.zeros((3, 5)))
    return GateSweep(site(stage, kind="branch"), Moments(np.array(101), channels, 0 * channels), classes, slopes)


SWEEP = swept({2: ([0.1, 0.2, 0.3, 0.1, 0.2], 0.01), 3: ([0.0, -0.1, -0.02, 0.0, 0.0], 0.001), 4: ([0.0, 0.0, -0.1, 0.0, 0.0], -0.01)})

SAID = [
    (
        sentences.class_profile_sentence(PROFILES),
        "SE_3_1 keeps cat and dog furthest from the mean over all pictures, by 0.25 a channel; SE_2_1 keeps them closest, by 0.010.",
    ),
    (
        sentences.class_profile_sentence(PROFILES[:1]),
        "SE_2_1 keeps cat and dog furthest from the mean over all pictures, by 0.010 a channel.",
    ),
    (
        sentences.class_spread_sentence(PROFILES),
        "The number of a channel varies between pictures of cat by 0.30 in SE_3_1 and by 0.10 in SE_2_1;"
        " between pictures of dog by 0.20 in SE_2_1 and by 0.050 in SE_3_1.",
    ),
    (
        sentences.separation_sentence([separation(2, 0.2, 0.3), separation(3, 0.5, 0.3), separation(4, None)]),
        "Of the variance in SE_3_1 50.0% lies between classes and of SE_2_1 20.0%; 1 of 3 blocks is above chance (10.0%).",
    ),
    (
        sentences.separation_sentence([separation(2, 0.2)]),
        "Of the variance in SE_2_1 20.0% lies between classes; 1 of 1 block is above chance (10.0%).",
    ),
    (
        sentences.scale_sweep_sentence(SWEEP),
        "At zoom 2 the share of 5x5 less that of 3x3 changes most in SK_2_1, by +0.20; the blur alone changes it by +0.10 there.",
    ),
    (
        sentences.scale_sweep_slopes_sentence(SWEEP),
        "Beyond what the blur does, 5x5 gains with the object's size in 1 of 2 blocks of stages 2 and 3"
        " and in none of 1 block of the later stages (it loses in 1).",
    ),
    (
        sentences.scale_sweep_channels_sentence(SWEEP),
        "From zoom 1 to 2, 75% of the channels of SK_2_1 lean further to 5x5, and 25% of those of SK_3_1.",
    ),
    (sentences.scale_sweep_classes_sentence(SWEEP), "From zoom 1 to 1.5, 5x5 gains in 1 of 1 class in SK_2_1, in SK_3_1 in 0."),
    (
        sentences.scale_sweep_channels_sentence(replace(SWEEP, gates=SWEEP.gates[:1])),
        "From zoom 1 to 2, 75% of the channels of SK_2_1 lean further to 5x5.",
    ),
]


@pytest.mark.parametrize(("said", "expected"), SAID, ids=[expected[:40] for _, expected in SAID])
def test_a_sentence_says_its_numbers(said: str, expected: str) -> None:
    assert said == expected
