"""A map laid over the picture, as pixels: NumPy and Pillow only, so that it is fast enough for a slider."""

from __future__ import annotations

import base64
from functools import lru_cache
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image
from plotly.colors import sequential, unlabel_rgb

__all__ = ["COLORMAPS", "beneath", "data_uri", "glow", "overlay", "resized", "shrunk"]

# jet is no good scale (it has edges where the data have none), but the papers' figures are made with it
COLORMAPS: dict[str, list[str]] = {
    "cividis": sequential.Cividis,
    "viridis": sequential.Viridis,
    "magma": sequential.Magma,
    "jet": ["#000080", "#0000ff", "#007fff", "#00ffff", "#7fff7f", "#ffff00", "#ff7f00", "#ff0000", "#800000"],
}

LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601
DIMMED = 0.7
LIT = np.array([253, 231, 37])  # the bright end of viridis


def _rgb(colour: str) -> tuple[float, ...]:
    if colour.startswith("#"):
        return tuple(float(int(colour[at : at + 2], 16)) for at in (1, 3, 5))
    return tuple(float(part) for part in unlabel_rgb(colour))


@lru_cache(maxsize=8)
def table(colormap: str) -> np.ndarray:
    """256 colours from low to high, (256, 3) uint8."""
    if colormap not in COLORMAPS:
        raise ValueError(f"unknown colour map {colormap!r}; choose from {tuple(COLORMAPS)}")
    stops = np.array([_rgb(colour) for colour in COLORMAPS[colormap]])
    places = np.linspace(0, 1, len(stops))
    channels = [np.interp(np.linspace(0, 1, 256), places, stops[:, channel]) for channel in range(3)]
    colours = np.stack(channels, axis=1).round().astype(np.uint8)
    colours.flags.writeable = False
    return colours


def resized(values: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """The map brought to (H, W) by bilinear interpolation, which cannot leave the range of its values."""
    height, width = shape
    image = Image.fromarray(np.ascontiguousarray(values, dtype=np.float32))
    return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))


def overlay(image: np.ndarray, values: np.ndarray, opacity: float = 0.5, colormap: str = "cividis") -> np.ndarray:
    """The picture (H, W, 3) with the map (h, w) in [0, 1] over it in colours, (H, W, 3) uint8."""
    places = (resized(values, image.shape[:2]).clip(0, 1) * 255).round().astype(np.uint8)
    mixed = np.take(float(opacity) * table(colormap), places, axis=0)
    mixed += (1 - opacity) * image.astype(np.float32)
    return np.rint(mixed, out=mixed).astype(np.uint8)


def glow(image: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The picture in grey, alight where the map is high, (H, W, 3) uint8: at the size of a thumbnail a single colour is read at once."""
    grey, light = image @ LUMA, resized(values, image.shape[:2]).clip(0, 1)
    dimmed, bright = (1 - light) * DIMMED * grey, 0.55 + 0.45 * grey / 255
    mixed = np.stack([dimmed + light * each * bright for each in LIT], axis=-1)  # whole planes: NumPy is slow along an axis of 3
    return np.asarray(mixed.round().astype(np.uint8))


def shrunk(image: np.ndarray, longest: int) -> np.ndarray:
    """The picture with its longer side at most so many pixels."""
    picture = Image.fromarray(image)
    picture.thumbnail((longest, longest), Image.Resampling.BILINEAR)
    return np.asarray(picture)


def data_uri(image: np.ndarray, quality: int = 80) -> str:
    """The picture as a JPEG that fits into a figure's JSON."""
    buffer = BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=quality)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def beneath(pixels: np.ndarray, size: tuple[int, int] | None = None, left: float = 0.0) -> dict[str, Any]:
    """The picture as the layer under a figure's marks: its upper left corner at (left, 0), as large as its pixels or as `size` (H, W)."""
    height, width = size or pixels.shape[:2]
    place = {"xref": "x", "yref": "y", "x": left, "y": 0, "sizex": width, "sizey": height, "sizing": "stretch", "layer": "below"}
    return {"source": data_uri(pixels, 90), **place}
