"""How a lesson comes onto the page: its text is a file of docs/learn, and where the file says so a show is drawn."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import streamlit as st

from sevis.app import session, state
from sevis.app.sidebar import Choice
from sevis.app.words import plain
from sevis.places import LEARN
from sevis.records import Inspection, Kind

__all__ = ["gate_of", "inspected", "lesson", "parts_of"]

MARK = re.compile(r"^> .*<!-- show: (\w+) -->$\n?", re.MULTILINE)
HEADING = re.compile(r"^#(?=#+ )", re.MULTILINE)
LINK = re.compile(r"\]\((\w+)\.md")
OUTSIDE = re.compile(r"\[([^\]]+)\]\(\.\./[^)]*\)")
READABLE = 760  # px of a line of text
TEACHERS: dict[Kind, str] = {"channel": "photos12/se_resnet18", "branch": "photos12/sk_net26"}
CALLED: dict[Kind, str] = {"channel": "a gate that weighs channels (SE)", "branch": "a gate that selects among branches (SK)"}


def parts_of(name: str) -> list[str]:
    """A lesson's text as [text, name of a show, text, name of a show, ..., text].

    The first line, its title, is left to the page. A show stands where the file has a quoted line that ends in
    <!-- show: NAME -->, which says to whoever reads the file alone what the page has there. Links lead to other lessons; those to the
    rest of the documentation, which the page does not serve, are left as words.
    """
    _, _, text = (LEARN / f"{name}.md").read_text(encoding="utf-8").partition("\n")
    linked = LINK.sub(lambda found: f"]({found[1].replace('_', '-')}", OUTSIDE.sub(r"\1", text))
    return MARK.split(HEADING.sub("###", linked))


def lesson(name: str, shows: Mapping[str, Callable[[], None]]) -> None:
    """Draw a lesson: its text from docs/learn/NAME.md, with each show in its place.

    Raises:
        ValueError: the file names other shows than there are.
    """
    parts = parts_of(name)
    if sorted(parts[1::2]) != sorted(shows):
        raise ValueError(f"docs/learn/{name}.md shows {', '.join(parts[1::2]) or 'nothing'}; the page has {', '.join(shows) or 'nothing'}")
    for place, part in enumerate(parts):
        if place % 2:
            shows[part]()
        elif part.strip():
            st.markdown(part, width=READABLE)


def inspected(choice: Choice, kind: Kind) -> Inspection | None:
    """What the network did with the picture; None where it has no gate of that kind, which is said, with a network that has."""
    with st.spinner(f"Running {plain(choice.network)} on {plain(choice.title)} ..."):
        inspection = state.inspect(choice.network, choice.digest, choice.picture.pixels, choice.target)
    if any(site.kind == kind for site in inspection.sites):
        return inspection
    st.info(f"This lesson is about {CALLED[kind]}, and {plain(choice.network)} has none.", icon=":material/school:")
    teacher = TEACHERS[kind]
    if teacher in state.networks():
        st.button(f"Learn with {plain(teacher)}", key="take_teacher", type="primary", on_click=session.take_network, args=(teacher,))
    return None


def gate_of(inspection: Inspection, kind: Kind, usual: int = 0) -> int:
    """Draw the choice among the gates of a kind; gives the depth of the chosen one, or of the usual one (a place among them)."""
    depths = {site.name: depth for depth, site in enumerate(inspection.sites) if site.kind == kind}
    names = list(depths)
    session.settle_one("lesson_block", names)
    first = names[usual % len(names)]
    name = st.selectbox("Block", names, index=None, placeholder=first, key="lesson_block", bind="query-params", width=260)
    return depths[name if name in depths else first]
