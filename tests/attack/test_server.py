"""The page's server as it is shipped: other sites' pages, other names for this machine and uploads without a token are refused."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest
from starlette.datastructures import Headers
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from sevis.app import origins
from tests.browser.conftest import ROOT, _wait
from tests.load.visitor import Page, Visitor, visited

SETTINGS = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
EXPECTED = {
    "browser": {"gatherUsageStats": False},
    "client": {"showErrorDetails": "none", "toolbarMode": "minimal"},
    "server": {
        "enableXsrfProtection": True,
        "enableCORS": True,
        "enableStaticServing": False,
        "maxUploadSize": 200,
        "maxWidgetStateSize": 2,
    },
}


@pytest.mark.parametrize("section", EXPECTED)
def test_the_protections_are_on(section: str) -> None:
    assert {key: SETTINGS[section][key] for key in EXPECTED[section]} == EXPECTED[section]


def test_no_foreign_host_is_in_the_settings() -> None:
    assert SETTINGS["server"]["allowedHosts"] == []
    assert "http" not in (ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def outside() -> Iterator[socket.socket]:
    """What the server takes for the way to the rest of the world: whoever asks for something there is heard here."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.2)
        yield listening


@pytest.fixture(scope="module")
def port(outside: socket.socket) -> Iterator[int]:
    """Where a server listens that was started as `make app` starts it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port), "--server.address", "127.0.0.1"]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("STREAMLIT_")}
    environment |= dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), f"http://127.0.0.1:{outside.getsockname()[1]}")
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _wait(f"http://127.0.0.1:{port}/_stcore/health")
            yield port
        finally:
            process.terminate()


def handshake(port: int, host: str, origin: str | None) -> int:
    """The status that a WebSocket's handshake gets, with a Host and an Origin of one's choice."""
    listening = socket.create_connection(("127.0.0.1", port))
    try:
        with connect(f"ws://{host}/_stcore/stream", sock=listening, origin=origin, proxy=None):  # type: ignore[arg-type]
            return 101
    except InvalidStatus as error:
        return error.response.status_code


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "192.0.2.1", "[::1]", socket.gethostname(), f"{socket.gethostname()}.local"])
def test_the_page_itself_is_let_in(host: str, port: int) -> None:
    assert handshake(port, f"{host}:{port}", f"http://{host}:{port}") == 101


HOSTS = ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "streamlit.app.evil.example", "1.2.3.4.5"]


@pytest.mark.parametrize("host", HOSTS)
def test_another_name_for_this_machine_is_refused(host: str, port: int) -> None:
    """As a page does whose own name was turned to 127.0.0.1: its Origin and its Host agree."""
    assert handshake(port, f"{host}:{port}", f"http://{host}:{port}") == 403
    assert handshake(port, f"{host}:{port}", None) == 403


def test_who_comes_by_another_name_is_told_the_way_out(port: int) -> None:
    request = urllib.request.Request(f"http://127.0.0.1:{port}/", headers={"Host": "gpu-server.lan:8501"})
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=30)
    said = refused.value.read().decode()
    assert refused.value.code == 421 and "STREAMLIT_SERVER_ALLOWED_HOSTS=gpu-server.lan" in said


@pytest.mark.parametrize("name", ["sevis.streamlit.app", "me-sevis.hf.space"])
def test_where_others_serve_it_it_answers_to_their_names(name: str) -> None:
    assert origins._is_ours(name) and not origins._is_ours(f"{name}.evil.example") and not origins._is_ours("")


ORIGINS = [
    "http://evil.example",
    "https://localhost.evil.example",
    "http://evil.example@localhost.example",
    "null",
    "file://",
    "http://localhost:1",
]


@pytest.mark.parametrize("origin", ORIGINS)
def test_another_sites_page_is_refused(origin: str, port: int) -> None:
    assert handshake(port, f"localhost:{port}", origin) == 403


def asked(port: int, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str]]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", method=method, headers=headers, data=b"x" if method == "PUT" else None
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, {key.lower(): value for key, value in answer.headers.items()}
    except urllib.error.HTTPError as error:
        return error.code, {key.lower(): value for key, value in error.headers.items()}


@pytest.mark.parametrize("path", ["/_stcore/health", "/_stcore/host-config", "/"])
def test_no_answer_is_for_other_sites(path: str, port: int) -> None:
    status, headers = asked(port, path, Origin="http://evil.example")
    assert status == 200 and headers.get("access-control-allow-origin") not in ("*", "http://evil.example")


def test_an_upload_without_the_token_is_refused(port: int) -> None:
    assert asked(port, "/_stcore/upload_file/a/b", "PUT", Origin="http://evil.example")[0] == 403


@pytest.mark.parametrize("path", ["/app/static/app.py", "/static/../../app.py", "/component/../../etc/passwd", "/media/../../etc/passwd"])
def test_no_file_of_the_server_is_on_the_web(path: str, port: int) -> None:
    status, headers = asked(port, path)
    assert status >= 400 or headers["content-type"].startswith("text/html")  # what is not known is the page's own start


def test_nobody_makes_the_server_ask_another_one(port: int, outside: socket.socket) -> None:
    """Streamlit alone would ask an address service for this machine's address before it refuses an Origin; and nothing else was asked."""
    start = time.perf_counter()
    assert handshake(port, f"localhost:{port}", "http://another.example") == 403
    assert time.perf_counter() - start < 4  # it waits for nobody: two services, each with a second or more to answer
    with pytest.raises(TimeoutError):
        outside.accept()


# ---- the same without a server


def known(origin: str | None, host: str = "sevis.example.org") -> bool:
    headers = {"host": host} | ({} if origin is None else {"origin": origin})
    return origins._is_known(Headers(headers))


def test_whose_pages_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    assert known(None) and known("https://sevis.example.org") and known("http://localhost:8501", "127.0.0.1:8501")
    assert not known("http://localhost:3000", "localhost:8501") and not known("http://localhost:8501")
    assert not known("null", "") and not known("file://", "")
    assert not any(
        map(known, ("https://example.org", "https://a.sevis.example.org", "null", "", "http://[", "https://sevis.example.org@x"))
    )
    monkeypatch.setattr(
        origins.st,
        "get_option",
        {"server.enableCORS": True, "server.corsAllowedOrigins": ["https://b.org", "d.org", "http://localhost:3000"]}.get,
    )
    assert known("https://b.org") and not known("https://c.org") and known("http://d.org:99")
    assert known("http://localhost:3000") and not known("http://localhost:3001")
    monkeypatch.setattr(origins.st, "get_option", {"server.enableCORS": False}.get)
    assert known("https://c.org")


def test_a_file_larger_than_a_picture_reaches_the_page_and_is_refused_there(port: int) -> None:
    """A zip or a checkpoint may be larger: the server lets it in, and each page keeps to its own limit."""

    async def hand_over() -> Page:
        async with Visitor(f"127.0.0.1:{port}") as visitor:
            await visitor.open()
            await visitor.upload("upload", "large.png", bytes(30 << 20))
            return await visitor.open()

    assert any("larger than 20 MB" in error for error in visited(hand_over()).errors)
