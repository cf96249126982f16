"""What the menu says of its networks is what one counts; whether they are on this machine is read off the caches."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import timm
import torch
from torch import nn
from torchvision.models import get_model_weights

from sevis.menu import Entry, is_here, menu, write_menu
from sevis.nets.cost import macs
from sevis.nets.recommended import RECOMMENDED
from sevis.nets.se_resnet import ABLATIONS
from sevis.nets.sources import blueprint
from sevis.nets.zoo import shipped
from sevis.sizes import measure
from tests.local_hub import caches, keep

ENTRIES = {entry.name: entry for entry in menu()}


def test_all_that_is_recommended_or_ships_is_there_in_order() -> None:
    assert list(ENTRIES) == list(RECOMMENDED)
    here = {name for name, entry in ENTRIES.items() if not entry.url and not entry.repository}
    assert set(shipped()) == {name for name in here if not name.startswith("untrained/")}
    assert {name for name in here if " " in name} == {f"untrained/se_resnet50 {ablation}" for ablation in ABLATIONS}
    assert all(entry.gate == RECOMMENDED[name] and bool(entry.gates) == (entry.gate != "none") for name, entry in ENTRIES.items())


@pytest.mark.parametrize(
    "name",
    [
        "photos12/sk_net26",
        "timm/test_efficientnet.r160_in1k",
        "timm/mobilenetv3_small_050.lamb_in1k",
        "timm/resnest14d.gluon_in1k",
        "untrained/yolov5_se",
    ],
)
def test_its_numbers_are_measured(name: str) -> None:
    """As `python -m sevis models --measure` measures them; run it where they differ."""
    assert measure(name) == ENTRIES[name]


@pytest.mark.parametrize("name", [name for name in RECOMMENDED if name.startswith("torchvision/")])
def test_it_agrees_with_what_torchvision_says_of_its_networks(name: str) -> None:
    said = get_model_weights(name.removeprefix("torchvision/")).DEFAULT
    entry = ENTRIES[name]
    assert entry.parameters == said.meta["num_params"] and entry.url == said.url
    assert entry.macs / 1e9 == pytest.approx(said.meta["_ops"], abs=6e-4)


@pytest.mark.parametrize("name", [name for name in RECOMMENDED if name.startswith("timm/")])
def test_it_agrees_with_what_timm_says_of_its_weights(name: str) -> None:
    said = timm.get_pretrained_cfg(name.removeprefix("timm/"))
    entry = ENTRIES[name]
    assert (entry.licence, entry.classes, entry.side) == (said.license, said.num_classes, said.input_size[1])
    assert (entry.repository, entry.url) == ((said.hf_hub_id, "") if said.hf_hub_id else ("", said.url))


# parameters in millions and multiply-adds in billions: Hu et al. 2018, tables 2 and 3; Li et al. 2019's README; timm's results table
PUBLISHED = {
    "timm/legacy_seresnet50.in1k": (28.1, 3.87),
    "timm/legacy_seresnet101.in1k": (49.3, 7.60),
    "timm/legacy_seresnext50_32x4d.in1k": (27.6, 4.25),
    "timm/skresnext50_32x4d.ra_in1k": (27.5, 4.47),
    "timm/efficientnet_b0.ra_in1k": (5.29, 0.40),
    "timm/resnest50d.in1k": (27.48, 5.40),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_it_agrees_with_what_was_published(name: str) -> None:
    parameters, operations = PUBLISHED[name]
    assert ENTRIES[name].parameters / 1e6 == pytest.approx(parameters, rel=0.003)
    assert ENTRIES[name].macs / 1e9 == pytest.approx(operations, rel=0.04)


def test_multiply_adds_are_counted_by_hand() -> None:
    module = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1, stride=2), nn.Flatten(), nn.Linear(8 * 4 * 4, 5))
    assert macs(module, 8) == 16 * 8 * 27 + 128 * 5


def test_a_network_is_here_once_its_weights_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub, folder = caches(monkeypatch, tmp_path)
    from_hub, from_page = ENTRIES["timm/test_byobnet.r160_in1k"], ENTRIES["timm/legacy_seresnet18.in1k"]
    assert [is_here(entry) for entry in (from_hub, from_page, ENTRIES["photos12/se_resnet18"])] == [False, False, True]
    keep(hub, from_hub.repository, nn.Linear(2, 2))
    folder.mkdir(parents=True)
    (folder / "seresnet18-4bb0ce65.pth").write_bytes(b"")
    assert is_here(from_hub) and is_here(from_page)


def test_torchs_cache_is_found_without_torch(tmp_path: Path) -> None:
    """In each of the places that torch itself would take."""
    (tmp_path / "torch" / "hub" / "checkpoints").mkdir(parents=True)
    (tmp_path / "torch" / "hub" / "checkpoints" / "net-1234.pth").write_bytes(b"")
    script = "import sys; from sevis.nets.caches import url_cached; print(url_cached('https://x/net-1234.pth'), 'torch' in sys.modules)"
    for variables in ({"TORCH_HOME": str(tmp_path / "torch")}, {"XDG_CACHE_HOME": str(tmp_path)}):
        found = subprocess.run([sys.executable, "-c", script], env=variables, cwd=Path(__file__).parents[1], capture_output=True, text=True)
        assert found.stdout.split() == [str(tmp_path / "torch" / "hub" / "checkpoints" / "net-1234.pth"), "False"], found.stderr


def test_a_menu_is_written_as_it_is_read(tmp_path: Path) -> None:
    entries = tuple(replace(entry, licence='"é') for entry in menu()[:3])
    write_menu(entries, tmp_path / "menu.json")
    assert menu(tmp_path / "menu.json") == entries
    write_menu(menu(), tmp_path / "menu.json")
    shipped_file = Path(__file__).parents[1] / "assets" / "networks.json"
    assert (tmp_path / "menu.json").read_text(encoding="utf-8") == shipped_file.read_text(encoding="utf-8")


@pytest.mark.parametrize("entry", [entry for entry in menu() if entry.parameters < 3e6], ids=lambda entry: entry.name)
def test_its_parameters_are_those_of_the_network_that_is_built(entry: Entry) -> None:
    assert sum(values.numel() for values in blueprint(entry.name).build().parameters()) == entry.parameters
    assert torch.get_default_device().type == "cpu"
