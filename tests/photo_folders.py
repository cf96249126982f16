"""Small data sets on disk, in every layout that a scan reads."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image

from sevis.inspector import Inspector
from tests import tiny_networks

__all__ = ["broken", "class_folders", "inspector", "jpeg", "jpegs", "tar_of", "write"]

SIDE = 16


def inspector(seed: int = 0) -> Inspector:
    """A network with four SE blocks that sees 16 x 16 pixels."""
    return Inspector(tiny_networks.network(tiny_networks.short(tiny_networks.se_net(seed=seed)), SIDE))


def jpegs(count: int, seed: int = 1) -> list[bytes]:
    """The files of so many different pictures."""
    return [jpeg(Image.fromarray(pixels)) for pixels in tiny_networks.pictures(count, SIDE, seed)]


def jpeg(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG")
    return file.getvalue()


def broken() -> bytes:
    """A JPEG that was cut short."""
    return jpegs(1)[0][:200]


def write(root: Path, files: Mapping[str, bytes]) -> Path:
    """The folder with these files."""
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


def class_folders(root: Path, count: int, classes: Sequence[str] = ("cat", "bee", "yak")) -> Path:
    """Pictures in class folders, in turn; the network knows the first two classes and not the third."""
    return write(root, {f"{classes[n % len(classes)]}/{n:03d}.jpg": content for n, content in enumerate(jpegs(count))})


def tar_of(path: Path, files: Mapping[str, bytes], mode: str = "w") -> Path:
    """A tar with these files."""
    with tarfile.open(path, mode) as tar:  # type: ignore[call-overload]
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path
