"""Every lesson in Streamlit's test bench: it draws its whole text and all its shows, with the picture's own numbers."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

import pytest
from streamlit.testing.v1 import AppTest

from sevis.app import frame
from sevis.app.lesson import lesson, parts_of
from sevis.app.lessons import LESSONS
from sevis.places import LEARN
from tests.app.test_explore import page
from tests.browser.conftest import ROOT

__all__ = ["page"]  # the fixture: tiny networks in place of those that ship

WORDS_A_MINUTE = 230


def texts(part: ModuleType) -> list[str]:
    return parts_of(part.__name__.rpartition(".")[2])


@pytest.mark.parametrize("part", LESSONS, ids=lambda part: part.TITLE)
def test_a_lesson_draws_all_of_its_text(page: None, monkeypatch: pytest.MonkeyPatch, part: ModuleType) -> None:
    monkeypatch.setattr(frame, "PAGES", (part,))
    monkeypatch.setattr(frame, "LESSONS", ())
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120).run()
    assert not app.exception and not app.error
    shown = {each.value.strip() for each in app.markdown}
    assert [text for text in texts(part)[::2] if text.strip() and text.strip() not in shown] == []
    assert part.TITLE in app.subheader[0].value


@pytest.mark.parametrize("part", LESSONS[:-1], ids=lambda part: part.TITLE)
def test_a_lesson_is_read_in_three_minutes_and_names_its_sources(part: ModuleType) -> None:
    text = " ".join(texts(part)[::2])
    assert 1 <= len(text.split()) / WORDS_A_MINUTE <= 3.5
    assert "$" in text and re.search(r"## Sources\n", text)


def test_the_menu_has_every_lesson_and_each_leads_to_the_next(page: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert {path.stem for path in LEARN.glob("*.md")} == {part.__name__.rpartition(".")[2] for part in LESSONS}
    assert len({frame._address(part) for part in (*frame.PAGES, *LESSONS)}) == len(frame.PAGES) + len(LESSONS)


def test_a_text_whose_show_is_missing_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    text = "# Odd\n\n[Text](where_it_sits.md), [out](../findings.md#a).\n\n> **In the app:** one. <!-- show: figure -->\n\n## More\n"
    (tmp_path / "odd.md").write_text(text, encoding="utf-8")
    monkeypatch.setattr("sevis.app.lesson.LEARN", tmp_path)
    assert parts_of("odd") == ["\n[Text](where-it-sits), out.\n\n", "figure", "\n#### More\n"]
    with pytest.raises(ValueError, match=r"docs/learn/odd\.md shows figure; the page has nothing"):
        lesson("odd", {})
