"""The checkpoints that ship: what their cards say holds, and their gates are alive."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest

import sevis
from sevis.analysis.looks import read_looks
from sevis.loading import available
from sevis.nets.zoo import PRETRAINED, read_card
from sevis.records import Inspection

SAMPLES = PRETRAINED.parent / "assets" / "samples"
KNOWN = [entry for entry in json.loads((SAMPLES / "samples.json").read_text(encoding="utf-8")) if entry["class"]]
CLAIMS = {"photos12/se_resnet18": 0.87, "photos12/sk_net26": 0.87, "photos12/se_densenet": 0.80}  # top-1 on val
MISTAKEN = {("photos12/se_densenet", "chelsea.jpg")}  # a dog, it says
COLLAPSED = "photos12/se_resnet18_collapsed"
GATES = {"photos12/se_resnet18": 8, "photos12/sk_net26": 8, "photos12/se_densenet": 20, "photos12/yolov5_se": 1, COLLAPSED: 8}


def test_all_networks_ship() -> None:
    assert set(available()) == set(GATES) == {*CLAIMS, "photos12/yolov5_se", COLLAPSED}


@pytest.mark.parametrize("name", CLAIMS)
def test_the_card_reaches_the_claim(name: str) -> None:
    assert read_card(name)["measured"]["top1"] >= CLAIMS[name]


@pytest.mark.parametrize("name", CLAIMS)
def test_the_card_counts_right(name: str) -> None:
    measured = read_card(name)["measured"]
    confusion = np.array(measured["confusion"])
    assert confusion.sum() == measured["pictures"] == 3057
    assert np.trace(confusion) / confusion.sum() == pytest.approx(measured["top1"])


@pytest.mark.parametrize("name", GATES)
def test_files_are_small(name: str) -> None:
    for path in PRETRAINED.glob(f"{name}*"):
        assert path.stat().st_size <= 12_000_000


def test_the_detector_finds_what_its_card_says_and_says_what_it_is() -> None:
    card = read_card("photos12/yolov5_se")
    assert "composed pictures" in card["about"] and card["measured"]["of"].startswith("composed pictures")
    assert card["measured"]["found"] >= 0.75 and card["measured"]["right"] >= 0.6 and card["measured"]["boxes"] == 6560


def test_the_detector_frames_a_cathedral() -> None:
    inspection = sevis.load("photos12/yolov5_se", device="cpu").inspect(SAMPLES / "reims-cathedral.jpg")
    best = inspection.predictions[0]
    assert best.label == "church" and best.probability > 0.5 and best.box is not None
    left, top, right, bottom = best.box
    assert (right - left) * (bottom - top) > 0.3 * 192**2
    assert any("composed pictures" in warning for warning in inspection.warnings)


def test_squeeze_and_excitation_answers_to_pictures() -> None:
    measured = read_card("photos12/se_resnet18")["measured"]
    assert (np.array([gate["image_std"] for gate in measured["gates"]]) > 0.06).mean() >= 0.75
    assert measured["top1"] - measured["top1_with_gates_of_another_picture"] >= 0.05


def test_squeeze_and_excitation_tells_channels_apart() -> None:
    gates = read_card("photos12/se_resnet18")["measured"]["gates"]
    assert (np.array([gate["channel_std"] for gate in gates]) > 0.10).mean() >= 0.75


def test_selection_is_alive() -> None:
    measured = read_card("photos12/sk_net26")["measured"]
    assert (np.array([gate["image_std"] for gate in measured["gates"]]) > 0.05).mean() >= 0.5


def test_the_collapsed_one_names_what_collapsed_it_and_when() -> None:
    """Every weight is nearly one half for all pictures, and yet the network works. Its log ends where its card begins."""
    card = read_card(COLLAPSED)
    gates, looks = card["measured"]["gates"], read_looks(PRETRAINED / f"{COLLAPSED}.training.jsonl")
    assert "5e-3" in card["about"] and [recipe["excitation_decay"] for recipe in card["recipes"]] == [5e-3]
    assert all(gate["image_std"] < 0.02 and gate["channel_std"] < 0.02 and abs(gate["mean"] - 0.5) < 0.02 for gate in gates)
    assert card["measured"]["top1"] > 0.7 and card["measured"]["top1_with_gates_of_another_picture"] > card["measured"]["top1"] - 0.01
    assert len(looks) == card["training"]["looks"] == card["recipes"][0]["epochs"]
    for gate in gates:
        assert looks[-1].gates[gate["name"]]["M1"] == pytest.approx(gate["image_std"], rel=0.35, abs=5e-3)  # 48 pictures for 3,057


LOGGED = sorted(str(log.relative_to(PRETRAINED)).removesuffix(".training.jsonl") for log in PRETRAINED.rglob("*.training.jsonl"))


@pytest.mark.parametrize("name", LOGGED)
def test_a_log_is_the_one_that_its_card_names(name: str) -> None:
    """A look an epoch, from the first to the last, of every gate; of another run than the weights' own where the card says so."""
    card, log = read_card(name), PRETRAINED / f"{name}.training.jsonl"
    looks = read_looks(log)
    assert hashlib.sha256(log.read_bytes()).hexdigest() == card["training"]["sha256"]
    trained, note = sum(recipe["epochs"] for recipe in card["recipes"]), card["training"].get("note", "")
    assert len(looks) == card["training"]["looks"] == (trained if not note else len(looks))
    assert not note or (len(looks) < trained and f"second, shorter run of their recipe: {len(looks)} epochs" in note)
    assert {gate["name"] for gate in card["measured"]["gates"]} == looks[0].gates.keys() == looks[-1].gates.keys()


@pytest.mark.parametrize("name", CLAIMS)
@pytest.mark.parametrize("entry", KNOWN, ids=lambda entry: entry["file"])
def test_samples_are_classified_right_but_for_the_known_mistakes(name: str, entry: dict[str, str]) -> None:
    best = sevis.load(name, device="cpu").inspect(SAMPLES / entry["file"]).predictions[0].label
    assert (best == entry["class"]) == ((name, entry["file"]) not in MISTAKEN)


@pytest.mark.parametrize("name", GATES)
def test_averages_fit_the_gates(name: str) -> None:
    inspection: Inspection = sevis.load(name, device="cpu").inspect(SAMPLES / "chelsea.jpg")
    card = {gate["path"]: gate for gate in read_card(name)["measured"]["gates"]}
    assert len(inspection.averages) == len(inspection.gates) == GATES[name]
    for record, average in zip(inspection.gates, inspection.averages, strict=True):
        assert average.path == record.site.path and average.mean.shape == record.weights.shape[1:]
        assert average.spread[-1].mean() == pytest.approx(card[average.path]["image_std"], abs=1e-4)
        assert average.quantiles is not None and average.quantiles.shape == (21, *average.mean.shape)
        assert (np.diff(average.quantiles, axis=0) >= 0).all() and (average.by_class is None) == (name == "photos12/yolov5_se")
        assert average.mean[-1].std() == pytest.approx(card[average.path]["channel_std"], abs=1e-4)
        assert not record.site.warning
