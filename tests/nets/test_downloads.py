"""Weights come from a cache without a question to any network, else from their publisher; else it is told soon, in a sentence."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

import pytest
from huggingface_hub import constants
from torch import nn

from sevis.nets import downloads
from sevis.nets.caches import hub_cached, url_cached, url_path
from sevis.nets.downloads import hub_file, url_file
from sevis.nets.network import CheckpointError
from tests.local_hub import COMMIT, caches, keep, publish, served, silent

FILES = ("model.safetensors", "pytorch_model.bin")
NOBODY = "http://127.0.0.1:9"
CONTENT = b"weights"
HASH = hashlib.sha256(CONTENT).hexdigest()[:8]


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """A folder with a file that a page would offer."""
    folder = tmp_path / "pages" / "download"
    folder.mkdir(parents=True)
    (folder / f"net-{HASH}.pth").write_bytes(CONTENT)
    (folder / "net-12345678.pth").write_bytes(CONTENT)
    return folder.parent


def test_a_repository_is_fetched_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = tmp_path / "pages" / "org" / "net"
    repository.mkdir(parents=True)
    publish(repository, nn.Linear(2, 2))
    with served(tmp_path / "pages") as address:
        hub, _ = caches(monkeypatch, tmp_path, address)
        assert hub_cached("org/net", "model.safetensors") is None
        path = hub_file("org/net", FILES)
    assert path.read_bytes() == (repository / "model.safetensors").read_bytes()
    assert hub in path.parents and COMMIT in path.parts
    assert hub_file("org/net", FILES) == hub_cached("org/net", "model.safetensors") == path  # the server is gone


def test_the_second_name_is_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = tmp_path / "pages" / "org" / "net"
    repository.mkdir(parents=True)
    (repository / "pytorch_model.bin").write_bytes(CONTENT)
    with served(tmp_path / "pages") as address:
        caches(monkeypatch, tmp_path, address)
        assert hub_file("org/net", FILES).read_bytes() == CONTENT
        with pytest.raises(CheckpointError, match=r"^The repository 'org/net' of the Hugging Face hub has no file a or b\.$"):
            hub_file("org/net", ("a", "b"))
        with pytest.raises(CheckpointError, match="hub has no repository 'org/other' that may be read from here"):
            hub_file("org/other", FILES)


def test_a_page_is_fetched_once_and_held_to_its_hash(tmp_path: Path, release: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, folder = caches(monkeypatch, tmp_path)
    with served(release) as address:
        url = f"{address}/download/net-{HASH}.pth"
        assert url_cached(url) is None
        assert url_file(url) == url_path(url) == folder / f"net-{HASH}.pth"
        with pytest.raises(CheckpointError, match=r"^The file net-12345678\.pth arrived damaged \(RuntimeError: invalid hash value"):
            url_file(f"{address}/download/net-12345678.pth")
    assert url_file(url).read_bytes() == CONTENT
    assert [path.name for path in folder.iterdir()] == [f"net-{HASH}.pth"]


@pytest.mark.parametrize("name", ["", "a/b/c", "../net", "a b", "-/-"])
def test_what_is_no_repository_is_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    caches(monkeypatch, tmp_path)
    with pytest.raises(CheckpointError, match="is not the name of a repository; expected ORGANISATION/NAME"):
        hub_file(name, FILES)


def out_of_reach(seconds: float, address: str) -> None:
    """Both kinds of weights fail soon, and name their place and the ways out."""
    for fetch, place in (
        (lambda: hub_file("org/net", FILES), Path(constants.HF_HUB_CACHE) / "models--org--net"),
        (lambda: url_file(f"{address}/net-{HASH}.pth"), url_path(f"net-{HASH}.pth").parent),
    ):
        started = time.perf_counter()
        with pytest.raises(CheckpointError) as refused:
            fetch()
        assert time.perf_counter() - started < seconds
        sentence = str(refused.value)
        assert f"Its place is {place}: load the network once on a machine with a connection and copy that folder" in sentence
        assert "weights=None" in sentence and "arch=" in sentence and "\n" not in sentence


def test_without_a_connection_it_fails_within_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Left to itself, huggingface_hub tries for 24 s."""
    caches(monkeypatch, tmp_path, NOBODY)
    out_of_reach(3, NOBODY)


def test_a_server_that_never_answers_is_left_within_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Left to itself, torch.hub waits for ever."""
    assert downloads.PATIENCE <= 5
    monkeypatch.setattr(downloads, "PATIENCE", 0.5)
    with silent() as address:
        caches(monkeypatch, tmp_path, address)
        out_of_reach(3, address)


def test_offline_mode_is_respected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with served(tmp_path) as address:
        hub, _ = caches(monkeypatch, tmp_path, address)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
        with pytest.raises(CheckpointError, match=r"cannot be fetched .*offline mode is enabled"):
            hub_file("org/net", FILES)
        keep(hub, "org/net", nn.Linear(2, 2))
        assert hub_file("org/net", FILES).is_file()
