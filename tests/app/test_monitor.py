"""The Monitor page in Streamlit's test bench, and the logs that it takes or refuses."""

from __future__ import annotations

import json
import time
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


def numbered(*gates: str, step: str = "3") -> bytes:
    """A line of a log in which every gate has a number."""
    return f'{{"step": {step}, "gates": {json.dumps({gate: {"M1": 0.5} for gate in gates})}}}\n'.encode()


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "no looks and no number"),
        (b'{"step": 3, "gates": {"a": {"M99": 1}}}', "1 look and no number"),
        (b'{"step": 3, "gates": {"a": {"M1": "x"}}}', "line 1 is"),
        (b'{"step": Infinity, "gates": {}}', "no log of sevis.GateMonitor"),
        (b"[" * 100_000, "no log of sevis.GateMonitor"),
        (b"\xff\xfe\x00", "no text"),
        (b" " * (21 << 20), "21 MB, and 20 MB are read"),
        (LOG * 401, "2,005 lines, and 2,000 can be shown"),
        (json.dumps([1]).encode(), "line 1 is '[1]'"),
        (numbered("\ud800"), "no proper Unicode"),
        (numbered("a" * 201), "more than 200 characters"),
        *[(numbered("a", step=step), "is beyond 2 to the 53rd") for step in ("1" + 30 * "0", "1e300", "1" + 400 * "0", f"-{2**53 + 1}")],
        (numbered(*map(str, range(1001))), "1,001 gates, and 1,000 can be shown"),
        (numbered(*map(str, range(501))) + numbered(*map(str, range(500, 1001)), step="4"), "1,001 gates"),
        (b"".join(numbered(*map(str, range(100)), step=str(step)) for step in range(1001)), "1,001 looks at 100 gates"),
    ],
)
def test_no_log_at_all(data: bytes, why: str) -> None:
    with pytest.raises(logs.LogError, match=r"\.") as refused:
        logs.brought(data)
    assert why in str(refused.value) and len(str(refused.value)) < 300


def test_what_is_just_within_the_bounds_is_drawn() -> None:
    largest = b"".join(numbered("é" * 200, *map(str, range(999)), step=str(step)) for step in (-(2**53), 2**53))
    looks = logs.brought(largest)
    assert [look.step for look in looks] == [-(2**53), 2**53]
    started = time.process_time()
    for name in ("gates_over_epochs", "gates_played"):
        assert monitor.DRAW[name](looks, "M1").to_json()
    assert time.process_time() - started < 4


def test_a_log_keeps_what_it_says() -> None:
    assert logs.brought(b"\n" + LOG) == LOOKS
