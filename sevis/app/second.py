"""The other side of a comparison: another picture, another network, or the same picture changed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from sevis import augmentations
from sevis.app import editing, session, state
from sevis.app.sidebar import TYPES, Choice
from sevis.augmentations import AUGMENTATIONS
from sevis.pictures import Picture
from sevis.words import listed

__all__ = ["MODES", "Mode", "Second"]


@dataclass(frozen=True)
class Second:
    """What is put beside the choice of the sidebar.

    Attributes:
        names: what to call the first and the second side.
        network: the second side's.
        picture: the second side's.
        digest: stands for the picture's pixels in the cache.
        note: what the visitor should know or do; empty mostly.
        edits: of the second side's gates.
    """

    names: tuple[str, str]
    network: str
    picture: Picture
    digest: str
    note: str = ""
    edits: tuple[str, ...] = ()


@dataclass(frozen=True)
class Mode:
    """One way to compare.

    Attributes:
        title: its name on the page.
        choose: draws the widgets of the second side, and gives it.
        is_wide: whether these need a row of their own.
    """

    title: str
    choose: Callable[[Choice], Second]
    is_wide: bool = False


def another_picture(choice: Choice) -> Second:
    """Another picture in the same network: the visitor's own, or a sample."""
    samples = {sample.title: sample for sample in state.samples()}
    usual = next(title for title in samples if title != choice.title)
    select, upload = st.columns([3, 2], gap="small", vertical_alignment="bottom")
    with select:
        title = st.selectbox(
            "Second picture",
            list(samples),
            index=None,
            placeholder=usual,
            key="second_picture",
            bind="query-params",
            on_change=session.remember_second,
            args=("sample",),
        )
    with upload:
        own = _own_picture()
    sample = samples[title if title in samples else usual]
    name, data = (sample.title, sample.file.read_bytes()) if own is None else own
    return Second((choice.title, name), choice.network, state.picture(data), hashlib.sha256(data).hexdigest())


def _own_picture() -> tuple[str, bytes] | None:
    """Name and bytes of the second picture that the visitor brought, if it is what was given last."""
    with st.popover("Upload", icon=":material/upload:", width="stretch"):
        file = st.file_uploader(
            "Second photograph", TYPES, key="second_upload", max_upload_size=20, on_change=session.remember_second, args=("upload",)
        )
    return None if file is None or session.second_source() != "upload" else (file.name, file.getvalue())


def another_network(choice: Choice) -> Second:
    """The same picture in another network: of the menu, or a checkpoint that the visitor brought."""
    brought = state.brought()
    names = [name for name in (*brought, *state.networks()) if name != choice.network]
    usual = next(iter(names), choice.network)
    chosen = st.selectbox(
        "Second network",
        names,
        index=None,
        placeholder=_called(usual),
        format_func=_called,
        key="second_network",
        bind="query-params",
        help="A checkpoint that you bring at the left is offered here too, also after you brought another one.",
    )
    network = chosen if chosen in names else usual
    note = "" if names else "There is no other network here: bring a checkpoint at the left, and it can be compared."
    return Second((_short(choice.network), _short(network)), network, choice.picture, choice.digest, note)


def _called(network: str) -> str:
    """What the menu calls a network."""
    return state.brought().get(network, network)


def _short(network: str) -> str:
    """What figures call a network: without where it comes from."""
    return _called(network).rsplit("/")[-1]


def changed_picture(choice: Choice) -> Second:
    """The same picture in the same network after a few changes."""
    columns = st.columns(len(AUGMENTATIONS), gap="small", vertical_alignment="bottom")
    amounts = {name: _amount(name, column) for name, column in zip(AUGMENTATIONS, columns, strict=True)}
    done = augmentations.told(amounts)
    return Second(
        ("the picture", "the changed one"),
        choice.network,
        Picture(augmentations.changed(choice.picture.pixels, amounts)),
        hashlib.sha256(f"{choice.digest} {sorted(amounts.items())}".encode()).hexdigest(),
        f"The second picture is the first, {listed(done)}." if done else "Nothing is changed yet: move a slider, and watch what follows.",
    )


def _amount(name: str, column: DeltaGenerator) -> int:
    """How much of a change: a switch where there is nothing between off and on."""
    entry = AUGMENTATIONS[name]
    with column:
        if entry.most - entry.least == entry.step:
            return int(st.toggle(entry.title, key=name, bind="query-params"))
        amount = st.slider(
            entry.title, entry.least, entry.most, 0, entry.step, format=f"%d{entry.unit.replace('%', '%%')}", key=name, bind="query-params"
        )
        return amount if entry.least <= amount <= entry.most else 0


def edited_gates(choice: Choice) -> Second:
    """The same picture in the same network with its gates edited, as on the page What if."""
    texts, refused = editing.meant(editing.chips(), state.inspect(choice.network, choice.digest, choice.picture.pixels, None))
    left_out = "".join(f"Left out: {sentence}. " for sentence in refused)
    note = left_out or ("" if texts else "Nothing is edited yet: write an edit above, or make one on the page What if.")
    return Second(("the network", "the edited one"), choice.network, choice.picture, choice.digest, note, texts)


MODES: dict[str, Mode] = {
    "pictures": Mode("two pictures", another_picture),
    "networks": Mode("two networks", another_network),
    "changed": Mode("changed picture", changed_picture, is_wide=True),
    "edited": Mode("edited gates", edited_gates, is_wide=True),
}
