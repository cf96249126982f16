"""The page in Streamlit's own test bench: tiny networks stand in for the shipped ones, everything else is real."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from io import BytesIO

import numpy as np
import pytest
import streamlit as st
import torch
from PIL import Image
from safetensors.torch import save
from streamlit.testing.v1 import AppTest
from torch import nn

from sevis.app import chart, session, state
from sevis.app.uploads import Upload, Uploads
from sevis.app.words import plain
from sevis.engine import Busy
from sevis.inspector import Inspector
from sevis.loading import CheckpointError
from sevis.menu import menu
from sevis.nets.network import Network
from sevis.nets.preprocessing import Preprocessing
from sevis.nets.se_resnet import se_resnet
from sevis.nets.sk_net import sk_net
from tests.browser.conftest import ROOT
from tests.made_up import CASES
from tests.tiny_networks import detector

CLASSES = ("cat", "dog", "a *starred* class")
TINY = {
    "tiny/se": lambda: se_resnet(18, classes=3, stem="imagenet", width=0.125),
    "tiny/sk": lambda: sk_net(26, classes=3, width=0.125, groups=4),
    "tiny/boxes": lambda: detector(classes=3),
    "tiny/plain": lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3)),
}


def tiny(name: str) -> Inspector:
    """A seeded network under a name of TINY."""
    task = "detection" if name == "tiny/boxes" else "classification"
    return Inspector(Network(name, TINY[name]().eval(), Preprocessing(64, 64), CLASSES, task=task))


@pytest.fixture(autouse=True)
def page(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(state, "load", tiny)
    monkeypatch.setattr(state, "available", lambda: tuple(TINY))
    monkeypatch.setattr(state, "menu", lambda: ())
    _forget()
    yield
    _forget()


def _forget() -> None:
    """Streamlit's caches outlive a test."""
    st.cache_data.clear()
    st.cache_resource.clear()


def opened(**query: str) -> AppTest:
    """The page, run once, at an address."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    for key, value in query.items():
        app.query_params[key] = value
    return app.run()


def png(pixels: np.ndarray) -> bytes:
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def figures(app: AppTest) -> dict[str, dict[str, object]]:
    """Every figure by its title, in order."""
    specs = [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]
    return {spec["layout"]["title"]["text"].split("<br>")[0]: spec for spec in specs}


def said(app: AppTest) -> str:
    return "\n".join(each.value for kind in (app.caption, app.markdown, app.info) for each in kind)


def test_the_first_run_draws_all_figures() -> None:
    app = opened()
    assert not app.exception and not app.error
    titles = list(figures(app))
    for part in ("Prediction", "against", "squeeze", "influence", "distribution", "feature maps", "Grad-CAM at every block"):
        assert any(part in title for title in titles), (part, titles)
    assert "64 × 64" in said(app)


def test_a_selection_shows_its_branches() -> None:
    app = opened(network="tiny/sk")
    assert not app.exception
    assert any("branch" in title for title in figures(app))
    assert "3x3" in said(app)


def test_a_network_without_gates_still_predicts() -> None:
    app = opened(network="tiny/plain")
    assert not app.exception and not app.error
    assert "No channel gate" in "".join(each.value for each in app.info)
    titles = list(figures(app))
    assert len(titles) == 2 and any("Grad-CAM" in title for title in titles)


def test_block_and_class_come_from_the_address() -> None:
    app = opened(block="SE_3_2", target="dog", channel="3")
    assert app.selectbox(key="block").value == "SE_3_2"
    assert app.number_input(key="channel").value == 3
    assert any(title.startswith("SE_3_2: influence on dog") for title in figures(app))


def test_another_network_keeps_the_place() -> None:
    app = opened(block="SE_4_1")
    app.selectbox(key="network").set_value("tiny/sk").run()
    assert not app.exception
    assert app.selectbox(key="block").value == "SK_4_1"


def test_an_upload_is_shown_and_the_sample_comes_back() -> None:
    app = opened()
    app.file_uploader(key="upload").set_value(("mine.png", png(np.full((50, 70, 3), 128, np.uint8)), "image/png")).run()
    assert not app.exception and plain("mine.png") in said(app)
    second = app.selectbox(key="picture").options[1]
    app.selectbox(key="picture").set_value(second).run()
    assert plain(second) in said(app) and plain("mine.png") not in said(app)


BAD = (
    ("empty.png", b"", "empty"),
    ("text.png", b"hello", "picture"),
    ("one.png", png(np.zeros((1, 1, 3), np.uint8)), "1 x 1"),
    ("thin.png", png(np.zeros((1, 20_000, 3), np.uint8)), "20000"),
)


def test_a_bad_upload_gets_one_sentence() -> None:
    app = opened()
    for name, data, word in BAD:
        app.file_uploader(key="upload").set_value((name, data, "image/png")).run()
        assert not app.exception
        (error,) = app.error
        assert word in error.value.replace("\\", "").replace("×", "x"), name


def test_markup_in_a_file_name_is_not_read() -> None:
    app = opened()
    name = "<img src=x onerror=alert(1)>**b** [x](javascript:alert(2)).png"
    app.file_uploader(key="upload").set_value((name, png(np.full((50, 70, 3), 128, np.uint8)), "image/png")).run()
    shown = next(each.value for each in app.caption if "as the network saw it" in each.value)
    assert not set(re.sub(r"\\.", "", shown.split(", as the")[0])) & set("<>*[]()")
    assert name in shown.replace("\\", "")


def test_a_full_queue_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened()

    def refuse(*_: object, **__: object) -> None:
        raise Busy(64)

    monkeypatch.setattr(state.engine(), "ask", refuse)
    app.selectbox(key="target").set_value("dog").run()
    assert not app.exception
    assert "64" in app.error[0].value


def test_an_empty_menu_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "available", tuple)
    app = opened()
    assert not app.exception
    assert "pretrained" in app.error[0].value


def test_a_bug_is_not_told_as_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened()

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("size mismatch in some.cpp:77")

    monkeypatch.setattr(state.engine(), "ask", fail)
    app.selectbox(key="target").set_value("dog").run()
    assert not app.error
    assert len(app.exception) == 1


def test_a_large_picture_is_kept_small() -> None:
    kept = state.picture(png(np.zeros((1_500, 3_000, 3), np.uint8)))
    assert kept.pixels.shape == (1000, 2000, 3)
    assert "3000 x 1500" in kept.notes[-1]


def test_choosing_a_block_or_channel_runs_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(channel="1")  # the samples are looked at once, for all channels
    asked: list[object] = []
    monkeypatch.setattr(state.engine(), "ask", lambda *a, **k: asked.append(a))
    app.selectbox(key="block").set_value("SE_2_2").run()
    app.number_input(key="channel").set_value(2).run()
    app.slider(key="opacity").set_value(0.2).run()
    assert not app.exception and not app.error
    assert asked == []


def test_the_table_holds_every_channel() -> None:
    app = opened(block="SE_5_1")
    app.toggle(key="table").set_value(True).run()
    frame = app.dataframe[0].value
    assert list(frame["channel"]) == list(range(64))
    assert {"squeeze", "weight", "influence"} <= set(frame.columns)


@pytest.mark.parametrize(
    ("event", "block", "channel"),
    [
        ([3, 5], "SE_3_2", 5),
        ({"0": 3, "1": 5}, "SE_3_2", 5),
        ([3, None], "SE_3_2", None),
        ([3, 100_000], "SE_3_2", None),
        ([99, 0], None, None),
        ([-1, 0], None, None),
        (["3", 0], None, None),
        (None, None, None),
    ],
)
def test_a_click_is_checked(monkeypatch: pytest.MonkeyPatch, event: object, block: str | None, channel: int | None) -> None:
    inspection = tiny("tiny/se").inspect(np.full((80, 80, 3), 90, np.uint8))
    chosen: list[tuple[str, int | None]] = []
    monkeypatch.setattr(session, "choose", lambda site, channel: chosen.append((site.name, channel)))
    chart._hand_over({"selection": {"points": [{"customdata": event}]}}, lambda values: chart._choose(values, inspection))
    assert chosen == ([] if block is None else [(block, channel)])


@pytest.mark.parametrize(
    ("event", "place"), [([1, "dog", 0.5], 1), ({"0": 0}, 0), ([99], None), ([-1], None), ([None], None), (None, None)]
)
def test_a_click_on_a_box_is_checked(monkeypatch: pytest.MonkeyPatch, event: object, place: int | None) -> None:
    chosen: list[int] = []
    monkeypatch.setattr(session, "choose_box", chosen.append)
    chart._hand_over({"selection": {"points": [{"customdata": event}]}}, lambda values: chart._choose_box(values, CASES["boxes"]))
    assert chosen == ([] if place is None else [place])


# ---- detectors


def test_a_detector_shows_its_boxes_and_explains_the_chosen_one() -> None:
    app = opened(network="tiny/boxes")
    assert not app.exception and not app.error
    drawn = figures(app)
    boxes = next(title for title in drawn if title.startswith("Boxes"))
    count = int(boxes.removeprefix("Boxes: "))
    assert count > 1 and len(drawn[boxes]["layout"]["shapes"]) == count
    assert "box 1 is explained" in said(app).replace("\\", "")
    app.number_input(key="box").set_value(2).run()
    assert not app.exception and "box 2 is explained" in said(app).replace("\\", "")


def test_a_box_that_the_picture_has_not_is_forgotten() -> None:
    app = opened(network="tiny/boxes", box="4000")
    assert not app.exception and not app.error
    assert app.number_input(key="box").value is None


# ---- the visitor's own network


def weights(classes: int = 12) -> bytes:
    torch.manual_seed(2)
    module = se_resnet(18, classes=classes, stem="imagenet", width=0.5, reduction=8)
    return save({name: values.contiguous() for name, values in module.state_dict().items()})


def bring(app: AppTest, data: bytes, names: str = "") -> AppTest:
    app.selectbox(key="own_arch").set_value("photos12/se_resnet18")
    app.text_area(key="own_classes").set_value(names)
    return app.file_uploader(key="own_file").set_value(("mine.safetensors", data, "application/octet-stream")).run()


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "menu", lambda: tuple(entry for entry in menu() if entry.name.startswith("photos12")))


@pytest.mark.usefixtures("known")
def test_an_own_checkpoint_is_shown_with_its_class_names() -> None:
    app = bring(opened(), weights(3), "ant\nbee\n\n wasp ")
    assert not app.exception and not app.error
    assert app.selectbox(key="target").options == ["ant", "bee", "wasp"]
    assert "your own checkpoint" in said(app)
    app.button(key="back_to_menu").click().run()
    assert "your own checkpoint" not in said(app) and not app.exception
    app.selectbox(key="network").set_value("tiny/sk").run()
    assert app.selectbox(key="target").options == list(CLASSES)


MISFITS = ((b"no safetensors", "", "safetensors"), (weights(3), "ant", "3"), (save({"x": torch.zeros(2)}), "", "missing"))


@pytest.mark.usefixtures("known")
def test_an_own_checkpoint_that_does_not_fit_is_told() -> None:
    app = opened()
    for data, names, word in MISFITS:
        bring(app, data, names)
        assert not app.exception
        assert word in app.error[0].value


@pytest.mark.usefixtures("known")
def test_the_menu_tells_what_is_known() -> None:
    app = opened(network="photos12/se_resnet18")
    assert "2\\.8 M parameters" in said(app) and "8 SE gates" in said(app)


def test_uploads_stay_within_their_budget() -> None:
    uploads = Uploads(2 * Upload(bytes(40), "net", ()).size)
    names = [uploads.keep(Upload(bytes([n]) * 40, "net", ())) for n in range(3)]
    assert [uploads.get(name) is None for name in names] == [True, False, False]
    assert uploads.keep(Upload(bytes([1]) * 40, "net", ())) == names[1]
    uploads.keep(Upload(bytes([3]) * 40, "net", ()))
    assert [uploads.get(name) is None for name in names] == [True, False, True]


def test_the_names_of_classes_count_in_the_budget() -> None:
    uploads = Uploads(1_000_000)
    names = [uploads.keep(Upload(bytes([n]), "net", tuple(f"{k:098}" for k in range(5_000)))) for n in range(5)]
    assert [uploads.get(name) is None for name in names] == [True, True, True, True, False]


@pytest.mark.parametrize("classes", [("a" * 101,), ("ant", "ant"), ("ant", "")])
def test_bad_names_of_classes_are_not_kept(classes: tuple[str, ...]) -> None:
    with pytest.raises(CheckpointError, match="The class name"):
        Uploads(1_000).keep(Upload(b"a", "net", classes))


def test_uploads_are_told_apart_by_file_network_and_classes() -> None:
    one = Upload(b"a", "net", ("ant",))
    others = [Upload(b"b", "net", ("ant",)), Upload(b"a", "other", ("ant",)), Upload(b"a", "net", ("bee",)), Upload(b"a", "net", ())]
    assert len({each.name for each in (one, *others)}) == 5 and Upload(b"a", "net", ("ant",)).name == one.name
