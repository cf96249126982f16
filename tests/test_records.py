"""The records check their own shapes, name their blocks as the papers do, and their arithmetic is NumPy's."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields, replace
from typing import Any

import numpy as np
import pytest

from sevis.records import Cam, GateAverage, GateRecord, GateSite, Inspection, Prediction

N, C, D, H, W = 2, 4, 3, 5, 6
CHANNEL = GateSite("layer1.0.se", "channel", "sigmoid", 2, 1, 0, C)
BRANCH = GateSite("layer2.3.conv", "branch", "softmax", 3, 4, 1, C, ("3x3", "5x5"))
RANDOM = np.random.default_rng(0)


def record(site: GateSite = CHANNEL, **changed: Any) -> GateRecord:
    m = len(site.branches)
    arrays: dict[str, Any] = {
        "squeeze": RANDOM.normal(size=(N, C)),
        "hidden": RANDOM.normal(size=(N, D)),
        "logits": RANDOM.normal(size=(N, m, C)),
        "weights": RANDOM.uniform(size=(N, m, C)),
        "maps": RANDOM.normal(size=(N, m, C, H, W)),
    }
    return GateRecord(site, **arrays | changed)


def one(site: GateSite = CHANNEL) -> GateRecord:
    whole = record(site)
    return GateRecord(site, whole.squeeze[:1], None, whole.logits[:1], whole.weights[:1])


def cam(**changed: Any) -> Cam:
    return Cam(**{"path": "layer4", "name": "last map", "target": 1, "values": np.zeros((1, H, W)), "peak": np.ones(1)} | changed)


def inspection(**changed: Any) -> Inspection:
    given: dict[str, Any] = {
        "model": "tiny",
        "device": "cpu",
        "image": np.zeros((H, W, 3), np.uint8),
        "predictions": (Prediction(1, "cat", 0.9),),
        "target": Prediction(1, "cat", 0.9),
        "score": 2.0,
        "gates": (one(), one(BRANCH)),
        "influence": (np.zeros((1, 1, C)), np.zeros((1, 2, C))),
        "cams": (cam(), cam()),
        "last_cam": None,
    }
    return Inspection(**given | changed)


@pytest.mark.parametrize(("site", "name"), [(CHANNEL, "SE_2_1"), (BRANCH, "SK_3_4"), (replace(CHANNEL, stage=5, block=12), "SE_5_12")])
def test_a_site_has_the_papers_name(site: GateSite, name: str) -> None:
    assert site.name == name


@pytest.mark.parametrize("site", [CHANNEL, BRANCH])
def test_gated_is_the_weighted_sum_of_the_branches(site: GateSite) -> None:
    given = record(site)
    assert given.maps is not None
    expected = np.zeros((N, C, H, W))
    for n in range(N):
        for m in range(len(site.branches)):
            for c in range(C):
                expected[n, c] += given.weights[n, m, c] * given.maps[n, m, c]
    np.testing.assert_allclose(given.gated, expected, atol=1e-6)


def test_gated_needs_the_maps() -> None:
    with pytest.raises(ValueError, match=r"layer1\.0\.se: the feature maps were not recorded; inspect with maps=True"):
        _ = record(maps=None).gated


WRONG_SHAPES = {
    "squeeze": [(N, C + 1), (N + 1, C), (N, C, 1)],
    "hidden": [(N + 1, D), (N, D, 1)],
    "logits": [(N, 2, C), (N, C), (N, 1, C + 1)],
    "weights": [(N, 2, C), (N, 1, C + 1), (N, C)],
    "maps": [(N, 2, C, H, W), (N, 1, C, H), (N, C, H, W)],
}


@pytest.mark.parametrize(("name", "shape"), [(name, shape) for name, shapes in WRONG_SHAPES.items() for shape in shapes])
def test_a_wrong_shape_is_refused(name: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"layer1\.0\.se: \w+ has shape .*, expected \("):
        record(**{name: np.zeros(shape)})


def test_a_gate_may_lack_a_bottleneck_and_maps() -> None:
    bare = record(hidden=None, maps=None)
    assert bare.hidden is None and bare.maps is None


def test_percentile_is_the_share_of_pictures_below() -> None:
    weights = np.random.default_rng(3).random((400, 1, 2))
    quantiles = np.quantile(weights, np.linspace(0, 1, 21), axis=0)
    average = GateAverage("se", weights.mean(axis=0), weights.std(axis=0), 400, quantiles)
    for value in (0.07, 0.5, 0.93):
        below = 100 * (weights[:, 0, 1] < value).mean()
        assert average.percentile(0, 1, value) == pytest.approx(below, abs=2.5)
    assert average.percentile(0, 0, -1.0) == 0 and average.percentile(0, 0, 2.0) == 100
    assert GateAverage("se", weights.mean(axis=0), weights.std(axis=0), 400).percentile(0, 0, 0.5) is None


def test_quantiles_and_class_means_are_checked() -> None:
    mean = np.zeros((1, 3))
    with pytest.raises(ValueError, match="quantiles has shape"):
        GateAverage("se", mean, mean, 5, np.zeros((21, 1, 2)))
    with pytest.raises(ValueError, match="by_class has shape"):
        GateAverage("se", mean, mean, 5, by_class=np.zeros((12, 3)))


def test_deviation_counts_spreads_from_the_average() -> None:
    average = GateAverage("p", np.array([[0.5, 0.2, 0.9]]), np.array([[0.1, 0.0, 1e-9]]), 10)
    found = average.deviation(np.array([[[0.8, 0.7, 0.1]], [[0.5, 0.2, 0.9]]]))
    np.testing.assert_allclose(found, [[[3, 0, 0]], [[0, 0, 0]]], atol=1e-12)  # what never varies has no spread to count in


@pytest.mark.parametrize(("mean", "spread"), [((C,), (C,)), ((1, C), (1, C + 1)), ((2, C), (1, C))])
def test_an_averages_shapes_are_checked(mean: tuple[int, ...], spread: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="expected"):
        GateAverage("p", np.zeros(mean), np.zeros(spread), 1)


@pytest.mark.parametrize("changed", [{"values": np.zeros((H, W))}, {"peak": np.ones(2)}, {"peak": np.float64(1)}])
def test_a_maps_shapes_are_checked(changed: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"layer4: (values|peak) has shape"):
        cam(**changed)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"image": np.zeros((H, W), np.uint8)}, "image has shape"),
        ({"image": np.zeros((3, H, W), np.uint8)}, "image has shape"),
        ({"cams": (cam(),)}, "2 gates, 2 influences and 1 maps do not pair up"),
        ({"influence": ()}, "2 gates, 0 influences and 2 maps do not pair up"),
        ({"influence": (np.zeros((1, 1, C)), np.zeros((1, 1, C)))}, "influence has shape"),
        ({"averages": (GateAverage("p", np.zeros((1, C)), np.zeros((1, C)), 1),)}, "1 averages for 2 gates"),
    ],
)
def test_an_inspection_pairs_up(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        inspection(**changed)


def test_an_inspection_tells_its_sites_and_deviations() -> None:
    assert inspection().sites == (CHANNEL, BRANCH)
    assert inspection().deviation(0) is None
    averages = tuple(GateAverage("p", np.full((m, C), 0.5), np.full((m, C), 0.25), 9) for m in (1, 2))
    measured = inspection(averages=averages)
    found = measured.deviation(1)
    assert found is not None
    np.testing.assert_allclose(found, (measured.gates[1].weights - 0.5) / 0.25)


@pytest.mark.parametrize("made", [CHANNEL, record(), cam(), Prediction(0, "cat", 1.0), inspection()], ids=lambda made: type(made).__name__)
def test_records_are_frozen(made: Any) -> None:
    with pytest.raises(FrozenInstanceError):
        setattr(made, fields(made)[0].name, None)
