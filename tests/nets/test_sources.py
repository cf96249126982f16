"""A network by any name: each form finds its source, a checkpoint finds its network, and a visitor's upload finds nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from safetensors.torch import save
from torch import nn

from sevis.inspector import Inspector
from sevis.loading import load as inspect_with
from sevis.loading import load_uploaded
from sevis.nets import sources, zoo
from sevis.nets.network import CheckpointError
from sevis.nets.preprocessing import Preprocessing
from sevis.nets.recommended import RECOMMENDED
from sevis.nets.sources import RANDOM, SOURCES, load
from sevis.nets.sources import load_uploaded as fill_uploaded
from tests.tiny_networks import CLASSES, alive, batch, se_net

TINY = "timm/test_byobnet.r160_in1k"
OURS: dict[str, Any] = {"width": 0.125, "reduction": 4}


def tiny(logits: int = 1000) -> nn.Module:
    return alive(timm.create_model("test_byobnet", num_classes=logits))


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A checkpoint of a timm network of three classes."""
    path = tmp_path / "mine.safetensors"
    path.write_bytes(save(tiny(3).state_dict()))
    return path


FORMS = {
    "photos12/se_resnet18": 0,
    "se_resnet50": 1,
    "timm/resnet18": 2,
    "timm/hf-hub:a/b": 2,
    "hf-hub:org/net": 3,
    "hf-hub:org/net.pt": 3,
    "torchvision/resnet18": 4,
    "net.py:build": 5,
    "folder/net.py:build": 5,
    "package.module:build": 5,
    "untrained/timm/resnet18": 6,
    "faulty/low rank": 7,
    "healthy/photos12/se_resnet18": 7,
    "rearranged/post": 8,
}


@pytest.mark.parametrize("name", FORMS)
def test_every_form_has_one_source(name: str) -> None:
    assert [number for number, source in enumerate(SOURCES) if source.knows(name)] == [FORMS[name]]


@pytest.mark.parametrize(
    "name", ["", "resnet18", "photos12/", "../pretrained/photos12/se_resnet18", "hf_hub:org/net", "net.py", "a b:c", "x:y z"]
)
def test_an_unknown_name_is_refused_with_the_choices(name: str) -> None:
    with pytest.raises(
        CheckpointError, match=rf"^There is no network {re.escape(repr(name))}; choose from photos12/.* Names are written .*timm/NAME"
    ):
        load(name)


# ---- random weights


@pytest.mark.parametrize(("name", "classes"), [("se_resnet18", 10), ("sk_net26", 1000), ("photos12/se_resnet18", 12), (TINY, 1000)])
def test_random_weights_are_asked_for_and_told(name: str, classes: int) -> None:
    network = load(name, weights=None)
    assert len(network.classes) == classes and network.warnings == (RANDOM,) and not network.averages
    assert not network.module.training
    inspector = Inspector(network)
    assert inspector.warnings[0] == RANDOM and inspector.sites


def test_arguments_reach_the_builder() -> None:
    network = load("se_resnet18", weights=None, arguments={**OURS, "classes": 7, "stem": "imagenet"})
    assert network.module.linear.weight.shape == (7, 64) and len(network.classes) == 7
    assert network.preprocessing == Preprocessing(224, 256)
    assert load("se_resnet18", weights=None, arguments=OURS).preprocessing == Preprocessing(32, 32)


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("se_resnet18", {}, "No weights ship for se_resnet18; pass weights=None"),
        ("se_resnet18", {"weights": None, "arguments": {"depht": 3}}, r"se_resnet18 cannot be built as asked \(TypeError"),
        ("photos12/se_resnet18", {"arguments": {"width": 2}}, "has weights that fit it as it is; arguments go with weights=None"),
        (TINY, {"arguments": {"num_classes": 2}}, "has weights that fit it as it is"),
        (TINY, {"arch": "timm/resnet18"}, "is no checkpoint file, which ends in .safetensors, .pt"),
        ("mine.pt", {}, "A checkpoint does not tell which network mine.pt is of; name it with arch="),
        ("mine.pt", {"arch": TINY}, "There is no checkpoint mine.pt in the folder"),
    ],
)
def test_what_does_not_go_together_is_refused(name: str, options: dict[str, Any], said: str) -> None:
    with pytest.raises(CheckpointError, match=said):
        load(name, **options)


# ---- a checkpoint of one's own


def test_a_checkpoint_fills_a_network_of_timm(weights: Path) -> None:
    network = load(str(weights), arch=TINY, classes=("ant", "bee", "cat"))
    assert (network.name, network.classes, network.warnings) == (f"mine.safetensors ({TINY})", ("ant", "bee", "cat"), ())
    with torch.no_grad():
        assert torch.equal(network.module(batch(2, 64)), tiny(3)(batch(2, 64)))
    assert load(str(weights), arch=TINY).classes == ("class 0", "class 1", "class 2")


def test_a_checkpoint_as_timms_training_script_writes_it(tmp_path: Path) -> None:
    """Another head than timm's own, wrapped for several devices and compiled, averaged weights beside the last ones."""
    averaged = {f"module._orig_mod.{key}": values for key, values in tiny(12).state_dict().items()}
    last = {key: torch.zeros_like(values) for key, values in averaged.items()}
    torch.save(
        {"epoch": 9, "arch": "test_byobnet", "state_dict": last, "state_dict_ema": averaged, "optimizer": {}}, tmp_path / "best.pth.tar"
    )
    network = load(str(tmp_path / "best.pth.tar"), arch=TINY)
    assert len(network.classes) == 12
    with torch.no_grad():
        assert torch.equal(network.module(batch(2, 64)), tiny(12)(batch(2, 64)))


def test_a_checkpoint_fills_one_of_our_own_networks(tmp_path: Path) -> None:
    torch.save({"model": se_net().state_dict()}, tmp_path / "net.pt")
    seen = Preprocessing(16, 16)
    network = load(str(tmp_path / "net.pt"), arch="se_resnet18", arguments=OURS, classes=CLASSES, transform=seen)
    assert network.classes == CLASSES and network.preprocessing is seen
    with torch.no_grad():
        assert torch.equal(network.module(batch()), se_net()(batch()))


def test_a_checkpoint_fills_what_a_shipped_network_is_built_from(tmp_path: Path) -> None:
    name = "photos12/se_resnet18"
    original = zoo.load_network(name)
    torch.save(original.module.state_dict(), tmp_path / "net.pt")
    network = load(str(tmp_path / "net.pt"), arch=name)
    assert network.classes == original.classes and network.preprocessing == original.preprocessing
    assert torch.equal(network.module.linear.weight, original.module.linear.weight)


def test_a_checkpoint_fills_a_network_of_torchvision(tmp_path: Path) -> None:
    from torchvision.models import mobilenet_v3_small

    module = alive(mobilenet_v3_small(num_classes=4))
    torch.save(module.state_dict(), tmp_path / "net.pt")
    network = load(str(tmp_path / "net.pt"), arch="torchvision/mobilenet_v3_small")
    assert len(network.classes) == 4 and torch.equal(network.module.classifier[-1].weight, module.classifier[-1].weight)


def test_class_names_must_fit(weights: Path) -> None:
    with pytest.raises(CheckpointError, match="gives 3 logits, but 2 class names were given"):
        load(str(weights), arch=TINY, classes=("ant", "bee"))


def test_a_checkpoint_of_another_network_lists_what_differs(weights: Path) -> None:
    with pytest.raises(
        CheckpointError, match=r"^The checkpoint mine.safetensors does not fit torchvision/mobilenet_v3_small: \d+ tensors missing: "
    ):
        load(str(weights), arch="torchvision/mobilenet_v3_small")


# ---- one's own code

CODE = """
import torch
from parts import head

class Net(torch.nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 8, 3, stride=4)
        self.gate = torch.nn.Sequential(torch.nn.Linear(8, 2), torch.nn.ReLU(), torch.nn.Linear(2, 8), torch.nn.Sigmoid())
        self.head = head(classes)
    def forward(self, x):
        x = self.conv(x)
        x = x * self.gate(x.mean((2, 3)))[:, :, None, None]
        return self.head(x.mean((2, 3)))

def build(classes=3):
    return Net(classes)

def whole():
    return Net(2), lambda picture: torch.zeros(3, 20, 20), ("ant", "bee")

def nothing():
    return None

broken = 3
"""


@pytest.fixture
def code(tmp_path: Path) -> Path:
    (tmp_path / "parts.py").write_text("import torch\n\ndef head(classes):\n    return torch.nn.Linear(8, classes)\n")
    (tmp_path / "my_net.py").write_text(CODE)
    return tmp_path / "my_net.py"


def test_a_function_of_a_file_builds_the_network(code: Path) -> None:
    network = load(f"{code}:build")
    assert network.classes == ("class 0", "class 1", "class 2") and network.warnings == () and not network.module.training
    assert [site.channels for site in Inspector(network).sites] == [8]
    assert len(load(f"{code}:build", arguments={"classes": 4}).classes) == 4
    assert load(f"{code}:build", classes=CLASSES[:3]).classes == CLASSES[:3]


def test_a_function_may_give_transform_and_names(code: Path) -> None:
    network = load(f"{code}:whole")
    assert network.classes == ("ant", "bee") and network.preprocessing(None).shape == (3, 20, 20)


def test_a_function_of_a_package_builds_the_network(code: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(code.parent)
    assert len(load("my_net:build").classes) == 3


def test_a_checkpoint_fills_what_a_function_builds(code: Path, tmp_path: Path) -> None:
    module = load(f"{code}:build").module
    torch.save(module.state_dict(), tmp_path / "net.pt")
    assert torch.equal(load(str(tmp_path / "net.pt"), arch=f"{code}:build").module.head.weight, module.head.weight)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("my_net.py:missing", "has no function 'missing'"),
        ("my_net.py:broken", "has no function 'broken'"),
        ("my_net.py:nothing", "gives NoneType, expected a torch.nn.Module"),
        ("none.py:build", "There is no file none.py"),
        ("no_such_module:build", "There is no module 'no_such_module' here"),
    ],
)
def test_code_that_builds_nothing_is_told(name: str, said: str, code: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(code.parent)
    with pytest.raises(CheckpointError, match=said):
        load(name)


# ---- what a visitor uploads


def test_an_upload_fills_a_network_of_the_menu(weights: Path) -> None:
    data = weights.read_bytes()
    network = fill_uploaded(data, TINY, ("ant", "bee", "cat"))
    assert network.classes == ("ant", "bee", "cat")
    with torch.no_grad():
        assert torch.equal(network.module(batch(2, 64)), tiny(3)(batch(2, 64)))
    assert fill_uploaded(data, TINY).classes == ("class 0", "class 1", "class 2")
    assert load_uploaded(data, TINY, ("ant", "bee", "cat"), "cpu").classes == ("ant", "bee", "cat")


@pytest.mark.parametrize(
    "arch",
    ["", "se_resnet18", "timm/resnet18", "net.py:build", "os:system", "hf-hub:org/net", f"{TINY} ", "/etc/passwd", "mine.safetensors"],
)
def test_an_upload_goes_into_no_other_network(arch: str, weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("read_safetensors", "blueprint"):
        monkeypatch.setattr(sources, name, lambda *_: pytest.fail("an upload was looked at"))
    with pytest.raises(CheckpointError, match=r"^There is no network .* in the menu; choose from photos12/"):
        fill_uploaded(weights.read_bytes(), arch)


UPLOADS: dict[str, tuple[Callable[[bytes], bytes], tuple[str, ...], str]] = {
    "too few names": (lambda data: data, ("ant",), "gives 3 logits, but 1 class names were given"),
    "a name twice": (lambda data: data, ("ant", "ant", "bee"), "'ant' is empty, there twice"),
    "cut short": (lambda data: data[:-1], (), "is not a safetensors file"),
    "a pickle": (lambda _: b"\x80\x04\x95", (), "is not a safetensors file"),
    "not a number": (
        lambda _: save(
            {key: values * float("nan") if values.is_floating_point() else values for key, values in tiny(3).state_dict().items()}
        ),
        (),
        "holds values that are not finite",
    ),
}


@pytest.mark.parametrize("case", UPLOADS)
def test_an_upload_that_does_not_fit_is_refused_in_a_sentence(case: str, weights: Path) -> None:
    change, names, said = UPLOADS[case]
    with pytest.raises(CheckpointError) as refused:
        fill_uploaded(change(weights.read_bytes()), TINY, names)
    assert said in str(refused.value) and "\n" not in str(refused.value)


def test_an_upload_over_the_limit_is_refused(weights: Path) -> None:
    data = weights.read_bytes()
    assert fill_uploaded(data, TINY, limit=len(data))
    with pytest.raises(CheckpointError, match=r"^The checkpoint upload\.safetensors has 0\.8 MB, expected at most 0\.8 MB"):
        fill_uploaded(data, TINY, limit=len(data) - 1)


def test_an_upload_is_never_unpickled(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pickle

    for owner, name in ((torch, "load"), (pickle, "load"), (pickle, "loads"), (pickle, "Unpickler")):
        monkeypatch.setattr(owner, name, lambda *_a, **_k: pytest.fail("a pickle was read"))
    assert fill_uploaded(weights.read_bytes(), TINY)


@pytest.mark.parametrize(
    ("name", "task", "count"),
    [
        ("untrained/yolov5_se", "detection", 20),
        (f"untrained/{TINY}", "classification", 1000),
        ("untrained/se_densenet", "classification", 1000),
    ],
)
def test_an_untrained_network_says_so(name: str, task: str, count: int) -> None:
    network = load(name)
    assert (network.name, network.task, network.warnings) == (name, task, (RANDOM,)) and len(network.classes) == count
    assert load(name, arguments={} if name.endswith(TINY) else {"classes": 7}).warnings == (RANDOM,)


def test_the_signal_of_an_untrained_network_does_not_fade() -> None:
    """Half of what an untrained gate says would be 0.5 otherwise, whatever the picture."""
    network = load("untrained/se_resnet18")
    norms = [part for part in network.module.modules() if isinstance(part, nn.BatchNorm2d)]
    assert norms and all(norm.momentum == 0.1 and not norm.training for norm in norms)
    pictures = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    made: list[torch.Tensor] = []
    handles = [norm.register_forward_hook(lambda *passed: made.append(passed[2])) for norm in norms]
    with torch.no_grad():
        network.module(pictures)
    for handle in handles:
        handle.remove()
    assert all(0.5 < values.std() < 2 for values in made)


def test_the_menu_can_be_filled() -> None:
    """Each of its names has a source that gives a blueprint, and none of them is a file or code."""
    for name in RECOMMENDED:
        (number,) = [number for number, source in enumerate(SOURCES) if source.knows(name)]
        assert number in (0, 2, 4, 6)


def test_the_inspector_loads_by_any_name(weights: Path) -> None:
    inspector = inspect_with(str(weights), device="cpu", arch=TINY, classes=("ant", "bee", "cat"))
    assert inspector.classes == ("ant", "bee", "cat") and len(inspector.sites) == 4 and inspector.warnings == ()
    assert inspect_with(TINY, "cpu", weights=None).warnings == (RANDOM,)
