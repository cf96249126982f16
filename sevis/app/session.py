"""Every session key of the page: what one visitor chose, brought and did; see state for what all visitors share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from sevis.analysis.looks import Look
from sevis.app.asking import Answers
from sevis.app.errand import Errands
from sevis.app.game import Game
from sevis.app.gathering import Brought, Gathering
from sevis.app.own_runs import OwnRuns
from sevis.records import GateSite

__all__ = [
    "batch",
    "batch_answers",
    "batch_round",
    "begin_batch",
    "brush",
    "can_undo",
    "choose",
    "choose_box",
    "choose_gate",
    "control",
    "edits",
    "edits_made",
    "errands",
    "finish_scan_round",
    "game",
    "hand_over",
    "handed",
    "image_format",
    "in_hand",
    "is_batch_stopped",
    "is_news",
    "is_opening",
    "is_run_lost",
    "keep_log",
    "kept_log",
    "load_run",
    "loaded_run",
    "log_refused",
    "move_brush",
    "origin",
    "own_runs",
    "play",
    "refuse_log",
    "remember_edits",
    "remember_origin",
    "remember_run",
    "remember_second",
    "remember_source",
    "scan_round",
    "second_source",
    "set_control",
    "settle_block",
    "settle_box",
    "settle_channel",
    "settle_one",
    "settle_pair",
    "settle_run",
    "source",
    "source_before",
    "stop_batch",
    "take_back",
    "take_in_hand",
    "take_network",
    "take_run",
    "undo_edits",
    "write_edits",
]

UNDONE = 50  # steps that can be taken back


def choose(site: GateSite, channel: int | None) -> None:
    """Put a block and a channel into the session, where their widgets and the address take them from."""
    st.session_state["block"] = site.name
    st.session_state["channel"] = channel


def settle_block(names: Sequence[str]) -> None:
    """After a change of network: the same stage and block of the new one, or none."""
    held = st.session_state.get("block")
    if held is not None and held not in names:
        st.session_state["block"] = next((name for name in names if name[2:] == str(held)[2:]), None)


def settle_channel(count: int) -> None:
    """Forget a channel that the block does not have."""
    held = st.session_state.get("channel")
    if held is not None and not 0 <= held < count:
        st.session_state["channel"] = None


def choose_box(place: int) -> None:
    """Put a box into the session, where its widget and the address take it from."""
    st.session_state["box"] = place + 1


def settle_box(count: int) -> None:
    """Forget a box that this picture does not have."""
    held = st.session_state.get("box")
    if held is not None and not 1 <= held <= count:
        st.session_state["box"] = None


def remember_origin(origin: str) -> None:
    """The last thing that gave a network is the one that is shown: "own" or "menu"."""
    st.session_state["origin"] = origin


def origin() -> str:
    """What gave the network last."""
    return str(st.session_state.get("origin", "menu"))


def take_network(name: str) -> None:
    """Choose a network of the menu; from a callback alone."""
    st.session_state["network"] = name
    remember_origin("menu")


def remember_source(source: str) -> None:
    """The last thing that gave a picture is the one that is shown: "upload", "camera" or "sample"."""
    st.session_state["source"] = source


def source() -> str:
    """What gave the picture last."""
    return str(st.session_state.get("source", "sample"))


def hand_over(picture: Brought) -> None:
    """Show a picture of the batch as the page's picture; what was shown before can be had back."""
    if source() != "batch":
        st.session_state["source_before"] = source()
    st.session_state["handed"] = picture
    st.session_state["opening"] = True
    remember_source("batch")


def handed() -> Brought | None:
    """The picture that the batch handed over last."""
    held: Brought | None = st.session_state.get("handed")
    return held


def source_before() -> str:
    """What gave the picture before the batch did."""
    return str(st.session_state.get("source_before", "sample"))


def take_back() -> None:
    """Let the batch's picture go, for the one that was shown before it."""
    remember_source(source_before())
    st.session_state.pop("handed", None)


def batch() -> Gathering:
    """The visitor's batch."""
    held: Gathering = st.session_state.get("batch", Gathering())
    return held


def begin_batch(gathered: Gathering) -> None:
    """Take a new batch in, and let the old one go with its answers and its uploads."""
    st.session_state["batch"] = gathered
    st.session_state["batch_round"] = batch_round() + 1
    st.session_state.pop("batch_answers", None)


def batch_round() -> int:
    """How many batches this visitor has brought: part of the upload's key, so that what was taken in leaves the widget."""
    return int(st.session_state.get("batch_round", 0))


def batch_answers(network: str) -> Answers:
    """What the network said of the batch so far; what another one said is let go."""
    held: Answers | None = st.session_state.get("batch_answers")
    if held is None or held.network != network:
        held = st.session_state["batch_answers"] = Answers(network)
        stop_batch(stopped=False)
    return held


def stop_batch(*, stopped: bool) -> None:
    """Whether the batch is left as it is for now, or goes on."""
    st.session_state["batch_stopped"] = stopped


def is_batch_stopped() -> bool:
    """Whether the visitor stopped the batch."""
    return bool(st.session_state.get("batch_stopped", False))


def is_opening() -> bool:
    """Whether a picture was just handed over that its visitor wants to see; asked once."""
    return bool(st.session_state.pop("opening", False))


def remember_second(source: str) -> None:
    """The last thing that gave a comparison's second picture is the one that is shown: "upload" or "sample"."""
    st.session_state["second_source"] = source


def second_source() -> str:
    """What gave a comparison's second picture last."""
    return str(st.session_state.get("second_source", "sample"))


def settle_pair(names: Sequence[str]) -> None:
    """Forget a pair of blocks that the comparison does not have."""
    if st.session_state.get("pair") not in names:
        st.session_state["pair"] = None


def edits(most: int) -> list[str]:
    """The edits of the gates, as their widget and the address have them; what was there before the page was left comes back."""
    if "edits" not in st.session_state and "edits" not in st.query_params and st.session_state.get("edits_kept"):
        st.session_state["edits"] = list(st.session_state["edits_kept"])
    return list(st.session_state.get("edits", st.query_params.get_all("edits")))[:most]


def remember_edits(texts: Sequence[str]) -> None:
    """Keep what is shown now, and what was shown before it, so that a step can be taken back."""
    kept = tuple(st.session_state.get("edits_kept", ()))
    if tuple(texts) != kept:
        st.session_state["edits_before"] = (*st.session_state.get("edits_before", ()), kept)[-UNDONE:]
        st.session_state["edits_kept"] = tuple(texts)


def write_edits(texts: Sequence[str]) -> None:
    """Put other edits in the place of those that are shown; from a callback alone."""
    st.session_state["edits"] = list(texts)


def undo_edits() -> None:
    """Back to the edits before the last step; from a callback alone."""
    before = list(st.session_state.get("edits_before", ()))
    if before:
        last = before.pop()
        st.session_state.update(edits_before=tuple(before), edits_kept=last, edits=list(last), edit_in_hand=None)


def can_undo() -> bool:
    """Whether there is a step to take back."""
    return bool(st.session_state.get("edits_before"))


def in_hand() -> str | None:
    """The edit that the controls are about: they rewrite it until the next one is begun."""
    held: str | None = st.session_state.get("edit_in_hand")
    return held


def take_in_hand(text: str | None) -> None:
    """Say which edit the controls are about."""
    st.session_state["edit_in_hand"] = text


def set_control(key: str, value: object) -> None:
    """Move a control of the page from a callback."""
    st.session_state[key] = value


def control(key: str) -> Any:
    """What a control of the page says, inside a callback."""
    return st.session_state.get(key)


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


def settle_one(key: str, names: Sequence[str]) -> None:
    """Forget what a choice among names held if it is not among them any more."""
    if st.session_state.get(key) not in (None, *names):
        st.session_state[key] = None


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


def edits_made() -> tuple[str, ...]:
    """The edits that the visitor left on What if, for the pages that do not draw them."""
    return tuple(st.session_state.get("edits_kept", ()))


def image_format() -> str:
    """As what a figure is saved: "svg" or "png"."""
    return str(st.session_state.get("image_format") or "SVG").lower()


def brush() -> tuple[int, int] | None:
    """The cell of the picture, by row and column, that the brush of a lesson lies on; None where it is taken away."""
    held: tuple[int, int] | None = st.session_state.get("brush")
    return held


def move_brush(cell: tuple[int, int] | None) -> None:
    """Put the brush on a cell, or take it away; from a callback alone."""
    st.session_state["brush"] = cell


def game(make: Callable[[], Game]) -> Game:
    """The visitor's game of Find the fault; begun when it is first asked for."""
    if "game" not in st.session_state:
        st.session_state["game"] = make()
    held: Game = st.session_state["game"]
    return held


def play(game: Game) -> None:
    """Go on with the game as it is now."""
    st.session_state["game"] = game
