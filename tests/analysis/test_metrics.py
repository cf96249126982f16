"""METRICS from statistics against the formulas written out over all pictures; and gates whose numbers are known beforehand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest

from sevis.analysis.metrics import METRICS, measured
from sevis.analysis.statistics import collect, total
from sevis.records import GateRecord
from tests.analysis.made_up_gates import CLASSES, gate, labels_of, of_weights, rows, slices, with_hidden

GATES = {
    "SE": gate(),
    "SE without bottleneck": gate(units=0),
    "SE that is narrow": gate(60, channels=130, units=9),
    "SiLU": gate(silu=True),
    "hard sigmoid": gate(activation="hardsigmoid"),
    "tanh": gate(activation="tanh"),
    "ReLU": gate(activation="relu"),
    "softplus": gate(activation="softplus"),
    "named": gate(activation="named"),
    "SK": gate(activation="softmax", branches=2),
    "SK without bottleneck": gate(activation="softmax", branches=2, units=0),
    "three branches": gate(activation="softmax", branches=3),
}


def values_of(record: GateRecord, labels: np.ndarray | None = None, classes: int = 0) -> dict[str, float | None]:
    return measured(collect([record], labels, classes)[0])


# The formulas, written out over the arrays; G (N, M, C), z (N, C), h (N, d), L (N, M, C), y (N,).
Formula = Callable[[GateRecord, np.ndarray], float]


def centred_logits(record: GateRecord) -> np.ndarray:
    logits = record.logits.astype(float)
    if record.site.kind == "branch":
        logits = logits - logits.mean(axis=1, keepdims=True)
    flat = logits.reshape(len(logits), -1)
    return np.asarray(flat - flat.mean(axis=0))


def rank_limit(record: GateRecord) -> int:
    free = record.site.channels * (len(record.site.branches) - (record.site.kind == "branch"))
    return min(free, len(record.weights) - 1, free if record.hidden is None else record.hidden.shape[1])


def real_values(record: GateRecord) -> np.ndarray:
    values = np.linalg.svd(centred_logits(record), compute_uv=False)
    return np.asarray(values[values > 1e-5 * values[0]])


def effective_rank(record: GateRecord) -> float:
    values = real_values(record)
    p = values / values.sum()
    return float(np.exp(-(p * np.log(p)).sum())) / rank_limit(record)


def dimensions(record: GateRecord) -> float:
    variances = real_values(record) ** 2
    return next(k for k in range(1, 999) if variances[:k].sum() >= 0.99 * variances.sum()) / rank_limit(record)


def mean_correlation(record: GateRecord) -> float:
    centred = record.weights.astype(float) - record.weights.astype(float).mean(axis=2, keepdims=True)
    flat = centred.reshape(len(centred), -1)
    cosines = [one @ other / np.linalg.norm(one) / np.linalg.norm(other) for place, one in enumerate(flat) for other in flat[place + 1 :]]
    return float(np.mean(cosines))


def eta_squared(weights: np.ndarray, labels: np.ndarray) -> float:
    shares = []
    for branch, channel in np.ndindex(weights.shape[1:]):
        values = weights[labels >= 0, branch, channel].astype(float)
        known = labels[labels >= 0]
        between = sum((known == k).sum() * (values[known == k].mean() - values.mean()) ** 2 for k in set(known))
        if np.ptp(values) > 0:
            shares.append(between / ((values - values.mean()) ** 2).sum())
    return float(np.mean(shares))


def entropies(shares: np.ndarray, axis: int) -> np.ndarray:
    logs = np.log(np.where(shares > 0, shares, 1))
    return np.asarray(-(shares * logs).sum(axis=axis) / np.log(shares.shape[axis]))


def slopes(record: GateRecord) -> float:
    g = record.weights.astype(float)
    by = {"hardsigmoid": (g > 0) & (g < 1), "relu": g > 0, "tanh": 1 - g**2}
    return float(by.get(record.site.activation, g * (1 - g)).mean())


def open_share(record: GateRecord) -> float:
    g = record.weights
    return float((g == 1).mean() if record.site.activation == "hardsigmoid" else (g > 0.95).mean())


def closed_share(record: GateRecord) -> float:
    g = record.weights
    return float((g < 0.05).mean() if record.site.activation in ("sigmoid", "named") else (g == 0).mean())


def hidden(record: GateRecord) -> np.ndarray:
    assert record.hidden is not None
    return record.hidden.astype(float)


RESTATED: dict[str, Formula] = {
    "M1": lambda r, y: float(r.weights.astype(float).std(axis=0).mean()),
    "M2": lambda r, y: float(np.mean([branch.std() for branch in r.weights.astype(float).mean(axis=0)])),
    "M3": lambda r, y: open_share(r),
    "M3_closed": lambda r, y: closed_share(r),
    "M4": lambda r, y: float((np.abs(r.weights.astype(float) - 0.5) < 0.02).mean()),
    "M5": lambda r, y: slopes(r),
    "M6": lambda r, y: float((hidden(r).max(axis=0) <= 0).mean()),
    "M7": lambda r, y: float((np.abs(hidden(r)).mean(axis=0) / np.abs(hidden(r)).mean() <= 0.025).mean()),
    "M8": lambda r, y: effective_rank(r),
    "M9": lambda r, y: dimensions(r),
    "M10": lambda r, y: mean_correlation(r),
    "M11": lambda r, y: eta_squared(r.weights, y),
    "M11_null": lambda r, y: (len(set(y[y >= 0])) - 1) / ((y >= 0).sum() - 1),
    "M12": lambda r, y: float(r.squeeze.astype(float).std(axis=0).mean()),
    "M12_zeros": lambda r, y: float((r.squeeze == 0).mean()),
    "B1": lambda r, y: float(entropies(r.weights.astype(float), 1).mean()),
    "B2": lambda r, y: float(min(r.weights.astype(float).mean(axis=(0, 2))) * r.weights.shape[1]),
    "B2_entropy": lambda r, y: float(entropies(r.weights.astype(float).mean(axis=(0, 2)), 0)),
    "B2_variation": lambda r, y: float(r.weights.astype(float).mean(axis=(0, 2)).std() * r.weights.shape[1]),
    "B3": lambda r, y: float(
        (entropies(r.weights.astype(float).mean(axis=0), 0) - entropies(r.weights.astype(float), 1).mean(axis=0)).mean()
    ),
    "B4": lambda r, y: float(r.weights.astype(float).std(axis=0).mean()),
    "B4_share": lambda r, y: float(
        np.mean([g.var(axis=0).mean() for g in r.weights.astype(float).swapaxes(0, 1)])
        / np.mean([g.var() for g in r.weights.astype(float).swapaxes(0, 1)])
    ),
    "B6": lambda r, y: float(np.abs(r.weights.astype(float).sum(axis=1) - 1).max()),
}

# Where a metric does not apply, by gate.
MISSING = {
    "SE without bottleneck": {"M6", "M7"},
    "SK without bottleneck": {"M6", "M7"},
    "SiLU": {"M6", "M7"},
    "tanh": {"M3", "M3_closed", "M4"},
    "ReLU": {"M3", "M4"},
    "softplus": {"M3", "M3_closed", "M4", "M5"},
}


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("name", GATES)
def test_a_metric_is_its_formula_over_all_pictures(metric: str, name: str) -> None:
    record = GATES[name]
    labels = labels_of(len(record.weights))
    parts = slices(len(labels), [1, 4, 19])
    (statistics,) = total(collect([rows(record, part)], labels[part], CLASSES) for part in reversed(parts))
    found = METRICS[metric].measure(statistics)
    if record.site.kind not in METRICS[metric].kinds or metric in MISSING.get(name, ()):
        assert found is None
    else:
        assert found is not None
        assert found == pytest.approx(RESTATED[metric](record, labels), rel=1e-8, abs=1e-9)


def test_the_table_is_whole() -> None:
    numbers = {f"M{place}" for place in range(1, 13)} | {"B1", "B2", "B3", "B4", "B6"}
    assert numbers <= METRICS.keys() and METRICS.keys() == RESTATED.keys()
    assert {name.partition("_")[0] for name in METRICS} == numbers


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_every_metric_says_what_it_is_and_where_it_comes_from(metric: object) -> None:
    assert all(vars(metric)[field] for field in ("id", "name", "kinds", "unit", "source", "pictures"))


NEED_TWO = {"M1", "M8", "M9", "M10", "M11", "M11_null", "M12", "B3", "B4", "B4_share"}


@pytest.mark.parametrize("name", GATES)
def test_one_picture_has_no_spread(name: str) -> None:
    found = values_of(rows(GATES[name], slice(1)), np.array([0]), CLASSES)
    kind = GATES[name].site.kind
    applies = {metric for metric in METRICS if kind in METRICS[metric].kinds} - NEED_TWO - MISSING.get(name, set())
    rectified = {"M6", "M7"} if name == "SiLU" else set()  # its one picture may have no value below 0
    assert {metric for metric, value in found.items() if value is not None} - rectified == applies


@pytest.mark.parametrize("name", GATES)
def test_no_picture_has_no_number(name: str) -> None:
    assert set(values_of(rows(GATES[name], slice(0))).values()) == {None}


def test_without_labels_there_is_no_class_share() -> None:
    known = {"M11", "M11_null"}
    cases = [values_of(GATES["SE"]), values_of(GATES["SE"], np.full(40, -1), 4), values_of(GATES["SE"], np.full(40, 2), 4)]
    for found in cases:
        assert {name for name in known if found[name] is not None} == set()
        assert found["M1"] is not None


@pytest.mark.parametrize("value", [0.5, 0.1, 1.0, 1 / 3])
def test_a_constant_gate(value: float) -> None:
    """No picture and no channel differs: no pattern to compare, no variance to share, no rank."""
    found = values_of(of_weights(np.full((50, 1, 8), value, dtype=np.float32)), labels_of(50), CLASSES)
    assert found["M1"] == found["M2"] == pytest.approx(0, abs=1e-12)
    assert [found[name] for name in ("M8", "M9", "M10", "M11")] == [None] * 4
    assert found["M4"] == (value == 0.5) and found["M3"] == (value == 1.0)
    assert found["M5"] == pytest.approx(value * (1 - value), abs=1e-7)


def test_rounding_is_no_pattern_no_class_and_no_rank() -> None:
    """The last two bits of a float32 differ, as they do when a batch has another size."""
    noise = 1 + np.finfo(np.float32).eps * np.random.default_rng(0).integers(-2, 3, (50, 1, 8)).astype(np.float32)
    record = replace(of_weights(np.float32(0.3) * noise), logits=np.float32(-0.85) * noise)
    assert np.ptp(record.weights) > 0 and np.ptp(record.logits) > 0
    found = values_of(record, labels_of(50), CLASSES)
    assert [found[name] for name in ("M8", "M9", "M10", "M11")] == [None] * 4


def test_a_static_gate_is_alike_on_every_picture() -> None:
    weights = np.broadcast_to(np.linspace(0.1, 0.9, 8, dtype=np.float32), (50, 1, 8))
    found = values_of(of_weights(weights), labels_of(50), CLASSES)
    assert found["M1"] == pytest.approx(0, abs=1e-12) and found["M10"] == pytest.approx(1)
    assert found["M2"] == pytest.approx(weights[0].std()) and found["M11"] is None


def test_one_pattern_up_to_scale_and_shift_is_alike() -> None:
    pattern = np.linspace(0.1, 0.4, 8)
    scales = np.linspace(0.5, 2, 20)[:, None, None]
    assert values_of(of_weights((pattern * scales).astype(np.float32)))["M10"] == pytest.approx(1, abs=1e-6)
    assert values_of(of_weights((pattern / 2 + scales / 10).astype(np.float32)))["M10"] == pytest.approx(1, abs=1e-6)


def test_less_the_mean_picture_the_mean_cosine_would_say_nothing() -> None:
    """Why M10 takes each picture less its own mean: about the mean of the pictures the cosines sum to -N, however the gate works."""
    seeded = np.random.default_rng(0)
    for rank in (1, 2, 12):
        patterns = seeded.normal(size=(30, rank)) @ seeded.normal(size=(rank, 12))
        patterns = np.concatenate([patterns, -patterns])  # of mean 0
        units = patterns / np.linalg.norm(patterns, axis=1, keepdims=True)
        assert (units @ units.T).sum() - 60 == pytest.approx(-60)
    found = [values_of(of_weights((0.5 + 0.01 * p).astype(np.float32)[:, None])) for p in (patterns, patterns + 100 * patterns[0])]
    assert found[0]["M10"] == pytest.approx(-1 / 59, abs=0.1) and found[1]["M10"] == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize(("value", "expected"), [(1.0, (1, 0, 0)), (0.0, (0, 1, 0)), (0.999, (0, 0, 1)), (0.001, (0, 0, 1))])
def test_a_hard_sigmoid_is_saturated_at_its_very_ends_alone(value: float, expected: tuple[float, ...]) -> None:
    found = values_of(of_weights(np.full((9, 1, 4), value, dtype=np.float32), "hardsigmoid"))
    assert (found["M3"], found["M3_closed"], found["M5"]) == expected


@pytest.mark.parametrize("activation", ["relu6", "clamp", "named", "hardtanh"])
def test_a_clamp_that_leaves_0_to_1_knows_no_open_end(activation: str) -> None:
    found = values_of(of_weights(np.linspace(0, 6, 40, dtype=np.float32).reshape(10, 1, 4), activation))
    assert [found[name] for name in ("M3", "M3_closed", "M4", "M5")] == [None] * 4


def test_a_closed_relu_gate_has_no_slope() -> None:
    found = values_of(of_weights(np.zeros((9, 1, 4), dtype=np.float32), "relu"))
    assert (found["M3"], found["M3_closed"], found["M5"]) == (None, 1, 0)


def test_a_dead_bottleneck() -> None:
    dead = values_of(with_hidden(np.zeros((40, 6), dtype=np.float32)))
    assert (dead["M6"], dead["M7"]) == (1, 1)
    seeded = np.random.default_rng(0).random((40, 6)).astype(np.float32)
    half = values_of(with_hidden(seeded * np.array([1, 1, 1, 0, 0, 0.01], dtype=np.float32)))
    assert half["M6"] == pytest.approx(2 / 6) and half["M7"] == pytest.approx(3 / 6)


def test_a_bottleneck_that_goes_below_zero_is_not_called_dead() -> None:
    """A SiLU that is switched off is a little below 0 on every picture, so that its greatest value is too."""
    off = values_of(with_hidden(np.full((40, 6), -0.01, dtype=np.float32)))
    assert off["M6"] is None and off["M7"] is None
    positive = values_of(with_hidden(np.full((40, 6), 0.3, dtype=np.float32)))
    assert (positive["M6"], positive["M7"]) == (0, 0)


@pytest.mark.parametrize("rank", [1, 2, 5])
def test_the_effective_rank_of_equal_directions_is_their_number(rank: int) -> None:
    """Of a bottleneck 10 wide; the rank of float32 rounding is none."""
    logits = np.zeros((40, 1, 24))
    logits[np.arange(40), 0, np.arange(40) % (rank + 1)] = 1
    base = with_hidden(np.ones((40, 10), dtype=np.float32))
    found = values_of(replace(base, logits=(3 + logits).astype(np.float32)))
    values = np.linalg.svd(logits[:, 0] - logits[:, 0].mean(axis=0), compute_uv=False)
    assert (values > 1e-9).sum() == rank
    assert found["M8"] == pytest.approx(rank / 10, rel=0.02) and found["M9"] == pytest.approx(rank / 10)


def test_shuffled_labels_have_the_class_share_of_the_null_on_average() -> None:
    """Over all orders of six labels, of three classes of sizes 1, 2 and 3: exactly, for any weights."""
    record, labels = gate(6, channels=5), np.array([0, 1, 1, 2, 2, 2])
    orders = [np.array(order) for order in set(permutations(labels.tolist()))]
    shares = [values_of(record, order, 3)["M11"] for order in orders]
    null = values_of(record, labels, 3)["M11_null"]
    assert len(orders) == 60 and null == pytest.approx(2 / 5)
    assert np.mean([share for share in shares if share is not None]) == pytest.approx(2 / 5)


def test_a_gate_that_knows_the_class_alone_has_a_class_share_of_one() -> None:
    labels = np.arange(60) % 3
    weights = np.random.default_rng(0).random((3, 1, 8))[labels].astype(np.float32)
    found = values_of(of_weights(weights), labels, 3)
    assert found["M11"] == pytest.approx(1) and found["M11_null"] == pytest.approx(2 / 59)
    blind = np.repeat(np.random.default_rng(0).random((20, 1, 8)), 3, axis=0).astype(np.float32)
    assert values_of(of_weights(blind), labels, 3)["M11"] == pytest.approx(0, abs=1e-9)


BRANCHES = {
    "one takes all": (np.array([1.0, 0, 0]), {"B1": 0, "B2": 0, "B2_entropy": 0, "B3": 0, "B6": 0}),
    "even": (np.array([1 / 3] * 3), {"B1": 1, "B2": 1, "B2_entropy": 1, "B2_variation": 0, "B3": 0, "B6": 0}),
    "wrong axis": (np.array([0.1, 0.1, 0.1]), {"B6": 0.7, "B2": 0.3, "B2_variation": 0}),
}


@pytest.mark.parametrize("name", BRANCHES)
def test_branches_that_never_change(name: str) -> None:
    shares, expected = BRANCHES[name]
    found = values_of(of_weights(np.broadcast_to(shares[None, :, None], (50, 3, 8)), "softmax"))
    assert {metric: found[metric] for metric in expected} == pytest.approx(expected, abs=1e-9)
    assert found["B4"] == pytest.approx(0, abs=1e-12) and found["B4_share"] is None


def test_a_choice_of_the_channel_is_no_information_and_one_of_the_picture_is() -> None:
    """Half of all shares go to each branch in both; the variance lies between channels in one, between pictures in the other."""
    channels = np.broadcast_to(np.arange(8) % 2, (50, 8)).astype(float)
    pictures = np.broadcast_to(np.arange(50)[:, None] % 2, (50, 8)).astype(float)
    by_channel, by_picture = (values_of(of_weights(np.stack([take, 1 - take], axis=1), "softmax")) for take in (channels, pictures))
    assert by_channel["B1"] == by_picture["B1"] == 0 and by_channel["B2"] == by_picture["B2"] == pytest.approx(1)
    assert (by_channel["B3"], by_picture["B3"]) == pytest.approx((0, 1))
    assert (by_channel["B4_share"], by_picture["B4_share"]) == pytest.approx((0, 1))


def test_a_selection_of_one_branch_has_nothing_to_divide() -> None:
    found = values_of(of_weights(np.ones((9, 1, 4)), "softmax"))
    assert [found[name] for name in ("B1", "B2_entropy", "B3")] == [None] * 3
    assert (found["B2"], found["B6"]) == (1, 0)


def test_a_squeeze_of_zeros() -> None:
    record = gate(30)
    found = values_of(replace(record, squeeze=np.zeros_like(record.squeeze)))
    assert (found["M12"], found["M12_zeros"]) == (0, 1)
