"""The Scan page as a visitor meets it: a zip, a scan that is stopped and goes on behind another page, a channel among its pictures."""

from __future__ import annotations

import re
import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from sevis.runs import open_run
from tests.browser.conftest import sees, still, until
from tests.browser.test_batch import crops

pytestmark = pytest.mark.browser

COUNT = 80  # three batches
PLOT = ".st-key-channel_extremes .js-plotly-plot"


def packed() -> dict[str, object]:
    """A zip of two class folders, with a picture that cannot be read and a file that is none."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for place, (name, content) in enumerate(crops(COUNT - 1)):
            archive.writestr(f"set/{('even', 'odd')[place % 2]}/{place} {name}", content)
        archive.writestr("set/odd/cut.jpg", b"\xff\xd8\xff")
        archive.writestr("set/notes.txt", b"hello")
    return {"name": "set.zip", "mimeType": "application/zip", "buffer": buffer.getvalue()}


@pytest.mark.parametrize("page", ["dark"], indirect=True)
def test_a_scan_from_the_zip_to_the_channel(page: Page, server: str, tmp_path: Path) -> None:
    page.goto(f"{server}/scan")
    page.locator("[class*=st-key-scan_upload] input[type=file]").set_input_files([packed()])
    sees(page, "1 file left out")
    still(page)
    page.get_by_role("button", name=f"Scan {COUNT} pictures with photos12/se_resnet18").click()
    expect(page.get_by_role("progressbar").first).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    sees(page, re.compile(r"Stopped: \d+ of 80 pictures"))
    still(page)
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("button", name="Stop").first).to_be_visible()
    page.get_by_role("link", name="Batch").click()  # it goes on meanwhile
    sees(page, "Many pictures at once")
    page.get_by_role("link", name="Scan").click()
    expect(page.get_by_text("1 picture could not be read").first).to_be_visible(timeout=120_000)
    expect(page.get_by_role("button", name="Stop")).to_have_count(0, timeout=120_000)
    still(page)
    numbers = page.get_by_test_id("stMetricValue").all_inner_texts()
    assert numbers[0] == str(COUNT - 1) and numbers[1] == "2" and numbers[-1] == "1"
    assert "run=your+scan+1" in page.url
    with page.expect_download() as download:
        page.get_by_role("button", name="Take the run away").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        archive.extractall(tmp_path)
    (folder,) = tmp_path.iterdir()
    run = open_run(folder)
    assert len(set(run.pictures["path"])) == run.done == COUNT and run.read == COUNT - 1
    page.get_by_role("link", name="See a channel up close").click()
    sees(page, "as the network saw it")
    still(page)
    page.get_by_role("spinbutton", name="Channel").fill("3")
    page.keyboard.press("Enter")
    until(page, f"() => document.querySelectorAll('{PLOT} .layer-below image, {PLOT} .imagelayer image').length >= 12")
    still(page)
    told = page.locator(PLOT).evaluate("plot => Array.from(plot.data[0].customdata, row => Array.from(row))")
    shares = [float(row[1]) for row in told]
    assert len({row[0] for row in told}) == 12 and shares[:6] == sorted(shares[:6], reverse=True) and shares[6:] == sorted(shares[6:])
    expect(page.get_by_text(f"Over {COUNT - 1} pictures of the scan")).to_have_count(1)
    assert page.get_by_role("alert").count() == 0
    page.locator(PLOT).scroll_into_view_if_needed()
