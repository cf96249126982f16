"""A visitor who stays: what a look leaves in memory goes with the next one."""

from __future__ import annotations

import gc

from sevis.app import state
from sevis.app.drawn import kept
from sevis.records import Inspection
from tests.app.test_explore import opened


def alive() -> set[int]:
    return {id(each) for each in gc.get_objects() if isinstance(each, Inspection)}


def test_a_visitor_holds_the_last_picture_alone() -> None:
    before = alive()
    app = opened()
    for target in app.selectbox(key="target").options[-3:]:
        app.selectbox(key="target").set_value(target).run()
        assert not app.exception
    state.inspect.clear()  # what all visitors share; each visitor's own is left
    kept.clear()
    gc.collect()
    assert len(alive() - before) <= 1
