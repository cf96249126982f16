"""Checkpoints: what ships is loaded as its card says, and everything else is refused in one sentence."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from sevis.nets.preprocessing import Preprocessing
from sevis.nets.se_resnet import DEPTHS as SE_DEPTHS
from sevis.nets.sk_net import DEPTHS as SK_DEPTHS
from sevis.nets.zoo import ARCHITECTURES, CheckpointError, blueprint, load_network, read_card, shipped
from tests.tiny_checkpoints import SIDE, ship, write
from tests.tiny_networks import CLASSES, batch, se_net

NAME = "tiny/net"
BESIDE = {"yolov5_se": 5}  # a box and its objectness beside the classes


def test_every_depth_has_its_name() -> None:
    assert {f"se_resnet{depth}" for depth in SE_DEPTHS} | {f"sk_net{depth}" for depth in SK_DEPTHS} <= set(ARCHITECTURES)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_architecture_is_built_with_as_many_logits_as_asked_for(name: str) -> None:
    with torch.device("meta"):
        assert ARCHITECTURES[name](classes=7).eval()(torch.empty(1, 3, 64, 64)).shape[-1] == 7 + BESIDE.get(name, 0)


@pytest.mark.parametrize(("name", "count"), [("se_resnet18", 10), ("sk_net26", 1000)])
def test_a_blueprint_names_the_logits_that_it_builds(name: str, count: int) -> None:
    plan = blueprint(name, {})
    assert (len(plan.classes), plan.sketch().linear.out_features, plan.sketch(7).linear.out_features) == (count, count, 7)


def test_a_shipped_network_has_a_blueprint_as_its_card_says(tmp_path: Path) -> None:
    state = ship(tmp_path)
    plan = blueprint(NAME, {}, tmp_path)
    assert plan.classes == CLASSES and plan.preprocessing(nn.Identity()) == Preprocessing(SIDE, SIDE)
    assert {key: values.shape for key, values in plan.sketch().state_dict().items()} == {key: values.shape for key, values in state.items()}
    assert plan.sketch(9).linear.out_features == 9
    rewrite_card(tmp_path, architecture="vgg")
    with pytest.raises(CheckpointError, match=r"The card tiny/net\.json does not describe a network"):
        blueprint(NAME, {}, tmp_path)


@pytest.mark.parametrize(("name", "side"), [("se_resnet18", 32), ("sk_net26", 224)])
def test_an_architecture_sees_the_size_that_its_stem_is_made_for(name: str, side: int) -> None:
    assert blueprint(name, {}).preprocessing(nn.Identity()).side == side
    assert blueprint(name, {"stem": "imagenet"}).preprocessing(nn.Identity()).side == 224


def test_a_checkpoint_is_loaded_as_its_card_says(tmp_path: Path) -> None:
    state = ship(tmp_path)
    network = load_network(NAME, tmp_path)
    assert (network.name, network.classes, network.preprocessing) == (NAME, CLASSES, Preprocessing(SIDE, SIDE))
    loaded = network.module.state_dict()
    assert loaded.keys() == state.keys() and all(torch.equal(loaded[key], state[key]) for key in state)
    assert not any(part.training for part in network.module.modules())
    assert [average.path for average in network.averages] == [f"layer{s}.{b}.se" for s in (1, 2, 3, 4) for b in (0, 1)]
    for average in network.averages:
        assert average.pictures == 9 and average.mean.dtype == np.float32
        assert (average.mean == 0.5).all() and np.allclose(average.spread, 0.1)
    with torch.no_grad():
        assert torch.equal(network.module(batch(2, SIDE)), se_net()(batch(2, SIDE)))


def test_half_precision_weights_become_float32(tmp_path: Path) -> None:
    state = ship(tmp_path)
    halved = {key: values.half() if values.is_floating_point() else values for key, values in state.items()}
    sha256 = write(tmp_path / "tiny" / "net.safetensors", halved)
    rewrite_card(tmp_path, sha256=sha256)
    loaded = load_network(NAME, tmp_path).module.state_dict()
    assert all(loaded[key].dtype == state[key].dtype and torch.equal(loaded[key], halved[key].to(loaded[key].dtype)) for key in state)


def test_names_are_listed_in_order(tmp_path: Path) -> None:
    for name in ("b/second", "a/third", "a/first"):
        ship(tmp_path, name)
    assert shipped(tmp_path) == ("a/first", "a/third", "b/second")
    assert read_card("a/third", tmp_path)["name"] == "a/third"
    assert shipped(tmp_path / "missing") == ()


# ---- what is refused

WEIGHTS, GATES, CARD = (Path("tiny") / f"net{suffix}" for suffix in (".safetensors", ".gates.safetensors", ".json"))


def rewrite_card(folder: Path, **changed: object) -> None:
    """Change the card; an entry of None goes away."""
    card = json.loads((folder / CARD).read_text()) | changed
    (folder / CARD).write_text(json.dumps({key: value for key, value in card.items() if value is not None}))


def flip(path: Path, place: float) -> None:
    """Turn one bit of a file."""
    content = bytearray(path.read_bytes())
    content[int(place * (len(content) - 1))] ^= 1
    path.write_bytes(content)


def replace_state(folder: Path, change: Callable[[dict[str, torch.Tensor]], None]) -> None:
    """Another state, with a card that knows its sha256."""
    state = se_net().state_dict()
    change(state)
    rewrite_card(folder, sha256=write(folder / WEIGHTS, state))


def foreign(folder: Path, content: bytes) -> None:
    """Not safetensors at all, with a card that knows its sha256."""
    import hashlib

    (folder / WEIGHTS).write_bytes(content)
    rewrite_card(folder, sha256=hashlib.sha256(content).hexdigest())


class Exploding:
    """What a pickle runs when it is read."""

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return pytest.fail, ("a pickle was read",)


BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "weights missing": (lambda folder: (folder / WEIGHTS).unlink(), "net.safetensors is missing"),
    "averages missing": (lambda folder: (folder / GATES).unlink(), "net.gates.safetensors is missing"),
    "first byte": (lambda folder: flip(folder / WEIGHTS, 0), "net.safetensors is damaged: its sha256 begins with"),
    "middle byte": (lambda folder: flip(folder / WEIGHTS, 0.5), "net.safetensors is damaged"),
    "last byte": (lambda folder: flip(folder / WEIGHTS, 1), "net.safetensors is damaged"),
    "byte of the averages": (lambda folder: flip(folder / GATES, 0.7), "net.gates.safetensors is damaged"),
    "cut short": (lambda folder: (folder / WEIGHTS).write_bytes((folder / WEIGHTS).read_bytes()[:-1]), "is damaged"),
    "empty": (lambda folder: (folder / WEIGHTS).write_bytes(b""), "is damaged"),
    "card not JSON": (lambda folder: (folder / CARD).write_text("{'classes': "), "net.json cannot be read"),
    "card not text": (lambda folder: (folder / CARD).write_bytes(b"\xff\xfe\x00"), "net.json cannot be read"),
    "card a list": (lambda folder: (folder / CARD).write_text("[1, 2]"), "net.json does not describe a network"),
    "card empty": (lambda folder: (folder / CARD).write_text("{}"), "net.json does not describe a network"),
    "no classes": (lambda folder: rewrite_card(folder, classes=None), "net.json does not describe a network"),
    "no averages": (lambda folder: rewrite_card(folder, averages=None), "net.json does not describe a network"),
    "no preprocessing": (lambda folder: rewrite_card(folder, preprocessing={}), "net.json does not describe a network"),
    "unknown architecture": (lambda folder: rewrite_card(folder, architecture="vgg"), "net.json does not describe a network"),
    "unknown argument": (lambda folder: rewrite_card(folder, arguments={"deep": 1}), "net.json does not describe a network"),
    "averages of another network": (
        lambda folder: rewrite_card(folder, averages=json.loads((folder / CARD).read_text())["averages"] | {"paths": ["layer9"]}),
        "net.json does not describe a network",
    ),
    "wrong shape": (
        lambda folder: replace_state(folder, lambda state: state.update({"linear.weight": torch.zeros(5, 63)})),
        "does not fit its network: 1 tensor of another kind: linear.weight is (5, 63), expected (5, 64).",
    ),
    "tensor missing": (
        lambda folder: replace_state(folder, lambda state: state.pop("linear.bias")),
        "does not fit its network: 1 tensor missing: linear.bias.",
    ),
    "tensor too many": (
        lambda folder: replace_state(folder, lambda state: state.update({"extra": torch.zeros(1)})),
        "does not fit its network: 1 tensor unexpected: extra.",
    ),
    "another width": (lambda folder: rewrite_card(folder, arguments={"classes": 5, "width": 0.25}), "does not fit its network"),
    "a pickle": (lambda folder: foreign(folder, pickle.dumps(Exploding())), "net.safetensors is not a safetensors file"),
    "noise": (lambda folder: foreign(folder, b"\x00" * 100), "net.safetensors is not a safetensors file"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_checkpoint_is_refused_in_one_sentence(case: str, tmp_path: Path) -> None:
    damage, said = BROKEN[case]
    ship(tmp_path)
    load_network(NAME, tmp_path)
    damage(tmp_path)
    with pytest.raises(CheckpointError) as refused:
        load_network(NAME, tmp_path)
    sentence = str(refused.value)
    assert said in sentence
    assert sentence.startswith("The ") and sentence.endswith(".") and "\n" not in sentence and str(tmp_path) not in sentence


@pytest.mark.parametrize("name", ["tiny/nett", "", ".", "net", "tiny", "tiny/net.json", "TINY/NET", "\0"])
def test_an_unknown_name_is_refused_with_the_choices(name: str, tmp_path: Path) -> None:
    ship(tmp_path)
    ship(tmp_path, "tiny/other")
    with pytest.raises(CheckpointError, match=r"^There is no network .*; choose from tiny/net, tiny/other\.$"):
        load_network(name, tmp_path)


def test_an_empty_folder_says_so(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"choose from none: the folder pretrained/ is empty\.$"):
        load_network(NAME, tmp_path)


@pytest.mark.parametrize(
    "trick", ["../outside/net", "tiny/../../outside/net", "./tiny/net", "tiny//net", "tiny/./net", "../../etc/passwd", "tiny\\net"]
)
def test_no_path_leaves_the_folder(trick: str, tmp_path: Path) -> None:
    """Also where a whole checkpoint lies at the path's end."""
    inside = tmp_path / "pretrained"
    ship(inside)
    ship(tmp_path, "outside/net")
    for name in (trick, str(tmp_path / "outside" / "net")):
        with pytest.raises(CheckpointError, match="There is no network"):
            load_network(name, inside)


def test_a_checkpoint_is_never_unpickled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ship(tmp_path)
    for owner, name in ((torch, "load"), (pickle, "load"), (pickle, "loads"), (pickle, "Unpickler")):
        monkeypatch.setattr(owner, name, lambda *_a, **_k: pytest.fail("a pickle was read"))
    assert isinstance(load_network(NAME, tmp_path).module, nn.Module)


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_checkpoint_loads(name: str) -> None:
    network, card = load_network(name), read_card(name)
    assert sum(p.numel() for p in network.module.parameters()) == card["parameters"]
    with torch.no_grad():
        answer = network.module(torch.zeros(1, 3, 64, 64))
    assert answer.shape[-1] == len(network.classes) + BESIDE.get(card["architecture"], 0)
    assert len(network.averages) == len(card["measured"]["gates"]) > 0
    assert network.warnings == ((card["about"],) if card.get("about") else ())
