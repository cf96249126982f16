"""One channel against a scan: its inspection with the scan's averages in the place of the card's, and the pictures at both ends."""

from __future__ import annotations

from dataclasses import dataclass, replace

import streamlit as st

from sevis import sentences
from sevis.analysis.scanned import average, extremes
from sevis.app import loaded, scans, session
from sevis.app.chart import chart
from sevis.app.drawn import drawn
from sevis.app.words import say
from sevis.figures import channel_extremes
from sevis.records import Inspection
from sevis.runs import Run, RunError

__all__ = ["Against", "against_scan", "on_scan"]

MOST = 100_000  # pictures of a run whose weights the page reads: of 2,048 channels 400 MB


@dataclass(frozen=True)
class Against:
    """What a channel is compared with.

    Attributes:
        inspection: the page's, with the averages of the scan.
        classes: of the scan, in the order of its means by class; () where no picture has one.
        own: the place of the explained class among them; None where the scan has no picture of it.
        name: the run's key.
    """

    inspection: Inspection
    classes: tuple[str, ...]
    own: int | None
    name: str

    @property
    def pictures(self) -> int:
        """How many the scan has."""
        return self.inspection.averages[0].pictures

    @property
    def by_class(self) -> Inspection:
        """The inspection with its explained class numbered as the scan's classes are; -1 is none of them."""
        return replace(self.inspection, target=replace(self.inspection.target, index=-1 if self.own is None else self.own))


def against_scan(inspection: Inspection, depth: int, network: str) -> Against | None:
    """The run that was chosen, if it is of this very network and holds what its gates did with each picture."""
    key, run = session.loaded_run(), loaded.loaded()
    if key is None or run is None or not _is_of(run, inspection, network):
        return None
    try:
        averages = tuple(scans.scanned(key, n)[0] if n == depth else average(each) for n, each in enumerate(run.statistics))
    except (RunError, OSError):  # it went meanwhile
        return None
    classes = tuple(run.classes[label] for label in run.statistics[depth].labels if label >= 0)
    return Against(replace(inspection, averages=averages), classes, _own(run, inspection, classes), key)


def _is_of(run: Run, inspection: Inspection, network: str) -> bool:
    """Whether the run's network is the one on the page, to the last weight."""
    paths = [each.site.path for each in run.statistics]
    alike = bool(run.meta["gates"]) and 0 < run.read <= MOST and paths == [site.path for site in inspection.sites]
    return alike and bool(run.meta["weights_sha256"] == scans.weights_of(network))


def _own(run: Run, inspection: Inspection, classes: tuple[str, ...]) -> int | None:
    names = [name for name, target in zip(run.classes, run.meta["targets"], strict=True) if target == inspection.target.index]
    return classes.index(names[0]) if names and names[0] in classes else None


@st.fragment(parallel=True)
def on_scan(against: Against, depth: int, channel: int) -> None:
    """The scan's pictures at both ends; apart from the rest of the page, because reading large photographs takes a second or two."""
    run = loaded.loaded()
    try:
        if run is None:
            raise RunError("The run is no longer here; choose another one on the Scan page.")
        with st.spinner("Looking for the pictures of the scan ..."):
            columns = {name: values[run.pictures["read"]] for name, values in run.pictures.items()}
            found = extremes(scans.scanned(against.name, depth)[1][:, channel], columns)
            found = found.pictured(scans.thumbnails(against.name, found.names))
    except (RunError, OSError) as error:
        say(f"The pictures of the scan could not be looked at: {error}")
        return
    chart(drawn(channel_extremes, against.inspection, depth, channel, found), "channel_extremes")
    say(sentences.WHAT["channel_extremes"], sentences.channel_extremes_sentence(against.inspection, depth, channel, found))
