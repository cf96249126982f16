"""What one squeeze and each unit do to the gates, restated with loops over units and channels."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sevis.analysis.excitation import STEPS, changed, narrowing, part, reach, telling
from sevis.excitation import GATES, Excitation
from tests.made_up_excitation import excitation_of

CHANNELS = 24
Z = np.random.default_rng(8).normal(0, 1, CHANNELS).astype(np.float32)
CASES = {"as the paper": excitation_of(CHANNELS), "biased": excitation_of(CHANNELS, biased=True), "tanh": excitation_of(16, gate="tanh")}


def squeeze(excitation: Excitation) -> np.ndarray:
    return Z[: excitation.w1.shape[1]]


def by_hand(excitation: Excitation, z: np.ndarray, without: set[int] = frozenset()) -> list[float]:
    """The gates, one product after another."""
    hidden = []
    for unit in range(len(excitation.b1)):
        total = float(excitation.b1[unit]) + sum(float(w) * float(x) for w, x in zip(excitation.w1[unit], z, strict=True))
        hidden.append(0.0 if unit in without else max(total, 0.0))
    logits = [
        float(b) + sum(float(w) * h for w, h in zip(row, hidden, strict=True)) for row, b in zip(excitation.w2, excitation.b2, strict=True)
    ]
    return [math.tanh(each) if excitation.gate == "tanh" else 1 / (1 + math.exp(-each)) for each in logits]


@pytest.mark.parametrize("case", CASES)
def test_an_answer_is_the_papers(case: str) -> None:
    excitation = CASES[case]
    np.testing.assert_allclose(excitation.answer(squeeze(excitation)).weights, by_hand(excitation, squeeze(excitation)), atol=1e-5)


@pytest.mark.parametrize("case", CASES)
def test_units_are_kept_by_what_their_absence_moves(case: str) -> None:
    excitation, z = CASES[case], squeeze(CASES[case])
    whole, units = np.array(by_hand(excitation, z)), range(len(excitation.b1))
    alone = [np.abs(np.array(by_hand(excitation, z, {unit})) - whole).mean() for unit in units]
    narrowed = narrowing(excitation, z)
    assert sorted(narrowed.order.tolist()) == list(units)
    assert (np.diff(np.array(alone)[narrowed.order]) <= 1e-6).all()
    for kept in (0, 1, len(units) // 2, len(units)):
        expected = by_hand(excitation, z, set(narrowed.order[kept:].tolist()))
        np.testing.assert_allclose(narrowed.weights[kept], expected, atol=1e-5)
        assert narrowed.moved[kept] == pytest.approx(np.abs(np.array(expected) - whole).mean(), abs=1e-5)
    assert narrowed.moved[-1] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("case", CASES)
def test_the_most_telling_channel_moves_the_gates_most(case: str) -> None:
    excitation, z = CASES[case], squeeze(CASES[case])
    expected = []
    for channel, value in enumerate(z):
        ends = [by_hand(excitation, changed(z, channel, end)) for end in (0, 3 * float(value))]
        expected.append(np.abs(np.subtract(*ends)).mean())
    np.testing.assert_allclose(telling(excitation, z), expected, atol=1e-5)


@pytest.mark.parametrize(("z", "low", "high"), [(0.5, 0, 1.5), (-0.2, -0.6, 0.0), (0.0, 0.0, 0.9)])
def test_a_squeeze_can_be_moved_to_nothing_and_to_a_few_times_its_value(z: float, low: float, high: float) -> None:
    reached = reach(np.array([z, -0.9]), 0)
    assert (reached.low, reached.high, reached.own) == pytest.approx((low, high, z))
    steps = (reached.own - reached.low) / reached.step
    assert steps == pytest.approx(round(steps)) and (reached.high - reached.low) / reached.step == pytest.approx(3 * STEPS)
    assert reach(np.zeros(4), 1).high > 0


def test_only_the_moved_channel_changes_and_the_squeeze_stays() -> None:
    before = Z.copy()
    other = changed(Z, 3, 9.0)
    assert other[3] == 9 and np.flatnonzero(other != Z).tolist() == [3]
    np.testing.assert_array_equal(Z, before)


def test_what_is_told_apart_holds_the_channel_and_what_matters() -> None:
    excitation = CASES["as the paper"]
    for channel in range(CHANNELS):
        shown = part(excitation, Z, channel)
        assert (len(shown.channels), len(shown.units), len(shown.gates)) == (12, 16, 12)
        assert channel in shown.channels and channel in shown.gates
        says = [sum(abs(float(w) * float(Z[each])) for w in excitation.w1[:, each]) for each in range(CHANNELS)]
        left_out = set(range(CHANNELS)) - set(shown.channels)
        assert max(says[each] for each in left_out) <= min(says[each] for each in shown.channels if each != channel)
        ends = [np.array(by_hand(excitation, changed(Z, channel, end))) for end in (0, 3 * float(Z[channel]))]
        moved = np.abs(np.subtract(*ends))
        assert int(moved.argmax()) in shown.gates
    small = part(excitation_of(8), Z[:8], 0)
    assert small.channels == small.gates == tuple(range(8)) and small.units == (0, 1)


def test_matrices_that_do_not_fit_and_unknown_nonlinearities_are_refused() -> None:
    made = excitation_of(8)
    with pytest.raises(ValueError, match=r"expected \(d, C\), \(d,\), \(C, d\) and \(C,\)"):
        Excitation(made.w1, made.b1, made.w1, made.b2)
    with pytest.raises(ValueError, match=f"unknown nonlinearity 'softmax'; choose from {', '.join(GATES)}"):
        Excitation(made.w1, made.b1, made.w2, made.b2, gate="softmax")


def test_a_gate_saturates_without_a_warning() -> None:
    np.testing.assert_allclose(GATES["sigmoid"](np.array([-1e4, 0.0, 1e4])), [0, 0.5, 1])
    np.testing.assert_allclose(GATES["hardsigmoid"](np.array([-3.0, 0.0, 3.0])), [0, 0.5, 1])
