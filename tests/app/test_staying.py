"""A visitor who stays: what a look leaves in memory goes with the next one."""

from __future__ import annotations

import gc

import pytest
import streamlit as st

from sevis.app import chart, frame, session, state
from sevis.app.drawn import kept
from sevis.app.lessons import glossary
from sevis.records import Inspection
from tests.app.test_explore import opened


def alive() -> set[int]:
    return {id(each) for each in gc.get_objects() if isinstance(each, Inspection)}


def left(before: set[int]) -> int:
    """How many inspections live on when what all visitors share is taken away."""
    state.inspect.clear()
    kept.clear()
    gc.collect()
    return len(alive() - before)


def test_a_visitor_holds_the_last_picture_alone() -> None:
    before, app = alive(), opened()
    for target in app.selectbox(key="target").options[-3:]:
        app.selectbox(key="target").set_value(target).run()
        assert not app.exception
    assert len(alive() - before) == 4 and left(before) <= 1


def test_a_page_that_shows_none_holds_none(monkeypatch: pytest.MonkeyPatch) -> None:
    before, app = alive(), opened()
    assert len(alive() - before) == 1
    monkeypatch.setattr(frame, "PAGES", (glossary,))
    monkeypatch.setattr(frame, "LESSONS", ())
    app.run()
    assert app.subheader[0].value == glossary.TITLE and left(before) == 0


def test_a_click_is_taken_by_what_is_drawn_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(st, "session_state", {"figure": {"selection": {"points": [{"customdata": [7]}]}}})
    taken: list[tuple[str, list[object]]] = []
    chart._clicked("figure")  # nobody has drawn it yet
    for name in ("first", "second"):
        session.begin_listening()
        chart._clicked("figure")
        session.listen("figure", lambda values, name=name: taken.append((name, values)))
        session.end_listening()
    chart._clicked("figure")
    assert taken == [("first", [7]), ("second", [7])]  # while it is drawn anew the one before listens, then the new one
    session.begin_listening()
    session.end_listening()
    chart._clicked("figure")
    assert len(taken) == 2
