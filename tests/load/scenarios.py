"""What many visitors do at once, and what is measured of it: each scenario gives numbers and whether they hold."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Sequence
from functools import cache
from typing import Any
from urllib.parse import urlencode

import numpy as np

from sevis.loading import load
from sevis.places import ASSETS
from tests.load.alone import NETWORKS, differences, expected, photograph, questions
from tests.load.server import Server
from tests.load.visitor import Page, Visitor, visited

__all__ = ["grown", "isolation", "latency", "storm"]

CLOSE = 2e-4  # absolute: batches of other sizes round otherwise
AS_THEY_ARE = "scale=absolute"  # the weights themselves, and not how far they lie from the average
RERUNS = 3
NOTHING = "nothing"  # tests/load/nothing.py, which has nothing to choose
MOVES, PAUSE = 50, 0.02  # of a slider, seconds
CYCLES = 14  # longer than the 120 s for which Streamlit keeps a lost session
PATIENCE = 60.0

Numbers = dict[str, Any]


# --- isolation


def isolation(server: Server, sessions: int) -> Numbers:
    """Every session its own picture, both networks, edits: what each page shows is what that picture alone gives."""
    data = [photograph(each) for each in range(sessions)]
    alone = [[expected(data[each], question) for question in questions(each)] for each in range(sessions)]
    shown = visited(_all(_own_questions(server.address, each, data[each]) for each in range(sessions)))
    far = [_far(*each) for pages, answers in zip(shown, alone, strict=True) for each in zip(pages, answers, strict=True)]
    wrong = [each for each in far if not each <= CLOSE]
    told = {"sessions": sessions, "pages": len(far), "wrong": len(wrong)}
    return told | {"largest_difference": max(far), "tolerance": CLOSE, "holds": not wrong}


async def _own_questions(address: str, session: int, data: bytes) -> list[Page]:
    async with Visitor(address) as visitor:
        await visitor.open("what-if")
        await visitor.open("", AS_THEY_ARE)
        await visitor.upload("upload", f"{session}.png", data)
        pages = []
        for question in questions(session):
            question.put(visitor)
            pages.append(await visitor.open(question.page, AS_THEY_ARE))
        return pages


def _far(page: Page, known: Any) -> float:
    return differences(page, known) if not page.errors else float("inf")


# --- latency


def latency(server: Server, sessions: int, page: str = "", think: float = 0.0, limit: float = 1.0, looks: int = RERUNS) -> Numbers:
    """So many sessions that look at one picture after another: how long 95 of 100 pages take at most."""
    before, begun = server.tracebacks, time.monotonic()
    shown = visited(_all(_looking(server.address, each, page, think, looks) for each in range(sessions)))
    took = time.monotonic() - begun
    pages = [each for seen in shown for each in seen]
    seconds = [each.seconds for each in pages]
    p95 = float(np.percentile(seconds, 95))
    failed, tracebacks = sum(bool(each.errors) for each in pages), server.tracebacks - before
    return {
        "sessions": sessions,
        "page": page or "explore",
        "think_s": think,
        "median_s": float(np.median(seconds)),
        "p95_s": p95,
        "limit_s": limit,
        "pages_per_s": len(pages) / took,
        "errors": failed,
        "tracebacks": tracebacks,
        "holds": p95 < limit and not failed and not tracebacks,
    }


async def _looking(server: str, session: int, page: str, think: float, looks: int) -> list[Page]:
    chance, classes = random.Random(session), _classes()
    address = "" if page == NOTHING else page
    async with Visitor(server) as visitor:
        await visitor.open(address)
        seen = []
        for place in range(looks):
            await asyncio.sleep(chance.uniform(0, 2 * think))
            if page != NOTHING:
                visitor.choose("picture", string_value=_titles()[(session + place) % len(_titles())])
                visitor.choose("target", string_value=classes[chance.randrange(len(classes))])
            seen.append(await visitor.open(address))
        return seen


@cache
def _titles() -> Sequence[str]:
    return [each["title"] for each in json.loads((ASSETS / "samples" / "samples.json").read_text(encoding="utf-8"))]


@cache
def _classes() -> Sequence[str]:
    return load(NETWORKS[0], "cpu").classes


# --- storm


def storm(server: Server, sessions: int, cycles: int = CYCLES) -> Numbers:
    """Everybody drags a factor on all weights, half of them vanish in the middle: what is left, and how soon the next visitor is served."""
    visited(_one_look(server.address))
    memory, next_look, emptied = [], [], []
    for cycle in range(cycles):
        visited(_all(_dragging(server.address, each, cycle, each % 2 == 0) for each in range(sessions)))
        next_look.append(visited(_one_look(server.address)))
        emptied.append(_until_nothing_runs(server))
        memory.append(server.resident)
    left = server.left()
    nothing_left = not (left["hooks"] or left["gradients"] or left["waiting"])
    return {
        "sessions": sessions,
        "cycles": cycles,
        "moves": MOVES,
        "left": left,
        "next_look_s": max(next_look),
        "queue_empty_after_s": max(emptied),
        "memory_MB": [round(each / 1e6) for each in memory],
        "last_cycles_to_those_before": grown(memory),
        "holds": nothing_left and max(next_look) < 2 and grown(memory) <= 1.05,
    }


def grown(memory: Sequence[int]) -> float:
    """The mean of the last cycles, five at most, to that of as many before: a single one is a tenth up or down."""
    count = min(len(memory) // 2, 5)
    return float(np.mean(memory[-count:]) / np.mean(memory[-2 * count : -count])) if count else 1.0


async def _dragging(address: str, session: int, cycle: int, vanishes: bool) -> None:
    async with Visitor(address) as visitor:
        await visitor.open("what-if", urlencode({"network": NETWORKS[session % 2]}))
        end = random.Random(session + 1000 * cycle).randrange(5, MOVES - 5) if vanishes else MOVES
        for move in range(end):
            factor = 0.5 + session / 100 + move / 10_000 + cycle / 1000  # nobody asks for another's, so that the network runs
            visitor.choose("edits")
            visitor.chosen("edits").string_array_value.data.append(f"all:factor={factor:.4f}")
            await visitor.ask("what-if")
            await asyncio.sleep(PAUSE)
        if vanishes:
            visitor.socket.transport.abort()
        else:
            await visitor.settled()


def _until_nothing_runs(server: Server) -> float:
    """Seconds until the queue is empty and no page is being drawn; at most PATIENCE."""
    begun = time.monotonic()
    while time.monotonic() - begun < PATIENCE:
        left = server.left()
        if not left["waiting"] and not left["drawing"]:
            break
        time.sleep(0.1)
    return time.monotonic() - begun


async def _one_look(address: str) -> float:
    async with Visitor(address) as visitor:
        return (await visitor.open()).seconds


async def _all(many: Any) -> list[Any]:
    return list(await asyncio.gather(*many))
