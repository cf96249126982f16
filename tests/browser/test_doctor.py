"""From a scan of the samples to the doctor, and a training that is played, in a real browser."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import plot, still, until
from tests.browser.test_explore import choices

pytestmark = pytest.mark.browser

START = "/monitor"


def drawn(page: Page, key: str, script: str) -> Any:
    return plot(page, key).evaluate(f"plot => {script}")


def test_a_training_is_played(visit: Page) -> None:
    expect(visit.locator(".st-key-gates_played .js-plotly-plot .gtitle").first).to_be_visible()
    gates, frames = (drawn(visit, "gates_played", script) for script in ("plot.data[0].x.length", "plot._transitionData._frames.length"))
    assert drawn(visit, "gates_over_epochs", "plot.data.length") == gates > 1 and frames > 1
    last = drawn(visit, "gates_played", "Array.from(plot.data[0].y)")
    visit.locator(".st-key-gates_played .updatemenu-button").first.click()
    until(visit, "last => document.querySelector('.st-key-gates_played .js-plotly-plot').data[0].y[0] !== last", last[0])


def test_a_few_pictures_are_scanned_and_prove_nothing(visit: Page) -> None:
    visit.get_by_role("link", name="Scan").click()
    for button in ("Take the .* samples", "Scan .* pictures with"):
        expect(visit.get_by_role("button", name=re.compile(button)).first).to_be_visible()
        still(visit)
        visit.get_by_role("button", name=re.compile(button)).click()
    expect(visit.get_by_test_id("stMetric").first).to_be_visible()
    still(visit)
    visit.get_by_role("link", name="Ask the doctor").click()
    expect(visit.get_by_role("status").filter(has_text="cannot prove that a gate has collapsed").first).to_be_visible()
    expect(visit.locator(".st-key-gate_histogram .js-plotly-plot .gtitle").first).to_be_visible()
    assert set(drawn(visit, "verdicts", "plot.layout.yaxis.ticktext")) == {"inconclusive"}
    name = str(drawn(visit, "verdicts", "plot.layout.xaxis.ticktext[2]"))
    plot(visit, "verdicts").locator(".scatterlayer .points path").nth(3).click(force=True)
    expect(visit.get_by_role("heading", name=f"{name}: inconclusive").first).to_be_visible()
    assert choices(visit)["gate"] == name
