"""Monitor: how the gates went over a training, from the log of sevis.GateMonitor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import streamlit as st

from sevis import sentences
from sevis.analysis.courses import courses, known_metrics
from sevis.analysis.looks import Look
from sevis.analysis.metrics import METRICS
from sevis.app import logs, scans, session
from sevis.app.chart import chart
from sevis.app.drawn import drawn
from sevis.app.sidebar import Choice
from sevis.app.words import plain, say
from sevis.figures import FIGURES

TITLE = "Monitor"
ICON = ":material/monitor_heart:"

DRAW = {entry.name: entry.draw for entry in FIGURES}
USUAL = "M1"
OWN = "your log"
WELCOME = (
    "A gate dies, or comes alive, while the network learns, and the loss does not show it. Three lines in a training loop write down what"
    " every gate does; this page plays the log."
)
LINES = """\
monitor = sevis.GateMonitor(module, probe, every=500, log="gates.jsonl")  # probe: 30 pictures or more, (N, 3, H, W)
for pictures, labels in loader:
    ...              # a step of your training
    monitor.step()"""


def render(choice: Choice) -> None:
    """The page: a log is chosen or brought, and one of its metrics is drawn over the training and played look by look."""
    st.subheader("How the gates learned", anchor=False)
    own, shipped = session.kept_log(), scans.training_logs()
    if own is None and not shipped:
        st.markdown(WELCOME)
        st.code(LINES, language="python")
        _bring()
        return
    which, what, other = st.columns([6, 6, 5], gap="small", vertical_alignment="bottom")
    with other, st.popover("Bring your own log", icon=":material/upload_file:", width="stretch"):
        _bring()
    with which:
        looks, note = _chosen(own, shipped)
    with what:
        metric = _metric(looks)
    if note:
        say(note)
    _draw("gates_over_epochs", looks, metric)
    _draw("gates_played", looks, metric)
    if st.toggle("Show the numbers as a table", key="log_table"):
        _table(looks, metric)
    with st.expander("Make a log of your own training", icon=":material/code:"):
        st.code(LINES, language="python")


def _chosen(own: tuple[Look, ...] | None, shipped: Mapping[str, Path]) -> tuple[tuple[Look, ...], str]:
    """The log that is shown, the visitor's or one that ships, and what there is to know of it."""
    names = [*([] if own is None else [OWN]), *shipped]
    session.settle_one("log", names)
    name = st.selectbox("Training", names, key="log", bind="query-params")
    if own is not None and name == OWN:
        return own, ""
    return scans.looks(str(shipped[name])), logs.note_of(shipped[name])


def _bring() -> None:
    """Where a visitor hands over a log."""
    st.file_uploader(
        "A log of sevis.GateMonitor (JSON Lines)",
        ["jsonl", "json", "txt", "log"],
        key="log_file",
        max_upload_size=logs.LARGEST,
        on_change=_take,
        help="It stays in this server's memory for a while and is never written to disk.",
    )
    if session.log_refused():
        st.error(plain(session.log_refused()))


def _take() -> None:
    """Read the file that was handed over, and show it; what is wrong with it is said where it was brought."""
    file = session.control("log_file")
    if file is None:
        return
    try:
        session.keep_log(logs.brought(file.getvalue()))
        session.set_control("log", OWN)
    except logs.LogError as error:
        session.refuse_log(str(error))


def _metric(looks: Sequence[Look]) -> str:
    """The metric that is drawn, of those that the log has."""
    known = known_metrics(looks)
    usual = USUAL if USUAL in known else known[0]
    session.settle_one("metric", known)
    chosen = st.selectbox(
        "Metric",
        known,
        index=None,
        placeholder=_named(usual),
        format_func=_named,
        key="metric",
        bind="query-params",
        help="Those of docs/doctor.md that the log has numbers for.",
    )
    return chosen if chosen in known else usual


def _named(metric: str) -> str:
    return f"{metric}: {METRICS[metric].name}"


def _draw(name: str, looks: tuple[Look, ...], metric: str) -> None:
    chart(drawn(DRAW[name], looks, metric), name)
    say(sentences.WHAT[name], sentences.TOLD[name](looks, metric))


def _table(looks: Sequence[Look], metric: str) -> None:
    """A row a look and a column a gate, for a screen reader, or for copying."""
    columns = {each.gate: pd.Series(each.values, index=pd.Index(each.steps, name="step")) for each in courses(looks, metric)}
    st.dataframe(pd.DataFrame(columns).rename_axis("step").reset_index(), hide_index=True)
