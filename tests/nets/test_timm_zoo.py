"""Networks of timm and of the hub come with their weights, preprocessing and names, from caches as the libraries lay them out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from PIL import Image
from timm.layers import SEModule
from torch import nn
from torchvision.transforms import CenterCrop, Normalize, Resize

from sevis.inspector import Inspector
from sevis.menu import menu
from sevis.nets.imagenet import class_names
from sevis.nets.network import CheckpointError, Network
from sevis.nets.sources import RANDOM, blueprint, load
from tests.local_hub import caches, keep
from tests.tiny_networks import batch

TINY = "test_byobnet"  # 456,856 weights, 4 SE gates
CONFIG: dict[str, Any] = {
    "input_size": [3, 96, 96],
    "crop_pct": 0.75,
    "mean": [0.1, 0.2, 0.3],
    "std": [0.4, 0.5, 0.6],
    "interpolation": "bilinear",
}


def tiny(**arguments: Any) -> nn.Module:
    return timm.create_model(TINY, zero_init_last=False, **arguments).eval()


def same(network: Network, module: nn.Module) -> bool:
    state, own = module.state_dict(), network.module.state_dict()
    return state.keys() == own.keys() and all(torch.equal(own[key], state[key]) for key in state)


def test_a_network_of_the_hub_is_loaded_as_its_config_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub, _ = caches(monkeypatch, tmp_path)
    module = tiny(num_classes=3)
    keep(hub, "org/pets", module, architecture=TINY, num_classes=3, label_names=["ant", "bee", "ant"], pretrained_cfg=CONFIG)
    network = load("hf-hub:org/pets")
    assert (network.name, network.classes, network.warnings) == ("hf-hub:org/pets", ("ant", "bee", "ant (2)"), ())
    assert same(network, module) and not network.module.training
    resize, crop, _, normalise = network.preprocessing.transforms
    assert isinstance(resize, Resize) and resize.size == 128 and resize.interpolation.value == "bilinear"
    assert isinstance(crop, CenterCrop) and tuple(crop.size) == (96, 96)
    assert isinstance(normalise, Normalize) and torch.equal(normalise.mean, torch.tensor([0.1, 0.2, 0.3]))
    inspector = Inspector(network)
    assert [site.path for site in inspector.sites] == [path for path, part in module.named_modules() if isinstance(part, SEModule)]
    assert len(inspector.sites) == 4 and inspector.warnings == ()


def test_labels_of_the_hub_are_described(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub, _ = caches(monkeypatch, tmp_path)
    described = {"n1": "an ant", "n2": "a bee"}
    labels = {"label_names": ["n1", "n2"], "label_descriptions": described}
    keep(hub, "org/pets", tiny(num_classes=2), architecture=TINY, num_classes=2, **labels, pretrained_cfg=CONFIG)
    assert load("hf-hub:org/pets").classes == ("an ant", "a bee")


def test_a_network_of_the_hub_is_drawn_without_its_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub, _ = caches(monkeypatch, tmp_path)
    keep(hub, "org/pets", tiny(num_classes=3), architecture=TINY, num_classes=3, label_names=["a", "b", "c"], pretrained_cfg=CONFIG)
    (weights,) = hub.rglob("model.safetensors")
    weights.unlink()
    network = load("hf-hub:org/pets", weights=None)
    assert network.classes == ("a", "b", "c") and network.warnings == (RANDOM,)


def test_a_name_of_timm_takes_the_hubs_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub, _ = caches(monkeypatch, tmp_path)
    module = tiny()
    keep(hub, f"timm/{TINY}.r160_in1k", module)
    for name in (f"timm/{TINY}.r160_in1k", f"timm/{TINY}"):
        network = load(name)
        assert same(network, module) and network.classes == class_names(1000) and network.warnings == ()
        assert network.preprocessing(Image.new("RGB", (300, 200))).shape == (3, 160, 160)


def test_a_legacy_name_takes_the_release_pages_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, folder = caches(monkeypatch, tmp_path)
    module = timm.create_model("legacy_seresnet18").eval()
    folder.mkdir(parents=True)
    torch.save(module.state_dict(), folder / "seresnet18-4bb0ce65.pth")
    network = load("timm/legacy_seresnet18.in1k")
    assert same(network, module) and network.classes[1] == "goldfish"


@pytest.mark.parametrize("content", [b"", b"\x00" * 100, b"noise" * 10])
def test_damaged_weights_are_told(content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub, folder = caches(monkeypatch, tmp_path)
    keep(hub, f"timm/{TINY}.r160_in1k", tiny())
    (weights,) = hub.rglob("model.safetensors")
    weights.write_bytes(content)
    folder.mkdir(parents=True)
    (folder / "seresnet18-4bb0ce65.pth").write_bytes(content)
    for name, path in ((f"timm/{TINY}", weights), ("timm/legacy_seresnet18", folder / "seresnet18-4bb0ce65.pth")):
        with pytest.raises(CheckpointError, match=rf"^The weights of {name} cannot be used \(.*\); delete {path} and fetch it again\.$"):
            load(name)


def test_weights_of_another_network_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub, _ = caches(monkeypatch, tmp_path)
    keep(hub, f"timm/{TINY}.r160_in1k", nn.Linear(2, 2))
    with pytest.raises(CheckpointError, match="cannot be used"):
        load(f"timm/{TINY}")


def test_residual_branches_do_not_begin_with_zeros() -> None:
    """timm's own beginning leaves every gate of an untrained network without a picture to see."""
    network = load("timm/seresnet18", weights=None)
    assert network.warnings == (RANDOM,)
    last = network.module.layer1[0].bn2.weight
    assert (last == 1).all() and (timm.create_model("seresnet18").layer1[0].bn2.weight == 0).all()
    with torch.no_grad():
        a, b = network.module(batch(2, 64))
    assert not torch.allclose(a, b)


@pytest.mark.parametrize("name", ["test_vit", "seresnet18.untrained", "test_resnet.r160_in1k"])
def test_names_without_weights_and_without_that_argument_are_built_too(name: str) -> None:
    assert len(load(f"timm/{name}", weights=None).classes) == 1000


def test_the_larger_imagenets_have_names() -> None:
    names = class_names(11821)
    assert len(set(names)) == 11821 and "kitchen table" in names


UNKNOWN = {
    "timm/seresnet5": "timm has no network 'seresnet5'; the closest names are seresnet50, ",
    "timm/test_byobnet.r161_in1k": "timm has no network 'test_byobnet.r161_in1k'; the closest names are test_byobnet.r160_in1k.",
    "timm/": "timm has no network ''; timm.list_models() has the names.",
    "timm/../../etc/passwd": "timm has no network '../../etc/passwd'; timm.list_models() has the names.",
    "timm/hf-hub:org/net": "timm has no network 'hf-hub:org/net'",
    "timm/seresnet18": "timm has no trained weights for 'seresnet18'; pass weights=None for random ones",
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_an_unknown_name_is_refused_with_the_closest(name: str) -> None:
    with pytest.raises(CheckpointError) as refused:
        load(name)
    assert str(refused.value).startswith(UNKNOWN[name])


@pytest.mark.parametrize("config", [{"model_type": "bert"}, {"architecture": "seresnet5"}, {"architecture": ["resnet18"]}])
def test_a_repository_of_something_else_is_refused(config: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub, _ = caches(monkeypatch, tmp_path)
    keep(hub, "org/net", nn.Linear(2, 2), **config)
    for weights in ("trained", None):
        with pytest.raises(CheckpointError, match=r"^The repository 'org/net' is not of a network that timm builds: its config\.json says"):
            load("hf-hub:org/net", weights=weights)


def test_a_damaged_config_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub, _ = caches(monkeypatch, tmp_path)
    keep(hub, "org/net", nn.Linear(2, 2), architecture=TINY)
    (config,) = hub.rglob("config.json")
    for content in (b"", b"{", b"\xff", b"[1]"):
        config.write_bytes(content)
        with pytest.raises(CheckpointError, match=rf"^{config} cannot be read \(.*\); delete it and fetch it again\.$"):
            load("hf-hub:org/net")


def test_a_network_without_classifier_is_refused() -> None:
    with pytest.raises(CheckpointError, match="has no classifier; choose one with classes"):
        load("timm/test_vit", weights=None, arguments={"num_classes": 0})


def test_a_network_of_one_colour_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub, _ = caches(monkeypatch, tmp_path)
    keep(hub, "org/grey", tiny(in_chans=1), architecture=TINY, pretrained_cfg=CONFIG | {"input_size": [1, 96, 96]})
    with pytest.raises(CheckpointError, match="takes pictures of 1 channels, expected the 3 of a photograph"):
        load("hf-hub:org/grey")


def test_arguments_that_it_does_not_know_are_told() -> None:
    with pytest.raises(CheckpointError, match=r"^timm/seresnet18 cannot be built as asked \(TypeError: .*wdith.*check its arguments\.$"):
        load("timm/seresnet18", weights=None, arguments={"wdith": 2})


# those that are larger are deeper: the same code builds them
@pytest.mark.parametrize("name", [entry.name for entry in menu() if entry.name.startswith("timm/") and entry.parameters < 13e6])
def test_a_network_of_the_menu_takes_no_memory_to_be_drawn(name: str) -> None:
    """An upload is compared with it before anything is allocated."""
    assert {tensor.device.type for tensor in blueprint(name).sketch(7).state_dict().values()} == {"meta"}
