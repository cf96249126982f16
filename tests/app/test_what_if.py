"""The What if page in Streamlit's test bench: edits by buttons, controls and address, undone, and never another visitor's."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from sevis.app import chart, frame, state
from sevis.app.pages import PAGES, what_if
from tests.app.test_explore import figures, page, said, tiny
from tests.browser.conftest import ROOT

__all__ = ["page"]  # the fixture: tiny networks in place of those that ship


@pytest.fixture(autouse=True)
def at_once(page: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page is the one that opens first."""
    monkeypatch.setattr(frame, "PAGES", (what_if,))


def opened(*edits: str, **query: str) -> AppTest:
    """The page at an address, run once."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    for key, value in ({"edits": list(edits)} | query).items():
        app.query_params[key] = value
    return app.run()


def chips(app: AppTest) -> list[str]:
    return list(app.multiselect(key="edits").value)


def score(app: AppTest) -> str:
    """What the page says of the class's score."""
    return next((line for line in said(app).splitlines() if "its score changes by" in line or "stays at" in line), "")


def test_the_page_is_in_the_menu() -> None:
    assert what_if in PAGES
    app = opened()
    assert not app.exception and not app.error
    assert "Nothing is changed yet" in said(app) and not chips(app)
    assert any("side by side" in title for title in figures(app))


def test_numbers_without_an_end_are_said_and_break_nothing() -> None:
    app = opened(*(f"all:factor={factor}" for factor in range(100, 85, -1)))
    assert not app.exception and "take one of them back" in app.error[0].value
    app.multiselect(key="edits").set_value(chips(app)[:2]).run()
    assert not app.exception and not app.error and figures(app)


def test_a_preset_opens_every_gate_and_everything_answers() -> None:
    app = opened()
    before = figures(app)
    app.button(key="preset all:set=1").click().run()
    assert not app.exception and chips(app) == ["all:set=1"]
    assert score(app) and "Nothing is changed yet" not in said(app)
    after = figures(app)
    assert list(before) == list(after)
    assert sum(before[title] != after[title] for title in before) >= 3  # prediction, maps, strips


def test_controls_write_one_edit_and_rewrite_it_as_they_move() -> None:
    app = opened()
    app.selectbox(key="edit_where").select("SE_3_1").run()
    app.selectbox(key="edit_rule").select("<").run()
    assert not chips(app)  # nothing is said yet of what the weights become
    app.selectbox(key="edit_what").select("set").run()
    assert chips(app) == ["SE_3_1[<0.2]:set=1"]
    app.slider(key="edit_set").set_value(0.25).run()
    assert chips(app) == ["SE_3_1[<0.2]:set=0.25"]
    app.number_input(key="edit_bound").set_value(0.5).run()
    assert chips(app) == ["SE_3_1[<0.5]:set=0.25"]
    next(button for button in app.button if button.label == "Next edit").click().run()
    app.selectbox(key="edit_where").select("stage 4").run()
    app.selectbox(key="edit_rule").select("all").run()
    app.selectbox(key="edit_what").select("factor").run()
    assert chips(app) == ["SE_3_1[<0.5]:set=0.25", "stage 4:factor=0.5"] and not app.exception


def press(app: AppTest, label: str) -> AppTest:
    next(button for button in app.button if button.label == label).click().run()
    return app


def test_undo_takes_back_step_by_step_and_reset_all() -> None:
    app = opened()
    app.button(key="preset all:set=1").click().run()
    app.button(key="preset all:permute=1").click().run()
    assert chips(app) == ["all:set=1", "all:permute=1"]
    assert chips(press(app, "Undo")) == ["all:set=1"]
    assert chips(press(app, "Undo")) == []
    app.button(key="preset all:permute=1").click().run()
    assert chips(press(app, "Reset")) == []
    assert chips(press(app, "Undo")) == ["all:permute=1"]
    app.multiselect(key="edits").set_value([]).run()
    assert "Nothing is changed yet" in said(app)
    assert not app.exception


def test_the_address_holds_the_edits_and_foreign_ones_are_left_out_with_a_sentence() -> None:
    app = opened("SE_3_1:set=0", "SK_9_9:even", "*nonsense*")
    assert not app.exception and not app.error
    warned = [each.value for each in app.warning]
    assert len(warned) == 2 and "has no" in warned[0] and "is no edit" in warned[1] and "\\*nonsense\\*" in warned[1]
    assert score(app)


def test_branches_can_be_left_alone() -> None:
    app = opened("all:even", network="tiny/sk")
    assert not app.exception and score(app)
    app.selectbox(key="edit_what").select("only").run()
    assert chips(app) == ["all:even", "all:only=5x5"]
    app.selectbox(key="edit_branch").select("3x3").run()
    assert chips(app) == ["all:even", "all:only=3x3"] and not app.exception


def test_another_pictures_gates_can_be_taken() -> None:
    title = state.samples()[2].title
    app = opened(f"all:picture={title}")
    assert not app.exception and not app.warning and score(app)
    same = opened(f"all:picture={state.samples()[0].title}")
    assert "stays at" in score(same)  # its own gates: nothing changes


def test_which_block_matters_is_one_click_away() -> None:
    app = opened()
    assert not any("What each block does" in title for title in figures(app))
    app.toggle(key="effects").set_value(True).run()
    (drawn,) = [spec for title, spec in figures(app).items() if "What each block does" in title]
    bars = [trace for trace in drawn["data"] if trace["type"] == "bar"]  # type: ignore[attr-defined]
    assert sum(len(bar["x"]) for bar in bars) == 8
    assert "takes the most" in said(app) or "adds the most" in said(app)


def test_a_clicked_bar_is_an_edit_and_a_clicked_channel_joins_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The handlers get what a client sends; a client may send anything."""
    session: dict[str, object] = {}
    monkeypatch.setattr(state.st, "session_state", session)
    monkeypatch.setattr(state.st, "query_params", type("Query", (dict,), {"get_all": lambda self, key: []})())
    site = tiny("tiny/se").sites[3]
    for values in ([], [None], [3.5, "x"], ["x", -1], [3, site.channels]):
        what_if._pick(values, site)
    what_if._take([7])
    what_if._take([])
    assert "edits" not in session
    what_if._take(["SE_2_1:set=1"])
    assert session["edits"] == ["SE_2_1:set=1"]
    what_if._pick([3, 5], site)
    assert session["edit_numbers"] == "5" and session["edit_where"] == site.name and session["edits"] == ["SE_2_1:set=1"]
    session["edit_what"] = "set"
    what_if._pick([3, 2], site)
    assert session["edits"] == ["SE_2_1:set=1", f"{site.name}[5,2]:set=1"]
    what_if._pick([3, 5], site)
    assert session["edits"] == ["SE_2_1:set=1", f"{site.name}[2]:set=1"]


def test_without_gates_there_is_nothing_to_change() -> None:
    app = opened(network="tiny/plain")
    assert not app.exception and "no gates that could be changed" in "".join(each.value for each in app.info)


def test_a_detectors_box_answers_to_edits() -> None:
    app = opened("all:set=0", network="tiny/boxes")
    assert not app.exception and not app.error and re.search(r"finds \S+ things? in place of", said(app))


def probabilities(app: AppTest) -> list[float]:
    """Every probability that the page draws, of the network as it is and of the edited one."""
    assert not app.exception and not app.error
    drawn: Any = figures(app)["Prediction"]["data"]
    return [float(x) for trace in drawn for x in trace["x"] if x is not None]


def test_an_edit_never_reaches_another_session() -> None:
    """Two visitors at once on one network: each page says what its own edits did, as when it is alone."""
    texts = (("all:set=0",), ("all:set=1",), ())
    alone = [probabilities(opened(*each)) for each in texts]
    state.inspect.clear()
    with ThreadPoolExecutor(3) as threads:
        together = list(threads.map(lambda each: probabilities(opened(*each)), texts))
    for one, other in zip(alone, together, strict=True):
        assert one == pytest.approx(other, abs=1e-5)
    for one, other in ((0, 1), (1, 2)):
        assert max(abs(a - b) for a, b in zip(alone[one], alone[other], strict=True)) > 1e-4


def test_a_click_hands_over_what_the_point_carries() -> None:
    taken: list[list[object]] = []
    chart._hand_over({"selection": {"points": [{"customdata": {"0": "SE_2_1:set=1", "1": "said"}}]}}, taken.append)
    assert taken == [["SE_2_1:set=1", "said"]]
