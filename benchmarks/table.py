"""From the JSON to the table in docs/performance.md, between its markers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.machine import machine
from benchmarks.row import Row

__all__ = ["PAGE", "RESULTS", "put", "read", "tables", "write"]

RESULTS = Path(__file__).parent / "results" / "cpu.json"
PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
BEGIN, END = "<!-- {0}: begin, written by make {0} -->", "<!-- {0}: end -->"


def write(rows: Sequence[Row], path: Path = RESULTS, **more: Any) -> None:
    """Keep the rows with the machine that they come from."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"machine": machine(), "rows": [asdict(row) for row in rows], **more}, indent=2) + "\n")


def read(path: Path = RESULTS) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def tables(results: dict[str, Any]) -> str:
    """The machine in a sentence and the rows as Markdown."""
    lines = ["| what | against | to reach | measured | half of the rounds | holds |", "|---|---|---|---|---|---|"]
    lines += [_line(Row(**row)) for row in results["rows"]]
    return "\n".join([said_of(results["machine"]), "", *lines, "", results.get("note", "")]).rstrip()


def said_of(found: dict[str, Any]) -> str:
    """The machine in a sentence."""
    versions = ", ".join(f"{name} {number}" for name, number in found["versions"].items() if number)
    return (
        f"{found['processor']}, {found['logical_processors']} logical processors, of which {found['threads_used']} was used; "
        f"{found['gpu'] or 'no GPU'}; Python {found['python']}, {versions}."
    )


def _line(row: Row) -> str:
    cells = (row.what, row.against, f"{row.bound} {_figure(row.reach, row.unit)}", _figure(row.value, row.unit), _half(row), _said(row))
    return f"| {' | '.join(cells)} |"


def _figure(value: float, unit: str) -> str:
    return f"{value:.3g} s" if unit == "s" else f"{value:.3f} x"


def _half(row: Row) -> str:
    return "" if row.half is None else f"{row.half[0]:.3f} to {row.half[1]:.3f}"


def _said(row: Row) -> str:
    return "yes" if row.holds else "**no**"


def put(name: str, text: str, page: Path = PAGE) -> None:
    """Replace what stands between the page's markers of that name."""
    begin, end = BEGIN.format(name), END.format(name)
    before, _, rest = page.read_text().partition(begin)
    _, marker, after = rest.partition(end)
    if not marker:
        raise ValueError(f"{page.name} has no markers {begin!r} and {end!r} for the table; put them back")
    page.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}")
