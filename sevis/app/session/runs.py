"""The runs and the training logs that one visitor opened, made or had examined."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from sevis.analysis.looks import Look
from sevis.app.errand import Errands
from sevis.app.own_runs import OwnRuns

__all__ = [
    "choose_gate",
    "errands",
    "finish_scan_round",
    "is_news",
    "is_run_lost",
    "keep_log",
    "kept_log",
    "load_run",
    "loaded_run",
    "log_refused",
    "own_runs",
    "refuse_log",
    "remember_run",
    "scan_round",
    "settle_run",
    "take_run",
]


def load_run(key: str | None) -> None:
    """The run that all pages are about; its widget and the address take it from here."""
    st.session_state["loaded_run"] = key
    st.session_state["run"] = key


def loaded_run() -> str | None:
    """The key of the run that was chosen last."""
    held: str | None = st.session_state.get("loaded_run")
    return held


def settle_run(keys: Sequence[str]) -> None:
    """Before its widget: what was chosen before the page was left comes back, and a run that is gone is forgotten.

    A new page finds its widget empty, or not there at all; that a visitor emptied it is told by take_run.
    """
    if st.session_state.get("run") is None and "run" not in st.query_params and loaded_run() in keys:
        st.session_state["run"] = loaded_run()
    if st.session_state.get("run") not in (None, *keys):
        st.session_state["run"] = None


def is_run_lost(keys: Sequence[str]) -> bool:
    """Whether the widget came up empty though a run is chosen that is still here; said once a choice.

    The browser empties it when a page is left before the address has the run, some milliseconds after it was chosen.
    """
    held = loaded_run()
    lost = held in keys and st.session_state.get("run_found_again") != held
    st.session_state["run_found_again"] = held
    return lost


def take_run() -> None:
    """What the visitor chose, which may be none; from a callback alone."""
    remember_run(st.session_state.get("run"))


def remember_run(key: str | None) -> None:
    """What the widget says, for the pages that do not draw it."""
    st.session_state["loaded_run"] = key


def scan_round() -> int:
    """How many times this visitor has brought pictures to scan: part of the upload's key, so that what was packed leaves the widget."""
    return int(st.session_state.get("scan_round", 0))


def finish_scan_round() -> None:
    """The pictures were packed: the next upload is another one."""
    st.session_state["scan_round"] = scan_round() + 1


def is_news(key: str) -> bool:
    """Whether this run was not announced yet; asked once."""
    news = st.session_state.get("announced") != key
    st.session_state["announced"] = key
    return news


def own_runs(make: Callable[[], OwnRuns]) -> OwnRuns:
    """What this visitor scanned; made when it is first asked for."""
    if "own_runs" not in st.session_state:
        st.session_state["own_runs"] = make()
    held: OwnRuns = st.session_state["own_runs"]
    return held


def errands(kind: str, make: Callable[[], Errands]) -> Errands:
    """What this visitor had found out about runs, by the kind of errand; made when it is first asked for."""
    if kind not in st.session_state:
        st.session_state[kind] = make()
    held: Errands = st.session_state[kind]
    return held


def choose_gate(name: str) -> None:
    """Put a gate of the run into the session, where its widget and the address take it from; from a callback alone."""
    st.session_state["gate"] = name


def keep_log(looks: tuple[Look, ...]) -> None:
    """Keep the training log that the visitor brought last: its widget forgets it when the page is left."""
    st.session_state["log_kept"] = looks
    st.session_state.pop("log_refused", None)


def kept_log() -> tuple[Look, ...] | None:
    """The training log that the visitor brought last."""
    held: tuple[Look, ...] | None = st.session_state.get("log_kept")
    return held


def refuse_log(why: str) -> None:
    """Say why a file is no log; what was kept before stays."""
    st.session_state["log_refused"] = why


def log_refused() -> str:
    """Why the file that was brought last is no log; "" where it is one."""
    return str(st.session_state.get("log_refused", ""))
