"""The lesson on excitation: a squeeze that is moved moves the gates at once, and a bottleneck that is narrowed loses them."""

from __future__ import annotations

import hashlib
import re
from types import ModuleType

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from sevis.analysis.excitation import narrowing, telling
from sevis.app import frame, state
from sevis.app.lessons import excite
from sevis.app.words import plain
from sevis.excitation import Excitation
from sevis.figures import excitation_narrowed, excitation_network
from sevis.sentences import excitation_narrowed_sentence, excitation_network_sentence
from tests.app.test_explore import figures, opened, page, said
from tests.made_up import record
from tests.made_up_excitation import excitation_of

__all__ = ["page"]


@pytest.fixture(autouse=True)
def alone(page: None, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The lesson as the only page."""
    monkeypatch.setattr(frame, "PAGES", (excite,))
    monkeypatch.setattr(frame, "LESSONS", ())
    return excite


def slider(app: AppTest, start: str):
    return next(each for each in app.slider if each.label.startswith(start))


def drawn(app: AppTest) -> list[str]:
    return [title for title in figures(app) if "SE_" in title]


def test_moving_a_squeeze_asks_no_network_and_tells_which_gates_moved(monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(lesson_block="SE_5_2")
    inspection = state.inspect("tiny/se", *_asked(app))
    excitation, record = state.excitation("tiny/se", 7), inspection.gates[7]
    assert excitation is not None
    asked: list[object] = []
    monkeypatch.setattr(state.engine(), "ask", lambda *a, **k: asked.append(a))
    monkeypatch.setattr(state.engine(), "borrow", lambda *a, **k: asked.append(a))
    channel = app.selectbox(key=next(each.key for each in app.selectbox if each.label.startswith("Channel"))).value
    assert channel == int(telling(excitation, record.squeeze[0]).argmax())
    move = slider(app, "Its squeeze")
    assert move.value == pytest.approx(float(record.squeeze[0, channel]))
    told = plain(excitation_network_sentence(excitation, record, channel))
    assert told in said(app)
    for value in (move.min, move.max):
        slider(app, "Its squeeze").set_value(value).run()
        assert not app.exception
        assert plain(excitation_network_sentence(excitation, record, channel, value)) in said(app)
    next(each for each in app.button if each.label == "As it was").click().run()
    assert told in said(app)
    assert asked == []


def _asked(app: AppTest) -> tuple[str, np.ndarray, None]:
    """What the page asked of its first sample."""
    data = state.samples()[0].file.read_bytes()
    return hashlib.sha256(data).hexdigest(), state.picture(data).pixels, None


def test_every_number_of_units_can_be_kept() -> None:
    app = opened(lesson_block="SE_5_2")
    assert not app.exception and not app.error
    assert drawn(app) == ["SE_5_2: from the squeeze to the gates", "SE_5_2: the bottleneck narrowed to 1 of 4 units"]
    assert "22.28" in said(app) and "28.1 M" in said(app)
    excitation, record = state.excitation("tiny/se", 7), state.inspect("tiny/se", *_asked(app)).gates[7]
    assert excitation is not None
    kept = slider(app, "Units")
    assert (kept.min, kept.max) == (0, len(excitation.b1))
    for count in (int(kept.min), int(kept.max)):
        slider(app, "Units").set_value(count).run()
        assert not app.exception
        assert plain(excitation_narrowed_sentence(excitation, record, count)) in said(app)


def test_a_block_without_two_layers_says_which_has_them(monkeypatch: pytest.MonkeyPatch) -> None:
    excitation = state.excitation
    monkeypatch.setattr(state, "excitation", lambda network, depth: None if depth == 2 else excitation(network, depth))
    app = opened()
    assert not app.exception and drawn(app) == []
    assert "choose SE_2_1" in said(app)
    app.button(key="take_block").click().run()
    assert drawn(app)[0].startswith("SE_2_1")
    monkeypatch.setattr(state, "excitation", lambda network, depth: None)
    app.run()
    assert not app.exception and drawn(app) == []
    assert "no other block of this network has them" in said(app)


def test_another_network_keeps_the_text() -> None:
    app = opened(network="tiny/sk")
    assert not app.exception and not app.error
    assert "Why so narrow" in said(app) and "has none" in said(app) and drawn(app) == []


def test_every_line_is_a_weight_times_an_activation_and_every_bar_a_gate() -> None:
    made, excitation = record(3, 24), excitation_of(24, biased=True)
    squeeze = made.squeeze[0].astype(float)
    squeeze[5] = 2.5
    told = excitation.answer(squeeze)
    figure = excitation_network(excitation, made, 5, 2.5)
    said = [row[0] for trace in figure.data if trace.customdata is not None for row in trace.customdata]
    into = [re.fullmatch(r"channel (\d+) gives unit (\d+) (.*): weight (.*) × (.*)", each) for each in said]
    out = [re.fullmatch(r"unit (\d+) gives the logit of channel (\d+) (.*): weight (.*) × (.*)", each) for each in said]
    for found, matrix, values in ((into, excitation.w1, squeeze), (out, excitation.w2, told.hidden)):
        lines = [each.groups() for each in found if each]
        assert len(lines) > 20
        for start, end, product, weight, value in lines:
            assert number(weight) == pytest.approx(matrix[int(end), int(start)], abs=0.0051)
            assert number(value) == pytest.approx(values[int(start)], abs=0.0051)
            assert number(product) == pytest.approx(matrix[int(end), int(start)] * values[int(start)], rel=0.06)
    gates = [re.fullmatch(r"channel (\d+): the units add up to (\S+), and the gate is ([\d.]+).*", each) for each in said]
    shown = [each.groups() for each in gates if each]
    assert len(shown) == 12 and "5" in {channel for channel, *_ in shown}
    for channel, logit, gate in shown:
        assert (number(logit), number(gate)) == pytest.approx((told.logits[int(channel)], told.weights[int(channel)]), abs=0.0051)


def number(text: str) -> float:
    return float(text.replace("−", "-"))


def test_the_narrowed_figure_lays_the_gates_over_those_with_all_units() -> None:
    made, excitation = record(3, 24), excitation_of(24)
    narrowed = narrowing(excitation, made.squeeze[0])
    _, gates, course, here = excitation_narrowed(excitation, made, 4).data
    np.testing.assert_allclose(gates.x, excitation.answer(made.squeeze[0]).weights, atol=1e-6)
    np.testing.assert_allclose(gates.y, narrowed.weights[4])
    assert list(course.x) == list(range(21)) and (here.x[0], here.y[0]) == (4, narrowed.moved[4])


def test_the_sentences_name_the_gates_that_moved_most() -> None:
    made = record(0, 3)
    made.squeeze.flags.writeable = True
    made.squeeze[0] = (1.0, 2.0, 0.0)
    w1, w2 = np.array([[1.0, -1.0, 0.0], [0.0, 1.0, 0.0]]), np.array([[4.0, 0.0], [0.0, 0.0], [1.0, -1.0]])
    excitation = Excitation(w1, np.zeros(2), w2, np.zeros(3))
    # h = (0, 2): gates 0.5, 0.5, 0.12; with z_0 = 3, h = (1, 2): 0.98, 0.5, 0.27
    assert excitation_network_sentence(excitation, made, 0) == (
        "On this picture 1 of 2 units of the bottleneck in SE_2_1 is above 0, and its 3 gates are 0.12 to 0.50."
    )
    assert excitation_network_sentence(excitation, made, 0, 3.0) == (
        "With the squeeze of channel 0 at 3.00 instead of 1.00 the gates of channel 0 (0.50 to 0.98) and channel 2 (0.12 to 0.27)"
        " move most; 2 of 3 gates move by 0.01 or more, and unit 0 begins to fire."
    )
    assert excitation_network_sentence(excitation, made, 2, 3.0).endswith("no gate moves by 0.01 or more: the largest change is 0.")
    assert (
        excitation_narrowed_sentence(excitation, made, 1)
        == "With the 1 unit that matters most of 2, no gate of SE_2_1 moves by 0.01 or more."
    )
    assert excitation_narrowed_sentence(excitation, made, 0) == (
        "With no unit of 2, a gate of SE_2_1 moves by 0.13 on average; that of channel 2 moves most, from 0.12 to 0.50."
    )
