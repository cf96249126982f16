"""A picture with its centre enlarged, and the whole picture as soft as that makes it: what sevis.sweeps does to tensors, for pixels."""

from __future__ import annotations

import numpy as np
from PIL import Image

__all__ = ["blurred", "enlarged"]


def enlarged(pixels: np.ndarray, zoom: float) -> np.ndarray:
    """The central 1 / zoom of both sides of a picture (H, W, 3) uint8, in whole pixels, enlarged to its size."""
    height, width = _shrunk(pixels, zoom)
    top, left = (pixels.shape[0] - height) // 2, (pixels.shape[1] - width) // 2
    return _resized(pixels[top : top + height, left : left + width], pixels.shape[:2])


def blurred(pixels: np.ndarray, zoom: float) -> np.ndarray:
    """The whole picture (H, W, 3) uint8, shrunk to 1 / zoom of both sides and enlarged again."""
    return _resized(_resized(pixels, _shrunk(pixels, zoom)), pixels.shape[:2])


def _shrunk(pixels: np.ndarray, zoom: float) -> tuple[int, int]:
    height, width = (max(round(side / zoom), 1) for side in pixels.shape[:2])
    return height, width


def _resized(pixels: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    if pixels.shape[:2] == size:
        return pixels
    return np.asarray(Image.fromarray(pixels).resize((size[1], size[0]), Image.Resampling.BICUBIC))
