"""Two things side by side in a real browser: every mode, what is drawn, and the link that brings it back."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import ROOT, plot, sees, still, until
from tests.browser.test_explore import choices, pick, titles

pytestmark = pytest.mark.browser

START, THEME = "", "dark"

PANDA = ROOT / "assets" / "samples" / "giant-panda.jpg"
BLOCKS = ["SE_2_1", "SE_2_2", "SE_3_1", "SE_3_2", "SE_4_1", "SE_4_2", "SE_5_1", "SE_5_2"]


def settled(page: Page, title: str) -> None:
    """Wait until a figure of that title is there and nothing runs."""
    expect(page.locator(".js-plotly-plot .gtitle", has_text=title).first).to_be_visible()
    until(page, "() => !document.querySelector('[data-testid=stSpinner]')")
    still(page)


def drawn(page: Page, key: str, script: str) -> Any:
    return plot(page, key).evaluate(f"plot => {script}")


def names(page: Page) -> list[str]:
    """The sides' names over the strips."""
    return drawn(page, "compare_strips", "[plot.layout.xaxis, plot.layout.xaxis2].map(axis => axis.title.text.replace(/<[^>]*>/g, ''))")


def test_two_samples_stand_side_by_side(visit: Page) -> None:
    visit.get_by_role("link", name="Compare").click()
    settled(visit, "side by side")
    assert drawn(visit, "compare_strips", "plot.data.filter(trace => trace.type === 'heatmap').length") == 3 * len(BLOCKS)
    assert drawn(visit, "compare_blocks", "plot.data[0].y.length") == len(BLOCKS)
    assert names(visit) == ["Chelsea the cat", "A German shepherd"]
    assert visit.get_by_role("alert").count() == 0
    assert {"Prediction", "Difference of every block", "Similarity by depth"} <= {
        title.split("bar:")[0].split("●")[0] for title in titles(visit)
    }


SAID = {"": "SE_3_1, channel", "2": "on A German shepherd", "3": "on Chelsea the cat"}


def test_a_cell_speaks_of_both_sides(visit: Page) -> None:
    strips = plot(visit, "compare_strips")
    strips.scroll_into_view_if_needed()
    visit.wait_for_timeout(500)
    for column, words in SAID.items():
        left, top = strips.evaluate(
            """(plot, column) => {
                const layout = plot._fullLayout, box = plot.getBoundingClientRect(), x = layout["xaxis" + column];
                return [box.left + x._offset + x._length / 3, box.top + layout.yaxis._offset + layout.yaxis.c2p(2.5 / 8)];
            }""",
            column,
        )
        visit.mouse.move(left - 3, top)
        visit.mouse.move(left, top)
        expect(strips.locator(".hoverlayer .hovertext").first).to_contain_text(words)


def test_a_click_on_a_bar_chooses_its_block_and_one_on_a_point_its_channel(visit: Page) -> None:
    blocks = plot(visit, "compare_blocks")
    blocks.scroll_into_view_if_needed()
    blocks.locator(".barlayer .point path").nth(5).click(force=True)
    settled(visit, f"{BLOCKS[5]}: every channel on both sides")
    assert choices(visit)["block"] == BLOCKS[5]
    channels = plot(visit, "compare_channels")
    channels.scroll_into_view_if_needed()
    channels.locator(".scatterlayer .points path").nth(4).click(force=True)
    visit.wait_for_url(re.compile("channel="))
    assert 0 <= int(choices(visit)["channel"]) < 128
    settled(visit, f"{BLOCKS[5]}: every channel on both sides")
    assert drawn(visit, "compare_channels", "plot.data.length") == 2


def test_the_class_is_the_same_on_both_sides(visit: Page) -> None:
    pick(visit, "Class to explain", "church")
    sees(visit, "Explained on both sides is church")
    settled(visit, "side by side")
    assert sum("Grad-CAM for church" in title for title in titles(visit)) == 2


def test_another_second_picture(visit: Page) -> None:
    before = drawn(visit, "compare_blocks", "Array.from(plot.data[0].y)")
    pick(visit, "Second picture", "rocket")
    expect(visit.locator(".st-key-compare_strips .x2title", has_text="rocket").first).to_be_visible()
    settled(visit, "side by side")
    assert drawn(visit, "compare_blocks", "Array.from(plot.data[0].y)") != before and "ocket" in choices(visit)["second_picture"]


def test_ones_own_second_photograph(visit: Page) -> None:
    visit.get_by_role("button", name="Upload").last.click()
    still(visit)
    visit.locator(".st-key-second_upload input[type=file]").set_input_files(PANDA)
    sees(visit, "giant-panda.jpg, seen at 160 × 160")
    settled(visit, "side by side")


def test_a_slider_changes_the_picture_and_the_gates(visit: Page) -> None:
    visit.get_by_text("changed picture", exact=True).click()
    sees(visit, "Nothing is changed yet")
    settled(visit, "side by side")
    assert drawn(visit, "compare_blocks", "Math.max(...plot.data[0].y)") == 0
    slider = visit.get_by_role("slider", name="Turn")
    slider.focus()
    for _ in range(3):
        visit.keyboard.press("ArrowRight")
    sees(visit, "The second picture is the first, turned by +15°")
    settled(visit, "side by side")
    assert drawn(visit, "compare_blocks", "Math.min(...plot.data[0].y)") > 0
    assert choices(visit)["rotate"] == "15"


def test_two_networks_of_different_kinds_and_a_link_to_them(visit: Page, server: str) -> None:
    visit.goto(f"{server}/compare?compare=two+networks&second_network=photos12/sk_net26")
    settled(visit, "side by side")
    assert names(visit) == ["se_resnet18", "sk_net26"]
    sees(visit, "A weight and a share of 5x5 do not mean the same")
    assert any(title.startswith("Distance from the average picture") for title in titles(visit))
    assert drawn(visit, "compare_strips", "plot.data.filter(trace => trace.type === 'heatmap').length") == 2 * len(BLOCKS)
    pick(visit, "Block", "SE_4_2 and SK_4_2")
    settled(visit, "SE_4_2 and SK_4_2: against average, sorted")
    assert choices(visit)["pair"] == "SE_4_2 and SK_4_2"
