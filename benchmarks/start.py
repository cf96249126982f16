"""What a visitor and a shell wait for: the import, the list of models, the first page and the same page again."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median

import streamlit as st
from streamlit.testing.v1 import AppTest

from benchmarks.rounds import processor_seconds
from benchmarks.row import MOST, Row, Sizes
from sevis.app import state
from sevis.app.drawn import kept

__all__ = ["starts", "views"]

ROOT = Path(__file__).parents[1]
SLOWEST = 120.0
STARTS = (
    ("import sevis", ["-c", "import sevis"], ["-c", "pass"], 0.15),
    ("sevis models", ["-m", "sevis", "models"], None, 1.5),
)


def _child_seconds(arguments: Sequence[str]) -> float:
    """Processor time of another Python, from its start to its end."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, *arguments], cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def starts(sizes: Sizes) -> Iterator[Row]:
    """New processes; of the import, Python's own start is taken off."""
    for what, arguments, without, reach in STARTS:
        whole = _median(lambda: _child_seconds(arguments), sizes)  # noqa: B023 run before the loop goes on
        empty = _median(lambda: _child_seconds(without), sizes) if without else 0.0  # noqa: B023
        yield Row(what, "", whole - empty, MOST, reach, {"whole": whole, "python alone": empty}, "s")


def _median(once: Callable[[], float], sizes: Sizes) -> float:
    return median(once() for _ in range(sizes.slow_rounds))


def views(sizes: Sizes) -> Iterator[Row]:
    """The page's server time by Streamlit's test bench: a new visitor on a warm server, the same view again, and a picture's first view."""
    _visitor()  # warms the server
    first = _median(_seconds_of_first_paint, sizes)
    cold, again = zip(*(_view() for _ in range(sizes.slow_rounds)), strict=True)
    yield Row("app: a new visitor's first page, server warm", "", first, MOST, 3, {"first paint": first}, "s")
    what = "app: a repeated view (cached), server time"
    yield Row(what, "", median(again), MOST, 0.15, {"first view": median(cold), "repeated": median(again)}, "s")


def _visitor() -> AppTest:
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=SLOWEST).run()


def _seconds_of_first_paint() -> float:
    return processor_seconds(_visitor)


def _view() -> tuple[float, float]:
    """Of the first view of a picture, and of the same again."""
    page = _visitor()
    st.cache_data.clear()
    for shared in (state.picture, state.inspect, kept):
        shared.clear()
    return processor_seconds(page.run), processor_seconds(page.run)
