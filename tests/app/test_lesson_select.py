"""The lesson on selection: the shares are the softmax of the logits, and the zoom is the sweep's."""

from __future__ import annotations

import hashlib
import math
import re
from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest
import torch

from sevis import sweeps, zooming
from sevis.analysis.zoomed import Zoomed, zoomed
from sevis.app import frame, state
from sevis.app.lessons import select
from sevis.app.words import plain
from sevis.records import Inspection
from sevis.sentences import selection_formula, zoomed_shares_sentence
from tests.app.test_explore import figures, opened, page, said
from tests.made_up import CASES
from tests.tiny_networks import pictures

__all__ = ["page"]


@pytest.fixture(autouse=True)
def alone(page: None, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The lesson as the only page."""
    monkeypatch.setattr(frame, "PAGES", (select,))
    monkeypatch.setattr(frame, "LESSONS", ())
    return select


def asked() -> Inspection:
    """What the page asked of its first sample."""
    data = state.samples()[0].file.read_bytes()
    return state.inspect("tiny/sk", hashlib.sha256(data).hexdigest(), state.picture(data).pixels, None)


@pytest.mark.parametrize("zoom", [1.0, 1.25, 1.5, 1.75, 2.0])
@pytest.mark.parametrize("how", ["enlarged", "blurred"])
def test_the_zoom_of_pixels_is_that_of_the_sweep(how: str, zoom: float) -> None:
    (pixels,) = pictures(1, 64)
    pixels = pixels[:60]
    tensor = torch.from_numpy(pixels.transpose(2, 0, 1).copy()).float()[None]
    expected = getattr(sweeps, how)(tensor, zoom)[0].numpy().transpose(1, 2, 0).clip(0, 255)
    made = getattr(zooming, how)(pixels, zoom)
    assert made.shape == pixels.shape and made.dtype == np.uint8
    # rounded to whole levels once or twice on the way, and a filter that overshoots
    assert np.abs(made - expected).mean() < 1 and (zoom > 1 or (made == pixels).all())


def test_one_channel_is_mixed_as_its_logits_say() -> None:
    app = opened(network="tiny/sk")
    assert not app.exception and not app.error
    titles = list(figures(app))
    assert "SK_2_1, channel" in titles[0] and titles[1] == "Share of 5x5 at zoom 1.5"
    inspection = asked()
    channel = int(re.search(r"channel (\d+)", titles[0])[1])
    assert any(selection_formula(inspection, 0, channel) in each.value for each in app.latex)


@pytest.mark.parametrize("case", ["sk", "three branches"])
def test_the_formula_is_the_softmax_of_this_picture(case: str) -> None:
    made = CASES[case]
    parts = selection_formula(made, 1, 3).split(r", \qquad ")
    logits = made.gates[1].logits[0, :, 3].tolist()
    assert len(parts) == len(logits)
    for letter, logit, share, part in zip("abc", logits, made.gates[1].weights[0, :, 3].tolist(), parts, strict=False):
        assert part.startswith(rf"{letter}_{{3}} = \frac{{e^{{{logit:.2f}}}}}") and part.endswith(f"= {share:.2f}")
        assert share == pytest.approx(math.exp(logit) / sum(map(math.exp, logits)), abs=1e-5)


def test_the_zoom_asks_the_network_twice_and_once_only(monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(network="tiny/sk")
    own, asks, ask = asked(), [], state.engine().ask
    monkeypatch.setattr(state.engine(), "ask", lambda *a, **k: (asks.append(a), ask(*a, **k))[1])
    app.select_slider(key="select_zoom").set_value(2.0).run()
    assert not app.exception and len(asks) == 2
    views = [state.inspect("tiny/sk", f"twice {each}", getattr(zooming, each)(own.image, 2.0), None) for each in ("enlarged", "blurred")]
    assert plain(zoomed_shares_sentence(zoomed(2.0, own, *views))) in said(app)
    asks.clear()
    app.select_slider(key="select_zoom").set_value(1.0).run()
    assert "zoom to see the shares move" in said(app)
    own_shares, *others = (trace["y"] for trace in figures(app)["Share of 5x5 at zoom 1"]["data"] if trace["mode"] == "markers")
    assert others == [own_shares, own_shares]
    asks.clear()
    app.select_slider(key="select_zoom").set_value(1.5).run()
    app.select_slider(key="select_zoom").set_value(2.0).run()
    assert asks == []


def test_the_sentence_counts_what_moved() -> None:
    made = CASES["sk"]
    sites = tuple(replace(site, depth=depth) for depth, site in enumerate(made.sites))
    told = zoomed_shares_sentence(Zoomed(1.5, sites, np.array([0.5, 0.5, 0.5]), np.array([0.52, 0.4, 0.5]), np.array([0.51, 0.55, 0.5])))
    assert "5x5 gains in 1 of 3 blocks and loses in 1;" in told
    assert f"most in {sites[1].name}, by −10.0 percentage points (blur alone: +5.0)" in told
    assert told.endswith("Blur alone goes the same way in 1 of the 2 that move.")


def test_another_network_keeps_the_text() -> None:
    app = opened(network="tiny/plain")
    assert not app.exception and not app.error
    assert "has none" in said(app) and "Split, fuse, select" in said(app) and not figures(app)
