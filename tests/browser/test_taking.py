"""What a visitor takes away from Explore is opened where there is no network, and is all there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

import sevis
from tests.browser.conftest import SHOTS, plot, settled, still, until

pytestmark = pytest.mark.browser

START = "?block=SE_3_1"
PLOTS = "() => [...document.querySelectorAll('.plot')].every(plot => plot.querySelector('.main-svg'))"


def taken(page: Page, key: str, folder: Path) -> Path:
    """The file behind a button."""
    still(page)
    with page.expect_download() as download:
        page.locator(f".st-key-{key} button").click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def test_the_page_and_its_numbers_are_taken_away(visit: Page, browser: Browser, tmp_path: Path) -> None:
    settled(visit)
    visit.get_by_role("button", name="Take it away").click()
    expect(visit.locator(".st-key-take_report").first).to_be_visible()
    report, kept, table = (taken(visit, name, tmp_path) for name in ("take_report", "take_npz", "take_numbers"))
    inspection = sevis.open_inspection(kept)
    assert len(inspection.gates) == 8 and inspection.provenance is not None
    assert table.read_text(encoding="utf-8").count("\n") == 1 + sum(site.channels for site in inspection.sites)
    visit.get_by_text("PNG", exact=True).click()
    visit.keyboard.press("Escape")
    settled(visit)
    figure = plot(visit, "network_figure")
    figure.hover()
    with visit.expect_download() as picture:
        figure.locator(".modebar-btn").click()
    assert picture.value.suggested_filename == "network_figure.png"
    strips = taken(visit, "csv_network_figure", tmp_path).read_text(encoding="utf-8")
    assert "SE_3_1, channel 4: weight " in strips and strips.count("\n") > sum(site.channels for site in inspection.sites)
    opens_offline(browser, report, tmp_path)


def opens_offline(browser: Browser, report: Path, folder: Path) -> None:
    """Every figure of the report is drawn from the file alone, and can be saved."""
    assert report.stat().st_size < 10_000_000
    context = browser.new_context(viewport={"width": 1280, "height": 800}, offline=True)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    page.on("request", lambda asked: None if asked.url.startswith(("file:", "data:", "blob:")) else errors.append(asked.url))
    page.goto(report.as_uri())
    until(page, PLOTS)
    titles = [text.strip() for text in page.locator(".plot .gtitle").all_text_contents()]
    assert len(titles) >= 14 and any("SE_3_1: squeeze" in title for title in titles)
    rows = "plot => plot.data.filter(trace => trace.type === 'heatmap').length"
    assert page.locator("#picture-0-0-0").evaluate(rows) == 8
    page.screenshot(path=SHOTS / "report.png", full_page=True)
    assert taken_figure(page, "SVG", folder).startswith("<svg")
    block = page.locator("section", has_text="Block SE_3_1").last
    with page.expect_download() as download:
        block.get_by_role("button", name="numbers as CSV").click()
    download.value.save_as(folder / "block.csv")
    lines = (folder / "block.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("block,channel") and len(lines) == 65 and all(line.startswith("SE_3_1,") for line in lines[1:])
    context.close()
    assert not errors, json.dumps(errors)


def taken_figure(page: Page, kind: str, folder: Path) -> str:
    """The network figure as it is saved."""
    with page.expect_download() as download:
        page.locator("figure", has=page.locator("#picture-0-0-0")).get_by_role("button", name=kind).click()
    download.value.save_as(folder / "figure")
    return (folder / "figure").read_text(encoding="utf-8")
