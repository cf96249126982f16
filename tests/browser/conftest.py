"""A real server and a real Chromium; what they show is kept under tests/browser/shots.

The tests of a file are the steps of one visit where they take `visit`: each begins where the one before it has ended.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
SHOTS = Path(__file__).parent / "shots"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
FLAGS += ["--disable-component-update", "--disable-sync"]
HOW = "no Chromium found: install Debian's package `chromium` (or any Chrome) and run again"
expect.set_options(timeout=60_000)  # a busy machine of two cores
EVERY = 100  # ms between two looks: one a frame would keep a processor busy with looking
STILL = """() => document.querySelector("[data-testid=stApp]")?.dataset.testScriptState === "notRunning"
    && !document.querySelector("[data-testid=stSkeleton]")
    && [...document.querySelectorAll("[data-testid=stPlotlyChart]")].every(chart => chart.querySelector(".js-plotly-plot .main-svg"))
    && [...document.querySelectorAll(".js-plotly-plot")].every(plot => plot.calcdata)"""
DRAWN = "() => !document.querySelector('[data-testid=stSpinner]') && document.querySelectorAll('.js-plotly-plot .main-svg').length >= 8"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(HOW)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of the app, started as `make app` starts it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port), "--server.address", "127.0.0.1"]
    SHOTS.mkdir(exist_ok=True)
    with (SHOTS / "server.log").open("w") as out, subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT) as process:
        try:
            _wait(f"http://127.0.0.1:{port}/_stcore/health")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def _wait(address: str) -> None:
    for _ in range(240):
        try:
            urllib.request.urlopen(address, timeout=2).close()
        except OSError:
            time.sleep(0.5)
        else:
            return
    raise TimeoutError(f"no answer from {address} within two minutes")


@contextmanager
def visiting(browser: Browser, shot: str, theme: str = "light") -> Iterator[Page]:
    """A visitor's page of 1280 x 800 that keeps a screenshot, and fails on script errors and on requests that leave the machine."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, color_scheme=theme)
    page = context.new_page()
    page.set_default_timeout(90_000)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    for kind in ("request", "websocket"):
        page.on(kind, lambda asked: _local(asked.url) or errors.append(f"asked for {asked.url}"))
    yield page
    page.screenshot(path=SHOTS / f"{shot}.png")
    context.close()
    assert not errors, errors


@pytest.fixture
def page(browser: Browser, server: str, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A new visitor's page for one test."""
    with visiting(browser, request.node.name, getattr(request, "param", "light")) as page:
        yield page


@pytest.fixture(scope="module")
def visit(browser: Browser, server: str, request: pytest.FixtureRequest) -> Iterator[Page]:
    """One visitor's page for the tests of a file, who goes through them from top to bottom: a page takes seconds to come up.

    The file's constant START is the address, THEME the colours where they are not light.
    """
    with visiting(browser, request.module.__name__.rpartition(".")[2], getattr(request.module, "THEME", "light")) as page:
        page.goto(server + request.module.START)
        yield page


def _local(url: str) -> bool:
    asked = urlsplit(url)
    return asked.scheme in ("data", "blob") or asked.hostname == "127.0.0.1"


def until(page: Page, condition: str, given: object = None) -> None:
    """Wait until a condition holds, which is a function in JavaScript."""
    page.wait_for_function(condition, arg=given, polling=EVERY)


def still(page: Page) -> None:
    """Wait until nothing runs and all that it gave is drawn: while it runs, what was there before may stand beside what is drawn now."""
    until(page, STILL)


def settled(page: Page) -> None:
    """Wait until nothing runs and the figures are drawn."""
    until(page, DRAWN)
    still(page)


def plot(page: Page, key: str) -> Locator:
    """The figure of that key, once nothing runs: then there is only one."""
    still(page)
    return page.locator(f".st-key-{key} .js-plotly-plot")


def sees(page: Page, text: str | re.Pattern[str]) -> None:
    """Wait until the page says so, be it once or, while it runs again, twice."""
    expect(page.get_by_text(text).first).to_be_visible()
