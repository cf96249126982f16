"""The page that compares, in Streamlit's own test bench: tiny networks of every kind stand beside each other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import streamlit as st
from safetensors.torch import save
from streamlit.testing.v1 import AppTest
from torch import nn

from sevis.app import frame, state
from sevis.app.pages import compare
from sevis.app.second import MODES
from sevis.app.uploads import Upload
from sevis.app.words import plain
from sevis.inspector import Inspector
from sevis.menu import menu
from sevis.nets.network import Network
from sevis.nets.preprocessing import Preprocessing
from sevis.nets.se_resnet import se_resnet
from sevis.nets.sk_net import sk_net
from tests.app.test_explore import figures, opened, png, said
from tests.tiny_networks import alive, detector, short

CLASSES = ("cat", "dog", "a *starred* class")
BIRDS = ("wren", "dog", "owl")


def gated(seed: int, depth: int = 18) -> nn.Module:
    return short(alive(se_resnet(depth, classes=3, stem="imagenet", width=0.125, reduction=4), seed))


# name: module, side of the picture, classes
TINY: dict[str, tuple[Any, int, tuple[str, ...]]] = {
    "tiny/se": (lambda: gated(1), 64, CLASSES),
    "tiny/again": (lambda: gated(2), 96, CLASSES),
    "tiny/birds": (lambda: gated(3), 64, BIRDS),
    "tiny/deep": (lambda: alive(se_resnet(18, classes=3, stem="cifar", width=0.125, reduction=4), 4), 32, CLASSES),
    "tiny/sk": (lambda: alive(sk_net(26, classes=3, width=0.125, groups=4, minimum=4), 5), 64, CLASSES),
    "tiny/boxes": (lambda: detector(classes=3), 64, CLASSES),
    "tiny/plain": (
        lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3)),
        64,
        CLASSES,
    ),
}


def tiny(name: str) -> Inspector:
    module, side, classes = TINY[name]
    task = "detection" if name == "tiny/boxes" else "classification"
    return Inspector(Network(name, module().eval(), Preprocessing(side, side), classes, task=task))


@pytest.fixture(autouse=True)
def page(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The page alone, on tiny networks."""
    monkeypatch.setattr(frame, "PAGES", (compare,))
    monkeypatch.setattr(state, "load", tiny)
    monkeypatch.setattr(state, "available", lambda: tuple(TINY))
    monkeypatch.setattr(state, "menu", lambda: ())
    _forget()
    yield
    _forget()


def _forget() -> None:
    st.cache_data.clear()
    st.cache_resource.clear()


def heard(app: AppTest) -> str:
    return said(app).replace("\\", "")


def count(figure: dict[str, Any], kind: str) -> int:
    return sum(trace["type"] == kind for trace in figure["data"])


SIDE_BY_SIDE = "Weights of every block, side by side"
ALIGNED = {SIDE_BY_SIDE, "Difference of every block", "Similarity by depth"}


def test_the_first_run_compares_two_samples() -> None:
    app = opened()
    assert not app.exception and not app.error
    drawn = figures(app)
    assert set(drawn) > ALIGNED | {"Prediction"}
    assert count(drawn[SIDE_BY_SIDE], "heatmap") == 3 * 4  # first, second, difference
    first, second = (sample.title for sample in state.samples()[:2])
    assert f"{first}, seen at 64 × 64" in heard(app) and f"{second}, seen at 64 × 64" in heard(app)
    assert f"on {first}" in heard(app) and "Both sides have the same 4 blocks" in heard(app)
    assert any("every channel on both sides" in title for title in drawn)


@pytest.mark.parametrize(
    ("first", "second", "drawn", "words"),
    [
        ("se", "again", ALIGNED, "A channel means the same on both sides only where"),
        ("se", "deep", {SIDE_BY_SIDE, "Difference of every block"}, "paired by relative depth"),
        ("deep", "se", {SIDE_BY_SIDE, "Difference of every block"}, "8 blocks on deep and 4 on se"),
        ("se", "sk", {SIDE_BY_SIDE}, "A weight and a share of 5x5 do not mean the same"),
        ("se", "plain", set(), "There are no gates on plain"),
        ("plain", "se", set(), "There are no gates on plain"),
        ("boxes", "se", {SIDE_BY_SIDE, "Difference of every block"}, "paired by relative depth"),
        ("se", "boxes", {SIDE_BY_SIDE, "Difference of every block"}, "paired by relative depth"),
    ],
)
def test_any_two_networks_end_in_figures_and_a_sentence(first: str, second: str, drawn: set[str], words: str) -> None:
    app = opened(compare="two networks", network=f"tiny/{first}", second_network=f"tiny/{second}")
    assert not app.exception and not app.error
    titles = set(figures(app))
    assert titles & (ALIGNED | {"Distance from the average picture"}) == drawn
    assert "Prediction" in titles and sum("Grad-CAM" in title for title in titles) >= 1
    assert sum("Boxes" in title for title in titles) == (first == "boxes") + (second == "boxes")
    assert words in heard(app)
    sizes = [TINY[f"tiny/{name}"][1] for name in (first, second)]
    assert all(f"{name}, seen at {side} × {side}" in heard(app) for name, side in zip((first, second), sizes, strict=True))


def test_the_same_class_is_explained_where_both_know_it() -> None:
    app = opened(compare="two networks", second_network="tiny/birds", target="dog")
    assert "Explained on both sides is dog" in heard(app)
    app.selectbox(key="target").set_value("cat").run()
    assert not app.exception
    assert "The class cat, explained on se, is not known on birds" in heard(app)
    titles = " ".join(figures(app))
    assert "Grad-CAM for cat" in titles and re.search("Grad-CAM for (wren|dog|owl)", titles)


def test_a_changed_picture_is_told_and_stays_in_the_address() -> None:
    app = opened(compare="changed picture")
    assert not app.exception and "Nothing is changed yet" in heard(app) and "The weights are the same on both sides" in heard(app)
    app.slider(key="rotate").set_value(90).run()
    app.toggle(key="flip").set_value(True).run()
    assert not app.exception and not app.error
    assert "The second picture is the first, mirrored and turned by +90°" in heard(app)
    assert "The weights differ most in" in heard(app)
    again = opened(compare="changed picture", rotate="90", flip="true")
    assert again.slider(key="rotate").value == 90 and again.toggle(key="flip").value
    assert figures(again)[SIDE_BY_SIDE] == figures(app)[SIDE_BY_SIDE]


def test_every_mode_can_be_chosen() -> None:
    app = opened()
    for mode in MODES.values():
        app.segmented_control(key="compare").set_value(next(name for name in MODES if MODES[name] is mode)).run()
        assert not app.exception and not app.error, mode.title


def test_looking_closely_runs_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened()
    asked: list[object] = []
    monkeypatch.setattr(state.engine(), "ask", lambda *a, **k: asked.append(a))
    app.selectbox(key="block").set_value("SE_3_1").run()
    app.number_input(key="channel").set_value(2).run()
    app.segmented_control(key="seen_from").set_value("chosen block").run()
    assert not app.exception and not app.error
    assert asked == []
    titles = " ".join(figures(app))
    assert "SE_3_1: every channel on both sides" in titles and "SE_3_1: Grad-CAM" in titles


def test_blocks_of_unlike_networks_are_chosen_in_pairs() -> None:
    app = opened(compare="two networks", second_network="tiny/deep", pair="SE_3_1 and SE_3_2")
    assert not app.exception
    assert app.selectbox(key="pair").value == "SE_3_1 and SE_3_2"
    assert any(title.startswith("SE_3_1 and SE_3_2: weights, sorted") for title in figures(app))
    app.selectbox(key="second_network").set_value("tiny/sk").run()
    assert not app.exception and app.selectbox(key="pair").value is None


def test_ones_own_second_photograph_is_shown_and_a_sample_comes_back() -> None:
    app = opened()
    upload = app.file_uploader(key="second_upload")
    upload.set_value(("<b>mine</b>.png", png(np.full((50, 70, 3), 128, np.uint8)), "image/png")).run()
    assert not app.exception and plain("<b>mine</b>.png") in said(app)
    sample = app.selectbox(key="second_picture").options[2]
    app.selectbox(key="second_picture").set_value(sample).run()
    assert "mine" not in said(app) and plain(sample) in said(app)


def test_a_bad_second_photograph_gets_one_sentence() -> None:
    app = opened()
    app.file_uploader(key="second_upload").set_value(("cut.png", b"no picture", "image/png")).run()
    assert not app.exception
    assert len(app.error) == 1 and "picture" in app.error[0].value


def test_ones_own_checkpoint_can_be_either_side(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "menu", lambda: tuple(entry for entry in menu() if entry.name.startswith("photos12")))
    module = se_resnet(18, classes=3, stem="imagenet", width=0.5, reduction=8)
    data = save({name: values.contiguous() for name, values in alive(module).state_dict().items()})
    app = opened(compare="two networks")
    app.selectbox(key="own_arch").set_value("photos12/se_resnet18")
    app.text_area(key="own_classes").set_value("cat\ndog\nowl")
    app.file_uploader(key="own_file").set_value(("mine.safetensors", data, "application/octet-stream")).run()
    called = f"your se_resnet18 ({Upload(data, 'photos12/se_resnet18', ('cat', 'dog', 'owl')).name[-4:]})"
    assert not app.exception and not app.error
    assert f"{called}, seen at 160 × 160" in heard(app)
    app.selectbox(key="network").set_value("tiny/again").run()
    assert not app.exception and called in app.selectbox(key="second_network").options
    app.selectbox(key="second_network").set_value(called).run()
    assert not app.exception and not app.error
    assert "again, seen at 96" in heard(app) and f"{called}, seen at 160 × 160" in heard(app)


def test_nonsense_in_the_address_falls_back() -> None:
    app = opened(
        compare="4", second_picture="x", second_network="own/1234", pair="SE_9_9", rotate="100000", blur="nan", flip="2", seen_from="?"
    )
    assert not app.exception and not app.error
    assert set(figures(app)) > ALIGNED


def test_one_network_alone_has_nothing_to_stand_beside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "available", lambda: ("tiny/se",))
    app = opened(compare="two networks")
    assert not app.exception
    assert "no other network" in heard(app)


def test_edited_gates_stand_beside_the_network_as_it_is() -> None:
    app = opened(compare="edited gates", edits="SE_3_1:set=0")
    assert not app.exception and not app.error
    assert any("side by side" in title for title in figures(app))
    assert app.multiselect(key="edits").value == ["SE_3_1:set=0"]
    assert "Where they part" in said(app) and "Nothing is edited yet" not in said(app)
    empty = opened(compare="edited gates", edits=["SK_9_9:even"])
    assert not empty.exception and "Left out" in said(empty) and "has no" in said(empty)
    empty.multiselect(key="edits").set_value([]).run()
    assert "Nothing is edited yet" in said(empty) and not empty.exception
