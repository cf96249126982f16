"""A page that asks another host for anything is found out: every other test of this folder counts on it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import still, visiting

ELSEWHERE = {
    "http": "fetch('http://127.0.0.1.evil.example/').catch(() => 0)",
    "ws": "new Promise(done => { new WebSocket('ws://127.0.0.1.evil.example/').onerror = done })",
}


def test_a_request_to_another_host_is_told(browser: Browser, server: str) -> None:
    with pytest.raises(AssertionError) as told, visiting(browser, "requests") as page:
        page.goto(f"{server}/glossary")
        still(page)
        for ask in ELSEWHERE.values():
            page.evaluate(ask)
    assert all(f"asked for {scheme}://127.0.0.1.evil.example/" in str(told.value) for scheme in ELSEWHERE)
