"""Visitors who ask for long work and go: what the server still does for nobody."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import psutil

from tests.load.alone import NETWORKS, photograph
from tests.load.server import Server
from tests.load.visitor import Visitor, visited

__all__ = ["leaving"]

PAGE, WORK = "what-if", "effects"  # every block in turn: the longest answer of a page
PATIENCE = 300.0
MOMENT = 0.2  # seconds between the question and the leaving


def leaving(server: Server, sessions: int) -> dict[str, Any]:
    """So many ask what each block is worth, of a picture of their own each: once they wait for it, once they all go at once."""
    visited(_asking(server.address, 2 * sessions, True))  # the network is there, and so is what every first page makes
    stayed = _cost(server, range(sessions), True)
    went = _cost(server, range(sessions, 2 * sessions), False)
    left = server.left()
    idle = not (left["waiting"] or left["drawing"] or left["hooks"] or left["gradients"])
    return {
        "sessions": sessions,
        "stayed_processor_s": stayed[0],
        "went_processor_s": went[0],
        "stayed_until_idle_s": stayed[1],
        "went_until_idle_s": went[1],
        "left": left,
        "holds": idle and went[0] < stayed[0] / 2,
    }


def _cost(server: Server, visitors: range, stay: bool) -> tuple[float, float]:
    """The server's processor seconds, and those until it is idle, from the moment at which the questions go out."""
    return visited(_all(server, visitors, stay))


async def _all(server: Server, visitors: range, stay: bool) -> tuple[float, float]:
    ready = [await _ready(server.address, each) for each in visitors]
    before, begun = _processor(server), time.monotonic()
    await asyncio.gather(*(_asks(visitor, stay) for visitor in ready))
    while time.monotonic() - begun < PATIENCE and _is_busy(await asyncio.to_thread(server.left)):
        await asyncio.sleep(0.1)
    return _processor(server) - before, time.monotonic() - begun


async def _ready(address: str, session: int) -> Visitor:
    """A visitor whose picture lies on the server, and who has looked at another one."""
    visitor = await Visitor(address).__aenter__()
    await visitor.open(PAGE, f"network={NETWORKS[0]}")
    await visitor.upload("upload", f"{session}.png", photograph(session))
    visitor.choose(WORK, bool_value=True)
    return visitor


async def _asks(visitor: Visitor, stay: bool) -> None:
    await visitor.ask(PAGE)
    if stay:
        await visitor.drawn()
        await visitor.socket.close()
    else:
        await asyncio.sleep(MOMENT)
        visitor.socket.transport.abort()


async def _asking(address: str, session: int, stay: bool) -> None:
    await _asks(await _ready(address, session), stay)


def _processor(server: Server) -> float:
    times = psutil.Process(server.process.pid).cpu_times()
    return float(times.user + times.system)


def _is_busy(left: dict[str, Any]) -> bool:
    return bool(left["waiting"] or left["drawing"])
