"""One channel up close in Streamlit's own test bench, and what the page is sent of a block."""

from __future__ import annotations

import gzip
import json
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest
from torch import nn

from sevis import sentences
from sevis.analysis.channel import CELLS, thumbnails
from sevis.analysis.rank import channel_influence
from sevis.app import components, session, state
from sevis.app.channel import _part, _short
from sevis.app.components.channels import _take, payload
from sevis.engine import Busy
from sevis.inspector import Inspector
from sevis.nets.network import Network
from sevis.nets.preprocessing import Preprocessing
from sevis.records import Inspection
from tests.app.test_explore import _forget, figures, opened, said
from tests.app.test_explore import tiny as usual
from tests.browser.conftest import ROOT
from tests.made_up import CASES, inspection, record
from tests.up_close import measured

FOLDER = Path(components.__file__).parent


class Eca(nn.Module):
    """A gate without a bottleneck (Wang et al. 2020): a convolution along the channels."""

    def __init__(self) -> None:
        super().__init__()
        self.along = nn.Conv1d(1, 1, 3, padding=1, bias=False)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        return maps * torch.sigmoid(self.along(maps.mean(dim=(2, 3))[:, None])[:, 0])[:, :, None, None]


def one_gate(channels: int, stride: int = 8) -> nn.Module:
    """A network with a single gate."""
    return nn.Sequential(nn.Conv2d(3, channels, 3, stride), Eca(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 3))


NETWORKS: dict[str, tuple[Any, tuple[int, int]]] = {
    "tiny/eca": (lambda: one_gate(12), (64, 64)),
    "tiny/wide": (lambda: one_gate(2048, 16), (48, 48)),
    "tiny/oblong": (lambda: one_gate(5), (40, 88)),
}


def load(name: str) -> Inspector:
    """Those of the Explore tests, and one-gate networks."""
    if name not in NETWORKS:
        return usual(name)
    module, size = NETWORKS[name]
    torch.manual_seed(1)
    return Inspector(Network(name, module().eval(), Preprocessing(*size), ("cat", "dog", "a *starred* class")))


@pytest.fixture(autouse=True)
def page(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(state, "load", load)
    monkeypatch.setattr(state, "available", lambda: ("tiny/se", "tiny/sk", "tiny/boxes", *NETWORKS))
    monkeypatch.setattr(state, "menu", lambda: ())
    _forget()
    yield
    _forget()


def mounted(app: AppTest) -> list[Any]:
    """What the component is sent: a block, and what is chosen."""
    return [each.proto for each in app.get("bidi_component")]


def unpacked(data: bytes) -> tuple[dict[str, Any], np.ndarray, np.ndarray, np.ndarray]:
    """Header, weights (M, C), influence (C,) and the maps before the gate (M, C, h, w), read the way channels.js reads them."""
    body = gzip.decompress(data)
    length = int.from_bytes(body[:4], "little")
    header, at = json.loads(body[4 : 4 + length]), 4 + length
    assert at % 4 == 0
    branches, count, height, width = header["shape"]
    floats = np.frombuffer(body, "<f4", (3 + branches) * count, at)
    low, high, weights, influence = np.split(floats, np.cumsum([count, count, branches * count]))
    at += floats.nbytes + 3 * 256
    cells = np.frombuffer(body, np.uint8, branches * count * height * width, at).reshape(header["shape"])
    assert at + cells.size == len(body)
    maps = low[:, None, None] + (high - low)[:, None, None] / 255 * cells
    return header, weights.reshape(branches, count), influence, maps


# ---- what is sent


@pytest.mark.parametrize("case", ["se", "sk", "three branches", "tanh", "silent", "one block", "boxes"])
def test_a_block_is_sent_whole(case: str) -> None:
    made, depth = CASES[case], 0
    header, weights, influence, maps = unpacked(payload(made, depth))
    site = made.sites[depth]
    assert (header["name"], header["depth"], header["blocks"]) == (site.name, depth, len(made.sites))
    assert header["branches"] == (list(site.branches) if site.kind == "branch" else [])
    assert tuple(header["sentences"]) == sentences.channel_sentences(made, depth)
    assert header["picture"].startswith("data:image/jpeg;base64,")
    np.testing.assert_allclose(weights, made.gates[depth].weights[0])
    np.testing.assert_allclose(influence, channel_influence(made, depth))
    np.testing.assert_allclose(maps, made.gates[depth].maps[0], atol=np.ptp(made.gates[depth].maps) / 255)


def test_the_same_block_is_the_same_message() -> None:
    assert payload(CASES["se"], 1) == payload(CASES["se"], 1) != payload(CASES["se"], 2)


@pytest.mark.parametrize(("channels", "side"), [(64, 56), (512, 28), (2048, 7), (2048, 30)])
@pytest.mark.parametrize("kind", ["channel", "branch"])
def test_a_block_stays_small_whatever_it_holds(channels: int, side: int, kind: Any) -> None:
    """Noise cannot be compressed: no block is larger than its cells and some 100 bytes a channel."""
    made = inspection([record(0, channels, kind, side=side)])
    assert thumbnails(made.gates[0]).cells.size <= CELLS
    assert len(payload(made, 0)) < CELLS + 100 * channels + 8_000


def test_the_files_of_the_component_are_shipped() -> None:
    shipped = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["sevis.app.components"]
    needed = {path.name for path in FOLDER.iterdir() if path.is_file() and path.suffix != ".py"}
    assert needed == {each.name for pattern in shipped for each in FOLDER.glob(pattern)} != set()


def test_the_component_writes_no_markup_and_asks_no_host() -> None:
    script = (FOLDER / "channels.js").read_text()
    for forbidden in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "http:", "https:", "fetch(", "import("):
        assert forbidden not in script
    for name in ("channels.css", "channels.html"):
        assert "url(" not in (FOLDER / name).read_text() and "http" not in (FOLDER / name).read_text()


@pytest.mark.parametrize(
    ("value", "chosen"),
    [
        ([1, 5], ("SE_2_2", 5)),
        ([2, None], ("SE_3_1", None)),
        ([0, 8], None),
        ([0, -1], None),
        ([4, 0], None),
        ([-1, None], None),
        ([0, "1"], None),
        ([0, 1.0], None),
        (["0", None], None),
        ([0], None),
        ({"depth": 0}, None),
        (None, None),
    ],
)
def test_what_the_page_gives_back_is_checked(monkeypatch: pytest.MonkeyPatch, value: object, chosen: object) -> None:
    taken: list[object] = []
    monkeypatch.setattr(session, "choose", lambda site, channel: taken.append((site.name, channel)))
    _take(value, CASES["se"])
    assert taken == ([] if chosen is None else [chosen])


# ---- the page


def test_every_block_has_its_channels_on_the_page() -> None:
    app = opened(block="SE_3_1")
    assert not app.exception and not app.error
    block, chosen = mounted(app)
    assert unpacked(block.bytes)[0]["name"] == "SE_3_1"
    assert json.loads(chosen.json) == {"depth": 2, "channel": None}
    assert not app.metric


def test_the_maps_are_not_sent_again_for_another_choice() -> None:
    app = opened(block="SE_3_1", channel="3")
    first, chosen = mounted(app)
    app.number_input(key="channel").set_value(5).run()
    second, now = mounted(app)
    assert first.SerializeToString() == second.SerializeToString()
    assert (json.loads(chosen.json)["channel"], json.loads(now.json)["channel"]) == (3, 5)
    assert len(now.json) < 100


@pytest.mark.parametrize(
    ("network", "block"),
    [("tiny/se", "SE_3_1"), ("tiny/sk", "SK_3_1"), ("tiny/boxes", ""), ("tiny/eca", ""), ("tiny/wide", ""), ("tiny/oblong", "")],
)
def test_a_channel_up_close(network: str, block: str) -> None:
    app = opened(network=network, channel="3", **({"block": block} if block else {}))
    assert not app.exception and not app.error
    inspection = asked(app, network)
    depth = [site.name for site in inspection.sites].index(app.selectbox(key="block").value) if block else 0
    drawn, numbers = figures(app), {metric.label.replace("\\", ""): metric.value for metric in app.metric}
    assert len(numbers) == 6 and numbers["Percentile"] == "–"
    assert all(len(value) <= 6 for value in numbers.values()), numbers  # longer ones are cut off at 1280 px
    name = inspection.sites[depth].name
    maps = drawn[f"{name}, channel 3: before and after the gate"]
    assert len(maps["data"]) == len(inspection.sites[depth].branches) + 2
    on_samples = drawn[f"{name}, channel 3: its weight on the samples"]
    assert len(on_samples["data"][0]["x"]) == 9
    assert not any("by class" in title for title in drawn)
    assert "Among 8 samples" in said(app)


@pytest.mark.parametrize(
    ("influence", "share", "told"),
    [
        (0.087, 0.031, ("+0.087", "3%")),
        (-1.3, 0.4, ("−1.3", "−40%")),
        (-0.00123, 0.006, ("−0.001", "−1%")),
        (0.00029, 0.0004, ("≈ 0", "< 1%")),
        (0.0, 0.0, ("0", "0")),
    ],
)
def test_small_numbers_stay_short(influence: float, share: float, told: tuple[str, str]) -> None:
    assert (_short(influence), _part(share, influence)) == told


def asked(app: AppTest, network: str) -> Inspection:
    """The inspection that the page shows."""
    sample = state.samples()[0]
    return load(network).inspect(sample.file)


def test_averages_bring_percentile_and_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = load("tiny/se")
    shown = plain.inspect(state.samples()[0].file)
    made = replace(shown, averages=measured(replace(inspection(shown.gates), model="tiny/se"), 3).averages)
    monkeypatch.setattr(state, "inspect", lambda *_: made)
    app = opened(block="SE_3_1", channel="3")
    assert not app.exception and not app.error
    drawn = figures(app)
    (bars,) = drawn["SE_3_1, channel 3: its mean weight by class"]["data"]
    assert sorted(told[0] for told in bars["customdata"]) == ["a *starred* class", "cat", "dog"]
    assert next(metric.value for metric in app.metric if metric.label == "Percentile")[:-2].isdigit()


def test_the_samples_are_shown_to_the_network_that_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """To one's own checkpoint too, and not to the menu's beside it."""
    asked: list[str] = []
    real = state.sample_weights
    monkeypatch.setattr(state, "sample_weights", lambda network: asked.append(network) or real(network))
    app = opened(channel="3", network="tiny/sk")
    assert not app.exception and asked == ["tiny/sk"]
    assert any("on the samples" in title for title in figures(app))


def test_a_full_queue_leaves_the_rest_of_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(network: str) -> None:
        raise Busy(64)

    monkeypatch.setattr(state, "sample_weights", refuse)
    app = opened(channel="3")
    assert not app.exception and not app.error
    assert "samples could not be looked at" in said(app)
    assert any("Grad-CAM at every block" in title for title in figures(app))


def test_the_samples_are_looked_at_once_for_all_channels(monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(channel="1")
    passes: list[object] = []
    monkeypatch.setattr(state.engine(), "ask", lambda *a, **k: passes.append(a))
    app.selectbox(key="block").set_value("SE_2_2").run()
    app.number_input(key="channel").set_value(2).run()
    assert not app.exception and not app.error
    assert passes == []
