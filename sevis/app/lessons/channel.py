"""What a channel is: feature maps, their means, and a brush that moves them."""

from __future__ import annotations

import streamlit as st

from sevis import sentences
from sevis.analysis.compare import Comparison, compare
from sevis.analysis.covering import Grid, Part, brushed, covered, grid_over
from sevis.app import session, state
from sevis.app.chart import chart, selectable
from sevis.app.drawn import drawn
from sevis.app.lesson import gate_of, inspected, lesson
from sevis.app.sidebar import Choice
from sevis.app.words import plain, say
from sevis.figures import brush, squeeze_maps, squeeze_moved
from sevis.records import Inspection

TITLE = "What a channel is"
ICON = ":material/layers:"

NAMES = ("the picture", "the covered picture")
SIZES, USUAL = (1, 2, 3, 4), 3  # cells a side


def render(choice: Choice) -> None:
    """The page: the block is chosen where its maps are shown, and the brush is about the same one."""
    st.subheader(TITLE, anchor=False)
    inspection = inspected(choice, "channel")
    if inspection is not None:
        chosen: list[int] = []
        lesson("channel", {"maps": lambda: chosen.append(_maps(inspection)), "brush": lambda: _brush(choice, chosen[0])})


def _maps(inspection: Inspection) -> int:
    """Maps with their means; gives the depth of the block."""
    depth = gate_of(inspection, "channel")
    chart(drawn(squeeze_maps, inspection, depth), "squeeze_maps")
    say(sentences.WHAT["squeeze_maps"], sentences.squeeze_maps_sentence(inspection, depth))
    return depth


@st.fragment
def _brush(choice: Choice, depth: int) -> None:
    """Apart from the rest of the page, so that a click is answered at once."""
    try:
        _cover(choice, depth)
    except state.EXPECTED as error:
        st.error(plain(str(error)))


def _cover(choice: Choice, depth: int) -> None:
    """The picture to be covered, and the channels that answer."""
    pixels = choice.picture.pixels.copy()
    seen = pixels[state.window(choice.network, *pixels.shape[:2]).slices]
    grid = grid_over(*seen.shape[:2])
    left, right = st.columns([5, 6], gap="medium")
    with left:
        part = _part(grid)
        if part is not None:
            seen[:] = covered(seen, part, grid)
        selectable(brush(seen, grid, part, theme=state.theme()), "brush_figure", lambda values: _move(values, grid, part))
        say(sentences.WHAT["brush"], sentences.brush_sentence(grid, part))
    with right:
        before = state.inspect(choice.network, choice.digest, choice.picture.pixels, choice.target)
        after = before if part is None else state.inspect(choice.network, f"{choice.digest} without {part}", pixels, choice.target)
        _moved(compare(before, after, NAMES), depth)


def _part(grid: Grid) -> Part | None:
    """Draw the size of the brush and the way to take it away; gives the cells under it."""
    cell = session.brush()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.segmented_control("Size of the brush", SIZES, required=True, default=USUAL, format_func=lambda n: f"{n} × {n}", key="brush_size")
        st.button("Uncover", key="uncover", disabled=cell is None, on_click=session.move_brush, args=(None,))
    return None if cell is None else _under(cell, grid)


def _under(cell: tuple[int, int], grid: Grid) -> Part:
    return brushed(cell, session.control("brush_size") or USUAL, grid)


def _move(values: list[object], grid: Grid, part: Part | None) -> None:
    """Put the brush on the clicked cell, or take it away where it lies already; what a client sends is checked."""
    row, column, *_ = (*values, None, None)
    if isinstance(row, int) and isinstance(column, int) and 0 <= row < grid.rows and 0 <= column < grid.columns:
        session.move_brush(None if _under((row, column), grid) == part else (row, column))


def _moved(comparison: Comparison, depth: int) -> None:
    """Which channels moved, and what the network answers now."""
    chart(drawn(squeeze_moved, comparison, depth), "squeeze_moved")
    before, after = comparison.sides
    if before is after:
        say("Nothing moves yet: these are the channels with the largest squeeze. Click the picture.")
        return
    say(
        sentences.WHAT["squeeze_moved"],
        sentences.squeeze_moved_sentence(comparison, depth),
        sentences.compare_predictions_sentence(comparison),
    )
