"""Two lessons in a real browser: what only a browser does, which is clicking a cell of the picture, formulas, and going on."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from sevis.app.lessons import LESSONS

pytestmark = pytest.mark.browser

START = "/channel"


def test_a_click_covers_a_part_of_the_picture_and_channels_move(visit: Page) -> None:
    expect(visit.get_by_text("Nothing moves yet")).to_be_visible()
    assert visit.locator(".katex").count() > 5 and not visit.get_by_text("$").count()
    visit.locator(".st-key-brush_figure .scatterlayer .points path").nth(27).click(force=True)
    expect(visit.locator(".st-key-squeeze_moved .gtitle")).to_contain_text("channels that move most")
    visit.get_by_role("button", name="Uncover").click()
    expect(visit.get_by_text("Nothing moves yet")).to_be_visible()


def test_a_lesson_leads_to_the_next_and_a_slider_moves_the_gates(visit: Page) -> None:
    visit.get_by_role("link", name="Next: Excite").click()
    expect(visit.get_by_role("heading", name=LESSONS[1].TITLE, exact=True)).to_be_visible()
    expect(visit.get_by_text("units of the bottleneck in")).to_be_visible()
    slider = visit.get_by_role("slider").first
    slider.focus()
    for _ in range(5):
        slider.press("ArrowRight")
    expect(visit.get_by_text("With the squeeze of channel")).to_contain_text("instead of")
