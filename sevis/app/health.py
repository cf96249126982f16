"""What a supervisor asks of the server at /healthz, and how a server ends that cannot go on."""

from __future__ import annotations

import logging
import os
from threading import Event, Timer

from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

__all__ = ["EXIT", "LAST_WORDS", "ROUTES", "fall"]

EXIT = 70  # EX_SOFTWARE of sysexits.h; the command line itself ends with 0, 1 or 2
LAST_WORDS = 5.0  # seconds in which visitors read why, and probes see it

logger = logging.getLogger(__name__)
_fallen = Event()  # of the process, as the broken device is: never cleared


def fall(reason: BaseException) -> None:
    """Answer /healthz with 503 from now on, and end the process with EXIT a moment later, for its supervisor to start a new one.

    A context of CUDA that was broken once stays so, and an orderly end would wait for it: so the process leaves at once.
    """
    if _fallen.is_set():
        return
    _fallen.set()
    logger.critical("the server ends with code %d in %g s: %s", EXIT, LAST_WORDS, reason)
    last = Timer(LAST_WORDS, os._exit, (EXIT,))
    last.daemon = True
    last.start()


async def _healthz(request: Request) -> PlainTextResponse:
    return PlainTextResponse("the device is lost\n", 503) if _fallen.is_set() else PlainTextResponse("ok\n")


ROUTES = (Route("/healthz", _healthz),)
