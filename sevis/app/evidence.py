"""What one gate's verdict rests on: its findings with what to do, the figures behind them, and every metric with its source."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pandas as pd
import streamlit as st

from sevis import sentences
from sevis.analysis.ablation import Ablated
from sevis.analysis.bottleneck import effective_rank
from sevis.analysis.doctor import Diagnosis
from sevis.analysis.findings import VERDICTS, Finding
from sevis.analysis.gate_statistics import GateStatistics
from sevis.analysis.metrics import METRICS
from sevis.app import state
from sevis.app.chart import chart
from sevis.app.words import plain, say
from sevis.figures import FIGURES
from sevis.words import start

__all__ = ["evidence"]

DRAW = {entry.name: entry.draw for entry in FIGURES}
# figure -> whether a gate has what it draws, given that it saw pictures
SHOWN: dict[str, Callable[[GateStatistics], bool]] = {
    "gate_histogram": lambda statistics: True,
    "gate_spread": lambda statistics: True,
    "gate_branches": lambda statistics: statistics.site.kind == "branch" and len(statistics.site.branches) > 1,
    "gate_units": lambda statistics: statistics.hidden is not None,
    "gate_spectrum": lambda statistics: effective_rank(statistics) is not None,
}
ALARM, NOTE = ":material/warning:", ":material/info:"


def evidence(statistics: GateStatistics, diagnosis: Diagnosis, ablated: Ablated | None) -> None:
    """Draw all that is known of a gate.

    Args:
        ablated: None where nothing was ablated.
    """
    site = diagnosis.site
    st.subheader(plain(f"{site.name}: {diagnosis.verdict}"), anchor=False)
    st.caption(plain(f"{start(VERDICTS[diagnosis.verdict])}. In the network it is {site.path or 'the network itself'}."))
    for finding in diagnosis.findings:
        _finding(finding)
    if ablated is not None and ablated.effects:
        _draw("ablation_bars", site.name, ablated)
    if statistics.pictures:
        _figures(statistics)
    _metrics(diagnosis.metrics)


def _finding(finding: Finding) -> None:
    """One rule: its number beside its threshold, the likely cause, what to try."""
    told = ", ".join(filter(None, (finding.verdict, sentences.finding_sentence(finding))))
    with st.container(border=True):
        st.markdown(f"{ALARM if finding.alarm else NOTE} **{plain(finding.rule)}**: {plain(told)}")
        st.markdown(f"{plain(finding.cause)}\n\n**What to do:** {plain(finding.remedy)}")


def _figures(statistics: GateStatistics) -> None:
    """The figures that the gate has numbers for, two beside each other."""
    names = [name for name, has in SHOWN.items() if has(statistics)]
    for first in range(0, len(names), 2):
        for column, name in zip(st.columns(2, gap="medium"), names[first : first + 2], strict=False):
            with column:
                _draw(name, statistics)


def _draw(name: str, *args: object) -> None:
    chart(DRAW[name](*args, theme=state.theme()), name)
    say(sentences.WHAT[name], sentences.TOLD[name](*args))


def _metrics(metrics: Mapping[str, float | None]) -> None:
    """Every metric that applies to the gate."""
    known = [(metric, metrics[name]) for name, metric in METRICS.items() if metrics.get(name) is not None]
    with st.expander(f"All {len(known)} metrics of this gate", icon=":material/table_rows:"):
        rows = [{"id": each.id, "metric": each.name, "value": value, "unit": each.unit, "source": each.source} for each, value in known]
        st.dataframe(pd.DataFrame(rows), hide_index=True, column_config={"value": st.column_config.NumberColumn(format="%.4g")})
