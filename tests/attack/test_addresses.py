"""What an address asks for and the page does not have: the page falls back, says so in one note, and shows it as text."""

from __future__ import annotations

import ast
from types import ModuleType

import pytest
from streamlit.testing.v1 import AppTest

from sevis.app import addresses, frame
from sevis.app.lessons import excite, where_it_sits
from sevis.app.pages import compare, doctor, explore, monitor, what_if
from sevis.app.words import plain
from tests.app.test_explore import page
from tests.attack import ALL
from tests.browser.conftest import ROOT

__all__ = ["page"]  # the fixture: tiny networks in place of those that ship

EVIL = "<img src=x onerror=alert(1)>**b** [x](javascript:alert(2))"
EVERYWHERE = {"network": "../../etc/passwd", "picture": "\0", "target": EVIL}
# a page, what its address asks for that it does not have, and what it asks for besides
ASKED: dict[str, tuple[ModuleType, dict[str, str], dict[str, str]]] = {
    "explore": (explore, {**EVERYWHERE, "block": "SE_9_9", "channel": "99999", "scale": EVIL, "order": "x" * 100_000, "by": "0"}, {}),
    "a number without end": (explore, {"channel": "9" * 400}, {"block": "SE_2_1"}),
}
SLOWER: dict[str, tuple[ModuleType, dict[str, str], dict[str, str]]] = {
    "a detector": (explore, {"box": "-Infinity", "channel": "-1"}, {"network": "tiny/boxes"}),
    "two pictures": (compare, {"second_picture": EVIL, "seen_from": "above", "scale": "2", "block": "0", "channel": "1e9"}, {}),
    "two networks": (
        compare,
        {"second_network": "os.path:join", "pair": "SE_1 to SE_2"},
        {"compare": "two networks", "network": "tiny/sk"},
    ),
    "a changed picture": (compare, {"rotate": "9999", "blur": "x", "flip": "perhaps"}, {"compare": "changed picture"}),
    "no such comparison": (compare, {"compare": EVIL}, {}),
    "what if": (what_if, {"effects": "perhaps"}, {"edits": EVIL}),
    "monitor": (monitor, {"log": "../../etc/passwd", "metric": "M99"}, {}),
    "doctor": (doctor, {"run": "../../etc", "gate": EVIL}, {}),
    "a lesson": (excite, {"lesson_block": "SE_9_9"}, {}),
    "where it sits": (where_it_sits, {"arrangement": "Sideways"}, {}),
}
TRIED = ASKED | (SLOWER if ALL else {})


def opened(part: ModuleType, monkeypatch: pytest.MonkeyPatch, **query: str) -> AppTest:
    """A page, run once, at an address."""
    monkeypatch.setattr(frame, "PAGES", (part,))
    monkeypatch.setattr(frame, "LESSONS", ())
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    for key, value in query.items():
        app.query_params[key] = value
    return app.run()


def notes(app: AppTest) -> list[str]:
    return [each.value for each in app.info if "The address asks for" in each.value]


@pytest.mark.parametrize("case", TRIED)
def test_a_page_falls_back_and_says_so(case: str, page: None, monkeypatch: pytest.MonkeyPatch) -> None:
    part, asked, besides = TRIED[case]
    app = opened(part, monkeypatch, **asked, **besides)
    assert not app.exception and not app.error
    drawn = {key for key in asked if key in app.session_state}
    assert drawn >= set(asked) - {"run", "gate", "pair", "log", "metric", "arrangement"}  # drawn where there is something to choose from
    assert len(notes(app)) == bool(drawn)
    for key in list(asked)[: addresses.SHOWN]:
        shown = addresses._shown(asked[key])
        assert key not in drawn or plain(f"{key}={shown}") in notes(app)[0]
        assert app.session_state[key] != asked[key] if key in drawn else True


# ---- the note itself, on a page of one of every kind of widget


def every_kind() -> None:
    import streamlit as st

    from sevis.app import addresses

    addresses.keep()
    above = st.empty()
    st.selectbox("Block", ["SE_1", "SE_2"], index=None, key="block", bind="query-params")
    st.selectbox("Picture", ["cat", "dog"], key="picture", bind="query-params")
    st.number_input("Channel", 0, 63, None, 1, key="channel", bind="query-params")
    st.slider("Light", -50, 50, 0, 5, key="light", bind="query-params")
    st.toggle("Effects", key="effects", bind="query-params")
    scales = {"average": "against average", "absolute": "absolute"}
    st.segmented_control("Scale", list(scales), required=True, default="average", format_func=scales.get, key="scale", bind="query-params")
    st.multiselect("Edits", [], key="edits", bind="query-params", accept_new_options=True, max_selections=2)
    addresses.note(above, "here")


def told(**query: str | list[str]) -> AppTest:
    app = AppTest.from_function(every_kind)
    for key, value in query.items():
        app.query_params[key] = value
    return app.run()


MISSES = [("block", EVIL), ("block", "a\0b"), ("picture", "../cat"), ("channel", "64"), ("channel", "-1"), ("channel", "NaN")]
MISSES += [("channel", "9" * 300), ("light", "1000"), ("light", "x"), ("effects", "perhaps"), ("scale", "all")]
MISSES += [("block", "x" * 100_000)]


@pytest.mark.parametrize(("key", "text"), MISSES, ids=[f"{key}={text[:12]!r}" for key, text in MISSES])
def test_what_cannot_be_had_is_noted_as_text(key: str, text: str) -> None:
    app = told(**{key: text})
    assert not app.exception
    (note,) = notes(app)
    assert f"{key}=" in note.replace("\\", "") and len(note) < 500 and note.isprintable()
    assert "<img" not in note.replace("\\<", "") and "](javascript" not in note


TAKEN = [{"block": "SE_2"}, {"picture": "cat"}, {"channel": "03"}, {"light": "-20"}, {"effects": "true"}, {"effects": "false"}]
TAKEN += [{"scale": "against average"}, {"scale": "absolute"}, {"edits": ["a", "b"]}, {"nobody": "x"}, {"address_asked": "x"}]


@pytest.mark.parametrize("query", TAKEN, ids=str)
def test_what_can_be_had_is_not_noted(query: dict[str, str | list[str]]) -> None:
    app = told(**query)
    assert not app.exception and notes(app) == []


def test_edits_beyond_the_most_are_noted() -> None:
    (note,) = notes(told(edits=["a", "b", "c"]))
    assert "edits\\=c" in note or "edits=c" in note


def test_the_note_stays_until_the_choice_is_made_otherwise() -> None:
    app = told(block="SE_9", light="1000")
    app.toggle(key="effects").set_value(True).run()
    assert "SE" in notes(app)[0] and "light" in notes(app)[0]
    app.selectbox(key="block").set_value("SE_1").run()
    assert "SE" not in notes(app)[0] and "light" in notes(app)[0]


def test_every_bound_choice_that_is_written_otherwise_is_known() -> None:
    """A choice with a usual of its own and a format_func: the address would write that usual otherwise than the session has it."""
    found = set()
    for path in (ROOT / "sevis" / "app").rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and {"bind", "format_func", "default"} <= {each.arg for each in call.keywords}:
                key = next(each.value for each in call.keywords if each.arg == "key")
                found |= {key.value} if isinstance(key, ast.Constant) else {"scale", "order"}  # of controls._either
    assert found == set(addresses.WRITTEN)
