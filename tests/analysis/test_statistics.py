"""Statistics against NumPy over all pictures at once, and against themselves in parts, in any order."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest

from sevis.analysis.moments import DIRECTIONS, Covariance, Moments, _directions
from sevis.analysis.statistics import EDGES, UNKNOWN, GateStatistics, Growing, collect, from_arrays, to_arrays, total
from sevis.records import GateRecord
from tests.analysis.made_up_gates import CHANNELS, CLASSES, UNITS, gate, labels_of, of_weights, rows, slices

GATES = {
    "SE": gate(),
    "SE without bottleneck": gate(units=0),
    "SiLU": gate(silu=True),
    "hard sigmoid": gate(activation="hardsigmoid"),
    "tanh": gate(activation="tanh"),
    "ReLU": gate(activation="relu"),
    "SK": gate(activation="softmax", branches=2),
    "three branches": gate(activation="softmax", branches=3),
    "one picture": gate(1),
    "two pictures": gate(2),
    "one channel": gate(channels=1),
    "wide": gate(14, channels=200, units=20),
    "wide branches": gate(14, activation="softmax", branches=3, channels=90, units=8),
    "too wide": gate(14, channels=DIRECTIONS + 8, units=0),
    "constant": of_weights(np.full((20, 1, 6), 0.5, dtype=np.float32)),
}
CUTS: dict[str, list[int]] = {"one": [], "two": [13], "seven": [1, 2, 9, 9, 20, 38], "one a picture": list(range(1, 14))}


def of(record: GateRecord, labels: np.ndarray | None = None, classes: int = 0) -> GateStatistics:
    (statistics,) = collect([record], labels, classes)
    return statistics


def in_parts(record: GateRecord, cuts: list[int], *, labelled: bool = True) -> list[tuple[GateStatistics, ...]]:
    count = len(record.weights)
    labels = labels_of(count) if labelled else None
    parts = slices(count, [min(cut, count) for cut in cuts])
    return [collect([rows(record, part)], labels if labels is None else labels[part], CLASSES) for part in parts]


def assert_equal(one: GateStatistics, other: GateStatistics, tolerance: float = 1e-9) -> None:
    first, second = to_arrays([one]), to_arrays([other])
    assert first.keys() == second.keys()
    for name, array in first.items():
        assert array.shape == second[name].shape, name
        if array.dtype.kind in "iU":
            assert np.array_equal(array, second[name]), name
        else:
            scale = max(1.0, float(np.abs(array[np.isfinite(array)]).max(initial=0)))
            np.testing.assert_allclose(array, second[name], rtol=0, atol=tolerance * scale, err_msg=name)


@pytest.mark.parametrize("name", GATES)
@pytest.mark.parametrize("cuts", CUTS)
@pytest.mark.parametrize("labelled", [True, False])
def test_parts_in_any_order_add_up_to_the_whole(name: str, cuts: str, labelled: bool) -> None:
    (whole,) = total(in_parts(GATES[name], [], labelled=labelled))
    parts = in_parts(GATES[name], CUTS[cuts], labelled=labelled)
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(len(parts))
        (added,) = total(parts[place] for place in order)
        assert_equal(added, whole)


@pytest.mark.parametrize("asked", [[], [0], [5, 6, 11], list(range(20))], ids=["at the end", "first", "now and then", "after each"])
@pytest.mark.parametrize("begun", [False, True], ids=["anew", "gone on"])
def test_what_grows_is_the_total_whenever_it_is_asked(asked: list[int], begun: bool) -> None:
    parts = in_parts(GATES["SE"], list(range(2, 40, 2)))
    growing = Growing(parts[0] if begun else ())
    for place, part in enumerate(parts[begun:], int(begun)):
        growing.add(part)
        growing.add(())
        if place in asked:
            (so_far,) = growing.whole
            assert_equal(so_far, total(parts[: place + 1])[0])
        assert len(growing._parts) <= np.log2(place + 1) + 1 + begun
    assert_equal(growing.whole[0], total(parts)[0])
    assert Growing().whole == ()


def test_it_does_not_matter_which_parts_are_added_first() -> None:
    parts = [part for (part,) in in_parts(GATES["SK"], [13, 20])]
    sums = [(a + b) + c for a, b, c in permutations(parts)] + [a + (b + c) for a, b, c in permutations(parts)]
    for found in sums[1:]:
        assert_equal(found, sums[0])


@pytest.mark.parametrize("name", GATES)
def test_the_statistics_are_those_of_numpy(name: str) -> None:
    record = GATES[name]
    labels = labels_of(len(record.weights))
    found, weights = of(record, labels, CLASSES), record.weights.astype(float)
    assert (found.pictures, found.not_finite) == (len(weights), 0)
    assert found.labels.tolist() == sorted(set(labels.tolist()))
    for place, label in enumerate(found.labels):
        inside = weights[labels == label]
        assert found.weights.count[place] == len(inside)
        np.testing.assert_allclose(found.weights.mean[place], inside.mean(axis=0), atol=1e-12)
        np.testing.assert_allclose(found.weights.m2[place], inside.var(axis=0) * len(inside), atol=1e-12)
    np.testing.assert_allclose(found.overall.mean, weights.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(found.overall.spread, weights.std(axis=0), atol=1e-7)
    assert np.array_equal(found.low, weights.min(axis=0)) and np.array_equal(found.high, weights.max(axis=0))
    squeeze = record.squeeze.astype(float)
    np.testing.assert_allclose(found.squeeze.mean, squeeze.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(found.squeeze.spread, squeeze.std(axis=0), atol=1e-7)
    assert np.array_equal(found.squeeze_zeros, (squeeze == 0).sum(axis=0))
    if record.hidden is None:
        assert found.hidden is None and found.hidden_high.size == 0
    else:
        assert found.hidden is not None
        np.testing.assert_allclose(found.hidden.mean, record.hidden.astype(float).mean(axis=0), atol=1e-12)
        assert np.array_equal(found.hidden_high, record.hidden.max(axis=0))
        assert np.array_equal(found.hidden_low, record.hidden.min(axis=0))


def test_every_edge_is_in_the_bin_that_it_opens() -> None:
    """Also just below it and just above; in float32, as weights are recorded."""
    edges = np.arange(101, dtype=np.float32) / 100
    weights = np.concatenate([edges, np.nextafter(edges, np.float32(-1)), np.nextafter(edges, np.float32(2))])
    found = of(of_weights(weights.reshape(1, 1, -1), "tanh")).histogram[:, 0]
    assert np.array_equal(found.argmax(axis=0), np.searchsorted(EDGES, weights.astype(float), side="right"))


@pytest.mark.parametrize("name", GATES)
def test_every_weight_is_in_one_bin_of_its_own_channel(name: str) -> None:
    weights = GATES[name].weights
    histogram = of(GATES[name]).histogram
    assert histogram.shape == (len(EDGES) + 1, *weights.shape[1:])
    limits = [-np.inf, *EDGES, np.inf]
    for place in range(len(histogram)):
        inside = (weights >= limits[place]) & (weights < limits[place + 1])
        assert np.array_equal(histogram[place], inside.sum(axis=0)), limits[place]


def test_the_ends_and_the_outside_have_bins_of_their_own() -> None:
    tiny = np.finfo(np.float32).tiny
    values = [-0.5, 0, tiny, 0.004, 0.4799, 0.4801, 0.5, 0.5199, 0.5201, np.float32(1) - np.finfo(np.float32).epsneg, 1, 1.5]
    found = of(of_weights(np.array(values, dtype=np.float32).reshape(-1, 1, 1), "tanh"))
    assert found.histogram[[0, 1, 2, -3, -2, -1], 0, 0].tolist() == [1, 1, 2, 1, 1, 1]
    assert found.share(-np.inf, 0) == pytest.approx(1 / 12) and found.share(0, EDGES[1]) == pytest.approx(1 / 12)
    assert found.share(0.48, 0.52) == pytest.approx(3 / 12)
    assert found.share(1, np.inf) == pytest.approx(2 / 12) and found.share(1, EDGES[-1]) == pytest.approx(1 / 12)
    assert found.share(-np.inf, np.inf) == 1


def singular_values(record: GateRecord) -> np.ndarray:
    logits = record.logits.astype(float)
    if record.site.kind == "branch":
        logits = logits - logits.mean(axis=1, keepdims=True)
    flat = logits.reshape(len(logits), -1)
    return np.linalg.svd(flat - flat.mean(axis=0), compute_uv=False)


@pytest.mark.parametrize(
    "name", ["SE", "SE without bottleneck", "SK", "three branches", "wide", "wide branches", "too wide", "one channel"]
)
def test_the_singular_values_of_the_logits_are_found_again(name: str) -> None:
    found, expected = of(GATES[name]).logits.singular_values, singular_values(GATES[name])
    real = expected[expected > 1e-4 * expected[0]]
    np.testing.assert_allclose(found[: len(real)], real, rtol=1e-9)
    assert np.all(found[len(real) :] < 1e-4 * expected[0])


def test_a_rank_above_the_directions_is_cut_off() -> None:
    """The largest values are close, none is too large, and the whole variance is known."""
    values = np.random.default_rng(0).normal(size=(80, 60)) * np.linspace(3, 0, 60) ** 4
    found, expected = Covariance.of(values, rank=15), np.linalg.svd(values - values.mean(axis=0), compute_uv=False)
    assert found.product.shape == (60, 30)
    assert len(found.singular_values) == 30 and np.all(found.singular_values <= expected[:30] * (1 + 1e-9))
    np.testing.assert_allclose(found.singular_values[:10], expected[:10], rtol=0.02)
    assert found.total == pytest.approx(np.square(expected).sum())


def test_the_covariance_never_outgrows_its_directions() -> None:
    assert of(gate(3, channels=3 * DIRECTIONS, units=0)).logits.product.shape == (3 * DIRECTIONS, DIRECTIONS)
    assert of(gate(3, channels=3 * DIRECTIONS, units=16)).logits.product.shape == (3 * DIRECTIONS, 32)
    assert of(gate(3, channels=24, units=16)).logits.product.shape == (24, 24)


def test_two_machines_keep_the_same_directions() -> None:
    """Otherwise their parts would add up to nothing; the cache stands for the one machine's memory."""
    one = of(GATES["wide"])
    _directions.cache_clear()
    assert_equal(of(GATES["wide"]), one)


def test_a_spread_far_below_the_values_is_not_lost() -> None:
    """The sum of squares less the square of the sum would leave no correct digit here."""
    values = 1e4 + 1e-4 * np.random.default_rng(0).normal(size=(300, 5))
    parts = [Moments.of(part) for part in np.array_split(values, 7)]
    added = sum(parts[1:], parts[0])
    np.testing.assert_allclose(added.spread, values.std(axis=0), rtol=1e-6)


def test_the_size_does_not_depend_on_the_number_of_pictures() -> None:
    few, many = (to_arrays([of(gate(count), labels_of(count), CLASSES)]) for count in (50, 500))
    assert {name: array.nbytes for name, array in few.items()} == {name: array.nbytes for name, array in many.items()}


@pytest.mark.parametrize("name", GATES)
def test_what_was_stored_comes_back(name: str) -> None:
    record = GATES[name]
    kept = (of(record, labels_of(len(record.weights)), CLASSES), of(GATES["SE"]))
    file = io.BytesIO()
    np.savez(file, **to_arrays(kept))
    file.seek(0)
    with np.load(file, allow_pickle=False) as arrays:
        back = from_arrays(arrays)
    assert [each.site for each in back] == [record.site, GATES["SE"].site]
    for one, other in zip(back, kept, strict=True):
        assert_equal(one, other, 0)
        assert type(one.pictures) is int and type(one.excess) is float
        assert_equal(one + other, other + other, 0)


def test_more_than_ten_gates_come_back_in_order() -> None:
    kept = collect([replace(GATES["SE"], site=replace(GATES["SE"].site, depth=depth)) for depth in range(12)])
    assert [each.site.depth for each in from_arrays(to_arrays(kept))] == list(range(12))
    assert from_arrays({}) == ()


@pytest.mark.parametrize("broken", ["missing", "foreign", "another version"])
def test_what_is_not_ours_is_refused(broken: str) -> None:
    arrays = to_arrays(collect([GATES["SE"]]))
    site = json.loads(str(arrays["0.site"]))
    cases = {
        "missing": {name: array for name, array in arrays.items() if name != "0.weights.m2"},
        "foreign": {"conv1.weight": np.zeros(3)},
        "another version": arrays | {"0.site": np.array(json.dumps(site | {"colour": "red"}))},
    }
    with pytest.raises(ValueError, match="scan again"):
        from_arrays(cases[broken])


@pytest.mark.parametrize("field", ["squeeze", "hidden", "logits", "weights"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_picture_without_numbers_is_counted_and_left_out(field: str, value: float) -> None:
    record, labels = GATES["SE"], labels_of(40)
    spoilt = getattr(record, field).copy()
    spoilt[3].flat[1] = value
    found = of(replace(record, **{field: spoilt}), labels, CLASSES)
    others = np.delete(np.arange(40), 3)
    assert found.not_finite == 1
    assert_equal(replace(found, not_finite=0), of(rows(record, others), labels[others], CLASSES))


@pytest.mark.parametrize("name", ["SE", "SE without bottleneck", "three branches", "wide", "too wide"])
def test_nothing_added_changes_nothing(name: str) -> None:
    whole = of(GATES[name], labels_of(len(GATES[name].weights)), CLASSES)
    nothing = of(rows(GATES[name], slice(0)), np.empty(0, dtype=np.int64), CLASSES)
    assert nothing.pictures == 0 and nothing.share(0, 1) is None
    assert_equal(whole + nothing, whole)
    assert_equal(nothing + nothing, nothing)
    assert not nothing.overall.spread.any() and nothing.logits.singular_values.size == 0


def test_what_does_not_belong_together_is_not_added() -> None:
    whole = of(GATES["SE"])
    for other in (of(GATES["SK"]), of(GATES["SE"], labels_of(40), CLASSES), of(GATES["SE without bottleneck"])):
        with pytest.raises(ValueError, match="not the same gate"):
            whole + other
    with pytest.raises(ValueError, match="zip"):
        total([[whole], [whole, whole]])


def test_a_warning_of_one_part_is_one_of_the_whole() -> None:
    one, other = of(GATES["SE"]), of(replace(GATES["SE"], site=replace(GATES["SE"].site, warning="Its product is not its own.")))
    for found in (one + other, other + one):
        assert found.site == other.site and found.pictures == 80


@pytest.mark.parametrize(
    ("labels", "classes", "message"),
    [
        (np.zeros(39, dtype=np.int64), 4, r"shape \(39,\), expected \(40,\)"),
        (np.full(40, 4), 4, "from 4 to 4, expected -1 to 3"),
        (np.full(40, -2), 4, "from -2"),
        (np.zeros(40, dtype=np.int64), 0, "expected -1 to -1"),
    ],
)
def test_labels_that_do_not_fit_are_refused(labels: np.ndarray, classes: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        collect([GATES["SE"]], labels, classes)


def test_unlabelled_pictures_are_of_one_group() -> None:
    found = of(GATES["SE"])
    assert found.labels.tolist() == [UNKNOWN] and found.weights.count.tolist() == [40]
    assert found.labelled.mean.shape == (0, 1, CHANNELS) and found.hidden is not None and found.hidden.mean.shape == (UNITS,)


def test_records_are_left_as_they_were() -> None:
    record = gate(9)
    for array in (record.squeeze, record.logits, record.weights):
        array.flags.writeable = False
    one = of(record)
    before = to_arrays([one])
    one + one
    assert_equal(from_arrays(before)[0], one, 0)
