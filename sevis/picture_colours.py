"""From however a picture's pixels are stored to red, green and blue of eight bits, with notes on how they came about."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image

from sevis.picture_refusals import refusal

__all__ = ["BITS", "CONVERSIONS", "PLANES", "SIDE_KEPT", "smaller", "tiff_tag"]

# a shorter side of twice this or more is averaged down: no network looks at more, and 25 million pixels are 100 MB in Pillow
SIDE_KEPT = 1024

BITS, SAMPLE_FORMAT, PHOTOMETRIC, PLANES = 258, 339, 262, 284  # tags of TIFF
Converted = tuple[Image.Image, tuple[str, ...]]  # an image and the notes on how it came about


def smaller(image: Image.Image) -> Image.Image:
    """The image averaged down by the largest whole factor that leaves both sides SIDE_KEPT; itself if that is 1."""
    factor = min(image.size) // SIDE_KEPT
    return image.reduce(factor) if factor > 1 else image


def _colours(image: Image.Image) -> Converted:
    """Red, green and blue, laid over white where they are not opaque."""
    if not image.has_transparency_data:
        return (image if image.mode == "RGB" else image.convert("RGB")), ()  # convert() would copy 100 MB
    rgba = smaller(image if image.mode == "RGBA" else image.convert("RGBA"))
    if rgba.getchannel("A").getextrema() == (255, 255):
        return rgba.convert("RGB"), ()
    white = Image.new("RGBA", rgba.size, "white")
    return Image.alpha_composite(white, rgba).convert("RGB"), ("Transparent parts were laid over white.",)


def _other_colours(image: Image.Image) -> Converted:
    """Red, green and blue from another colour space; a profile in the file is not applied."""
    return image.convert("RGB"), (f"{image.mode} colours were converted to red, green and blue.",)


def _sixteen_bits(image: Image.Image) -> Converted:
    """Grey from 0..65535, or from 0..4095 in a TIFF that says so; Pillow's own conversion clips at 255."""
    bits = tiff_tag(image, BITS, 16)
    values, top = np.asarray(image), 2**bits - 1
    grey, note = _grey(image, values, (0, top)), f"{bits}-bit values were rescaled from 0..{top}."
    if "transparency" not in image.info:
        return grey, (note,)
    grey.paste("white", mask=Image.fromarray(values == image.info["transparency"]))
    return grey, (note, "Transparent parts were laid over white.")


def _integers(image: Image.Image) -> Converted:
    """Grey from 0..255 where all values lie there, otherwise from the picture's own range."""
    values = np.asarray(image)
    if tiff_tag(image, BITS, 0) == 32 and tiff_tag(image, SAMPLE_FORMAT, 1) == 1:
        values = values.view(np.uint32)  # Pillow has no unsigned 32-bit mode and takes the upper half for negative numbers
    return _own_range(image, values, 255)


def _floats(image: Image.Image) -> Converted:
    """Grey from 0..1 where all values lie there, otherwise from the picture's own range."""
    values = np.asarray(image)
    if strange := int(values.size - np.isfinite(values).sum()):
        raise refusal("not-finite", count=strange)
    return _own_range(image, values, 1)


def _own_range(image: Image.Image, values: np.ndarray, usual: int) -> Converted:
    """Grey from 0..usual where all values lie there, otherwise from the smallest to the largest."""
    low, high = float(values.min()), float(values.max())
    if low >= 0 and high <= usual:
        low, high = 0, usual
    return _grey(image, values, (low, high)), (f"Grey values were rescaled from {low:g}..{high:g}.",)


def _grey(image: Image.Image, values: np.ndarray, span: tuple[float, float]) -> Image.Image:
    """The values as grey, span becoming 0..255; a picture of one single value is black."""
    low, high = span
    factor = 255 / (high - low) if high > low else 0.0
    grey = np.empty(values.shape, np.uint8)
    for rows, out in zip(np.array_split(values, 64), np.array_split(grey, 64), strict=True):  # in strips, for doubles need 8 bytes each
        out[:] = np.rint((rows.astype(np.float64) - low) * factor)
    # In a TIFF whose 0 is white Pillow turns 8-bit values about, but not deeper ones.
    return Image.fromarray(255 - grey if tiff_tag(image, PHOTOMETRIC, 1) == 0 else grey).convert("RGB")


def tiff_tag(image: Image.Image, tag: int, default: int) -> int:
    """The first number in a TIFF file's tag, or the default where there is none."""
    value = getattr(image, "tag_v2", {}).get(tag, default)
    return int(value[0] if isinstance(value, tuple) else value)


CONVERSIONS: dict[str, Callable[[Image.Image], Converted]] = {
    **dict.fromkeys(("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "RGBa"), _colours),
    **dict.fromkeys(("CMYK", "HSV", "LAB", "YCbCr"), _other_colours),
    **dict.fromkeys(("I;16", "I;16B", "I;16L", "I;16N"), _sixteen_bits),
    "La": lambda image: _colours(image.convert("LA")),  # the one way from here that Pillow knows
    "I": _integers,
    "F": _floats,
}
