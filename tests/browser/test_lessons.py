"""Two lessons in a real browser: what only a browser does, which is clicking a cell of the picture, formulas, and going on."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from sevis.app.lessons import LESSONS
from tests.browser.conftest import plot, sees, still

pytestmark = pytest.mark.browser

START = "/channel"


def test_a_click_covers_a_part_of_the_picture_and_channels_move(visit: Page) -> None:
    sees(visit, "Nothing moves yet")
    expect(visit.locator(".katex").nth(5)).to_be_visible()
    assert not visit.get_by_text("$").count()
    plot(visit, "brush_figure").locator(".scatterlayer .points path").nth(27).click(force=True)
    expect(visit.locator(".st-key-squeeze_moved .gtitle", has_text="channels that move most").first).to_be_visible()
    expect(visit.get_by_text("Nothing moves yet")).to_have_count(0)
    still(visit)
    visit.get_by_role("button", name="Uncover").click()
    sees(visit, "Nothing moves yet")


def test_a_lesson_leads_to_the_next_and_a_slider_moves_the_gates(visit: Page) -> None:
    still(visit)
    visit.get_by_role("link", name="Next: Excite").click()
    expect(visit.get_by_role("heading", name=LESSONS[1].TITLE, exact=True).first).to_be_visible()
    sees(visit, "units of the bottleneck in")
    still(visit)
    slider = visit.get_by_role("slider").first
    slider.focus()
    for _ in range(5):
        slider.press("ArrowRight")
    expect(visit.get_by_text("With the squeeze of channel").filter(has_text="instead of").first).to_be_visible()
