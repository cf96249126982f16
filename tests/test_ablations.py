"""Ablations of every gate: the effects against those of weights put in by hand, and what cannot be ablated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.special import log_softmax
from scipy.stats import entropy, sem
from torch import Tensor

from sevis import ablations
from sevis.ablations import EDITS, ablate, gathered
from sevis.analysis.ablation import ABLATIONS, FRESH, Ablated, compared, read_ablations, write_ablations
from sevis.capture.tracer import Tape, Watch
from sevis.datasets import open_source
from sevis.inspector import Inspector
from tests.tiny_networks import CLASSES, Plain, detector, network, pictures, se_net, selective_net, short

PICTURES = pictures(7)
NETWORKS = {
    "SE": lambda: short(se_net(seed=6)),
    "SK": lambda: short(selective_net()),
    "three branches": lambda: short(selective_net(branches=3)),
}


@pytest.fixture(scope="module", params=NETWORKS)
def patient(request: pytest.FixtureRequest) -> Inspector:
    return Inspector(network(NETWORKS[request.param]()))


def answers(inspector: Inspector, edit: Callable[[int, Tensor], Tensor] | None = None) -> tuple[np.ndarray, list[np.ndarray]]:
    """Logits and weights of all pictures, in the order given, with weights rewritten."""
    batch = inspector.batch([inspector.tensor(picture) for picture in PICTURES])
    with torch.no_grad(), Tape(inspector.module, Watch(proof=False, rewrite=edit, plan=inspector.plan)) as tape:
        logits = inspector.module(batch).numpy()
    return logits, [record.weights for record in tape.records()]


def kl(own: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.asarray(entropy(*(np.exp(log_softmax(each.astype(float), axis=1)) for each in (own, other)), axis=1))


def swapped(weights: np.ndarray) -> np.ndarray:
    """Every picture with the weights of the one before it in the order in which they are shown."""
    order = ablations._batches(len(weights), 0)[0]
    given = np.empty(len(order), dtype=int)
    given[order] = np.roll(order, 1)
    assert (given != np.arange(len(order))).all()
    return weights[given]


# weights (N, M, C) -> what they become
EXPECTED: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "open": lambda w: np.full_like(w, 1 / w.shape[1]),
    "mean": lambda w: np.broadcast_to(w.mean(axis=0), w.shape).copy(),
    "images": swapped,
}


@pytest.mark.parametrize("name", EXPECTED)
def test_the_effects_are_those_of_the_weights_that_are_meant(patient: Inspector, name: str) -> None:
    own, weights = answers(patient)
    for depth, measured in enumerate(ablate(patient, PICTURES)):
        instead = torch.from_numpy(EXPECTED[name](weights[depth]))
        other, _ = answers(patient, lambda d, w, here=depth, new=instead: new if d == here else w)  # type: ignore[misc]
        effect, expected = measured.effects[name], kl(own, other)
        assert effect.divergence.mean == pytest.approx(expected.mean(), rel=1e-3, abs=1e-7)
        assert effect.divergence.error == pytest.approx(sem(expected), rel=1e-3, abs=1e-7)
        assert effect.flips.mean == pytest.approx((own.argmax(1) != other.argmax(1)).mean())


def test_permuted_channels_keep_their_weights(patient: Inspector) -> None:
    weights = torch.from_numpy(answers(patient)[1][0])
    gate = ablations._gates(patient.sites, [np.zeros((1, 1))] * len(patient.sites), 3)[0]
    dealt = EDITS["channels"](weights, gate)
    assert not torch.equal(dealt, weights)
    torch.testing.assert_close(dealt.sort(dim=2).values, weights.sort(dim=2).values)
    torch.testing.assert_close(dealt[0], weights[0][:, gate.order])


def test_every_ablation_can_be_carried_out(patient: Inspector) -> None:
    assert list(EDITS) == list(ABLATIONS)
    measured = ablate(patient, PICTURES)
    assert [each.path for each in measured] == [site.path for site in patient.sites]
    assert all(list(each.effects) == list(ABLATIONS) and each.leak < 1e-6 and each.pictures == 7 for each in measured)
    assert all(effect.divergence.mean > 0 for each in measured for effect in each.effects.values())


@pytest.mark.parametrize("rows", [1, 14, 500])
def test_how_many_edits_go_together_changes_nothing(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    inspector, steps = Inspector(network(short(se_net(seed=6)))), []
    whole = ablate(inspector, PICTURES)
    monkeypatch.setattr(ablations, "ROWS", {"cpu": rows})
    again = ablate(inspector, PICTURES, report=lambda done, total: steps.append((done, total)))
    passes = -(-16 // max(rows // 7, 1))
    assert steps == [(n + 1, passes) for n in range(passes)]
    for one, other in zip(whole, again, strict=True):
        for name in ABLATIONS:
            assert one.effects[name].divergence.mean == pytest.approx(other.effects[name].divergence.mean, rel=1e-3, abs=1e-7)


def test_many_batches_come_back_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """The means are over all pictures, whatever their batches."""
    inspector = Inspector(network(short(se_net(seed=6))))
    whole = ablate(inspector, PICTURES, depths=[1])[1].effects["mean"]
    monkeypatch.setattr(ablations, "BATCH", 3)
    assert [len(batch) for batch in ablations._batches(7, 0)] == [3, 2, 2]
    parts = ablate(inspector, PICTURES, depths=[1])
    assert parts[1].effects["mean"].divergence.mean == pytest.approx(whole.divergence.mean, rel=1e-3)
    assert [bool(each.effects) for each in parts] == [False, True, False, False]


def test_means_of_a_data_set_take_the_place_of_the_pictures_own() -> None:
    inspector = Inspector(network(short(se_net(seed=6))))
    ones = [np.ones((1, site.channels)) for site in inspector.sites]
    for each in ablate(inspector, PICTURES, means=ones):
        means, opened = (each.effects[name].divergence.mean for name in ("mean", "open"))
        assert means == pytest.approx(opened, rel=1e-3) and means > 1e-6


def test_labels_are_what_counts_as_right() -> None:
    """Against the logits themselves; without a label the network's own answer is right."""
    before, after = np.random.default_rng(0).normal(size=(2, 40, 5)).astype(np.float32)
    targets = np.random.default_rng(1).integers(0, 5, 40)
    effect = compared(before, after, targets)
    loss = [-log_softmax(each.astype(float), axis=1)[np.arange(40), targets] for each in (before, after)]
    right = [(each.argmax(axis=1) == targets).astype(float) for each in (before, after)]
    assert (effect.loss.mean, effect.loss.error) == pytest.approx(((loss[1] - loss[0]).mean(), sem(loss[1] - loss[0])))
    assert (effect.accuracy.mean, effect.accuracy.error) == pytest.approx(((right[1] - right[0]).mean(), sem(right[1] - right[0])))
    inspector = Inspector(network(short(se_net(seed=6))))
    own = answers(inspector)[0].argmax(axis=1)
    mixed = np.where(np.arange(7) < 3, own, -1)
    unknown, known = ablate(inspector, PICTURES), ablate(inspector, PICTURES, mixed)
    assert known[0].effects == unknown[0].effects and (unknown[0].labelled, known[0].labelled) == (0, 3)
    assert unknown[0].effects["open"].accuracy.mean == -unknown[0].effects["open"].flips.mean


def test_the_same_seed_gives_the_same_numbers() -> None:
    inspector = Inspector(network(short(se_net(seed=6))))
    assert ablate(inspector, PICTURES) == ablate(inspector, PICTURES) != ablate(inspector, PICTURES, seed=1)


def test_a_twin_that_fits_is_measured_and_another_is_not() -> None:
    inspector, twin = (Inspector(network(short(se_net(seed=seed)))) for seed in (6, 5))
    fresh = [each.fresh for each in ablate(inspector, PICTURES, [0, 1, -1, 0, 1, 1, 0], depths=[], twin=twin)]
    _, weights = answers(twin)
    assert [each["M1"] for each in fresh] == pytest.approx([w.std(axis=0).mean() for w in weights], rel=1e-4)
    assert all(each.keys() == set(FRESH) and each["M11"] is not None for each in fresh)
    assert [each.fresh for each in ablate(inspector, PICTURES, depths=[], twin=Inspector(network(se_net())))] == [{}] * 4


def test_a_network_without_gates_has_nothing_to_ablate() -> None:
    assert ablate(Inspector(network(Plain(32, pooled=True))), PICTURES) == ()


REFUSED: dict[str, tuple[Callable[[], tuple[Inspector, list[np.ndarray], list[int] | None]], str]] = {
    "a detector": (lambda: (Inspector(replace(network(detector(), 64), task="detection")), PICTURES, None), "classifiers only"),
    "one picture": (lambda: (Inspector(network(short(se_net(seed=6)))), PICTURES[:1], None), "give two or more"),
    "an unknown class": (lambda: (Inspector(network(short(se_net(seed=6)))), PICTURES, [9] * 7), f"0 to {len(CLASSES) - 1}"),
    "too few targets": (lambda: (Inspector(network(short(se_net(seed=6)))), PICTURES, [0] * 6), "6 targets for 7 pictures"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_ablated_is_refused_with_a_sentence(name: str) -> None:
    asked, sentence = REFUSED[name]
    with pytest.raises(ValueError, match=sentence):
        ablate(*asked())


# ---- kept in a run, and pictures from a source


def test_what_is_kept_comes_back(tmp_path: Path) -> None:
    inspector = Inspector(network(short(selective_net())))
    measured = ablate(inspector, PICTURES, twin=inspector)
    assert read_ablations(tmp_path) == ()
    write_ablations(tmp_path, measured)
    assert read_ablations(tmp_path) == measured


def test_what_was_kept_stays_where_the_next_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = [Ablated("a", 0, {}, 0.0, 5, 5)]
    write_ablations(tmp_path, before)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("sevis.aside.os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_ablations(tmp_path, [Ablated("b", 0, {}, 0.0, 5, 5)])
    assert read_ablations(tmp_path) == tuple(before)


@pytest.mark.parametrize("text", ["{", "[]", '{"format": 2, "gates": []}', '{"format": 1, "gates": [{"path": "a", "effects": {"b": {}}}]}'])
def test_a_damaged_file_is_told_as_one(text: str, tmp_path: Path) -> None:
    (tmp_path / "ablations.json").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match="delete it"):
        read_ablations(tmp_path)


def test_pictures_are_gathered_with_the_places_of_their_labels(tmp_path: Path) -> None:
    colours = {"bee": 10, "dog": 200, "yak": 90}
    for label, value in colours.items():
        (tmp_path / label).mkdir()
        for n in range(3):
            Image.fromarray(np.full((8, 8, 3), value + n, np.uint8)).save(tmp_path / label / f"{n}.png")
    (tmp_path / "bee" / "broken.png").write_bytes(b"no picture")
    found, targets = gathered(open_source(tmp_path), CLASSES, 100)
    expected = {10: CLASSES.index("bee"), 200: CLASSES.index("dog"), 90: -1}
    assert len(found) == 9 and [expected[int(each[0, 0, 0]) // 10 * 10] for each in found] == targets.tolist()
    assert len(gathered(open_source(tmp_path), CLASSES, 4)[0]) == 4
