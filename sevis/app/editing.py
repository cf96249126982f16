"""The controls that write edits of the gates: one edit in hand at a time, rewritten as its controls move, and all of them as chips."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from sevis.app import session, state
from sevis.edits import OPERATIONS, Edit, EditError, WhatIf, parse
from sevis.records import GateSite, Inspection

__all__ = ["append", "chips", "choose_channel", "controls", "meant"]

MOST = 12  # edits at a time
# rule -> (its name, whether it asks for a count, a bound or a list)
RULES = {
    "all": ("all", ""),
    "top": ("the strongest", "count"),
    "bottom": ("the weakest", "count"),
    "<": ("weights below", "bound"),
    ">": ("weights above", "bound"),
    "these": ("these", "list"),
}
# what a first-time visitor tries: (what is written on the button, the edit)
PRESETS = (
    ("No recalibration: all 1", "all:set=1"),
    ("The average picture's", "all:mean"),
    ("Dealt out anew", "all:permute=1"),
    ("All branches alike", "all:even"),
)


def meant(texts: Sequence[str], inspection: Inspection) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The edits that mean something in this network, and a sentence for each of the others."""
    errors = {text: _error(text, inspection) for text in texts}
    return tuple(text for text, error in errors.items() if not error), tuple(error for error in errors.values() if error)


def _error(text: str, inspection: Inspection) -> str:
    """Why an edit means nothing here; empty where it does."""
    weights = tuple(record.weights[0] for record in inspection.gates)
    try:
        WhatIf((parse(text),), {sample.title: weights for sample in state.samples()}).check(
            inspection.sites, averages=bool(inspection.averages)
        )
    except EditError as error:
        return str(error)
    return ""


def controls(inspection: Inspection) -> GateSite | None:
    """Draw the presets and the row that says where, which channels, and what; gives the block that is edited, if it is one."""
    _presets(inspection)
    asked = RULES.get(session.control("edit_rule"), RULES["all"])[1]
    where, rule, *amount, what, value = st.columns([7, 6, 5, 8, 8] if asked else [7, 6, 8, 8], gap="small", vertical_alignment="bottom")
    sites = inspection.sites
    with where:
        places = ["all", *dict.fromkeys(f"stage {site.stage}" for site in sites), *(site.name for site in sites)]
        place = _select("Where", places, "edit_where", "all")
    with rule:
        _select("Channels", list(RULES), "edit_rule", "all", {name: title for name, (title, _) in RULES.items()})
    for column in amount:
        with column:
            _amount(asked)
    with what:
        kinds = {site.kind for site in sites}
        names = [name for name, operation in OPERATIONS.items() if kinds & set(operation.kinds) and (name != "mean" or inspection.averages)]
        operation = _select("Weights", names, "edit_what", None, {name: OPERATIONS[name].title for name in names})
    with value:
        _value(operation, inspection)
    return next((site for site in sites if site.name == place), None)


def _presets(inspection: Inspection) -> None:
    """One button for each change that a first-time visitor tries."""
    with st.container(horizontal=True, gap="small"):
        for label, text in PRESETS:
            if not _error(text, inspection):
                st.button(label, key=f"preset {text}", on_click=append, args=(text,))


def _select(label: str, options: list[str], key: str, usual: str | None, titles: dict[str, str] | None = None) -> str:
    """A choice that rewrites the edit in hand."""
    _settle(key, options, usual)
    chosen = st.selectbox(
        label,
        options,
        index=None if usual is None else 0,
        placeholder="choose what they become",
        format_func=lambda name: (titles or {}).get(name, name),
        key=key,
        on_change=_write,
        persist_state="session",
    )
    return chosen or ""


def _settle(key: str, options: Sequence[str], usual: str | None) -> None:
    """A control that says what there is not says the usual again."""
    if session.control(key) not in options:
        session.set_control(key, usual)


def _amount(asked: str) -> None:
    """How many, which bound, or which channels."""
    if asked == "count":
        st.number_input("How many", 1, 4096, 10, 1, key="edit_count", on_change=_write)
    elif asked == "bound":
        st.number_input("Bound", -100.0, 100.0, 0.2, 0.05, key="edit_bound", on_change=_write)
    elif asked == "list":
        st.text_input("Numbers", key="edit_numbers", on_change=_write, placeholder="3,17-20", persist_state="session")


def _value(operation: str, inspection: Inspection) -> None:
    """What the operation asks for; what it would start from is settled beforehand, so that choosing it writes a whole edit."""
    for kind in ("branch", "picture"):
        names = _named(kind, inspection)
        _settle(f"edit_{kind}", names, names[-1] if names else None)
    asked = OPERATIONS[operation].value if operation else ""
    if asked == "number":
        least, most, usual = (0.0, 3.0, 0.5) if operation == "factor" else (*_range(inspection), 1.0)
        st.slider("Factor" if operation == "factor" else "Value", least, most, usual, 0.05, key=f"edit_{operation}", on_change=_write)
    elif asked == "seed":
        st.number_input("Deal", 1, 999, 1, 1, key="edit_seed", on_change=_write)
    elif asked in ("branch", "picture"):
        names = _named(asked, inspection)
        _select(asked.capitalize(), names, f"edit_{asked}", names[-1])


def _named(asked: str, inspection: Inspection) -> list[str]:
    """The branches of this network, or the pictures whose gates can be taken."""
    if asked == "picture":
        return [sample.title for sample in state.samples()]
    return list(dict.fromkeys(name for site in inspection.sites if site.kind == "branch" for name in site.branches))


def _range(inspection: Inspection) -> tuple[float, float]:
    """0 to 1, and further where weights of this network lie further."""
    low = min(float(record.weights.min()) for record in inspection.gates)
    high = max(float(record.weights.max()) for record in inspection.gates)
    return (-1.0 if low < 0 else 0.0), max(1.0, float(-(-high // 1)))


def _written() -> str | None:
    """The edit that the controls say; None where they say none yet."""
    what = session.control("edit_what")
    if not what:
        return None
    asked = OPERATIONS[what].value
    keys = {"number": f"edit_{what}", "seed": "edit_seed", "branch": "edit_branch", "picture": "edit_picture"}
    usual = {"number": 0.5 if what == "factor" else 1.0, "seed": 1}
    given = session.control(keys[asked]) if asked else ""
    value = usual.get(asked, "") if given is None else given
    return str(Edit(session.control("edit_where") or "all", _channels(), what, f"{value:g}" if isinstance(value, float) else str(value)))


def _channels() -> str:
    """Which channels the controls say, as an edit writes them."""
    rule = session.control("edit_rule") or "all"
    if rule in ("top", "bottom"):
        return f"{rule} {session.control('edit_count') or 10}"
    if rule in ("<", ">"):
        bound = session.control("edit_bound")
        return f"{rule}{0.2 if bound is None else bound:g}"
    return "" if rule == "all" else (session.control("edit_numbers") or "").replace(" ", "")


def _write() -> None:
    """Put what the controls say in the place of the edit in hand, or behind the others."""
    text, texts = _written(), session.edits(MOST)
    if text is None or (session.control("edit_rule") == "these" and not _channels()):
        return
    held = session.in_hand()
    texts = [text if each == held else each for each in texts] if held in texts else [*texts, text]
    session.write_edits(list(dict.fromkeys(texts))[-MOST:])
    session.take_in_hand(text)


def append(text: str) -> None:
    """One more edit, behind the others; from a callback alone."""
    session.take_in_hand(None)
    session.write_edits(list(dict.fromkeys([*session.edits(MOST), text]))[-MOST:])


def choose_channel(site: GateSite, channel: int) -> None:
    """Take a channel that was clicked into the edit in hand, or out of it; from a callback alone."""
    listed = (session.control("edit_numbers") or "") if session.control("edit_rule") == "these" else ""
    held = list(Edit("all", listed.replace(" ", ""), "set", "0").numbers(site.channels))
    numbers = [each for each in held if each != channel] if channel in held else [*held, channel]
    for key, value in {"edit_where": site.name, "edit_rule": "these", "edit_numbers": ",".join(map(str, numbers))}.items():
        session.set_control(key, value)
    _write()


def chips() -> tuple[str, ...]:
    """Draw all edits as chips that can be removed, with the way back; gives them."""
    texts = session.edits(MOST)
    shown, undo, anew, reset = st.columns([20, 4, 5, 4], gap="small", vertical_alignment="bottom")
    with shown:
        chosen = st.multiselect(
            "Edits, one after another",
            list(dict.fromkeys(texts)),
            key="edits",
            bind="query-params",
            accept_new_options=True,
            max_selections=MOST,
            placeholder="none yet: press a button above, or choose what the weights become",
            help="They can be typed too, as in SE_3_1[<0.2]:set=0; the address of this page holds them.",
        )
    with undo:
        st.button("Undo", icon=":material/undo:", on_click=session.undo_edits, disabled=not session.can_undo(), width="stretch")
    with anew:
        st.button("Next edit", icon=":material/add:", on_click=_next, disabled=session.in_hand() not in chosen, width="stretch")
    with reset:
        st.button("Reset", icon=":material/restart_alt:", on_click=_reset, disabled=not chosen, width="stretch")
    session.remember_edits(chosen)
    return tuple(chosen)


def _next() -> None:
    """Leave the edit in hand as it is, and begin another."""
    session.take_in_hand(None)
    session.set_control("edit_what", None)


def _reset() -> None:
    _next()
    session.write_edits([])
