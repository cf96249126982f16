"""The load scenarios at two sessions, and that what they compare with would tell another visitor's numbers."""

from __future__ import annotations

import pytest

from tests import SLOW
from tests.load import scenarios
from tests.load.alone import differences, expected, photograph, questions
from tests.load.server import serving
from tests.load.visitor import Page, Visitor, visited

pytestmark = pytest.mark.skipif(not SLOW, reason="half a minute with a server of its own: make test-slow")
SESSION = 0


async def _own_pages(address: str) -> list[Page]:
    async with Visitor(address) as visitor:
        await visitor.open("what-if")
        await visitor.open("", scenarios.AS_THEY_ARE)
        await visitor.upload("upload", "mine.png", photograph(SESSION))
        pages = []
        for question in questions(SESSION):
            question.put(visitor)
            pages.append(await visitor.open(question.page, scenarios.AS_THEY_ARE))
        return pages


def test_another_visitor_s_numbers_would_be_told_on_every_page() -> None:
    with serving() as server:
        pages = visited(_own_pages(server.address))
        assert scenarios.isolation(server, 2)["holds"]
        storm = scenarios.storm(server, 2, cycles=2)
    assert not storm["left"]["hooks"] and not storm["left"]["gradients"] and not storm["left"]["waiting"]
    for page, question in zip(pages, questions(SESSION), strict=True):
        assert differences(page, expected(photograph(SESSION), question)) < scenarios.CLOSE
        assert differences(page, expected(photograph(SESSION + 1), question)) > 10 * scenarios.CLOSE
