"""app.py with one more address, which tells what is left in the process: `streamlit run tests/load/served.py`.

SEVIS_LOAD_SCRIPT names another script in its place."""

import os
import threading
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from streamlit.starlette import App

from sevis.app import health, origins
from sevis.capture.doors import Door

HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


def _is_door(hook: object) -> bool:
    """Whether it is one of those that our own copy of a network has for as long as it lives."""
    return isinstance(getattr(hook, "__self__", None), Door)


def left() -> dict[str, int]:
    """What could be left behind: hooks and gradients on modules, tickets in the queue, threads that draw pages."""
    from sevis.app import state

    engine, hooks, gradients = state.engine(), 0, 0
    for name in engine.networks:
        with engine.borrow(name) as inspector:
            hooks += sum(
                not _is_door(hook) for part in inspector.module.modules() for kind in HOOKS for hook in getattr(part, kind).values()
            )
            gradients += sum(weights.grad is not None or weights.requires_grad for weights in inspector.module.parameters())
    drawing = sum("script" in thread.name.lower() for thread in threading.enumerate())
    return {"hooks": hooks, "gradients": gradients, "waiting": engine.waiting, "drawing": drawing, "threads": threading.active_count()}


async def _left(request: Request) -> JSONResponse:
    return JSONResponse(await run_in_threadpool(left))


ROOT = Path(__file__).resolve().parents[2]
app = App(
    ROOT / os.environ.get("SEVIS_LOAD_SCRIPT", "app.py"), routes=(*health.ROUTES, Route("/left", _left)), middleware=origins.MIDDLEWARE
)
