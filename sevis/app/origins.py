"""Whose pages may talk to this server, and under which names: its own, and those that its settings name."""

from __future__ import annotations

import socket
from contextlib import suppress
from functools import cache
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

import streamlit as st
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["MIDDLEWARE", "OwnName", "SameOrigin"]

HERE = frozenset({"localhost", "127.0.0.1", "::1"})  # one machine by three names
HOSTED = (".streamlit.app", ".hf.space")  # who serves it there names it so
POLICY_VIOLATION = 1008  # RFC 6455, section 7.4.1
MISDIRECTED = 421  # RFC 9110, section 15.5.20


class OwnName:
    """Refuses what was asked under a name that is not this machine's, as a page does whose own name was turned to its address.

    Addresses in numbers are let in, since no name was turned, and so students reach a teacher's machine. Where `server.allowedHosts`
    lists names, Streamlit itself goes by that list.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = "" if scope["type"] == "lifespan" else _asked(Headers(scope=scope))
        if scope["type"] == "lifespan" or st.get_option("server.allowedHosts") or _is_ours(name):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})
        else:
            why = f"sevis does not answer to the name {name!r}; start it with STREAMLIT_SERVER_ALLOWED_HOSTS={name}, or use its address."
            await PlainTextResponse(why, MISDIRECTED)(scope, receive, send)


def _asked(headers: Headers) -> str:
    """The host's name or number that a request was sent to; "" where it is none."""
    try:
        return urlsplit(f"//{headers.get('host', '')}").hostname or ""
    except ValueError:
        return ""


def _is_ours(name: str) -> bool:
    with suppress(ValueError):
        return bool(ip_address(name))
    return name in _own_names() or name.endswith(HOSTED)


@cache
def _own_names() -> frozenset[str]:
    own = socket.gethostname().lower()
    return HERE | {own, f"{own}.local"}


class SameOrigin:
    """Refuses another site's page before Streamlit does.

    Streamlit refuses it too, but first asks an address service outside whether the page might be this machine's own: a stranger's
    header would make this server ask another one, and nobody would be served for the second or two that the answer takes.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket" and not _is_known(Headers(scope=scope)):
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})  # before it is accepted: the status is 403
            return
        await self._app(scope, receive, send)


def _is_known(headers: Headers) -> bool:
    """Whether the page's Origin is the Host that it asks, or one that the settings allow; programs have no Origin."""
    origin = headers.get("origin")
    if origin is None or not st.get_option("server.enableCORS"):
        return True
    try:
        page, asked = urlsplit(origin), urlsplit(f"//{headers.get('host', '')}")
        here = {page.hostname, asked.hostname} <= HERE and page.port == asked.port
        return bool(page.hostname) and (page.netloc == asked.netloc or here or any(_names(each, page) for each in _told()))
    except ValueError:
        return False


def _told() -> list[str]:
    """Whom the settings allow; an address of "localhost" is what stands where nobody told it, and another port there is another's page."""
    return [*st.get_option("server.corsAllowedOrigins"), *({st.get_option("browser.serverAddress")} - HERE - {None})]


def _names(allowed: str, page: SplitResult) -> bool:
    """Whether a setting, which is a name or an origin, names that page's; without a port it names all of them."""
    named = urlsplit(allowed if "//" in allowed else f"//{allowed}")
    return named.hostname == page.hostname and named.port in (None, page.port)


MIDDLEWARE = (Middleware(OwnName), Middleware(SameOrigin))
