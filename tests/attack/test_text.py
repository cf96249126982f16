"""What visitors and networks call things: shown as text on the page, in its figures and in the report, and never anything else."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from sevis.app.words import plain
from sevis.report import Subject, report
from tests.app import test_explore
from tests.app.test_explore import opened, page, png
from tests.attack import ALL
from tests.attack.names import EVENTS, HOSTILE, MARK, bring, packed
from tests.made_up import CASES
from tests.test_notebook import Tags

__all__ = ["page"]  # the fixture: tiny networks in place of those that ship

OUTWARD = ("socket.connect", "socket.getaddrinfo", "subprocess", "os.system")
NAMES = {
    "HTML": "<img src=x onerror=alert(1)><script>alert(2)</script>",
    "Markdown": "**b** [x](javascript:alert(2)) ![i](http://evil.example/a.png) :red[r] $x$ # h",
    "null bytes": "a\0b\x1b[31m\u202e\r\n# c",
    "a template": "%{y} {{7*7}} ${7} </script><!--",
    "an address": "see https://evil.example/x, www.evil.example or a@b.example",
    "what Streamlit reads": ":material/delete: :streamlit: :red[r] a -> b <- c",
    "more than a line": "hello\n===\n\n    code\n\u2028\u202eltr",
    "100 kB": "x<b>" * 25_000,
}
# what Markdown, what Streamlit adds to it, or a browser would make something of; links are read off what is left of the backslashes
READ = re.compile(r"<[a-zA-Z/!]|\]\(|\*\*")
LINKED = re.compile(r"\w://|www\.\w|\w@\w|:\w[\w/]*:|->|<-|[\x00-\x1f\u2028\u202e]|^\s", re.IGNORECASE)


def literal(text: str) -> str:
    """The text without what a backslash makes literal."""
    return re.sub(r"\\.", "", text, flags=re.DOTALL)


def written(app: AppTest, name: str) -> list[str]:
    """All that the page says with (a beginning of) the name in it, as Markdown."""
    told = [each.value for kind in (app.markdown, app.caption, app.info, app.warning, app.error, app.subheader) for each in kind]
    told += [each.label for kind in (app.button, app.expander) for each in kind]
    return [text for text in told if plain(name[:4]) in text or name[:4] in text]


@pytest.mark.parametrize("case", ["HTML", *(["100 kB", "null bytes"] if ALL else [])])
def test_names_of_files_and_classes_are_text_on_the_page(case: str, page: None, monkeypatch: pytest.MonkeyPatch) -> None:
    name = NAMES[case]
    monkeypatch.setattr(test_explore, "CLASSES", (name, f"{name} 2", NAMES["Markdown"]))
    app = opened()
    upload = app.file_uploader(key="upload")
    file = name.replace("\0", "")  # Streamlit takes no file of such a name
    upload.set_value((f"{file}.png", png(np.full((50, 70, 3), 128, np.uint8)), "image/png")).run()
    assert not app.exception and not app.error
    found = written(app, name)
    assert found and not [text[:200] for text in found if READ.search(literal(text))]
    figures = [json.loads(chart.proto.spec)["layout"] for chart in app.get("plotly_chart")]
    assert figures and not re.search(r"<(img|script|a)\b", json.dumps(figures))


def test_a_file_s_name_with_null_bytes_is_refused_by_streamlit_and_nothing_is_told(page: None) -> None:
    app = opened()
    app.file_uploader(key="upload").set_value(("a\0.png", b"", "image/png")).run()
    assert [each.message.partition(".")[0] for each in app.exception] == ["This app has encountered an error"]
    assert not [each for each in app.exception if each.stack_trace]


@pytest.mark.parametrize("case", NAMES)
def test_markdown_reads_nothing_of_it(case: str) -> None:
    assert not READ.search(literal(plain(NAMES[case]))) and not LINKED.search(plain(NAMES[case]).replace("\\", ""))


@pytest.mark.parametrize("case", NAMES if ALL else ["HTML", "null bytes"])
def test_the_report_has_it_as_text(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sevis.report.get_plotlyjs", lambda: "")
    name, made = NAMES[case], CASES["one block"]
    calm = Tags(report([Subject("a", made, None)]))
    target = replace(made.target, label=name)
    evil = replace(made, model=name, target=target, predictions=(target, *made.predictions[1:]), warnings=(name,))
    seen = Tags(report([Subject(name, evil, None)]))
    kinds = ("script", "img", "a", "iframe", "link", "form")
    assert [tag for tag, _ in seen.tags if tag in kinds] == [tag for tag, _ in calm.tags if tag in kinds]
    assert not [given for _, given in seen.tags for key in given if key.startswith("on")]
    assert name[:20].split("\0")[0] in seen.text


# ---- nothing becomes a path, a module or a request


class Ear:
    """Hears what the interpreter tells its audit hooks: every file, import, process, connection. A hook stays for good, so it is shut."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []
        self.is_open = False
        sys.addaudithook(self)

    def __call__(self, event: str, given: tuple[object, ...]) -> None:
        if self.is_open and event.startswith(EVENTS):
            self.heard.append((event, repr(given)))


def test_no_name_becomes_a_path_a_module_or_a_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here, own = tmp_path / "here", tmp_path / "pictures.tar"
    here.mkdir()
    monkeypatch.chdir(here)
    bring("a.png")  # what is imported late is imported now
    packed("a.png", own)
    ear = Ear()
    try:
        ear.is_open = True
        for name in HOSTILE:
            bring(name)
            packed(name, own)
    finally:
        ear.is_open = False
    assert any(event == "open" and str(own) in given for event, given in ear.heard)  # it does hear
    assert [each for each in ear.heard if MARK in each[1] or each[0].startswith(OUTWARD)] == []
    assert list(here.iterdir()) == [] and set(tmp_path.iterdir()) == {here, own}
