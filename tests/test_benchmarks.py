"""The benchmarks run, at tiny sizes, and docs/performance.md says what their JSON says."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks import growth, table
from benchmarks.competitors import COMPETITORS, against_others
from benchmarks.gpu import on_gpu
from benchmarks.monitoring import monitoring
from benchmarks.networks import inspected, picture
from benchmarks.passes import passes
from benchmarks.rounds import Rounds, interleaved
from benchmarks.row import LEAST, MOST, TINY, Row, compared
from benchmarks.scans import scans
from benchmarks.what_if import what_ifs

ROW = Row("what", "against", 1.2, MOST, 1.08, {"sevis": 1.2, "bare": 1.0})


@pytest.mark.parametrize("section", [passes, scans, monitoring, what_ifs], ids=lambda section: section.__name__)
def test_a_section_gives_rows_of_what_it_timed(section) -> None:
    rows = list(section(TINY))
    assert rows and all(row.value > 0 and row.against and all(row.seconds.values()) for row in rows)


def test_who_is_not_installed_has_no_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.competitors.find_spec", lambda name: None)
    assert list(against_others(TINY)) == []


@pytest.mark.parametrize("imported", ["captum", "torchcam"])  # the other two take seconds to import
@pytest.mark.filterwarnings("ignore")
def test_a_competitor_computes_the_same_map_for_every_block(imported: str) -> None:
    pytest.importorskip(imported)
    inspector = inspected("small", 64)
    (run,) = (other.run for other in COMPETITORS if other.imported == imported)
    batch, paths = inspector.batch([inspector.tensor(picture(64))]), [site.path for site in inspector.sites]
    theirs = [made.detach().flatten() for made in run(inspector.module, batch.requires_grad_(), paths)]
    ours = [torch.from_numpy(cam.values).flatten() for cam in inspector.inspect_batch([picture(64)], [None])[0].cams]
    for mine, other in zip(ours, theirs, strict=True):  # both divided by their peaks: torch-cam gives its maps so
        assert torch.allclose(mine, other / other.max().clamp(min=1e-12), atol=1e-3) or not mine.any()


def test_rounds_are_interleaved_each_work_after_a_run_that_does_not_count() -> None:
    seen: list[str] = []
    works = {name: lambda name=name: seen.append(name) for name in "ab"}
    rounds = interleaved(works, 2, clock=lambda work: float(work() or len(seen)))
    assert "".join(seen) == "aabbaabb"
    assert rounds.seconds == {"a": 4.0, "b": 6.0}
    assert rounds.quartiles("a", "b") == pytest.approx((0.5625, 0.625, 0.6875))  # of 2 / 4 and 6 / 8


def test_a_row_of_a_comparison_has_the_median_ratio() -> None:
    rounds = Rounds(tuple({"sevis": each, "bare": 2.0} for each in (2.0, 2.2, 9.0)))
    row = compared("what", "against", rounds, "sevis", "bare", MOST, 1.2)
    assert (row.value, row.half, row.seconds) == (pytest.approx(1.1), pytest.approx((1.05, 2.8)), {"sevis": 2.2, "bare": 2.0})


@pytest.mark.parametrize(("bound", "value", "holds"), [(MOST, 1.0, True), (MOST, 1.1, False), (LEAST, 1.1, True), (LEAST, 1.0, False)])
def test_a_row_says_whether_it_holds(bound: str, value: float, holds: bool) -> None:
    assert replace(ROW, bound=bound, value=value, reach=1.05).holds is holds


def test_the_page_says_what_the_json_says() -> None:
    begin, end = (marker.format("bench") for marker in (table.BEGIN, table.END))
    written = table.PAGE.read_text().partition(begin)[2].partition(end)[0].strip()
    assert written == table.tables(table.read())


def test_the_growth_on_the_page_is_that_of_its_json() -> None:
    kept = json.loads(growth.GROWTH.read_text())
    assert set(kept["axes"]) == {axis.name for axis in growth.AXES}
    assert growth.section(kept) in table.PAGE.read_text()


def test_rows_come_back_from_the_json_and_go_between_the_markers(tmp_path: Path) -> None:
    results, page = tmp_path / "rows.json", tmp_path / "page.md"
    table.write([ROW], results, note="a note")
    assert table.read(results)["rows"] == [asdict(ROW)]
    assert str(Path.home()) not in results.read_text()
    page.write_text(f"before\n{table.BEGIN.format('bench')}\nstale\n{table.END.format('bench')}\nafter\n")
    table.put("bench", table.tables(table.read(results)), page)
    assert page.read_text().startswith("before\n") and page.read_text().endswith("\nafter\n") and "stale" not in page.read_text()
    assert "| what | against | at most 1.080 x | 1.200 x |  | **no** |" in page.read_text()


def test_a_page_without_markers_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("nothing here")
    with pytest.raises(ValueError, match="no markers"):
        table.put("bench", "text", page)
    assert page.read_text() == "nothing here"


def test_a_straight_line_is_fitted_as_one() -> None:
    sizes = np.array([1.0, 2, 5, 9])
    assert growth.fit(sizes, 3 + 2 * sizes) == pytest.approx((3, 2, 1))
    assert growth.fit(sizes, sizes**3)[2] < 0.95


@pytest.mark.skipif(torch.cuda.is_available(), reason="has a CUDA device")
def test_without_a_gpu_its_section_is_empty() -> None:
    assert list(on_gpu(TINY)) == []


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_passes_run_on_a_gpu() -> None:
    assert len(list(on_gpu(TINY))) == 6
