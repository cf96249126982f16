"""Every row of docs/networks.md, built by its own call and measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import torch
from torch import nn

import sevis
from sevis.nets.cost import macs, parameters
from sevis.nets.preprocessing import Preprocessing
from sevis.nets.se_densenet import se_densenet
from sevis.nets.se_inception import FAMILIES, se_inception
from sevis.nets.se_resnet import ABLATIONS, DEPTHS, se_resnet
from sevis.nets.sk_net import sk_net
from sevis.nets.yolov5_se import yolov5_se
from tests import SLOW
from tests.nets.test_ablations import GATES, PUBLISHED
from tests.tiny_networks import batch, pictures

DOC = Path(__file__).parents[2] / "docs" / "networks.md"
NONE = "–"
GATE_MODULES = {"SqueezeExcitation", "SelectiveKernel", "SEModule"}


def table(first: str) -> list[dict[str, str]]:
    """The rows of the document's table whose first column has that title."""
    lines = DOC.read_text(encoding="utf-8").split(f"| {first} |", 1)[1].split("\n\n", 1)[0].splitlines()
    titles = [first, *cells("|" + lines[0])]
    return [dict(zip(titles, cells(line), strict=True)) for line in lines[2:]]


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().removeprefix("|").removesuffix("|").split("|")]


NETWORKS, ABLATION_ROWS = table("network"), table("ablation")


def create_model(name: str) -> nn.Module:
    import timm

    return timm.create_model(name)


BUILDERS: Mapping[str, Callable[..., nn.Module]] = {
    builder.__name__: builder for builder in (se_resnet, sk_net, se_densenet, se_inception, yolov5_se, create_model)
}


def built(call: str) -> nn.Module:
    """What the call gives, without memory for its weights."""
    with torch.device("meta"):
        module: nn.Module = eval(call, {"__builtins__": {}}, dict(BUILDERS))
    return module.eval()


def gmacs(module: nn.Module, side: int) -> str:
    return f"{macs(module, side) / 1e9:.2f}"


@pytest.mark.parametrize("row", NETWORKS, ids=[row["network"] for row in NETWORKS])
def test_a_network_is_what_its_row_says(row: dict[str, str]) -> None:
    module = built(row["call"].strip("`"))
    assert row["parameters"] == f"{parameters(module):,}"
    assert row["GMACs"] == gmacs(module, int(row["picture"]))
    assert int(row["gates"]) == sum(type(part).__name__ in GATE_MODULES for part in module.modules())


@pytest.mark.parametrize("row", NETWORKS, ids=[row["network"] for row in NETWORKS])
def test_published_figures_are_near_or_have_a_star(row: dict[str, str]) -> None:
    ours = {"published parameters": int(row["parameters"].replace(",", "")) / 1e6, "published GMACs": float(row["GMACs"])}
    for title, value in ours.items():
        if row[title] != NONE:
            published = float(row[title].removesuffix(" M").removesuffix("*"))
            assert (abs(value / published - 1) > 0.02) == row[title].endswith("*") and abs(value / published - 1) < 0.06
    assert bool(row["source"]) == any(row[title] != NONE for title in ours)


def test_densenets_published_figures_are_torchvisions() -> None:
    from torchvision.models import DenseNet121_Weights

    meta = DenseNet121_Weights.IMAGENET1K_V1.meta
    row = next(row for row in NETWORKS if row["network"] == "SE-DenseNet-121")
    assert (row["published parameters"], row["published GMACs"]) == (f"{meta['num_params'] / 1e6:.2f} M", f"{meta['_ops']:.2f}")


@pytest.mark.parametrize("row", ABLATION_ROWS, ids=[row["ablation"] for row in ABLATION_ROWS])
def test_an_ablation_is_what_its_row_says(row: dict[str, str]) -> None:
    name = row["ablation"]
    with torch.device("meta"):
        module = se_resnet(50, classes=1000, stem="imagenet", **ABLATIONS[name]).eval()
    running = sum(values.numel() for key, values in module.named_buffers() if "running" in key)
    assert row["parameters"] == f"{parameters(module):,}"
    assert row["with running statistics"] == f"{(parameters(module) + running) / 1e6:.2f} M"
    assert row["GMACs"] == gmacs(module, 224)
    assert int(row["gates"]) == GATES.get(name, 16)
    assert row["published"] == (f"{PUBLISHED[name]} M" if name in PUBLISHED else NONE)


def test_nothing_is_left_out() -> None:
    assert [row["ablation"] for row in ABLATION_ROWS] == list(ABLATIONS)
    calls = " ".join(row["call"] for row in NETWORKS)
    assert all(f"se_resnet({depth}" in calls for depth in DEPTHS)
    assert all(f'se_inception("{family}")' in calls for family in FAMILIES)
    assert all(name in calls for name in BUILDERS)


LARGE = pytest.mark.skipif(not SLOW, reason="115 million weights to be drawn: make test-slow runs this")


@pytest.mark.parametrize(("name", "gates"), [("legacy_seresnext50_32x4d", 16), pytest.param("legacy_senet154", 50, marks=LARGE)])
def test_timms_gates_are_found_and_inspected(name: str, gates: int) -> None:
    module = create_model(name)
    found = sevis.find_gates(module, batch(2, 64))
    assert len(found) == gates and not any(site.warning for site in found)
    inspection = sevis.wrap(module, Preprocessing(64, 64), [str(n) for n in range(1000)]).inspect(pictures(1)[0])
    assert [gate.site for gate in inspection.gates] == list(found)
