"""Channels under the pointer and up close, in a real browser: what moves at once, and what asks the server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, Locator, Page, WebSocket, expect

from tests.browser.conftest import sees, settled, still, visiting
from tests.browser.test_explore import choices, titles, traces

pytestmark = pytest.mark.browser

THEME = "dark"

PACKED = bytes.fromhex("1f8b0800000000")  # how gzip begins: of all that is sent only a block's maps are packed so

# one pointer event, the picture of the first tile before and after it, and when the next frame began
SWAP = """([grid, place]) => new Promise(done => {
    const canvas = grid.querySelector("canvas"), section = grid.closest("section"), box = canvas.getBoundingClientRect()
    const tile = section.querySelector(".tiles canvas"), seen = () => [section.dataset.channel, tile.toDataURL()], before = seen()
    const at = { bubbles: true, clientX: box.left + place * box.width, clientY: box.top + 6 }
    const start = performance.now()
    grid.dispatchEvent(new PointerEvent("pointermove", at))
    const swapped = performance.now() - start, after = seen()
    requestAnimationFrame(() => done({ before, after, swapped }))
})"""


@dataclass
class Wire:
    """What the page and its server say to each other."""

    sent: list[object] = field(default_factory=list)
    received: list[object] = field(default_factory=list)


@pytest.fixture(scope="module")
def wire() -> Wire:
    return Wire()


@pytest.fixture(scope="module")
def block(browser: Browser, wire: Wire, server: str) -> Iterator[Page]:
    """One visit to a block's channels for all tests of this file."""

    def listen(socket: WebSocket) -> None:
        socket.on("framesent", lambda data: wire.sent.append(data))
        socket.on("framereceived", lambda data: wire.received.append(data))

    with visiting(browser, "channels", THEME) as page:
        page.on("websocket", listen)
        page.goto(f"{server}/?block=SE_3_1")
        settled(page)
        yield page


@pytest.fixture(autouse=True)
def in_view(block: Page) -> None:
    grid(block).scroll_into_view_if_needed()
    block.wait_for_timeout(500)


def grid(page: Page) -> Locator:
    """The grid of all channels, drawn."""
    found = page.get_by_role("slider", name=re.compile("Channels of"))
    expect(found.first).to_be_visible()
    still(page)
    return found


def told(page: Page) -> str:
    """The sentence beside the maps."""
    return page.locator(".st-key-channels .said").inner_text()


def test_hovering_swaps_the_map_and_asks_nobody(block: Page, wire: Wire) -> None:
    asked = len(wire.sent)
    seen = []
    for place in (0.05, 0.35, 0.65, 0.95):
        moved = grid(block).evaluate_handle("element => element")
        seen.append(block.evaluate(SWAP, [moved, place]))
    for each in seen:
        assert each["before"][0] != each["after"][0] and each["before"][1] != each["after"][1]
    assert len({each["after"][0] for each in seen}) == 4
    assert sorted(each["swapped"] for each in seen)[1] < 100  # 1 to 3 ms on an idle machine, within a frame; a busy one may be away
    box = grid(block).bounding_box()
    for step in range(20):
        block.mouse.move(box["x"] + box["width"] * step / 20, box["y"] + box["height"] / 2)
        assert re.match(r"Channel \d+ of SE_3_1: squeeze ", told(block))
    block.wait_for_timeout(500)
    assert len(wire.sent) == asked and "channel" not in choices(block)
    # the words have the page's colour, the picture lies sharp under them
    lightness = "e => { const [r, g, b] = getComputedStyle(e).color.match(/[0-9.]+/g).map(Number); return (r + g + b) / 765 }"
    dark = block.evaluate("() => matchMedia('(prefers-color-scheme: dark)').matches")
    ink = block.locator(".st-key-channels .said").evaluate(lightness)
    assert ink > 0.8 if dark else ink < 0.3


def test_a_click_selects_and_shows_the_channel_up_close(block: Page) -> None:
    box = grid(block).bounding_box()
    block.mouse.click(box["x"] + 60, box["y"] + 60)
    channel = re.match(r"Channel (\d+) of", told(block))[1]
    block.wait_for_url(f"**channel={channel}*")
    sees(block, f"Channel {channel} up close")
    expect(block.get_by_role("spinbutton", name="Channel").first).to_have_value(channel)
    expect(block.locator(".st-key-channel_samples .js-plotly-plot").first).to_be_visible()
    settled(block)
    for title in ("before and after the gate", "its mean weight by class", "its weight on the samples"):
        assert f"SE_3_1, channel {channel}: {title}" in " ".join(titles(block))
    assert [trace["type"] for trace in traces(block, "channel_maps")] == ["heatmap"] * 3
    assert traces(block, "channel_classes")[0]["points"] == 12 and traces(block, "channel_samples")[0]["points"] == 9
    expect(block.locator(".st-key-channels .ring.chosen")).to_be_visible()


def test_the_keyboard_alone_reaches_every_channel_and_block(block: Page, wire: Wire) -> None:
    block.locator(".st-key-channels select").focus()
    block.keyboard.press("Tab")
    expect(grid(block)).to_be_focused()
    assert grid(block).evaluate("e => parseFloat(getComputedStyle(e).outlineWidth)") >= 2
    asked, seen = len(wire.sent), [told(block)]
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft", "Home", "End"):
        block.keyboard.press(key)
        seen.append(told(block))
        assert grid(block).get_attribute("aria-valuetext") == seen[-1]
    assert seen[1] == seen[3] and len(set(seen)) == 5 and len(wire.sent) == asked
    assert "the highest of 64" in seen[4] and "the lowest of 64" in seen[5]
    block.keyboard.press("ArrowDown")
    block.wait_for_url("**block=SE_3_2*")
    expect(grid(block)).to_have_attribute("aria-label", "Channels of SE_3_2")
    settled(block)
    expect(grid(block)).to_be_focused()
    block.keyboard.press("ArrowUp")
    block.wait_for_url("**block=SE_3_1*")
    expect(grid(block)).to_have_attribute("aria-label", "Channels of SE_3_1")
    settled(block)
    expect(grid(block)).to_be_focused()
    block.keyboard.press("End")
    channel = re.match(r"Channel (\d+) of SE_3_1", told(block))[1]
    block.keyboard.press("Enter")
    sees(block, f"Channel {channel} up close")
    settled(block)
    expect(grid(block)).to_be_focused()
    assert choices(block) == {"block": "SE_3_1", "channel": channel}


def test_a_number_and_a_link_reach_a_selection_s_branches(browser: Browser, block: Page, server: str) -> None:
    block.get_by_role("spinbutton", name="Channel").fill("7")
    block.keyboard.press("Enter")
    sees(block, "Channel 7 up close")
    expect(block.locator(".st-key-channels .said", has_text="Channel 7 of SE_3_1").first).to_be_visible()
    fine = browser.new_context(viewport={"width": 1280, "height": 800}, device_scale_factor=2)
    page = fine.new_page()
    page.set_default_timeout(90_000)
    page.goto(f"{server}/?network=photos12/sk_net26&block=SK_3_2&channel=7")
    settled(page)
    sees(page, "Channel 7 up close")
    grid(page)
    captions = page.locator(".st-key-channels figcaption").all_inner_texts()
    assert captions == ["3x3 branch", "5x5 branch", "mixed"]
    assert [trace["type"] for trace in traces(page, "channel_maps")] == ["heatmap"] * 4
    size = page.locator(".st-key-channels .tiles canvas").first.evaluate("c => [c.width, parseFloat(c.style.width)]")
    assert size[0] == pytest.approx(2 * size[1], abs=1)
    fine.close()


def test_another_channel_sends_no_maps_again(block: Page, wire: Wire) -> None:
    assert any(PACKED in each for each in wire.received if isinstance(each, bytes))
    wire.received.clear()
    block.get_by_role("spinbutton", name="Channel").fill("5")
    block.keyboard.press("Enter")
    expect(block.locator(".st-key-channels .said", has_text="Channel 5 of SE_3_1").first).to_be_visible()
    settled(block)
    assert wire.received and not any(PACKED in each for each in wire.received if isinstance(each, bytes))
