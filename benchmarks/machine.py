"""The machine that figures come from, in words that name neither a host nor a path."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

__all__ = ["machine"]

PACKAGES = ("torch", "streamlit", "captum", "grad-cam", "torchcam", "torchlens")


def machine() -> dict[str, object]:
    """Processor, threads, and the versions of what ran."""
    return {
        "processor": _processor(),
        "logical_processors": os.cpu_count(),
        "threads_used": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in PACKAGES},
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    listed = Path("/proc/cpuinfo")
    lines = listed.read_text().splitlines() if listed.exists() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())
