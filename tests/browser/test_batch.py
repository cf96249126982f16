"""The Batch page as a visitor meets it: samples, a zip, a tile by mouse and keyboard, a row of the figure, and the way back."""

from __future__ import annotations

import re
import zipfile
from io import BytesIO
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.conftest import ROOT, sees, still, until
from tests.browser.test_explore import whole

pytestmark = pytest.mark.browser

START, THEME = "/batch?network=photos12/sk_net26", "dark"

SAMPLES = sorted((ROOT / "assets" / "samples").glob("*.jpg"))
PLOT = ".st-key-picture_channels .js-plotly-plot"
DRAWN = f"() => document.querySelector('{PLOT} .heatmaplayer image') !== null"


def drawn(page: Page) -> None:
    """Wait until the figure is there and nothing runs."""
    until(page, DRAWN)
    still(page)


def crops(count: int) -> list[tuple[str, bytes]]:
    """So many different pictures, cut out of the samples."""
    made = []
    for place in range(count):
        buffer = BytesIO()
        whole = Image.open(SAMPLES[place % len(SAMPLES)]).convert("RGB")
        part = 0.6 + 0.4 * place / count
        whole.crop((0, 0, int(whole.width * part), int(whole.height * part))).resize((200, 200)).save(buffer, "JPEG")
        made.append((f"crop {place:02d}.jpg", buffer.getvalue()))
    return made


def packed(folder: Path, count: int) -> Path:
    """A zip of pictures with what macOS and a careless hand put beside them."""
    archive = folder / "holiday.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for name in ("__MACOSX/holiday/._crop.jpg", "holiday/notes.txt", "../../etc/passwd.jpg"):
            file.writestr(name, b"no picture")
        for name, content in crops(count):
            file.writestr(f"holiday/{name}", content)
    return archive


def bring(page: Page, *files: Path | dict[str, object]) -> None:
    page.locator("[class*=st-key-batch_upload] input[type=file]").set_input_files(list(files))


def told(page: Page) -> list[list[object]]:
    """What the marks of the figure carry: place, channel, title and numbers."""
    drawn(page)
    return page.locator(PLOT).evaluate("plot => Array.from(plot.data.find(t => t.type === 'scatter').customdata, row => Array.from(row))")


def click_cell(page: Page, row: int, column: int) -> None:
    """Click the middle of a cell of the figure."""
    plot = page.locator(PLOT)
    plot.scroll_into_view_if_needed()
    script = """(plot, [row, column]) => {
        const {xaxis, yaxis} = plot._fullLayout, box = plot.getBoundingClientRect();
        return [box.left + xaxis._offset + xaxis.c2p(column), box.top + yaxis._offset + yaxis.c2p(row)];
    }"""
    where = plot.evaluate(script, [row, column])
    page.mouse.move(*where)
    page.wait_for_timeout(400)
    page.mouse.click(*where)


def choices(page: Page) -> dict[str, str]:
    return {key: values[0] for key, values in parse_qs(urlparse(page.url).query).items()}


def tiled(page: Page, count: int) -> None:
    """Wait until so many pictures stand on the sheet."""
    expect(page.locator("[class*=st-key-tile_] img")).to_have_count(count)


def test_the_samples_fill_the_page(visit: Page) -> None:
    visit.get_by_role("button", name=re.compile("Take the .* samples")).click()
    drawn(visit)
    tiled(visit, len(SAMPLES))
    marks = told(visit)
    cells = visit.locator(PLOT).evaluate("plot => { const z = plot.calcdata[0][0].z; return [z.length, z[0].length]; }")
    assert cells == [len(SAMPLES), len({row[1] for row in marks})] and len(marks) == cells[0] * cells[1]
    assert str(visit.locator(f"{PLOT} .gtitle").text_content()).startswith("SK_")
    expect(visit.get_by_text("most alike")).to_have_count(1)
    assert visit.get_by_role("alert").count() == 0
    whole(visit, "batch_dark")


def test_a_cell_opens_its_picture_block_and_channel_in_explore(visit: Page) -> None:
    drawn(visit)
    block = str(visit.locator(f"{PLOT} .gtitle").text_content()).split(":")[0]
    rows = visit.locator(PLOT).evaluate("plot => plot.calcdata.find(c => c[0].trace.type === 'scatter').map(mark => mark.y)")
    marks = told(visit)
    expected = next(mark for mark, row in zip(marks, rows, strict=True) if row == 2)
    click_cell(visit, 2, 0)
    sees(visit, f"{expected[2]}, as the network saw it")
    sees(visit, f"Shown: {expected[2]}, from the batch.")
    expect(visit.get_by_role("combobox", name="Block").first).to_have_value(block)
    expect(visit.get_by_role("spinbutton", name="Channel").first).to_have_value(str(expected[1]))
    assert urlparse(visit.url).path == "/" and choices(visit)["network"] == "photos12/sk_net26"
    still(visit)
    visit.get_by_role("button", name=re.compile("Back to")).click()
    expect(visit.get_by_text(re.compile("from the batch"))).to_have_count(0)
    still(visit)


def test_a_tile_opens_by_the_keyboard_and_the_own_photograph_comes_back(visit: Page) -> None:
    name, content = crops(1)[0]
    visit.locator(".st-key-upload input[type=file]").set_input_files({"name": f"my {name}", "mimeType": "image/jpeg", "buffer": content})
    sees(visit, f"my {name}, as the network saw it")
    still(visit)
    visit.get_by_role("link", name="Batch").click()
    drawn(visit)
    tiled(visit, len(SAMPLES))
    visit.get_by_role("button", name="Open A giant panda in Explore").focus()
    visit.keyboard.press("Enter")
    sees(visit, "A giant panda, as the network saw it")
    still(visit)
    visit.get_by_role("button", name=f"Back to my {name}").click()
    sees(visit, f"my {name}, as the network saw it")


def test_a_batch_that_is_left_goes_on_where_it_was(visit: Page, server: str, tmp_path: Path) -> None:
    """Sixty-four pictures out of a zip, its junk listed; stopped and gone on with."""
    visit.goto(f"{server}/batch")
    bring(visit, packed(tmp_path, 64))
    expect(visit.get_by_role("progressbar").first).to_be_visible()
    visit.get_by_role("button", name="Stop").click()
    sees(visit, "not seen yet")
    still(visit)
    visit.get_by_role("button", name="Go on").click()
    tiled(visit, 64)
    assert len({row[0] for row in told(visit)}) == 64
    visit.get_by_text("3 files left out").click()
    for said in ("no picture.", "is not a picture of a kind", "leads out of the archive"):
        sees(visit, said)
    visit.get_by_role("button", name="Open crop 63.jpg in Explore").click()
    sees(visit, "crop 63.jpg, as the network saw it")
