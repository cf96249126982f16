"""What a card says is what was measured: against a restatement in NumPy, and on the checkpoint as it is read back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from sevis import card
from sevis.nets.photographs import Photographs
from sevis.nets.preprocessing import Preprocessing
from sevis.nets.recipes import Recipe
from sevis.nets.zoo import load_network
from sevis.records import GateRecord
from tests import papers_in_numpy as papers
from tests.tiny_checkpoints import ARGUMENTS, SIDE, photographs
from tests.tiny_networks import CLASSES, se_net, selective_net

COUNT = card.BATCH + 1  # one more than a batch: the remainder must not stand alone
PREPROCESSING = Preprocessing(SIDE, SIDE)


@pytest.fixture(scope="module")
def shown() -> Photographs:
    return photographs(COUNT)


def tensor_of(shown: Photographs) -> Tensor:
    return torch.stack([PREPROCESSING(Image.fromarray(pixels.transpose(1, 2, 0))) for pixels in shown.pixels])


@pytest.fixture(scope="module")
def restated(shown: Photographs) -> tuple[np.ndarray, list[papers.Gate]]:
    return papers.se_resnet(se_net(), tensor_of(shown))


def test_measured_is_the_restatement(shown: Photographs, restated: tuple[np.ndarray, list[papers.Gate]]) -> None:
    logits, gates = restated
    measured, averages = card.measure(se_net(), shown, PREPROCESSING)
    predicted = logits.argmax(axis=1)
    hits = [int(label == best) for label, best in zip(shown.labels, predicted, strict=True)]
    assert 0 < sum(hits) < COUNT
    assert measured["pictures"] == COUNT and measured["top1"] == pytest.approx(sum(hits) / COUNT)
    confusion = [[int(((shown.labels == a) & (predicted == b)).sum()) for b in range(len(CLASSES))] for a in range(len(CLASSES))]
    assert measured["confusion"] == confusion and sum(map(sum, confusion)) == COUNT
    assert [(gate["name"], gate["path"]) for gate in measured["gates"]] == [
        (f"SE_{stage + 1}_{block + 1}", f"layer{stage}.{block}.se") for stage in (1, 2, 3, 4) for block in (0, 1)
    ]
    for told, gate in zip(measured["gates"], gates, strict=True):
        weights = gate.weights[:, 0]
        n, c = weights.shape
        mean = sum(weights[i] for i in range(n)) / n
        spread = np.sqrt(sum((weights[i] - mean) ** 2 for i in range(n)) / n)
        assert told["mean"] == pytest.approx(weights.sum() / (n * c), rel=1e-4)
        assert told["image_std"] == pytest.approx(spread.sum() / c, rel=1e-3)
        assert told["channel_std"] == pytest.approx(np.sqrt(((mean - mean.sum() / c) ** 2).sum() / c), rel=1e-3)
        np.testing.assert_allclose(averages[f"{gate.path}.mean"].numpy(), mean[None], atol=1e-5)
        np.testing.assert_allclose(averages[f"{gate.path}.spread"].numpy(), spread[None], atol=1e-5)
    assert len(averages) == 16


def test_a_selections_share_is_its_last_branchs() -> None:
    weights = np.zeros((2, 2, 3))
    weights[:, 1] = [[0.1, 0.5, 0.9], [0.3, 0.5, 0.7]]
    weights[:, 0] = 1 - weights[:, 1]
    told = card.aliveness(weights)
    assert told["mean"] == pytest.approx(0.5)
    assert told["image_std"] == pytest.approx((0.1 + 0 + 0.1) / 3)
    assert told["channel_std"] == pytest.approx(np.std([0.2, 0.5, 0.8]))


def gates_of(module: nn.Module, shown: Photographs, *, permuted: bool) -> list[tuple[GateRecord, ...]]:
    batches: list[tuple[GateRecord, ...]] = []
    card.run(module, shown, PREPROCESSING, permuted=permuted, record=batches.append)
    return batches


def own_weights(record: GateRecord) -> np.ndarray:
    """What the gate would have been: from its logits, which the permutation does not touch."""
    logits = record.logits.astype(np.float64)
    powers = np.exp(logits)
    return powers / powers.sum(axis=1, keepdims=True) if record.site.kind == "branch" else papers.sigmoid(logits)


def order_of(record: GateRecord) -> list[int]:
    """Whose gate each picture of a batch got."""
    distance = np.abs(own_weights(record)[None] - record.weights[:, None]).max(axis=(2, 3))
    assert (distance.min(axis=1) < 1e-5).all()
    return distance.argmin(axis=1).tolist()


@pytest.mark.parametrize("make", [lambda: se_net(seed=1), selective_net])
def test_permuted_gates_are_another_pictures(make: Callable[[], nn.Module], shown: Photographs) -> None:
    """All of the batch's gates, none in its place, and in every block the same exchange."""
    batches = gates_of(make(), shown, permuted=True)
    assert [len(records[0].weights) for records in batches] == [33, 32]
    for records in batches:
        order = order_of(records[-1])
        assert sorted(order) == list(range(len(order)))
        assert all(place != whose for place, whose in enumerate(order))
        for record in records:
            np.testing.assert_allclose(record.weights, own_weights(record)[order], atol=1e-5)
    for records in gates_of(make(), shown, permuted=False):
        for record in records:
            np.testing.assert_allclose(record.weights, own_weights(record), atol=1e-5)


def test_permuting_changes_what_follows_but_not_the_pictures(shown: Photographs) -> None:
    for before, after in zip(gates_of(se_net(), shown, permuted=False), gates_of(se_net(), shown, permuted=True), strict=True):
        assert np.abs(before[0].squeeze - after[0].squeeze).max() < 1e-6
        assert np.abs(before[-1].squeeze - after[-1].squeeze).max() > 1e-3


def test_permuting_equal_pictures_changes_nothing(shown: Photographs) -> None:
    same = Photographs(np.repeat(shown.pixels[:1], 5, axis=0), np.zeros(5, np.int64), CLASSES)
    assert np.array_equal(card.run(se_net(), same, PREPROCESSING), card.run(se_net(), same, PREPROCESSING, permuted=True))


def test_predictions_come_in_the_photographs_order(shown: Photographs, restated: tuple[np.ndarray, list[papers.Gate]]) -> None:
    for seed in (0, 1):
        assert card.run(se_net(), shown, PREPROCESSING, seed=seed).tolist() == restated[0].argmax(axis=1).tolist()


# ---- publish


@pytest.fixture(scope="module")
def published(shown: Photographs, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("pretrained")
    state = se_net().state_dict()
    return folder, card.publish(folder, "tiny/net", "se_resnet18", ARGUMENTS, state, [Recipe(epochs=7)], shown, PREPROCESSING)


def test_the_written_card_is_the_given_one(published: tuple[Path, dict[str, Any]]) -> None:
    folder, told = published
    written = json.loads((folder / "tiny" / "net.json").read_text(encoding="utf-8"))
    assert written == json.loads(json.dumps(told))
    assert (written["name"], written["architecture"], written["arguments"]) == ("tiny/net", "se_resnet18", ARGUMENTS)
    assert written["classes"] == list(CLASSES) and written["recipes"] == json.loads(json.dumps([asdict(Recipe(epochs=7))]))
    assert sorted(path.name for path in (folder / "tiny").iterdir()) == ["net.gates.safetensors", "net.json", "net.safetensors"]
    for key, suffix in ((written["sha256"], ""), (written["averages"]["sha256"], ".gates")):
        assert hashlib.sha256((folder / "tiny" / f"net{suffix}.safetensors").read_bytes()).hexdigest() == key


def test_the_checkpoint_that_is_read_back_does_what_the_card_says(published: tuple[Path, dict[str, Any]], shown: Photographs) -> None:
    folder, told = published
    network = load_network("tiny/net", folder)
    with torch.no_grad():
        predicted = torch.cat([network.module(picture[None]) for picture in tensor_of(shown)]).argmax(dim=1).numpy()
    assert (predicted == shown.labels).mean() == pytest.approx(told["measured"]["top1"])
    confusion = np.zeros((len(CLASSES),) * 2, int)
    for label, best in zip(shown.labels, predicted, strict=True):
        confusion[label, best] += 1
    assert confusion.tolist() == told["measured"]["confusion"]
    assert sum(p.numel() for p in network.module.parameters()) == told["parameters"]
    assert network.preprocessing == PREPROCESSING and network.classes == CLASSES
    assert [average.path for average in network.averages] == [gate["path"] for gate in told["measured"]["gates"]]
    for average, gate in zip(network.averages, told["measured"]["gates"], strict=True):
        assert average.pictures == COUNT
        assert float(average.mean.mean()) == pytest.approx(gate["mean"], rel=1e-4)
        assert float(average.spread.mean()) == pytest.approx(gate["image_std"], rel=1e-3)


def test_weights_are_stored_in_half_precision(published: tuple[Path, dict[str, Any]]) -> None:
    from safetensors.torch import load_file

    stored, exact = load_file(published[0] / "tiny" / "net.safetensors"), se_net().state_dict()
    assert stored.keys() == exact.keys()
    for name, values in exact.items():
        assert torch.equal(stored[name], values.half() if values.is_floating_point() else values)
