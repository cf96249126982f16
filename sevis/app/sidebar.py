"""The frame's left side: which picture, which network, which class."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import streamlit as st

from sevis.app import session, state
from sevis.app.words import plain
from sevis.menu import is_here
from sevis.pictures import Picture

__all__ = ["Choice", "choose"]

CHECKPOINT_LIMIT = 120  # MB
FORMATS = ["SVG", "PNG"]
SAVING = "Under the pointer a figure has a camera, which saves it so, and CSV, which gives its numbers."
TYPES = ["png", "jpg", "jpeg", "webp", "gif", "bmp", "tif", "tiff"]


@dataclass(frozen=True)
class Choice:
    """What the visitor wants to see."""

    title: str
    picture: Picture
    digest: str  # sha256 of the file
    network: str
    target: int | str | None  # a class by name, or a box by its place


def choose() -> Choice:
    """Draw the sidebar; gives the choice.

    Raises:
        PictureError: the picture that was handed over cannot be read.
        CheckpointError: the network cannot be loaded.
    """
    with st.sidebar:
        st.markdown("### sevis\nSee which channels a network turned up, and where it looked.")
        title, data = _picture()
        picture, digest = state.picture(data), hashlib.sha256(data).hexdigest()
        network = _network()
        made = Choice(title, picture, digest, network, _target(network, picture, digest))
        st.segmented_control("Save figures as", FORMATS, default=FORMATS[0], required=True, key="image_format", help=SAVING)
        return made


def _picture() -> tuple[str, bytes]:
    """Name and bytes of the picture that was handed over last."""
    uploaded = st.file_uploader(
        "Your photograph",
        TYPES,
        key="upload",
        max_upload_size=20,
        on_change=session.remember_source,
        args=("upload",),
        help="PNG, JPEG, WebP or GIF; it stays in this server's memory for a while and is never written to disk.",
    )
    samples = {sample.title: sample for sample in state.samples()}
    title = st.selectbox(
        "or a sample", list(samples), key="picture", bind="query-params", on_change=session.remember_source, args=("sample",)
    )
    taken = None
    if st.toggle("or the camera", key="camera_on"):
        taken = st.camera_input("Camera", key="camera", label_visibility="collapsed", on_change=session.remember_source, args=("camera",))
    given, handed = {"upload": uploaded, "camera": taken}, session.handed()
    if handed is not None and session.source() == "batch":
        before = given.get(session.source_before())
        st.caption(f"Shown: {plain(handed.title)}, from the batch.")
        st.button(f"Back to {plain(before.name if before is not None else title)}", key="take_back", on_click=session.take_back)
        return handed.title, handed.data
    chosen = given.get(session.source())
    if chosen is not None:
        return chosen.name, chosen.getvalue()
    sample = samples[title if title in samples else next(iter(samples))]
    return sample.title, sample.file.read_bytes()


def _network() -> str:
    """The network that was chosen last: of the menu, or the visitor's own."""
    names = state.networks()
    name = st.selectbox(
        "Network",
        names,
        key="network",
        bind="query-params",
        on_change=session.remember_origin,
        args=("menu",),
        help="Those that ship come first: they were trained on twelve classes of photographs; see their cards in pretrained/.",
    )
    chosen = name if name in names else names[0]
    _facts(chosen)
    own = _own_network()
    if own is None or session.origin() == "menu":
        return chosen
    st.caption("Shown: your own checkpoint.")
    st.button(f"Back to {plain(chosen)}", key="back_to_menu", on_click=session.remember_origin, args=("menu",))
    return own


def _facts(name: str) -> None:
    """What is known of a network of the menu, in one line."""
    entry = state.known().get(name)
    if entry is None:
        return
    gates = f"{entry.gates} {entry.gate} {'gate' if entry.gates == 1 else 'gates'}" if entry.gates else "no gates"
    size = f"{entry.parameters / 1e6:.1f} M parameters, {entry.macs / 1e9:.2f} GMACs"
    weights = "" if is_here(entry) else " Its weights are fetched once, which needs a connection."
    st.caption(plain(f"{size}, {gates}, {entry.licence or 'no licence stated'}.{weights}"))


def _own_network() -> str | None:
    """The engine's name for the checkpoint that the visitor brought, if there is one."""
    with st.expander("Bring your own checkpoint"):
        known = list(state.known())
        arch = st.selectbox("Its network", known, index=None, key="own_arch", on_change=session.remember_origin, args=("own",))
        file = st.file_uploader(
            "Its weights",
            ["safetensors"],
            key="own_file",
            max_upload_size=CHECKPOINT_LIMIT,
            on_change=session.remember_origin,
            args=("own",),
            help="A safetensors file: it holds numbers only, so nothing in it can run. It stays in this server's memory for a while.",
        )
        names = st.text_area("Names of its classes, one a line", key="own_classes", max_chars=100_000, placeholder="as in ImageNet")
        if file is None or arch not in known:
            return None
        if file.size > CHECKPOINT_LIMIT << 20:  # the browser keeps to it, and others need not
            st.error(f"The file has {file.size / 2**20:,.0f} MB; at most {CHECKPOINT_LIMIT} MB of weights are taken.")
            return None
        return state.bring(file.getvalue(), arch, tuple(line.strip() for line in (names or "").splitlines() if line.strip()))


def _target(network: str, picture: Picture, digest: str) -> int | str | None:
    """The class or the box to explain; None is the most probable."""
    if state.is_detector(network):
        return _box(network, picture, digest)
    known = state.classes(network)
    chosen = st.selectbox("Class to explain", known, index=None, placeholder="the most probable", key="target", bind="query-params")
    return chosen if chosen in known else None


def _box(network: str, picture: Picture, digest: str) -> int | None:
    """The box to explain, by its place; None is the surest."""
    count = len(state.inspect(network, digest, picture.pixels, None).predictions)
    session.settle_box(count)
    if not count:
        return None
    number = st.number_input("Box to explain", 1, count, None, 1, placeholder="the surest", key="box", bind="query-params")
    return number - 1 if number is not None and 1 <= number <= count else None


def footer(seconds: float) -> None:
    """Where and how fast it ran."""
    with st.sidebar:
        st.caption(f"Ran on {state.device()} in {1000 * seconds:.0f} ms: one forward and one backward pass.")
        with st.expander("Credits of the samples"):
            st.caption("\n\n".join(plain(f"{sample.title}: {sample.credit}") for sample in state.samples()))
