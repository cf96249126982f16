"""Whether weights are on this machine already: where huggingface_hub and torch.hub keep them. No torch, no network."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from urllib.parse import urlparse

__all__ = ["hub_cached", "hub_folder", "revision_of", "url_cached", "url_path"]


def hub_cached(repository: str, filename: str) -> Path | None:
    """A file of a repository of the Hugging Face hub, as in ("timm/resnet18.a1_in1k", "model.safetensors"), if it is on this machine.

    Raises:
        ValueError: that is not the name of a repository.
    """
    from huggingface_hub import try_to_load_from_cache

    name, revision = revision_of(repository)
    found = try_to_load_from_cache(name, filename, revision=revision)
    return Path(found) if isinstance(found, str) else None


def hub_folder(repository: str) -> Path:
    """Where a repository of the hub belongs."""
    from huggingface_hub.constants import HF_HUB_CACHE

    return Path(HF_HUB_CACHE) / f"models--{revision_of(repository)[0].replace('/', '--')}"


def revision_of(repository: str) -> tuple[str, str | None]:
    """Name and revision, as in ORGANISATION/NAME@REVISION."""
    name, _, revision = repository.partition("@")
    return name, revision or None


def url_cached(url: str) -> Path | None:
    """The file of that address, if torch.hub has it on this machine."""
    return path if (path := url_path(url)).is_file() else None


def url_path(url: str) -> Path:
    """Where torch.hub keeps the file of that address."""
    return _torch_hub() / "checkpoints" / Path(urlparse(url).path).name


def _torch_hub() -> Path:
    """torch.hub's folder; where torch is not loaded, found as torch would find it, so that a list of networks need not load it."""
    if "torch" in sys.modules:
        from torch.hub import get_dir

        return Path(get_dir())
    caches = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    return Path(os.environ.get("TORCH_HOME", Path(caches) / "torch")).expanduser() / "hub"
