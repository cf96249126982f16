"""One visitor over a WebSocket, in Streamlit's own protobuf: what a browser sends and keeps, without the browser."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.request import Request, urlopen

import numpy as np
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.Common_pb2 import FileURLs, FileURLsRequest, UploadedFileInfo
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect

__all__ = ["Page", "Visitor", "arrays", "visited"]

Visited = TypeVar("Visited")
LARGEST = 64 << 20  # bytes of one message
UPLOAD = "file_uploader"


@dataclass
class Page:
    """What one rerun drew.

    Attributes:
        figures: the plotly figures by their key, as they came.
        widgets: the ids of the widgets by their key.
        errors: what the page told instead: exceptions, and sentences in a red box.
        seconds: from the question to the end of the script.
    """

    figures: dict[str, str] = field(default_factory=dict)
    widgets: dict[str, str] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    seconds: float = 0.0
    elements: int = 0

    def figure(self, key: str) -> dict[str, Any]:
        """One figure, read."""
        read: dict[str, Any] = json.loads(self.figures[key])
        return read

    def take(self, message: ForwardMsg) -> None:
        """Keep what a message draws."""
        if message.WhichOneof("type") != "delta" or message.delta.WhichOneof("type") != "new_element":
            return
        element = message.delta.new_element
        kind = element.WhichOneof("type")
        drawn = getattr(element, kind)
        self.elements += 1
        if kind == "exception":
            self.errors.append(f"{drawn.type}: {drawn.message}")
        elif kind == "alert" and drawn.format == drawn.ERROR:
            self.errors.append(drawn.body)
        elif kind == "plotly_chart":
            self.figures[_key(drawn.id)] = drawn.spec
        if getattr(drawn, "id", ""):
            self.widgets[_key(drawn.id)] = drawn.id


def visited(visit: Coroutine[Any, Any, Visited]) -> Visited:
    """What comes of a visit, in a thread of its own: where a browser was driven before, the caller's has a loop already."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, visit).result()


class Visitor:
    """A session of its own, and what it chose so far."""

    def __init__(self, address: str) -> None:
        self._address = address  # host:port
        self._socket: ClientConnection | None = None
        self._chosen: dict[str, WidgetState] = {}
        self._known: dict[str, str] = {}  # the ids of all widgets that were seen, by key
        self.session = ""
        self.page = Page()

    async def __aenter__(self) -> Self:
        self._socket = await connect(
            f"ws://{self._address}/_stcore/stream",
            subprotocols=["streamlit"],  # type: ignore[list-item]
            max_size=LARGEST,
            compression=None,
            open_timeout=120,
            ping_interval=None,
        )
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.socket.close()

    @property
    def socket(self) -> ClientConnection:
        """The open connection."""
        assert self._socket is not None
        return self._socket

    async def open(self, page: str = "", query: str = "") -> Page:
        """Run a page with what was chosen so far; gives it when its script has ended."""
        await self.ask(page, query)
        return await self.drawn()

    async def ask(self, page: str = "", query: str = "") -> None:
        """Ask for a page, and wait for nothing."""
        state = ClientState(query_string=query, page_name=page)
        state.context_info.timezone, state.context_info.locale = "UTC", "en"
        state.widget_states.widgets.extend(self._chosen.values())
        self._asked = time.perf_counter()
        await self.socket.send(BackMsg(rerun_script=state).SerializeToString())

    async def drawn(self) -> Page:
        """The page, at the end of the script."""
        self.page = Page()
        async for message in self._messages():
            self.page.take(message)
            if message.WhichOneof("type") == "script_finished":
                if message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY:
                    break
                self.page = Page()  # it began anew
        self._known |= self.page.widgets
        self.page.seconds = time.perf_counter() - self._asked
        return self.page

    def choose(self, key: str, **value: Any) -> None:
        """Set a widget that was seen, as in choose("picture", string_value="Cat"); without a value it says nothing."""
        identity = self._known[key]
        self._chosen[key] = WidgetState(id=identity, **value)

    def chosen(self, key: str) -> WidgetState:
        """What a widget was set to."""
        return self._chosen[key]

    async def settled(self) -> None:
        """Wait until everything that was asked for has been drawn."""
        await self.drawn()

    async def upload(self, key: str, name: str, data: bytes) -> None:
        """Hand a file to one of the page's file uploaders."""
        request = FileURLsRequest(request_id=name, file_names=[name], session_id=self.session)
        await self.socket.send(BackMsg(file_urls_request=request).SerializeToString())
        async for message in self._messages():
            if message.WhichOneof("type") == "file_urls_response":
                urls = message.file_urls_response.file_urls[0]
                break
        await asyncio.to_thread(_put, self._address, urls, name, data)
        self.choose(key)
        info = UploadedFileInfo(file_id=urls.file_id, name=name, size=len(data), file_urls=urls)
        self._chosen[key].file_uploader_state_value.uploaded_file_info.append(info)

    async def _messages(self):  # type: ignore[no-untyped-def]
        async for data in self.socket:
            message = ForwardMsg.FromString(data)
            if message.WhichOneof("type") == "new_session":
                self.session = message.new_session.initialize.session_id
            yield message
        raise ConnectionError("the server closed the socket")


def arrays(value: Any) -> Iterator[np.ndarray]:
    """Every array of a figure or a part of it, plain or as plotly packs them, in their order."""
    if isinstance(value, dict) and "bdata" in value:
        flat = np.frombuffer(base64.b64decode(value["bdata"]), value["dtype"])
        yield flat.reshape([int(n) for n in str(value.get("shape", flat.size)).split(",")])
    elif isinstance(value, dict):
        for each in value.values():
            yield from arrays(each)


def _put(address: str, urls: FileURLs, name: str, data: bytes) -> None:
    """Send a file as the page's own script does: as a form, with the token that guards against other sites."""
    with urlopen(f"http://{address}/_stcore/health") as answer:
        cookie = (answer.headers.get("Set-Cookie") or "").split(";")[0]
    border = "sevis-load"
    head = f'--{border}\r\nContent-Disposition: form-data; name="{name}"; filename="{name}"\r\n\r\n'
    body = head.encode() + data + f"\r\n--{border}--\r\n".encode()
    headers = {"Content-Type": f"multipart/form-data; boundary={border}", "Cookie": cookie, "X-Xsrftoken": cookie.partition("=")[2]}
    urlopen(Request(f"http://{address}{urls.upload_url}", body, headers, method="PUT")).close()


def _key(identity: str) -> str:
    """The key that the page's script gave a widget: the end of its id."""
    return identity.split("-", 2)[-1]
