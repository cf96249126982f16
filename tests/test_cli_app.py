"""`sevis app`: what it hands to Streamlit, where it says the page is, and what becomes of a port that is taken."""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest
from streamlit.web import cli
from typer.testing import CliRunner, Result

from sevis.app import serving
from sevis.cli import app
from sevis.places import SCRIPT


def run(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(app, ["app", *arguments], env=environment)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The command lines that Streamlit would have got."""
    lines: list[list[str]] = []
    monkeypatch.setattr(serving, "_check_free", lambda *_: None)
    keep: Callable[..., None] = lambda arguments, **_: lines.append(arguments)  # noqa: E731
    monkeypatch.setattr(cli, "main", keep)
    return lines


@pytest.mark.parametrize(
    ("arguments", "environment", "options", "seen"),
    [
        ((), {}, ["--server.port", "8501"], "http://localhost:8501;"),
        (("--port", "8600"), {}, ["--server.port", "8600"], "http://localhost:8600;"),
        (("--address", "0.0.0.0"), {}, ["--server.port", "8501", "--server.address", "0.0.0.0"], "http://localhost:8501;"),
        (("--address", "10.0.0.7"), {}, ["--server.port", "8501", "--server.address", "10.0.0.7"], "http://10.0.0.7:8501;"),
        ((), {"STREAMLIT_SERVER_PORT": "8700"}, ["--server.port", "8700"], "http://localhost:8700;"),
    ],
    ids=["usual", "port", "everywhere", "one interface", "environment"],
)
def test_streamlit_gets_the_script_and_where_to_listen(
    arguments: tuple[str, ...], environment: dict[str, str], options: list[str], seen: str, started: list[list[str]]
) -> None:
    result = run(*arguments, **environment)
    assert result.exit_code == 0 and seen in result.stderr and started == [["run", str(SCRIPT), *options]]


@pytest.mark.parametrize("port", ["0", "65536", "http"])
def test_what_is_no_port_is_refused(port: str, started: list[list[str]]) -> None:
    assert run("--port", port).exit_code == 2 and not started


@pytest.mark.parametrize("address", [(), ("--address", "127.0.0.1")], ids=["everywhere", "one interface"])
def test_a_port_that_is_taken_is_one_sentence(address: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "main", lambda *_, **__: pytest.fail("it was started all the same"))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = run("--port", port, *address)
    assert result.exit_code == 2 and f"Port {port} is taken" in result.stderr and "--port" in result.stderr
