"""What a card says is what was measured: against a restatement in NumPy, and on the checkpoint as it is read back."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from sevis import card
from sevis.analysis.looks import read_looks
from sevis.nets.photographs import Photographs
from sevis.nets.preprocessing import Preprocessing
from sevis.nets.recipes import Course, Recipe
from sevis.nets.zoo import load_network
from tests.tiny_checkpoints import ARGUMENTS, SIDE, photograph_files, photographs
from tests.tiny_networks import CLASSES, se_net

COUNT = 9
PREPROCESSING = Preprocessing(SIDE, SIDE)


@pytest.fixture(scope="module")
def shown() -> Photographs:
    return photographs(COUNT)


def tensor_of(shown: Photographs) -> Tensor:
    return torch.stack([PREPROCESSING(Image.fromarray(pixels.transpose(1, 2, 0))) for pixels in shown.pixels])


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


COURSE = Course(
    {"width": 0.125, "reduction": 4},
    (Recipe(epochs=2, sizes=((1.0, 16),), batch=8, precision="float32"), Recipe(epochs=1, sizes=((1.0, 16),), batch=8, seed=1)),
    side=SIDE,
    architecture="se_resnet18",
)


def test_a_made_checkpoint_says_how_its_gates_came_to_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A look after every epoch of every recipe; the last one is what the stored network shows on the same pictures."""
    monkeypatch.setitem(card.RECIPES, "tiny", COURSE)
    monkeypatch.setattr(card, "PHOTOGRAPH", 20)
    data = photograph_files(tmp_path / "photographs", 4)
    told = card.make("tiny", data, group="own", out=tmp_path / "out", runs=tmp_path / "runs", decay=0.25)
    log = tmp_path / "out" / "own" / "tiny.training.jsonl"
    looks = read_looks(log)
    assert [look.step for look in looks] == [1, 2, 3]
    assert told["training"] == {"sha256": hashlib.sha256(log.read_bytes()).hexdigest(), "looks": 3, "pictures": card.PROBE}
    assert [recipe["excitation_decay"] for recipe in told["recipes"]] == [0.25, 0.25]
    assert [gate["name"] for gate in told["measured"]["gates"]] == list(looks[0].gates)
    for gate in told["measured"]["gates"]:  # val is smaller than the probe: the same pictures
        seen = looks[-1].gates[gate["name"]]
        assert seen["M2"] == pytest.approx(gate["channel_std"], rel=0.02) and seen["M1"] == pytest.approx(gate["image_std"], rel=0.2)
    again = card.make("tiny", data, group="own", out=tmp_path / "again", runs=tmp_path / "runs", decay=0.25)
    assert again["training"] == told["training"] and again["sha256"] == told["sha256"]
