"""The lesson on scale: the weight that is set is the weight that the network runs with, and the three answers are its own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from sevis.app import frame, state
from sevis.app.lessons import scale
from sevis.inspector import Inspector
from sevis.records import Inspection
from tests.app.test_explore import figures, page, said, tiny
from tests.browser.conftest import ROOT

__all__ = ["page"]  # the fixture: tiny networks in place of those that ship


@pytest.fixture(autouse=True)
def at_once(page: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lesson is the page that opens first."""
    monkeypatch.setattr(frame, "PAGES", (scale,))
    monkeypatch.setattr(frame, "LESSONS", ())
    monkeypatch.setattr(state, "load", seeded)


def seeded(name: str) -> Inspector:
    """The same tiny network each time that it is asked for."""
    torch.manual_seed(1)
    return tiny(name)


def opened(**query: str) -> AppTest:
    """The lesson at an address, run once."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    for key, value in query.items():
        app.query_params[key] = value
    return app.run()


def truth(*edits: str) -> Inspection:
    """What the tiny network itself does with the sample after edits."""
    return seeded("tiny/se").inspect(state.samples()[0].file, edits=edits)


def weights(app: AppTest) -> list[float]:
    """How far the weights of each block moved, as the figure has it."""
    (spec,) = [spec for title, spec in figures(app).items() if "Difference of every block" in title]
    data: Any = spec["data"]
    return [float(each) for each in data[0]["y"]]


def _check_answers(app: AppTest) -> None:
    """They are those of the network as it is and with 1 in all of its gates."""
    (spec,) = [spec for title, spec in figures(app).items() if title.startswith("Answers")]  # no averages are known of a tiny network
    data: Any = spec["data"]
    rows = [text.removeprefix("<b>").removesuffix("</b>") for text in spec["layout"]["yaxis"]["ticktext"]]  # type: ignore[index]
    for bars, inspection in zip(data, (truth(), truth("all:set=1")), strict=True):
        known = {each.label: each.probability for each in inspection.predictions}
        np.testing.assert_allclose(bars["x"], [known[label] for label in rows], atol=1e-4)
    assert "never measured" in said(app)


def test_at_first_the_gate_speaks_for_itself_and_the_constants_beside_it() -> None:
    app = opened()
    assert not app.exception and not app.error
    own = truth().gates[2].weights[0, 0]
    channel = int(np.abs(truth().influence[2][0, 0]).argmax())
    assert app.slider[0].value == pytest.approx(own[channel], abs=0.0051)
    assert f"SE_3_1, channel {channel}: before and after the gate" in figures(app)
    assert "Move it" in said(app) and not any("Difference" in title for title in figures(app))
    _check_answers(app)


@pytest.mark.parametrize(
    ("whose", "weight", "edit"),
    [("this channel", 0.3, "SE_3_1[{channel}]:set=0.3"), ("its block", 0.0, "SE_3_1:set=0"), ("all blocks", 2.0, "all:set=2")],
)
def test_the_weight_that_is_set_is_the_one_that_the_network_runs_with(whose: str, weight: float, edit: str) -> None:
    app = opened()
    app.number_input[0].set_value(5).run()
    app.segmented_control(key="scale_whose").set_value(whose).run()
    assert app.slider[0].value == (1 if whose != "this channel" else pytest.approx(truth().gates[2].weights[0, 0, 5], abs=0.0051))
    app.slider[0].set_value(weight).run()
    assert not app.exception and not app.error
    before, after = truth(), truth(edit.format(channel=5))
    expected = [np.abs(one.weights - other.weights).mean() for one, other in zip(before.gates, after.gates, strict=True)]
    np.testing.assert_allclose(weights(app), expected, atol=1e-5)
    assert f"multiplies every place by {weight:.2f}" in said(app).replace("\\", "")


def test_a_detector_answers_too() -> None:
    app = opened(network="tiny/boxes")
    assert not app.exception and not app.error
    assert any(title.startswith("Answers") for title in figures(app))
