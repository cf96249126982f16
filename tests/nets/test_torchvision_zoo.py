"""Classifiers of torchvision come with their weights, transforms and categories."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch
from torchvision.models import MobileNet_V3_Small_Weights, mobilenet_v3_small

from sevis.nets.imagenet import class_names
from sevis.nets.network import CheckpointError
from sevis.nets.sources import RANDOM, load
from sevis.nets.torchvision_zoo import blueprint
from tests.local_hub import caches

NAME = "torchvision/mobilenet_v3_small"
FILE = "mobilenet_v3_small-047dcff4.pth"


def test_weights_come_from_torch_hubs_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, folder = caches(monkeypatch, tmp_path)
    folder.mkdir(parents=True)
    module = mobilenet_v3_small().eval()
    torch.save(module.state_dict(), folder / FILE)
    network = load(NAME)
    own = network.module.state_dict()
    assert all(torch.equal(own[key], values) for key, values in module.state_dict().items()) and not network.module.training
    assert network.classes == class_names(1000) and network.warnings == ()
    assert repr(network.preprocessing) == repr(MobileNet_V3_Small_Weights.DEFAULT.transforms())


def test_a_cached_file_is_never_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """torchvision itself would unpickle it."""

    class Exploding:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return pytest.fail, ("a pickle was run",)

    _, folder = caches(monkeypatch, tmp_path)
    folder.mkdir(parents=True)
    (folder / FILE).write_bytes(pickle.dumps(Exploding()))
    with pytest.raises(CheckpointError, match=f"^The checkpoint {FILE} "):
        load(NAME)


def test_weights_of_another_network_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, folder = caches(monkeypatch, tmp_path)
    folder.mkdir(parents=True)
    torch.save({"weight": torch.zeros(1)}, folder / FILE)
    with pytest.raises(CheckpointError, match=rf"^The weights of {NAME} cannot be used \(.*delete {folder / FILE} and fetch it again"):
        load(NAME)


def test_weights_that_are_out_of_reach_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, folder = caches(monkeypatch, tmp_path)
    monkeypatch.setattr(MobileNet_V3_Small_Weights.DEFAULT.value, "url", f"http://127.0.0.1:9/{FILE}")
    with pytest.raises(CheckpointError, match=rf"^The file {FILE} is not on this machine and cannot be fetched .* Its place is {folder}:"):
        load(NAME)


def test_random_weights_fetch_nothing() -> None:
    network = load(NAME, weights=None)
    assert network.classes == class_names(1000) and network.warnings == (RANDOM,)


def test_the_number_of_classes_is_a_blueprints_to_choose() -> None:
    assert blueprint(NAME, {}).sketch(7).classifier[-1].out_features == 7


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("mobilenet_v3_smal", "the closest names are mobilenet_v3_small"),
        ("fasterrcnn_resnet50_fpn", "choose from alexnet"),
        ("x", "choose from alexnet"),
    ],
)
def test_what_is_no_classifier_of_torchvision_is_refused(name: str, said: str) -> None:
    with pytest.raises(CheckpointError, match=f"^torchvision has no classifier '{name}'; {said}"):
        load(f"torchvision/{name}")
