"""The real server in a process of its own, its memory second by second, and what it logged."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from threading import Event, Thread
from typing import IO, Any

import psutil

__all__ = ["Server", "serving"]

ROOT = Path(__file__).resolve().parents[2]
START = 120.0  # seconds until it must answer
PAUSE = 1.0  # seconds between two looks at its memory


@dataclass
class Server:
    """A server that runs.

    Attributes:
        address: host:port.
        memory: (seconds since the start, resident bytes), a second apart.
    """

    address: str
    process: subprocess.Popen[bytes]
    log: IO[bytes]
    memory: list[tuple[float, int]] = field(default_factory=list)

    @property
    def resident(self) -> int:
        """Its bytes in memory now."""
        return int(psutil.Process(self.process.pid).memory_info().rss)

    @property
    def tracebacks(self) -> int:
        """How many it logged so far."""
        self.log.seek(0)
        return self.log.read().count(b"Traceback (most recent call last)")

    def left(self) -> dict[str, Any]:
        """What is left in the process: see tests/load/served.py."""
        with urllib.request.urlopen(f"http://{self.address}/left", timeout=60) as answer:
            told: dict[str, Any] = json.load(answer)
            return told

    def watch(self, end: Event) -> None:
        """Keep its memory until the end."""
        begun = time.monotonic()
        while not end.wait(PAUSE):
            self.memory.append((time.monotonic() - begun, self.resident))


@contextmanager
def serving(page: str = "app.py") -> Iterator[Server]:
    """A server of a page's script that answers, until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    script = [str(ROOT / "tests" / "load" / "served.py"), "--server.port", str(port), "--server.address", "127.0.0.1"]
    command, environment = (
        [sys.executable, "-m", "streamlit", "run", *script],
        os.environ | {"PYTHONPATH": str(ROOT), "SEVIS_LOAD_SCRIPT": page},
    )
    with TemporaryFile() as log, subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log) as process:
        server, end = Server(f"127.0.0.1:{port}", process, log), Event()
        try:
            _wait(server)
            watcher = Thread(target=server.watch, args=(end,), daemon=True)
            watcher.start()
            yield server
        finally:
            end.set()
            process.terminate()


def _wait(server: Server) -> None:
    end = time.monotonic() + START
    while time.monotonic() < end and server.process.poll() is None:
        try:
            urllib.request.urlopen(f"http://{server.address}/healthz", timeout=2).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    server.log.seek(0)
    raise TimeoutError(f"no answer from {server.address}: {server.log.read().decode()}")
