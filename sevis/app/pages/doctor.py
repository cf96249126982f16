"""Doctor: which gates of a scanned network are alive, on what evidence, and what to do about the others."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from sevis import sentences
from sevis.analysis.ablation import Ablated
from sevis.analysis.doctor import Diagnosis
from sevis.analysis.reporting import report
from sevis.analysis.thresholds import load_thresholds
from sevis.app import scans, session, state
from sevis.app.chart import selectable
from sevis.app.evidence import evidence
from sevis.app.exhibits import exhibits
from sevis.app.loaded import choose_run
from sevis.app.offers import offer
from sevis.app.sidebar import Choice
from sevis.app.words import plain, say
from sevis.figures import verdicts
from sevis.runs import Run

TITLE = "Doctor"
ICON = ":material/stethoscope:"

WELCOME = (
    "A gate that gives every picture the same weights has collapsed, and accuracy does not show it. The doctor reads a scan, says of every"
    " gate whether it is alive, and shows what each verdict rests on. One picture never tells."
)


def render(choice: Choice) -> None:
    """The page: a run is chosen, its gates are judged, one gate's evidence is shown, and below it the papers' figures."""
    st.subheader("Is every gate alive?", anchor=False)
    if not scans.runs():
        st.markdown(WELCOME)
        choose_run()
        return
    left, right = st.columns([4, 1], gap="small", vertical_alignment="bottom")
    with left:
        run = choose_run()
    if run is None:
        st.markdown(WELCOME)
        return
    key = session.loaded_run() or run.folder.name
    if not run.statistics:
        st.info("No picture of this run was read, so there is no gate to judge; scan pictures that can be read.", icon=":material/info:")
        return
    ablated, diagnoses = _judged(key)
    with right:
        _take_away(key, run, diagnoses, ablated)
    _headline(run, diagnoses, ablated)
    if not ablated:
        offer("ablate", key, run, choice.network)
    depth = _verdicts(diagnoses)
    evidence(run.statistics[depth], diagnoses[depth], ablated[depth] if ablated else None)
    exhibits(key, run, choice.network)


def _judged(key: str) -> tuple[tuple[Ablated, ...], tuple[Diagnosis, ...]]:
    """The ablations and the diagnoses; without ablations where those that are kept cannot be used, which is said."""
    try:
        ablated = scans.ablated(key)
        return ablated, scans.examined(key, ablated)
    except ValueError as error:
        st.warning(plain(str(error)), icon=":material/warning:")
        return (), scans.examined(key, ())


def _take_away(key: str, run: Run, diagnoses: Sequence[Diagnosis], ablated: Sequence[Ablated]) -> None:
    """All of it as a file, as `sevis doctor --json` gives it."""
    told: dict[str, Any] = report(key, run.network, run.read, diagnoses, ablated)
    st.download_button(
        "Report",
        partial(json.dumps, told, indent=1),
        f"{key}.doctor.json",
        "application/json",
        key="take_report",
        on_click="ignore",
        icon=":material/download:",
        width="stretch",
        help="Every verdict with its numbers as JSON, as `sevis doctor RUN --json` gives it.",
    )


def _headline(run: Run, diagnoses: Sequence[Diagnosis], ablated: Sequence[Ablated]) -> None:
    """The one sentence for who has a deadline."""
    said = plain(sentences.doctor_sentence(diagnoses, run.read, ablated))
    if any(each.alarms for each in diagnoses):
        st.warning(said, icon=":material/warning:")
    elif run.read < load_thresholds()["pictures.least"] or any(each.verdict == "inconclusive" for each in diagnoses):
        st.info(said, icon=":material/help:")
    else:
        st.success(said, icon=":material/check_circle:")


def _verdicts(diagnoses: Sequence[Diagnosis]) -> int:
    """The verdicts by depth, and the gate that is looked at closely: the chosen one, or the first that needs it most."""
    names = [each.site.name for each in diagnoses]
    session.settle_one("gate", names)
    usual = _usual(diagnoses)
    place = st.container()
    left, right = st.columns([2, 3], gap="small", vertical_alignment="bottom")
    chosen = left.selectbox("Gate", names, index=None, placeholder=names[usual], key="gate", bind="query-params")
    depth = names.index(chosen) if chosen in names else usual
    with right:
        as_table = st.toggle("Show all verdicts as a table", key="verdict_table")
    with place:
        selectable(verdicts(diagnoses, depth, theme=state.theme()), "verdicts", partial(_choose, names))
        say(sentences.WHAT["verdicts"], sentences.TOLD["verdicts"](diagnoses))
    if as_table:
        _table(diagnoses)
    return depth


def _usual(diagnoses: Sequence[Diagnosis]) -> int:
    """The first gate with an alarm, or else the first inconclusive one, or else the first."""
    ranks = [0 if each.alarms else 1 if each.verdict == "inconclusive" else 2 for each in diagnoses]
    return ranks.index(min(ranks))


def _choose(names: Sequence[str], values: list[Any]) -> None:
    """Take the clicked gate; what a client sends is checked against what there is."""
    place = values[0] if values else None
    if isinstance(place, int) and 0 <= place < len(names):
        session.choose_gate(names[place])


def _table(diagnoses: Sequence[Diagnosis]) -> None:
    """The verdicts for a screen reader, or for copying."""
    rows = [
        {
            "gate": each.site.name,
            "verdict": each.verdict,
            "attention": "yes" if each.alarms else "no",
            "rule": each.findings[0].rule,
            "number": each.findings[0].number,
            "threshold": each.findings[0].threshold,
            "also": ", ".join(finding.rule for finding in each.findings[1:]),
            "what to do": each.findings[0].remedy,
        }
        for each in diagnoses
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True)
