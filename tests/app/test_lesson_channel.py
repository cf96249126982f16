"""The lesson on channels: the brush covers what it says, the network looks again, and the squeeze on the page is the network's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from sevis.app import frame, state
from sevis.app.lessons import channel
from sevis.engine import Busy
from sevis.inspector import Inspector
from sevis.pictures import read
from tests.app.test_explore import figures, page, said, tiny
from tests.browser.conftest import ROOT

__all__ = ["page"]  # the fixture: tiny networks in place of those that ship


@pytest.fixture(autouse=True)
def at_once(page: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lesson is the page that opens first."""
    monkeypatch.setattr(frame, "PAGES", (channel,))
    monkeypatch.setattr(frame, "LESSONS", ())
    monkeypatch.setattr(state, "load", seeded)


def seeded(name: str) -> Inspector:
    """The same tiny network each time that it is asked for."""
    torch.manual_seed(1)
    return tiny(name)


def opened(cell: tuple[int, int] | None = None, **query: str) -> AppTest:
    """The lesson at an address with the brush on a cell, run once."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    for key, value in query.items():
        app.query_params[key] = value
    if cell is not None:
        app.session_state["brush"] = cell
    return app.run()


def moved(app: AppTest) -> dict[str, str]:
    """The channels of the figure with their squeezes as they are written beside them."""
    (figure,) = [spec for title, spec in figures(app).items() if "channels that move most" in title or "largest squeezes" in title]
    layout: Any = figure["layout"]
    return dict(zip(layout["yaxis"]["ticktext"], [each["text"] for each in layout["annotations"]], strict=True))


def test_the_network_looks_at_the_picture_with_the_middle_of_the_cells_painted() -> None:
    app = opened((3, 4), lesson_block="SE_3_1")
    assert not app.exception and not app.error
    pixels = read(state.samples()[0].file).pixels
    height, width = pixels.shape[:2]
    left = (width - height) // 2  # tiny networks see the middle square
    seen = pixels[:, left : left + height]
    side = height / 8
    painted = pixels.copy()
    rows, columns = (slice(round(start * side), round((start + 3) * side)) for start in (2, 3))
    painted[:, left : left + height][rows, columns] = seen.mean(axis=(0, 1))
    before, after = (seeded("tiny/se").inspect(each).gates[2].squeeze[0] for each in (pixels, painted))
    rows_told = moved(app)
    expected = {f"channel {c}": (float(before[c]), float(after[c])) for c in range(len(before))}
    for name, text in rows_told.items():
        was, now = (float(part.replace("−", "-")) for part in text.split(" → "))
        # the window is known to a 255th of a side
        np.testing.assert_allclose((was, now), expected[name], atol=0.006 + 0.1 * abs(expected[name][1] - expected[name][0]))
    assert "covers 9 of 64 cells" in said(app) and "half of all change in SE_3_1" in said(app).replace("\\", "")


def test_uncover_takes_the_brush_away_and_nothing_moves() -> None:
    app = opened((3, 4))
    assert all("→" in text for text in moved(app).values())
    app.button(key="uncover").click().run()
    assert not app.exception and not any("→" in text for text in moved(app).values())
    assert app.button(key="uncover").disabled and "Nothing moves yet" in said(app)


def test_a_larger_brush_covers_more_and_a_smaller_one_less() -> None:
    app = opened((0, 0))
    for size, cells in ((1, 1), (2, 4), (4, 16)):
        app.segmented_control(key="brush_size").set_value(size).run()
        assert not app.exception and f"covers {cells} of 64 cells" in said(app)


def test_a_full_queue_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened()

    def refuse(*_: object, **__: object) -> None:
        raise Busy(64)

    monkeypatch.setattr(state.engine(), "ask", refuse)
    app.session_state["brush"] = (5, 5)
    app.segmented_control(key="brush_size").set_value(4).run()
    assert not app.exception and "64" in app.error[0].value


@pytest.mark.parametrize(
    ("clicked", "brush"),
    [([2, 5], (2, 5)), ([0, 0], (0, 0)), ([8, 0], None), ([-1, 0], None), (["2", 5], None), ([2.5, 1], None), ([None], None), ([], None)],
)
def test_a_click_moves_the_brush_and_what_is_no_cell_is_left_out(
    monkeypatch: pytest.MonkeyPatch, clicked: list[object], brush: tuple[int, int] | None
) -> None:
    held: list[object] = []
    monkeypatch.setattr(channel.session, "move_brush", held.append)
    monkeypatch.setattr(channel.session, "control", lambda key: 3)
    channel._move(clicked, channel.Grid(8, 8), None)
    assert held == ([] if brush is None else [brush])


def test_a_second_click_on_the_same_cell_uncovers_it(monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[object] = []
    monkeypatch.setattr(channel.session, "move_brush", held.append)
    monkeypatch.setattr(channel.session, "control", lambda key: 3)
    under = channel._under((4, 4), channel.Grid(8, 8))
    channel._move([4, 4], channel.Grid(8, 8), under)
    channel._move([4, 5], channel.Grid(8, 8), under)
    assert held == [None, (4, 5)]


def test_a_detector_has_channels_too_and_a_selection_is_sent_elsewhere() -> None:
    app = opened((1, 1), network="tiny/boxes")
    assert not app.exception and not app.error
    assert len(figures(app)) == 3 and len(moved(app)) > 1
    assert "has none" in said(opened(network="tiny/sk"))
