"""A Hugging Face hub and a release page on this machine: what a test puts into a folder is served as they serve it."""

from __future__ import annotations

import hashlib
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def caches(monkeypatch: pytest.MonkeyPatch, folder: Path, endpoint: str = "http://127.0.0.1:9") -> tuple[Path, Path]:
    """Empty caches in the folder, and a hub at an address where nobody listens; gives the hub's cache and torch's."""
    from huggingface_hub import constants

    hub, torch_hub = folder / "hub", folder / "torch"
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(hub))
    monkeypatch.setattr(constants, "ENDPOINT", endpoint)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", endpoint + "/{repo_id}/resolve/{revision}/{filename}")
    monkeypatch.setattr(torch.hub, "_hub_dir", str(torch_hub))
    return hub, torch_hub / "checkpoints"


def keep(cache: Path, repository: str, module: nn.Module, **config: object) -> None:
    """Put a network into a hub's cache, as huggingface_hub lays it out: weights, and config.json where there is a config."""
    home = cache / f"models--{repository.replace('/', '--')}"
    snapshot = home / "snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    (home / "refs").mkdir()
    (home / "refs" / "main").write_text(COMMIT)
    publish(snapshot, module, **config)


def publish(folder: Path, module: nn.Module, **config: object) -> None:
    """The files of a repository."""
    save_file({key: values.contiguous() for key, values in module.state_dict().items()}, folder / "model.safetensors")
    if config:
        (folder / "config.json").write_text(json.dumps(config))


class _Handler(BaseHTTPRequestHandler):
    folder: Path

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        content = self._answer()
        if content:
            self.wfile.write(content)

    def _answer(self) -> bytes:
        repository, _, name = self.path.lstrip("/").partition("/resolve/main/")
        path = self.folder / repository / name
        content = path.read_bytes() if path.is_file() else b""
        self.send_response(200 if content else 404)
        self.send_header("Content-Length", str(len(content)))
        if content:
            self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
            self.send_header("X-Repo-Commit", COMMIT)
        else:
            self.send_header("X-Error-Code", "EntryNotFound" if (self.folder / repository).is_dir() else "RepoNotFound")
        self.end_headers()
        return content

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address at which the folder's repositories ORGANISATION/NAME, and any other file, are served."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"folder": folder}))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def silent() -> Iterator[str]:
    """An address that takes calls and never answers, as behind a wall."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
