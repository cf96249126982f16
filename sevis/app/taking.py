"""What a visitor can take away from Explore: the page as a report, the inspection as data, and the numbers behind every figure."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from pathlib import Path

import streamlit as st

from sevis.analysis.inspected_rows import NUMBERS
from sevis.app import scans, session, state
from sevis.app.editing import meant
from sevis.app.sidebar import Choice
from sevis.app.words import plain
from sevis.profiles import csv_of
from sevis.records import Inspection
from sevis.report import Checkup, Subject, report
from sevis.stored import to_bytes

__all__ = ["take_away"]

FIGURES = {
    "network": "the whole network",
    "prediction": "the prediction",
    "boxes": "the boxes",
    "squeeze_weight": "the block's channels",
    "feature_maps": "the block's feature maps",
    "cam_row": "the Grad-CAMs",
}
WIDTH = 360  # px: a caption would stretch it over the page


def take_away(choice: Choice, inspection: Inspection, depth: int | None) -> None:
    """Draw the button, and behind it all that can be taken; nothing is made before it is asked for.

    Args:
        depth: of the block that is looked at; None where there is none.
    """
    held = st.popover("Take it away", icon=":material/download:", key="take_away", on_change="rerun")
    if held.open:
        with held, st.container(width=WIDTH):
            _offers(choice, inspection, depth)


def _offers(choice: Choice, inspection: Inspection, depth: int | None) -> None:
    named = f"{_file(choice.title)}.{_file(choice.network)}"
    made = replace(inspection, provenance=state.provenance(choice.network))
    blocks = () if depth is None else (inspection.sites[depth].name,)
    subject = Subject(choice.title, made, _edited(choice, inspection), blocks)
    _button("This page as a report", partial(report, [subject], _checkup(made)), f"{named}.html", "text/html", "take_report")
    st.caption("One HTML file with every figure, the edits of What if and the doctor's verdicts if a run is open. It opens offline.")
    _button("The inspection as NPZ", partial(to_bytes, made), f"{named}.npz", "application/octet-stream", "take_npz")
    st.caption("Every number with a manifest; `sevis.open_inspection(path)` opens it without torch.")
    _numbers(inspection, depth, named)


def _button(label: str, content: partial[str] | partial[bytes], file: str, kind: str, key: str) -> None:
    st.download_button(label, content, file, kind, key=key, on_click="ignore", icon=":material/download:", width="stretch")


def _numbers(inspection: Inspection, depth: int | None, named: str) -> None:
    """The numbers behind one figure."""
    there = [name for name in FIGURES if _is_drawn(name, inspection, depth)]
    session.settle_one("numbers_of", there)
    left, right = st.columns([3, 2], gap="small", vertical_alignment="bottom")
    with left:
        name = st.selectbox("The numbers behind", there, format_func=FIGURES.__getitem__, key="numbers_of")
    shown = name if name in there else there[0]
    with right:
        _button("CSV", partial(_csv, shown, inspection, depth or 0), f"{named}.{shown}.csv", "text/csv", "take_numbers")


def _is_drawn(name: str, inspection: Inspection, depth: int | None) -> bool:
    """Whether the page shows such a figure of this picture."""
    needs = {"boxes": inspection.target.box is not None, "prediction": True, "cam_row": bool(inspection.cams or inspection.last_cam)}
    return needs.get(name, depth is not None)


def _csv(name: str, inspection: Inspection, depth: int) -> str:
    return csv_of(NUMBERS[name](inspection, depth))


def _edited(choice: Choice, inspection: Inspection) -> Inspection | None:
    """The same picture after the edits that the visitor made on What if, as far as they mean something here."""
    texts, _ = meant(session.edits_made(), inspection)
    if not texts:
        return None
    target = inspection.target.index if inspection.target.box is None else choice.target
    return state.inspect(choice.network, choice.digest, choice.picture.pixels, target, texts)


def _checkup(inspection: Inspection) -> Checkup | None:
    """What the doctor says of the run that is open, if it is one of this network."""
    key = session.loaded_run()
    if key is None or key not in scans.runs() or inspection.provenance is None:
        return None
    run = scans.run(key)
    if run.meta["weights_sha256"] != inspection.provenance.weights_sha256 or not run.statistics:
        return None
    try:
        ablated = scans.ablated(key)
        return Checkup(key, run.read, scans.examined(key, ablated), ablated)
    except ValueError as error:  # what the folder keeps is damaged, or of another network
        st.warning(plain(str(error)))
        return None


def _file(name: str) -> str:
    """A visitor's or a network's name as part of a file's."""
    return re.sub(r"[^\w-]+", "_", Path(name).stem).strip("_")[:60] or "picture"
