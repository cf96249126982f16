"""make bench: every row of the table, to benchmarks/results/cpu.json and docs/performance.md."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from dataclasses import replace

from benchmarks.competitors import against_others
from benchmarks.gpu import LEFT_OUT, on_gpu
from benchmarks.monitoring import monitoring
from benchmarks.passes import passes
from benchmarks.rounds import quiet
from benchmarks.row import FULL, Row, Sizes
from benchmarks.scans import scans
from benchmarks.start import starts, views
from benchmarks.table import put, read, tables, write
from benchmarks.what_if import what_ifs

SECTIONS: tuple[Callable[[Sizes], Iterable[Row]], ...] = (passes, against_others, scans, monitoring, what_ifs, views, starts, on_gpu)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--photographs", default="", help="a folder, .tar or .csv to scan instead of made-up pictures")
    parser.add_argument("--rounds", type=int, default=FULL.rounds)
    given = parser.parse_args()
    quiet()
    rows = []
    for section in SECTIONS:
        for row in section(replace(FULL, photographs=given.photographs, rounds=given.rounds)):
            rows.append(row)
            print(f"{row.value:8.3f} {row.unit}  {row.bound} {row.reach:g}  {row.what}  {row.against}", flush=True)
    write(rows, note="" if any(row.what.startswith("GPU") for row in rows) else LEFT_OUT)
    put("bench", tables(read()))


if __name__ == "__main__":
    main()
