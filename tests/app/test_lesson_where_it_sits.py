"""Where it sits in Streamlit's test bench: the five arrangements of the shipped network, or one sentence where it is not there."""

from __future__ import annotations

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from sevis import figures as drawn
from sevis import sentences
from sevis.app import frame, state
from sevis.app.lessons import where_it_sits
from sevis.loading import load
from sevis.rearranged import TEACHER
from tests.app.test_explore import figures, opened, page, said
from tests.made_up_lessons import arranged

__all__ = ["page"]  # the fixture: tiny networks in place of those that ship


@pytest.fixture(autouse=True)
def alone(page: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frame, "PAGES", (where_it_sits,))
    monkeypatch.setattr(frame, "LESSONS", ())


@pytest.fixture
def shipped(alone: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "load", load)
    monkeypatch.setattr(state, "available", lambda: (TEACHER,))


def diagram(app: AppTest) -> str:
    return str(figures(app)["One residual unit, five arrangements"]["layout"])


def test_the_arrangements_are_drawn_measured_and_chosen(shipped: None) -> None:
    app = opened(arrangement="Pre")
    assert not app.exception and not app.error
    assert {"Spread of the activations by depth", "One residual unit, five arrangements"} == set(figures(app))
    pre = diagram(app)
    assert "SE\\_3\\_1, SE\\_4\\_1 and SE\\_5\\_1 stay standard there" in said(app)
    app.segmented_control(key="arrangement").set_value("post").run()
    assert not app.exception and diagram(app) != pre
    assert "stay standard there" not in said(app) and "of post by" in said(app)


def test_without_the_shipped_network_the_lesson_says_so() -> None:
    app = opened()
    assert not app.exception and not figures(app)
    assert any("not on this server" in each.value for each in app.info)


def test_the_chosen_line_is_thick_on_top_and_every_line_is_its_arrangements() -> None:
    five = arranged()
    lines = drawn.activations(five, 3).data
    assert [line.line.width for line in lines] == [1.3, 1.3, 1.3, 1.3, 3]
    for line, each in zip(lines, [each for each in five if each.name != "identity"] + [five[3]], strict=True):
        np.testing.assert_allclose(line.y, np.maximum(each.spreads, 1e-3))


def test_the_sentences_compare_with_the_standard_arrangement() -> None:
    five = arranged()
    ratios = five[4].spreads / five[0].spreads
    far = five[0].blocks[int(np.abs(np.log(ratios)).argmax())]
    assert f"furthest apart behind {far}, where doubled has" in sentences.activations_sentence(five, 4)
    assert "as identity they say the same" in sentences.placements_sentence(five, 3)
    assert "SE_3_1 and SE_4_1 stay standard" in sentences.placements_sentence(five, 1)
    assert "stay standard" not in sentences.placements_sentence(five, 0)
