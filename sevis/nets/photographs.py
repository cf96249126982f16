"""Labelled photographs in memory: a folder or a tar of train/<class>/*.jpg and val/<class>/*.jpg."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image, ImageOps

__all__ = ["Photographs", "load_photographs"]

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp"}


@dataclass(frozen=True)
class Photographs:
    """Square photographs of one split.

    Attributes:
        pixels: (N, 3, S, S) uint8.
        labels: (N,) int64, index into classes.
        classes: names, sorted.
    """

    pixels: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.labels)


def load_photographs(source: str | Path, split: str, side: int) -> Photographs:
    """Every photograph of a split, fitted to a square by a centre crop, in the order of their names.

    Args:
        source: a folder or a .tar that holds <split>/<class>/<picture>.
        split: "train" or "val".
        side: S, in pixels.

    Raises:
        FileNotFoundError: the source is missing or has no such split.
    """
    files = sorted(_files(Path(source), split), key=lambda file: file[:2])
    if not files:
        raise FileNotFoundError(f"{source} holds no {split}/<class>/*.jpg; expected a folder or a tar laid out like that")
    classes = tuple(sorted({label for label, _, _ in files}))
    pixels = np.stack([_square(data, side) for _, _, data in files])
    return Photographs(pixels, np.array([classes.index(label) for label, _, _ in files]), classes)


def _files(source: Path, split: str) -> Iterator[tuple[str, str, bytes]]:
    """(class, name, bytes) of each picture of a split."""
    reader = _tar_files if source.suffix == ".tar" else _folder_files
    for path, data in reader(source):
        if path.suffix.lower() in SUFFIXES and len(path.parts) >= 3 and path.parts[-3] == split:
            yield path.parts[-2], path.name, data


def _tar_files(source: Path) -> Iterator[tuple[PurePosixPath, bytes]]:
    with tarfile.open(source) as archive:
        for member in archive:
            file = archive.extractfile(member)
            if file is not None:
                yield PurePosixPath(member.name), file.read()


def _folder_files(source: Path) -> Iterator[tuple[Path, bytes]]:
    for path in source.rglob("*"):
        if path.is_file():
            yield path.relative_to(source), path.read_bytes()


def _square(data: bytes, side: int) -> np.ndarray:
    image = Image.open(BytesIO(data)).convert("RGB")
    return np.asarray(ImageOps.fit(image, (side, side), Image.Resampling.BICUBIC)).transpose(2, 0, 1)
