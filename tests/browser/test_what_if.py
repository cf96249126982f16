"""What if, as a visitor does it: a button, a slider, an undo, a link, one click for every block; and other visitors at once."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlparse

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import plot, sees, settled, visiting
from tests.browser.test_explore import pick, titles, traces, whole

pytestmark = pytest.mark.browser

START, THEME = "/what-if", "dark"


def edits(page: Page) -> list[str]:
    """Those in the address."""
    return parse_qs(urlparse(page.url).query).get("edits", [])


def chip(page: Page, text: str) -> None:
    """Wait until the edit stands among the chips, and all is drawn."""
    expect(page.locator(".st-key-edits").get_by_text(text, exact=True).first).to_be_visible()
    settled(page)


def order(page: Page) -> list[str]:
    """The classes of the prediction figure, the most probable first."""
    ticks = plot(page, "what_if_predictions").evaluate("plot => plot.layout.yaxis.ticktext")
    return [re.sub("<[^>]*>", "", tick) for tick in ticks]


def difference(page: Page) -> float:
    """The largest change of the Grad-CAM that is drawn."""
    script = "plot => Math.max(...Array.from(plot.calcdata[0][0].z).flatMap(row => Array.from(row)).map(Math.abs))"
    return float(plot(page, "what_if_cam_difference").evaluate(script))


def reset(page: Page) -> None:
    """Back to the network as it is."""
    page.get_by_role("button", name="Reset").click()
    sees(page, "Nothing is changed yet")
    settled(page)


def test_one_button_takes_the_recalibration_away(visit: Page) -> None:
    sees(visit, "Nothing is changed yet")
    settled(visit)
    assert difference(visit) == 0
    visit.get_by_role("button", name="No recalibration").click()
    chip(visit, "all:set=1")
    sees(visit, re.compile(r"cat falls from 70% to 0%"))
    sees(visit, re.compile(r"French horn \(94%\) comes first now"))
    settled(visit)
    assert edits(visit) == ["all:set=1"] and order(visit)[0] == "French horn" and difference(visit) > 0.1
    strips = traces(visit, "what_if_strips")
    assert sum(trace["type"] == "heatmap" for trace in strips) == 3 * 8
    whole(visit, "what_if_dark")
    reset(visit)


def test_controls_an_undo_and_a_link(browser: Browser, visit: Page) -> None:
    pick(visit, "Where", "SE_2_2")
    pick(visit, "Weights", "to a value")
    chip(visit, "SE_2_2:set=1")
    sees(visit, re.compile("Of the other blocks SE_3_2 answers most"))
    slider = visit.locator(".st-key-edit_set").get_by_role("slider")
    slider.focus()
    slider.press("ArrowLeft")
    chip(visit, "SE_2_2:set=0.95")
    visit.get_by_role("button", name="Undo").click()
    chip(visit, "SE_2_2:set=1")
    with visiting(browser, "what_if_by_a_link") as other:
        other.goto(visit.url)
        settled(other)
        assert order(other) == order(visit) and edits(other) == ["SE_2_2:set=1"]
    reset(visit)
    assert edits(visit) == [] and difference(visit) == 0


def test_edits_outlive_a_look_at_another_page(visit: Page) -> None:
    visit.get_by_role("button", name="Dealt out anew").click()
    chip(visit, "all:permute=1")
    visit.get_by_role("link", name="Explore").click()
    sees(visit, "What stands out")
    visit.get_by_role("link", name="What if").click()
    chip(visit, "all:permute=1")
    assert edits(visit) == ["all:permute=1"]
    reset(visit)


def test_visitors_edit_the_same_network_at_once(browser: Browser, visit: Page, server: str) -> None:
    """Each of two sees what its own edits do; a third, who edits nothing, goes on to see the network as it is."""
    asked = {"all:set=1": "cat falls from 70% to 0%", "SE_2_2:set=1": "cat falls from 70% to 9%"}
    with visiting(browser, "visitor_1") as first, visiting(browser, "visitor_2") as second:
        for text, visitor in zip(asked, (first, second), strict=True):
            visitor.goto(f"{server}/what-if?edits={text}", wait_until="commit")
        for text, visitor in zip(asked, (first, second), strict=True):
            sees(visitor, asked[text])
            settled(visitor)
    pick(visit, "or a sample", "kitten")
    expect(visit.locator(".st-key-what_if_predictions", has_text="cat").first).to_be_visible()
    sees(visit, "Nothing is changed yet")
    settled(visit)
    assert order(visit)[0] == "cat" and difference(visit) == 0 and edits(visit) == []
    pick(visit, "or a sample", "Chelsea")


def test_one_click_shows_which_block_matters(visit: Page) -> None:
    visit.get_by_text("Change each block in turn").click()
    sees(visit, re.compile("SE_2_2 at 1 takes the most from cat"))
    settled(visit)
    (bars,) = [trace for trace in traces(visit, "effects_figure") if trace["type"] == "bar"]
    assert bars["points"] == 8 and "What each block does for cat" in " ".join(titles(visit))
    effects = plot(visit, "effects_figure")
    effects.scroll_into_view_if_needed()
    visit.wait_for_timeout(500)
    bar = effects.locator(".barlayer .point path").nth(1).bounding_box()
    assert bar is not None
    visit.mouse.move(bar["x"] + bar["width"] / 2, bar["y"] + bar["height"] / 2)
    visit.wait_for_timeout(300)
    visit.mouse.click(bar["x"] + bar["width"] / 2, bar["y"] + bar["height"] / 2)
    chip(visit, "SE_2_2:set=1")
    sees(visit, re.compile("cat falls from 70% to 9%"))
