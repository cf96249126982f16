"""The Monitor page in Streamlit's test bench, and the logs that it takes or refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sevis.analysis.looks import line
from sevis.app import frame, logs, state
from sevis.app.pages import PAGES, explore, monitor
from tests.app.test_explore import figures, page, said
from tests.app.test_scan import opened
from tests.test_evidence import LOOKS

__all__ = ["page"]  # the fixture: tiny networks in place of those that ship

LOG = "".join(f"{line(look)}\n" for look in LOOKS).encode()


@pytest.fixture(autouse=True)
def shipped(page: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The page is the one that opens first, and no network ships with a log."""
    monkeypatch.setattr(frame, "PAGES", (monitor, explore))
    monkeypatch.setattr(logs, "PRETRAINED", tmp_path)
    (tmp_path / "tiny").mkdir()
    return tmp_path / "tiny"


def test_a_log_that_ships_is_drawn_and_played(shipped: Path) -> None:
    assert monitor in PAGES and logs.shipped(state.networks()) == {}
    (shipped / "se.training.jsonl").write_bytes(LOG)
    (shipped / "unknown.training.jsonl").write_bytes(LOG)
    (shipped / "se.json").write_text('{"training": {"note": "Of a *second* run."}}')
    app = opened()
    assert not app.exception and not app.error
    assert app.selectbox(key="log").options == ["tiny/se"] and "Of a *second* run." in said(app).replace("\\", "")
    lines, film = (
        figures(app)[title] for title in ("Spread between images over the training", "The gates look by look: spread between images")
    )
    assert len(lines["data"]) == 3 and len(film["frames"]) == len(LOOKS)  # type: ignore[arg-type]
    assert "SE_5_1 fell below 0.0050 by step 1,400" in said(app).replace("\\", "")
    app.selectbox(key="metric").set_value("M4").run()
    assert "Stuck at half over the training" in figures(app)
    app.toggle(key="log_table").set_value(True).run()
    assert list(app.dataframe[0].value.columns) == ["step", "SE_2_1", "SE_5_2"]
    assert list(app.dataframe[0].value["step"]) == [look.step for look in LOOKS] and not app.exception


def test_a_visitor_s_log_is_taken_and_what_is_none_is_refused_in_a_sentence() -> None:
    app = opened(log="nothing", metric="B1")
    assert not app.exception and "GateMonitor" in app.code[0].value and "plays the log" in said(app) and not figures(app)
    app.file_uploader(key="log_file").set_value(("bad.jsonl", b'{"step": 1}\n', "text/plain")).run()
    assert not app.exception and "line 1 is" in app.error[0].value.replace("\\", "") and not figures(app)
    app.file_uploader(key="log_file").set_value(("good.jsonl", LOG, "text/plain")).run()
    assert not app.exception and not app.error and app.selectbox(key="log").value == "your log"
    assert "Spread between images over the training" in figures(app)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "no looks and no number"),
        (b'{"step": 3, "gates": {"a": {"M99": 1}}}', "1 look and no number"),
        (b'{"step": 3, "gates": {"a": {"M1": "x"}}}', "line 1 is"),
        (b'{"step": Infinity, "gates": {}}', "no log of sevis.GateMonitor"),
        (b"[" * 100_000, "no log of sevis.GateMonitor"),
        (b"\xff\xfe\x00", "no text"),
        (LOG * 401, "2,005 lines, and 2,000 can be shown"),
        (json.dumps([1]).encode(), "line 1 is '[1]'"),
    ],
)
def test_no_log_at_all(data: bytes, why: str) -> None:
    with pytest.raises(logs.LogError, match=r"\.") as refused:
        logs.brought(data)
    assert why in str(refused.value) and len(str(refused.value)) < 300


def test_a_log_keeps_what_it_says() -> None:
    assert logs.brought(b"\n" + LOG) == LOOKS
