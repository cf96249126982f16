"""What Explore lets a visitor take away: nothing is made before the button is opened, and what is made is the page's own."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import streamlit as st

from sevis.app import session, state
from sevis.stored import open_inspection
from tests.app.test_explore import opened, page, tiny
from tests.test_notebook import Tags
from tests.test_report import titles

__all__ = ["page"]  # the fixture

KEYS = ("take_report", "take_npz", "take_numbers")


@pytest.fixture(autouse=True)
def buttons(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, tuple[Any, ...]]]:
    """What every download button was given, by its key: content is made on a click, which Streamlit's bench cannot do."""
    given: dict[str, tuple[Any, ...]] = {}

    def button(label: str, content: Callable[[], Any], file: str, kind: str, *, key: str, **options: Any) -> None:
        given[key] = (content, file, kind)

    monkeypatch.setattr(st, "download_button", button)
    monkeypatch.setattr("sevis.report.get_plotlyjs", lambda: "/* plotly.js */")
    yield given


def visited(monkeypatch: pytest.MonkeyPatch, **query: str) -> None:
    """The page with the button opened."""
    usual = st.popover

    class Open:
        open = True

        def __init__(self, held: Any) -> None:
            self._held = held

        def __enter__(self) -> None:
            self._held.__enter__()

        def __exit__(self, *error: object) -> None:
            self._held.__exit__(*error)

    monkeypatch.setattr(st, "popover", lambda *arguments, **options: Open(usual(*arguments, **options)))
    app = opened(**query)
    assert not app.exception and not app.error


def test_nothing_is_made_before_it_is_asked_for(buttons: dict[str, tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "provenance", lambda network: pytest.fail("nobody asked"))
    assert not opened().exception and not set(KEYS) & set(buttons)


def test_the_page_as_a_report_with_the_block_that_is_looked_at_and_the_edits(
    buttons: dict[str, tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(session, "edits_made", lambda: ("all:set=1", "SK_9_9:even"))
    visited(monkeypatch, block="SE_3_2", target="dog")
    content, file, kind = buttons["take_report"]
    made = content()
    assert kind == "text/html" and file.endswith(".html") and "/" not in file
    seen, drawn = Tags(made).text, titles(made)
    assert any(title.startswith("SE_3_2: squeeze") for title in drawn) and any("for dog" in title for title in drawn)
    assert "Edit: all: set to 1." in seen and "SK_9_9" not in seen
    (tmp_path / "x.npz").write_bytes(buttons["take_npz"][0]())
    kept = open_inspection(tmp_path / "x.npz")
    assert (kept.model, kept.target.label, kept.edits) == ("tiny/se", "dog", ())
    assert kept.provenance is not None and kept.provenance.weights_sha256 in seen
    rows = list(csv.DictReader(StringIO(buttons["take_numbers"][0]())))
    assert len(rows) == sum(site.channels for site in kept.sites)
    assert {row["block"] for row in rows} == {site.name for site in kept.sites}


@pytest.mark.parametrize("network", ["tiny/plain", "tiny/sk"])
def test_every_network_can_be_taken_away(network: str, buttons: dict[str, tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch) -> None:
    visited(monkeypatch, network=network)
    assert set(KEYS) <= set(buttons)
    contents = [buttons[key][0]() for key in KEYS]
    assert titles(contents[0]) and contents[2].count("\n") > 1
    assert bool(tiny(network).sites) == contents[2].startswith("block,")
