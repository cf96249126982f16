"""What if, as a visitor does it: a button, a slider, an undo, a link, one click for every block; and two visitors at once."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlparse

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import SHOTS, settled
from tests.browser.test_explore import pick, titles, traces

pytestmark = pytest.mark.browser


def edits(page: Page) -> list[str]:
    """Those in the address."""
    return parse_qs(urlparse(page.url).query).get("edits", [])


def chip(page: Page, text: str) -> None:
    """Wait until the edit stands among the chips, and all is drawn."""
    expect(page.locator(".st-key-edits").get_by_text(text, exact=True).first).to_be_visible()
    settled(page)


def order(page: Page) -> list[str]:
    """The classes of the prediction figure, the most probable first."""
    ticks = page.locator(".st-key-what_if_predictions .js-plotly-plot").evaluate("plot => plot.layout.yaxis.ticktext")
    return [re.sub("<[^>]*>", "", tick) for tick in ticks]


def difference(page: Page) -> float:
    """The largest change of the Grad-CAM that is drawn."""
    script = "plot => Math.max(...Array.from(plot.calcdata[0][0].z).flatMap(row => Array.from(row)).map(Math.abs))"
    return float(page.locator(".st-key-what_if_cam_difference .js-plotly-plot").evaluate(script))


@pytest.fixture
def opened(page: Page, server: str) -> Page:
    page.goto(f"{server}/what-if")
    settled(page)
    return page


@pytest.mark.parametrize("page", ["dark"], indirect=True)
def test_one_button_takes_the_recalibration_away(opened: Page) -> None:
    expect(opened.get_by_text("Nothing is changed yet")).to_be_visible()
    assert difference(opened) == 0
    opened.get_by_role("button", name="No recalibration").click()
    chip(opened, "all:set=1")
    expect(opened.get_by_text(re.compile(r"cat falls from 70% to 0%"))).to_be_visible()
    expect(opened.get_by_text(re.compile(r"French horn \(94%\) comes first now"))).to_be_visible()
    settled(opened)
    assert edits(opened) == ["all:set=1"] and order(opened)[0] == "French horn" and difference(opened) > 0.1
    strips = traces(opened, "what_if_strips")
    assert sum(trace["type"] == "heatmap" for trace in strips) == 3 * 8
    opened.set_viewport_size({"width": 1280, "height": 1700})
    opened.wait_for_timeout(1000)


def test_controls_an_undo_and_a_link(opened: Page, browser: Browser) -> None:
    pick(opened, "Where", "SE_2_2")
    pick(opened, "Weights", "to a value")
    chip(opened, "SE_2_2:set=1")
    expect(opened.get_by_text(re.compile("Of the other blocks SE_3_2 answers most"))).to_be_visible()
    slider = opened.locator(".st-key-edit_set").get_by_role("slider")
    slider.focus()
    slider.press("ArrowLeft")
    chip(opened, "SE_2_2:set=0.95")
    opened.get_by_role("button", name="Undo").click()
    chip(opened, "SE_2_2:set=1")
    drawn, address = order(opened), opened.url
    other = browser.new_page(viewport={"width": 1280, "height": 800})
    other.set_default_timeout(90_000)
    other.goto(address)
    settled(other)
    assert order(other) == drawn and edits(other) == ["SE_2_2:set=1"]
    other.close()
    opened.get_by_role("button", name="Reset").click()
    expect(opened.get_by_text("Nothing is changed yet")).to_be_visible()
    settled(opened)
    assert edits(opened) == [] and difference(opened) == 0


def test_edits_outlive_a_look_at_another_page(opened: Page) -> None:
    opened.get_by_role("button", name="Dealt out anew").click()
    chip(opened, "all:permute=1")
    opened.get_by_role("link", name="Explore").click()
    expect(opened.get_by_text("What stands out")).to_be_visible()
    opened.get_by_role("link", name="What if").click()
    chip(opened, "all:permute=1")
    assert edits(opened) == ["all:permute=1"]


def test_one_click_shows_which_block_matters(opened: Page) -> None:
    opened.get_by_text("Change each block in turn").click()
    expect(opened.get_by_text(re.compile("SE_2_2 at 1 takes the most from cat"))).to_be_visible()
    settled(opened)
    (bars,) = [trace for trace in traces(opened, "effects_figure") if trace["type"] == "bar"]
    assert bars["points"] == 8 and "What each block does for cat" in " ".join(titles(opened))
    plot = opened.locator(".st-key-effects_figure .js-plotly-plot")
    plot.scroll_into_view_if_needed()
    opened.wait_for_timeout(500)
    bar = plot.locator(".barlayer .point path").nth(1).bounding_box()
    assert bar is not None
    opened.mouse.move(bar["x"] + bar["width"] / 2, bar["y"] + bar["height"] / 2)
    opened.wait_for_timeout(300)
    opened.mouse.click(bar["x"] + bar["width"] / 2, bar["y"] + bar["height"] / 2)
    chip(opened, "SE_2_2:set=1")
    expect(opened.get_by_text(re.compile("cat falls from 70% to 9%"))).to_be_visible()


def test_two_visitors_edit_the_same_network_at_once(browser: Browser, server: str) -> None:
    """Each sees what its own edits do; a third, who edits nothing, sees the network as it is."""
    asked = {"all:set=1": "cat falls from 70% to 0%", "SE_2_2:set=1": "cat falls from 70% to 9%", "": "Nothing is changed yet"}
    visitors = {text: browser.new_page(viewport={"width": 1280, "height": 800}) for text in asked}
    for visitor in visitors.values():
        visitor.set_default_timeout(90_000)
    for text, visitor in visitors.items():
        visitor.goto(f"{server}/what-if" + (f"?edits={text}" if text else ""), wait_until="commit")
    for text, visitor in visitors.items():
        expect(visitor.get_by_text(asked[text])).to_be_visible()
        settled(visitor)
    visitors["all:set=1"].screenshot(path=SHOTS / "two_visitors.png")
    for visitor in visitors.values():
        visitor.close()
